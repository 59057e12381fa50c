//! Two hosts, each with a driver and a simulated board, joined by a wire.

use std::path::PathBuf;
use std::time::Duration;

use rnic_driver::address::HostAddress;
use rnic_driver::board::{Board, Options};
use rnic_driver::transport::InProcess;
use rnic_sim::bus_monitor::BusCounts;
use rnic_sim::dma::Timing;
use rnic_sim::in_process::{Sim, SimBoard};
use rnic_sim::model::Gateware;
use rnic_sim::simulation::Setup;
use rnic_sim::wire::{Impairments, Link};
use serde_json::Value;

use crate::port::SimPort;
use crate::tap::Tap;

/// Simulated time that a command or a reset may take before a test gives up.
const COMMAND_TIMEOUT: Duration = Duration::from_millis(3);
/// Steps printed when a scenario fails.
const LAST_STEPS: usize = 40;

/// How the rig behaves. The default keeps hosts and wire waiting at random, from the seed.
#[derive(Clone, Copy, Debug)]
pub struct RigOptions {
    /// Which configuration both boards have.
    pub gateware: Gateware,
    /// Hosts' and wire's timing.
    pub timing: Timing,
    /// What the wire does wrong.
    pub impairments: Impairments,
    /// Seed of keys, sequences and stimulus; printed by every rig.
    pub seed: u64,
    /// One board, joined to itself inside.
    pub loopback: bool,
    /// Cycles that pass each time a driver waits: more are faster, fewer make the hosts quicker.
    pub poll_cycles: u64,
    /// Time after which a connection should stand, by the driver's clock.
    pub connect_timeout: Duration,
}

impl RigOptions {
    /// Random latency and backpressure.
    pub fn random(gateware: Gateware, seed: u64) -> Self {
        Self {
            gateware,
            timing: Timing {
                dma_latency: (seed % 40) as u32,
                dma_jitter: 30,
                stall_per_mille: 150,
                seed,
            },
            impairments: Impairments {
                seed,
                ..Impairments::default()
            },
            seed,
            loopback: false,
            poll_cycles: 32,
            connect_timeout: Duration::from_millis(50),
        }
    }

    /// No latency, no backpressure, no loss: what figures are measured with.
    pub fn ideal(gateware: Gateware) -> Self {
        Self {
            timing: Timing::default(),
            ..Self::random(gateware, 0)
        }
    }
}

/// A driver and the board it drives.
pub struct Host {
    /// The driver's board.
    pub board: Board,
    /// The simulator's view of it: counters of the bus monitor, probes.
    pub sim: SimBoard,
    /// Frames on the wire before the driver opened the board.
    pub first_frame: usize,
    /// What the bus monitor had counted by then.
    before: (BusCounts, Value),
}

impl Host {
    /// Opens a driver on a board, which may have run before.
    pub fn open(sim: SimBoard, options: RigOptions, tap: &Tap) -> Self {
        let index = sim.index();
        let (before, first_frame) = (monitored(&sim), tap.count());
        let board =
            open(&sim, options, index).unwrap_or_else(|error| panic!("board {index}: {error}"));
        Self {
            first_frame,
            before,
            ..Self::new(board, sim)
        }
    }

    /// A board and the first driver that opened it.
    pub fn new(board: Board, sim: SimBoard) -> Self {
        Self {
            board,
            sim,
            first_frame: 0,
            before: Default::default(),
        }
    }

    /// What the bus monitor has counted since the driver opened the board.
    pub fn counts(&self) -> BusCounts {
        monitored(&self.sim).0 - self.before.0
    }

    /// Commands of an opcode posted since then.
    pub fn commands(&self, opcode: &str) -> u64 {
        let of = |commands: &Value| commands[opcode].as_u64().unwrap_or(0);
        of(&monitored(&self.sim).1) - of(&self.before.1)
    }
}

/// Counts of a board's bus monitor, and its commands by opcode.
fn monitored(sim: &SimBoard) -> (BusCounts, Value) {
    sim.with_board(|board| {
        let mut all = board.monitor.to_json();
        (board.monitor.snapshot(), all["commands"].take())
    })
}

/// See the module.
pub struct Rig {
    /// How it behaves.
    pub options: RigOptions,
    /// The simulation.
    pub sim: Sim,
    /// Hosts, in board order.
    pub hosts: Vec<Host>,
    /// What the boards send.
    pub tap: Tap,
    /// The capture of the run, if one was asked for.
    pub pcap: Option<PathBuf>,
}

impl Rig {
    /// Powers the boards on and opens them. With `RNIC_PCAP=DIRECTORY` in the environment every run leaves a capture there.
    pub fn new(options: RigOptions) -> Self {
        let directory = std::env::var_os("RNIC_PCAP").map(PathBuf::from);
        let name = std::thread::current()
            .name()
            .unwrap_or("rig")
            .replace("::", "-");
        let file = format!("{name}-{}-{}.pcap", options.gateware.name(), options.seed);
        Self::with_pcap(options, directory.map(|directory| directory.join(file)))
    }

    /// As `new`, with a capture written to `pcap`.
    pub fn with_pcap(options: RigOptions, pcap: Option<PathBuf>) -> Self {
        eprintln!("rig: {options:?}");
        let boards = if options.loopback { 1 } else { 2 };
        let sim = Sim::new(Setup {
            boards: vec![options.gateware; boards],
            link: Link::Pair,
            timing: options.timing,
            impairments: options.impairments,
        });
        if let Some(path) = &pcap {
            eprintln!("rig: capture {}", path.display());
            sim.with(|simulation| simulation.write_pcap(path))
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        Self {
            pcap,
            ..Self::open(sim, options)
        }
    }

    /// Opens drivers on boards at power-on.
    fn open(sim: Sim, options: RigOptions) -> Self {
        let tap = Tap::install(&sim);
        let boards = sim.with(|simulation| simulation.boards());
        let hosts = (0..boards)
            .map(|index| Host::open(sim.board(index), options, &tap))
            .collect();
        Self {
            options,
            sim,
            hosts,
            tap,
            pcap: None,
        }
    }

    /// Prints what is known of the boards, and fails.
    pub fn fail(&self, what: &str) -> ! {
        eprintln!("{}", self.describe());
        panic!(
            "{what} (seed {}, {})",
            self.options.seed,
            self.options.gateware.name()
        );
    }

    /// Counters, states, last steps and broken contracts, for a failure's reader.
    pub fn describe(&self) -> String {
        let mut text = Vec::new();
        for (index, host) in self.hosts.iter().enumerate() {
            let observer = host.board.observer();
            text.push(format!(
                "board {index}: status {:?}, {} slots free, {:?} elements free, interrupts {:?}",
                observer.status(),
                host.board.free_slots(),
                observer.sges_free(),
                (0..4).map(|v| host.sim.interrupts(v)).collect::<Vec<_>>()
            ));
            for vi in 0..host.board.identity().vis as u16 {
                if let Ok(status) = observer.vi_status(vi) {
                    if status.state != rnic_driver::command::ViState::Idle || status.flushing {
                        text.push(format!(
                            "  VI {vi}: {status:?}, first failing {:x?}",
                            observer.first_failing_descriptor(vi)
                        ));
                    }
                }
            }
            text.push(format!("  events {:?}", observer.take_events()));
            if let Ok(counters) = observer.counters() {
                let moved = counters.named().filter(|(_, _, value)| *value != 0);
                let list: Vec<String> = moved
                    .map(|(name, _, value)| format!("{name} {value}"))
                    .collect();
                text.push(format!("  counters: {}", list.join(", ")));
            }
            text.push(format!("  bus: {:?}", host.sim.counts()));
        }
        self.sim.with(|simulation| {
            for index in 0..simulation.boards() {
                let violations = simulation.board(index).monitor.violations().to_vec();
                text.push(format!("  violations of board {index}: {violations:?}"));
            }
            let now = simulation.cycles();
            text.push(format!("  now cycle {now}; last steps:"));
            let events = simulation.trace().events();
            for event in &events[events.len().saturating_sub(LAST_STEPS)..] {
                let (board, step) = (event.board, event.step.name());
                text.push(format!(
                    "    {} board {board} {step} vi {}",
                    event.cycle, event.vi
                ));
            }
        });
        let frames = self.tap.frames(self.tap.count().saturating_sub(12));
        for tapped in frames {
            text.push(format!(
                "    {} board {} {}",
                tapped.cycle,
                tapped.board,
                brief(&tapped.link)
            ));
        }
        text.join("\n")
    }

    /// Runs until nothing moves.
    pub fn settle(&self) {
        if !self.sim.run_until_idle(2_000_000) {
            self.fail("the boards do not come to rest");
        }
    }

    /// Fails unless both bus monitors saw nothing but good manners.
    pub fn check_bus(&self) {
        self.sim.with(|simulation| {
            for index in 0..simulation.boards() {
                let violations = simulation.board(index).monitor.violations();
                assert_eq!(violations, [""; 0], "board {index}");
            }
        });
    }
}

/// One line for a frame.
fn brief(link: &crate::frames::LinkFrame) -> String {
    let what = match link.segment() {
        Some(s) => format!(
            "opcode {} rsv {} last {} {:x?} {} bytes",
            s.opcode,
            s.rsv,
            s.last,
            s.place,
            s.payload.len()
        ),
        None => format!("kind {:02x}, {} bytes", link.kind, link.body.len()),
    };
    format!(
        "vi {} to {} flags {} sequence {:x} acknowledged {:x}: {what}",
        link.source_vi, link.destination_vi, link.flags, link.sequence, link.acknowledged
    )
}

/// Opens a driver on a simulated board.
pub fn open(
    board: &SimBoard,
    options: RigOptions,
    index: usize,
) -> Result<Board, rnic_driver::board::BoardError> {
    let transport = InProcess::new(SimPort::new(board.clone(), options.poll_cycles));
    Board::open(
        Box::new(transport),
        Options {
            loopback: options.loopback,
            seed: Some(options.seed.wrapping_add(index as u64)),
            timeout: COMMAND_TIMEOUT,
            // The boards of a process have one URL.
            address: Some(HostAddress::of_url(&format!("sim:{index}"))),
            ..Options::default()
        },
    )
}
