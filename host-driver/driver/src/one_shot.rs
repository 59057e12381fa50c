//! One-shots, the board's headline: one command binds pinned buffers to an STag and sends the message that advertises it; one
//! completion brings the STag back, already revoked by hardware, and the driver matches it to its request.
//!
//! ```text
//! post      take an STag (no round trip) -> save {STag, reference} in the command table -> write slot words, ring entry
//! complete  CQE -> compare STag and context with the table -> STag, buffers and queue entry are free again
//! ```
//! The responder's half, [`Vi::send_invalidate`], is an ordinary command of an ordinary consumer.

use crate::board::PostError;
use crate::command::{Access, Command, Message, OneShotCommand, Post, ReplyBuffer};
use crate::command_table::{CommandTable, CommandTableError};
use crate::cqe::{Cqe, Failure, Kind};
use crate::memory::Buffer;
use crate::region::{Backing, RegionError};
use crate::stag_table::StagError;
use crate::vi::{Vi, ViError};
use rnic_abi::command::vi_peer;
use rnic_abi::Stag;
use std::collections::HashMap;

/// What a one-shot asks for.
///
/// ```no_run
/// # use rnic_driver::{board::{Board, Options}, command::Access, one_shot::Request};
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// let buffer = board.allocate("answer", 4096)?;
/// let request = Request { solicited: true, ..Request::new(buffer.into(), Access::REMOTE_WRITE, 7) };
/// assert_eq!(request.reference, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Request {
    /// The buffers to advertise.
    pub backing: Backing,
    /// What the peer, and this host's own board, may do with them.
    pub access: Access,
    /// Tagged offset of the first byte; see [`Backing::default_base`].
    pub base: Option<u64>,
    /// Where the reply goes; without one it takes a receive descriptor of the VI.
    pub reply: Option<ReplyBuffer>,
    /// The message asks for an event.
    pub solicited: bool,
    /// The application's number: comes back with the completion.
    pub reference: u64,
}

impl Request {
    /// A request without options.
    pub const fn new(backing: Backing, access: Access, reference: u64) -> Self {
        Self {
            backing,
            access,
            base: None,
            reply: None,
            solicited: false,
            reference,
        }
    }
}

/// A one-shot that came back.
///
/// ```
/// use rnic_driver::one_shot::Completed;
/// fn report(completed: &Completed) -> String {
///     match &completed.failure {
///         None => format!("{} done, reply of {} bytes", completed.reference, completed.length),
///         Some(failure) => format!("{} failed: {failure}", completed.reference),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Completed {
    /// The application's number.
    pub reference: u64,
    /// The STag that it had; another one-shot may get its index now.
    pub stag: Stag,
    /// Bytes of the reply.
    pub length: u32,
    /// The buffers, the application's again.
    pub backing: Backing,
    /// How it failed; the STag is released in any case.
    pub failure: Option<Failure>,
    /// The reply asked for an event.
    pub solicited: bool,
}

/// The one-shots of one VI.
///
/// ```no_run
/// # use rnic_driver::{board::{Board, Options}, command::{Access, Message}, one_shot::{OneShots, Request}, vi::{Vi, ViOptions}};
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// # let mut cq = board.create_cq(6)?;
/// # let mut vi = Vi::create(&board, &cq, &cq, ViOptions::new(1))?;
/// let mut one_shots = OneShots::new(&vi);
/// let buffer = board.allocate("answer", 4096)?;
/// let stag = one_shots.post(&mut vi, Request::new(buffer.into(), Access::REMOTE_WRITE, 7), Message::Inline(b"go".to_vec()))?;
/// println!("{stag} is the peer's until it comes back");
/// while let Some(cqe) = cq.poll_once()? {
///     let completed = one_shots.complete(&mut vi, &cqe)?;
///     assert_eq!(completed.stag, stag);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct OneShots {
    table: CommandTable,
    held: HashMap<Stag, Held>,
}

/// What must live while the board has the command.
struct Held {
    backing: Backing,
    _list: Option<Buffer>,
}

impl OneShots {
    /// None outstanding.
    pub fn new(vi: &Vi) -> Self {
        Self {
            table: CommandTable::new(vi.board().identity().tptes),
            held: HashMap::new(),
        }
    }

    /// Posts a one-shot and returns its STag at once: stores only, nothing is read and nothing is waited for.
    pub fn post(
        &mut self,
        vi: &mut Vi,
        request: Request,
        message: Message,
    ) -> Result<Stag, OneShotError> {
        self.post_with(vi, request, |_, _| message)
    }

    /// As [`post`](Self::post), with a message made from the STag and the tagged offset, for peers that read them there.
    pub fn post_with(
        &mut self,
        vi: &mut Vi,
        request: Request,
        message: impl FnOnce(Stag, u64) -> Message,
    ) -> Result<Stag, OneShotError> {
        let board = vi.board().clone();
        vi.hold_one_shot()?;
        let stag = match board.allocate_stag() {
            Ok(stag) => stag,
            Err(error) => {
                vi.release_one_shot();
                return Err(error.into());
            }
        };
        let reference = request.reference;
        if let Err(error) = self.post_under(vi, stag, request, message) {
            // Nothing of it reached the board: everything is free again.
            self.table.forget(stag);
            vi.release_one_shot();
            board.free_stag(stag)?;
            return Err(OneShotError::Refused {
                reference,
                source: Box::new(error),
            });
        }
        Ok(stag)
    }

    fn post_under(
        &mut self,
        vi: &Vi,
        stag: Stag,
        request: Request,
        message: impl FnOnce(Stag, u64) -> Message,
    ) -> Result<(), OneShotError> {
        let base = request
            .base
            .unwrap_or_else(|| request.backing.default_base());
        let (region, list) = request
            .backing
            .command(vi.board(), stag, request.access, base)?;
        let context = self.table.save(stag, request.reference)?;
        let command = OneShotCommand {
            region,
            message: message(stag, base),
            reply: request.reply,
            advertise: vi.settings().negotiated & vi_peer::ADVERTISE != 0,
            solicited: request.solicited,
        };
        let post = Post {
            vi: vi.number(),
            context,
            signalled: false,
            command: Command::OneShot(command),
        };
        vi.board().post(&post)?;
        self.held.insert(
            stag,
            Held {
                backing: request.backing,
                _list: list,
            },
        );
        Ok(())
    }

    /// Takes a one-shot's completion: compares STag and context with what was saved, and makes its resources free.
    pub fn complete(&mut self, vi: &mut Vi, cqe: &Cqe) -> Result<Completed, OneShotError> {
        if cqe.kind != Kind::OneShot || cqe.vi != vi.number() {
            return Err(OneShotError::Foreign {
                kind: cqe.kind,
                vi: cqe.vi,
            });
        }
        let saved = self.table.complete(cqe.stag, cqe.context as u32)?;
        vi.release_one_shot();
        vi.board().free_stag(saved.stag)?;
        let held = self
            .held
            .remove(&saved.stag)
            .ok_or(CommandTableError::Unknown { stag: saved.stag })?;
        Ok(Completed {
            reference: saved.reference,
            stag: saved.stag,
            length: cqe.length,
            backing: held.backing,
            failure: cqe.ok().err(),
            solicited: cqe.solicited,
        })
    }

    /// One-shots that the board has.
    pub fn outstanding(&self) -> usize {
        self.table.outstanding()
    }

    /// The command table.
    pub fn table(&self) -> &CommandTable {
        &self.table
    }
}

/// Why a one-shot was not posted, or its completion not accepted.
///
/// ```
/// use rnic_driver::{command_table::CommandTableError, one_shot::OneShotError};
/// use rnic_abi::Stag;
/// let error = OneShotError::from(CommandTableError::StagMismatch { saved: Stag(0x305), returned: Stag(0x306) });
/// assert_eq!(error.to_string(), "STag 0x00000306 came back where 0x00000305 was sent");
/// ```
#[derive(Debug, thiserror::Error)]
pub enum OneShotError {
    /// It never reached the board.
    #[error("one-shot {reference} was not posted: {source}")]
    Refused {
        /// The application's number.
        reference: u64,
        /// Why.
        source: Box<OneShotError>,
    },
    /// No STag is free.
    #[error(transparent)]
    Stag(#[from] StagError),
    /// What came back is not what was sent.
    #[error(transparent)]
    Table(#[from] CommandTableError),
    /// Its region.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// The ring.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The VI's send queue.
    #[error(transparent)]
    Vi(#[from] ViError),
    /// A completion of something else.
    #[error("a {kind:?} completion of VI {vi} is no one-shot of this VI")]
    Foreign {
        /// Its kind.
        kind: Kind,
        /// Its VI.
        vi: u16,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::{Board, Options};
    use crate::command::Layout;
    use crate::completion_queue::CompletionQueue;
    use crate::test_board::TestBoard;
    use crate::transport::Bar;
    use crate::vi::ViOptions;
    use rnic_abi::error::CommandError;
    use rnic_abi::registers::RING_OFFSET;

    fn connected(test: &TestBoard) -> (Board, CompletionQueue, Vi, OneShots) {
        let board = Board::open(
            test.transport(),
            Options {
                seed: Some(1),
                ..Options::default()
            },
        )
        .unwrap();
        let cq = board.create_cq(6).unwrap();
        let mut vi = Vi::create(&board, &cq, &cq, ViOptions::new(5)).unwrap();
        vi.connect(TestBoard::peer()).unwrap();
        let one_shots = OneShots::new(&vi);
        test.take_stores();
        test.take_posts();
        (board, cq, vi, one_shots)
    }

    fn request(board: &Board, reference: u64) -> Request {
        Request::new(
            board.allocate("answer", 4096).unwrap().into(),
            Access::REMOTE_WRITE,
            reference,
        )
    }

    fn come_back(stag: Stag, context: u32) -> Cqe {
        Cqe {
            stag,
            context: context.into(),
            length: 3,
            ..TestBoard::cqe(Kind::OneShot)
        }
    }

    #[test]
    fn a_one_shot_is_stores_alone_with_the_ring_entry_last() {
        let test = TestBoard::small();
        let (board, mut cq, mut vi, mut one_shots) = connected(&test);
        let request = request(&board, 0xFEED);
        let iova = request.backing.default_base();
        let reads = board.transport().accesses().reads;
        let stag = one_shots
            .post_with(&mut vi, request, |stag, to| {
                Message::Inline([stag.0.to_le_bytes().to_vec(), to.to_le_bytes().to_vec()].concat())
            })
            .unwrap();
        assert_eq!(board.transport().accesses().reads, reads);
        let stores = test.take_stores();
        assert!(stores
            .iter()
            .all(|store| store.0 == Bar::Commands && store.2 == 8));
        assert!(
            stores.last().unwrap().1 < RING_OFFSET + 16 * 8,
            "the ring entry is the doorbell"
        );
        let posts = test.take_posts();
        let Command::OneShot(command) = &posts[0].command else {
            panic!()
        };
        assert_eq!((command.region.stag, command.advertise), (stag, true));
        assert_eq!(
            command.region.layout,
            Layout::Contiguous(rnic_abi::Iova(iova))
        );
        let Message::Inline(message) = &command.message else {
            panic!()
        };
        assert_eq!(message[..4], stag.0.to_le_bytes());

        test.place(1, come_back(stag, posts[0].context));
        let cqe = cq.poll().unwrap().unwrap();
        let completed = one_shots.complete(&mut vi, &cqe).unwrap();
        assert_eq!(
            (completed.reference, completed.stag, completed.length),
            (0xFEED, stag, 3)
        );
        assert!(completed.failure.is_none());
        assert!(board.check_stag(stag).is_err());
        assert_eq!((one_shots.outstanding(), vi.send_space()), (0, 8));
        let twice = one_shots.complete(&mut vi, &cqe);
        assert!(matches!(
            twice,
            Err(OneShotError::Table(CommandTableError::Twice { .. }))
        ));
    }

    #[test]
    fn a_second_one_shot_of_a_slot_costs_fewer_stores() {
        let test = TestBoard::small();
        let (board, mut cq, mut vi, mut one_shots) = connected(&test);
        let mut counts = Vec::new();
        let first = request(&board, 0);
        for _ in 0..40 {
            let stag = one_shots
                .post(&mut vi, first.clone(), Message::Inline(vec![7; 32]))
                .unwrap();
            counts.push(test.take_stores().len());
            let context = test.take_posts()[0].context;
            test.place(1, come_back(stag, context));
            one_shots
                .complete(&mut vi, &cq.poll().unwrap().unwrap())
                .unwrap();
            test.take_stores();
        }
        assert_eq!(counts[39], 3, "context, STag, ring entry: {counts:?}");
    }

    #[test]
    fn the_wrong_stag_or_context_is_a_typed_error() {
        let test = TestBoard::small();
        let (board, _cq, mut vi, mut one_shots) = connected(&test);
        let stag = one_shots
            .post(&mut vi, request(&board, 1), Message::Inline(vec![]))
            .unwrap();
        let context = test.take_posts()[0].context;
        let other = Stag::new(stag.index(), stag.key().wrapping_add(1));
        let error = one_shots
            .complete(&mut vi, &come_back(other, context))
            .unwrap_err();
        let expected = CommandTableError::StagMismatch {
            saved: stag,
            returned: other,
        };
        assert!(matches!(error, OneShotError::Table(error) if error == expected));
        let error = one_shots
            .complete(&mut vi, &come_back(stag, context + 1))
            .unwrap_err();
        assert!(matches!(
            error,
            OneShotError::Table(CommandTableError::ContextMismatch { .. })
        ));
        assert_eq!(one_shots.outstanding(), 1);
        assert!(one_shots
            .complete(&mut vi, &come_back(stag, context))
            .is_ok());
    }

    #[test]
    fn a_refused_request_leaves_nothing_behind() {
        let test = TestBoard::small();
        let (board, _cq, mut vi, mut one_shots) = connected(&test);
        let error = one_shots
            .post(&mut vi, request(&board, 9), Message::Inline(vec![0; 65]))
            .unwrap_err();
        assert!(
            matches!(error, OneShotError::Refused { reference: 9, .. }),
            "{error}"
        );
        assert_eq!((one_shots.outstanding(), vi.send_space()), (0, 8));
        assert!(test.take_posts().is_empty());
    }

    #[test]
    fn the_queue_depth_is_the_limit_and_a_flush_gives_all_back() {
        let test = TestBoard::small();
        let (board, mut cq, mut vi, mut one_shots) = connected(&test);
        let stags: Vec<_> = (0..8)
            .map(|i| {
                one_shots
                    .post(&mut vi, request(&board, i), Message::Inline(vec![]))
                    .unwrap()
            })
            .collect();
        let full = one_shots.post(&mut vi, request(&board, 8), Message::Inline(vec![]));
        assert!(matches!(
            full,
            Err(OneShotError::Vi(ViError::QueueFull { .. }))
        ));
        for (stag, post) in stags.iter().zip(test.take_posts()) {
            test.place(
                1,
                Cqe {
                    error: CommandError::Flushed,
                    ..come_back(*stag, post.context)
                },
            );
            let completed = one_shots
                .complete(&mut vi, &cq.poll().unwrap().unwrap())
                .unwrap();
            assert_eq!(completed.failure.unwrap().error, CommandError::Flushed);
        }
        assert_eq!((one_shots.outstanding(), vi.send_space()), (0, 8));
    }
}
