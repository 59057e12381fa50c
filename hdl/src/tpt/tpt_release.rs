//! Step `tpt_release`: takes an STag out of the table, waits for the accesses already admitted, and frees its elements.
//!
//! Asked by the receive path (Send with Invalidate; the entry must be bound to that VI and have its protection tag), by the
//! command engine (`force`: only valid and key count, but an entry whose data Transmit may have to send again is kept, with
//! `Access`), and by flush, which gets the one-shots of a VI one after the other.
//! With `peek` nothing changes. The words of a one-shot go with every answer; they mean something only if `one_shot` is set.
//! It also clears the table while `reset` is high. It does not complete anything.
//!
//! ```text
//!   Choose -> Ask -> ReadFlags -> Judge -> Clear -> Drain -> Free -> Answer -> Choose
//!              ^     row 0        row 2 |  ^ row 3   |               ^
//!              |                   |    +--+ Inquire (force)         |
//!              +--- Next <---------+ (flush: not this entry)         |
//!                                            +-------+---------------+  refused, peek, contiguous
//! ```
//! The drain: `epoch` is flipped when valid is cleared. An access is filed under the epoch in which its request was taken; no
//! request is taken between the look at the entry and the flip, so every admitted access to it is in the old epoch.
//! Latency, from the request to its answer without anything to wait for: 7 cycles, 8 with elements; with `force` one more and
//! what Transmit's answer takes (two cycles a VI), in which no check is made. Flush needs 6 cycles an entry, and lets a check
//! in between.

use rnic_abi::error::TptError;
use rust_hdl::prelude::*;

use crate::interfaces::{
    ReleaseRequestRx, ReleaseResultTx, SourceQueryTx, TptDrainTx, WalkRequestRx, WalkResultTx,
};

#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
enum ReleaseState {
    /// Take a request: receive path, command engine, flush.
    Choose,
    /// Borrow the table, and ask for row 1.
    Ask,
    /// Ask for the flags.
    ReadFlags,
    /// Compare, and ask for the context.
    Judge,
    /// Driver's invalidate: ask Transmit whether it may have to send data of the region again.
    Inquire,
    /// Clear valid, flip the epoch, ask for the chain.
    Clear,
    /// Keep the chain; wait until no access of the old epoch is left.
    Drain,
    /// Give the chain back, once no bind walks the free one.
    Free,
    /// Hold the answer until it is taken.
    Answer,
    /// Flush: go to the next entry.
    Next,
}

/// The releaser.
#[derive(LogicBlock)]
pub struct TptRelease<const T: usize, const S: usize, const V: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Clears the table.
    pub reset: Signal<In, Bit>,
    /// 0 the receive path, 1 the command engine.
    pub request: [ReleaseRequestRx; 2],
    /// Their answers.
    pub result: [ReleaseResultTx; 2],
    /// Is an entry's data still unacknowledged?
    pub source_query: SourceQueryTx,
    /// Flush.
    pub walk: WalkRequestRx,
    /// Its answers.
    pub walk_result: WalkResultTx,
    /// The clients of the table.
    pub drain: [TptDrainTx; 5],

    /// Wants the table, or still has it.
    pub wants: Signal<Out, Bit>,
    /// Has it.
    pub lent: Signal<In, Bit>,
    /// Entry that is read or cleared.
    pub index: Signal<Out, Bits<T>>,
    /// Row that is read.
    pub row: Signal<Out, Bits<2>>,
    /// Low word of the row asked for in the cycle before.
    pub low: Signal<In, Bits<32>>,
    /// Its high word.
    pub high: Signal<In, Bits<32>>,
    /// Its extra word.
    pub extra: Signal<In, Bits<32>>,
    /// Write zero to the low word of row 0.
    pub clear: Signal<Out, Bit>,
    /// It is written in this cycle.
    pub clear_ready: Signal<In, Bit>,
    /// VI whose protection tag is read.
    pub vi: Signal<Out, Bits<V>>,
    /// Its row.
    pub vi_row: Signal<Out, Bits<2>>,
    /// It.
    pub ptag: Signal<In, Bits<32>>,

    /// A bind walks the free chain.
    pub chain_walked: Signal<In, Bit>,
    /// A chain is given back.
    pub give: Signal<Out, Bit>,
    /// Its length.
    pub give_count: Signal<Out, Bits<8>>,
    /// Its first element.
    pub give_first: Signal<Out, Bits<S>>,
    /// Its last element.
    pub give_last: Signal<Out, Bits<S>>,

    /// The entry at `index` is no longer valid, but not yet free.
    pub draining: Signal<Out, Bit>,
    /// An STag was released.
    pub step: Signal<Out, Bit>,
    /// For this VI: the one that asked, or that the entry was bound to.
    pub step_vi: Signal<Out, Bits<8>>,
    /// A request is under way.
    pub busy: Signal<Out, Bit>,

    state: DFF<ReleaseState>,
    for_receive: DFF<Bit>,
    for_flush: DFF<Bit>,
    entry: DFF<Bits<T>>,
    key: DFF<Bits<8>>,
    foreign: DFF<Bit>,
    of_vi: DFF<Bits<V>>,
    forced: DFF<Bit>,
    looks: DFF<Bit>,
    epoch: DFF<Bit>,
    error: DFF<Bits<4>>,
    one_shot: DFF<Bit>,
    listed: DFF<Bit>,
    count: DFF<Bits<8>>,
    first: DFF<Bits<S>>,
    last: DFF<Bits<S>>,
    chain_known: DFF<Bit>,
    context: DFF<Bits<32>>,
    reply_handle: DFF<Bits<32>>,
    reply_va_low: DFF<Bits<32>>,
    reply_va_high: DFF<Bits<32>>,
    reply_length: DFF<Bits<32>>,

    chosen_stag: Signal<Local, Bits<32>>,
    chosen_high: Signal<Local, Bits<32>>,
    entry_key: Signal<Local, Bits<8>>,
    entry_vi: Signal<Local, Bits<V>>,
    flush_match: Signal<Local, Bit>,
    verdict: Signal<Local, Bits<4>>,
    quiet: Signal<Local, Bit>,
    stag: Signal<Local, Bits<32>>,
    stag_bits: Constant<Bits<6>>,
    error_stag: Constant<Bits<4>>,
    error_ptag: Constant<Bits<4>>,
    error_vi: Constant<Bits<4>>,
    error_held: Constant<Bits<4>>,
}

impl<const T: usize, const S: usize, const V: usize> TptRelease<T, S, V> {
    /// Epoch 0, nothing under way.
    pub fn new() -> Self {
        let error = |e: TptError| Constant::new((e as u64).into());
        Self {
            clock: Default::default(),
            reset: Default::default(),
            request: Default::default(),
            result: Default::default(),
            source_query: Default::default(),
            walk: Default::default(),
            walk_result: Default::default(),
            drain: Default::default(),
            wants: Default::default(),
            lent: Default::default(),
            index: Default::default(),
            row: Default::default(),
            low: Default::default(),
            high: Default::default(),
            extra: Default::default(),
            clear: Default::default(),
            clear_ready: Default::default(),
            vi: Default::default(),
            vi_row: Default::default(),
            ptag: Default::default(),
            chain_walked: Default::default(),
            give: Default::default(),
            give_count: Default::default(),
            give_first: Default::default(),
            give_last: Default::default(),
            draining: Default::default(),
            step: Default::default(),
            step_vi: Default::default(),
            busy: Default::default(),
            state: Default::default(),
            for_receive: Default::default(),
            for_flush: Default::default(),
            entry: Default::default(),
            key: Default::default(),
            foreign: Default::default(),
            of_vi: Default::default(),
            forced: Default::default(),
            looks: Default::default(),
            epoch: Default::default(),
            error: Default::default(),
            one_shot: Default::default(),
            listed: Default::default(),
            count: Default::default(),
            first: Default::default(),
            last: Default::default(),
            chain_known: Default::default(),
            context: Default::default(),
            reply_handle: Default::default(),
            reply_va_low: Default::default(),
            reply_va_high: Default::default(),
            reply_length: Default::default(),
            chosen_stag: Default::default(),
            chosen_high: Default::default(),
            entry_key: Default::default(),
            entry_vi: Default::default(),
            flush_match: Default::default(),
            verdict: Default::default(),
            quiet: Default::default(),
            stag: Default::default(),
            stag_bits: Constant::new((8 + T as u64).into()),
            error_stag: error(TptError::InvalidStag),
            error_ptag: error(TptError::Ptag),
            error_vi: error(TptError::Vi),
            error_held: error(TptError::Access),
        }
    }
}

impl<const T: usize, const S: usize, const V: usize> Default for TptRelease<T, S, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const T: usize, const S: usize, const V: usize> Logic for TptRelease<T, S, V> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            for_receive,
            for_flush,
            entry,
            key,
            foreign,
            of_vi,
            forced,
            looks,
            epoch,
            error,
            one_shot,
            listed,
            count,
            first,
            last,
            chain_known,
            context,
            reply_handle,
            reply_va_low,
            reply_va_high,
            reply_length
        );
        self.chosen_stag.next = self.request[1].stag.val();
        if self.request[0].valid.val() {
            self.chosen_stag.next = self.request[0].stag.val();
        }
        self.chosen_high.next = self.chosen_stag.val() >> self.stag_bits.val();

        // What row 0 says.
        self.entry_key.next = self.low.val().get_bits::<8>(16);
        self.entry_vi.next = self.low.val().get_bits::<V>(12);
        self.flush_match.next = self.low.val().get_bit(0)
            & self.low.val().get_bit(4)
            & (self.entry_vi.val() == self.of_vi.q.val());
        self.verdict.next = bits::<4>(0);
        if !self.forced.q.val() {
            if !self.low.val().get_bit(3) | (self.entry_vi.val() != self.of_vi.q.val()) {
                self.verdict.next = self.error_vi.val();
            }
            if self.high.val() != self.ptag.val() {
                self.verdict.next = self.error_ptag.val();
            }
        }
        if self.foreign.q.val()
            | !self.low.val().get_bit(0)
            | (self.entry_key.val() != self.key.q.val())
        {
            self.verdict.next = self.error_stag.val();
        }

        self.quiet.next = true;
        for i in 0..5 {
            self.drain[i].epoch.next = self.epoch.q.val();
            if (self.epoch.q.val() & self.drain[i].busy.val().get_bit(0))
                | (!self.epoch.q.val() & self.drain[i].busy.val().get_bit(1))
            {
                self.quiet.next = false;
            }
        }

        self.wants.next = (self.state.q.val() == ReleaseState::Ask)
            | (self.state.q.val() == ReleaseState::ReadFlags)
            | (self.state.q.val() == ReleaseState::Judge)
            | (self.state.q.val() == ReleaseState::Inquire)
            | (self.state.q.val() == ReleaseState::Clear);
        self.source_query.index.next = bit_cast::<8, T>(self.entry.q.val());
        self.source_query.valid.next = self.state.q.val() == ReleaseState::Inquire;
        self.index.next = self.entry.q.val();
        self.row.next = bits::<2>(3);
        self.clear.next = false;
        self.vi.next = self.of_vi.q.val();
        self.vi_row.next = bits::<2>(2);
        self.give.next = false;
        self.give_count.next = self.count.q.val();
        self.give_first.next = self.first.q.val();
        self.give_last.next = self.last.q.val();
        self.draining.next = (self.state.q.val() == ReleaseState::Drain)
            | (self.state.q.val() == ReleaseState::Free);
        self.step.next = false;
        self.step_vi.next = bit_cast::<8, V>(self.of_vi.q.val());
        self.busy.next = !(self.state.q.val() == ReleaseState::Choose);

        self.request[0].ready.next = false;
        self.request[1].ready.next = false;
        self.walk.ready.next = false;
        for i in 0..2 {
            self.result[i].error.next = self.error.q.val();
            self.result[i].one_shot.next = self.one_shot.q.val();
            self.result[i].context.next = self.context.q.val();
            self.result[i].reply_handle.next = self.reply_handle.q.val();
            self.result[i].reply_va.next = (bit_cast::<64, 32>(self.reply_va_high.q.val())
                << bits::<6>(32))
                | bit_cast::<64, 32>(self.reply_va_low.q.val());
            self.result[i].reply_length.next = self.reply_length.q.val();
            self.result[i].valid.next = false;
        }
        self.stag.next = (bit_cast::<32, T>(self.entry.q.val()) << bits::<6>(8))
            | bit_cast::<32, 8>(self.key.q.val());
        self.walk_result.stag.next = self.stag.val();
        self.walk_result.context.next = self.context.q.val();
        self.walk_result.done.next = self.error.q.val().any();
        self.walk_result.valid.next = false;

        match self.state.q.val() {
            ReleaseState::Choose => {
                self.for_receive.d.next = false;
                self.for_flush.d.next = false;
                self.looks.d.next = false;
                self.forced.d.next = false;
                self.foreign.d.next = self.chosen_high.val().any();
                self.entry.d.next = self.chosen_stag.val().get_bits::<T>(8);
                self.key.d.next = self.chosen_stag.val().get_bits::<8>(0);
                if !self.reset.val() {
                    if self.request[0].valid.val() {
                        self.request[0].ready.next = true;
                        self.for_receive.d.next = true;
                        self.of_vi.d.next = bit_cast::<V, 8>(self.request[0].vi.val());
                        self.forced.d.next = self.request[0].force.val();
                        self.looks.d.next = self.request[0].peek.val();
                        self.state.d.next = ReleaseState::Ask;
                    } else if self.request[1].valid.val() {
                        self.request[1].ready.next = true;
                        self.of_vi.d.next = bit_cast::<V, 8>(self.request[1].vi.val());
                        self.forced.d.next = self.request[1].force.val();
                        self.looks.d.next = self.request[1].peek.val();
                        self.state.d.next = ReleaseState::Ask;
                    } else if self.walk.valid.val() {
                        self.walk.ready.next = true;
                        self.for_flush.d.next = true;
                        self.of_vi.d.next = bit_cast::<V, 8>(self.walk.vi.val());
                        self.entry.d.next = bits::<T>(0);
                        self.state.d.next = ReleaseState::Ask;
                    }
                }
            }
            ReleaseState::Ask => {
                self.row.next = bits::<2>(1);
                self.vi_row.next = bits::<2>(1);
                if self.lent.val() {
                    self.state.d.next = ReleaseState::ReadFlags;
                }
            }
            ReleaseState::ReadFlags => {
                self.row.next = bits::<2>(0);
                self.reply_va_low.d.next = self.extra.val();
                self.state.d.next = ReleaseState::Judge;
            }
            ReleaseState::Judge => {
                self.row.next = bits::<2>(2);
                self.one_shot.d.next = self.low.val().get_bit(4);
                self.listed.d.next = self.low.val().get_bit(1);
                self.count.d.next = self.low.val().get_bits::<8>(24);
                self.reply_handle.d.next = self.extra.val();
                self.error.d.next = self.verdict.val();
                self.state.d.next = ReleaseState::Clear;
                if self.forced.q.val() & !self.looks.q.val() & !self.verdict.val().any() {
                    self.state.d.next = ReleaseState::Inquire;
                }
                if self.for_flush.q.val() {
                    self.error.d.next = bits::<4>(0);
                    self.key.d.next = self.entry_key.val();
                    if !self.flush_match.val() {
                        self.error.d.next = self.error_stag.val();
                        self.state.d.next = ReleaseState::Next;
                    }
                }
            }
            ReleaseState::Inquire => {
                // The table stays ours, so that nothing reads the region between the answer and the end of the entry.
                self.row.next = bits::<2>(2);
                if self.source_query.ready.val() {
                    if self.source_query.held.val() {
                        self.error.d.next = self.error_held.val();
                    }
                    self.state.d.next = ReleaseState::Clear;
                }
            }
            ReleaseState::Clear => {
                self.context.d.next = self.high.val();
                self.reply_va_high.d.next = self.extra.val();
                self.chain_known.d.next = false;
                self.state.d.next = ReleaseState::Drain;
                if !self.error.q.val().any() & !self.looks.q.val() {
                    self.clear.next = true;
                    self.epoch.d.next = !self.epoch.q.val();
                    if !self.clear_ready.val() {
                        // The walk writes a cursor: row 2 is asked for again, and the epoch stays.
                        self.row.next = bits::<2>(2);
                        self.epoch.d.next = self.epoch.q.val();
                        self.state.d.next = ReleaseState::Clear;
                    }
                }
            }
            ReleaseState::Drain => {
                // Row 3 is out in the first cycle only: the table is with the checks again.
                self.chain_known.d.next = true;
                if !self.chain_known.q.val() {
                    self.first.d.next = self.low.val().get_bits::<S>(0);
                    self.last.d.next = self.low.val().get_bits::<S>(10);
                    self.reply_length.d.next = self.extra.val();
                }
                if self.error.q.val().any() | self.looks.q.val() {
                    self.state.d.next = ReleaseState::Answer;
                } else if self.quiet.val() {
                    self.step.next = true;
                    self.state.d.next = ReleaseState::Answer;
                    if self.listed.q.val() {
                        self.step.next = false;
                        self.state.d.next = ReleaseState::Free;
                    }
                }
            }
            ReleaseState::Free => {
                if !self.chain_walked.val() {
                    self.give.next = true;
                    self.step.next = true;
                    self.state.d.next = ReleaseState::Answer;
                }
            }
            ReleaseState::Answer => {
                if self.for_flush.q.val() {
                    self.walk_result.valid.next = true;
                    if self.walk_result.ready.val() {
                        self.state.d.next = ReleaseState::Choose;
                    }
                } else if self.for_receive.q.val() {
                    self.result[0].valid.next = true;
                    if self.result[0].ready.val() {
                        self.state.d.next = ReleaseState::Choose;
                    }
                } else {
                    self.result[1].valid.next = true;
                    if self.result[1].ready.val() {
                        self.state.d.next = ReleaseState::Choose;
                    }
                }
            }
            ReleaseState::Next => {
                self.entry.d.next = self.entry.q.val() + 1;
                self.state.d.next = ReleaseState::Ask;
                if self.entry.q.val().all() {
                    self.state.d.next = ReleaseState::Answer;
                }
            }
            _ => {
                self.state.d.next = ReleaseState::Choose;
            }
        }
        if self.reset.val() {
            self.state.d.next = ReleaseState::Choose;
            self.entry.d.next = self.entry.q.val() + 1;
            self.clear.next = true;
            self.epoch.d.next = false;
        }
    }
}
