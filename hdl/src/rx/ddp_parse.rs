//! Step `ddp_parse`: checks the DDP and RDMAP header of an FPDU word by word and keeps what is needed of it.
//!
//! It is given words 0 to 4 of the FPDU (0 to 3 of a tagged one) and, with each, the word that the VI's receive context
//! expects there: queue number, MSN and MO of an untagged segment, STag and offset of a Read Response. It does not know
//! where these come from, and touches no memory. The registers of STag and offset serve `place` too, which may load them
//! with the segment of a local buffer (`load`): the wire's STag stays in `field`.
//!
//! ```text
//!          bits 7:0   15:8   23:16   31:24
//! word 0   length hi, lo   | ddp   | rdmap         -> opcode, tagged, last, bytes
//! word 1   stag (tagged) or field                  -> field, stag
//! word 2   offset high   or queue number (compared)-> high
//! word 3   offset low    or MSN (compared)         -> low
//! word 4   payload       or MO (compared)
//! ```
//! RFC 5041 sections 4 and 7.1, RFC 5040 section 4.3. Reserved bits are ignored. The first error counts.
//! Latency: one cycle from a word to its registers.

use rnic_abi::error::terminate;
use rnic_abi::wire::{ddp, rdmap, TAGGED_HEADER_BYTES, UNTAGGED_HEADER_BYTES};
use rust_hdl::prelude::*;

use crate::block_new::block_new;

/// See the module.
#[derive(LogicBlock)]
pub struct DdpParse {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// A word of the FPDU, as it came.
    pub word: Signal<In, Bits<32>>,
    /// Its number.
    pub index: Signal<In, Bits<3>>,
    /// Take it.
    pub take: Signal<In, Bit>,
    /// What the context expects in its place.
    pub expected: Signal<In, Bits<32>>,
    /// The VI is unreliable: messages may be missing, so the MSN is not compared.
    pub unreliable: Signal<In, Bit>,
    /// Load register 1 (stag), 2 (high) or 3 (low) with `load_data`.
    pub load: Signal<In, Bit>,
    /// Which.
    pub load_index: Signal<In, Bits<2>>,
    /// With what.
    pub load_data: Signal<In, Bits<32>>,
    /// The word in host order.
    pub swapped: Signal<Out, Bits<32>>,
    /// RDMAP opcode.
    pub opcode: Signal<Out, Bits<4>>,
    /// Tagged.
    pub tagged: Signal<Out, Bit>,
    /// Last segment of the message.
    pub last: Signal<Out, Bit>,
    /// Rsv bits: the field holds a valid STag, which is advertised.
    pub advertised: Signal<Out, Bit>,
    /// Opcode 4 or 6.
    pub invalidates: Signal<Out, Bit>,
    /// Opcode 5 or 6.
    pub solicited: Signal<Out, Bit>,
    /// Opcode 3 to 6.
    pub is_send: Signal<Out, Bit>,
    /// Opcode 0.
    pub is_write: Signal<Out, Bit>,
    /// Opcode 1.
    pub is_request: Signal<Out, Bit>,
    /// Opcode 2.
    pub is_response: Signal<Out, Bit>,
    /// ULPDU length as received.
    pub ulpdu_bytes: Signal<Out, Bits<16>>,
    /// Payload bytes.
    pub bytes: Signal<Out, Bits<16>>,
    /// Word 1 as received.
    pub field: Signal<Out, Bits<32>>,
    /// Word 1, or what was loaded.
    pub stag: Signal<Out, Bits<32>>,
    /// Word 2, or what was loaded.
    pub high: Signal<Out, Bits<32>>,
    /// Word 3, or what was loaded.
    pub low: Signal<Out, Bits<32>>,
    /// The header is in error.
    pub refused: Signal<Out, Bit>,
    /// With which Terminate code.
    pub code: Signal<Out, Bits<16>>,

    length: DFF<Bits<16>>,
    ddp_control: DFF<Bits<8>>,
    rdmap_control: DFF<Bits<8>>,
    bytes_register: DFF<Bits<16>>,
    field_register: DFF<Bits<32>>,
    stag_register: DFF<Bits<32>>,
    high_register: DFF<Bits<32>>,
    low_register: DFF<Bits<32>>,
    error: DFF<Bit>,
    error_code: DFF<Bits<16>>,

    turned: Signal<Local, Bits<32>>,
    into: Signal<Local, Bits<32>>,
    new_length: Signal<Local, Bits<16>>,
    new_ddp: Signal<Local, Bits<8>>,
    new_rdmap: Signal<Local, Bits<8>>,
    new_opcode: Signal<Local, Bits<4>>,
    new_tagged: Signal<Local, Bit>,
    wants_tagged: Signal<Local, Bit>,
    header: Signal<Local, Bits<16>>,
    differs: Signal<Local, Bit>,
    now_opcode: Signal<Local, Bits<4>>,
    now_tagged: Signal<Local, Bit>,
    now_response: Signal<Local, Bit>,
    ddp_version: Constant<Bits<2>>,
    rdmap_version: Constant<Bits<2>>,
    op_write: Constant<Bits<4>>,
    op_request: Constant<Bits<4>>,
    op_response: Constant<Bits<4>>,
    op_send: Constant<Bits<4>>,
    op_send_invalidate: Constant<Bits<4>>,
    op_send_se: Constant<Bits<4>>,
    op_send_se_invalidate: Constant<Bits<4>>,
    tagged_header: Constant<Bits<16>>,
    untagged_header: Constant<Bits<16>>,
    code_tagged_version: Constant<Bits<16>>,
    code_untagged_version: Constant<Bits<16>>,
    code_rdmap_version: Constant<Bits<16>>,
    code_opcode: Constant<Bits<16>>,
    code_length: Constant<Bits<16>>,
    code_stag: Constant<Bits<16>>,
    code_bounds: Constant<Bits<16>>,
    code_qn: Constant<Bits<16>>,
    code_msn: Constant<Bits<16>>,
    code_mo: Constant<Bits<16>>,
}

impl DdpParse {
    /// The block.
    pub fn new() -> Self {
        block_new!(
            clock word index take expected unreliable load load_index load_data swapped opcode
            tagged last advertised invalidates solicited is_send is_write is_request is_response
            ulpdu_bytes bytes field stag high low refused code length ddp_control rdmap_control
            bytes_register field_register stag_register high_register low_register error error_code
            turned into new_length new_ddp new_rdmap new_opcode new_tagged wants_tagged header
            differs now_opcode now_tagged now_response;
            ddp_version = ddp::VERSION,
            rdmap_version = rdmap::VERSION >> rdmap::VERSION_MASK.trailing_zeros(),
            op_write = rdmap::WRITE,
            op_request = rdmap::READ_REQUEST,
            op_response = rdmap::READ_RESPONSE,
            op_send = rdmap::SEND,
            op_send_invalidate = rdmap::SEND_INVALIDATE,
            op_send_se = rdmap::SEND_SE,
            op_send_se_invalidate = rdmap::SEND_SE_INVALIDATE,
            tagged_header = TAGGED_HEADER_BYTES as u64,
            untagged_header = UNTAGGED_HEADER_BYTES as u64,
            code_tagged_version = terminate::DDP_TAGGED_VERSION,
            code_untagged_version = terminate::DDP_UNTAGGED_VERSION,
            code_rdmap_version = terminate::RDMAP_VERSION,
            code_opcode = terminate::RDMAP_OPCODE,
            code_length = terminate::RDMAP_CATASTROPHIC,
            code_stag = terminate::DDP_INVALID_STAG,
            code_bounds = terminate::DDP_BOUNDS,
            code_qn = terminate::DDP_QN,
            code_msn = terminate::DDP_MSN,
            code_mo = terminate::DDP_MO,
        )
    }
}

impl Default for DdpParse {
    fn default() -> Self {
        Self::new()
    }
}

impl Logic for DdpParse {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            length,
            ddp_control,
            rdmap_control,
            bytes_register,
            field_register,
            stag_register,
            high_register,
            low_register,
            error,
            error_code
        );
        self.turned.next = (bit_cast::<32, 8>(self.word.val().get_bits::<8>(0)) << bits::<32>(24))
            | (bit_cast::<32, 8>(self.word.val().get_bits::<8>(8)) << bits::<32>(16))
            | (bit_cast::<32, 8>(self.word.val().get_bits::<8>(16)) << bits::<32>(8))
            | bit_cast::<32, 8>(self.word.val().get_bits::<8>(24));
        self.swapped.next = self.turned.val();

        // Word 0, host order: length 31:16, DDP control 15:8, RDMAP control 7:0.
        self.new_length.next = self.turned.val().get_bits::<16>(16);
        self.new_ddp.next = self.turned.val().get_bits::<8>(8);
        self.new_rdmap.next = self.turned.val().get_bits::<8>(0);
        self.new_opcode.next = self.new_rdmap.val().get_bits::<4>(0);
        self.new_tagged.next = self.new_ddp.val().get_bit(7);
        self.wants_tagged.next = (self.new_opcode.val() == self.op_write.val())
            | (self.new_opcode.val() == self.op_response.val());
        self.header.next = self.untagged_header.val();
        if self.new_tagged.val() {
            self.header.next = self.tagged_header.val();
        }

        self.now_opcode.next = self.rdmap_control.q.val().get_bits::<4>(0);
        self.now_tagged.next = self.ddp_control.q.val().get_bit(7);
        self.now_response.next = self.now_opcode.val() == self.op_response.val();
        self.differs.next = self.turned.val() != self.expected.val();

        if self.take.val() {
            if self.index.val() == bits::<3>(0) {
                self.length.d.next = self.new_length.val();
                self.ddp_control.d.next = self.new_ddp.val();
                self.rdmap_control.d.next = self.new_rdmap.val();
                self.bytes_register.d.next = self.new_length.val() - self.header.val();
                self.error.d.next = true;
                if self.new_ddp.val().get_bits::<2>(0) != self.ddp_version.val() {
                    self.error_code.d.next = self.code_untagged_version.val();
                    if self.new_tagged.val() {
                        self.error_code.d.next = self.code_tagged_version.val();
                    }
                } else if self.new_rdmap.val().get_bits::<2>(6) != self.rdmap_version.val() {
                    self.error_code.d.next = self.code_rdmap_version.val();
                } else if self.new_opcode.val().get_bit(3)
                    | (self.new_tagged.val() != self.wants_tagged.val())
                {
                    self.error_code.d.next = self.code_opcode.val();
                } else if self.new_length.val() < self.header.val() {
                    self.error_code.d.next = self.code_length.val();
                } else {
                    self.error.d.next = false;
                }
            }
            if !self.error.q.val() & self.differs.val() {
                if self.index.val() == bits::<3>(1) {
                    self.error.d.next = self.now_response.val();
                    self.error_code.d.next = self.code_stag.val();
                }
                if self.index.val() == bits::<3>(2) {
                    self.error.d.next = self.now_response.val() | !self.now_tagged.val();
                    self.error_code.d.next = self.code_qn.val();
                    if self.now_tagged.val() {
                        self.error_code.d.next = self.code_bounds.val();
                    }
                }
                if self.index.val() == bits::<3>(3) {
                    self.error.d.next =
                        self.now_response.val() | (!self.now_tagged.val() & !self.unreliable.val());
                    self.error_code.d.next = self.code_msn.val();
                    if self.now_tagged.val() {
                        self.error_code.d.next = self.code_bounds.val();
                    }
                }
                if self.index.val() == bits::<3>(4) {
                    self.error.d.next = !self.now_tagged.val();
                    self.error_code.d.next = self.code_mo.val();
                }
            }
            if self.index.val() == bits::<3>(1) {
                self.field_register.d.next = self.turned.val();
            }
        }

        // STag and offset: from the wire, or a local buffer's.
        self.into.next = self.turned.val();
        if self.load.val() {
            self.into.next = self.load_data.val();
        }
        if (self.take.val() & (self.index.val() == bits::<3>(1)))
            | (self.load.val() & (self.load_index.val() == bits::<2>(1)))
        {
            self.stag_register.d.next = self.into.val();
        }
        if (self.take.val() & (self.index.val() == bits::<3>(2)))
            | (self.load.val() & (self.load_index.val() == bits::<2>(2)))
        {
            self.high_register.d.next = self.into.val();
        }
        if (self.take.val() & (self.index.val() == bits::<3>(3)))
            | (self.load.val() & (self.load_index.val() == bits::<2>(3)))
        {
            self.low_register.d.next = self.into.val();
        }

        self.opcode.next = self.now_opcode.val();
        self.tagged.next = self.now_tagged.val();
        self.last.next = self.ddp_control.q.val().get_bit(6);
        self.advertised.next =
            self.rdmap_control.q.val().get_bit(5) & self.rdmap_control.q.val().get_bit(4);
        self.invalidates.next = (self.now_opcode.val() == self.op_send_invalidate.val())
            | (self.now_opcode.val() == self.op_send_se_invalidate.val());
        self.solicited.next = (self.now_opcode.val() == self.op_send_se.val())
            | (self.now_opcode.val() == self.op_send_se_invalidate.val());
        self.is_send.next = (self.now_opcode.val() == self.op_send.val())
            | (self.now_opcode.val() == self.op_send_invalidate.val())
            | (self.now_opcode.val() == self.op_send_se.val())
            | (self.now_opcode.val() == self.op_send_se_invalidate.val());
        self.is_write.next = self.now_opcode.val() == self.op_write.val();
        self.is_request.next = self.now_opcode.val() == self.op_request.val();
        self.is_response.next = self.now_response.val();
        self.ulpdu_bytes.next = self.length.q.val();
        self.bytes.next = self.bytes_register.q.val();
        self.field.next = self.field_register.q.val();
        self.stag.next = self.stag_register.q.val();
        self.high.next = self.high_register.q.val();
        self.low.next = self.low_register.q.val();
        self.refused.next = self.error.q.val();
        self.code.next = self.error_code.q.val();
    }
}
