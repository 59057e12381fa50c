//! The payload of the frames that leave next: words from the bus, packed as they arrive, in the order of the jobs.
//!
//! ```text
//!   piece {first byte, end, closes} ---> [8 piece slots] --+
//!                                                          v
//!   word (bus, slot RAM, Read Request) ---> rotate ---> [held bytes] ---> [RAM FIFO] ---> payload words
//!   arrived (last word of a piece), error ---^
//! ```
//! A job reserves room for all its words (`open`) before anything is asked for it, so what was asked for never waits for the
//! wire. A piece slot is free again when the piece has arrived, so a piece waits for the bus only. Two jobs may be here.
//!
//! Whole words are written when their last byte arrives; a word that is complete while the port is in use, and the last
//! bytes of a job, are written one cycle later. That is always in time: a job never has more payload words than bus words.
//! When a piece of a job failed, the job keeps its length and is marked with `error`. The bytes after a job's last one are
//! not cleared here.
//!
//! Latency: two cycles from a word that completes one to the payload word. Throughput: one word a cycle, both sides.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::block_ram::BlockRam;

/// See the module. 2^P words.
#[derive(LogicBlock)]
pub struct PayloadFifo<const P: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// Bytes of the job that wants room.
    pub job_bytes: Signal<In, Bits<16>>,
    /// There is room for it.
    pub room: Signal<Out, Bit>,
    /// Keep that room: its words come after those of the jobs before it. Not in two cycles one after the other.
    pub open: Signal<In, Bit>,
    /// Forget the only job that is here; with `quiet`.
    pub abandon: Signal<In, Bit>,
    /// New piece of the newest job: first byte in its first word.
    pub from: Signal<In, Bits<2>>,
    /// New piece: its bytes, modulo 4.
    pub bytes: Signal<In, Bits<2>>,
    /// New piece: last of its job.
    pub closes: Signal<In, Bit>,
    /// Store it.
    pub push: Signal<In, Bit>,
    /// A piece slot is free.
    pub takes: Signal<Out, Bit>,
    /// A word that belongs to the oldest piece still arriving.
    pub word: Signal<In, Bits<32>>,
    /// Take it.
    pub write: Signal<In, Bit>,
    /// That piece is complete with this word, or failed.
    pub arrived: Signal<In, Bit>,
    /// That piece failed; comes without `write`.
    pub error: Signal<In, Bit>,
    /// All pieces have arrived.
    pub quiet: Signal<Out, Bit>,
    /// No job is here.
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
    pieces: [DFF<Bits<5>>; 8],
    push_at: DFF<Bits<3>>,
    arrive_at: DFF<Bits<3>>,
    due: DFF<Bits<4>>,
    inside: DFF<Bit>,
    held: DFF<Bits<32>>,
    fill: DFF<Bits<3>>,
    flush: DFF<Bit>,
    open_at: DFF<Bits<P>>,
    write_at: DFF<Bits<P>>,
    seen_at: DFF<Bits<P>>,
    read_at: DFF<Bits<P>>,
    space: DFF<Bits<P>>,
    end0: DFF<Bits<P>>,
    end1: DFF<Bits<P>>,
    failed: DFF<Bits<2>>,
    open_second: DFF<Bit>,
    arrive_second: DFF<Bit>,
    leave_second: DFF<Bit>,
    jobs: DFF<Bits<2>>,
    offered: Signal<Local, Bits<5>>,
    end_byte: Signal<Local, Bits<2>>,
    arriving: Signal<Local, Bits<5>>,
    start: Signal<Local, Bits<2>>,
    count: Signal<Local, Bits<3>>,
    filled: Signal<Local, Bits<2>>,
    turn: Signal<Local, Bits<2>>,
    half: Signal<Local, Bits<32>>,
    turned: Signal<Local, Bits<32>>,
    merged: Signal<Local, Bits<32>>,
    keep: Signal<Local, Bits<32>>,
    total: Signal<Local, Bits<3>>,
    total_low: Signal<Local, Bits<2>>,
    spill: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    stores: Signal<Local, Bit>,
    job_failed: Signal<Local, Bit>,
    arrive_end: Signal<Local, Bits<P>>,
    leave_end: Signal<Local, Bits<P>>,
    reach: Signal<Local, Bits<16>>,
    words: Signal<Local, Bits<P>>,
    new_end: Signal<Local, Bits<P>>,
    free_words: Signal<Local, Bits<P>>,
    after: Signal<Local, Bits<P>>,
    next_read: Signal<Local, Bits<P>>,
    has_word: Signal<Local, Bit>,
    pop: Signal<Local, Bit>,
    leaves: Signal<Local, Bit>,
    capacity: Constant<Bits<P>>,
}

impl<const P: usize> PayloadFifo<P> {
    /// `largest_bytes`: of a job.
    pub fn new(largest_bytes: u32) -> Self {
        assert!(largest_bytes.div_ceil(4) < 1 << P);
        block_new!(clock reset job_bytes room open abandon from bytes closes push takes word write arrived error quiet idle
            out_data out_last out_error out_valid out_ready ram pieces push_at arrive_at due inside held fill flush open_at
            write_at seen_at read_at space end0 end1 failed open_second arrive_second leave_second jobs offered end_byte
            arriving start count filled turn half turned merged keep total total_low spill ends stores job_failed
            arrive_end leave_end reach words new_end free_words after next_read has_word pop leaves;
            capacity = (1_u32 << P) - 1)
    }
}

impl<const P: usize> Logic for PayloadFifo<P> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            push_at,
            arrive_at,
            due,
            inside,
            held,
            fill,
            flush,
            open_at,
            write_at,
            seen_at,
            read_at,
            space,
            end0,
            end1,
            failed,
            open_second,
            arrive_second,
            leave_second,
            jobs
        );
        clock!(self, clock, ram);

        // Pieces on their way: the first word's first byte, the byte after the last word's last one, closes.
        self.end_byte.next = self.from.val() + self.bytes.val();
        self.offered.next = bit_cast::<5, 2>(self.from.val())
            | (bit_cast::<5, 2>(self.end_byte.val()) << bits::<3>(2));
        if self.closes.val() {
            self.offered.next = bit_cast::<5, 2>(self.from.val())
                | (bit_cast::<5, 2>(self.end_byte.val()) << bits::<3>(2))
                | bits::<5>(0x10);
        }
        self.arriving.next = bits::<5>(0);
        for i in 0..8 {
            self.pieces[i].clock.next = self.clock.val();
            self.pieces[i].d.next = self.pieces[i].q.val();
            if self.push.val() & (self.push_at.q.val() == i.to_bits::<3>()) {
                self.pieces[i].d.next = self.offered.val();
            }
            if self.arrive_at.q.val() == i.to_bits::<3>() {
                self.arriving.next = self.pieces[i].q.val();
            }
        }
        if self.push.val() {
            self.push_at.d.next = self.push_at.q.val() + 1;
        }
        if self.arrived.val() {
            self.arrive_at.d.next = self.arrive_at.q.val() + 1;
        }
        if self.push.val() & !self.arrived.val() {
            self.due.d.next = self.due.q.val() + 1;
        }
        if self.arrived.val() & !self.push.val() {
            self.due.d.next = self.due.q.val() - 1;
        }
        self.takes.next = !self.due.q.val().get_bit(3);
        self.quiet.next = !self.due.q.val().any();

        // The bytes of a word that count, and where they go: behind those held, unless these are written now.
        self.start.next = bits::<2>(0);
        if !self.inside.q.val() {
            self.start.next = self.arriving.val().get_bits::<2>(0);
        }
        self.count.next = bits::<3>(4) - bit_cast::<3, 2>(self.start.val());
        if self.arrived.val() & self.arriving.val().get_bits::<2>(2).any() {
            self.count.next = bit_cast::<3, 2>(self.arriving.val().get_bits::<2>(2))
                - bit_cast::<3, 2>(self.start.val());
        }
        self.spill.next = self.flush.q.val() | self.fill.q.val().get_bit(2);
        self.filled.next = self.fill.q.val().get_bits::<2>(0);
        if self.spill.val() {
            self.filled.next = bits::<2>(0);
        }
        self.total.next = bit_cast::<3, 2>(self.filled.val()) + self.count.val();
        self.total_low.next = self.total.val().get_bits::<2>(0);
        self.turn.next = self.filled.val() - self.start.val();
        self.half.next = self.word.val();
        if self.turn.val().get_bit(0) {
            self.half.next = (self.word.val() << bits::<5>(8)) | (self.word.val() >> bits::<5>(24));
        }
        self.turned.next = self.half.val();
        if self.turn.val().get_bit(1) {
            self.turned.next =
                (self.half.val() << bits::<5>(16)) | (self.half.val() >> bits::<5>(16));
        }
        self.keep.next = bits::<32>(0);
        if self.filled.val() == bits::<2>(1) {
            self.keep.next = bits::<32>(0xFF);
        }
        if self.filled.val() == bits::<2>(2) {
            self.keep.next = bits::<32>(0xFFFF);
        }
        if self.filled.val() == bits::<2>(3) {
            self.keep.next = bits::<32>(0xFF_FFFF);
        }
        self.merged.next = (self.held.q.val() & self.keep.val())
            | (self.turned.val() & (self.keep.val() ^ bits::<32>(0xFFFF_FFFF_u64)));

        // Arrival.
        self.arrive_end.next = self.end0.q.val();
        self.job_failed.next = self.error.val() | self.failed.q.val().get_bit(0);
        if self.arrive_second.q.val() {
            self.arrive_end.next = self.end1.q.val();
            self.job_failed.next = self.error.val() | self.failed.q.val().get_bit(1);
        }
        self.ends.next = self.arrived.val() & self.arriving.val().get_bit(4);
        if self.spill.val() {
            self.fill.d.next = bits::<3>(0);
            self.flush.d.next = false;
        }
        self.stores.next = self.spill.val();
        if self.write.val() {
            self.inside.d.next = !self.arrived.val();
            self.held.d.next = self.merged.val();
            self.fill.d.next = self.total.val();
            self.flush.d.next = self.ends.val();
            if self.total.val().get_bit(2) & !self.spill.val() {
                self.stores.next = true;
                self.held.d.next = self.turned.val();
                self.fill.d.next = bit_cast::<3, 2>(self.total_low.val());
                self.flush.d.next = self.ends.val() & self.total_low.val().any();
            }
        }
        self.ram.write_address.next = self.write_at.q.val();
        self.ram.write_data.next = self.merged.val();
        if self.spill.val() {
            self.ram.write_data.next = self.held.q.val();
        }
        self.ram.write_enable.next = self.stores.val();
        if self.stores.val() {
            self.write_at.d.next = self.write_at.q.val() + 1;
        }
        if self.arrived.val() & self.error.val() {
            self.inside.d.next = false;
            self.failed.d.next = self.failed.q.val() | bits::<2>(1);
            if self.arrive_second.q.val() {
                self.failed.d.next = self.failed.q.val() | bits::<2>(2);
            }
        }
        if self.ends.val() {
            self.arrive_second.d.next = !self.arrive_second.q.val();
            if self.job_failed.val() {
                // What is missing is skipped, so that the frame keeps its length.
                self.write_at.d.next = self.arrive_end.val();
                self.fill.d.next = bits::<3>(0);
                self.flush.d.next = false;
            }
        }
        self.seen_at.d.next = self.write_at.q.val();

        // Room. `space` follows a cycle late, and only ever too low: jobs are further apart than that.
        self.reach.next = self.job_bytes.val() + bits::<16>(3);
        self.words.next = bit_cast::<P, 14>(self.reach.val().get_bits::<14>(2));
        self.new_end.next = self.open_at.q.val() + self.words.val();
        self.free_words.next = self.read_at.q.val() - self.open_at.q.val() + self.capacity.val();
        self.space.d.next = self.free_words.val();
        self.room.next = (self.space.q.val() >= self.words.val()) & !self.jobs.q.val().get_bit(1);
        if self.open.val() {
            self.open_at.d.next = self.new_end.val();
            self.open_second.d.next = !self.open_second.q.val();
            if self.open_second.q.val() {
                self.end1.d.next = self.new_end.val();
                self.failed.d.next = self.failed.q.val() & bits::<2>(1);
                if self.arrived.val() & self.error.val() {
                    self.failed.d.next = bits::<2>(1);
                }
            } else {
                self.end0.d.next = self.new_end.val();
                self.failed.d.next = self.failed.q.val() & bits::<2>(2);
                if self.arrived.val() & self.error.val() {
                    self.failed.d.next = bits::<2>(2);
                }
            }
        }

        // Payload.
        self.has_word.next = self.read_at.q.val() != self.seen_at.q.val();
        self.after.next = self.read_at.q.val() + 1;
        self.pop.next = self.has_word.val() & self.out_ready.val();
        self.next_read.next = self.read_at.q.val();
        if self.pop.val() {
            self.next_read.next = self.after.val();
        }
        self.read_at.d.next = self.next_read.val();
        self.ram.read_address.next = self.next_read.val();
        self.leave_end.next = self.end0.q.val();
        self.out_error.next = self.failed.q.val().get_bit(0);
        if self.leave_second.q.val() {
            self.leave_end.next = self.end1.q.val();
            self.out_error.next = self.failed.q.val().get_bit(1);
        }
        self.out_data.next = self.ram.read_data.val();
        self.out_valid.next = self.has_word.val();
        self.out_last.next = self.after.val() == self.leave_end.val();
        self.leaves.next = self.pop.val() & (self.after.val() == self.leave_end.val());
        if self.leaves.val() {
            self.leave_second.d.next = !self.leave_second.q.val();
        }
        if self.open.val() & !self.leaves.val() {
            self.jobs.d.next = self.jobs.q.val() + 1;
        }
        if self.leaves.val() & !self.open.val() {
            self.jobs.d.next = self.jobs.q.val() - 1;
        }
        self.idle.next = !self.jobs.q.val().any();
        if self.reset.val() | self.abandon.val() {
            self.push_at.d.next = bits::<3>(0);
            self.arrive_at.d.next = bits::<3>(0);
            self.due.d.next = bits::<4>(0);
            self.inside.d.next = false;
            self.fill.d.next = bits::<3>(0);
            self.flush.d.next = false;
            self.open_at.d.next = bits::<P>(0);
            self.write_at.d.next = bits::<P>(0);
            self.seen_at.d.next = bits::<P>(0);
            self.read_at.d.next = bits::<P>(0);
            self.space.d.next = self.capacity.val();
            self.failed.d.next = bits::<2>(0);
            self.open_second.d.next = false;
            self.arrive_second.d.next = false;
            self.leave_second.d.next = false;
            self.jobs.d.next = bits::<2>(0);
        }
    }
}
