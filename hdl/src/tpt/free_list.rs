//! The chain of free scatter-gather elements: its head and how many there are.
//!
//! The links themselves are in `sge_table`. A bind walks the chain from `head` and writes into the elements as it goes; only
//! at its end it says `take`, so a bind that fails has nothing to put back. A release gives a whole chain back in one cycle,
//! by linking its last element to `head`.
//!
//! ```text
//!   head -> e -> e -> e -> ...        take: head = the element after the last one taken
//!   first -> .. -> last -> head       give: head = first
//! ```
//! While `reset` is high every element is linked to the one after it. The chain is then a ring, so that any element may be
//! the head; the count says where it ends. It takes 2^S cycles. Latency: one cycle.

use rust_hdl::prelude::*;

/// Head and count.
#[derive(LogicBlock)]
pub struct FreeList<const S: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Frees every element.
    pub reset: Signal<In, Bit>,
    /// First free element.
    pub head: Signal<Out, Bits<S>>,
    /// Free elements.
    pub free: Signal<Out, Bits<16>>,
    /// The first `take_count` elements are bound.
    pub take: Signal<In, Bit>,
    /// How many.
    pub take_count: Signal<In, Bits<8>>,
    /// The element after them.
    pub take_next: Signal<In, Bits<S>>,
    /// A chain comes back.
    pub give: Signal<In, Bit>,
    /// Its length.
    pub give_count: Signal<In, Bits<8>>,
    /// Its first element.
    pub give_first: Signal<In, Bits<S>>,
    /// Its last element.
    pub give_last: Signal<In, Bits<S>>,
    /// Write a link.
    pub link_write: Signal<Out, Bit>,
    /// Of this element.
    pub link_element: Signal<Out, Bits<S>>,
    /// To this one.
    pub link_next: Signal<Out, Bits<S>>,
    first_free: DFF<Bits<S>>,
    count: DFF<Bits<11>>,
    after: Signal<Local, Bits<S>>,
    change: Signal<Local, Bits<12>>,
    wide_count: Signal<Local, Bits<12>>,
    all: Constant<Bits<11>>,
    ones: Constant<Bits<12>>,
}

impl<const S: usize> FreeList<S> {
    /// All elements are free after reset.
    pub fn new() -> Self {
        assert!(S <= 10, "a table entry has ten bits for an element");
        Self {
            clock: Default::default(),
            reset: Default::default(),
            head: Default::default(),
            free: Default::default(),
            take: Default::default(),
            take_count: Default::default(),
            take_next: Default::default(),
            give: Default::default(),
            give_count: Default::default(),
            give_first: Default::default(),
            give_last: Default::default(),
            link_write: Default::default(),
            link_element: Default::default(),
            link_next: Default::default(),
            first_free: Default::default(),
            count: Default::default(),
            after: Default::default(),
            change: Default::default(),
            wide_count: Default::default(),
            ones: Constant::new(0xfff_u64.into()),
            all: Constant::new((1_u64 << S).into()),
        }
    }
}

impl<const S: usize> Default for FreeList<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const S: usize> Logic for FreeList<S> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, first_free, count);
        self.head.next = self.first_free.q.val();
        self.free.next = bit_cast::<16, 11>(self.count.q.val());
        self.after.next = self.first_free.q.val() + 1;
        self.link_write.next = self.give.val();
        self.link_element.next = self.give_last.val();
        self.link_next.next = self.first_free.q.val();
        // One adder: what comes, or the inverse of what goes with a carry below the lowest bit.
        self.change.next = bit_cast::<12, 8>(self.give_count.val()) << bits::<6>(1);
        if self.take.val() {
            self.change.next =
                (bit_cast::<12, 8>(self.take_count.val()) << bits::<6>(1)) ^ self.ones.val();
        }
        self.wide_count.next = ((bit_cast::<12, 11>(self.count.q.val()) << bits::<6>(1))
            | bits::<12>(1))
            + self.change.val();
        if self.take.val() | self.give.val() {
            self.count.d.next = self.wide_count.val().get_bits::<11>(1);
        }
        if self.take.val() {
            self.first_free.d.next = self.take_next.val();
        }
        if self.give.val() {
            self.first_free.d.next = self.give_first.val();
        }
        if self.reset.val() {
            self.link_write.next = true;
            self.link_element.next = self.first_free.q.val();
            self.link_next.next = self.after.val();
            self.first_free.d.next = self.after.val();
            self.count.d.next = self.all.val();
        }
    }
}
