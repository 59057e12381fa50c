//! Step `doorbell`: BAR2 stores post descriptors. Page i is VI i.
//!
//! It keeps nothing: the words go to their places in the queue's tail entry, the commit is checked and moves the tail. A
//! commit is refused with a POST_DESC event when the queue is full, when no 64-byte aligned address was stored since the
//! last commit, or when its sequence is wrong; only the low four bits of the sequence are compared with the queue's count
//! of posted doorbells.
//!
//! ```text
//! offset in page  0x00 va low, 0x04 va high, 0x08 handle, 0x0C sequence; + 0x10 for the receive queue
//! ```
//! Latency: an entry is visible in the cycle after its sequence word. Throughput: one store a cycle.

use rnic_abi::event::Event;
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::{EventTx, StepTx, StoreRx};

/// `V` is log2 of the VIs.
#[derive(LogicBlock)]
pub struct Doorbell<const V: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Stores into BAR2.
    pub store: StoreRx,
    /// To the queues: a store.
    pub post_valid: Signal<Out, Bit>,
    /// The queues take it.
    pub post_ready: Signal<In, Bit>,
    /// Its VI.
    pub post_vi: Signal<Out, Bits<8>>,
    /// Its queue.
    pub post_receive: Signal<Out, Bit>,
    /// Word of the entry.
    pub post_word: Signal<Out, Bits<2>>,
    /// What to write there.
    pub post_data: Signal<Out, Bits<32>>,
    /// The sequence word.
    pub post_commit: Signal<Out, Bit>,
    /// Write it.
    pub post_write: Signal<Out, Bit>,
    /// Move the tail.
    pub post_push: Signal<Out, Bit>,
    /// The queue has an open doorbell from now on.
    pub post_open: Signal<Out, Bit>,
    /// It has one now.
    pub post_is_open: Signal<In, Bit>,
    /// It is full.
    pub post_full: Signal<In, Bit>,
    /// Doorbells posted to it, modulo 16.
    pub post_count: Signal<In, Bits<4>>,
    /// Post_desc.
    pub event: EventTx,
    /// A doorbell was committed.
    pub step: StepTx,
    /// A doorbell found its queue full.
    pub overrun: Signal<Out, Bit>,

    event_pending: DFF<Bit>,
    vi: DFF<Bits<V>>,
    fired: DFF<Bit>,
    overran: DFF<Bit>,

    page: Signal<Local, Bits<8>>,
    page_vi: Signal<Local, Bits<V>>,
    known: Signal<Local, Bit>,
    register: Signal<Local, Bits<2>>,
    misaligned: Signal<Local, Bits<6>>,
    in_registers: Signal<Local, Bits<7>>,
    good: Signal<Local, Bit>,
    free: Signal<Local, Bit>,
    post_desc: Constant<Bits<4>>,
}

impl<const V: usize> Default for Doorbell<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const V: usize> Doorbell<V> {
    /// Nothing to choose.
    pub fn new() -> Self {
        block_new!(
            clock reset store post_valid post_ready post_vi post_receive post_word post_data post_commit
            post_write post_push post_open post_is_open post_full post_count event step overrun
            event_pending vi fired overran page page_vi known register misaligned in_registers good free;
            post_desc = Event::PostDesc as u8,
        )
    }
}

impl<const V: usize> Logic for Doorbell<V> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, event_pending, vi, fired, overran);
        self.page.next = self.store.offset.val().get_bits::<8>(12);
        self.page_vi.next = bit_cast::<V, 8>(self.page.val());
        self.in_registers.next = self.store.offset.val().get_bits::<7>(5);
        self.known.next = (bit_cast::<8, V>(self.page_vi.val()) == self.page.val())
            & !self.in_registers.val().any();
        self.register.next = self.store.offset.val().get_bits::<2>(2);
        self.misaligned.next = bit_cast::<6, 32>(self.store.data.val());
        // An event that waits holds the next commit back, so that none is lost.
        self.free.next = !self.event_pending.q.val() & !self.reset.val();

        self.post_valid.next = self.store.valid.val() & self.known.val() & self.free.val();
        self.store.ready.next = self.free.val() & (self.post_ready.val() | !self.known.val());
        self.post_vi.next = bit_cast::<8, V>(self.page_vi.val());
        self.post_receive.next = self.store.offset.val().get_bit(4);
        self.post_data.next = self.store.data.val();
        self.post_write.next = !self.post_full.val();
        self.post_commit.next = false;
        self.post_push.next = false;
        self.post_open.next = self.post_is_open.val() & !self.post_full.val();
        self.good.next = self.post_is_open.val()
            & !self.post_full.val()
            & (bit_cast::<4, 32>(self.store.data.val()) == self.post_count.val());
        self.post_word.next = bits::<2>(0);
        self.fired.d.next = false;
        self.overran.d.next = false;
        if self.event.ready.val() {
            self.event_pending.d.next = false;
        }
        if self.register.val() == bits::<2>(0) {
            self.post_word.next = bits::<2>(2);
            self.post_open.next = !self.misaligned.val().any() & !self.post_full.val();
        }
        if self.register.val() == bits::<2>(1) {
            self.post_word.next = bits::<2>(3);
        }
        if self.register.val() == bits::<2>(2) {
            self.post_word.next = bits::<2>(1);
        }
        if self.register.val() == bits::<2>(3) {
            self.post_commit.next = true;
            self.post_open.next = false;
            self.post_push.next = self.good.val();
            if self.post_valid.val() & self.post_ready.val() {
                self.vi.d.next = self.page_vi.val();
                self.fired.d.next = self.good.val();
                self.event_pending.d.next = !self.good.val();
                self.overran.d.next = self.post_full.val();
            }
        }
        self.event.valid.next = self.event_pending.q.val();
        self.event.vi.next = bit_cast::<8, V>(self.vi.q.val());
        self.event.event.next = self.post_desc.val();
        self.step.fire.next = self.fired.q.val();
        self.step.vi.next = bit_cast::<8, V>(self.vi.q.val());
        self.overrun.next = self.overran.q.val();
        if self.reset.val() {
            self.event_pending.d.next = false;
            self.fired.d.next = false;
            self.overran.d.next = false;
        }
    }
}
