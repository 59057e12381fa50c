//! What host and board say to each other for the same work done three ways; counted by the requester's bus monitor.
//!
//! ```text
//! the work: a message of 32 bytes; the peer Writes 4,096 bytes into a buffer of the requester and replies with 8
//! one_shot           one command                                           one completion
//! classic            register, send, invalidate: a completion each; the reply is written behind the buffer
//! fast_registration  unsignalled register, send; released by the peer's Send with Invalidate
//! ```
//! `rnic interactions` does the same between two processes. Buffers are mapped for DMA beforehand. A scheme's phase is
//! bracketed by NOP commands. The receive descriptor that the last one's reply needs is the peer's due, so it is no command of
//! it, but its register writes and DMA reads count. In the classic scheme the requester finds the reply by looking at its
//! memory: a reply by Send would cost it a fourth completion and a receive descriptor.

use anyhow::{bail, ensure, Context, Result};
use rnic_abi::Stag;
use rnic_driver::channel::Event;
use rnic_driver::command::{Access, Command, Message, Post};
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::{Descriptor, Remote};
use rnic_driver::memory::Buffer;
use rnic_driver::one_shot::Request;
use rnic_driver::region::{Region, RegionOptions};
use rnic_sim::model::Gateware;
use rnic_tests::RigOptions;

use crate::figure::{Figure, Limit, Report};
use crate::stage::{Stage, LIMIT_CYCLES, MESSAGE_BYTES};

/// Rounds of each scheme.
const ROUNDS: u64 = 32;
/// Message, Write, reply.
const REQUEST_BYTES: usize = 32;
const WRITTEN_BYTES: usize = 4096;
const REPLY_BYTES: usize = 8;

/// A way to do the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    OneShot,
    Classic,
    FastRegistration,
}

impl Scheme {
    const ALL: [Self; 3] = [Self::OneShot, Self::Classic, Self::FastRegistration];

    const fn name(self) -> &'static str {
        match self {
            Self::OneShot => "one_shot",
            Self::Classic => "classic",
            Self::FastRegistration => "fast_registration",
        }
    }

    /// What a one-shot takes on the requester, which is its point: commands, register reads, DMA reads besides payload,
    /// CQEs; and that the others are no worse than they have to be.
    fn budget(self, what: &str) -> Option<f64> {
        match (self, what) {
            (Self::OneShot, "commands" | "cqes") => Some(1.0),
            (Self::OneShot, "mmio_reads" | "dma_reads_nonpayload") => Some(0.0),
            (Self::Classic, "commands" | "cqes") => Some(3.0),
            (Self::FastRegistration, "commands" | "cqes") => Some(2.0),
            _ => None,
        }
    }
}

/// Runs all schemes and reads the monitor.
pub fn measure(report: &mut Report, gateware: Gateware) -> Result<()> {
    let options = RigOptions {
        poll_cycles: 4,
        ..RigOptions::ideal(gateware)
    };
    let mut stage = Stage::new(options)?;
    for scheme in Scheme::ALL {
        // As many rounds as there are slots first, so that each of them has been used before it counts.
        for index in 0..u64::from(stage.board(0).identity().slots) {
            stage
                .explain(|stage| round(stage, scheme, index))
                .with_context(|| scheme.name())?;
        }
        mark(&stage, label(scheme))?;
        for index in 0..ROUNDS {
            stage
                .explain(|stage| round(stage, scheme, index))
                .with_context(|| scheme.name())?;
        }
        mark(&stage, u32::MAX)?;
        stage.settle()?;
    }
    let requester = &stage.rig.hosts[0].sim;
    let stats = requester.with_board(|board| board.monitor.to_json());
    let phases = stats["phases"]
        .as_array()
        .context("the monitor has no phases")?;
    for scheme in Scheme::ALL {
        let phase = phases
            .iter()
            .find(|phase| phase["label"] == label(scheme))
            .context("a phase is missing")?;
        let counts = &phase["counts"];
        let number = |name: &str| counts[name].as_u64().context("a count is missing");
        let receives = match scheme {
            Scheme::FastRegistration => ROUNDS,
            Scheme::OneShot | Scheme::Classic => 0,
        };
        let values = [
            (
                "commands",
                number("commands")? + number("doorbells")? - receives,
            ),
            ("mmio_writes", number("mmio_writes")?),
            ("mmio_reads", number("mmio_reads")?),
            ("dma_reads_nonpayload", number("dma_reads_nonpayload")?),
            ("cqes", number("cqes")?),
            (
                "cycles",
                phase["cycles"].as_u64().context("no cycles in a phase")?,
            ),
        ];
        for (name, value) in values {
            report.add(Figure {
                budget: scheme.budget(name),
                ..Figure::plain(
                    format!("{}, {name}", scheme.name()),
                    value as f64 / ROUNDS as f64,
                    "per round",
                    Limit::Max,
                )
            });
        }
    }
    Ok(())
}

fn label(scheme: Scheme) -> u32 {
    0x200 + scheme as u32
}

/// A NOP that starts a phase.
fn mark(stage: &Stage, context: u32) -> Result<()> {
    stage.board(0).post(&Post {
        vi: 0,
        context,
        signalled: false,
        command: Command::Nop,
    })?;
    Ok(())
}

/// The work once.
fn round(stage: &mut Stage, scheme: Scheme, index: u64) -> Result<()> {
    stage.post_receive(1, 0)?;
    let whole = stage.memory[0]
        .sink_memory
        .slice(..WRITTEN_BYTES + REPLY_BYTES)?;
    whole.fill(0)?;
    // Every payload is unlike any other, because the monitor knows payload by its bytes.
    stage.memory[1].source.buffer(0)?.fill(index as u8 | 0x80)?;
    let target = whole.slice(..WRITTEN_BYTES)?;
    match scheme {
        Scheme::OneShot => one_shot(stage, target),
        Scheme::Classic => classic(stage, whole),
        Scheme::FastRegistration => fast_registration(stage, target),
    }
}

fn one_shot(stage: &mut Stage, target: Buffer) -> Result<()> {
    let to = target.iova().0;
    let request = Request {
        reply: Some(stage.memory[0].replies.reply(0)?),
        ..Request::new(target.into(), Access::REMOTE_WRITE, 0)
    };
    let message = Message::Inline(vec![1; REQUEST_BYTES]);
    let stag = stage.pair.initiator.one_shot(request, message)?;
    serve(stage, stag, to, Reply::SendInvalidate)?;
    match next(stage, 0)? {
        Event::OneShot(completed) => completed.failure.map_or(Ok(()), Err)?,
        other => bail!("instead of the one-shot's completion: {other:?}"),
    }
    finish_serving(stage)
}

fn classic(stage: &mut Stage, whole: Buffer) -> Result<()> {
    let board = stage.board(0).clone();
    let region = Region::register(&board, whole.clone().into(), options(stage))?;
    send(stage)?;
    serve(stage, region.stag(), region.base(), Reply::Write)?;
    match next(stage, 0)? {
        Event::Done(done) if done.kind == Kind::Send => done.outcome.ok()?,
        other => bail!("instead of the Send's completion: {other:?}"),
    }
    let limit = stage.rig.sim.cycles() + LIMIT_CYCLES;
    let reply = whole.slice(WRITTEN_BYTES..)?;
    while reply.to_vec(0, REPLY_BYTES)?.contains(&0) {
        ensure!(stage.rig.sim.cycles() < limit, "no reply is written");
        if let Some(other) = stage.channel(0).poll()? {
            bail!("an event that nobody waits for: {other:?}");
        }
    }
    region.invalidate()?;
    finish_serving(stage)
}

fn fast_registration(stage: &mut Stage, target: Buffer) -> Result<()> {
    let board = stage.board(0).clone();
    let region = Region::register_unsignalled(&board, target.into(), options(stage))?;
    stage.post_receive(0, 0)?;
    send(stage)?;
    serve(stage, region.stag(), region.base(), Reply::SendInvalidate)?;
    let (mut sent, mut replied) = (false, false);
    while !sent || !replied {
        match next(stage, 0)? {
            Event::Done(done) if done.kind == Kind::Send => {
                done.outcome.ok()?;
                sent = true;
            }
            Event::Done(done) if done.kind == Kind::Receive => {
                done.outcome.ok()?;
                let stag = Some(region.stag());
                ensure!(done.invalidated == stag, "the peer did not invalidate");
                replied = true;
            }
            other => bail!("an event that nobody waits for: {other:?}"),
        }
    }
    region.released_by_peer()?;
    finish_serving(stage)
}

/// Of a region that the peer may write.
fn options(stage: &Stage) -> RegionOptions {
    let vi = stage.pair.initiator.vi();
    RegionOptions {
        access: Access::REMOTE_WRITE,
        vi: Some(vi.number()),
        ..RegionOptions::new(vi.settings().ptag)
    }
}

/// The message, by a descriptor.
fn send(stage: &mut Stage) -> Result<()> {
    let message = stage.memory[0].source.segment(0, REQUEST_BYTES)?;
    let send = Descriptor::send(vec![message]);
    Ok(stage.pair.initiator.vi_mut().post_send(&send, 0)?)
}

/// How the responder ends a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    SendInvalidate,
    /// RDMA Write, right behind what was asked for.
    Write,
}

/// The responder's part: takes the message, writes, and replies.
fn serve(stage: &mut Stage, stag: Stag, to: u64, reply: Reply) -> Result<()> {
    match next(stage, 1)? {
        Event::Done(done) if done.kind == Kind::Receive => done.outcome.ok()?,
        other => bail!("instead of the message: {other:?}"),
    }
    let remote = |offset: usize| Remote {
        va: to + offset as u64,
        handle: stag,
    };
    let source = &stage.memory[1].source;
    let written = source.segment(0, WRITTEN_BYTES)?;
    let behind = source.region().segment(WRITTEN_BYTES, REPLY_BYTES)?;
    let vi = stage.pair.responder.vi_mut();
    vi.post_send(&Descriptor::rdma_write(remote(0), vec![written]), 0)?;
    match reply {
        Reply::SendInvalidate => {
            vi.send_invalidate(stag, Message::Inline(vec![2; REPLY_BYTES]), false, 0)?;
        }
        Reply::Write => {
            let write = Descriptor::rdma_write(remote(WRITTEN_BYTES), vec![behind]);
            vi.post_send(&write, 0)?;
        }
    }
    Ok(())
}

/// Takes the completions of the responder's Write and reply.
fn finish_serving(stage: &mut Stage) -> Result<()> {
    for _ in 0..2 {
        match next(stage, 1)? {
            Event::Done(done) => done.outcome.ok()?,
            other => bail!("instead of the responder's completion: {other:?}"),
        }
    }
    Ok(())
}

/// The next event of a side.
fn next(stage: &mut Stage, side: usize) -> Result<Event> {
    let limit = stage.rig.sim.cycles() + LIMIT_CYCLES;
    while stage.rig.sim.cycles() < limit {
        if let Some(event) = stage.channel(side).poll()? {
            return Ok(event);
        }
    }
    bail!("side {side} has no completion");
}

const _: () = assert!(REQUEST_BYTES <= MESSAGE_BYTES);
