//! What the boards put on the wire, recorded before the wire does anything to it, and a hand that changes frames on their way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rnic_sim::board::Frame;
use rnic_sim::in_process::Sim;

use crate::frames::{kind, LinkFrame, Segment};

/// Changes a frame of a board: the board's number, and the frame. An emptied frame is lost.
pub type Hand = Box<dyn FnMut(usize, &mut Frame) + Send>;

#[derive(Default)]
struct State {
    frames: Vec<Tapped>,
    hand: Option<Hand>,
    /// Boards that are reset: a frame of theirs may be cut, one each time.
    may_cut: Vec<usize>,
    /// Boards that cut one.
    cut: Vec<usize>,
}

/// A frame as it left.
#[derive(Clone, Debug)]
pub struct Tapped {
    /// When its last word left.
    pub cycle: u64,
    /// The board that sent it.
    pub board: usize,
    /// All of it.
    pub link: LinkFrame,
}

/// See the module.
#[derive(Clone)]
pub struct Tap(Arc<Mutex<State>>);

impl Tap {
    /// Taps the wire of a simulation.
    pub fn install(sim: &Sim) -> Self {
        let tap = Self(Arc::default());
        let inner = tap.clone();
        sim.with(|simulation| {
            let editor = move |cycle, board, frame: &mut Frame| inner.see(cycle, board, frame);
            simulation.wire().set_editor(Some(Box::new(editor)));
        });
        tap
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn see(&self, cycle: u64, board: usize, frame: &mut Frame) {
        let mut state = self.state();
        let may_cut = state.may_cut.iter().position(|&other| other == board);
        if let Some(index) = may_cut.filter(|_| !is_whole(frame)) {
            state.may_cut.remove(index);
            state.cut.push(board);
            return;
        }
        let link = LinkFrame::decode(frame)
            .unwrap_or_else(|| panic!("board {board} sent a cut frame: {frame:x?}"));
        assert!(
            link.header_good,
            "board {board} sent a bad header: {frame:x?}"
        );
        state.frames.push(Tapped { cycle, board, link });
        if let Some(hand) = &mut state.hand {
            hand(board, frame);
        }
    }

    /// What happens to frames from here on.
    pub fn set_hand(&self, hand: impl FnMut(usize, &mut Frame) + Send + 'static) {
        self.state().hand = Some(Box::new(hand));
    }

    /// The next frame of `board` whose segment `wanted` picks is changed by `edit`; no other is.
    pub fn edit_next(
        &self,
        board: usize,
        wanted: impl Fn(&Segment) -> bool + Send + 'static,
        edit: impl FnOnce(LinkFrame) -> Frame + Send + 'static,
    ) {
        let mut edit = Some(edit);
        self.set_hand(move |from, frame| {
            let Some(link) = LinkFrame::decode(frame).filter(|_| from == board) else {
                return;
            };
            if link.segment().is_some_and(|segment| wanted(&segment)) {
                if let Some(edit) = edit.take() {
                    *frame = edit(link);
                }
            }
        });
    }

    /// A board is reset, which may cut a frame of it. Such a frame is counted apart.
    pub fn may_cut(&self, board: usize) {
        self.state().may_cut.push(board);
    }

    /// Frames of a board that its resets cut.
    pub fn cut(&self, board: usize) -> u64 {
        self.state().cut.iter().filter(|&&b| b == board).count() as u64
    }

    /// Frames so far.
    pub fn count(&self) -> usize {
        self.state().frames.len()
    }

    /// All frames from number `first` on.
    pub fn frames(&self, first: usize) -> Vec<Tapped> {
        self.state().frames[first..].to_vec()
    }

    /// Every segment that a board sent from frame `first` on, those sent again left out.
    pub fn segments(&self, board: usize, first: usize) -> Vec<Segment> {
        let again = |tapped: &&Tapped| tapped.link.flags & 2 == 0;
        self.frames(first)
            .iter()
            .filter(|tapped| tapped.board == board && tapped.link.kind == kind::DATA)
            .filter(again)
            .map(|tapped| {
                let good = tapped.link.segment();
                good.unwrap_or_else(|| panic!("board {board} sent a bad FPDU: {tapped:x?}"))
            })
            .collect()
    }

    /// How many frames of a kind a board sent from frame `first` on.
    pub fn sent(&self, board: usize, kind: u8, first: usize) -> u64 {
        let state = self.state();
        let of_kind = |tapped: &&Tapped| tapped.board == board && tapped.link.kind == kind;
        state.frames[first..].iter().filter(of_kind).count() as u64
    }
}

/// Whether a frame has all of its header and its body.
fn is_whole(frame: &Frame) -> bool {
    LinkFrame::decode(frame).is_some_and(|link| {
        link.header_good && link.body.len() == (link.body_bytes as usize).next_multiple_of(4)
    })
}
