//! Cuts an access into pieces: each within 4 KiB and one element, in order, for the client that asked.
//!
//! A contiguous region needs an addition only. In a list the walk begins at the element where the entry's last access ended,
//! or at the first when the access lies before that, and writes the entry's cursor back with each piece. It checks
//! nothing: what comes here has passed, or carries the error that the client is told.
//!
//! ```text
//!   Idle -> Seek -> ReadLength -> Compare --+--> ReadIova -> Place -> Offer -> Idle
//!     |               ^   next element      |                  ^        |
//!     |               +---------------------+                  |        | next piece
//!     |               +------------------------------- list ---|--------+
//!     +--> contiguous, refused, or empty ----------------------+--------+
//! ```
//! Latency: a piece two cycles after the access, in a list four more and two for each element passed over. Throughput: a
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
    /// Keep the element's address.
    ReadIova,
    /// Add the offset; cut at the 4 KiB boundary, the element's end and the access's end.
    Place,
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
    /// Their lengths are kept less one.
    pub paged: Signal<In, Bit>,
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
    is_paged: DFF<Bit>,
    fires: DFF<Bit>,
    first: DFF<Bits<S>>,
    last: DFF<Bits<S>>,
    cursor: DFF<Bits<S>>,
    start: DFF<Bits<31>>,
    inside: DFF<Bits<32>>,
    near: DFF<Bits<12>>,
    base: DFF<Bits<48>>,
    iova: DFF<Bits<48>>,
    remaining: DFF<Bits<16>>,
    piece_bytes: DFF<Bits<13>>,
    piece_last: DFF<Bit>,

    empty: Signal<Local, Bit>,
    sum: Signal<Local, Bits<48>>,
    page_offset: Signal<Local, Bits<12>>,
    cut: Signal<Local, Bits<12>>,
    total: Signal<Local, Bits<17>>,
    rest: Signal<Local, Bits<17>>,
    ends: Signal<Local, Bit>,
    inverse: Signal<Local, Bits<32>>,
    not_start: Signal<Local, Bits<31>>,
    not_cut: Signal<Local, Bits<12>>,
    addend: Signal<Local, Bits<34>>,
    wide_difference: Signal<Local, Bits<34>>,
    difference: Signal<Local, Bits<32>>,
    reaches: Signal<Local, Bit>,
    element_bytes: Signal<Local, Bits<32>>,
    wide_start: Signal<Local, Bits<32>>,
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
            is_paged,
            fires,
            first,
            last,
            cursor,
            start,
            inside,
            near,
            base,
            iova,
            remaining,
            piece_bytes,
            piece_last
        );
        self.empty.next = self.error.val().any() | !self.length.val().any();
        self.sum.next = self.base.q.val() + bit_cast::<48, 32>(self.inside.q.val());

        // The cut, as 4096 less the piece's bytes: where in its 4 KiB the piece begins, or more if the element ends sooner.
        self.page_offset.next = self.sum.val().get_bits::<12>(0);
        self.cut.next = self.page_offset.val();
        if self.near.q.val() > self.page_offset.val() {
            self.cut.next = self.near.q.val();
        }
        self.total.next =
            bit_cast::<17, 16>(self.remaining.q.val()) + bit_cast::<17, 12>(self.cut.val());
        self.rest.next = self.total.val() - bits::<17>(4096);
        self.ends.next = self.total.val() <= bits::<17>(4096);

        // One subtractor: less the start of the element, less each length that is passed over, plus what was cut. A carry
        // in below the lowest bit makes the length of a page from its length less one.
        self.not_start.next = !self.start.q.val();
        self.not_cut.next = !self.cut.val();
        self.inverse.next = !self.sge_low.val();
        if self.state.q.val() == WalkState::Seek {
            self.inverse.next =
                bit_cast::<32, 31>(self.not_start.val()) | bits::<32>(0x8000_0000_u64);
        } else if self.state.q.val() == WalkState::Place {
            self.inverse.next = bit_cast::<32, 12>(self.not_cut.val());
        }
        self.addend.next = (bit_cast::<34, 32>(self.inverse.val()) << bits::<6>(1)) | bits::<34>(1);
        if self.is_paged.q.val() & (self.state.q.val() == WalkState::Compare) {
            self.addend.next = bit_cast::<34, 32>(self.inverse.val()) << bits::<6>(1);
        }
        self.wide_difference.next = self.addend.val()
            + ((bit_cast::<34, 32>(self.inside.q.val()) << bits::<6>(1)) | bits::<34>(1));
        self.difference.next = self.wide_difference.val().get_bits::<32>(1);
        self.reaches.next = self.wide_difference.val().get_bit(33);
        self.element_bytes.next =
            bit_cast::<32, 31>(self.sge_low.val().get_bits::<31>(0)) << bits::<6>(1);
        if self.is_paged.q.val() {
            self.element_bytes.next = (bit_cast::<32, 31>(self.sge_low.val().get_bits::<31>(0))
                << bits::<6>(1))
                | bits::<32>(1);
        }
        self.wide_start.next = self.element_bytes.val()
            + ((bit_cast::<32, 31>(self.start.q.val()) << bits::<6>(1)) | bits::<32>(1));

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
                self.is_paged.d.next = self.paged.val();
                self.fires.d.next = self.fire.val() & !self.error.val().any();
                self.first.d.next = self.low.val().get_bits::<S>(0);
                self.last.d.next = self.low.val().get_bits::<S>(10);
                self.cursor.d.next = self.low.val().get_bits::<S>(20);
                // Of a contiguous region these are the address bits, which go back unchanged with `fired`.
                self.start.d.next = self.high.val().get_bits::<31>(0);
                self.inside.d.next = self.offset.val();
                self.near.d.next = bits::<12>(0);
                self.base.d.next = (bit_cast::<48, 16>(self.high.val().get_bits::<16>(0))
                    << bits::<6>(32))
                    | bit_cast::<48, 32>(self.low.val());
                self.remaining.d.next = self.length.val();
                if self.error.val().any() {
                    self.remaining.d.next = bits::<16>(0);
                }
                if self.valid.val() {
                    self.state.d.next = WalkState::Place;
                    if self.listed.val() & !self.empty.val() {
                        self.state.d.next = WalkState::Seek;
                    }
                }
            }
            WalkState::Seek => {
                if self.reaches.val() {
                    self.inside.d.next = self.difference.val();
                } else {
                    self.cursor.d.next = self.first.q.val();
                    self.start.d.next = bits::<31>(0);
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
                self.near.d.next = bits::<12>(0);
                if self.difference.val().get_bits::<20>(12).all() {
                    self.near.d.next = self.difference.val().get_bits::<12>(0);
                }
                self.state.d.next = WalkState::ReadIova;
                if self.reaches.val() {
                    self.inside.d.next = self.difference.val();
                    self.start.d.next = self.wide_start.val().get_bits::<31>(1);
                    self.cursor.d.next = self.sge_high.val().get_bits::<S>(0);
                    self.state.d.next = WalkState::ReadLength;
                }
            }
            WalkState::ReadIova => {
                self.base.d.next = (bit_cast::<48, 16>(self.sge_high.val()) << bits::<6>(32))
                    | bit_cast::<48, 32>(self.sge_low.val());
                self.state.d.next = WalkState::Place;
            }
            WalkState::Place => {
                self.iova.d.next = self.sum.val();
                self.inside.d.next = self.difference.val();
                self.remaining.d.next = self.rest.val().get_bits::<16>(0);
                self.piece_last.d.next = self.ends.val();
                self.piece_bytes.d.next = bits::<13>(4096) - bit_cast::<13, 12>(self.cut.val());
                if self.ends.val() {
                    self.piece_bytes.d.next = self.remaining.q.val().get_bits::<13>(0);
                }
                // With each piece, not only the last: this way the write does not wait for the cut to be known.
                self.cursor_low_write.next = self.is_list.q.val();
                self.cursor_high_write.next = self.is_list.q.val() | self.fires.q.val();
                self.state.d.next = WalkState::Offer;
            }
            WalkState::Offer => {
                if self.taken.val() {
                    self.state.d.next = WalkState::Place;
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
