//! Keeps each VI's outstanding Read Requests in order, so that a Read Response is taken only against the oldest one.
//!
//! Transmit says what it asked for (`read_out`); the record goes into a group of the receive context (`receive_context`). How
//! many of them fit is the VI's ORD, which transmit keeps, as it does which read ends a descriptor. This block places nothing: `place` updates the group.
//!
//! ```text
//! read_out: vi | stag | low | high | size | 0 | 0 | 0  --->  group: size, stag, high, low
//! ```
//! Latency: the read counts from the cycle after its record's last word.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::StreamRx;
use crate::rx::receive_context::Layout;

/// See the module.
#[derive(LogicBlock)]
pub struct ReadTracker {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Records of transmit.
    pub read_out: StreamRx,
    /// To the receive context.
    pub write: Signal<Out, Bit>,
    /// VI.
    pub write_vi: Signal<Out, Bits<4>>,
    /// Word.
    pub write_index: Signal<Out, Bits<7>>,
    /// Value.
    pub write_data: Signal<Out, Bits<32>>,
    /// The context takes it.
    pub write_ready: Signal<In, Bit>,
    /// Which VI is asked about.
    pub vi: Signal<In, Bits<4>>,
    /// It has an outstanding read.
    pub any: Signal<Out, Bit>,
    /// Context word of the oldest one's group.
    pub oldest: Signal<Out, Bits<7>>,
    /// The oldest one has all its data.
    pub retire: Signal<In, Bit>,
    /// Forget all of VI `vi`.
    pub forget: Signal<In, Bit>,

    word: DFF<Bits<3>>,
    record_vi: DFF<Bits<4>>,
    head_low: DFF<Bits<16>>,
    head_high: DFF<Bits<16>>,
    count_0: DFF<Bits<16>>,
    count_1: DFF<Bits<16>>,
    count_2: DFF<Bits<16>>,

    head: Signal<Local, Bits<2>>,
    record_head: Signal<Local, Bits<2>>,
    count: Signal<Local, Bits<3>>,
    record_count: Signal<Local, Bits<3>>,
    new_vi: Signal<Local, Bits<4>>,
    new_head: Signal<Local, Bits<2>>,
    new_count: Signal<Local, Bits<3>>,
    change: Signal<Local, Bit>,
    slot: Signal<Local, Bits<2>>,
    item: Signal<Local, Bits<7>>,
    takes: Signal<Local, Bit>,
    ready: Signal<Local, Bit>,
    slot_mask: Constant<Bits<2>>,
    vi_mask: Constant<Bits<4>>,
    reads: Constant<Bits<7>>,
}

impl ReadTracker {
    /// The block for 2^`reads_log2` reads a VI.
    pub fn new(layout: Layout, reads_log2: usize, vis_log2: usize) -> Self {
        assert!(reads_log2 <= 2);
        block_new!(
            clock reset read_out write write_vi write_index write_data write_ready vi any oldest
            retire forget word record_vi head_low head_high count_0 count_1 count_2 head record_head
            count record_count new_vi new_head new_count change slot item takes ready;
            slot_mask = (1u64 << reads_log2) - 1,
            vi_mask = (1u64 << vis_log2) - 1,
            reads = layout.reads,
        )
    }
}

impl Logic for ReadTracker {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, word, record_vi, head_low, head_high, count_0, count_1, count_2);
        self.head.next = bits::<2>(0);
        if self.head_low.q.val().get_bit(self.vi.val().index()) {
            self.head.next = bits::<2>(1);
        }
        if self.head_high.q.val().get_bit(self.vi.val().index()) {
            self.head.next = bits::<2>(2);
            if self.head_low.q.val().get_bit(self.vi.val().index()) {
                self.head.next = bits::<2>(3);
            }
        }
        self.record_head.next = bits::<2>(0);
        if self
            .head_low
            .q
            .val()
            .get_bit(self.record_vi.q.val().index())
        {
            self.record_head.next = bits::<2>(1);
        }
        if self
            .head_high
            .q
            .val()
            .get_bit(self.record_vi.q.val().index())
        {
            self.record_head.next = bits::<2>(2);
            if self
                .head_low
                .q
                .val()
                .get_bit(self.record_vi.q.val().index())
            {
                self.record_head.next = bits::<2>(3);
            }
        }
        // Counts as three bit planes.
        self.count.next = bits::<3>(0);
        if self.count_0.q.val().get_bit(self.vi.val().index()) {
            self.count.next = bits::<3>(1);
        }
        if self.count_1.q.val().get_bit(self.vi.val().index()) {
            self.count.next = bits::<3>(2);
            if self.count_0.q.val().get_bit(self.vi.val().index()) {
                self.count.next = bits::<3>(3);
            }
        }
        if self.count_2.q.val().get_bit(self.vi.val().index()) {
            self.count.next = bits::<3>(4);
        }
        self.record_count.next = bits::<3>(0);
        if self.count_0.q.val().get_bit(self.record_vi.q.val().index()) {
            self.record_count.next = bits::<3>(1);
        }
        if self.count_1.q.val().get_bit(self.record_vi.q.val().index()) {
            self.record_count.next = bits::<3>(2);
            if self.count_0.q.val().get_bit(self.record_vi.q.val().index()) {
                self.record_count.next = bits::<3>(3);
            }
        }
        if self.count_2.q.val().get_bit(self.record_vi.q.val().index()) {
            self.record_count.next = bits::<3>(4);
        }
        self.any.next = self.count.val().any();
        self.oldest.next = self.reads.val()
            | (bit_cast::<7, 2>(self.head.val() & self.slot_mask.val()) << bits::<7>(2));

        // A record: words 1 to 4 go into the group, the last word counts it.
        self.slot.next = (self.record_head.val() + self.record_count.val().get_bits::<2>(0))
            & self.slot_mask.val();
        self.item.next = bits::<7>(1);
        if self.word.q.val() == bits::<3>(2) {
            self.item.next = bits::<7>(3);
        }
        if self.word.q.val() == bits::<3>(3) {
            self.item.next = bits::<7>(2);
        }
        if self.word.q.val() == bits::<3>(4) {
            self.item.next = bits::<7>(0);
        }
        self.write_vi.next = self.record_vi.q.val();
        self.write_index.next = (self.reads.val()
            | (bit_cast::<7, 2>(self.slot.val()) << bits::<7>(2)))
            | self.item.val();
        self.write_data.next = self.read_out.data.val();
        self.write.next = self.read_out.valid.val()
            & (self.word.q.val() >= bits::<3>(1))
            & (self.word.q.val() <= bits::<3>(4));
        self.ready.next = !self.retire.val() & !self.forget.val() & !self.reset.val();
        if (self.word.q.val() >= bits::<3>(1)) & (self.word.q.val() <= bits::<3>(4)) {
            self.ready.next = self.write_ready.val() & !self.reset.val();
        }
        self.read_out.ready.next = self.ready.val();
        self.takes.next = self.ready.val() & self.read_out.valid.val();
        if self.takes.val() {
            self.word.d.next = self.word.q.val() + bits::<3>(1);
            if self.word.q.val() == bits::<3>(0) {
                self.record_vi.d.next =
                    self.read_out.data.val().get_bits::<4>(0) & self.vi_mask.val();
            }
            if self.read_out.last.val() {
                self.word.d.next = bits::<3>(0);
            }
        }

        // One change of the counts a cycle: the last word of a record waits for the others.
        self.new_vi.next = self.vi.val();
        self.new_head.next = self.head.val();
        self.new_count.next = self.count.val();
        self.change.next = false;
        if self.takes.val() & self.read_out.last.val() {
            self.new_vi.next = self.record_vi.q.val();
            self.new_head.next = self.record_head.val();
            self.new_count.next = self.record_count.val() + bits::<3>(1);
            self.change.next = true;
        }
        if self.retire.val() {
            self.new_head.next = (self.head.val() + bits::<2>(1)) & self.slot_mask.val();
            self.new_count.next = self.count.val() - bits::<3>(1);
            self.change.next = true;
        }
        if self.forget.val() {
            self.new_head.next = bits::<2>(0);
            self.new_count.next = bits::<3>(0);
            self.change.next = true;
        }
        if self.change.val() {
            self.head_low.d.next = self
                .head_low
                .q
                .val()
                .replace_bit(self.new_vi.val().index(), self.new_head.val().get_bit(0));
            self.head_high.d.next = self
                .head_high
                .q
                .val()
                .replace_bit(self.new_vi.val().index(), self.new_head.val().get_bit(1));
            self.count_0.d.next = self
                .count_0
                .q
                .val()
                .replace_bit(self.new_vi.val().index(), self.new_count.val().get_bit(0));
            self.count_1.d.next = self
                .count_1
                .q
                .val()
                .replace_bit(self.new_vi.val().index(), self.new_count.val().get_bit(1));
            self.count_2.d.next = self
                .count_2
                .q
                .val()
                .replace_bit(self.new_vi.val().index(), self.new_count.val().get_bit(2));
        }
        if self.reset.val() {
            self.word.d.next = bits::<3>(0);
            self.head_low.d.next = bits::<16>(0);
            self.head_high.d.next = bits::<16>(0);
            self.count_0.d.next = bits::<16>(0);
            self.count_1.d.next = bits::<16>(0);
            self.count_2.d.next = bits::<16>(0);
        }
    }
}
