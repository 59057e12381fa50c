//! `rnic interactions`: what host and board say to each other for the same work done four ways on the same gateware.
//!
//! ```text
//! the work: a request of 32 bytes; the peer RDMA-Writes into a buffer of the requester and replies
//! one_shot              one command                                         one completion
//! one_shot_no_reply     the same, the reply in a receive descriptor
//! classic               register, send, invalidate: a completion each; the reply is written behind the buffer
//! fast_registration     unsignalled register, send; released by the peer's Send with Invalidate
//! ```
//! Rounds follow one another; every scheme uses buffers that were mapped for DMA before. In the classic scheme the requester
//! finds the reply by looking at its memory: a reply by Send would cost it a fourth completion and a receive descriptor.

use crate::endpoint::{Endpoint, Wait, PATIENCE};
use crate::figures::{self, ratio, Figures};
use crate::protocol::{Buffers, Operation, Reply, Request, REPLY_BYTES, REQUEST_BYTES};
use crate::requester::{self, Measured, Responder};
use anyhow::{bail, ensure};
use rnic_abi::Stag;
use rnic_driver::channel::{BufferPool, Event};
use rnic_driver::command::{Access, Message};
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::Descriptor;
use rnic_driver::memory::Buffer;
use rnic_driver::one_shot;
use rnic_driver::region::{Region, RegionOptions};
use rnic_driver::transport::BoardUrl;
use rnic_driver::vi::Done;
use serde_json::json;
use std::io::{stdout, Write};
use std::path::PathBuf;
use std::time::Instant;

/// Arguments of `rnic interactions`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The requester's board.
    #[arg(long)]
    board: BoardUrl,
    /// The responder's board; its process is started by this one.
    #[arg(long)]
    peer: Option<BoardUrl>,
    /// Rounds of each scheme.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Bytes that the peer writes in a round.
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    bytes: u32,
    /// How to wait for completions.
    #[arg(long, value_enum, default_value = "poll")]
    wait: Wait,
    /// Makes STag keys and stream numbers the same in every run.
    #[arg(long)]
    seed: Option<u64>,
    /// Statistics that the simulator writes when both boards are left.
    #[arg(long, value_name = "FILE")]
    sim_stats: Option<PathBuf>,
    /// Print one final JSON line.
    #[arg(long)]
    json: bool,
}

/// A way to do the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    OneShot,
    OneShotNoReply,
    Classic,
    FastRegistration,
}

impl Scheme {
    const ALL: [Self; 4] = [
        Self::OneShot,
        Self::OneShotNoReply,
        Self::Classic,
        Self::FastRegistration,
    ];

    const fn name(self) -> &'static str {
        match self {
            Scheme::OneShot => "one_shot",
            Scheme::OneShotNoReply => "one_shot_no_reply",
            Scheme::Classic => "classic",
            Scheme::FastRegistration => "fast_registration",
        }
    }

    /// Label of its mark.
    const fn label(self) -> u32 {
        0x100 + self as u32
    }

    /// Receive descriptors posted in a round; they are the peer's due in any scheme, so no command of it.
    const fn receives(self) -> u64 {
        match self {
            Scheme::OneShot | Scheme::Classic => 0,
            Scheme::OneShotNoReply | Scheme::FastRegistration => 1,
        }
    }
}

/// Measures and reports.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if let Some(stats) = &arguments.sim_stats {
        figures::forget(stats);
    }
    let mut responder = arguments
        .peer
        .as_ref()
        .map(|peer| Responder::spawn(&arguments.board, peer, arguments.seed))
        .transpose()?;
    let mut end = Endpoint::open(&arguments.board, arguments.seed)?;
    let connection = requester::connect(
        &mut end,
        Buffers {
            count: 1,
            bytes: arguments.bytes,
        },
        responder.as_mut(),
    )?;
    let work = Work::new(&end, arguments)?;
    let mut measured = Vec::new();
    for scheme in Scheme::ALL {
        // As many rounds as there are slots first, so that each of them has been used before it counts.
        for _ in 0..end.board.identity().slots {
            work.round(&mut end, scheme)?;
        }
        let rounds =
            |end: &mut Endpoint| (0..arguments.rounds).try_for_each(|_| work.round(end, scheme));
        measured.push((
            scheme,
            requester::measure(&mut end, scheme.label(), rounds)?.1,
        ));
    }
    drop(work);
    requester::finish(&mut end, connection)?;
    drop(end);
    responder.map_or(Ok(()), Responder::join)?;
    report(arguments, &measured)
}

fn report(arguments: &Arguments, measured: &[(Scheme, Measured)]) -> anyhow::Result<()> {
    let stats = arguments
        .sim_stats
        .as_deref()
        .map(figures::load)
        .transpose()?;
    let mut out = stdout().lock();
    let rounds = u64::from(arguments.rounds);
    let mut line = json!({"rounds": rounds, "bytes": arguments.bytes});
    if !arguments.json {
        writeln!(
            out,
            "per round of {} bytes, {rounds} rounds",
            arguments.bytes
        )?;
        let heads = [
            "commands",
            "mmio writes",
            "mmio reads",
            "DMA besides payload",
            "CQEs",
            "cycles",
        ];
        writeln!(
            out,
            "{:<20}{}",
            "",
            heads.map(|head| format!("{head:>20}")).concat()
        )?;
    }
    for (scheme, measured) in measured {
        let monitor = stats
            .as_ref()
            .and_then(|stats| Figures::of_monitor(stats, scheme.label()));
        let figures = monitor.unwrap_or_else(|| Figures::of_board(measured));
        let values = [
            (
                "commands",
                figures.posts.saturating_sub(scheme.receives() * rounds),
            ),
            ("mmio_writes", figures.mmio_writes),
            ("mmio_reads", figures.mmio_reads),
            ("dma_reads_nonpayload", figures.dma_reads_nonpayload),
            ("cqes", figures.cqes),
            ("cycles", figures.cycles),
        ];
        let mut object = json!({"source": figures.source});
        values
            .iter()
            .for_each(|&(name, value)| object[name] = json!(ratio(value, rounds)));
        line[scheme.name()] = object;
        if !arguments.json {
            let cells = values.map(|(_, value)| format!("{:>20.2}", ratio(value, rounds)));
            writeln!(out, "{:<20}{}", scheme.name(), cells.concat())?;
        }
    }
    if arguments.json {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// What every round uses.
struct Work {
    /// The send descriptor's message and the receive descriptor's room.
    messages: BufferPool,
    replies: BufferPool,
    /// What the peer writes.
    target: Buffer,
    /// The same, with a reply behind it.
    target_and_reply: Buffer,
    wait: Wait,
}

impl Work {
    fn new(end: &Endpoint, arguments: &Arguments) -> anyhow::Result<Self> {
        let bytes = arguments.bytes as usize;
        let target_and_reply = end.board.allocate("rnic-target", bytes + REPLY_BYTES)?;
        Ok(Self {
            messages: BufferPool::new(&end.board, "rnic-messages", 1, REQUEST_BYTES, end.ptag)?,
            replies: BufferPool::new(&end.board, "rnic-replies", 1, REPLY_BYTES, end.ptag)?,
            target: target_and_reply.slice(..bytes)?,
            target_and_reply,
            wait: arguments.wait,
        })
    }

    /// The work once.
    fn round(&self, end: &mut Endpoint, scheme: Scheme) -> anyhow::Result<()> {
        let length = match scheme {
            Scheme::OneShot => self.one_shot(end, true)?,
            Scheme::OneShotNoReply => self.one_shot(end, false)?,
            Scheme::FastRegistration => self.fast_registration(end)?,
            Scheme::Classic => return self.classic(end),
        };
        Reply::check(
            &self.replies.buffer(0)?.to_vec(0, length as usize)?,
            self.target.len(),
        )
    }

    fn request(&self, operation: Operation, stag: Stag, to: u64) -> [u8; REQUEST_BYTES] {
        let length = self.target.len() as u32;
        Request {
            operation,
            slot: 0,
            stag,
            to,
            length,
            file_offset: 0,
        }
        .encode()
    }

    fn one_shot(&self, end: &mut Endpoint, reply_buffer: bool) -> anyhow::Result<u32> {
        if !reply_buffer {
            self.post_receive(end)?;
        }
        let reply = if reply_buffer {
            Some(self.replies.reply(0)?)
        } else {
            None
        };
        let backing = self.target.clone().into();
        let request = one_shot::Request {
            reply,
            ..one_shot::Request::new(backing, Access::REMOTE_WRITE, 0)
        };
        let message =
            |stag, to| Message::Inline(self.request(Operation::Return, stag, to).to_vec());
        end.channel.one_shot_with(request, message)?;
        let (mut length, mut returned, mut received) = (None, false, reply_buffer);
        // Without a reply buffer the message also completes its receive descriptor.
        while !returned || !received {
            match end.next(self.wait)? {
                Event::OneShot(completed) => {
                    completed.failure.map_or(Ok(()), Err)?;
                    // Without a reply buffer the receive descriptor says how long the reply was.
                    length = length.or(Some(completed.length).filter(|_| reply_buffer));
                    returned = true;
                }
                Event::Done(done) if done.kind == Kind::Receive && !received => {
                    done.outcome.ok()?;
                    length = Some(done.outcome.length);
                    received = true;
                }
                Event::Done(done) => bail!("a {:?} completion that nobody posted", done.kind),
            }
        }
        Ok(length.unwrap_or(0))
    }

    fn classic(&self, end: &mut Endpoint) -> anyhow::Result<()> {
        let reply_memory = self.target_and_reply.slice(self.target.len()..)?;
        reply_memory.fill(0)?;
        let options = self.options(end);
        let region = Region::register(&end.board, self.target_and_reply.clone().into(), options)?;
        self.send(end, Operation::ReturnPlain, &region)?;
        match end.next(self.wait)? {
            Event::Done(done) if done.kind == Kind::Send => done.outcome.ok()?,
            other => bail!("instead of the Send's completion: {other:?}"),
        }
        let reply = Reply {
            status: 0,
            bytes: self.target.len() as u32,
        };
        let limit = Instant::now() + PATIENCE;
        while reply_memory.to_vec(0, REPLY_BYTES)? != reply.encode() {
            ensure!(Instant::now() < limit, "no reply is written");
            if let Some(other) = end.channel.poll()? {
                bail!("an event that nobody waits for: {other:?}");
            }
        }
        region.invalidate()?;
        Ok(())
    }

    fn fast_registration(&self, end: &mut Endpoint) -> anyhow::Result<u32> {
        let options = self.options(end);
        let region = Region::register_unsignalled(&end.board, self.target.clone().into(), options)?;
        self.post_receive(end)?;
        self.send(end, Operation::Return, &region)?;
        let reply = self.send_and_reply(end)?;
        ensure!(
            reply.invalidated == Some(region.stag()),
            "the peer did not invalidate {}",
            region.stag()
        );
        region.released_by_peer()?;
        Ok(reply.outcome.length)
    }

    fn options(&self, end: &Endpoint) -> RegionOptions {
        RegionOptions {
            access: Access::REMOTE_WRITE,
            vi: Some(end.channel.vi().number()),
            ..RegionOptions::new(end.ptag)
        }
    }

    /// Sends the request for an operation on a region, by a descriptor.
    fn send(
        &self,
        end: &mut Endpoint,
        operation: Operation,
        region: &Region,
    ) -> anyhow::Result<()> {
        let request = self.request(operation, region.stag(), region.base());
        self.messages.buffer(0)?.write(0, &request)?;
        let send = Descriptor::send(vec![self.messages.segment(0, REQUEST_BYTES)?]);
        Ok(end.channel.vi_mut().post_send(&send, 0)?)
    }

    fn post_receive(&self, end: &mut Endpoint) -> anyhow::Result<()> {
        let receive = Descriptor::receive(vec![self.replies.segment(0, REPLY_BYTES)?]);
        Ok(end.channel.vi_mut().post_receive(&receive, 0)?)
    }

    /// Waits for the send's completion and the reply, which may come in any order.
    fn send_and_reply(&self, end: &mut Endpoint) -> anyhow::Result<Done> {
        let (mut sent, mut reply) = (false, None);
        loop {
            match end.next(self.wait)? {
                Event::Done(done) if done.kind == Kind::Send && !sent => {
                    done.outcome.ok()?;
                    sent = true;
                }
                Event::Done(done) if done.kind == Kind::Receive && reply.is_none() => {
                    done.outcome.ok()?;
                    reply = Some(done);
                }
                other => bail!("an event that nobody waits for: {other:?}"),
            }
            if let (true, Some(reply)) = (sent, reply) {
                return Ok(reply);
            }
        }
    }
}
