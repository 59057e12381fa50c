//! Counts and time-stamps what crosses one board's host interface and wire, independently of driver and gateware.
//!
//! ```text
//! BAR stores, loads --+                       +--> BusCounts: snapshots, differences, phases
//! DMA reads, writes --+--> BusMonitor --------+--> Marks: (cycle, what), for latency figures
//! interrupts, frames -+                       +--> violations of the bus contract
//! ```
//! *Accesses, not words*: an 8-byte store is one MMIO write of two beats.
//!
//! *Payload*: a DMA read is payload if its bytes leave in a frame. The bus does not say which do, so the monitor looks: the
//! bytes of each finished read are searched in the frames that leave after it, oldest read first, each stretch of a frame
//! given to one read only. A read whose bytes have not left within `UNDECIDED_CYCLES`, or by the time the board is idle, is
//! not payload. So bytes must leave unchanged and contiguous, as payload does; a short read (a few bytes, zeros) can be
//! taken for payload by chance, a payload read of a frame that never leaves counts as none.
//!
//! *CQEs*: a write of 32 bytes into a range named by a `CREATE_CQ` in the command ring.
//!
//! *Phases*: a NOP command in the ring starts a new phase, labelled with its context. A phase counts from there to its last
//! CQE, so that a driver in another process can bracket what it wants counted. Phase 0 starts at the first one-shot
//! (its slot stores included) if no NOP came before.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Sub;

use rnic_abi::command::opcode;
use serde_json::{json, Value};

use crate::command_watch::{CommandWatch, Store};
use crate::model::{BarBeat, ReadRequest};

/// After so many cycles a read whose bytes did not leave is not payload (a segment takes a tenth of it).
const UNDECIDED_CYCLES: u64 = 16_384;
/// Violations kept; more say nothing new.
const VIOLATIONS: usize = 32;
/// Phases kept.
const PHASES: usize = 256;

macro_rules! counts {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        /// What crossed the interface up to some moment, or between two.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct BusCounts { $($(#[$meta])* pub $name: u64,)* }
        impl BusCounts {
            /// Every count under its name.
            pub fn to_json(&self) -> Value { json!({ $(stringify!($name): self.$name,)* }) }
        }
        impl Sub for BusCounts {
            type Output = Self;
            fn sub(self, earlier: Self) -> Self { Self { $($name: self.$name - earlier.$name,)* } }
        }
    };
}
counts! {
    /// Stores.
    mmio_writes,
    /// Their 32-bit beats.
    mmio_write_beats,
    /// Loads.
    mmio_reads,
    /// Ring entries completed.
    commands,
    /// Descriptor doorbells completed.
    doorbells,
    /// DMA reads answered.
    dma_reads,
    /// Their bytes.
    dma_read_bytes,
    /// DMA reads whose bytes left in a frame.
    dma_reads_payload,
    /// Their bytes.
    dma_read_bytes_payload,
    /// DMA reads whose bytes did not.
    dma_reads_nonpayload,
    /// DMA reads refused.
    dma_read_errors,
    /// DMA write bursts.
    dma_writes,
    /// Their bytes.
    dma_write_bytes,
    /// DMA write bursts refused.
    dma_write_faults,
    /// Bursts that were CQEs.
    cqes,
    /// Interrupt messages.
    interrupts,
    /// Frames sent.
    frames_out,
    /// Their words.
    words_out,
    /// Frames received.
    frames_in,
    /// Their words.
    words_in,
}

/// Something at the interface, for latency figures. Cycle of a frame or burst: that of the named word's handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusEvent {
    /// The last beat of a ring entry or descriptor doorbell.
    Doorbell,
    /// First word of a frame out.
    WireOutFirst,
    /// Last word of a frame out, and the frame's words.
    WireOutLast(u32),
    /// First word of a frame in.
    WireInFirst,
    /// Last word of a frame in, and the frame's words.
    WireInLast(u32),
    /// Last word of a DMA read.
    DmaReadLast(u32),
    /// Last word of a write burst that is no CQE: its address and bytes.
    DmaWriteLast(u64, u32),
    /// Last word of a CQE.
    CqeLast(u64),
    /// An interrupt message.
    Interrupt(u8),
}

/// A cycle and what happened in it.
pub type Mark = (u64, BusEvent);

/// A stretch between markers.
#[derive(Clone, Copy, Debug)]
struct Phase {
    label: u32,
    start: (u64, BusCounts),
    end: (u64, BusCounts),
}

#[derive(Debug)]
struct Undecided {
    cycle: u64,
    bytes: Vec<u8>,
}

/// The monitor of one board.
#[derive(Debug, Default)]
pub struct BusMonitor {
    counts: BusCounts,
    watch: CommandWatch,
    undecided: VecDeque<Undecided>,
    /// Where in a frame payload was last found: looked at first.
    usual_offset: usize,
    marks: Option<Vec<Mark>>,
    violations: Vec<String>,
    opcodes: BTreeMap<u8, u64>,
    phases: Vec<Phase>,
    /// Counts before the stores that prepare the next command.
    before_command: Option<(u64, BusCounts)>,
}

impl BusMonitor {
    /// The counts now. Reads not decided yet are in `dma_reads` only; `settle` decides them.
    pub fn snapshot(&self) -> BusCounts {
        self.counts
    }

    /// Decides what is undecided: bytes that have not left by now will not. To be called when the board is idle.
    pub fn settle(&mut self) {
        self.counts.dma_reads_nonpayload += self.undecided.len() as u64;
        self.undecided.clear();
    }

    /// Starts (or restarts, empty) the record of marks.
    pub fn record_marks(&mut self) {
        self.marks = Some(Vec::new());
    }

    /// The record of marks, in order.
    pub fn marks(&self) -> &[Mark] {
        self.marks.as_deref().unwrap_or_default()
    }

    /// Broken contracts of the bus, in words. Must be empty.
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Everything as JSON: `counts`, `commands` by opcode, `phases`, `violations`.
    pub fn to_json(&mut self) -> Value {
        self.settle();
        let phases: Vec<Value> = self
            .phases
            .iter()
            .map(|phase| {
                let mut counts = phase.end.1 - phase.start.1;
                counts.dma_reads_nonpayload = counts.dma_reads - counts.dma_reads_payload;
                json!({ "label": phase.label, "cycles": phase.end.0 - phase.start.0, "counts": counts.to_json() })
            })
            .collect();
        let commands: BTreeMap<String, u64> = self
            .opcodes
            .iter()
            .map(|(code, count)| (opcode_name(*code), *count))
            .collect();
        json!({
            "counts": self.counts.to_json(),
            "commands": commands,
            "phases": phases,
            "violations": self.violations,
        })
    }

    pub(crate) fn violation(&mut self, cycle: u64, what: String) {
        if self.violations.len() < VIOLATIONS {
            self.violations.push(format!("cycle {cycle}: {what}"));
        }
    }

    /// Forgets 4-byte stores and loads that the simulator made itself.
    pub(crate) fn uncount(&mut self, stores: u64, loads: u64) {
        self.counts.mmio_writes -= stores;
        self.counts.mmio_write_beats -= stores;
        self.counts.mmio_reads -= loads;
    }

    /// A store's beat was taken; `first` of its access.
    pub(crate) fn store(&mut self, cycle: u64, beat: &BarBeat, first: bool) {
        let before = (cycle, self.counts);
        self.counts.mmio_writes += u64::from(first);
        self.counts.mmio_write_beats += 1;
        match self.watch.store(beat) {
            Store::Ring(posted) => {
                self.counts.commands += 1;
                *self.opcodes.entry(posted.opcode).or_default() += 1;
                let prepared = self.before_command.take().unwrap_or(before);
                let now = (cycle, self.counts);
                match posted.opcode {
                    opcode::NOP => self.begin_phase(posted.context, now),
                    opcode::ONE_SHOT if self.phases.is_empty() => self.begin_phase(0, prepared),
                    _ => {}
                }
                self.mark(cycle, BusEvent::Doorbell);
            }
            Store::Descriptor => {
                self.counts.doorbells += 1;
                self.mark(cycle, BusEvent::Doorbell);
            }
            Store::Prepares => {
                self.before_command.get_or_insert(before);
            }
            Store::Other => {}
        }
    }

    /// A load was answered.
    pub(crate) fn load(&mut self) {
        self.counts.mmio_reads += 1;
    }

    /// The last word of a read has gone to the board; no bytes: refused.
    pub(crate) fn dma_read(&mut self, cycle: u64, request: &ReadRequest, bytes: Option<&[u8]>) {
        self.counts.dma_reads += 1;
        self.mark(cycle, BusEvent::DmaReadLast(request.bytes));
        self.expire(cycle);
        match bytes {
            Some(bytes) => {
                self.counts.dma_read_bytes += bytes.len() as u64;
                self.undecided.push_back(Undecided {
                    cycle,
                    bytes: bytes.to_vec(),
                });
            }
            None => {
                self.counts.dma_read_errors += 1;
                self.counts.dma_reads_nonpayload += 1;
            }
        }
    }

    /// The last word of a burst has come.
    pub(crate) fn dma_write(&mut self, cycle: u64, iova: u64, data: &[u8], stored: bool) {
        self.counts.dma_writes += 1;
        self.counts.dma_write_bytes += data.len() as u64;
        self.counts.dma_write_faults += u64::from(!stored);
        if self.watch.is_cqe(iova, data.len()) {
            self.counts.cqes += 1;
            if let Some(phase) = self.phases.last_mut() {
                phase.end = (cycle, self.counts);
            }
            self.mark(cycle, BusEvent::CqeLast(iova));
        } else {
            self.mark(cycle, BusEvent::DmaWriteLast(iova, data.len() as u32));
        }
    }

    pub(crate) fn interrupt(&mut self, cycle: u64, vector: u8) {
        self.counts.interrupts += 1;
        self.mark(cycle, BusEvent::Interrupt(vector));
    }

    pub(crate) fn frame_out(&mut self, cycle: u64, words: &[u32]) {
        self.counts.frames_out += 1;
        self.counts.words_out += words.len() as u64;
        self.mark(cycle, BusEvent::WireOutLast(words.len() as u32));
        if !self.undecided.is_empty() {
            self.find_payload(words);
        }
    }

    pub(crate) fn frame_in(&mut self, cycle: u64, words: usize) {
        self.counts.frames_in += 1;
        self.counts.words_in += words as u64;
        self.mark(cycle, BusEvent::WireInLast(words as u32));
    }

    #[inline]
    pub(crate) fn mark(&mut self, cycle: u64, event: BusEvent) {
        if let Some(marks) = &mut self.marks {
            marks.push((cycle, event));
        }
    }

    fn begin_phase(&mut self, label: u32, start: (u64, BusCounts)) {
        if self.phases.len() < PHASES {
            self.phases.push(Phase {
                label,
                start,
                end: start,
            });
        }
    }

    fn expire(&mut self, cycle: u64) {
        while let Some(read) = self.undecided.front() {
            if read.cycle + UNDECIDED_CYCLES > cycle {
                break;
            }
            self.undecided.pop_front();
            self.counts.dma_reads_nonpayload += 1;
        }
    }

    /// Looks for the bytes of undecided reads in a frame that has left.
    fn find_payload(&mut self, words: &[u32]) {
        let frame: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut taken: Vec<(usize, usize)> = Vec::new();
        let mut index = 0;
        while index < self.undecided.len() {
            let bytes = &self.undecided[index].bytes;
            match place_in(&frame, bytes, &taken, self.usual_offset) {
                Some(at) => {
                    if taken.is_empty() {
                        self.usual_offset = at;
                    }
                    taken.push((at, at + bytes.len()));
                    self.counts.dma_reads_payload += 1;
                    self.counts.dma_read_bytes_payload += bytes.len() as u64;
                    self.undecided.remove(index);
                }
                None => index += 1,
            }
        }
    }
}

/// Where `bytes` are in `frame`, outside of what is taken.
fn place_in(frame: &[u8], bytes: &[u8], taken: &[(usize, usize)], usual: usize) -> Option<usize> {
    let last = frame.len().checked_sub(bytes.len())?;
    let fits = |at: usize| {
        frame[at] == bytes[0]
            && frame[at..at + bytes.len()] == *bytes
            && taken
                .iter()
                .all(|&(start, end)| at + bytes.len() <= start || at >= end)
    };
    std::iter::once(usual.min(last))
        .chain(0..=last)
        .find(|&at| fits(at))
}

fn opcode_name(code: u8) -> String {
    match code {
        opcode::NOP => "nop",
        opcode::REGISTER => "register",
        opcode::INVALIDATE => "invalidate",
        opcode::ONE_SHOT => "one_shot",
        opcode::SEND_INVALIDATE => "send_invalidate",
        opcode::CREATE_VI => "create_vi",
        opcode::MODIFY_VI => "modify_vi",
        opcode::DESTROY_VI => "destroy_vi",
        opcode::CREATE_CQ => "create_cq",
        opcode::DESTROY_CQ => "destroy_cq",
        opcode::RAW_SEND => "raw_send",
        _ => return format!("{code:#04x}"),
    }
    .to_string()
}
