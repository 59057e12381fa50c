//! The three pointers of one work queue: tail (posted), next (taken by its engine), done (completed).
//!
//! It holds no entries. Pointers count modulo twice the depth, so that full and empty differ.
//!
//! ```text
//!   done ............ next ............ tail
//!   taken, not done   ready             posted when used < depth
//! ```
//! Latency: a step shows in the outputs in the next cycle.

use rust_hdl::prelude::*;

use crate::block_new::block_new;

/// `Q` is log2 of the depth, `P` = Q + 1.
#[derive(LogicBlock)]
pub struct QueuePointers<const Q: usize, const P: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Empties the queue.
    pub clear: Signal<In, Bit>,
    /// One entry more; never when full.
    pub push: Signal<In, Bit>,
    /// The engine takes one.
    pub take: Signal<In, Bit>,
    /// The oldest is completed; if it was not taken, next follows.
    pub finish: Signal<In, Bit>,
    /// Entry that a push writes.
    pub tail_entry: Signal<Out, Bits<P>>,
    /// Entry that a take means.
    pub next_entry: Signal<Out, Bits<Q>>,
    /// Oldest entry.
    pub done_entry: Signal<Out, Bits<Q>>,
    /// No entry is free.
    pub full: Signal<Out, Bit>,
    /// One entry is free.
    pub almost_full: Signal<Out, Bit>,
    /// An entry is not taken.
    pub ready: Signal<Out, Bit>,
    /// An entry is not completed.
    pub undone: Signal<Out, Bit>,

    tail_pointer: DFF<Bits<P>>,
    next_pointer: DFF<Bits<P>>,
    done_pointer: DFF<Bits<P>>,
    used: Signal<Local, Bits<P>>,
    follows: Signal<Local, Bit>,
    depth: Constant<Bits<P>>,
    depth_less_one: Constant<Bits<P>>,
}

impl<const Q: usize, const P: usize> Default for QueuePointers<Q, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const Q: usize, const P: usize> QueuePointers<Q, P> {
    /// An empty queue of 2^Q entries.
    pub fn new() -> Self {
        assert_eq!(P, Q + 1);
        block_new!(
            clock clear push take finish tail_entry next_entry done_entry full almost_full ready undone
            tail_pointer next_pointer done_pointer used follows;
            depth = 1_u64 << Q,
            depth_less_one = (1_u64 << Q) - 1,
        )
    }
}

impl<const Q: usize, const P: usize> Logic for QueuePointers<Q, P> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, tail_pointer, next_pointer, done_pointer);
        self.used.next = self.tail_pointer.q.val() - self.done_pointer.q.val();
        self.full.next = self.used.val() == self.depth.val();
        self.almost_full.next = self.used.val() == self.depth_less_one.val();
        self.undone.next = self.used.val().any();
        self.ready.next = self.tail_pointer.q.val() != self.next_pointer.q.val();
        self.follows.next =
            self.finish.val() & (self.next_pointer.q.val() == self.done_pointer.q.val());
        self.tail_entry.next = self.tail_pointer.q.val();
        self.next_entry.next = bit_cast::<Q, P>(self.next_pointer.q.val());
        self.done_entry.next = bit_cast::<Q, P>(self.done_pointer.q.val());
        if self.push.val() {
            self.tail_pointer.d.next = self.tail_pointer.q.val() + 1;
        }
        if self.take.val() | self.follows.val() {
            self.next_pointer.d.next = self.next_pointer.q.val() + 1;
        }
        if self.finish.val() {
            self.done_pointer.d.next = self.done_pointer.q.val() + 1;
        }
        if self.clear.val() {
            self.tail_pointer.d.next = bits::<P>(0);
            self.next_pointer.d.next = bits::<P>(0);
            self.done_pointer.d.next = bits::<P>(0);
        }
    }
}
