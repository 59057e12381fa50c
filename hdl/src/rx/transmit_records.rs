//! Hands transmit what only transmit can do: answer a Read Request, or send a Terminate. Eight words each, from the frame bank.
//!
//! The receive side never waits for transmit: a Read Request that transmit does not begin to take within 64 cycles has found
//! its VI's read queue full, which is more than the negotiated depth, and is refused.
//!
//! ```text
//! read_in    vi | FPDU words 5 to 11 in host order: sink stag, sink to high, low, size, source stag, to high, low
//! terminate  vi, header words, tagged | code 31:16 | ULPDU length | FPDU words 0 to 4 as received
//! ```
//! Latency: 16 cycles a record. It does not check a Read Request's length; `place` has.

use rust_hdl::prelude::*;

use crate::interfaces::StreamTx;

/// States.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum TransmitRecordState {
    /// Wait for a start.
    Rest,
    /// Ask the bank for a word, or write one that needs none.
    Write,
    /// Write the bank's word.
    WriteBank,
    /// Wait until the last word is taken.
    Flush,
}

/// See the module. `F` is log2 of the words in a bank.
#[derive(LogicBlock, Default)]
pub struct TransmitRecords<const F: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Send a Read Request to transmit.
    pub start_read: Signal<In, Bit>,
    /// Send a Terminate to transmit.
    pub start_terminate: Signal<In, Bit>,
    /// VI.
    pub vi: Signal<In, Bits<4>>,
    /// Terminate code.
    pub code: Signal<In, Bits<16>>,
    /// The offending segment is tagged.
    pub tagged: Signal<In, Bit>,
    /// Its ULPDU length.
    pub ulpdu_bytes: Signal<In, Bits<16>>,
    /// Word of the bank.
    pub address: Signal<Out, Bits<F>>,
    /// The word asked for in the cycle before.
    pub data: Signal<In, Bits<32>>,
    /// The same in host order.
    pub swapped: Signal<In, Bits<32>>,
    /// The record is with transmit.
    pub done: Signal<Out, Bit>,
    /// Or transmit's read queue is full.
    pub excess: Signal<Out, Bit>,
    /// Read Requests.
    pub read_in: StreamTx,
    /// Terminates.
    pub terminate: StreamTx,

    state: DFF<TransmitRecordState>,
    is_read: DFF<Bit>,
    number: DFF<Bits<3>>,
    patience: DFF<Bits<6>>,
    data_register: DFF<Bits<32>>,
    last: DFF<Bit>,
    valid: DFF<Bit>,

    ready: Signal<Local, Bit>,
    free: Signal<Local, Bit>,
    loads: Signal<Local, Bit>,
    from_bank: Signal<Local, Bit>,
    bank_word: Signal<Local, Bits<4>>,
    next_word: Signal<Local, Bits<32>>,
}

impl<const F: usize> Logic for TransmitRecords<F> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            is_read,
            number,
            patience,
            data_register,
            last,
            valid
        );
        self.ready.next = self.terminate.ready.val();
        self.bank_word.next = bit_cast::<4, 3>(self.number.q.val()) - bits::<4>(3);
        self.from_bank.next = self.number.q.val() >= bits::<3>(3);
        if self.is_read.q.val() {
            self.ready.next = self.read_in.ready.val();
            self.bank_word.next = bit_cast::<4, 3>(self.number.q.val()) + bits::<4>(4);
            self.from_bank.next = self.number.q.val().any();
        }
        self.address.next = bit_cast::<F, 4>(self.bank_word.val());
        self.free.next = !self.valid.q.val() | self.ready.val();

        self.next_word.next = self.data.val();
        if self.is_read.q.val() {
            self.next_word.next = self.swapped.val();
        }
        if self.number.q.val() == bits::<3>(0) {
            self.next_word.next = bit_cast::<32, 4>(self.vi.val());
            if !self.is_read.q.val() {
                self.next_word.next = bit_cast::<32, 4>(self.vi.val()) | bits::<32>(0x500);
                if self.tagged.val() {
                    self.next_word.next = bit_cast::<32, 4>(self.vi.val()) | bits::<32>(0x1400);
                }
            }
        }
        if !self.is_read.q.val() & (self.number.q.val() == bits::<3>(1)) {
            self.next_word.next = bit_cast::<32, 16>(self.code.val()) << bits::<32>(16);
        }
        if !self.is_read.q.val() & (self.number.q.val() == bits::<3>(2)) {
            self.next_word.next = bit_cast::<32, 16>(self.ulpdu_bytes.val());
        }

        self.loads.next = false;
        self.done.next = false;
        self.excess.next = false;
        if self.ready.val() {
            self.valid.d.next = false;
        }
        match self.state.q.val() {
            TransmitRecordState::Rest => {
                self.number.d.next = bits::<3>(0);
                self.patience.d.next = bits::<6>(0);
                self.valid.d.next = false;
                if self.start_read.val() | self.start_terminate.val() {
                    self.is_read.d.next = self.start_read.val();
                    self.state.d.next = TransmitRecordState::Write;
                }
            }
            TransmitRecordState::Write => {
                if self.free.val() {
                    if self.from_bank.val() {
                        self.state.d.next = TransmitRecordState::WriteBank;
                    } else {
                        self.loads.next = true;
                    }
                }
                // Word 0 of a Read Request waits, and nobody takes it.
                if (self.is_read.q.val() & (self.number.q.val() == bits::<3>(1))) & !self.free.val()
                {
                    self.patience.d.next = self.patience.q.val() + bits::<6>(1);
                    if self.patience.q.val().all() {
                        self.valid.d.next = false;
                        self.excess.next = true;
                        self.state.d.next = TransmitRecordState::Rest;
                    }
                }
            }
            TransmitRecordState::WriteBank => {
                self.loads.next = true;
                self.state.d.next = TransmitRecordState::Write;
            }
            TransmitRecordState::Flush => {
                if self.ready.val() {
                    self.done.next = true;
                    self.state.d.next = TransmitRecordState::Rest;
                }
            }
            _ => {
                self.state.d.next = TransmitRecordState::Rest;
            }
        }
        if self.loads.val() {
            self.data_register.d.next = self.next_word.val();
            self.last.d.next = self.number.q.val() == bits::<3>(7);
            self.valid.d.next = true;
            self.number.d.next = self.number.q.val() + bits::<3>(1);
            if self.number.q.val() == bits::<3>(7) {
                self.state.d.next = TransmitRecordState::Flush;
            }
        }
        self.read_in.data.next = self.data_register.q.val();
        self.read_in.last.next = self.last.q.val();
        self.read_in.valid.next = self.valid.q.val() & self.is_read.q.val();
        self.terminate.data.next = self.data_register.q.val();
        self.terminate.last.next = self.last.q.val();
        self.terminate.valid.next = self.valid.q.val() & !self.is_read.q.val();
        if self.reset.val() {
            self.state.d.next = TransmitRecordState::Rest;
            self.valid.d.next = false;
        }
    }
}
