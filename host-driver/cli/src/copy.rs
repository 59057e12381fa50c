//! `rnic copy FILE`: a file crosses to another process and back, by one-shots in both directions of transfer.
//!
//! ```text
//! FILE -> source buffer  == one-shot Fetch  ==> the responder RDMA-Reads it into its slot, fenced Send with Invalidate
//! COPY <- target buffer  == one-shot Return ==> the responder RDMA-Writes its slot into it, Send with Invalidate
//! ```
//! Every chunk goes both ways, so COPY is made of what came back. The first chunk is short and goes alone, so that a trace or
//! a capture begins with one round of each direction; then several chunks are under way at once.

use crate::endpoint::{Endpoint, Wait};
use crate::figures::{self, Figures};
use crate::protocol::{self, Buffers, Operation, Reply, Request, REPLY_BYTES};
use crate::requester::{self, Responder};
use anyhow::{bail, ensure, Context};
use indicatif::{ProgressBar, ProgressStyle};
use rnic_driver::channel::{BufferPool, Event};
use rnic_driver::command::{Access, Message};
use rnic_driver::memory::Buffer;
use rnic_driver::one_shot;
use rnic_driver::transport::BoardUrl;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fs::{File, Metadata};
use std::io::{stdout, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Label of the mark before the copy.
const LABEL: u32 = 1;
/// Bytes of the first chunk: a few frames.
const FIRST_CHUNK: u64 = 4096;

/// Arguments of `rnic copy`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The file; without one, this program's own executable.
    file: Option<PathBuf>,
    /// The requester's board.
    #[arg(long)]
    board: BoardUrl,
    /// The responder's board; its process is started by this one.
    #[arg(long)]
    peer: Option<BoardUrl>,
    /// Where the copy goes.
    #[arg(long)]
    out: PathBuf,
    /// Bytes of one operation.
    #[arg(long, default_value_t = 64 << 10, value_parser = clap::value_parser!(u32).range(1..=16 << 20))]
    chunk: u32,
    /// Chunks under way at once; the board's queues may allow fewer.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..))]
    depth: u8,
    /// How to wait for completions.
    #[arg(long, value_enum, default_value = "poll")]
    wait: Wait,
    /// Makes STag keys and stream numbers the same in every run.
    #[arg(long)]
    seed: Option<u64>,
    /// Statistics that the simulator writes when both boards are left.
    #[arg(long, value_name = "FILE")]
    sim_stats: Option<PathBuf>,
    /// Packet capture that the simulator writes; named in the summary.
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Timeline that the simulator draws; named in the summary.
    #[arg(long, value_name = "FILE")]
    timeline: Option<PathBuf>,
    /// What simulates the boards, if something does; named in the summary.
    #[arg(long)]
    simulator: Option<String>,
    /// Print one final JSON line.
    #[arg(long)]
    json: bool,
}

/// Copies and reports.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let path = match &arguments.file {
        Some(path) => path.clone(),
        None => std::env::current_exe().context("cannot find this program's own file")?,
    };
    let source = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let metadata = source.metadata()?;
    ensure!(metadata.is_file(), "{} is no file", path.display());
    let bytes = metadata.len();
    let same = |other: Metadata| (other.dev(), other.ino()) == (metadata.dev(), metadata.ino());
    ensure!(
        !std::fs::metadata(&arguments.out).is_ok_and(same),
        "--out {} is the file itself",
        arguments.out.display()
    );
    let target = File::create(&arguments.out)
        .with_context(|| format!("cannot write {}", arguments.out.display()))?;
    if let Some(stats) = &arguments.sim_stats {
        figures::forget(stats);
    }

    let mut responder = arguments
        .peer
        .as_ref()
        .map(|peer| Responder::spawn(&arguments.board, peer, arguments.seed))
        .transpose()?;
    let mut end = Endpoint::open(&arguments.board, arguments.seed)?;
    // The responder needs two send queue entries for each.
    let depth = arguments
        .depth
        .min((end.board.identity().queue_depth / 2).clamp(1, 128) as u8);
    let connection = requester::connect(
        &mut end,
        Buffers {
            count: depth,
            bytes: arguments.chunk,
        },
        responder.as_mut(),
    )?;
    let mpa = protocol::opening_json(end.cm.opening(connection)?);

    let progress = ProgressBar::new(2 * bytes);
    progress.set_style(ProgressStyle::with_template(
        "{bar:40} {bytes}/{total_bytes} there and back, {binary_bytes_per_sec}",
    )?);
    let mut copy = Copy::new(&end, source, target, bytes, arguments.chunk, depth)?;
    let work = |end: &mut Endpoint| copy.run(end, arguments.wait, &progress);
    let (operations, measured) = requester::measure(&mut end, LABEL, work)?;
    progress.finish_and_clear();
    drop(copy);
    requester::finish(&mut end, connection)?;
    drop(end);
    responder.map_or(Ok(()), Responder::join)?;

    let (before, after) = (sha256(&path)?, sha256(&arguments.out)?);
    let stats = arguments
        .sim_stats
        .as_deref()
        .map(figures::load)
        .transpose()?;
    let board = Figures::of_board(&measured);
    let monitor = stats
        .as_ref()
        .and_then(|stats| Figures::of_monitor(stats, LABEL));
    let figures = monitor.unwrap_or(board);
    let mut out = stdout().lock();
    let wall_seconds = measured.wall.as_secs_f64();
    if arguments.json {
        let shown = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let line = json!({
            "bytes": bytes,
            "sha256": before,
            "sha256_match": before == after,
            "simulator": arguments.simulator,
            "operations": operations,
            "per_operation": figures.per_operation(operations),
            "per_operation_source": figures.source,
            "per_operation_board": board.per_operation(operations),
            "cycles": figures.cycles,
            "mpa": mpa,
            "wall_seconds": wall_seconds,
            "pcap": shown(&arguments.pcap),
            "timeline": shown(&arguments.timeline),
        });
        writeln!(out, "{line}")?;
    } else {
        writeln!(
            out,
            "{bytes:>14} bytes of {}, there and back to {}",
            path.display(),
            arguments.out.display()
        )?;
        writeln!(
            out,
            "{operations:>14} one-shots of up to {} bytes, {depth} at a time",
            arguments.chunk
        )?;
        writeln!(out, "{:>14} board cycles", figures.cycles)?;
        writeln!(out, "{wall_seconds:>14.3} seconds")?;
        figures.print(&mut out, operations)?;
        if monitor.is_some() {
            board.print(&mut out, operations)?;
        }
        writeln!(out, "SHA-256 of the file {before}")?;
        writeln!(
            out,
            "SHA-256 of the copy {after}{}",
            if before == after { ", the same" } else { "" }
        )?;
        for (name, path) in [
            ("packet capture", &arguments.pcap),
            ("timeline", &arguments.timeline),
        ] {
            if let Some(path) = path {
                writeln!(out, "{name}: {}", path.display())?;
            }
        }
    }
    ensure!(before == after, "the copy differs from the file");
    Ok(())
}

/// Where a slot's chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Free,
    Fetching,
    Returning,
}

/// Buffers of one chunk under way.
struct Slot {
    stage: Stage,
    source: Buffer,
    target: Buffer,
    offset: u64,
    bytes: usize,
}

/// The copy under way.
struct Copy {
    replies: BufferPool,
    slots: Vec<Slot>,
    source: File,
    target: File,
    chunk: u64,
    next_offset: u64,
    bytes: u64,
    operations: u64,
}

impl Copy {
    fn new(
        end: &Endpoint,
        source: File,
        target: File,
        bytes: u64,
        chunk: u32,
        depth: u8,
    ) -> anyhow::Result<Self> {
        let replies = BufferPool::new(
            &end.board,
            "rnic-replies",
            depth.into(),
            REPLY_BYTES,
            end.ptag,
        )?;
        let slot = |_| {
            let source = end.board.allocate("rnic-source", chunk as usize)?;
            let target = end.board.allocate("rnic-target", chunk as usize)?;
            anyhow::Ok(Slot {
                stage: Stage::Free,
                source,
                target,
                offset: 0,
                bytes: 0,
            })
        };
        let slots = (0..depth).map(slot).collect::<Result<_, _>>()?;
        Ok(Self {
            replies,
            slots,
            source,
            target,
            chunk: chunk.into(),
            next_offset: 0,
            bytes,
            operations: 0,
        })
    }

    /// Copies everything; the number of operations.
    fn run(
        &mut self,
        end: &mut Endpoint,
        wait: Wait,
        progress: &ProgressBar,
    ) -> anyhow::Result<u64> {
        self.fetch_next(end, 0)?;
        let mut alone = true;
        while end.channel.outstanding() > 0 {
            let completed = match end.next(wait)? {
                Event::OneShot(completed) => completed,
                Event::Done(done) => bail!("a {:?} completion that nobody posted", done.kind),
            };
            let index = completed.reference as usize;
            if let Some(failure) = completed.failure {
                return Err(failure)
                    .with_context(|| format!("{:?} in slot {index}", self.slots[index].stage));
            }
            let bytes = self.slots[index].bytes;
            let reply = self
                .replies
                .buffer(index)?
                .to_vec(0, completed.length as usize)?;
            Reply::check(&reply, bytes)?;
            progress.inc(bytes as u64);
            self.operations += 1;
            match self.slots[index].stage {
                Stage::Fetching => self.post(end, index, Stage::Returning)?,
                _ => {
                    let slot = &self.slots[index];
                    self.target
                        .write_all_at(&slot.target.to_vec(0, bytes)?, slot.offset)?;
                    self.fetch_next(end, index)?;
                    if std::mem::take(&mut alone) {
                        for other in 1..self.slots.len() {
                            self.fetch_next(end, other)?;
                        }
                    }
                }
            }
        }
        Ok(self.operations)
    }

    /// Starts the next chunk in a slot, if there is one.
    fn fetch_next(&mut self, end: &mut Endpoint, index: usize) -> anyhow::Result<()> {
        let offset = self.next_offset;
        let slot = &mut self.slots[index];
        slot.stage = Stage::Free;
        let most = match offset {
            0 => self.chunk.min(FIRST_CHUNK),
            _ => self.chunk,
        };
        slot.bytes = most.min(self.bytes - offset) as usize;
        slot.offset = offset;
        if slot.bytes == 0 {
            return Ok(());
        }
        let mut chunk = vec![0; slot.bytes];
        self.source.read_exact_at(&mut chunk, offset)?;
        slot.source.write(0, &chunk)?;
        self.next_offset += slot.bytes as u64;
        self.post(end, index, Stage::Fetching)
    }

    /// Posts the one-shot of a stage.
    fn post(&mut self, end: &mut Endpoint, index: usize, stage: Stage) -> anyhow::Result<()> {
        let slot = &mut self.slots[index];
        slot.stage = stage;
        let (operation, buffer, access) = match stage {
            Stage::Fetching => (Operation::Fetch, &slot.source, Access::REMOTE_READ),
            _ => (Operation::Return, &slot.target, Access::REMOTE_WRITE),
        };
        let (length, file_offset) = (slot.bytes as u32, slot.offset);
        let backing = buffer.slice(..slot.bytes)?.into();
        let reply = Some(self.replies.reply(index)?);
        let request = one_shot::Request {
            reply,
            ..one_shot::Request::new(backing, access, index as u64)
        };
        end.channel.one_shot_with(request, |stag, to| {
            let request = Request {
                operation,
                slot: index as u8,
                stag,
                to,
                length,
                file_offset,
            };
            Message::Inline(request.encode().to_vec())
        })?;
        Ok(())
    }
}

/// SHA-256 of a file, in hexadecimal.
fn sha256(path: &Path) -> anyhow::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            bytes => hash.update(&chunk[..bytes]),
        }
    }
    Ok(protocol::hexadecimal(&hash.finalize()))
}
