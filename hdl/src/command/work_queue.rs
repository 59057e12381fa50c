//! The send and the receive queue of every VI, in one RAM.
//!
//! It does not know what an entry means. A doorbell arrives as four stores; each is written to its place in the tail
//! entry at once, so the RAM is also the doorbells' latch, and the commit only moves the tail. A ring command that enters
//! a send queue with such an open doorbell first moves the latched words one entry further.
//!
//! ```text
//!  engine: 4 words --+
//!                    +--> RAM: queue | entry | word --+--> transmit, flush, receive: records of 4 words
//!  doorbells --------+         ^                      |
//!                              +--- open doorbell <---+
//! ```
//! Entry (see ARCHITECTURE.md): word 0 kind 3:0 | flags 11:4 | slot 16:12 | count 19:17 | index 31:24 (filled in on
//! reading), word 1 handle or stag, word 2 va low or context, word 3 va high or message length.
//!
//! Latency: an entry is visible one cycle after its word 0; a read gives word 0 one cycle after its request, then a word
//! a cycle. A push beside an open doorbell takes five cycles more.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::block_ram::BlockRam;
use crate::command::queue_pointers::QueuePointers;
use crate::interfaces::{QueuePushRx, QueueReadRx, QueueStepRx, StreamTx};

/// `V` is log2 of the VIs and `N` their number; `Q` is log2 of the depth, `P` = Q + 1, `A` = V + 1 + Q + 2.
#[derive(LogicBlock)]
pub struct WorkQueue<const V: usize, const N: usize, const Q: usize, const P: usize, const A: usize>
{
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Empties all queues.
    pub reset: Signal<In, Bit>,
    /// Entries of ring commands.
    pub push: QueuePushRx,
    /// Empties both queues of VI `clear_vi`.
    pub clear: Signal<In, Bit>,
    /// See `clear`.
    pub clear_vi: Signal<In, Bits<8>>,
    /// A doorbell store for queue `post_vi`, `post_receive`.
    pub post_valid: Signal<In, Bit>,
    /// It is taken in this cycle.
    pub post_ready: Signal<Out, Bit>,
    /// Its VI.
    pub post_vi: Signal<In, Bits<8>>,
    /// Its queue.
    pub post_receive: Signal<In, Bit>,
    /// Word of the entry.
    pub post_word: Signal<In, Bits<2>>,
    /// What to write there.
    pub post_data: Signal<In, Bits<32>>,
    /// The commit: word 0 becomes zero.
    pub post_commit: Signal<In, Bit>,
    /// Write it.
    pub post_write: Signal<In, Bit>,
    /// The tail moves.
    pub post_push: Signal<In, Bit>,
    /// The queue has an open doorbell from now on.
    pub post_open: Signal<In, Bit>,
    /// The queue named by the store has one now.
    pub post_is_open: Signal<Out, Bit>,
    /// It is full.
    pub post_full: Signal<Out, Bit>,
    /// Doorbells posted to it, modulo 16.
    pub post_count: Signal<Out, Bits<4>>,
    /// 0 transmit, 1 flush, 2 receive.
    pub queue_read: [QueueReadRx; 3],
    /// The entries read.
    pub queue_data: [StreamTx; 3],
    /// The send queue has an entry that transmit has not taken.
    pub send_ready: Signal<Out, Bits<16>>,
    /// The send queue has an entry that is not completed.
    pub send_undone: Signal<Out, Bits<16>>,
    /// The receive queue has an entry that receive has not taken.
    pub receive_ready: Signal<Out, Bits<16>>,
    /// The receive queue has an entry that is not completed.
    pub receive_undone: Signal<Out, Bits<16>>,
    /// Transmit takes the next send entry.
    pub send_next: QueueStepRx,
    /// The oldest send entry is completed: 0 transmit's retire, 1 flush.
    pub send_done: [QueueStepRx; 2],
    /// Receive takes the next receive entry.
    pub receive_next: QueueStepRx,
    /// The oldest receive entry is completed: 0 receive, 1 flush.
    pub receive_done: [QueueStepRx; 2],

    entries: BlockRam<32, A>,
    send: [QueuePointers<Q, P>; N],
    receive: [QueuePointers<Q, P>; N],
    send_open: [DFF<Bit>; N],
    receive_open: [DFF<Bit>; N],
    send_posts: [DFF<Bits<4>>; N],
    moving: DFF<Bits<3>>,
    moved: DFF<Bit>,
    pushing: DFF<Bit>,
    push_entry: DFF<Bits<Q>>,
    streaming: DFF<Bit>,
    port: DFF<Bits<2>>,
    read_queue: DFF<Bits<5>>,
    read_entry: DFF<Bits<Q>>,
    read_word: DFF<Bits<2>>,

    push_tail: Signal<Local, Bits<P>>,
    push_next_tail: Signal<Local, Bits<P>>,
    push_open: Signal<Local, Bit>,
    push_is_full: Signal<Local, Bit>,
    push_almost_full: Signal<Local, Bit>,
    push_now: Signal<Local, Bit>,
    drop_open: Signal<Local, Bit>,
    post_tail: Signal<Local, Bits<P>>,
    post_now: Signal<Local, Bit>,
    posts: Signal<Local, Bits<4>>,
    push_vi: Signal<Local, Bits<V>>,
    door_vi: Signal<Local, Bits<V>>,
    idle: Signal<Local, Bit>,
    request_vi: Signal<Local, Bits<V>>,
    request_receive: Signal<Local, Bit>,
    request_which: Signal<Local, Bits<2>>,
    request_index: Signal<Local, Bits<8>>,
    requested: Signal<Local, Bit>,
    request_port: Signal<Local, Bits<2>>,
    pointer: Signal<Local, Bits<Q>>,
    taken: Signal<Local, Bit>,
    next_word: Signal<Local, Bits<2>>,
    move_word: Signal<Local, Bits<2>>,
    moved_word: Signal<Local, Bits<2>>,
    write_queue: Signal<Local, Bits<5>>,
    write_entry: Signal<Local, Bits<Q>>,
    write_word: Signal<Local, Bits<2>>,
    present_queue: Signal<Local, Bits<5>>,
    present_entry: Signal<Local, Bits<Q>>,
    address_queue: Signal<Local, Bits<5>>,
    address_entry: Signal<Local, Bits<Q>>,
    address_word: Signal<Local, Bits<2>>,
    data: Signal<Local, Bits<32>>,
    send_next_vi: Signal<Local, Bits<V>>,
    receive_next_vi: Signal<Local, Bits<V>>,
    send_done_vi: [Signal<Local, Bits<V>>; 2],
    receive_done_vi: [Signal<Local, Bits<V>>; 2],
    clear_vi_low: Signal<Local, Bits<V>>,
    send_ready_below: [Signal<Local, Bits<16>>; 17],
    send_undone_below: [Signal<Local, Bits<16>>; 17],
    receive_ready_below: [Signal<Local, Bits<16>>; 17],
    receive_undone_below: [Signal<Local, Bits<16>>; 17],
    entry_shift: Constant<Bits<6>>,
    queue_shift: Constant<Bits<6>>,
}

impl<const V: usize, const N: usize, const Q: usize, const P: usize, const A: usize> Default
    for WorkQueue<V, N, Q, P, A>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<const V: usize, const N: usize, const Q: usize, const P: usize, const A: usize>
    WorkQueue<V, N, Q, P, A>
{
    /// Empty queues.
    pub fn new() -> Self {
        assert!(V <= 4 && N == 1 << V && P == Q + 1 && P >= 4 && A == V + 1 + Q + 2);
        block_new!(
            clock reset push clear clear_vi post_valid post_ready post_vi post_receive post_word
            post_data post_commit post_write post_push post_open post_is_open post_full post_count
            queue_read queue_data send_ready send_undone receive_ready receive_undone send_next
            send_done receive_next receive_done entries moving moved pushing push_entry streaming port
            read_queue read_entry read_word push_tail push_next_tail push_open push_is_full
            push_almost_full push_now drop_open post_tail post_now posts push_vi door_vi idle request_vi
            request_receive request_which request_index requested request_port pointer taken next_word
            move_word moved_word write_queue write_entry write_word present_queue
            present_entry address_queue address_entry
            address_word data send_next_vi receive_next_vi send_done_vi receive_done_vi clear_vi_low;
            entry_shift = 2_u64,
            queue_shift = Q as u64 + 2;
            send receive send_open receive_open send_posts send_ready_below send_undone_below
            receive_ready_below receive_undone_below
        )
    }
}

impl<const V: usize, const N: usize, const Q: usize, const P: usize, const A: usize> Logic
    for WorkQueue<V, N, Q, P, A>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, moving, moved, pushing, push_entry, streaming, port, read_queue,
            read_entry, read_word
        );
        clock!(self, clock, entries);

        // What the queues named by the engine's push and by the doorbell say.
        self.push_vi.next = bit_cast::<V, 8>(self.push.vi.val());
        self.door_vi.next = bit_cast::<V, 8>(self.post_vi.val());
        self.push_tail.next = bits::<P>(0);
        self.push_open.next = false;
        self.push_is_full.next = false;
        self.push_almost_full.next = false;
        self.post_tail.next = bits::<P>(0);
        self.post_is_open.next = false;
        self.post_full.next = false;
        self.posts.next = bits::<4>(0);
        for i in 0..N {
            if self.push_vi.val() == i.to_bits::<V>() {
                self.push_tail.next = self.send[i].tail_entry.val();
                self.push_open.next = self.send_open[i].q.val();
                self.push_is_full.next = self.send[i].full.val();
                self.push_almost_full.next = self.send[i].almost_full.val();
            }
            if self.door_vi.val() == i.to_bits::<V>() {
                if self.post_receive.val() {
                    self.post_tail.next = self.receive[i].tail_entry.val();
                    self.post_is_open.next = self.receive_open[i].q.val();
                    self.post_full.next = self.receive[i].full.val();
                } else {
                    self.post_tail.next = self.send[i].tail_entry.val();
                    self.post_is_open.next = self.send_open[i].q.val();
                    self.post_full.next = self.send[i].full.val();
                    self.posts.next = self.send_posts[i].q.val();
                }
            }
        }
        // A receive queue is posted to by doorbells alone: its tail counts them.
        self.post_count.next = self.posts.val();
        if self.post_receive.val() {
            self.post_count.next = bit_cast::<4, P>(self.post_tail.val());
        }

        self.requested.next = self.queue_read[0].valid.val()
            | self.queue_read[1].valid.val()
            | self.queue_read[2].valid.val();

        // The write port: the engine's entry first.
        self.idle.next = !self.pushing.q.val() & !self.moving.q.val().any();
        self.push_next_tail.next = self.push_tail.val() + 1;
        self.push.ready.next = false;
        self.push.full.next = self.push_is_full.val();
        self.push_now.next = false;
        self.drop_open.next = false;
        self.entries.write_enable.next = false;
        self.move_word.next = bit_cast::<2, 3>(self.moving.q.val());
        self.moved_word.next = self.move_word.val() - 1;
        self.write_queue.next = bit_cast::<5, V>(self.push_vi.val()) << bits::<1>(1);
        self.write_entry.next = bit_cast::<Q, P>(self.push_tail.val());
        self.write_word.next = self.push.word.val();
        self.entries.write_data.next = self.push.data.val();
        if self.pushing.q.val() {
            // Words 1 to 3 of a ring command's entry.
            self.push.ready.next = true;
            self.write_entry.next = self.push_entry.q.val();
            self.entries.write_enable.next = self.push.valid.val();
            if self.push.valid.val() & self.push.word.val().all() {
                self.pushing.d.next = false;
            }
        } else if self.moving.q.val().any() {
            // Words 1 to 3 of the open doorbell go one entry further.
            self.moving.d.next = self.moving.q.val() + 1;
            self.write_entry.next = bit_cast::<Q, P>(self.push_next_tail.val());
            self.write_word.next = self.moved_word.val();
            self.entries.write_data.next = self.entries.read_data.val();
            self.entries.write_enable.next = self.moving.q.val() != bits::<3>(1);
            if self.moving.q.val() == bits::<3>(4) {
                self.moving.d.next = bits::<3>(0);
                self.moved.d.next = true;
            }
        } else if self.push.valid.val() {
            if self.push_is_full.val() {
                self.push.ready.next = true;
            } else if self.push_open.val() & !self.push_almost_full.val() & !self.moved.q.val() {
                // The read port is free, and is not taken by a request in this cycle.
                if !self.streaming.q.val() & !self.requested.val() {
                    self.moving.d.next = bits::<3>(1);
                }
            } else {
                self.push.ready.next = true;
                self.push_now.next = true;
                self.drop_open.next = self.push_almost_full.val();
                self.entries.write_enable.next = true;
                self.pushing.d.next = true;
                self.push_entry.d.next = bit_cast::<Q, P>(self.push_tail.val());
                self.moved.d.next = false;
            }
        } else {
            self.write_queue.next = (bit_cast::<5, V>(self.door_vi.val()) << bits::<1>(1))
                | bit_cast::<5, 1>(self.post_receive.val().into());
            self.write_entry.next = bit_cast::<Q, P>(self.post_tail.val());
            self.write_word.next = self.post_word.val();
            self.entries.write_data.next = self.post_data.val();
            if self.post_commit.val() {
                self.entries.write_data.next = bits::<32>(0);
            }
            self.entries.write_enable.next = self.post_valid.val() & self.post_write.val();
        }
        self.entries.write_address.next = (bit_cast::<A, 5>(self.write_queue.val())
            << self.queue_shift.val())
            | (bit_cast::<A, Q>(self.write_entry.val()) << self.entry_shift.val())
            | bit_cast::<A, 2>(self.write_word.val());
        self.post_ready.next = self.idle.val() & !self.push.valid.val() & !self.reset.val();
        self.post_now.next = self.post_ready.val() & self.post_valid.val();

        // The read port: receive first, then transmit, then flush.
        self.request_port.next = bits::<2>(0);
        self.request_vi.next = bits::<V>(0);
        self.request_receive.next = false;
        self.request_which.next = bits::<2>(0);
        self.request_index.next = bits::<8>(0);
        if self.queue_read[1].valid.val() {
            self.request_port.next = bits::<2>(1);
            self.request_vi.next = bit_cast::<V, 8>(self.queue_read[1].vi.val());
            self.request_receive.next = self.queue_read[1].receive.val();
            self.request_which.next = self.queue_read[1].which.val();
            self.request_index.next = self.queue_read[1].index.val();
        }
        if self.queue_read[0].valid.val() {
            self.request_port.next = bits::<2>(0);
            self.request_vi.next = bit_cast::<V, 8>(self.queue_read[0].vi.val());
            self.request_receive.next = self.queue_read[0].receive.val();
            self.request_which.next = self.queue_read[0].which.val();
            self.request_index.next = self.queue_read[0].index.val();
        }
        if self.queue_read[2].valid.val() {
            self.request_port.next = bits::<2>(2);
            self.request_vi.next = bit_cast::<V, 8>(self.queue_read[2].vi.val());
            self.request_receive.next = self.queue_read[2].receive.val();
            self.request_which.next = self.queue_read[2].which.val();
            self.request_index.next = self.queue_read[2].index.val();
        }
        self.pointer.next = bit_cast::<Q, 8>(self.request_index.val());
        for i in 0..N {
            if self.request_vi.val() == i.to_bits::<V>() {
                if self.request_which.val() == bits::<2>(1) {
                    self.pointer.next = self.send[i].next_entry.val();
                    if self.request_receive.val() {
                        self.pointer.next = self.receive[i].next_entry.val();
                    }
                }
                if self.request_which.val() == bits::<2>(2) {
                    self.pointer.next = self.send[i].done_entry.val();
                    if self.request_receive.val() {
                        self.pointer.next = self.receive[i].done_entry.val();
                    }
                }
            }
        }
        self.taken.next = false;
        for i in 0..3 {
            self.queue_read[i].ready.next = !self.streaming.q.val()
                & !self.moving.q.val().any()
                & (self.request_port.val() == i.to_bits::<2>())
                & self.requested.val()
                & !self.reset.val();
            self.queue_data[i].valid.next =
                self.streaming.q.val() & (self.port.q.val() == i.to_bits::<2>());
            if self.queue_data[i].ready.val() & (self.port.q.val() == i.to_bits::<2>()) {
                self.taken.next = true;
            }
        }
        self.next_word.next = self.read_word.q.val();
        self.present_queue.next = self.read_queue.q.val();
        self.present_entry.next = self.read_entry.q.val();
        if self.streaming.q.val() {
            if self.taken.val() {
                self.next_word.next = self.read_word.q.val() + 1;
                if self.read_word.q.val().all() {
                    self.streaming.d.next = false;
                }
            }
        } else {
            self.next_word.next = bits::<2>(0);
            self.present_queue.next = (bit_cast::<5, V>(self.request_vi.val()) << bits::<1>(1))
                | bit_cast::<5, 1>(self.request_receive.val().into());
            self.present_entry.next = self.pointer.val();
            self.port.d.next = self.request_port.val();
            self.streaming.d.next = self.requested.val() & !self.moving.q.val().any();
        }
        self.read_word.d.next = self.next_word.val();
        self.read_queue.d.next = self.present_queue.val();
        self.read_entry.d.next = self.present_entry.val();
        self.address_queue.next = self.present_queue.val();
        self.address_entry.next = self.present_entry.val();
        self.address_word.next = self.next_word.val();
        if self.moving.q.val().any() {
            self.address_queue.next = bit_cast::<5, V>(self.push_vi.val()) << bits::<1>(1);
            self.address_entry.next = bit_cast::<Q, P>(self.push_tail.val());
            self.address_word.next = self.move_word.val();
        }
        self.entries.read_address.next = (bit_cast::<A, 5>(self.address_queue.val())
            << self.queue_shift.val())
            | (bit_cast::<A, Q>(self.address_entry.val()) << self.entry_shift.val())
            | bit_cast::<A, 2>(self.address_word.val());
        self.data.next = self.entries.read_data.val();
        if !self.read_word.q.val().any() {
            self.data.next = self.entries.read_data.val()
                | (bit_cast::<32, Q>(self.read_entry.q.val()) << bits::<6>(24));
        }
        for i in 0..3 {
            self.queue_data[i].data.next = self.data.val();
            self.queue_data[i].last.next = self.read_word.q.val().all();
        }

        // Steps.
        self.send_next_vi.next = bit_cast::<V, 8>(self.send_next.vi.val());
        self.receive_next_vi.next = bit_cast::<V, 8>(self.receive_next.vi.val());
        for i in 0..2 {
            self.send_done_vi[i].next = self.send_done[i].vi.val().get_bits::<V>(0);
            self.receive_done_vi[i].next = self.receive_done[i].vi.val().get_bits::<V>(0);
        }
        self.clear_vi_low.next = bit_cast::<V, 8>(self.clear_vi.val());
        self.send_ready_below[0].next = bits::<16>(0);
        self.send_undone_below[0].next = bits::<16>(0);
        self.receive_ready_below[0].next = bits::<16>(0);
        self.receive_undone_below[0].next = bits::<16>(0);
        for i in 0..N {
            self.send[i].clock.next = self.clock.val();
            self.receive[i].clock.next = self.clock.val();
            self.send_open[i].clock.next = self.clock.val();
            self.receive_open[i].clock.next = self.clock.val();
            self.send_posts[i].clock.next = self.clock.val();
            self.send_open[i].d.next = self.send_open[i].q.val();
            self.receive_open[i].d.next = self.receive_open[i].q.val();
            self.send_posts[i].d.next = self.send_posts[i].q.val();

            self.send[i].push.next = self.push_now.val() & (self.push_vi.val() == i.to_bits::<V>());
            self.receive[i].push.next = false;
            if self.push_now.val() & self.drop_open.val() & (self.push_vi.val() == i.to_bits::<V>())
            {
                self.send_open[i].d.next = false;
            }
            if self.post_now.val() & (self.door_vi.val() == i.to_bits::<V>()) {
                if self.post_receive.val() {
                    self.receive[i].push.next = self.post_push.val();
                    self.receive_open[i].d.next = self.post_open.val();
                } else {
                    self.send_open[i].d.next = self.post_open.val();
                    if self.post_push.val() {
                        self.send[i].push.next = true;
                        self.send_posts[i].d.next = self.send_posts[i].q.val() + 1;
                    }
                }
            }
            self.send[i].take.next =
                self.send_next.valid.val() & (self.send_next_vi.val() == i.to_bits::<V>());
            self.send[i].finish.next = (self.send_done[0].valid.val()
                & (self.send_done_vi[0].val() == i.to_bits::<V>()))
                | (self.send_done[1].valid.val()
                    & (self.send_done_vi[1].val() == i.to_bits::<V>()));
            self.receive[i].take.next =
                self.receive_next.valid.val() & (self.receive_next_vi.val() == i.to_bits::<V>());
            self.receive[i].finish.next = (self.receive_done[0].valid.val()
                & (self.receive_done_vi[0].val() == i.to_bits::<V>()))
                | (self.receive_done[1].valid.val()
                    & (self.receive_done_vi[1].val() == i.to_bits::<V>()));
            self.send[i].clear.next = self.reset.val()
                | (self.clear.val() & (self.clear_vi_low.val() == i.to_bits::<V>()));
            self.receive[i].clear.next = self.reset.val()
                | (self.clear.val() & (self.clear_vi_low.val() == i.to_bits::<V>()));
            if self.send[i].clear.val() {
                self.send_open[i].d.next = false;
                self.receive_open[i].d.next = false;
                self.send_posts[i].d.next = bits::<4>(0);
            }
            self.send_ready_below[i + 1].next = self.send_ready_below[i].val();
            self.send_undone_below[i + 1].next = self.send_undone_below[i].val();
            self.receive_ready_below[i + 1].next = self.receive_ready_below[i].val();
            self.receive_undone_below[i + 1].next = self.receive_undone_below[i].val();
            if self.send[i].ready.val() {
                self.send_ready_below[i + 1].next =
                    self.send_ready_below[i].val() | (bits::<16>(1) << i.to_bits::<5>());
            }
            if self.send[i].undone.val() {
                self.send_undone_below[i + 1].next =
                    self.send_undone_below[i].val() | (bits::<16>(1) << i.to_bits::<5>());
            }
            if self.receive[i].ready.val() {
                self.receive_ready_below[i + 1].next =
                    self.receive_ready_below[i].val() | (bits::<16>(1) << i.to_bits::<5>());
            }
            if self.receive[i].undone.val() {
                self.receive_undone_below[i + 1].next =
                    self.receive_undone_below[i].val() | (bits::<16>(1) << i.to_bits::<5>());
            }
        }
        for i in N..16 {
            self.send_ready_below[i + 1].next = self.send_ready_below[i].val();
            self.send_undone_below[i + 1].next = self.send_undone_below[i].val();
            self.receive_ready_below[i + 1].next = self.receive_ready_below[i].val();
            self.receive_undone_below[i + 1].next = self.receive_undone_below[i].val();
        }
        self.send_ready.next = self.send_ready_below[16].val();
        self.send_undone.next = self.send_undone_below[16].val();
        self.receive_ready.next = self.receive_ready_below[16].val();
        self.receive_undone.next = self.receive_undone_below[16].val();

        if self.reset.val() {
            self.moving.d.next = bits::<3>(0);
            self.moved.d.next = false;
            self.pushing.d.next = false;
            self.streaming.d.next = false;
        }
    }
}
