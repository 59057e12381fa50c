//! Writes one completion record (ARCHITECTURE.md, eight words) while its payload is still on the way.
//!
//! Words 0 to 4 go out as soon as the completer takes them, so that its check of the descriptor's status word is hidden; the
//! others wait for `finish`. What the words need beyond the inputs comes from the receive context, whose read port `place`
//! has first. STag and VI hold from `open` until `named`, length, status and error until `idle`, the flags until `finish`.
//!
//! ```text
//! receive   receive CQ, writeback | handle | va low | va high | stag | length | status | kind, flags
//! one-shot  send CQ, reserved     | 0      | context | 0      | stag | length | 0      | kind, error, flags
//! raw       CQ 0                  | 0      | index  | 0       | 0    | length | 0      | kind
//! ```
//! Latency: four cycles from `finish` to the last word offered. Throughput: a record every twelve cycles.

use rnic_abi::completion::{kind, ADMIN_CQ};
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::StreamTx;
use crate::rx::receive_context::word;

/// What a record is about: the `kind` input.
pub mod record {
    /// A receive descriptor.
    pub const RECEIVE: u8 = 0;
    /// A one-shot.
    pub const ONE_SHOT: u8 = 1;
    /// A raw frame.
    pub const RAW: u8 = 2;
}

/// States.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum ReportState {
    /// Wait for `open`.
    Rest,
    /// Ask the context for a word, or write one that needs none.
    Write,
    /// Write the context's word.
    WriteContext,
}

/// See the module.
#[derive(LogicBlock)]
pub struct CompletionReport {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Begin a record.
    pub open: Signal<In, Bit>,
    /// `record`.
    pub kind: Signal<In, Bits<2>>,
    /// The rest is known. May come with `open` or at any time after it.
    pub finish: Signal<In, Bit>,
    /// VI.
    pub vi: Signal<In, Bits<4>>,
    /// STag, where a flag says so.
    pub stag: Signal<In, Bits<32>>,
    /// CQE word 7: advertised.
    pub advertised: Signal<In, Bit>,
    /// CQE word 7: invalidated.
    pub invalidated: Signal<In, Bit>,
    /// CQE word 7: solicited.
    pub solicited: Signal<In, Bit>,
    /// Raw ring index.
    pub raw_index: Signal<In, Bits<16>>,
    /// Bytes.
    pub length: Signal<In, Bits<32>>,
    /// VIA status of a receive descriptor.
    pub status: Signal<In, Bits<32>>,
    /// `abi::error::CommandError` of a one-shot.
    pub error: Signal<In, Bits<8>>,
    /// No record is open.
    pub idle: Signal<Out, Bit>,
    /// Words 0 to 4 are done with.
    pub named: Signal<Out, Bit>,
    /// Of the receive context's two descriptors the spare one completes.
    pub spare: Signal<In, Bit>,
    /// Asks the context for `context_index`.
    pub context_wanted: Signal<Out, Bit>,
    /// Which word.
    pub context_index: Signal<Out, Bits<7>>,
    /// It gets it.
    pub context_granted: Signal<In, Bit>,
    /// The word, a cycle later.
    pub context_data: Signal<In, Bits<32>>,
    /// To the completer.
    pub complete: StreamTx,

    state: DFF<ReportState>,
    number: DFF<Bits<3>>,
    finished: DFF<Bit>,
    record_kind: DFF<Bits<2>>,
    flag_bits: DFF<Bits<3>>,
    data: DFF<Bits<32>>,
    last: DFF<Bit>,
    valid: DFF<Bit>,

    free: Signal<Local, Bit>,
    loads: Signal<Local, Bit>,
    is_receive: Signal<Local, Bit>,
    is_one_shot: Signal<Local, Bit>,
    needs_context: Signal<Local, Bit>,
    cq: Signal<Local, Bits<8>>,
    next_word: Signal<Local, Bits<32>>,
    flags: Signal<Local, Bits<32>>,
    handle_base: Signal<Local, Bits<7>>,
    record_receive: Constant<Bits<2>>,
    record_one_shot: Constant<Bits<2>>,
    admin_cq: Constant<Bits<8>>,
    kind_receive: Constant<Bits<32>>,
    kind_one_shot: Constant<Bits<32>>,
    kind_raw: Constant<Bits<32>>,
    queues_word: Constant<Bits<7>>,
    handle_word: Constant<Bits<7>>,
    spare_handle_word: Constant<Bits<7>>,
    context_word: Constant<Bits<7>>,
}

impl CompletionReport {
    /// The block.
    pub fn new() -> Self {
        block_new!(
            clock reset open kind finish vi stag advertised invalidated solicited raw_index length
            status error idle named spare context_wanted context_index context_granted context_data complete
            state number finished record_kind flag_bits data last valid free loads is_receive is_one_shot
            needs_context cq next_word flags handle_base;
            record_receive = record::RECEIVE,
            record_one_shot = record::ONE_SHOT,
            admin_cq = ADMIN_CQ,
            kind_receive = kind::RECEIVE,
            kind_one_shot = kind::ONE_SHOT,
            kind_raw = kind::RAW,
            queues_word = word::QUEUES,
            handle_word = word::DESCRIPTOR_HANDLE,
            spare_handle_word = word::SPARE_HANDLE,
            context_word = word::ONE_SHOT_CONTEXT,
        )
    }
}

impl Default for CompletionReport {
    fn default() -> Self {
        Self::new()
    }
}

impl Logic for CompletionReport {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            number,
            finished,
            record_kind,
            flag_bits,
            data,
            last,
            valid
        );
        self.free.next = !self.valid.q.val() | self.complete.ready.val();
        self.is_receive.next = self.record_kind.q.val() == self.record_receive.val();
        self.is_one_shot.next = self.record_kind.q.val() == self.record_one_shot.val();

        // Which words come from the context.
        self.handle_base.next = self.handle_word.val();
        if self.spare.val() {
            self.handle_base.next = self.spare_handle_word.val();
        }
        self.needs_context.next = false;
        self.context_index.next = self.queues_word.val();
        if self.number.q.val() == bits::<3>(0) {
            self.needs_context.next = self.is_receive.val() | self.is_one_shot.val();
        } else if self.is_receive.val() {
            self.needs_context.next = self.number.q.val() <= bits::<3>(3);
            self.context_index.next =
                self.handle_base.val() + bit_cast::<7, 3>(self.number.q.val()) - bits::<7>(1);
        } else if self.is_one_shot.val() & (self.number.q.val() == bits::<3>(2)) {
            self.needs_context.next = true;
            self.context_index.next = self.context_word.val();
        }

        // The word.
        self.cq.next = self.admin_cq.val();
        if self.is_receive.val() {
            self.cq.next = self.context_data.val().get_bits::<8>(8);
        }
        if self.is_one_shot.val() {
            self.cq.next = self.context_data.val().get_bits::<8>(0);
        }
        self.flags.next = bits::<32>(0)
            .replace_bit(30, self.flag_bits.q.val().get_bit(2))
            .replace_bit(29, self.flag_bits.q.val().get_bit(1))
            .replace_bit(28, self.flag_bits.q.val().get_bit(0));
        self.next_word.next = bits::<32>(0);
        if self.state.q.val() == ReportState::WriteContext {
            self.next_word.next = self.context_data.val();
        }
        if self.number.q.val() == bits::<3>(0) {
            self.next_word.next = bit_cast::<32, 8>(self.cq.val())
                | (bit_cast::<32, 4>(self.vi.val()) << bits::<32>(24));
            if self.is_receive.val() {
                self.next_word.next = (bit_cast::<32, 8>(self.cq.val()) | bits::<32>(0x100))
                    | (bit_cast::<32, 4>(self.vi.val()) << bits::<32>(24));
            }
            if self.is_one_shot.val() {
                self.next_word.next = (bit_cast::<32, 8>(self.cq.val()) | bits::<32>(0x200))
                    | (bit_cast::<32, 4>(self.vi.val()) << bits::<32>(24));
            }
        }
        if (self.number.q.val() == bits::<3>(2))
            & (!self.is_receive.val() & !self.is_one_shot.val())
        {
            self.next_word.next = bit_cast::<32, 16>(self.raw_index.val());
        }
        // A one-shot that fails is known by its STag too, which may leave before the release that makes it invalidated.
        if (self.number.q.val() == bits::<3>(4))
            & (self.advertised.val() | self.invalidated.val() | self.is_one_shot.val())
        {
            self.next_word.next = self.stag.val();
        }
        if self.number.q.val() == bits::<3>(5) {
            self.next_word.next = self.length.val();
        }
        if (self.number.q.val() == bits::<3>(6)) & self.is_receive.val() {
            self.next_word.next = self.status.val();
        }
        if self.number.q.val() == bits::<3>(7) {
            self.next_word.next = self.kind_raw.val();
            if self.is_receive.val() {
                self.next_word.next = self.kind_receive.val() | self.flags.val();
            }
            if self.is_one_shot.val() {
                self.next_word.next = (self.kind_one_shot.val() | self.flags.val())
                    | (bit_cast::<32, 8>(self.error.val()) << bits::<32>(8));
            }
        }

        self.loads.next = false;
        self.context_wanted.next = false;
        if self.complete.ready.val() {
            self.valid.d.next = false;
        }
        match self.state.q.val() {
            ReportState::Rest => {
                self.number.d.next = bits::<3>(0);
                self.finished.d.next = false;
                if self.open.val() {
                    self.record_kind.d.next = self.kind.val();
                    self.state.d.next = ReportState::Write;
                }
            }
            ReportState::Write => {
                if self.free.val() {
                    if self.needs_context.val() {
                        self.context_wanted.next = true;
                        if self.context_granted.val() {
                            self.state.d.next = ReportState::WriteContext;
                        }
                    } else {
                        self.loads.next =
                            (self.number.q.val() <= bits::<3>(4)) | self.finished.q.val();
                    }
                }
            }
            ReportState::WriteContext => {
                // The register was free a cycle ago, and nobody else fills it.
                self.loads.next = true;
                self.state.d.next = ReportState::Write;
            }
            _ => {
                self.state.d.next = ReportState::Rest;
            }
        }
        if self.loads.val() {
            self.data.d.next = self.next_word.val();
            self.last.d.next = self.number.q.val() == bits::<3>(7);
            self.valid.d.next = true;
            self.number.d.next = self.number.q.val() + bits::<3>(1);
            if self.number.q.val() == bits::<3>(7) {
                self.state.d.next = ReportState::Rest;
            }
        }
        if self.finish.val() {
            self.finished.d.next = true;
            self.flag_bits.d.next = bits::<3>(0)
                .replace_bit(2, self.advertised.val())
                .replace_bit(1, self.invalidated.val())
                .replace_bit(0, self.solicited.val());
        }
        self.named.next =
            (self.state.q.val() == ReportState::Rest) | (self.number.q.val() >= bits::<3>(5));
        self.idle.next = self.state.q.val() == ReportState::Rest;
        self.complete.data.next = self.data.q.val();
        self.complete.last.next = self.last.q.val();
        self.complete.valid.next = self.valid.q.val();
        if self.reset.val() {
            self.state.d.next = ReportState::Rest;
            self.valid.d.next = false;
            self.finished.d.next = false;
        }
    }
}
