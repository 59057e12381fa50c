//! A VI with one completion queue for everything it does: the shape most applications want.
//!
//! ```text
//! Channel = CompletionQueue -> { OneShots, Vi }      poll: one CQE in, one event out
//! ```
//! Work that found no entry to reserve in the queue is told in the board's admin queue, which is looked at when the
//! channel's own is empty.

use crate::board::{Board, ExecuteError};
use crate::command::{Message, ReplyBuffer};
use crate::completion_queue::{CompletionQueue, CompletionQueueError};
use crate::cqe::{Cqe, Kind};
use crate::memory::{Buffer, MemoryError};
use crate::one_shot::{Completed, OneShotError, OneShots, Request};
use crate::region::{Region, RegionError, RegionOptions};
use crate::vi::{Done, Vi, ViError, ViOptions};
use rnic_abi::Stag;
use std::time::Duration;

/// What a channel's queue said.
///
/// ```
/// use rnic_driver::channel::Event;
/// fn name(event: &Event) -> &'static str {
///     match event {
///         Event::OneShot(_) => "a one-shot came back",
///         Event::Done(_) => "a descriptor or send_invalidate is done",
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub enum Event {
    /// A one-shot came back, or failed.
    OneShot(Completed),
    /// A descriptor or a send_invalidate.
    Done(Done),
}

/// A VI, its completion queue and its one-shots.
///
/// ```no_run
/// # use rnic_driver::{board::{Board, Options}, channel::{Channel, Event}, command::{Access, Message}, one_shot::Request, vi::ViOptions};
/// # use std::time::Duration;
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// let mut channel = Channel::open(&board, 6, ViOptions::new(board.allocate_ptag()))?;
/// let answer = board.allocate("answer", 4096)?;
/// let stag = channel.one_shot(Request::new(answer.into(), Access::REMOTE_WRITE, 7), Message::Inline(b"go".to_vec()))?;
/// match channel.wait(Duration::from_secs(1))? {
///     Some(Event::OneShot(completed)) => assert_eq!(completed.stag, stag),
///     other => println!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Channel {
    // Dropped in this order: the VI must be gone before its queue.
    vi: Vi,
    one_shots: OneShots,
    cq: CompletionQueue,
}

impl Channel {
    /// Creates a queue of `1 << entries_log2` entries and a VI on it.
    pub fn open(
        board: &Board,
        entries_log2: u32,
        options: ViOptions,
    ) -> Result<Self, ChannelError> {
        let cq = board.create_cq(entries_log2)?;
        let vi = Vi::create(board, &cq, &cq, options)?;
        let channel = Self {
            one_shots: OneShots::new(&vi),
            vi,
            cq,
        };
        // What nobody took of an earlier VI with this number.
        while channel.refused()?.is_some() {}
        Ok(channel)
    }

    /// Its VI.
    pub fn vi(&self) -> &Vi {
        &self.vi
    }

    /// Its VI, to connect it or to post to it.
    pub fn vi_mut(&mut self) -> &mut Vi {
        &mut self.vi
    }

    /// Its completion queue.
    pub fn cq(&self) -> &CompletionQueue {
        &self.cq
    }

    /// Its one-shots, to look at their command table.
    pub fn one_shots(&self) -> &OneShots {
        &self.one_shots
    }

    /// One-shots that the board has.
    pub fn outstanding(&self) -> usize {
        self.one_shots.outstanding()
    }

    /// See [`OneShots::post`].
    pub fn one_shot(&mut self, request: Request, message: Message) -> Result<Stag, ChannelError> {
        Ok(self.one_shots.post(&mut self.vi, request, message)?)
    }

    /// See [`OneShots::post_with`].
    pub fn one_shot_with(
        &mut self,
        request: Request,
        message: impl FnOnce(Stag, u64) -> Message,
    ) -> Result<Stag, ChannelError> {
        Ok(self.one_shots.post_with(&mut self.vi, request, message)?)
    }

    /// The next event, if there is one; time passes for a board that runs only when asked to.
    pub fn poll(&mut self) -> Result<Option<Event>, ChannelError> {
        let cqe = match self.cq.poll_once()? {
            None => self.refused()?,
            found => found,
        };
        cqe.map(|cqe| self.dispatch(&cqe)).transpose()
    }

    /// The next event, asleep until it comes or `timeout` has passed. Refused work wakes nobody: it is seen when something
    /// else comes, or in the end.
    pub fn wait(&mut self, timeout: Duration) -> Result<Option<Event>, ChannelError> {
        let cqe = match self.refused()? {
            None => self.cq.wait(timeout)?,
            found => found,
        };
        let cqe = match cqe {
            None => self.refused()?,
            found => found,
        };
        cqe.map(|cqe| self.dispatch(&cqe)).transpose()
    }

    /// Work of this VI that the admin queue tells of, because this queue had no entry for it.
    fn refused(&self) -> Result<Option<Cqe>, ChannelError> {
        let number = self.vi.number();
        let mine = |cqe: &Cqe| {
            cqe.vi == number && matches!(cqe.kind, Kind::OneShot | Kind::SendInvalidate)
        };
        Ok(self.vi.board().take_admin(mine)?)
    }

    fn dispatch(&mut self, cqe: &Cqe) -> Result<Event, ChannelError> {
        match cqe.kind {
            Kind::OneShot => Ok(Event::OneShot(self.one_shots.complete(&mut self.vi, cqe)?)),
            _ => Ok(Event::Done(self.vi.complete(cqe)?)),
        }
    }
}

/// Registered buffers of equal size, for receives, replies or payload.
///
/// ```no_run
/// # use rnic_driver::{board::{Board, Options}, channel::BufferPool};
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// let replies = BufferPool::new(&board, "replies", 4, 64, board.allocate_ptag())?;
/// assert_eq!(replies.reply(3)?.bytes, 64);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BufferPool {
    region: Region,
    memory: Buffer,
    bytes: usize,
}

impl BufferPool {
    /// Registers `count` buffers of `bytes` each with local rights.
    pub fn new(
        board: &Board,
        name: &str,
        count: usize,
        bytes: usize,
        ptag: u32,
    ) -> Result<Self, ChannelError> {
        let memory = board.allocate(name, count * bytes)?;
        let region = Region::register(board, memory.clone().into(), RegionOptions::new(ptag))?;
        Ok(Self {
            region,
            memory,
            bytes,
        })
    }

    /// Buffer `index`.
    pub fn buffer(&self, index: usize) -> Result<Buffer, MemoryError> {
        self.memory
            .slice(index * self.bytes..(index + 1) * self.bytes)
    }

    /// Buffer `index` as a descriptor names its first `bytes`.
    pub fn segment(
        &self,
        index: usize,
        bytes: usize,
    ) -> Result<crate::descriptor::Segment, RegionError> {
        self.region.segment(index * self.bytes, bytes)
    }

    /// Buffer `index` as a reply buffer.
    pub fn reply(&self, index: usize) -> Result<ReplyBuffer, RegionError> {
        let segment = self.segment(index, self.bytes)?;
        Ok(ReplyBuffer {
            handle: segment.handle,
            va: segment.va,
            bytes: segment.bytes,
        })
    }

    /// The region of them all.
    pub fn region(&self) -> &Region {
        &self.region
    }
}

/// Why a channel could not do it.
///
/// ```
/// use rnic_driver::{channel::ChannelError, vi::ViError};
/// let error = ChannelError::from(ViError::QueueFull { queue: "send", depth: 8 });
/// assert!(matches!(error, ChannelError::Vi(_)));
/// ```
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// Its queue could not be created.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// Its queue.
    #[error(transparent)]
    CompletionQueue(#[from] CompletionQueueError),
    /// Its VI.
    #[error(transparent)]
    Vi(#[from] ViError),
    /// A one-shot.
    #[error(transparent)]
    OneShot(#[from] OneShotError),
    /// A region.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// Memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::Options;
    use crate::command::Access;
    use crate::test_board::TestBoard;
    use rnic_abi::completion::ADMIN_CQ;
    use rnic_abi::error::CommandError;

    #[test]
    fn a_one_shot_without_an_entry_in_the_queue_comes_back_by_the_admin_queue() {
        let test = TestBoard::small();
        let options = Options {
            seed: Some(1),
            ..Options::default()
        };
        let board = Board::open(test.transport(), options).unwrap();
        let mut channel = Channel::open(&board, 2, ViOptions::new(5)).unwrap();
        channel.vi_mut().connect(TestBoard::peer()).unwrap();
        let number = channel.vi().number();
        let space = channel.vi().send_space();
        for waits in [false, true] {
            test.take_posts();
            let buffer = board.allocate("answer", 4096).unwrap();
            let request = Request::new(buffer.into(), Access::REMOTE_WRITE, 7);
            let stag = channel.one_shot(request, Message::Inline(vec![1])).unwrap();
            let refused = Cqe {
                vi: number,
                stag,
                context: test.take_posts()[0].context.into(),
                error: CommandError::CqFull,
                ..TestBoard::cqe(Kind::OneShot)
            };
            // Another VI's is not this channel's.
            let foreign = Cqe {
                vi: number + 1,
                ..refused
            };
            test.place(ADMIN_CQ, foreign);
            test.place(ADMIN_CQ, refused);
            let event = match waits {
                true => channel.wait(Duration::ZERO),
                false => channel.poll(),
            };
            let Some(Event::OneShot(completed)) = event.unwrap() else {
                panic!("no one-shot");
            };
            assert_eq!((completed.reference, completed.stag), (7, stag));
            assert_eq!(completed.failure.unwrap().error, CommandError::CqFull);
            assert_eq!(
                (channel.outstanding(), channel.vi().send_space()),
                (0, space)
            );
            assert!(board.check_stag(stag).is_err());
            assert!(channel.poll().unwrap().is_none());
        }
    }
}
