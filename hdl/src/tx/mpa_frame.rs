//! Step `mpa_frame`: joins header words and payload into one frame and clears the pad.
//!
//! ```text
//!   header words (ddp_insert) --+
//!                               +--> frame words, last ---> llp_send (adds both CRCs)
//!   payload (payload_read) -----+
//! ```
//! The MPA length is in the header already; the pad is what is left of the payload's last word. The CRC word is appended where
//! the words pass one at a time anyway, in llp_send, so that one CRC circuit serves link header, FPDU and raw frame; a
//! failed read makes it wrong, because the frame has a length by then.
//!
//! Latency: none, the outputs follow the inputs.

use rnic_abi::event::Event;
use rnic_abi::wire::link;
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::{StepTx, ViErrorTx};

/// See the module.
#[derive(LogicBlock)]
pub struct MpaFrame {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// Header word.
    pub header_data: Signal<In, Bits<32>>,
    /// Last header word.
    pub header_last: Signal<In, Bit>,
    /// There is one.
    pub header_valid: Signal<In, Bit>,
    /// Taken.
    pub header_ready: Signal<Out, Bit>,
    /// With `header_last`: payload follows.
    pub header_payload: Signal<In, Bit>,
    /// With `header_last`: payload bytes modulo 4.
    pub header_tail: Signal<In, Bits<2>>,
    /// Payload word.
    pub payload_data: Signal<In, Bits<32>>,
    /// Last payload word.
    pub payload_last: Signal<In, Bit>,
    /// With `payload_last`: a read failed.
    pub payload_error: Signal<In, Bit>,
    /// There is one.
    pub payload_valid: Signal<In, Bit>,
    /// Taken.
    pub payload_ready: Signal<Out, Bit>,
    /// Frame word.
    pub out_data: Signal<Out, Bits<32>>,
    /// Last before the CRC.
    pub out_last: Signal<Out, Bit>,
    /// With `out_last`: make the CRC wrong.
    pub out_spoilt: Signal<Out, Bit>,
    /// There is one.
    pub out_valid: Signal<Out, Bit>,
    /// Taken.
    pub out_ready: Signal<In, Bit>,
    /// Between frames.
    pub idle: Signal<Out, Bit>,
    /// A read failed: the VI cannot go on.
    pub vi_error: ViErrorTx,
    /// The last payload word was read.
    pub payload_step: StepTx,
    /// A frame is complete.
    pub step: StepTx,
    inside: DFF<Bit>,
    in_payload: DFF<Bit>,
    is_data: DFF<Bit>,
    vi: DFF<Bits<8>>,
    tail: DFF<Bits<2>>,
    broken: DFF<Bit>,
    broken_vi: DFF<Bits<8>>,
    mask: Signal<Local, Bits<32>>,
    moves: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    now_vi: Signal<Local, Bits<8>>,
    now_data: Signal<Local, Bit>,
    type_data: Constant<Bits<8>>,
    send_error: Constant<Bits<4>>,
}

impl MpaFrame {
    /// Between frames.
    pub fn new() -> Self {
        block_new!(clock reset header_data header_last header_valid header_ready header_payload header_tail payload_data
            payload_last payload_error payload_valid payload_ready out_data out_last out_spoilt out_valid out_ready idle
            vi_error payload_step step inside in_payload is_data vi tail broken broken_vi mask moves ends now_vi now_data;
            type_data = link::TYPE_DATA, send_error = Event::SendError as u8)
    }
}

impl Default for MpaFrame {
    fn default() -> Self {
        Self::new()
    }
}

impl Logic for MpaFrame {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, inside, in_payload, is_data, vi, tail, broken, broken_vi);
        self.mask.next = bits::<32>(0xFFFF_FFFF_u64);
        if self.payload_last.val() {
            if self.tail.q.val() == bits::<2>(1) {
                self.mask.next = bits::<32>(0xFF);
            }
            if self.tail.q.val() == bits::<2>(2) {
                self.mask.next = bits::<32>(0xFFFF);
            }
            if self.tail.q.val() == bits::<2>(3) {
                self.mask.next = bits::<32>(0xFF_FFFF);
            }
        }
        self.out_data.next = self.header_data.val();
        self.out_valid.next = self.header_valid.val();
        self.out_last.next = self.header_last.val() & !self.header_payload.val();
        self.out_spoilt.next = false;
        self.header_ready.next = self.out_ready.val();
        self.payload_ready.next = false;
        self.moves.next = self.header_valid.val() & self.out_ready.val();
        self.now_vi.next = self.vi.q.val();
        self.now_data.next = self.is_data.q.val();
        if self.in_payload.q.val() {
            self.out_data.next = self.payload_data.val() & self.mask.val();
            self.out_valid.next = self.payload_valid.val();
            self.out_last.next = self.payload_last.val();
            self.out_spoilt.next = self.payload_error.val();
            self.header_ready.next = false;
            self.payload_ready.next = self.out_ready.val();
            self.moves.next = self.payload_valid.val() & self.out_ready.val();
        }
        self.ends.next = self.moves.val() & self.out_last.val();
        if !self.inside.q.val() {
            // The first word says what the frame is and whose.
            self.now_vi.next = self.header_data.val().get_bits::<8>(24);
            self.now_data.next = self.header_data.val().get_bits::<8>(0) == self.type_data.val();
        }
        self.payload_step.fire.next = self.ends.val() & self.in_payload.q.val();
        self.payload_step.vi.next = self.vi.q.val();
        self.step.fire.next = self.ends.val() & self.now_data.val();
        self.step.vi.next = self.vi.q.val();
        if self.moves.val() {
            self.inside.d.next = true;
            self.vi.d.next = self.now_vi.val();
            self.is_data.d.next = self.now_data.val();
            if !self.in_payload.q.val() & self.header_last.val() & self.header_payload.val() {
                self.in_payload.d.next = true;
                self.tail.d.next = self.header_tail.val();
            }
            if self.ends.val() {
                self.inside.d.next = false;
                self.in_payload.d.next = false;
                if self.in_payload.q.val() & self.payload_error.val() & self.is_data.q.val() {
                    self.broken.d.next = true;
                    self.broken_vi.d.next = self.vi.q.val();
                }
            }
        }
        self.vi_error.valid.next = self.broken.q.val();
        self.vi_error.vi.next = self.broken_vi.q.val();
        self.vi_error.event.next = self.send_error.val();
        if self.broken.q.val() & self.vi_error.ready.val() {
            self.broken.d.next = false;
        }
        if self.reset.val() {
            self.inside.d.next = false;
            self.in_payload.d.next = false;
            self.broken.d.next = false;
        }
        self.idle.next = !self.inside.q.val() & !self.broken.q.val();
    }
}
