//! Breaks VIs: sends the Terminate that `place` has written into the VI's receive context, then reports the error.
//!
//! `place` goes on with the next frame at once: the record waits in the context, which a broken VI needs for nothing else,
//! and one bit a VI says so. Only this block waits for transmit, which may wait for the wire. The report comes after the
//! Terminate, since a VI that is no longer connected sends none.
//!
//! ```text
//!  put, put_vi --> [waiting, a bit a VI] --> scan --> context words 16..23 --> terminate (eight words) --> vi_error
//!  context word 16: word 0 of the record | nothing to send 27 | event 31:28       17..23: words 1 to 7
//! ```
//! A VI is broken once until it starts anew: there is never a second record for it. `drop` forgets a record that waits; one
//! that is being sent is not to be dropped.
//! Latency: 18 cycles a record and the scan, one VI a cycle.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::{StreamTx, ViErrorTx};
use crate::rx::receive_context::word;

/// States.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum TerminateOutboxState {
    /// Look for a VI with a record, one a cycle.
    Scan,
    /// Ask the context for a word of it.
    Ask,
    /// Put it out.
    Write,
    /// Wait until the last word is taken.
    Flush,
    /// Report the error.
    Break,
}

/// See the module. `V` is log2 of the VIs.
#[derive(LogicBlock)]
pub struct TerminateOutbox<const V: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// The record of VI `vi` is in the context.
    pub put: Signal<In, Bit>,
    /// Forget the one of VI `vi`.
    pub drop: Signal<In, Bit>,
    /// See above.
    pub vi: Signal<In, Bits<4>>,
    /// A record is being sent.
    pub sending: Signal<Out, Bit>,
    /// Whose.
    pub sending_vi: Signal<Out, Bits<4>>,
    /// Asks the context for `read_index` of `sending_vi`.
    pub read: Signal<Out, Bit>,
    /// Which word.
    pub read_index: Signal<Out, Bits<7>>,
    /// It gets it.
    pub read_granted: Signal<In, Bit>,
    /// The word, a cycle later.
    pub data: Signal<In, Bits<32>>,
    /// To transmit.
    pub terminate: StreamTx,
    /// Breaks the VI.
    pub vi_error: ViErrorTx,
    /// A record waits or is being sent.
    pub busy: Signal<Out, Bit>,

    state: DFF<TerminateOutboxState>,
    waiting: DFF<Bits<16>>,
    scan: DFF<Bits<V>>,
    number: DFF<Bits<3>>,
    event_code: DFF<Bits<4>>,
    word: DFF<Bits<32>>,
    last: DFF<Bit>,
    valid: DFF<Bit>,

    scanned: Signal<Local, Bits<4>>,
    shown: Signal<Local, Bits<32>>,
    others: Signal<Local, Bits<16>>,
    base: Constant<Bits<7>>,
}

impl<const V: usize> TerminateOutbox<V> {
    /// Nothing waits.
    pub fn new() -> Self {
        block_new!(
            clock reset put drop vi sending sending_vi read read_index read_granted data terminate
            vi_error busy state waiting scan number event_code word last valid scanned shown others;
            base = word::TERMINATES,
        )
    }
}

impl<const V: usize> Default for TerminateOutbox<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const V: usize> Logic for TerminateOutbox<V> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, waiting, scan, number, event_code, word, last, valid);
        self.scanned.next = bit_cast::<4, V>(self.scan.q.val());
        self.read.next = false;
        self.read_index.next = self.base.val() | bit_cast::<7, 3>(self.number.q.val());
        self.shown.next = self.data.val();
        if !self.number.q.val().any() {
            self.shown.next = bit_cast::<32, 16>(self.data.val().get_bits::<16>(0));
        }

        if self.terminate.ready.val() {
            self.valid.d.next = false;
        }
        self.others.next = self.waiting.q.val();
        match self.state.q.val() {
            TerminateOutboxState::Scan => {
                self.number.d.next = bits::<3>(0);
                if self.waiting.q.val().get_bit(self.scanned.val().index()) & !self.drop.val() {
                    self.state.d.next = TerminateOutboxState::Ask;
                } else {
                    self.scan.d.next = self.scan.q.val() + bits::<V>(1);
                }
            }
            TerminateOutboxState::Ask => {
                if !self.valid.q.val() | self.terminate.ready.val() {
                    self.read.next = true;
                    if self.read_granted.val() {
                        self.state.d.next = TerminateOutboxState::Write;
                    }
                }
            }
            TerminateOutboxState::Write => {
                self.word.d.next = self.shown.val();
                self.last.d.next = self.number.q.val().all();
                self.valid.d.next = true;
                self.number.d.next = self.number.q.val() + bits::<3>(1);
                self.state.d.next = TerminateOutboxState::Ask;
                if self.number.q.val().all() {
                    self.state.d.next = TerminateOutboxState::Flush;
                }
                if !self.number.q.val().any() {
                    self.event_code.d.next = self.data.val().get_bits::<4>(28);
                    if self.data.val().get_bit(27) {
                        self.valid.d.next = false;
                        self.state.d.next = TerminateOutboxState::Break;
                    }
                }
            }
            TerminateOutboxState::Flush => {
                if self.terminate.ready.val() {
                    self.state.d.next = TerminateOutboxState::Break;
                }
            }
            TerminateOutboxState::Break => {
                if self.vi_error.ready.val() {
                    self.others.next = self
                        .waiting
                        .q
                        .val()
                        .replace_bit(self.scanned.val().index(), false);
                    self.state.d.next = TerminateOutboxState::Scan;
                }
            }
            _ => {
                self.state.d.next = TerminateOutboxState::Scan;
            }
        }
        self.waiting.d.next = self.others.val();
        if self.put.val() {
            self.waiting.d.next = self.others.val().replace_bit(self.vi.val().index(), true);
        }
        if self.drop.val() {
            self.waiting.d.next = self.others.val().replace_bit(self.vi.val().index(), false);
        }
        self.sending.next = self.state.q.val() != TerminateOutboxState::Scan;
        self.sending_vi.next = self.scanned.val();
        self.terminate.data.next = self.word.q.val();
        self.terminate.last.next = self.last.q.val();
        self.terminate.valid.next = self.valid.q.val();
        self.vi_error.vi.next = bit_cast::<8, 4>(self.scanned.val());
        self.vi_error.event.next = self.event_code.q.val();
        self.vi_error.valid.next = self.state.q.val() == TerminateOutboxState::Break;
        self.busy.next = self.waiting.q.val().any();
        if self.reset.val() {
            self.state.d.next = TerminateOutboxState::Scan;
            self.waiting.d.next = bits::<16>(0);
            self.valid.d.next = false;
        }
    }
}
