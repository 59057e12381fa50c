//! What a board sustains: small messages, one-shot rounds, a stream of large Writes.
//!
//! Hosts are as quick as can be: they look at their queues in every cycle and post at once. Cycles are taken at the
//! receiving host's interface over the last three quarters of a run, so that filling the pipes does not count.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure, Context, Result};
use rnic_abi::wire::{link, MPA_CRC_BYTES, MPA_LENGTH_BYTES, TAGGED_HEADER_BYTES};
use rnic_abi::Stag;
use rnic_driver::channel::Event;
use rnic_driver::command::{Access, Message};
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::{Descriptor, Remote};
use rnic_driver::one_shot::Request;
use rnic_sim::bus_monitor::BusEvent;
use rnic_sim::model::Gateware;
use rnic_tests::RigOptions;

use crate::figure::{Figure, Limit, Report};
use crate::stage::{Stage, LIMIT_CYCLES, MESSAGE_BYTES};

/// Messages of a run.
const MESSAGES: usize = 400;
/// Large Writes of a run, and the bytes of each.
const WRITES: usize = 4;
const WRITE_BYTES: usize = 64 << 10;
/// Budgets: cycles a message, cycles a round, part of what framing allows.
const MESSAGE_CYCLES: f64 = 40.0;
const ROUND_CYCLES: f64 = 48.0;
const FRAMING_PART: f64 = 0.9;
/// DMA latency of the second set of rows.
const LATENCY: u32 = 100;

/// What crosses in a run of small messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Small {
    Send,
    Write,
}

/// Measures all of it, without and with DMA latency; budgets hold without.
pub fn measure(report: &mut Report, gateware: Gateware) -> Result<()> {
    let config = gateware.config();
    let segment = config.max_segment_bytes as f64;
    let header_bytes = MPA_LENGTH_BYTES + TAGGED_HEADER_BYTES + MPA_CRC_BYTES;
    let header_words = link::HEADER_WORDS + header_bytes / 4;
    let framing = segment / 4.0 / (segment / 4.0 + header_words as f64);
    report.note(&format!(
        "framing: {segment} payload bytes and {header_words} header words a frame allow {framing:.4} payload words a cycle"
    ));
    for latency in [0, LATENCY] {
        let mut options = RigOptions::ideal(gateware);
        options.timing.dma_latency = latency;
        options.poll_cycles = 1;
        let (suffix, budgets) = match latency {
            0 => (String::new(), true),
            _ => (format!(", DMA latency {latency}"), false),
        };
        let mut row = |name: &str, unit, budget: f64, limit, measure: Measure| {
            let name = format!("{name}{suffix}");
            report.attempt(&name, || {
                let mut stage = Stage::new(options)?;
                let value = stage.explain(measure)?;
                Ok(Figure {
                    budget: budgets.then_some(budget),
                    ..Figure::plain(name.as_str(), value, unit, limit)
                })
            });
        };
        for (kind, name) in [(Small::Send, "Send"), (Small::Write, "Write")] {
            for (senders, ways) in [(&[0][..], "one direction"), (&[0, 1][..], "both at once")] {
                row(
                    &format!("sustained {name} of 64 B, {ways}, per direction"),
                    "cycles/message",
                    MESSAGE_CYCLES,
                    Limit::Max,
                    &|stage| messages(stage, kind, senders),
                );
            }
        }
        row(
            "sustained one-shot round, 64 B message and reply, per side",
            "cycles/round",
            ROUND_CYCLES,
            Limit::Max,
            &one_shots,
        );
        row(
            "Write of 64 KiB, payload words per cycle",
            "words/cycle",
            FRAMING_PART * framing,
            Limit::Min,
            &large_writes,
        );
    }
    Ok(())
}

/// What is measured on a stage of its own.
type Measure<'a> = &'a dyn Fn(&mut Stage) -> Result<f64>;

/// Cycles a one-shot round, from reply to reply at the initiator.
fn one_shots(stage: &mut Stage) -> Result<f64> {
    let rounds = Rounds {
        count: MESSAGES,
        under_way: usize::MAX,
        written_bytes: 0,
    };
    stage.record();
    rounds.run(stage)?;
    let marks = stage.marks(0);
    let initiator = &stage.memory[0];
    let replied = marks.iter().filter_map(|(cycle, event)| match *event {
        BusEvent::DmaWriteLast(iova, bytes) if initiator.ends_reply(iova, bytes) => Some(*cycle),
        _ => None,
    });
    steady(&replied.collect::<Vec<_>>())
}

/// Cycles a message; of two directions the slower one's.
fn messages(stage: &mut Stage, kind: Small, senders: &[usize]) -> Result<f64> {
    let in_flight = stage.in_flight();
    if kind == Small::Send {
        stage.post_all_receives(0)?;
        stage.post_all_receives(1)?;
    }
    stage.settle()?;
    stage.record();
    let (mut posted, mut done) = ([0; 2], [0; 2]);
    let limit = stage.rig.sim.cycles() + LIMIT_CYCLES;
    while senders.iter().any(|&side| done[side] < MESSAGES) {
        ensure!(stage.rig.sim.cycles() < limit, "{done:?} messages done");
        for &side in senders {
            while posted[side] < MESSAGES && posted[side] - done[side] < in_flight {
                let descriptor = match kind {
                    Small::Send => Descriptor::send(vec![stage.memory[side]
                        .source
                        .segment(0, MESSAGE_BYTES)?]),
                    Small::Write => {
                        let slot = posted[side] % 64;
                        stage.write(side, slot * MESSAGE_BYTES, MESSAGE_BYTES)?
                    }
                };
                let vi = stage.channel(side).vi_mut();
                vi.post_send(&descriptor, 0)?;
                posted[side] += 1;
            }
        }
        for side in 0..2 {
            while let Some(event) = stage.channel(side).poll()? {
                let Event::Done(finished) = event else {
                    bail!("a one-shot's completion that nobody posted");
                };
                finished.outcome.ok()?;
                match finished.kind {
                    Kind::Receive => stage.post_receive(side, finished.reference as usize)?,
                    _ => done[side] += 1,
                }
            }
        }
    }
    stage.settle()?;
    let mut slowest = 0.0_f64;
    for &side in senders {
        let receiver = &stage.memory[1 - side];
        let marks = stage.marks(1 - side);
        let arrived = marks.iter().filter_map(|(cycle, event)| match *event {
            BusEvent::DmaWriteLast(iova, bytes)
                if receiver.ends_received(iova, bytes) || receiver.in_sink(iova) =>
            {
                Some(*cycle)
            }
            _ => None,
        });
        let arrived: Vec<u64> = arrived.collect();
        ensure!(
            arrived.len() == MESSAGES,
            "{} of {MESSAGES} messages in memory",
            arrived.len()
        );
        slowest = slowest.max(steady(&arrived)?);
    }
    Ok(slowest)
}

/// Payload words a cycle of a stream of large Writes.
fn large_writes(stage: &mut Stage) -> Result<f64> {
    stage.settle()?;
    stage.record();
    for index in 0..WRITES {
        let descriptor = stage.write(0, index * WRITE_BYTES, WRITE_BYTES)?;
        let vi = stage.pair.initiator.vi_mut();
        vi.post_send(&descriptor, index as u64)?;
    }
    stage.settle()?;
    for _ in 0..WRITES {
        match stage.expect(0)? {
            Event::Done(done) => done.outcome.ok()?,
            other => bail!("instead of a Write's completion: {other:?}"),
        };
    }
    let receiver = &stage.memory[1];
    let marks = stage.marks(1);
    let bursts = marks.iter().filter_map(|&(cycle, event)| match event {
        BusEvent::DmaWriteLast(iova, bytes) if receiver.in_sink(iova) => Some((cycle, bytes)),
        _ => None,
    });
    let bursts: Vec<(u64, u32)> = bursts.collect();
    let bytes: u32 = bursts.iter().map(|burst| burst.1).sum();
    ensure!(
        bytes as usize == WRITES * WRITE_BYTES,
        "{bytes} bytes in memory"
    );
    let steady = &bursts[bursts.len() / 4..];
    let bytes: u32 = steady[1..].iter().map(|burst| burst.1).sum();
    Ok(f64::from(bytes) / 4.0 / (steady[steady.len() - 1].0 - steady[0].0) as f64)
}

/// Cycles between events, without the first quarter of them.
fn steady(cycles: &[u64]) -> Result<f64> {
    let steady = &cycles[cycles.len() / 4..];
    match steady {
        [first, .., last] => Ok((last - first) as f64 / (steady.len() - 1) as f64),
        _ => bail!("only {} events", cycles.len()),
    }
}

/// One-shot rounds, several under way: message, a Write of the responder if wanted, Send with Invalidate.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// How many.
    pub count: usize,
    /// At most so many at once.
    pub under_way: usize,
    /// Bytes that the responder writes in each.
    pub written_bytes: usize,
}

impl Rounds {
    /// Runs them, from empty receive queues.
    pub fn run(self, stage: &mut Stage) -> Result<Vec<Duration>> {
        stage.post_all_receives(1)?;
        self.run_with_receives(stage)
    }

    /// Runs them on the receives that the responder has, which are replaced; it answers in the order of the messages. The
    /// wall time of each, from post to completion.
    pub fn run_with_receives(self, stage: &mut Stage) -> Result<Vec<Duration>> {
        let under_way = self.under_way.min(stage.in_flight());
        let advertised = self.written_bytes.max(MESSAGE_BYTES);
        let mut free: Vec<usize> = (0..under_way).collect();
        let mut waiting: VecDeque<(Stag, usize)> = VecDeque::new();
        let mut started = vec![Instant::now(); under_way];
        let mut times = Vec::new();
        let mut posted = 0;
        let limit = stage.rig.sim.cycles() + LIMIT_CYCLES;
        while times.len() < self.count {
            ensure!(
                stage.rig.sim.cycles() < limit,
                "{} of {} rounds done",
                times.len(),
                self.count
            );
            while posted < self.count && stage.board(0).free_slots() > 0 {
                let Some(index) = free.pop() else { break };
                started[index] = Instant::now();
                self.post(stage, index, advertised)?;
                posted += 1;
            }
            let limit = if self.written_bytes == 0 { 1 } else { 2 };
            while stage.pair.responder.vi().send_space() >= limit && stage.board(1).free_slots() > 0
            {
                let Some((stag, index)) = waiting.pop_front() else {
                    break;
                };
                self.answer(stage, stag, index, advertised)?;
            }
            let mut idle = true;
            while let Some(event) = stage.pair.initiator.poll()? {
                idle = false;
                let Event::OneShot(completed) = event else {
                    bail!("{event:?} at the initiator");
                };
                completed.failure.map_or(Ok(()), Err)?;
                let index = completed.reference as usize;
                times.push(started[index].elapsed());
                free.push(index);
            }
            while let Some(event) = stage.pair.responder.poll()? {
                idle = false;
                let Event::Done(finished) = event else {
                    bail!("{event:?} at the responder");
                };
                finished.outcome.ok()?;
                if finished.kind != Kind::Receive {
                    continue;
                }
                let place = finished.reference as usize;
                let stag = finished
                    .advertised
                    .context("a message without an advertised STag")?;
                let message = stage.memory[1].received.buffer(place)?.to_vec(0, 1)?;
                waiting.push_back((stag, message[0].into()));
                stage.post_receive(1, place)?;
            }
            if idle {
                // Boards with a clock of their own want the processor.
                std::thread::yield_now();
            }
        }
        // The last replies' completions.
        stage.settle()?;
        while stage.pair.responder.poll()?.is_some() {}
        Ok(times)
    }

    fn post(self, stage: &mut Stage, index: usize, advertised: usize) -> Result<()> {
        let initiator = &stage.memory[0];
        let range = index * advertised..(index + 1) * advertised;
        let request = Request {
            reply: Some(initiator.replies.reply(index)?),
            ..Request::new(
                initiator.sink_memory.slice(range)?.into(),
                Access::REMOTE_WRITE,
                index as u64,
            )
        };
        let message = Message::Inline(vec![index as u8; MESSAGE_BYTES]);
        stage.pair.initiator.one_shot(request, message)?;
        Ok(())
    }

    fn answer(self, stage: &mut Stage, stag: Stag, index: usize, advertised: usize) -> Result<()> {
        let sink = stage.memory[0].sink_memory.iova().0;
        let source = &stage.memory[1].source;
        let vi = stage.pair.responder.vi_mut();
        if self.written_bytes > 0 {
            let remote = Remote {
                va: sink + (index * advertised) as u64,
                handle: stag,
            };
            let source = source.segment(0, self.written_bytes)?;
            vi.post_send(&Descriptor::rdma_write(remote, vec![source]), 0)?;
        }
        vi.send_invalidate(stag, Message::Inline(vec![0xA5; MESSAGE_BYTES]), false, 0)?;
        Ok(())
    }
}
