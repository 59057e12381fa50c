//! What every figure is measured on: two connected channels with registered memory on both sides.
//!
//! ```text
//! side 0: initiator      side 1: responder
//! each:   source (local), sink (the peer may write), received, replies
//! ```

use anyhow::{bail, ensure, Result};
use rnic_driver::board::Board;
use rnic_driver::channel::{BufferPool, Channel, Event};
use rnic_driver::command::Access;
use rnic_driver::descriptor::{Descriptor, Remote};
use rnic_driver::memory::Buffer;
use rnic_driver::region::{Region, RegionOptions};
use rnic_driver::vi::ViOptions;
use rnic_sim::bus_monitor::{BusEvent, Mark};
use rnic_tests::{Pair, Rig, RigOptions};

/// Bytes of a small message, the largest that fits a command slot.
pub const MESSAGE_BYTES: usize = 64;
/// Bytes of `source` and `sink`.
pub const LARGE_BYTES: usize = 1 << 20;
/// Something that takes longer than this many cycles hangs.
pub const LIMIT_CYCLES: u64 = 20_000_000;

/// One side's memory.
pub struct Memory {
    /// What it sends and writes from.
    pub source: BufferPool,
    /// Where receive descriptors put messages, one each.
    pub received: BufferPool,
    /// Where replies of one-shots go, one each.
    pub replies: BufferPool,
    /// What the peer may write.
    pub sink: Region,
    /// Its bytes.
    pub sink_memory: Buffer,
}

impl Memory {
    fn new(board: &Board, channel: &Channel) -> Result<Self> {
        let ptag = channel.vi().settings().ptag;
        let depth = board.identity().queue_depth as usize;
        let pool = |name, count, bytes| BufferPool::new(board, name, count, bytes, ptag);
        let sink_memory = board.allocate("sink", LARGE_BYTES)?;
        let options = RegionOptions {
            access: Access::LOCAL | Access::REMOTE_WRITE,
            ..RegionOptions::new(ptag)
        };
        Ok(Self {
            source: pool("source", 1, LARGE_BYTES)?,
            received: pool("received", depth, MESSAGE_BYTES)?,
            replies: pool("replies", depth, MESSAGE_BYTES)?,
            sink: Region::register(board, sink_memory.clone().into(), options)?,
            sink_memory,
        })
    }

    /// Whether a DMA write ended a message in `received`.
    pub fn ends_received(&self, iova: u64, bytes: u32) -> bool {
        ends_message(self.received.region(), iova, bytes)
    }

    /// Whether a DMA write ended a message in `replies`.
    pub fn ends_reply(&self, iova: u64, bytes: u32) -> bool {
        ends_message(self.replies.region(), iova, bytes)
    }

    /// Whether a DMA write went into `sink`.
    pub fn in_sink(&self, iova: u64) -> bool {
        inside(&self.sink, iova)
    }
}

/// A region of one buffer begins at its IOVA.
fn inside(region: &Region, iova: u64) -> bool {
    (region.base()..region.base() + region.bytes() as u64).contains(&iova)
}

fn ends_message(region: &Region, iova: u64, bytes: u32) -> bool {
    let end = iova + u64::from(bytes);
    inside(region, iova) && end % MESSAGE_BYTES as u64 == 0
}

/// See the module.
pub struct Stage {
    // Dropped in this order: regions and VIs before the boards.
    /// The channels.
    pub pair: Pair,
    /// Both sides' memory.
    pub memory: [Memory; 2],
    /// Boards and simulation.
    pub rig: Rig,
}

impl Stage {
    /// Two boards, connected.
    pub fn new(options: RigOptions) -> Result<Self> {
        let rig = Rig::new(options);
        // Millions of frames are not to be kept.
        rig.sim
            .with(|simulation| simulation.wire().set_editor(None));
        let pair = Pair::connect(&rig, ViOptions::new);
        Self::on(rig, pair)
    }

    /// On boards that are connected.
    pub fn on(rig: Rig, pair: Pair) -> Result<Self> {
        let last = &rig.hosts[rig.hosts.len() - 1].board;
        let memory = [
            Memory::new(&rig.hosts[0].board, &pair.initiator)?,
            Memory::new(last, &pair.responder)?,
        ];
        Ok(Self { pair, memory, rig })
    }

    /// The driver's board of a side.
    pub fn board(&self, side: usize) -> &Board {
        &self.rig.hosts[side.min(self.rig.hosts.len() - 1)].board
    }

    /// The channel of a side.
    pub fn channel(&mut self, side: usize) -> &mut Channel {
        match side {
            0 => &mut self.pair.initiator,
            _ => &mut self.pair.responder,
        }
    }

    /// How many operations to keep under way: all that a queue of `Small` takes, a part of what one of `Full` does.
    pub fn in_flight(&self) -> usize {
        (self.board(0).identity().queue_depth as usize).min(24)
    }

    /// Posts receive `index` of a side.
    pub fn post_receive(&mut self, side: usize, index: usize) -> Result<()> {
        let segment = self.memory[side].received.segment(index, MESSAGE_BYTES)?;
        let receive = Descriptor::receive(vec![segment]);
        let vi = self.channel(side).vi_mut();
        Ok(vi.post_receive(&receive, index as u64)?)
    }

    /// Posts every receive that the queue of a side takes.
    pub fn post_all_receives(&mut self, side: usize) -> Result<()> {
        let depth = self.board(side).identity().queue_depth as usize;
        (0..depth).try_for_each(|index| self.post_receive(side, index))
    }

    /// A Write of `bytes` from `source` into the peer's `sink` at `offset`.
    pub fn write(&self, side: usize, offset: usize, bytes: usize) -> Result<Descriptor> {
        let sink = &self.memory[1 - side].sink;
        let remote = Remote {
            va: sink.base() + offset as u64,
            handle: sink.stag(),
        };
        let source = self.memory[side].source.segment(0, bytes)?;
        Ok(Descriptor::rdma_write(remote, vec![source]))
    }

    /// Runs until nothing moves.
    pub fn settle(&self) -> Result<()> {
        ensure!(
            self.rig.sim.run_until_idle(LIMIT_CYCLES),
            "the boards do not come to rest"
        );
        Ok(())
    }

    /// Runs a measurement; if it fails, says what is known of the boards.
    pub fn explain<R>(&mut self, measure: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        let outcome = measure(self);
        if outcome.is_err() {
            eprintln!("{}", self.rig.describe());
        }
        outcome
    }

    /// The next event of a side, which must be there.
    pub fn expect(&mut self, side: usize) -> Result<Event> {
        match self.channel(side).poll()? {
            Some(event) => Ok(event),
            None => {
                let other = self.channel(1 - side).poll()?;
                bail!("side {side} has no completion, the other side has {other:?}")
            }
        }
    }

    /// Starts the monitors' records of marks afresh.
    pub fn record(&self) {
        for host in &self.rig.hosts {
            host.sim.with_board(|board| board.monitor.record_marks());
        }
    }

    /// The marks of a side's board.
    pub fn marks(&self, side: usize) -> Vec<Mark> {
        let host = &self.rig.hosts[side.min(self.rig.hosts.len() - 1)];
        host.sim.with_board(|board| board.monitor.marks().to_vec())
    }
}

/// The first mark at or after a cycle that is wanted.
pub fn first(marks: &[Mark], from: u64, wanted: impl Fn(&BusEvent) -> bool) -> Result<u64> {
    let found = marks
        .iter()
        .find(|(cycle, event)| *cycle >= from && wanted(event));
    let found = found.map(|(cycle, _)| *cycle);
    found.ok_or_else(|| anyhow::anyhow!("an event is missing after cycle {from}"))
}
