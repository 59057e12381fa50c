//! The requester's end: starts the responder's process, connects, and measures a stretch of work.

use crate::endpoint::{Endpoint, PATIENCE};
use crate::protocol::{Buffers, Operation, Request, REQUEST_BYTES};
use anyhow::{bail, ensure, Context};
use rnic_abi::Stag;
use rnic_driver::board::Counters;
use rnic_driver::channel::{BufferPool, Event};
use rnic_driver::cm::{self, ConnectRequest, ConnectionId, Offer};
use rnic_driver::command::{Command, Post};
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::Descriptor;
use rnic_driver::transport::{BarAccesses, BoardUrl};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How often we look whether the responder is still there.
const GLANCE: Duration = Duration::from_millis(100);

/// The responder's process; killed if it is still there when this is dropped.
pub struct Responder(Option<Child>);

impl Responder {
    /// Starts `rnic copy-responder` on the board `peer`, which must be another one than the requester's.
    pub fn spawn(board: &BoardUrl, peer: &BoardUrl, seed: Option<u64>) -> anyhow::Result<Self> {
        ensure!(
            board != peer,
            "--peer {peer} is the requester's own board; the responder needs another"
        );
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut command = std::process::Command::new(program);
        command
            .args(["copy-responder", "--board", &peer.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if let Some(seed) = seed {
            // Another seed than the requester's, or both ends would use the same STags.
            command.args(["--seed", &(seed ^ 0x5245_5350).to_string()]);
        }
        Ok(Self(Some(
            command.spawn().context("cannot start the responder")?,
        )))
    }

    /// Fails if it has ended.
    fn check(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.0.as_mut().map(Child::try_wait).transpose()?.flatten() {
            bail!("the responder ended with {status}, before it was connected");
        }
        Ok(())
    }

    /// Waits until it has ended well.
    pub fn join(mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.0.take() {
            let status = child.wait()?;
            ensure!(status.success(), "the responder ended with {status}");
        }
        Ok(())
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Connects and tells the responder which buffers to keep; gives up when the responder's process, if it is ours, ends.
pub fn connect(
    end: &mut Endpoint,
    buffers: Buffers,
    mut responder: Option<&mut Responder>,
) -> anyhow::Result<ConnectionId> {
    let reads = end.board.identity().reads as u8;
    let offer = Offer {
        private_data: buffers.encode(),
        ..Offer::new(reads)
    };
    let request = ConnectRequest {
        timeout: Some(PATIENCE),
        ..ConnectRequest::new(Endpoint::service()?, offer)
    };
    let connection = end.cm.connect(end.channel.vi(), request)?;
    let limit = Instant::now() + PATIENCE;
    while Instant::now() < limit {
        match end.cm.wait(GLANCE)? {
            Some(cm::Event::Accepted { .. }) => {
                end.cm.finish(connection, end.channel.vi_mut())?;
                return Ok(connection);
            }
            Some(cm::Event::Failed { failure, .. }) => return Err(failure.into()),
            _ => {}
        }
        if let Some(responder) = &mut responder {
            responder.check()?;
        }
    }
    bail!("the responder does not answer")
}

/// Tells the responder that no more requests come, and waits until it has that.
pub fn finish(end: &mut Endpoint, connection: ConnectionId) -> anyhow::Result<()> {
    let pool = BufferPool::new(&end.board, "rnic-finish", 1, REQUEST_BYTES, end.ptag)?;
    let request = Request {
        operation: Operation::Finish,
        slot: 0,
        stag: Stag(0),
        to: 0,
        length: 0,
        file_offset: 0,
    };
    pool.buffer(0)?.write(0, &request.encode())?;
    end.channel
        .vi_mut()
        .post_send(&Descriptor::send(vec![pool.segment(0, REQUEST_BYTES)?]), 0)?;
    let limit = Instant::now() + Duration::from_secs(5);
    while Instant::now() < limit {
        // The responder may be gone before its acknowledgement leaves; that is a good end too.
        match end.channel.wait(Duration::from_millis(100))? {
            Some(Event::Done(done)) if done.kind == Kind::Send => break,
            _ => {}
        }
        if let Some(cm::Event::Disconnected { .. }) = end.cm.poll()? {
            break;
        }
    }
    // If the peer said goodbye first, the connection is no more.
    let _ = end.cm.disconnect(connection);
    Ok(())
}

/// What was counted over a stretch of work.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The board's counters, the marks of start and end among its commands.
    pub counters: Counters,
    /// The driver's own register accesses.
    pub accesses: BarAccesses,
    /// Wall time.
    pub wall: Duration,
}

/// Label of the mark that ends a stretch.
const END: u32 = u32::MAX;

/// Runs `work` between two readings. A NOP with `label` marks the start, another the end, for whoever watches the bus. The
/// readings are outside of the marks, so that they are no register reads of the work.
pub fn measure<R>(
    end: &mut Endpoint,
    label: u32,
    work: impl FnOnce(&mut Endpoint) -> anyhow::Result<R>,
) -> anyhow::Result<(R, Measured)> {
    let mark = |context| Post {
        vi: 0,
        context,
        signalled: false,
        command: Command::Nop,
    };
    let counters = end.board.observer().counters()?;
    end.board.post(&mark(label))?;
    let accesses = end.board.transport().accesses();
    let start = Instant::now();
    let result = work(end)?;
    let wall = start.elapsed();
    let accesses = end.board.transport().accesses() - accesses;
    end.board.post(&mark(END))?;
    let counters = &end.board.observer().counters()? - &counters;
    Ok((
        result,
        Measured {
            counters,
            accesses,
            wall,
        },
    ))
}
