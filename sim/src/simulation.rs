//! Boards, the wire between them and what is written down about them, on one clock.
//!
//! ```text
//!            +---------+ frames  +------+ frames  +---------+
//! accesses ->| board 0 |<------->| wire |<------->| board 1 |<- accesses
//!            +----+----+         +--+---+         +----+----+
//!                 +---- steps ------|--- steps -------+
//!                                 pcap           trace
//! ```
//! One thread, no time but cycles: the same setup and the same accesses at the same cycles give the same trace hash. Whoever
//! wants to share it between threads takes `in_process::Sim`.

use std::io;
use std::path::Path;

use rnic_abi::registers::{control, map, status};
use rnic_abi::step::Step;
use serde_json::{json, Value};

use crate::board::Board;
use crate::dma::Timing;
use crate::model::Gateware;
use crate::pcap::Pcap;
use crate::trace::{StepEvent, Trace};
use crate::wire::{Impairments, Link, Wire};

/// A load that is not answered by then is answered with ones, as PCI does.
const ANSWER_CYCLES: u64 = 100_000;
/// A board that does not come out of reset by then is broken.
const RESET_CYCLES: u64 = 1_000_000;
/// Accesses in flight at an unmap are over by then, or the board is broken.
const QUIESCE_CYCLES: u64 = 1_000_000;
/// So long nothing must move before the clock may stop: longer than anything takes from an input to `busy`.
const QUIET_CYCLES: u64 = 64;
/// Power-on reset is over by then.
const POWER_ON_CYCLES: u64 = 2_200;

/// What to simulate.
#[derive(Debug)]
pub struct Setup {
    /// The boards, in order.
    pub boards: Vec<Gateware>,
    /// Who is joined to whom.
    pub link: Link,
    /// How hosts and wire keep the boards waiting.
    pub timing: Timing,
    /// What the wire does wrong.
    pub impairments: Impairments,
}

impl Setup {
    /// Two boards of a kind, joined without loss or wait.
    pub fn pair(gateware: Gateware) -> Self {
        Self {
            boards: vec![gateware; 2],
            link: Link::Pair,
            timing: Timing::default(),
            impairments: Impairments::default(),
        }
    }

    /// One board joined to itself.
    pub fn looped(gateware: Gateware) -> Self {
        Self {
            boards: vec![gateware],
            link: Link::Loop,
            ..Self::pair(gateware)
        }
    }
}

/// See the module.
pub struct Simulation {
    boards: Vec<Board>,
    wire: Wire,
    trace: Trace,
    pcap: Option<Pcap>,
    cycle: u64,
    /// Cycle up to which the clock must run although nothing moves.
    awake_until: u64,
    /// What the first board is called in traces; 1 at the second end of a datagram wire.
    first_board: usize,
}

impl Simulation {
    /// Boards at power-on.
    pub fn new(setup: Setup) -> Self {
        let count = setup.boards.len();
        let boards = setup.boards.iter().enumerate();
        let boards = boards
            .map(|(index, &gateware)| Board::new(gateware, index, setup.timing))
            .collect();
        let first_board = match &setup.link {
            Link::Datagram(datagram) => datagram.end(),
            _ => 0,
        };
        Self {
            boards,
            wire: Wire::new(setup.link, setup.impairments, count),
            trace: Trace::default(),
            pcap: None,
            cycle: 0,
            awake_until: POWER_ON_CYCLES,
            first_board,
        }
    }

    /// Clock cycles so far.
    pub fn cycles(&self) -> u64 {
        self.cycle
    }

    /// Number of boards.
    pub fn boards(&self) -> usize {
        self.boards.len()
    }

    /// A board.
    pub fn board(&mut self, index: usize) -> &mut Board {
        &mut self.boards[index]
    }

    /// The wire.
    pub fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// The trace.
    pub fn trace(&mut self) -> &mut Trace {
        &mut self.trace
    }

    /// Writes what is sent from here on to a capture file.
    pub fn write_pcap(&mut self, path: &Path) -> io::Result<()> {
        self.pcap = Some(Pcap::create(path)?);
        Ok(())
    }

    /// Brings every file up to date, and ends waveforms.
    pub fn flush(&mut self) -> io::Result<()> {
        #[cfg(feature = "trace")]
        for board in &mut self.boards {
            board.close_waves();
        }
        if let Some(pcap) = &mut self.pcap {
            pcap.flush()?;
        }
        self.trace.flush()
    }

    /// Whether the clock must run: something moves, or moved a moment ago.
    #[inline]
    pub fn busy(&self) -> bool {
        self.cycle < self.awake_until || self.moves()
    }

    #[inline]
    fn moves(&self) -> bool {
        self.wire.busy() || self.boards.iter().any(Board::busy)
    }

    /// One clock cycle of everything.
    pub fn cycle(&mut self) {
        let now = self.cycle;
        for index in 0..self.boards.len() {
            let board = &mut self.boards[index];
            board.cycle();
            let fired = board.fired();
            if fired != 0 {
                self.trace_steps(index, fired);
            }
            while let Some(frame) = self.boards[index].take_frame() {
                if let Some(pcap) = &mut self.pcap {
                    let from = self.first_board + index;
                    let to = match self.wire.link() {
                        Link::Loop => from,
                        _ => from ^ 1,
                    };
                    pcap.frame(now, from as u8, to as u8, &frame);
                }
                self.wire.send(index, now, frame);
            }
        }
        while let Some((index, frame)) = self.wire.take(now) {
            if let (Some(pcap), Some(_)) = (&mut self.pcap, self.wire.datagram()) {
                let to = self.first_board;
                pcap.frame(now, (to ^ 1) as u8, to as u8, &frame);
            }
            self.boards[index].give_frame(frame);
        }
        self.cycle += 1;
        if self.moves() {
            self.awake_until = self.awake_until.max(self.cycle + QUIET_CYCLES);
        } else if self.cycle == self.awake_until {
            for board in &mut self.boards {
                board.monitor.settle();
            }
        }
    }

    /// Some clock cycles.
    pub fn run(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.cycle();
        }
    }

    /// Runs until `done`, looked at before every cycle, or for `limit` cycles; true if it came to be.
    pub fn run_until(&mut self, limit: u64, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        for _ in 0..limit {
            if done(self) {
                return true;
            }
            self.cycle();
        }
        done(self)
    }

    /// Runs until nothing moves, or for `limit` cycles; true if it came to rest.
    pub fn run_until_idle(&mut self, limit: u64) -> bool {
        self.run_until(limit, |simulation| !simulation.busy())
    }

    /// Queues a store of 4 or 8 bytes (two beats, low first); it moves as the clock runs.
    pub fn bar_write(&mut self, board: usize, bar: u8, offset: u32, bytes: usize, value: u64) {
        self.boards[board].post_store(bar, offset, bytes, value);
    }

    /// Loads 4 or 8 bytes: runs the clock until the answer is here, after every earlier store.
    pub fn bar_read(&mut self, board: usize, bar: u8, offset: u32, bytes: usize) -> u64 {
        self.boards[board].post_load(bar, offset, bytes);
        let mut value = 0;
        for word in 0..bytes / 4 {
            let mut answer = None;
            self.run_until(ANSWER_CYCLES, |simulation| {
                answer = simulation.boards[board].take_load();
                answer.is_some()
            });
            let Some(answer) = answer else {
                let now = self.cycle;
                let text = format!("no answer to the load of BAR{bar} {offset:#x}");
                self.boards[board].monitor.violation(now, text);
                return u64::MAX;
            };
            value |= u64::from(answer) << (32 * word);
        }
        value
    }

    /// Unmaps every range that lies in the one given, once the accesses under way now are over.
    pub fn unmap(&mut self, board: usize, iova: u64, bytes: u64) -> usize {
        let under_way = self.boards[board].dma().started();
        self.run_until(QUIESCE_CYCLES, |simulation| {
            simulation.boards[board].dma().is_over(under_way)
        });
        self.boards[board].memory.unmap(iova, bytes)
    }

    /// Resets a board by its `CONTROL` register and waits until it is out of reset; false if it does not come out. The bus
    /// monitor does not count these accesses: on a real board they are a wire.
    pub fn reset(&mut self, board: usize) -> bool {
        self.bar_write(board, 0, map::CONTROL, 4, u64::from(control::RESET));
        let end = self.cycle + RESET_CYCLES;
        let mut loads = 0;
        let mut resetting = true;
        while resetting && self.cycle < end {
            let value = self.bar_read(board, 0, map::STATUS, 4);
            resetting = value & u64::from(status::RESETTING) != 0;
            loads += 1;
        }
        let now = self.cycle;
        let monitor = &mut self.boards[board].monitor;
        monitor.uncount(1, loads);
        if resetting {
            monitor.violation(now, "does not come out of reset".to_string());
        }
        !resetting
    }

    /// What happened, for `--stats-json`: cycles, trace, wire, and every board's bus monitor.
    pub fn stats(&mut self) -> Value {
        let boards: Vec<Value> = self
            .boards
            .iter_mut()
            .map(|board| {
                let mut value = board.monitor.to_json();
                value["config"] = json!(board.gateware().name());
                value["cycles"] = json!(board.cycles());
                value
            })
            .collect();
        json!({
            "cycles": self.cycle,
            "trace_events": self.trace.count(),
            "trace_hash": self.trace.hash(),
            "wire": self.wire.counts().to_json(),
            "boards": boards,
        })
    }

    fn trace_steps(&mut self, index: usize, fired: u16) {
        for &step in Step::ALL {
            if fired & 1 << step as u16 != 0 {
                self.trace.record(StepEvent {
                    cycle: self.cycle,
                    board: (self.first_board + index) as u8,
                    step,
                    vi: self.boards[index].step_vi(step as usize),
                });
            }
        }
    }
}
