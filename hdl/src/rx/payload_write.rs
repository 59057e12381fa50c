//! Writes payload from a frame bank to host memory: one DMA burst for every piece that the TPT grants.
//!
//! It reads the bank itself, at any byte position, and lays the bytes at the piece's byte alignment (`host/realign.rs`). It
//! takes no decision: what may be written was asked before. A raw frame's piece comes from `place` instead of the TPT.
//!
//! ```text
//!  piece (iova, bytes) --+--> iova, bytes of the burst ------------------+
//!                        +--> realign.piece (from, to)                   v
//!  bank word ----------------> realign.rx --------> realign.tx --> write (DMA)
//! ```
//! Latency: first DMA word two cycles after the piece. Throughput: a word a cycle; three cycles between pieces.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::host::realign::Realign;
use crate::interfaces::{DmaWriteTx, TptPieceRx};

/// States.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum PayloadWriteState {
    /// Wait for `start`.
    Rest,
    /// Take a piece.
    TakePiece,
    /// Move its words.
    MoveWords,
    /// Swallow what follows a refusal.
    Refuse,
}

/// See the module. `F` is log2 of the words in a bank, `P` is F + 2: a byte position.
#[derive(LogicBlock)]
pub struct PayloadWrite<const F: usize, const P: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// The next piece's bytes begin at `position`; without it they follow the last ones.
    pub seek: Signal<In, Bit>,
    /// Byte position in the bank.
    pub position: Signal<In, Bits<P>>,
    /// Pieces come.
    pub start: Signal<In, Bit>,
    /// They come from `raw_iova` and `raw_bytes`, and it is one.
    pub raw: Signal<In, Bit>,
    /// Where a raw frame goes.
    pub raw_iova: Signal<In, Bits<48>>,
    /// How long it is.
    pub raw_bytes: Signal<In, Bits<13>>,
    /// The TPT's pieces.
    pub piece: TptPieceRx,
    /// Word of the bank; at rest its last one.
    pub address: Signal<Out, Bits<F>>,
    /// The word asked for in the cycle before.
    pub data: Signal<In, Bits<32>>,
    /// To the host.
    pub write: DmaWriteTx,
    /// The last piece is being written: nothing can be refused any more.
    pub granted: Signal<Out, Bit>,
    /// From the last byte handed over to the next `start`; also when nothing was to be written, or `error` says why not.
    pub done: Signal<Out, Bit>,
    /// Abi::error::TptError; holds until the next `start`.
    pub error: Signal<Out, Bits<4>>,

    state: DFF<PayloadWriteState>,
    realign: Realign,
    at: DFF<Bits<P>>,
    word_at: DFF<Bits<F>>,
    iova: DFF<Bits<48>>,
    bytes: DFF<Bits<13>>,
    last_piece: DFF<Bit>,
    error_code: DFF<Bits<4>>,
    finished: DFF<Bit>,

    new_iova: Signal<Local, Bits<48>>,
    new_bytes: Signal<Local, Bits<13>>,
    new_last: Signal<Local, Bit>,
    new_error: Signal<Local, Bits<4>>,
    new_valid: Signal<Local, Bit>,
    next_word: Signal<Local, Bits<F>>,
    bytes_wide: Signal<Local, Bits<16>>,
    sequence_at: Constant<Bits<F>>,
}

impl<const F: usize, const P: usize> PayloadWrite<F, P> {
    /// At rest.
    pub fn new() -> Self {
        block_new!(
            clock reset seek position start raw raw_iova raw_bytes piece address data write granted
            done error state realign at word_at iova bytes last_piece error_code finished new_iova
            new_bytes new_last new_error new_valid next_word bytes_wide;
            sequence_at = (1u64 << F) - 1,
        )
    }
}

impl<const F: usize, const P: usize> Default for PayloadWrite<F, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const F: usize, const P: usize> Logic for PayloadWrite<F, P> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, realign);
        dff_setup!(self, clock, state, at, word_at, iova, bytes, last_piece, error_code, finished);
        self.realign.reset.next = self.reset.val();
        self.new_iova.next = self.piece.iova.val();
        self.new_bytes.next = self.piece.bytes.val();
        self.new_last.next = self.piece.last.val();
        self.new_error.next = self.piece.error.val();
        self.new_valid.next = self.piece.valid.val();
        if self.raw.val() {
            self.new_iova.next = self.raw_iova.val();
            self.new_bytes.next = self.raw_bytes.val();
            self.new_last.next = true;
            self.new_error.next = bits::<4>(0);
            self.new_valid.next = true;
        }
        self.realign.piece.from.next = self.at.q.val().get_bits::<2>(0);
        self.realign.piece.to.next = self.new_iova.val().get_bits::<2>(0);
        self.realign.piece.bytes.next = self.new_bytes.val();
        self.realign.piece.first.next = true;
        self.realign.piece.last.next = true;
        self.realign.piece.split.next = false;
        self.realign.piece.valid.next = false;
        self.realign.rx.data.next = self.data.val();
        self.realign.rx.last.next = false;
        self.realign.rx.valid.next = self.state.q.val() == PayloadWriteState::MoveWords;
        self.piece.ready.next = false;
        self.bytes_wide.next = bit_cast::<16, 13>(self.new_bytes.val());

        self.next_word.next = self.word_at.q.val();
        match self.state.q.val() {
            PayloadWriteState::Rest => {
                // What follows the payload is the acknowledgement: the bank shows its last word, the sequence.
                self.next_word.next = self.sequence_at.val();
                if self.start.val() {
                    self.error_code.d.next = bits::<4>(0);
                    self.finished.d.next = false;
                    self.state.d.next = PayloadWriteState::TakePiece;
                }
            }
            PayloadWriteState::TakePiece => {
                self.next_word.next = self.at.q.val().get_bits::<F>(2);
                self.piece.ready.next = !self.raw.val();
                if self.new_valid.val() {
                    self.iova.d.next = self.new_iova.val();
                    self.bytes.d.next = self.new_bytes.val();
                    self.last_piece.d.next = self.new_last.val();
                    if self.new_error.val().any() {
                        self.error_code.d.next = self.new_error.val();
                        self.state.d.next = PayloadWriteState::Refuse;
                        if self.new_last.val() {
                            self.finished.d.next = true;
                            self.state.d.next = PayloadWriteState::Rest;
                        }
                    } else if self.new_bytes.val().any() {
                        self.realign.piece.valid.next = true;
                        self.at.d.next = self.at.q.val() + bit_cast::<P, 16>(self.bytes_wide.val());
                        self.state.d.next = PayloadWriteState::MoveWords;
                    } else if self.new_last.val() {
                        self.finished.d.next = true;
                        self.state.d.next = PayloadWriteState::Rest;
                    }
                }
            }
            PayloadWriteState::MoveWords => {
                if self.realign.rx.ready.val() {
                    self.next_word.next = self.word_at.q.val() + bits::<F>(1);
                }
                if (self.realign.tx.valid.val() & self.realign.tx.last.val())
                    & self.write.ready.val()
                {
                    self.state.d.next = PayloadWriteState::TakePiece;
                    self.next_word.next = self.at.q.val().get_bits::<F>(2);
                    if self.last_piece.q.val() {
                        self.next_word.next = self.sequence_at.val();
                        self.finished.d.next = true;
                        self.state.d.next = PayloadWriteState::Rest;
                    }
                }
            }
            PayloadWriteState::Refuse => {
                self.piece.ready.next = true;
                if self.piece.valid.val() & self.piece.last.val() {
                    self.finished.d.next = true;
                    self.state.d.next = PayloadWriteState::Rest;
                }
            }
            _ => {
                self.state.d.next = PayloadWriteState::Rest;
            }
        }
        self.word_at.d.next = self.next_word.val();
        self.address.next = self.next_word.val();
        if self.seek.val() {
            self.at.d.next = self.position.val();
        }

        self.write.iova.next = self.iova.q.val();
        self.write.bytes.next = self.bytes.q.val();
        self.write.data.next = self.realign.tx.data.val();
        self.write.last.next = self.realign.tx.last.val();
        self.write.valid.next = self.realign.tx.valid.val();
        self.realign.tx.ready.next = self.write.ready.val();
        self.granted.next =
            (self.state.q.val() == PayloadWriteState::MoveWords) & self.last_piece.q.val();
        self.done.next = self.finished.q.val();
        self.error.next = self.error_code.q.val();
        if self.reset.val() {
            self.state.d.next = PayloadWriteState::Rest;
            self.finished.d.next = false;
        }
    }
}
