//! Two frame banks: while one frame is placed, the next one arrives.
//!
//! Frames leave in the order in which they came, dropped ones too, so that a reader that began early learns of it. The reader
//! may look at a frame's words as they arrive (`frame_arrived`); what it does with them before the verdict is its concern.
//!
//! ```text
//!                 +--------+--------+
//!  write -------->| bank 0 | bank 1 |-------> read_data (one cycle after read_address)
//!  open, close -->| vi raw verdict  |-------> frame (the older of the two)  <--- release_bank
//!                 +--------+--------+
//! bank: words of the frame from 0; the last word is the sequence after the frame (llp_receive)
//! ```
//! Latency: one cycle from a written word to a read of it.

use rust_hdl::prelude::*;

use crate::block_ram::BlockRam;

/// See the module. `F` is log2 of the words in a bank, `F1` is F + 1.
#[derive(LogicBlock, Default)]
pub struct FrameBanks<const F: usize, const F1: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// A frame begins in the bank that is free.
    pub open: Signal<In, Bit>,
    /// Its VI.
    pub vi: Signal<In, Bits<4>>,
    /// It is a raw frame.
    pub raw: Signal<In, Bit>,
    /// The frame is complete.
    pub close: Signal<In, Bit>,
    /// What it is worth: `llp_receive::verdict`.
    pub verdict: Signal<In, Bits<2>>,
    /// Words of the open frame that are in the bank.
    pub arrived: Signal<In, Bits<F>>,
    /// Write a word.
    pub write: Signal<In, Bit>,
    /// Where.
    pub address: Signal<In, Bits<F>>,
    /// The word.
    pub word: Signal<In, Bits<32>>,
    /// A bank can take a frame.
    pub bank_free: Signal<Out, Bit>,
    /// Which VI `settled` speaks of.
    pub asked_vi: Signal<In, Bits<4>>,
    /// No frame of that VI is in a bank.
    pub settled: Signal<Out, Bit>,
    /// A frame is here or arriving.
    pub frame_valid: Signal<Out, Bit>,
    /// Its VI.
    pub frame_vi: Signal<Out, Bits<4>>,
    /// It is a raw frame.
    pub frame_raw: Signal<Out, Bit>,
    /// Its verdict, 0 while it arrives.
    pub frame_verdict: Signal<Out, Bits<2>>,
    /// How many words may be read, 7 for all from 7 up.
    pub frame_arrived: Signal<Out, Bits<3>>,
    /// Word to read from the frame's bank.
    pub read_address: Signal<In, Bits<F>>,
    /// The word asked for in the cycle before.
    pub read_data: Signal<Out, Bits<32>>,
    /// The frame is done with.
    pub release_bank: Signal<In, Bit>,

    ram: BlockRam<32, F1>,
    fill: DFF<Bit>,
    drain: DFF<Bit>,
    used_0: DFF<Bit>,
    used_1: DFF<Bit>,
    vi_0: DFF<Bits<4>>,
    vi_1: DFF<Bits<4>>,
    raw_0: DFF<Bit>,
    raw_1: DFF<Bit>,
    verdict_0: DFF<Bits<2>>,
    verdict_1: DFF<Bits<2>>,
    now_verdict: Signal<Local, Bits<2>>,
    write_at: Signal<Local, Bits<F1>>,
    read_at: Signal<Local, Bits<F1>>,
    arrived_wide: Signal<Local, Bits<16>>,
}

impl<const F: usize, const F1: usize> Logic for FrameBanks<F, F1> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, fill, drain, used_0, used_1, vi_0, vi_1, raw_0, raw_1, verdict_0,
            verdict_1
        );
        clock!(self, clock, ram);

        // The bank number is the lowest address bit: no shift by a generic amount.
        self.write_at.next = bit_cast::<F1, F>(self.address.val()) << bits::<F1>(1);
        if self.fill.q.val() {
            self.write_at.next =
                (bit_cast::<F1, F>(self.address.val()) << bits::<F1>(1)) | bits::<F1>(1);
        }
        self.read_at.next = bit_cast::<F1, F>(self.read_address.val()) << bits::<F1>(1);
        if self.drain.q.val() {
            self.read_at.next =
                (bit_cast::<F1, F>(self.read_address.val()) << bits::<F1>(1)) | bits::<F1>(1);
        }
        self.ram.write_address.next = self.write_at.val();
        self.ram.write_data.next = self.word.val();
        self.ram.write_enable.next = self.write.val();
        self.ram.read_address.next = self.read_at.val();
        self.read_data.next = self.ram.read_data.val();

        if self.open.val() {
            if self.fill.q.val() {
                self.used_1.d.next = true;
                self.vi_1.d.next = self.vi.val();
                self.raw_1.d.next = self.raw.val();
                self.verdict_1.d.next = bits::<2>(0);
            } else {
                self.used_0.d.next = true;
                self.vi_0.d.next = self.vi.val();
                self.raw_0.d.next = self.raw.val();
                self.verdict_0.d.next = bits::<2>(0);
            }
        }
        if self.close.val() {
            self.fill.d.next = !self.fill.q.val();
            if self.fill.q.val() {
                self.verdict_1.d.next = self.verdict.val();
            } else {
                self.verdict_0.d.next = self.verdict.val();
            }
        }
        if self.release_bank.val() {
            self.drain.d.next = !self.drain.q.val();
            if self.drain.q.val() {
                self.used_1.d.next = false;
            } else {
                self.used_0.d.next = false;
            }
        }

        self.bank_free.next = !self.used_0.q.val();
        if self.fill.q.val() {
            self.bank_free.next = !self.used_1.q.val();
        }
        self.frame_valid.next = self.used_0.q.val();
        self.frame_vi.next = self.vi_0.q.val();
        self.frame_raw.next = self.raw_0.q.val();
        self.now_verdict.next = self.verdict_0.q.val();
        if self.drain.q.val() {
            self.frame_valid.next = self.used_1.q.val();
            self.frame_vi.next = self.vi_1.q.val();
            self.frame_raw.next = self.raw_1.q.val();
            self.now_verdict.next = self.verdict_1.q.val();
        }
        self.frame_verdict.next = self.now_verdict.val();
        self.arrived_wide.next = bit_cast::<16, F>(self.arrived.val());
        self.frame_arrived.next = self.arrived_wide.val().get_bits::<3>(0);
        if self.now_verdict.val().any() | self.arrived_wide.val().get_bits::<13>(3).any() {
            self.frame_arrived.next = bits::<3>(7);
        }
        self.settled.next = !(self.used_0.q.val() & (self.vi_0.q.val() == self.asked_vi.val()))
            & !(self.used_1.q.val() & (self.vi_1.q.val() == self.asked_vi.val()));

        if self.reset.val() {
            self.fill.d.next = false;
            self.drain.d.next = false;
            self.used_0.d.next = false;
            self.used_1.d.next = false;
        }
    }
}
