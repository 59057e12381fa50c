//! Hands a Read Request of the peer to transmit, which answers it: eight words from the frame bank.
//!
//! The receive side never waits for the wire: transmit takes word 0 at once, and then all eight, unless the VI's read queue
//! is full. It may be full for a moment, until the acknowledgement in this very frame has freed an entry; a record whose
//! word 0 is not taken within 64 cycles is more than the negotiated depth, and is refused.
//!
//! ```text
//! start --> read_in: vi | FPDU words 5 to 11 in host order: sink stag, sink to high, low, size, source stag, to high, low
//!       --> done, or excess
//! ```
//! Latency: 16 cycles a record. It does not check a Read Request's length; `place` has.

use rust_hdl::prelude::*;

use crate::interfaces::StreamTx;

/// States.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum ReadHandoverState {
    /// Wait for a start.
    Rest,
    /// Ask the bank for a word; or write the VI, which needs none.
    Ask,
    /// Write the bank's word.
    Write,
    /// Wait until the last word is taken.
    Flush,
}

/// See the module. `F` is log2 of the words in a bank.
#[derive(LogicBlock, Default)]
pub struct ReadHandover<const F: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Hand over the Read Request in the bank.
    pub start: Signal<In, Bit>,
    /// Its VI.
    pub vi: Signal<In, Bits<4>>,
    /// Word of the bank.
    pub address: Signal<Out, Bits<F>>,
    /// The word asked for in the cycle before, in host order.
    pub swapped: Signal<In, Bits<32>>,
    /// The record is with transmit.
    pub done: Signal<Out, Bit>,
    /// Or transmit's read queue is full.
    pub excess: Signal<Out, Bit>,
    /// To transmit.
    pub read_in: StreamTx,

    state: DFF<ReadHandoverState>,
    number: DFF<Bits<3>>,
    patience: DFF<Bits<6>>,
    data: DFF<Bits<32>>,
    last: DFF<Bit>,
    valid: DFF<Bit>,

    free: Signal<Local, Bit>,
    loads: Signal<Local, Bit>,
    bank_word: Signal<Local, Bits<4>>,
}

impl<const F: usize> Logic for ReadHandover<F> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, number, patience, data, last, valid);
        self.bank_word.next = bit_cast::<4, 3>(self.number.q.val()) + bits::<4>(4);
        self.address.next = bit_cast::<F, 4>(self.bank_word.val());
        self.free.next = !self.valid.q.val() | self.read_in.ready.val();

        self.loads.next = false;
        self.done.next = false;
        self.excess.next = false;
        if self.read_in.ready.val() {
            self.valid.d.next = false;
        }
        match self.state.q.val() {
            ReadHandoverState::Rest => {
                self.number.d.next = bits::<3>(0);
                self.patience.d.next = bits::<6>(0);
                self.valid.d.next = false;
                if self.start.val() {
                    self.state.d.next = ReadHandoverState::Ask;
                }
            }
            ReadHandoverState::Ask => {
                if self.free.val() {
                    self.loads.next = !self.number.q.val().any();
                    if self.number.q.val().any() {
                        self.state.d.next = ReadHandoverState::Write;
                    }
                } else if self.number.q.val() == bits::<3>(1) {
                    // Word 0 waits, and nobody takes it.
                    self.patience.d.next = self.patience.q.val() + bits::<6>(1);
                    if self.patience.q.val().all() {
                        self.valid.d.next = false;
                        self.excess.next = true;
                        self.state.d.next = ReadHandoverState::Rest;
                    }
                }
            }
            ReadHandoverState::Write => {
                self.loads.next = true;
                self.state.d.next = ReadHandoverState::Ask;
            }
            ReadHandoverState::Flush => {
                if self.read_in.ready.val() {
                    self.done.next = true;
                    self.state.d.next = ReadHandoverState::Rest;
                }
            }
            _ => {
                self.state.d.next = ReadHandoverState::Rest;
            }
        }
        if self.loads.val() {
            self.data.d.next = self.swapped.val();
            if !self.number.q.val().any() {
                self.data.d.next = bit_cast::<32, 4>(self.vi.val());
            }
            self.last.d.next = self.number.q.val() == bits::<3>(7);
            self.valid.d.next = true;
            self.number.d.next = self.number.q.val() + bits::<3>(1);
            if self.number.q.val() == bits::<3>(7) {
                self.state.d.next = ReadHandoverState::Flush;
            }
        }
        self.read_in.data.next = self.data.q.val();
        self.read_in.last.next = self.last.q.val();
        self.read_in.valid.next = self.valid.q.val();
        if self.reset.val() {
            self.state.d.next = ReadHandoverState::Rest;
            self.valid.d.next = false;
        }
    }
}
