//! Moves the bytes of a word stream from one byte alignment to another.
//!
//! The stream is a sequence of records, a record a sequence of pieces. A piece is `bytes` bytes that start at byte `from` of
//! its first input word. The first piece of a record goes to byte `to` of the record's first output word, every other piece
//! to the byte after the piece before it. It knows no addresses and does not split at 4 KiB: its user gives the pieces.
//!
//! ```text
//!   piece (from, to, bytes, first, last, split) ---+
//!                                                  v
//!   rx (words) ---> rotate bytes ---> merge ---> [word] ---> tx (words, last = end of record)
//!                        |              ^
//!                        +--> [carry] --+      up to three bytes of the output word begun
//! ```
//!
//! Two uses:
//! - *Gather*: pieces read from memory at any alignment become one record, `to` 0 (or wherever its first byte belongs). Every
//!   piece brings its own words: ceil((from + bytes) / 4). `first` on the first piece, `last` on the last one.
//! - *Scatter*: a stream of contiguous bytes is cut into bursts. Every burst is a record of one piece (`first` and `last`),
//!   `to` is its address modulo 4, `from` the number of bytes before it in the stream modulo 4. With `split` the input word in
//!   which a burst ends stays for the next burst; give the stream's last burst no `split`, so that the stream's last word goes.
//!
//! Handshake: a piece may be given before, with or after its first word; the first word is taken in the cycle after the piece
//! at the earliest. The next piece is taken in the cycle of a piece's last word, so pieces follow each other without a gap.
//! `rx.last` is not looked at. Bytes outside a record in its first and last output word are undefined. `bytes` 0 is not allowed.
//!
//! Latency: one cycle from an input word to the output word that it completes. Throughput: one word per cycle, and one more
//! cycle at the end of a record whose last input word ends one output word and starts another. A source that cannot
//! wait (a DMA read's data) needs room for one word per record in flight before it, unless every `from` equals its place.
//! `reset` for one cycle forgets everything, which is how a user drops a record after an error.

use rust_hdl::prelude::*;

use crate::interfaces::{RealignPieceRx, StreamRx, StreamTx};

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Realign {
    /// Clock of everything.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// Where the next piece lies.
    pub piece: RealignPieceRx,
    /// Words that hold the pieces.
    pub rx: StreamRx,
    /// Words of the records.
    pub tx: StreamTx,
    /// A piece is under way.
    active: DFF<Bit>,
    /// Its first word is still to come.
    fresh: DFF<Bit>,
    from: DFF<Bits<2>>,
    closes: DFF<Bit>,
    splits: DFF<Bit>,
    /// Bytes from the start of the next input word to the last byte of the piece: its words are bits 13:2, plus one.
    rest: DFF<Bits<14>>,
    /// Bytes of the output word that are in `carry`.
    have: DFF<Bits<2>>,
    carry: DFF<Bits<24>>,
    /// The record's last bytes are in `carry` and need a word of their own.
    tail: DFF<Bit>,
    data: DFF<Bits<32>>,
    last: DFF<Bit>,
    valid: DFF<Bit>,

    out_free: Signal<Local, Bit>,
    can_move: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    finishes: Signal<Local, Bit>,
    emits: Signal<Local, Bit>,
    load: Signal<Local, Bit>,
    piece_ready: Signal<Local, Bit>,
    /// First valid byte of the input word.
    low: Signal<Local, Bits<2>>,
    /// Last valid byte of the input word.
    high: Signal<Local, Bits<2>>,
    turn: Signal<Local, Bits<2>>,
    /// Byte of the output word, or of the one after it, at which the input word's last byte goes.
    place: Signal<Local, Bits<4>>,
    next_have: Signal<Local, Bits<4>>,
    word: Signal<Local, Bits<32>>,
    turned_one: Signal<Local, Bits<32>>,
    turned: Signal<Local, Bits<32>>,
    keep_mask: Signal<Local, Bits<32>>,
    take_mask: Signal<Local, Bits<32>>,
    merged: Signal<Local, Bits<32>>,
    addend: Signal<Local, Bits<14>>,
    change: Signal<Local, Bits<14>>,
}

impl Logic for Realign {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, active, fresh, from, closes, splits, rest, have, carry, tail, data, last,
            valid
        );
        // Where the input word's valid bytes are, and where they go.
        self.ends.next = !self.rest.q.val().get_bits::<12>(2).any();
        self.low.next = bits::<2>(0);
        if self.fresh.q.val() {
            self.low.next = self.from.q.val();
        }
        self.high.next = bits::<2>(3);
        if self.ends.val() {
            self.high.next = self.rest.q.val().get_bits::<2>(0);
        }
        self.turn.next = self.have.q.val() - self.low.val();
        self.place.next = bit_cast::<4, 2>(self.have.q.val()) - bit_cast::<4, 2>(self.low.val())
            + bit_cast::<4, 2>(self.high.val());
        self.next_have.next = self.place.val() + 1;

        // Handshakes.
        self.out_free.next = !self.valid.q.val() | self.tx.ready.val();
        self.can_move.next = self.active.q.val() & self.out_free.val() & !self.tail.q.val();
        self.moves.next = self.can_move.val() & self.rx.valid.val();
        self.finishes.next = self.moves.val() & self.ends.val();
        self.rx.ready.next = self.can_move.val()
            & !(self.ends.val() & self.splits.q.val() & (self.high.val() != bits::<2>(3)));
        self.piece_ready.next = (!self.active.q.val() | self.finishes.val()) & !self.reset.val();
        self.piece.ready.next = self.piece_ready.val();
        self.load.next = self.piece_ready.val() & self.piece.valid.val();

        // Rotate, then take the bytes below `have` from the carry.
        self.word.next = self.rx.data.val();
        self.turned_one.next = self.word.val();
        if self.turn.val().get_bit(0) {
            self.turned_one.next =
                (self.word.val() << bits::<5>(8)) | (self.word.val() >> bits::<5>(24));
        }
        self.turned.next = self.turned_one.val();
        if self.turn.val().get_bit(1) {
            self.turned.next =
                (self.turned_one.val() << bits::<5>(16)) | (self.turned_one.val() >> bits::<5>(16));
        }
        self.keep_mask.next = bits::<32>(0);
        if self.have.q.val() == bits::<2>(1) {
            self.keep_mask.next = bits::<32>(0xFF);
        }
        if self.have.q.val() == bits::<2>(2) {
            self.keep_mask.next = bits::<32>(0xFFFF);
        }
        if (self.have.q.val() == bits::<2>(3)) | self.tail.q.val() {
            self.keep_mask.next = bits::<32>(0xFF_FFFF);
        }
        self.take_mask.next = !self.keep_mask.val();
        self.merged.next = (bit_cast::<32, 24>(self.carry.q.val()) & self.keep_mask.val())
            | (self.turned.val() & self.take_mask.val());

        // The output word.
        self.emits.next =
            (self.place.val() >= bits::<4>(3)) | (self.ends.val() & self.closes.q.val());
        if self.out_free.val() {
            self.valid.d.next = (self.moves.val() & self.emits.val()) | self.tail.q.val();
            self.data.d.next = self.merged.val();
            self.last.d.next = self.tail.q.val()
                | (self.ends.val() & self.closes.q.val() & (self.place.val() < bits::<4>(4)));
            self.tail.d.next =
                self.finishes.val() & self.closes.q.val() & (self.place.val() >= bits::<4>(4));
        }

        // What stays for the next one.
        if self.moves.val() {
            self.fresh.d.next = false;
            self.have.d.next = self.next_have.val().get_bits::<2>(0);
            self.carry.d.next = self.merged.val().get_bits::<24>(0);
            if self.emits.val() {
                self.carry.d.next = self.turned.val().get_bits::<24>(0);
            }
        }

        // One adder: a word less, or the length of a new piece, bytes + from - 1.
        self.addend.next = self.rest.q.val();
        self.change.next = bits::<14>(0x3FFC);
        if self.load.val() {
            self.addend.next = bit_cast::<14, 13>(self.piece.bytes.val());
            self.change.next = bits::<14>(0x3FFF);
            if self.piece.from.val().any() {
                self.change.next = bit_cast::<14, 2>(self.piece.from.val()) - bits::<14>(1);
            }
        }
        if self.load.val() | self.moves.val() {
            self.rest.d.next = self.addend.val() + self.change.val();
        }
        if self.finishes.val() {
            self.active.d.next = false;
        }
        if self.load.val() {
            self.active.d.next = true;
            self.fresh.d.next = true;
            self.from.d.next = self.piece.from.val();
            self.closes.d.next = self.piece.last.val();
            self.splits.d.next = self.piece.split.val();
            if self.piece.first.val() {
                self.have.d.next = self.piece.to.val();
            }
        }
        if self.reset.val() {
            self.active.d.next = false;
            self.tail.d.next = false;
            self.valid.d.next = false;
        }
        self.tx.data.next = self.data.q.val();
        self.tx.last.next = self.last.q.val();
        self.tx.valid.next = self.valid.q.val();
    }
}
