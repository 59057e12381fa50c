//! Two hosts, each with a driver and a simulated board, joined by a wire.

use rnic_driver::board::{Board, Options};
use rnic_driver::transport::InProcess;
use rnic_sim::dma::Timing;
use rnic_sim::in_process::{Sim, SimBoard};
use rnic_sim::model::Gateware;
use rnic_sim::simulation::Setup;
use rnic_sim::wire::{Impairments, Link};

use crate::port::SimPort;

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
}

/// See the module.
pub struct Rig {
    /// The simulation.
    pub sim: Sim,
    /// Hosts, in board order.
    pub hosts: Vec<Host>,
}

impl Rig {
    /// Powers the boards on and opens them.
    pub fn new(options: RigOptions) -> Self {
        eprintln!("rig: {options:?}");
        let boards = if options.loopback { 1 } else { 2 };
        let sim = Sim::new(Setup {
            boards: vec![options.gateware; boards],
            link: Link::Pair,
            timing: options.timing,
            impairments: options.impairments,
        });
        let hosts = (0..boards)
            .map(|index| {
                let board = sim.board(index);
                let transport = InProcess::new(SimPort::new(board.clone(), options.poll_cycles));
                let driver = Board::open(
                    Box::new(transport),
                    Options {
                        loopback: options.loopback,
                        seed: Some(options.seed.wrapping_add(index as u64)),
                        ..Options::default()
                    },
                );
                Host {
                    board: driver.unwrap_or_else(|error| panic!("board {index}: {error}")),
                    sim: board,
                }
            })
            .collect();
        Self { sim, hosts }
    }
}
