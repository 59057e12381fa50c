//! Words read for frames, in order, and the pieces that say which of their bytes count; made into payload by the realigner.
//!
//! ```text
//!   word (bus, slot RAM, Read Request) ---> [RAM FIFO] --------> Realign ---> payload words
//!   piece {from, bytes, closes} ------------> [8 piece slots] ---->
//!   arrived (last word of a piece), error ----^
//! ```
//! A piece is stored before its words arrive, and only when there is room for all of them (`room`, for the piece offered). A piece whose read failed brings
//! no words: its place in the RAM is skipped, so that the frame keeps its length, and the job is marked with `error`. The bytes
//! after a job's last one are not cleared here.
//!
//! Latency: three cycles from a word that completes one to the payload word. Throughput: one word a cycle within a piece.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::block_ram::BlockRam;
use crate::host::realign::Realign;

/// See the module. 2^P words.
#[derive(LogicBlock)]
pub struct PayloadFifo<const P: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// A word that belongs to the oldest piece still arriving.
    pub word: Signal<In, Bits<32>>,
    /// Store it.
    pub write: Signal<In, Bit>,
    /// That piece is complete with this word, or failed.
    pub arrived: Signal<In, Bit>,
    /// That piece failed.
    pub error: Signal<In, Bit>,
    /// New piece: first byte in its first word.
    pub from: Signal<In, Bits<2>>,
    /// New piece: bytes.
    pub bytes: Signal<In, Bits<13>>,
    /// New piece: last of its job.
    pub closes: Signal<In, Bit>,
    /// Store it.
    pub push: Signal<In, Bit>,
    /// There is room for it and its words.
    pub room: Signal<Out, Bit>,
    /// No slot is free for another piece.
    pub crowded: Signal<Out, Bit>,
    /// All pieces have arrived.
    pub quiet: Signal<Out, Bit>,
    /// Nothing is stored.
    pub idle: Signal<Out, Bit>,
    /// Payload word.
    pub out_data: Signal<Out, Bits<32>>,
    /// Last of its job.
    pub out_last: Signal<Out, Bit>,
    /// With `out_last`: a read failed.
    pub out_error: Signal<Out, Bit>,
    /// There is one.
    pub out_valid: Signal<Out, Bit>,
    /// It is taken.
    pub out_ready: Signal<In, Bit>,
    ram: BlockRam<32, P>,
    realign: Realign,
    write_at: DFF<Bits<P>>,
    seen_at: DFF<Bits<P>>,
    read_at: DFF<Bits<P>>,
    space: DFF<Bits<P>>,
    pieces: [DFF<Bits<14>>; 8],
    failed: DFF<Bits<8>>,
    push_at: DFF<Bits<3>>,
    arrive_at: DFF<Bits<3>>,
    load_at: DFF<Bits<3>>,
    active_at: DFF<Bits<3>>,
    held: DFF<Bits<4>>,
    due: DFF<Bits<4>>,
    started: DFF<Bit>,
    spoilt: DFF<Bit>,
    offered: Signal<Local, Bits<14>>,
    oldest: Signal<Local, Bits<14>>,
    arriving: Signal<Local, Bits<14>>,
    reach: Signal<Local, Bits<13>>,
    skip_reach: Signal<Local, Bits<13>>,
    push_mask: Signal<Local, Bits<8>>,
    span: Signal<Local, Bits<P>>,
    skip: Signal<Local, Bits<P>>,
    has_word: Signal<Local, Bit>,
    pop: Signal<Local, Bit>,
    load: Signal<Local, Bit>,
    next_read: Signal<Local, Bits<P>>,
    taken_space: Signal<Local, Bits<P>>,
    given_space: Signal<Local, Bits<P>>,
    capacity: Constant<Bits<P>>,
}

impl<const P: usize> PayloadFifo<P> {
    /// `largest_bytes`: of a job.
    pub fn new(largest_bytes: u32) -> Self {
        let largest = largest_bytes.div_ceil(4) + 1;
        assert!(largest < 1 << P);
        block_new!(clock reset word write arrived error from bytes closes push room crowded quiet idle out_data out_last out_error out_valid
            out_ready ram realign write_at seen_at read_at space pieces failed push_at arrive_at load_at active_at held due
            started spoilt offered oldest arriving reach skip_reach push_mask span skip has_word pop load next_read taken_space given_space;
            capacity = (1_u32 << P) - 1)
    }
}

impl<const P: usize> Logic for PayloadFifo<P> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, write_at, seen_at, read_at, space, failed, push_at, arrive_at, load_at,
            active_at, held, due, started, spoilt
        );
        clock!(self, clock, ram, realign);
        self.realign.reset.next = self.reset.val();
        self.offered.next = bit_cast::<14, 2>(self.from.val())
            | (bit_cast::<14, 13>(self.bytes.val()) << bits::<4>(2));
        if self.closes.val() {
            self.offered.next = bit_cast::<14, 2>(self.from.val())
                | (bit_cast::<14, 13>(self.bytes.val()) << bits::<4>(2))
                | bits::<14>(0x2000);
        }
        self.oldest.next = bits::<14>(0);
        self.arriving.next = bits::<14>(0);
        for i in 0..8 {
            self.pieces[i].clock.next = self.clock.val();
            self.pieces[i].d.next = self.pieces[i].q.val();
            if self.push.val() & (self.push_at.q.val() == i.to_bits::<3>()) {
                self.pieces[i].d.next = self.offered.val();
            }
            if self.load_at.q.val() == i.to_bits::<3>() {
                self.oldest.next = self.pieces[i].q.val();
            }
            if self.arrive_at.q.val() == i.to_bits::<3>() {
                self.arriving.next = self.pieces[i].q.val();
            }
        }

        // Words that a piece occupies: (first byte + bytes + 3) / 4.
        self.reach.next = bit_cast::<13, 2>(self.from.val()) + self.bytes.val() + bits::<13>(3);
        self.span.next = bit_cast::<P, 11>(self.reach.val().get_bits::<11>(2));
        self.skip_reach.next = bit_cast::<13, 2>(self.arriving.val().get_bits::<2>(0))
            + bit_cast::<13, 11>(self.arriving.val().get_bits::<11>(2))
            + bits::<13>(3);
        self.skip.next = bit_cast::<P, 11>(self.skip_reach.val().get_bits::<11>(2));

        // Arrival.
        self.ram.write_address.next = self.write_at.q.val();
        self.ram.write_data.next = self.word.val();
        self.ram.write_enable.next = self.write.val() & !self.error.val();
        if self.write.val() {
            self.write_at.d.next = self.write_at.q.val() + 1;
        }
        self.seen_at.d.next = self.write_at.q.val();
        self.push_mask.next = (bits::<8>(1) << self.push_at.q.val()) ^ bits::<8>(0xFF);
        if self.push.val() {
            self.push_at.d.next = self.push_at.q.val() + 1;
            self.failed.d.next = self.failed.q.val() & self.push_mask.val();
        }
        if self.arrived.val() {
            self.arrive_at.d.next = self.arrive_at.q.val() + 1;
            if self.error.val() {
                self.write_at.d.next = self.write_at.q.val() + self.skip.val();
                self.failed.d.next = self.failed.q.val() | (bits::<8>(1) << self.arrive_at.q.val());
                if self.push.val() {
                    self.failed.d.next = (self.failed.q.val() & self.push_mask.val())
                        | (bits::<8>(1) << self.arrive_at.q.val());
                }
            }
        }

        // To the realigner.
        self.has_word.next = self.read_at.q.val() != self.seen_at.q.val();
        self.realign.rx.data.next = self.ram.read_data.val();
        self.realign.rx.last.next = false;
        self.realign.rx.valid.next = self.has_word.val();
        self.pop.next = self.has_word.val() & self.realign.rx.ready.val();
        self.next_read.next = self.read_at.q.val();
        if self.pop.val() {
            self.next_read.next = self.read_at.q.val() + 1;
        }
        self.read_at.d.next = self.next_read.val();
        self.ram.read_address.next = self.next_read.val();
        self.realign.piece.from.next = self.oldest.val().get_bits::<2>(0);
        self.realign.piece.to.next = bits::<2>(0);
        self.realign.piece.bytes.next = bit_cast::<13, 11>(self.oldest.val().get_bits::<11>(2));
        self.realign.piece.first.next = !self.started.q.val();
        self.realign.piece.last.next = self.oldest.val().get_bit(13);
        self.realign.piece.split.next = false;
        self.realign.piece.valid.next = self.held.q.val().any();
        self.load.next = self.held.q.val().any() & self.realign.piece.ready.val();
        if self.load.val() {
            self.load_at.d.next = self.load_at.q.val() + 1;
            self.active_at.d.next = self.load_at.q.val();
            self.started.d.next = !self.oldest.val().get_bit(13);
        }
        if self.push.val() & !self.load.val() {
            self.held.d.next = self.held.q.val() + 1;
        }
        if self.load.val() & !self.push.val() {
            self.held.d.next = self.held.q.val() - 1;
        }
        if self.push.val() & !self.arrived.val() {
            self.due.d.next = self.due.q.val() + 1;
        }
        if self.arrived.val() & !self.push.val() {
            self.due.d.next = self.due.q.val() - 1;
        }

        // Room.
        self.taken_space.next = bits::<P>(0);
        if self.push.val() {
            self.taken_space.next = self.span.val();
        }
        self.given_space.next = bits::<P>(0);
        if self.pop.val() {
            self.given_space.next = bits::<P>(1);
        }
        self.space.d.next = self.space.q.val() - self.taken_space.val() + self.given_space.val();
        // One slot stays free for the failure mark of the piece in the realigner.
        self.room.next =
            (self.space.q.val() >= self.span.val()) & (self.held.q.val() < bits::<4>(7));
        self.crowded.next = self.held.q.val() == bits::<4>(7);
        self.quiet.next = !self.due.q.val().any();
        self.idle.next = !self.due.q.val().any()
            & !self.held.q.val().any()
            & (self.read_at.q.val() == self.write_at.q.val())
            & !self.realign.tx.valid.val();

        // Payload.
        self.out_data.next = self.realign.tx.data.val();
        self.out_last.next = self.realign.tx.last.val();
        self.out_valid.next = self.realign.tx.valid.val();
        self.out_error.next = self.spoilt.q.val();
        self.realign.tx.ready.next = self.out_ready.val();
        if self.realign.tx.valid.val() & self.realign.tx.last.val() & self.out_ready.val() {
            self.spoilt.d.next = false;
        }
        if self.pop.val() & self.failed.q.val().get_bit(self.active_at.q.val().index()) {
            self.spoilt.d.next = true;
        }
        if self.reset.val() {
            self.write_at.d.next = bits::<P>(0);
            self.seen_at.d.next = bits::<P>(0);
            self.read_at.d.next = bits::<P>(0);
            self.space.d.next = self.capacity.val();
            self.push_at.d.next = bits::<3>(0);
            self.arrive_at.d.next = bits::<3>(0);
            self.load_at.d.next = bits::<3>(0);
            self.held.d.next = bits::<4>(0);
            self.due.d.next = bits::<4>(0);
            self.started.d.next = false;
            self.spoilt.d.next = false;
        }
    }
}
