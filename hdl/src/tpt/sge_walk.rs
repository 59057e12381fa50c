//! Cuts an access into pieces: each within 4 KiB and one element, in order, for the client that asked.
//!
//! A contiguous region needs an addition only. In a list the walk begins at the element where the entry's last access ended,
//! or at the first when the access lies before that, and writes the entry's cursor back with its last piece. It checks
//! nothing: what comes here has passed, or carries the error that the client is told.
//!
//! ```text
//!   Idle -> Seek -> ReadLength -> Compare --+--> ReadIova -> Split -> Offer -> Idle
//!     |               ^   next element      |                  ^        |
//!     |               +---------------------+                  |        | next piece
//!     |               +------------------------------- list ---|--------+
//!     +--> contiguous, refused, or empty ----------------------+--------+
//! ```
//! Latency: a piece two cycles after the access, in a list five more and two for each element passed over. Throughput: a
//! piece in two cycles, in a list five.

use rust_hdl::prelude::*;

use crate::interfaces::TptPieceTx;

#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
enum WalkState {
    /// Take an access.
    Idle,
    /// Go on from the cursor, or start over.
    Seek,
    /// Ask for the element's length and successor.
    ReadLength,
    /// Pass the element over, or ask for its address.
    Compare,
    /// Add the offset in the element.
    ReadIova,
    /// Cut at the 4 KiB boundary, the element's end and the access's end.
    Split,
    /// Hand the piece to the client.
    Offer,
}

/// The walk.
#[derive(LogicBlock, Default)]
pub struct SgeWalk<const T: usize, const S: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Forgets what is under way.
    pub reset: Signal<In, Bit>,
    /// The clients.
    pub piece: [TptPieceTx; 5],

    /// `tpt_check` has an access, and the table's row 3 is out.
    pub valid: Signal<In, Bit>,
    /// The walk takes it.
    pub ready: Signal<Out, Bit>,
    /// Who asked.
    pub client: Signal<In, Bits<3>>,
    /// Why it is refused, or 0.
    pub error: Signal<In, Bits<4>>,
    /// The entry.
    pub index: Signal<In, Bits<T>>,
    /// Offset in the region.
    pub offset: Signal<In, Bits<32>>,
    /// Bytes.
    pub length: Signal<In, Bits<16>>,
    /// The region has elements.
    pub listed: Signal<In, Bit>,
    /// This access uses up a single-message region.
    pub fire: Signal<In, Bit>,
    /// Row 3, low word.
    pub low: Signal<In, Bits<32>>,
    /// Row 3, high word.
    pub high: Signal<In, Bits<32>>,

    /// The walk reads an element.
    pub sge_read: Signal<Out, Bit>,
    /// Which.
    pub sge_element: Signal<Out, Bits<S>>,
    /// Its row.
    pub sge_row: Signal<Out, Bits<1>>,
    /// Low word of the row asked for in the cycle before.
    pub sge_low: Signal<In, Bits<32>>,
    /// Its high half-word.
    pub sge_high: Signal<In, Bits<16>>,

    /// Entry whose row 3 is written.
    pub cursor_index: Signal<Out, Bits<T>>,
    /// Write the low word.
    pub cursor_low_write: Signal<Out, Bit>,
    /// First, last and present element.
    pub cursor_low: Signal<Out, Bits<32>>,
    /// Write the high word.
    pub cursor_high_write: Signal<Out, Bit>,
    /// Fired, and the present element's offset.
    pub cursor_high: Signal<Out, Bits<32>>,
    /// An access is being cut.
    pub busy: Signal<Out, Bit>,

    state: DFF<WalkState>,
    of_client: DFF<Bits<3>>,
    refusal: DFF<Bits<4>>,
    entry: DFF<Bits<T>>,
    is_list: DFF<Bit>,
    fires: DFF<Bit>,
    first: DFF<Bits<S>>,
    last: DFF<Bits<S>>,
    cursor: DFF<Bits<S>>,
    start: DFF<Bits<31>>,
    inside: DFF<Bits<32>>,
    limit: DFF<Bits<13>>,
    iova: DFF<Bits<48>>,
    remaining: DFF<Bits<16>>,
    piece_bytes: DFF<Bits<13>>,
    piece_last: DFF<Bit>,

    empty: Signal<Local, Bit>,
    augend: Signal<Local, Bits<48>>,
    addend: Signal<Local, Bits<32>>,
    sum: Signal<Local, Bits<48>>,
    subtrahend: Signal<Local, Bits<32>>,
    difference: Signal<Local, Bits<33>>,
    below: Signal<Local, Bits<32>>,
    to_boundary: Signal<Local, Bits<13>>,
    chunk: Signal<Local, Bits<13>>,
    ends: Signal<Local, Bit>,
    taken: Signal<Local, Bit>,
}

impl<const T: usize, const S: usize> Logic for SgeWalk<T, S> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            of_client,
            refusal,
            entry,
            is_list,
            fires,
            first,
            last,
            cursor,
            start,
            inside,
            limit,
            iova,
            remaining,
            piece_bytes,
            piece_last
        );
        self.empty.next = self.error.val().any() | !self.length.val().any();

        // One adder makes every address: of the access, of an element, of the next piece.
        self.augend.next = self.iova.q.val();
        self.addend.next = bit_cast::<32, 13>(self.piece_bytes.q.val());
        if self.state.q.val() == WalkState::Idle {
            self.augend.next = (bit_cast::<48, 16>(self.high.val().get_bits::<16>(0))
                << bits::<6>(32))
                | bit_cast::<48, 32>(self.low.val());
            self.addend.next = self.offset.val();
        } else if self.state.q.val() == WalkState::ReadIova {
            self.augend.next = (bit_cast::<48, 16>(self.sge_high.val()) << bits::<6>(32))
                | bit_cast::<48, 32>(self.sge_low.val());
            self.addend.next = self.inside.q.val();
        }
        self.sum.next = self.augend.val() + bit_cast::<48, 32>(self.addend.val());

        // One subtractor finds the element: less its start, then less each length that is passed over.
        self.subtrahend.next = self.sge_low.val();
        if self.state.q.val() == WalkState::Seek {
            self.subtrahend.next = bit_cast::<32, 31>(self.start.q.val());
        }
        self.difference.next =
            bit_cast::<33, 32>(self.inside.q.val()) - bit_cast::<33, 32>(self.subtrahend.val());
        self.below.next = bits::<32>(0) - self.difference.val().get_bits::<32>(0);

        // The piece.
        self.to_boundary.next =
            bits::<13>(4096) - bit_cast::<13, 12>(self.iova.q.val().get_bits::<12>(0));
        self.chunk.next = self.to_boundary.val();
        if self.is_list.q.val() & (self.limit.q.val() < self.to_boundary.val()) {
            self.chunk.next = self.limit.q.val();
        }
        self.ends.next = self.remaining.q.val() <= bit_cast::<16, 13>(self.chunk.val());

        self.taken.next = false;
        for i in 0..5 {
            self.piece[i].error.next = self.refusal.q.val();
            self.piece[i].iova.next = self.iova.q.val();
            self.piece[i].bytes.next = self.piece_bytes.q.val();
            self.piece[i].last.next = self.piece_last.q.val();
            self.piece[i].valid.next = (self.state.q.val() == WalkState::Offer)
                & (self.of_client.q.val() == i.to_bits::<3>());
            if (self.of_client.q.val() == i.to_bits::<3>()) & self.piece[i].ready.val() {
                self.taken.next = true;
            }
        }

        self.ready.next = self.state.q.val() == WalkState::Idle;
        self.busy.next = !(self.state.q.val() == WalkState::Idle);
        self.sge_read.next = false;
        self.sge_element.next = self.cursor.q.val();
        self.sge_row.next = bits::<1>(0);
        self.cursor_index.next = self.entry.q.val();
        self.cursor_low_write.next = false;
        self.cursor_low.next = (bit_cast::<32, S>(self.cursor.q.val()) << bits::<6>(20))
            | (bit_cast::<32, S>(self.last.q.val()) << bits::<6>(10))
            | bit_cast::<32, S>(self.first.q.val());
        self.cursor_high_write.next = false;
        self.cursor_high.next = bit_cast::<32, 31>(self.start.q.val());
        if self.fires.q.val() {
            self.cursor_high.next =
                bit_cast::<32, 31>(self.start.q.val()) | bits::<32>(0x8000_0000_u64);
        }

        match self.state.q.val() {
            WalkState::Idle => {
                self.of_client.d.next = self.client.val();
                self.refusal.d.next = self.error.val();
                self.entry.d.next = self.index.val();
                self.is_list.d.next = self.listed.val() & !self.empty.val();
                self.fires.d.next = self.fire.val() & !self.error.val().any();
                self.first.d.next = self.low.val().get_bits::<S>(0);
                self.last.d.next = self.low.val().get_bits::<S>(10);
                self.cursor.d.next = self.low.val().get_bits::<S>(20);
                // Of a contiguous region these are the address bits, which go back unchanged with `fired`.
                self.start.d.next = self.high.val().get_bits::<31>(0);
                self.inside.d.next = self.offset.val();
                self.iova.d.next = self.sum.val();
                self.remaining.d.next = self.length.val();
                if self.empty.val() {
                    self.remaining.d.next = bits::<16>(0);
                }
                if self.valid.val() {
                    self.state.d.next = WalkState::Split;
                    if self.listed.val() & !self.empty.val() {
                        self.state.d.next = WalkState::Seek;
                    }
                }
            }
            WalkState::Seek => {
                if self.difference.val().get_bit(32) {
                    self.cursor.d.next = self.first.q.val();
                    self.start.d.next = bits::<31>(0);
                } else {
                    self.inside.d.next = self.difference.val().get_bits::<32>(0);
                }
                self.state.d.next = WalkState::ReadLength;
            }
            WalkState::ReadLength => {
                self.sge_read.next = true;
                self.sge_row.next = bits::<1>(1);
                self.state.d.next = WalkState::Compare;
            }
            WalkState::Compare => {
                self.sge_read.next = true;
                self.limit.d.next = self.below.val().get_bits::<13>(0);
                if self.below.val().get_bits::<20>(12).any() {
                    self.limit.d.next = bits::<13>(4096);
                }
                self.state.d.next = WalkState::ReadIova;
                if !self.difference.val().get_bit(32) {
                    self.inside.d.next = self.difference.val().get_bits::<32>(0);
                    self.start.d.next = self.start.q.val() + self.sge_low.val().get_bits::<31>(0);
                    self.cursor.d.next = self.sge_high.val().get_bits::<S>(0);
                    self.state.d.next = WalkState::ReadLength;
                }
            }
            WalkState::ReadIova => {
                self.iova.d.next = self.sum.val();
                self.state.d.next = WalkState::Split;
            }
            WalkState::Split => {
                self.piece_bytes.d.next = self.chunk.val();
                self.piece_last.d.next = self.ends.val();
                if self.ends.val() {
                    self.piece_bytes.d.next = bit_cast::<13, 16>(self.remaining.q.val());
                    self.cursor_low_write.next = self.is_list.q.val();
                    self.cursor_high_write.next = self.is_list.q.val() | self.fires.q.val();
                }
                self.state.d.next = WalkState::Offer;
            }
            WalkState::Offer => {
                if self.taken.val() {
                    self.remaining.d.next =
                        self.remaining.q.val() - bit_cast::<16, 13>(self.piece_bytes.q.val());
                    self.inside.d.next =
                        self.inside.q.val() + bit_cast::<32, 13>(self.piece_bytes.q.val());
                    self.iova.d.next = self.sum.val();
                    self.state.d.next = WalkState::Split;
                    if self.piece_last.q.val() {
                        self.state.d.next = WalkState::Idle;
                    } else if self.is_list.q.val() {
                        self.state.d.next = WalkState::ReadLength;
                    }
                }
            }
            _ => {
                self.state.d.next = WalkState::Idle;
            }
        }
        if self.reset.val() {
            self.state.d.next = WalkState::Idle;
        }
    }
}
