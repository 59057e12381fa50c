//! What the header of a frame says, from the message's entry word and what is known of the frame.
//!
//! ```text
//!   entry, kind, response, last, bytes, nak ---> link type and flags, DDP and RDMAP control, lengths, payload mode
//! ```
//! The rest of a header is words of the context RAM, which ddp_insert puts between these. No clock: the outputs follow.

use rnic_abi::command::flags;
use rnic_abi::wire::{ddp, link, rdmap};
use rust_hdl::prelude::*;

use crate::block_new::block_new;

/// See the module.
#[derive(LogicBlock)]
pub struct HeaderFields {
    /// 0 message, 1 response, 2 replay, 3 acknowledgement, 4 Terminate, 5 raw.
    pub kind: Signal<In, Bits<3>>,
    /// Entry word of the message's record (descriptor_fetch.rs); 0 if there is none.
    pub entry: Signal<In, Bits<32>>,
    /// A Read Response, or one that is sent again.
    pub response: Signal<In, Bit>,
    /// Last frame of its message.
    pub last: Signal<In, Bit>,
    /// Payload bytes.
    pub bytes: Signal<In, Bits<16>>,
    /// A missing frame is to be reported.
    pub nak: Signal<In, Bit>,
    /// The message comes from the command ring.
    pub is_command: Signal<Out, Bit>,
    /// Its payload is in its command slot.
    pub is_inline: Signal<Out, Bit>,
    /// The frame is a Read Request.
    pub is_read: Signal<Out, Bit>,
    /// The frame is a tagged segment.
    pub is_tagged: Signal<Out, Bit>,
    /// The optional field of an untagged header holds an STag.
    pub names_stag: Signal<Out, Bit>,
    /// First byte of the link header.
    pub kind_byte: Signal<Out, Bits<8>>,
    /// Second byte of the link header.
    pub flags: Signal<Out, Bits<8>>,
    /// DDP control byte (RFC 5041 section 4.1).
    pub control: Signal<Out, Bits<8>>,
    /// RDMAP control byte (RFC 5040 section 4.1).
    pub opcode: Signal<Out, Bits<8>>,
    /// Bytes behind the link header: MPA length, header, payload, pad, CRC.
    pub frame_bytes: Signal<Out, Bits<16>>,
    /// MPA length (RFC 5044 section 4.1).
    pub ulpdu: Signal<Out, Bits<16>>,
    /// What payload_read does: 0 nothing, 1 segments, 2 inline, 3 Read Request, 4 raw.
    pub mode: Signal<Out, Bits<3>>,
    /// Byte 2 of the log's description: last, response, operation.
    pub marks: Signal<Out, Bits<8>>,
    is_replay: Signal<Local, Bit>,
    is_ack: Signal<Local, Bit>,
    is_terminate: Signal<Local, Bit>,
    is_raw: Signal<Local, Bit>,
    advertise: Signal<Local, Bit>,
    invalidates: Signal<Local, Bit>,
    plain_opcode: Signal<Local, Bits<8>>,
    header_bytes: Signal<Local, Bits<16>>,
    ulpdu_header: Signal<Local, Bits<16>>,
    reach: Signal<Local, Bits<16>>,
    operation_marks: Signal<Local, Bits<8>>,
    type_data: Constant<Bits<8>>,
    type_ack: Constant<Bits<8>>,
    type_raw: Constant<Bits<8>>,
    flag_nak: Constant<Bits<8>>,
    flag_retransmit: Constant<Bits<8>>,
    ddp_version: Constant<Bits<8>>,
    ddp_last: Constant<Bits<8>>,
    ddp_tagged: Constant<Bits<8>>,
    rdmap_version: Constant<Bits<8>>,
    rdmap_advertised: Constant<Bits<8>>,
    op_write: Constant<Bits<8>>,
    op_read_request: Constant<Bits<8>>,
    op_read_response: Constant<Bits<8>>,
    op_send: Constant<Bits<8>>,
    op_send_invalidate: Constant<Bits<8>>,
    op_terminate: Constant<Bits<8>>,
    solicited: Constant<Bits<8>>,
    buffer_bit: Constant<Bits<5>>,
    solicited_bit: Constant<Bits<5>>,
    advertise_bit: Constant<Bits<5>>,
}

impl HeaderFields {
    /// The fields of the wire, from the standards.
    pub fn new() -> Self {
        block_new!(kind entry response last bytes nak is_command is_inline is_read is_tagged names_stag kind_byte flags
            control opcode frame_bytes ulpdu mode marks is_replay is_ack is_terminate is_raw advertise invalidates
            plain_opcode header_bytes ulpdu_header reach operation_marks;
            type_data = link::TYPE_DATA,
            type_ack = link::TYPE_ACK,
            type_raw = link::TYPE_RAW,
            flag_nak = link::FLAG_NAK,
            flag_retransmit = link::FLAG_RETRANSMIT,
            ddp_version = ddp::VERSION,
            ddp_last = ddp::LAST,
            ddp_tagged = ddp::TAGGED,
            rdmap_version = rdmap::VERSION,
            rdmap_advertised = rdmap::STAG_VALID | rdmap::ADVERTISED,
            op_write = rdmap::WRITE,
            op_read_request = rdmap::READ_REQUEST,
            op_read_response = rdmap::READ_RESPONSE,
            op_send = rdmap::SEND,
            op_send_invalidate = rdmap::SEND_INVALIDATE,
            op_terminate = rdmap::TERMINATE,
            // From Send to Send with SE, and from Send with Invalidate to the one with SE.
            solicited = rdmap::SEND_SE - rdmap::SEND,
            buffer_bit = 4 + flags::MESSAGE_BUFFER.trailing_zeros(),
            solicited_bit = 4 + flags::SOLICITED.trailing_zeros(),
            advertise_bit = 4 + flags::ADVERTISE.trailing_zeros(),
        )
    }
}

impl Default for HeaderFields {
    fn default() -> Self {
        Self::new()
    }
}

impl Logic for HeaderFields {
    #[hdl_gen]
    fn update(&mut self) {
        self.is_replay.next = self.kind.val() == bits::<3>(2);
        self.is_ack.next = self.kind.val() == bits::<3>(3);
        self.is_terminate.next = self.kind.val() == bits::<3>(4);
        self.is_raw.next = self.kind.val() == bits::<3>(5);
        self.is_command.next = self.entry.val().get_bits::<4>(0).any();
        self.is_inline.next = !self.response.val()
            & self.is_command.val()
            & !self.entry.val().get_bit(self.buffer_bit.val().index());
        self.is_read.next = !self.response.val()
            & !self.is_command.val()
            & self.entry.val().get_bit(18)
            & !self.is_terminate.val();
        self.is_tagged.next = (self.response.val()
            | (!self.is_command.val() & self.entry.val().get_bit(17)))
            & !self.is_terminate.val();
        self.advertise.next = (self.entry.val().get_bits::<4>(0) == bits::<4>(1))
            & self.entry.val().get_bit(self.advertise_bit.val().index());
        self.invalidates.next = self.entry.val().get_bits::<4>(0) == bits::<4>(2);
        self.plain_opcode.next = self.op_send.val();
        if self.is_tagged.val() {
            self.plain_opcode.next = self.op_write.val();
        }
        if self.is_read.val() {
            self.plain_opcode.next = self.op_read_request.val();
        }
        if self.is_command.val() {
            if self.invalidates.val() {
                self.plain_opcode.next = self.op_send_invalidate.val();
                if self.entry.val().get_bit(self.solicited_bit.val().index()) {
                    self.plain_opcode.next = self.op_send_invalidate.val() | self.solicited.val();
                }
            } else {
                if self.entry.val().get_bit(self.solicited_bit.val().index()) {
                    self.plain_opcode.next = self.op_send.val() + self.solicited.val();
                }
                if self.advertise.val() {
                    self.plain_opcode.next = self.op_send.val() | self.rdmap_advertised.val();
                    if self.entry.val().get_bit(self.solicited_bit.val().index()) {
                        self.plain_opcode.next = (self.op_send.val() + self.solicited.val())
                            | self.rdmap_advertised.val();
                    }
                }
            }
        }
        if self.response.val() {
            self.plain_opcode.next = self.op_read_response.val();
        }
        if self.is_terminate.val() {
            self.plain_opcode.next = self.op_terminate.val();
        }
        self.control.next = self.ddp_version.val();
        if self.last.val() | self.is_read.val() | self.is_terminate.val() {
            self.control.next = self.ddp_version.val() | self.ddp_last.val();
        }
        if self.is_tagged.val() {
            self.control.next = self.ddp_version.val() | self.ddp_tagged.val();
            if self.last.val() {
                self.control.next =
                    self.ddp_version.val() | self.ddp_tagged.val() | self.ddp_last.val();
            }
        }

        // How long it is.
        self.header_bytes.next = bits::<16>(24 + 3);
        self.ulpdu_header.next = bits::<16>(18);
        if self.is_tagged.val() {
            self.header_bytes.next = bits::<16>(20 + 3);
            self.ulpdu_header.next = bits::<16>(14);
        }
        if self.is_raw.val() {
            self.header_bytes.next = bits::<16>(8 + 3);
        }
        self.reach.next = self.bytes.val() + self.header_bytes.val();
        self.frame_bytes.next = self.reach.val() & bits::<16>(0xFFFC);
        self.ulpdu.next = self.bytes.val() + self.ulpdu_header.val();

        self.flags.next = bits::<8>(0);
        if self.nak.val() {
            self.flags.next = self.flag_nak.val();
        }
        if self.is_replay.val() {
            self.flags.next = self.flag_retransmit.val();
            if self.nak.val() {
                self.flags.next = self.flag_retransmit.val() | self.flag_nak.val();
            }
        }
        self.kind_byte.next = self.type_data.val();
        if self.is_ack.val() {
            self.kind_byte.next = self.type_ack.val();
        }
        if self.is_raw.val() {
            self.kind_byte.next = self.type_raw.val();
            self.flags.next = bits::<8>(0);
        }
        self.mode.next = bits::<3>(1);
        if self.is_inline.val() {
            self.mode.next = bits::<3>(2);
        }
        if !self.bytes.val().any() {
            self.mode.next = bits::<3>(0);
        }
        if self.is_read.val() {
            self.mode.next = bits::<3>(3);
        }
        if self.is_raw.val() {
            self.mode.next = bits::<3>(4);
        }
        self.opcode.next = self.plain_opcode.val() | self.rdmap_version.val();
        self.names_stag.next = self.advertise.val() | self.invalidates.val();

        // What the log says.
        self.operation_marks.next = bits::<8>(0);
        if !self.is_command.val() {
            self.operation_marks.next =
                bit_cast::<8, 2>(self.entry.val().get_bits::<2>(17)) << bits::<3>(3);
        }
        if self.response.val() {
            self.operation_marks.next = bits::<8>(2);
        }
        self.marks.next = self.operation_marks.val();
        if self.last.val() {
            self.marks.next = self.operation_marks.val() | bits::<8>(1);
        }
    }
}
