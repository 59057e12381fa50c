//! One end of a connection: a board, a channel on it, a connection manager; and how to wait for its events.

use anyhow::{bail, Context};
use rnic_driver::address::{Discriminator, HostAddress, NetAddress};
use rnic_driver::board::{Board, Observer, Options};
use rnic_driver::channel::{Channel, Event};
use rnic_driver::cm::{CmOptions, ConnectionManager};
use rnic_driver::transport::BoardUrl;
use rnic_driver::vi::ViOptions;
use std::time::{Duration, Instant};

/// log2 of the entries of a channel's completion queue.
const CQ_ENTRIES_LOG2: u32 = 7;
/// Longest message of both ends; VIs of different limits cannot be connected.
pub const MAX_TRANSFER_BYTES: u32 = 16 << 20;
/// What a responder listens for.
const SERVICE: &[u8] = b"rnic-copy";
/// How long a peer may take for anything. Long, because a simulated megabyte takes seconds.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How to wait for completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Wait {
    /// Look at the queue's memory now and then: no register access, no interrupt.
    Poll,
    /// Arm the queue and sleep until its interrupt.
    Interrupt,
}

/// Looks at a board without changing it.
pub fn observe(url: &BoardUrl) -> anyhow::Result<Observer> {
    Observer::open_at(url).with_context(|| cannot_open(url))
}

fn cannot_open(url: &BoardUrl) -> String {
    format!("cannot open {url}")
}

/// One end.
pub struct Endpoint {
    /// Its connection manager.
    pub cm: ConnectionManager,
    /// Its channel.
    pub channel: Channel,
    /// Protection tag of everything it registers.
    pub ptag: u32,
    /// Its board; dropped last.
    pub board: Board,
}

impl Endpoint {
    /// Opens the board and creates a VI.
    pub fn open(url: &BoardUrl, seed: Option<u64>) -> anyhow::Result<Self> {
        let options = Options {
            seed,
            ..Options::default()
        };
        let board = Board::open_at(url, options).with_context(|| cannot_open(url))?;
        let ptag = board.allocate_ptag();
        let options = ViOptions {
            max_transfer_bytes: MAX_TRANSFER_BYTES,
            ..ViOptions::new(ptag)
        };
        let channel = Channel::open(&board, CQ_ENTRIES_LOG2, options)?;
        let cm = ConnectionManager::open(&board, CmOptions::default())?;
        Ok(Self {
            cm,
            channel,
            ptag,
            board,
        })
    }

    /// What a responder on the other board of the wire listens for.
    pub fn service() -> anyhow::Result<NetAddress> {
        Ok(NetAddress {
            host: HostAddress::ANY,
            discriminator: Discriminator::new(SERVICE)?,
        })
    }

    /// The next event; fails after [`PATIENCE`] with what the board has to say.
    pub fn next(&mut self, wait: Wait) -> anyhow::Result<Event> {
        let end = Instant::now() + PATIENCE;
        for polls in 0u32.. {
            let event = match wait {
                Wait::Poll => self.channel.poll()?,
                Wait::Interrupt => self.channel.wait(Duration::from_millis(500))?,
            };
            if let Some(event) = event {
                return Ok(event);
            }
            if Instant::now() >= end {
                break;
            }
            if wait == Wait::Poll && polls > 64 {
                std::thread::sleep(Duration::from_micros(50));
            }
        }
        let vi = self.channel.vi().number();
        let status = self.board.observer().vi_status(vi)?;
        let events: Vec<_> = self
            .board
            .observer()
            .take_events()?
            .iter()
            .map(|(_, event)| event.name())
            .collect();
        bail!(
            "nothing happened for {PATIENCE:?}: VI {vi} is {:?}, events: {}",
            status.state,
            events.join(", ")
        )
    }
}
