//! Step `llp_send`: the end of the transmit path for the `direct` codec. Adds the link header's CRC and the frame's CRC.
//!
//! ```text
//!   frame words --> 0 1 2 3 | header CRC | 5 .. n | frame CRC --> wire
//!                       [ one Crc32c for both ]
//! ```
//! A frame is: four header words, then nothing (an acknowledgement alone) or the words that the second CRC covers. `spoilt` with the
//! last word inverts that CRC. Both CRC words are little-endian, which is how they come out of the circuit.
//!
//! Latency: one cycle. Throughput: one word a cycle, and one cycle for each CRC word.

use rnic_abi::wire::link;
use rust_hdl::prelude::*;

use super::crc32c::Crc32c;
use crate::block_new::block_new;
use crate::interfaces::{StepTx, StreamTx};

/// What leaves next.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum SendState {
    /// Passes the four header words.
    PassHeader,
    /// Puts out the header's CRC.
    CloseHeader,
    /// Passes the frame.
    PassFrame,
    /// Puts out the frame's CRC.
    CloseFrame,
}

/// See the module.
#[derive(LogicBlock)]
pub struct LlpSend {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// Frame word.
    pub data: Signal<In, Bits<32>>,
    /// Last before the CRC; on the fourth word: nothing follows the header.
    pub last: Signal<In, Bit>,
    /// With `last`: make the CRC wrong.
    pub spoilt: Signal<In, Bit>,
    /// There is one.
    pub valid: Signal<In, Bit>,
    /// Taken.
    pub ready: Signal<Out, Bit>,
    /// Link frames.
    pub wire_out: StreamTx,
    /// Between frames, nothing waits for the wire.
    pub idle: Signal<Out, Bit>,
    /// A raw frame has left.
    pub raw_left: Signal<Out, Bit>,
    /// A frame has left.
    pub step: StepTx,
    crc: Crc32c,
    state: DFF<SendState>,
    count: DFF<Bits<2>>,
    first: DFF<Bit>,
    alone: DFF<Bit>,
    wrong: DFF<Bit>,
    vi: DFF<Bits<8>>,
    is_raw: DFF<Bit>,
    out: DFF<Bits<32>>,
    out_last: DFF<Bit>,
    out_valid: DFF<Bit>,
    out_vi: DFF<Bits<8>>,
    out_raw: DFF<Bit>,
    free: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    passes: Signal<Local, Bit>,
    type_raw: Constant<Bits<8>>,
}

impl LlpSend {
    /// Between frames.
    pub fn new() -> Self {
        block_new!(clock reset data last spoilt valid ready wire_out idle raw_left step crc state count first alone wrong vi is_raw out
            out_last out_valid out_vi out_raw free moves passes; type_raw = link::TYPE_RAW)
    }
}

impl Default for LlpSend {
    fn default() -> Self {
        Self::new()
    }
}

impl Logic for LlpSend {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, state, count, first, alone, wrong, vi, is_raw, out, out_last, out_valid,
            out_vi, out_raw
        );
        clock!(self, clock, crc);
        self.free.next = !self.out_valid.q.val() | self.wire_out.ready.val();
        self.passes.next = (self.state.q.val() == SendState::PassHeader)
            | (self.state.q.val() == SendState::PassFrame);
        self.ready.next = self.free.val() & self.passes.val();
        self.moves.next = self.free.val() & self.passes.val() & self.valid.val();
        self.crc.data.next = self.data.val();
        self.crc.enable.next = self.moves.val();
        self.crc.clear.next = self.first.q.val();
        if self.moves.val() {
            self.first.d.next = false;
        }
        if self.wire_out.ready.val() {
            self.out_valid.d.next = false;
        }
        if self.free.val() {
            self.out.d.next = self.data.val();
            self.out_last.d.next = false;
        }
        match self.state.q.val() {
            SendState::PassHeader => {
                if self.moves.val() {
                    self.out_valid.d.next = true;
                    self.count.d.next = self.count.q.val() + 1;
                    if self.count.q.val() == bits::<2>(0) {
                        self.vi.d.next = self.data.val().get_bits::<8>(24);
                        self.is_raw.d.next =
                            self.data.val().get_bits::<8>(0) == self.type_raw.val();
                    }
                    if self.count.q.val() == bits::<2>(3) {
                        self.alone.d.next = self.last.val();
                        self.state.d.next = SendState::CloseHeader;
                    }
                }
            }
            SendState::CloseHeader => {
                if self.free.val() {
                    self.out.d.next = self.crc.crc.val();
                    self.out_last.d.next = self.alone.q.val();
                    self.out_valid.d.next = true;
                    self.first.d.next = true;
                    self.state.d.next = SendState::PassFrame;
                    if self.alone.q.val() {
                        self.state.d.next = SendState::PassHeader;
                    }
                }
            }
            SendState::PassFrame => {
                if self.moves.val() {
                    self.out_valid.d.next = true;
                    self.wrong.d.next = self.spoilt.val();
                    if self.last.val() {
                        self.state.d.next = SendState::CloseFrame;
                    }
                }
            }
            SendState::CloseFrame => {
                if self.free.val() {
                    self.out.d.next = self.crc.crc.val();
                    if self.wrong.q.val() {
                        self.out.d.next = self.crc.crc.val() ^ bits::<32>(0xFFFF_FFFF_u64);
                    }
                    self.out_last.d.next = true;
                    self.out_valid.d.next = true;
                    self.first.d.next = true;
                    self.state.d.next = SendState::PassHeader;
                }
            }
            _ => {
                self.state.d.next = SendState::PassHeader;
            }
        }
        if self.free.val() {
            self.out_vi.d.next = self.vi.q.val();
            self.out_raw.d.next = self.is_raw.q.val();
        }
        if self.reset.val() {
            self.state.d.next = SendState::PassHeader;
            self.count.d.next = bits::<2>(0);
            self.first.d.next = true;
            self.out_valid.d.next = false;
        }
        self.wire_out.data.next = self.out.q.val();
        self.wire_out.last.next = self.out_last.q.val();
        self.wire_out.valid.next = self.out_valid.q.val();
        self.step.fire.next =
            self.out_valid.q.val() & self.out_last.q.val() & self.wire_out.ready.val();
        self.step.vi.next = self.out_vi.q.val();
        self.raw_left.next = self.out_valid.q.val()
            & self.out_last.q.val()
            & self.wire_out.ready.val()
            & self.out_raw.q.val();
        self.idle.next = !self.out_valid.q.val()
            & (self.state.q.val() == SendState::PassHeader)
            & (self.count.q.val() == bits::<2>(0));
    }
}
