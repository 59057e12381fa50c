//! `rnic copy-responder`: serves requests until the requester finishes. An ordinary consumer: RDMA Reads and Writes by
//! descriptor, and Send with Invalidate to end a one-shot.

use crate::endpoint::{Endpoint, Wait, MAX_TRANSFER_BYTES, PATIENCE};
use crate::protocol::{self, Buffers, Operation, Reply, Request, REPLY_BYTES, REQUEST_BYTES};
use anyhow::{bail, ensure, Context};
use rnic_driver::channel::{BufferPool, Event};
use rnic_driver::cm::Offer;
use rnic_driver::command::Message;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::{Descriptor, Remote};
use rnic_driver::transport::BoardUrl;
use serde_json::json;
use std::collections::VecDeque;
use std::io::{stdout, Write};

/// Arguments of `rnic copy-responder`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The board.
    #[arg(long)]
    board: BoardUrl,
    /// Makes STag keys and stream numbers the same in every run.
    #[arg(long)]
    seed: Option<u64>,
    /// How to wait for completions.
    #[arg(long, value_enum, default_value = "interrupt")]
    wait: Wait,
    /// Print one final JSON line.
    #[arg(long)]
    json: bool,
}

/// Serves one requester.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut end = Endpoint::open(&arguments.board, arguments.seed)?;
    let depth = end.board.identity().queue_depth as usize;
    let requests = BufferPool::new(&end.board, "rnic-requests", depth, REQUEST_BYTES, end.ptag)?;
    let replies = BufferPool::new(
        &end.board,
        "rnic-plain-replies",
        depth,
        REPLY_BYTES,
        end.ptag,
    )?;
    for index in 0..depth {
        let receive = Descriptor::receive(vec![requests.segment(index, REQUEST_BYTES)?]);
        end.channel.vi_mut().post_receive(&receive, index as u64)?;
    }
    let reads = end.board.identity().reads as u8;
    let (connection, private) = end.cm.accept_and_wait(
        end.channel.vi_mut(),
        Endpoint::service()?.discriminator,
        Offer::new(reads),
        PATIENCE,
    )?;
    let mpa = protocol::opening_json(end.cm.opening(connection)?);
    let buffers = Buffers::decode(&private)?;
    ensure!(
        buffers.bytes <= MAX_TRANSFER_BYTES,
        "{} bytes a buffer are too many",
        buffers.bytes
    );
    let slots = BufferPool::new(
        &end.board,
        "rnic-slots",
        buffers.count.into(),
        buffers.bytes as usize,
        end.ptag,
    )?;

    let mut server = Server {
        slots,
        replies,
        next_reply: 0,
        waiting: VecDeque::new(),
        finished: false,
    };
    loop {
        server.serve(&mut end)?;
        if server.finished && end.channel.vi().send_space() == depth {
            break;
        }
        let done = match end.next(arguments.wait)? {
            Event::Done(done) => done,
            Event::OneShot(completed) => bail!("a one-shot {} that nobody posted", completed.stag),
        };
        done.outcome
            .ok()
            .with_context(|| format!("{:?} {}", done.kind, done.reference))?;
        if done.kind != Kind::Receive {
            continue;
        }
        let index = done.reference as usize;
        let bytes = requests
            .buffer(index)?
            .to_vec(0, done.outcome.length as usize)?;
        let receive = Descriptor::receive(vec![requests.segment(index, REQUEST_BYTES)?]);
        end.channel.vi_mut().post_receive(&receive, index as u64)?;
        let request = Request::decode(&bytes)?;
        if let Some(advertised) = done.advertised {
            ensure!(
                advertised == request.stag,
                "the header advertises {advertised}, the message {}",
                request.stag
            );
        }
        server.waiting.push_back(request);
    }
    if arguments.json {
        writeln!(stdout(), "{}", json!({"mpa": mpa}))?;
    }
    // The requester may have left first.
    let _ = end.cm.disconnect(connection);
    Ok(())
}

/// Requests in the order in which they came.
struct Server {
    slots: BufferPool,
    replies: BufferPool,
    next_reply: usize,
    waiting: VecDeque<Request>,
    finished: bool,
}

impl Server {
    /// Answers as many requests as the send queue takes; each needs two entries.
    fn serve(&mut self, end: &mut Endpoint) -> anyhow::Result<()> {
        while end.channel.vi().send_space() >= 2 {
            let Some(request) = self.waiting.pop_front() else {
                break;
            };
            self.answer(end, &request)?;
        }
        Ok(())
    }

    fn answer(&mut self, end: &mut Endpoint, request: &Request) -> anyhow::Result<()> {
        let vi = end.channel.vi_mut();
        let remote = Remote {
            va: request.to,
            handle: request.stag,
        };
        let reply = Reply {
            status: 0,
            bytes: request.length,
        }
        .encode();
        let local = || {
            self.slots
                .segment(request.slot.into(), request.length as usize)
        };
        match request.operation {
            Operation::Finish => self.finished = true,
            Operation::Fetch => {
                vi.post_send(
                    &Descriptor::rdma_read(remote, vec![local()?]),
                    request.file_offset,
                )?;
                // The fence keeps the buffer the peer's until every byte of the Read is here.
                vi.send_invalidate(
                    request.stag,
                    Message::Inline(reply.to_vec()),
                    true,
                    request.file_offset,
                )?;
            }
            Operation::Return => {
                vi.post_send(
                    &Descriptor::rdma_write(remote, vec![local()?]),
                    request.file_offset,
                )?;
                vi.send_invalidate(
                    request.stag,
                    Message::Inline(reply.to_vec()),
                    false,
                    request.file_offset,
                )?;
            }
            Operation::ReturnPlain => {
                vi.post_send(
                    &Descriptor::rdma_write(remote, vec![local()?]),
                    request.file_offset,
                )?;
                let index = self.next_reply;
                self.next_reply = (index + 1) % end.board.identity().queue_depth as usize;
                self.replies.buffer(index)?.write(0, &reply)?;
                let behind = Remote {
                    va: remote.va + u64::from(request.length),
                    ..remote
                };
                let reply = self.replies.segment(index, REPLY_BYTES)?;
                vi.post_send(
                    &Descriptor::rdma_write(behind, vec![reply]),
                    request.file_offset,
                )?;
            }
        }
        Ok(())
    }
}
