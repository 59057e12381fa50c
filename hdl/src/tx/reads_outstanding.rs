//! Counts the Read Requests that this board has sent and whose data is not here yet.
//!
//! ```text
//!   issued (vi, last of its descriptor) ---> [count][last flags] x 16 ---> any outstanding, as many as allowed
//!   read_done (vi) ------------------------>        |
//!                                                   +--> descriptor_done when the read done was its descriptor's last
//! ```
//! Reads of a VI finish in the order in which they were issued. The limit is the smaller of this board's depth and the
//! negotiated ORD (VI command, word 6); an ORD of 0 counts as 1, since a queue must not wait for ever.

use rnic_abi::command::vi_peer;
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::QueueStepRx;

/// See the module.
#[derive(LogicBlock)]
pub struct ReadsOutstanding {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// VI command word: VI.
    pub config_vi: Signal<In, Bits<8>>,
    /// VI command word: number.
    pub config_word: Signal<In, Bits<4>>,
    /// VI command word: value.
    pub config_data: Signal<In, Bits<32>>,
    /// VI command word: valid.
    pub config_valid: Signal<In, Bit>,
    /// A Read Request is on its way.
    pub issued: Signal<In, Bit>,
    /// Its VI.
    pub issued_vi: Signal<In, Bits<8>>,
    /// It is the last of its descriptor.
    pub issued_last: Signal<In, Bit>,
    /// The oldest read of a VI has its data.
    pub read_done: QueueStepRx,
    /// Forget the reads of `clear_vi`.
    pub clear: Signal<In, Bit>,
    /// See `clear`.
    pub clear_vi: Signal<In, Bits<8>>,
    /// VIs with a read outstanding.
    pub nonzero: Signal<Out, Bits<16>>,
    /// VIs that may not issue another one.
    pub full: Signal<Out, Bits<16>>,
    /// All reads of a descriptor are done.
    pub descriptor_done: Signal<Out, Bit>,
    /// Its VI.
    pub descriptor_vi: Signal<Out, Bits<8>>,
    count: [DFF<Bits<3>>; 16],
    limit: [DFF<Bits<3>>; 16],
    lasts: [DFF<Bits<4>>; 16],
    shifted: [Signal<Local, Bits<4>>; 16],
    goes_up: [Signal<Local, Bit>; 16],
    goes_down: [Signal<Local, Bit>; 16],
    left: [Signal<Local, Bits<3>>; 16],
    nonzero_below: [Signal<Local, Bits<16>>; 17],
    full_below: [Signal<Local, Bits<16>>; 17],
    ord: Signal<Local, Bits<8>>,
    allowed: Signal<Local, Bits<3>>,
    depth: Constant<Bits<8>>,
    ord_shift: Constant<Bits<6>>,
}

impl ReadsOutstanding {
    /// At most `depth` reads, which is at most 4.
    pub fn new(depth: u32) -> Self {
        assert!(depth <= 4);
        block_new!(clock reset config_vi config_word config_data config_valid issued issued_vi issued_last read_done clear
            clear_vi nonzero full descriptor_done descriptor_vi count limit lasts shifted goes_up goes_down left
            nonzero_below full_below ord allowed; depth = depth, ord_shift = vi_peer::ORD_SHIFT)
    }
}

impl Logic for ReadsOutstanding {
    #[hdl_gen]
    fn update(&mut self) {
        self.ord.next = self
            .config_data
            .val()
            .get_bits::<8>(self.ord_shift.val().index());
        self.allowed.next = bit_cast::<3, 8>(self.ord.val());
        if self.ord.val() > self.depth.val() {
            self.allowed.next = bit_cast::<3, 8>(self.depth.val());
        }
        if !self.ord.val().any() {
            self.allowed.next = bits::<3>(1);
        }
        self.descriptor_done.next = false;
        self.descriptor_vi.next = self.read_done.vi.val();
        self.nonzero_below[0].next = bits::<16>(0);
        self.full_below[0].next = bits::<16>(0);
        for i in 0..16 {
            self.count[i].clock.next = self.clock.val();
            self.count[i].d.next = self.count[i].q.val();
            self.limit[i].clock.next = self.clock.val();
            self.limit[i].d.next = self.limit[i].q.val();
            self.lasts[i].clock.next = self.clock.val();
            self.lasts[i].d.next = self.lasts[i].q.val();
            if self.config_valid.val()
                & (self.config_word.val() == bits::<4>(6))
                & (self.config_vi.val() == i.to_bits::<8>())
            {
                self.limit[i].d.next = self.allowed.val();
            }
            self.goes_up[i].next = self.issued.val() & (self.issued_vi.val() == i.to_bits::<8>());
            self.goes_down[i].next = self.read_done.valid.val()
                & (self.read_done.vi.val() == i.to_bits::<8>())
                & self.count[i].q.val().any();
            // The oldest read's flag is bit 0.
            self.shifted[i].next = self.lasts[i].q.val();
            self.left[i].next = self.count[i].q.val();
            if self.goes_down[i].val() {
                self.descriptor_done.next = self.lasts[i].q.val().get_bit(0);
                self.shifted[i].next = self.lasts[i].q.val() >> bits::<2>(1);
                self.left[i].next = self.count[i].q.val() - 1;
            }
            self.lasts[i].d.next = self.shifted[i].val();
            self.count[i].d.next = self.left[i].val();
            if self.goes_up[i].val() {
                self.count[i].d.next = self.left[i].val() + 1;
                if self.issued_last.val() {
                    self.lasts[i].d.next =
                        self.shifted[i].val() | (bits::<4>(1) << self.left[i].val());
                }
            }
            if self.reset.val() | (self.clear.val() & (self.clear_vi.val() == i.to_bits::<8>())) {
                self.count[i].d.next = bits::<3>(0);
                self.lasts[i].d.next = bits::<4>(0);
            }
            self.nonzero_below[i + 1].next = self.nonzero_below[i].val();
            if self.count[i].q.val().any() {
                self.nonzero_below[i + 1].next =
                    self.nonzero_below[i].val() | (bits::<16>(1) << i.to_bits::<8>());
            }
            self.full_below[i + 1].next = self.full_below[i].val();
            if self.count[i].q.val() >= self.limit[i].q.val() {
                self.full_below[i + 1].next =
                    self.full_below[i].val() | (bits::<16>(1) << i.to_bits::<8>());
            }
        }
        self.nonzero.next = self.nonzero_below[16].val();
        self.full.next = self.full_below[16].val();
    }
}
