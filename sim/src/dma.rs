//! Serves one board's DMA reads and writes from its host memory, in order, with the timing that was asked for.
//!
//! ```text
//! dma_request --> [queue: due = now + 1 + latency] --> words, one a cycle --> dma_data
//! dma_write   --> [burst under way] --> stored whole with its last word; a refusal pulses dma_write_fault
//! ```
//! With latency 0 and no stalls the first word of a read comes in the cycle after its request, and a word in each cycle
//! after that. Bytes that a read did not ask for come as `FILLER`, so that nothing may depend on them. Memory is looked at
//! when the first word goes out. It reorders nothing, and knows no interrupts and no BARs.

use std::collections::VecDeque;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rnic_abi::config::DMA_BOUNDARY_BYTES;

use crate::bus_monitor::BusMonitor;
use crate::host_memory::HostMemory;
use crate::model::{Inputs, Outputs, ReadBeat, ReadRequest};

/// What fills the bytes of a read's first and last word that were not asked for.
pub const FILLER: u8 = 0xA5;
/// Reads taken and not yet answered; then requests wait.
const OUTSTANDING: usize = 256;

/// How the host and the wire keep the board waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Cycles from a DMA read request to its first word, beyond the one that is always there.
    pub dma_latency: u32,
    /// Up to so many cycles more, at random.
    pub dma_jitter: u32,
    /// How many of 1,000 cycles each channel pauses (data to the board, ready to the board), at random.
    pub stall_per_mille: u32,
    /// Seed of all of it.
    pub seed: u64,
}

/// A seeded source of stalls; free when none are asked for.
#[derive(Debug)]
pub(crate) struct Stalls {
    per_mille: u32,
    random: ChaCha8Rng,
}

impl Stalls {
    pub(crate) fn new(timing: &Timing, stream: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(timing.seed);
        random.set_stream(stream);
        Self {
            per_mille: timing.stall_per_mille,
            random,
        }
    }

    /// Whether a channel moves in this cycle.
    #[inline]
    pub(crate) fn go(&mut self) -> bool {
        self.per_mille == 0 || self.random.random_range(0..1000) >= self.per_mille
    }

    fn up_to(&mut self, limit: u32) -> u32 {
        if limit == 0 {
            return 0;
        }
        self.random.random_range(0..=limit)
    }
}

#[derive(Debug)]
struct Pending {
    request: ReadRequest,
    due: u64,
}

/// The DMA side of one board.
#[derive(Debug)]
pub struct Dma {
    timing: Timing,
    stalls: Stalls,
    reads: VecDeque<Pending>,
    /// Words of the read being answered, and how many of them have gone.
    answer: Vec<u8>,
    answered_words: usize,
    answer_error: bool,
    answering: bool,
    /// Words of the burst being written.
    burst: Vec<u8>,
    burst_head: Option<(u64, u32)>,
    fault: bool,
    started: Accesses,
    finished: Accesses,
}

/// How many accesses; each kind finishes in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accesses {
    reads: u64,
    writes: u64,
}

impl Dma {
    /// Nothing outstanding.
    pub fn new(timing: Timing, board: usize) -> Self {
        Self {
            timing,
            stalls: Stalls::new(&timing, 2 * board as u64),
            reads: VecDeque::new(),
            answer: Vec::new(),
            answered_words: 0,
            answer_error: false,
            answering: false,
            burst: Vec::new(),
            burst_head: None,
            fault: false,
            started: Accesses::default(),
            finished: Accesses::default(),
        }
    }

    /// Changes the timing from here on; the random sequence goes on.
    pub fn set_timing(&mut self, timing: Timing) {
        self.timing = timing;
        self.stalls.per_mille = timing.stall_per_mille;
    }

    /// Whether accesses are under way.
    pub fn busy(&self) -> bool {
        self.started != self.finished || self.fault
    }

    /// Accesses taken so far: reads requested and bursts begun.
    pub fn started(&self) -> Accesses {
        self.started
    }

    /// Whether everything that had been taken at a moment is over.
    pub fn is_over(&self, taken: Accesses) -> bool {
        self.finished.reads >= taken.reads && self.finished.writes >= taken.writes
    }

    /// Decides what the DMA side drives in this cycle.
    pub(crate) fn drive(&mut self, cycle: u64, memory: &HostMemory, inputs: &mut Inputs) {
        inputs.dma_request_ready = self.reads.len() < OUTSTANDING && self.stalls.go();
        inputs.dma_write_ready = self.stalls.go();
        inputs.dma_write_fault = std::mem::take(&mut self.fault);
        inputs.dma_data = None;
        let Some(pending) = self.reads.front() else {
            return;
        };
        if !self.answering {
            if pending.due > cycle {
                return;
            }
            let request = pending.request;
            self.begin_answer(request, memory);
        }
        if self.stalls.go() {
            inputs.dma_data = Some(self.next_word());
        }
    }

    /// Takes what the board did in this cycle.
    pub(crate) fn observe(
        &mut self,
        cycle: u64,
        memory: &HostMemory,
        inputs: &Inputs,
        outputs: &Outputs,
        monitor: &mut BusMonitor,
    ) {
        if let Some(beat) = inputs.dma_data {
            if beat.last {
                let request = self.reads.pop_front().map(|pending| pending.request);
                self.answering = false;
                self.finished.reads += 1;
                if let Some(request) = request {
                    let skip = (request.iova % 4) as usize;
                    let bytes = if beat.error {
                        None
                    } else {
                        Some(&self.answer[skip..skip + request.bytes as usize])
                    };
                    monitor.dma_read(cycle, &request, bytes);
                }
            }
        }
        if let Some(request) = outputs.dma_request.filter(|_| inputs.dma_request_ready) {
            if bad_burst(request.iova, request.bytes) {
                monitor.violation(cycle, format!("DMA read {request:x?}"));
            }
            let wait = self.timing.dma_latency + self.stalls.up_to(self.timing.dma_jitter);
            self.started.reads += 1;
            self.reads.push_back(Pending {
                request,
                due: cycle + 1 + u64::from(wait),
            });
        }
        if let Some(beat) = outputs.dma_write.filter(|_| inputs.dma_write_ready) {
            let head = (beat.iova, beat.bytes);
            if self.burst_head.is_none() {
                self.burst_head = Some(head);
                self.burst.clear();
                self.started.writes += 1;
                if bad_burst(beat.iova, beat.bytes) {
                    monitor.violation(cycle, format!("DMA write {beat:x?}"));
                }
            } else if self.burst_head != Some(head) {
                monitor.violation(cycle, format!("DMA write changes on its way: {beat:x?}"));
            }
            self.burst.extend_from_slice(&beat.data.to_le_bytes());
            if beat.last {
                self.end_burst(cycle, head, memory, monitor);
            }
        }
    }

    /// Looks at memory for the oldest read.
    fn begin_answer(&mut self, request: ReadRequest, memory: &HostMemory) {
        let skip = (request.iova % 4) as usize;
        let bytes = request.bytes as usize;
        self.answer.clear();
        self.answer
            .resize((skip + bytes).next_multiple_of(4), FILLER);
        let wanted = &mut self.answer[skip..skip + bytes];
        self.answer_error = memory.read(request.iova, wanted).is_err();
        self.answered_words = 0;
        self.answering = true;
    }

    fn next_word(&mut self) -> ReadBeat {
        let epoch = self.reads.front().map_or(0, |read| read.request.epoch);
        if self.answer_error {
            return ReadBeat {
                data: 0,
                last: true,
                error: true,
                epoch,
            };
        }
        let at = 4 * self.answered_words;
        let mut word = [0; 4];
        word.copy_from_slice(&self.answer[at..at + 4]);
        self.answered_words += 1;
        ReadBeat {
            data: u32::from_le_bytes(word),
            last: at + 4 == self.answer.len(),
            error: false,
            epoch,
        }
    }

    fn end_burst(
        &mut self,
        cycle: u64,
        (iova, bytes): (u64, u32),
        memory: &HostMemory,
        monitor: &mut BusMonitor,
    ) {
        self.burst_head = None;
        self.finished.writes += 1;
        let skip = (iova % 4) as usize;
        let end = skip + bytes as usize;
        if end.next_multiple_of(4) != self.burst.len() {
            monitor.violation(
                cycle,
                format!(
                    "DMA write of {bytes} bytes at {iova:#x} in {} words",
                    self.burst.len() / 4
                ),
            );
            return;
        }
        let data = &self.burst[skip..end];
        let stored = memory.write(iova, data).is_ok();
        self.fault |= !stored;
        monitor.dma_write(cycle, iova, data, stored);
    }
}

/// The contract of both bursts: 1 to 4,096 bytes, never across 4 KiB.
fn bad_burst(iova: u64, bytes: u32) -> bool {
    let boundary = u64::from(DMA_BOUNDARY_BYTES);
    bytes == 0 || iova % boundary + u64::from(bytes) > boundary
}
