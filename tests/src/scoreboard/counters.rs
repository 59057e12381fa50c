//! Counters: what every counter of every board must be, from the wire (tapped frames), the bus monitor and what was told.

use std::collections::BTreeMap;

use rnic_abi::step::{Counter, Step};
use rnic_driver::board::Counters;

use super::{Scoreboard, Strictness};
use crate::frames::kind;
use crate::rig::Rig;

/// What is expected of counters, by host.
#[derive(Default)]
pub(super) struct Expected {
    /// Error counters, by host and index.
    errors: BTreeMap<(usize, usize), u64>,
    apart: BTreeMap<usize, Apart>,
}

/// What the commands on the bus did not do as their opcodes say.
#[derive(Clone, Copy, Debug, Default)]
struct Apart {
    /// Commands posted past the driver.
    raw: u64,
    /// Entries of the ring that the board had to drop.
    dropped: u64,
    /// REGISTERs and ONE_SHOTs that bound nothing.
    unbound: u64,
    /// INVALIDATEs and ONE_SHOTs that released nothing, less other commands that released something.
    unreleased: i64,
    /// Doorbells that found their queue full.
    doorbells: u64,
}

impl Scoreboard {
    /// A counter must move `times` more than it would in a scenario without errors.
    pub fn expect(&mut self, host: usize, counter: Counter, times: u64) {
        *self
            .counters
            .errors
            .entry((host, counter.index()))
            .or_default() += times;
    }

    /// Commands were posted past a host's driver, of which the board had to drop some as entries of the ring.
    pub fn expect_raw(&mut self, host: usize, posted: u64, dropped: u64) {
        let apart = self.counters.apart.entry(host).or_default();
        apart.raw += posted;
        apart.dropped += dropped;
    }

    /// So many commands that bind bound nothing, and so many that release released nothing (less those that did although it
    /// is not their work: a fault found behind the bind takes it back).
    pub fn expect_tpt(&mut self, host: usize, unbound: u64, unreleased: i64) {
        let apart = self.counters.apart.entry(host).or_default();
        apart.unbound += unbound;
        apart.unreleased += unreleased;
    }

    /// A doorbell finds its queue full: it is dropped.
    pub fn expect_overrun(&mut self, host: usize) {
        self.counters.apart.entry(host).or_default().doorbells += 1;
        self.expect(host, Counter::QueueOverruns, 1);
    }

    /// A host's board and driver are new: what was expected of the old ones no longer is.
    pub fn forget_counters(&mut self, host: usize) {
        self.counters.errors.retain(|&(of, _), _| of != host);
        self.counters.apart.remove(&host);
    }

    /// Compares the counters of every host with the model. The boards must be at rest.
    pub fn check_counters(&self, rig: &Rig, strictness: Strictness) -> Result<(), String> {
        for (index, host) in rig.hosts.iter().enumerate() {
            let counters = host.board.observer().counters();
            let counters = counters.map_err(|error| format!("board {index}: {error}"))?;
            // After the loads: a status-line write that waited for a quiet bus may come while they run.
            let bus = host.counts();
            let peer = if rig.options.loopback {
                index
            } else {
                index ^ 1
            };
            let sent = |board, kind| rig.tap.sent(board, kind, host.first_frame);
            let (data, acks, raws) = (
                sent(index, kind::DATA),
                sent(index, kind::ACK),
                sent(index, kind::RAW),
            );
            let got = sent(peer, kind::DATA);
            let mut wrong = Vec::new();
            let mut compare = |name: &str, found: u64, expected: u64| {
                if found != expected {
                    wrong.push(format!("{name} is {found}, must be {expected}"));
                }
            };
            let apart = self.counters.apart.get(&index).copied().unwrap_or_default();
            let entries = u64::from(host.board.commands_posted()) + apart.raw;
            compare("ring entries on the bus", bus.commands, entries);
            let posted = entries - apart.dropped;
            for step in [Step::CommandPost, Step::CommandFetch] {
                compare(step.name(), counters.step(step), posted);
            }
            let doorbells = bus.doorbells - apart.doorbells;
            compare("doorbell", counters.step(Step::Doorbell), doorbells);
            compare("complete", counters.step(Step::Complete), bus.cqes);
            compare("dma_reads", counters.get(Counter::DmaReads), bus.dma_reads);
            compare(
                "dma_writes",
                counters.get(Counter::DmaWrites),
                bus.dma_writes,
            );
            compare(
                "interrupts",
                counters.get(Counter::Interrupts),
                bus.interrupts,
            );
            compare(
                "dma_read_errors on the bus",
                counters.get(Counter::DmaReadErrors),
                bus.dma_read_errors,
            );
            compare(
                "dma_write_errors on the bus",
                counters.get(Counter::DmaWriteErrors),
                bus.dma_write_faults,
            );
            let of = |name: &str| host.commands(name);
            compare(
                "tpt_bind",
                counters.step(Step::TptBind),
                of("register") + of("one_shot") - apart.unbound,
            );
            // Every one-shot that was bound is over when a scenario is checked.
            compare(
                "tpt_release",
                counters.step(Step::TptRelease),
                (of("invalidate") + of("one_shot")).saturating_add_signed(-apart.unreleased),
            );
            if !rig.options.loopback {
                compare("llp_send", counters.step(Step::LlpSend), data + acks + raws);
                compare("mpa_frame", counters.step(Step::MpaFrame), data);
                compare("ddp_insert", counters.step(Step::DdpInsert), data);
                compare("acks_sent", counters.get(Counter::AcksSent), acks);
            }
            if strictness == Strictness::Clean && !rig.options.loopback {
                let raw = sent(peer, kind::RAW);
                compare("llp_receive", counters.step(Step::LlpReceive), got + raw);
                compare("mpa_check", counters.step(Step::MpaCheck), got);
                compare("ddp_parse", counters.step(Step::DdpParse), got);
                compare("raw_received", counters.get(Counter::RawReceived), raw);
            }
            wrong.extend(self.wrong_errors(index, &counters, strictness));
            if !wrong.is_empty() {
                return Err(format!("board {index}: {}", wrong.join("; ")));
            }
        }
        Ok(())
    }

    /// Error counters of a host that are not what was expected, in words.
    pub fn wrong_errors(
        &self,
        host: usize,
        counters: &Counters,
        strictness: Strictness,
    ) -> Vec<String> {
        let watched = Counter::ALL.iter().filter(|c| is_error(**c, strictness));
        watched
            .filter_map(|&counter| {
                let expected = self.counters.errors.get(&(host, counter.index()));
                let (found, expected) = (counters.get(counter), expected.copied().unwrap_or(0));
                (found != expected)
                    .then(|| format!("{} is {found}, must be {expected}", counter.name()))
            })
            .collect()
    }
}

/// Counters that stay at zero unless a scenario says otherwise.
fn is_error(counter: Counter, strictness: Strictness) -> bool {
    match counter {
        Counter::AcksSent
        | Counter::RawReceived
        | Counter::Interrupts
        | Counter::DmaReads
        | Counter::DmaWrites => false,
        Counter::LinkHeaderErrors | Counter::LinkGaps | Counter::RawDropped => {
            strictness != Strictness::Lossy
        }
        Counter::LinkDuplicates | Counter::LinkRetransmits | Counter::Timeouts => {
            strictness == Strictness::Clean
        }
        Counter::Flushed | Counter::LinkUnknownVi => strictness != Strictness::Broken,
        _ => true,
    }
}
