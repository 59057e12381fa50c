//! The registers that the board acts on, and the word that a load answers.
//!
//! What the driver stores here is also kept in the register memory, which answers loads of it; this block answers what
//! is alive: control, status, and the numbers that other blocks show. It decodes no offsets (see `bar_decode`).
//!
//! ```text
//!  stores --> control, interrupt mask, status line, raw ring --> the blocks
//!  value (register memory) --+
//!  live words ---------------+--> [answer] --> bar_data
//!  [high word of the last 64-bit load] --+
//! ```
//!
//! Latency: a load is answered in the cycle after its `op_done`. The two words of a 64-bit register take effect one after the
//! other: the status line and the raw ring are set up before the board is enabled.

use rnic_abi::registers::map::{
    CONTROL, EVENT_SUMMARY, INTERRUPT_MASK, RAW_CONSUMED, RAW_RING_ENTRIES, RAW_RING_IOVA,
    RING_CONSUMED, SGES_FREE, SLOT_PARITY, STATUS, STATUS_LINE_IOVA, TRACE_HEAD,
};
use rnic_abi::registers::{control, status};
use rust_hdl::prelude::*;

use crate::interfaces::BarResponseTx;

/// See the module.
#[derive(LogicBlock)]
pub struct Registers {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous: everything stored goes to zero.
    pub reset: Signal<In, Bit>,
    /// Answers.
    pub bar_data: BarResponseTx,

    /// From `bar_decode`: in this cycle `CONTROL` is stored.
    pub control_store: Signal<In, Bit>,
    /// The operation stores.
    pub op_store: Signal<In, Bit>,
    /// The operation loads or clears: it is a load if it does neither.
    pub op_clear: Signal<In, Bit>,
    /// The operation ends.
    pub op_done: Signal<In, Bit>,
    /// The word to store; zero in reset.
    pub op_data: Signal<In, Bits<32>>,
    /// It is in the first 32 registers.
    pub in_registers: Signal<In, Bit>,
    /// It is a VI state.
    pub in_vi_state: Signal<In, Bit>,
    /// It is in the trace.
    pub in_trace: Signal<In, Bit>,
    /// It is the high word of a 64-bit register.
    pub latched: Signal<In, Bit>,
    /// Register, or VI.
    pub index: Signal<In, Bits<10>>,
    /// From the register memory: `value` is the low word.
    pub low_valid: Signal<In, Bit>,
    /// `value` is the high word.
    pub high_valid: Signal<In, Bit>,
    /// What the register memory holds.
    pub value: Signal<In, Bits<32>>,

    /// A reset is running.
    pub resetting: Signal<In, Bit>,
    /// Something moves.
    pub is_busy: Signal<In, Bit>,
    /// The bus refused an access.
    pub bus_error: Signal<In, Bit>,
    /// `RING_CONSUMED`.
    pub ring_consumed: Signal<In, Bits<32>>,
    /// `SLOT_PARITY`.
    pub slot_parity: Signal<In, Bits<32>>,
    /// `SGES_FREE`.
    pub sges_free: Signal<In, Bits<16>>,
    /// `EVENT_SUMMARY`.
    pub summary: Signal<In, Bits<16>>,
    /// `VI_STATE` of the VI in `index`.
    pub vi_state: Signal<In, Bits<3>>,
    /// `TRACE_HEAD`.
    pub trace_head: Signal<In, Bits<32>>,
    /// The trace entry in `index`.
    pub trace_entry: Signal<In, Bits<64>>,

    /// Starts a reset.
    pub start_reset: Signal<Out, Bit>,
    /// The board takes work.
    pub enable: Signal<Out, Bit>,
    /// The wire is looped back.
    pub loopback: Signal<Out, Bit>,
    /// `INTERRUPT_MASK`.
    pub interrupt_mask: Signal<Out, Bits<32>>,
    /// `STATUS_LINE_IOVA`.
    pub status_line_iova: Signal<Out, Bits<48>>,
    /// `RAW_RING_IOVA`.
    pub raw_ring_iova: Signal<Out, Bits<48>>,
    /// `RAW_RING_ENTRIES`.
    pub raw_ring_entries: Signal<Out, Bits<32>>,
    /// `RAW_CONSUMED`.
    pub raw_consumed: Signal<Out, Bits<32>>,

    enabled: DFF<Bit>,
    looped: DFF<Bit>,
    refused: DFF<Bit>,
    mask: DFF<Bits<32>>,
    line_low: DFF<Bits<32>>,
    line_high: DFF<Bits<16>>,
    ring_low: DFF<Bits<32>>,
    ring_high: DFF<Bits<16>>,
    entries: DFF<Bits<32>>,
    consumed: DFF<Bits<32>>,
    high: DFF<Bits<32>>,
    answer: DFF<Bits<32>>,
    answers: DFF<Bit>,

    word: Signal<Local, Bits<5>>,
    stores: Signal<Local, Bit>,
    alive: Signal<Local, Bits<32>>,
    control_word: Signal<Local, Bits<32>>,
    status_word: Signal<Local, Bits<32>>,
    is_event: Signal<Local, Bit>,
    enable_bit: Constant<Bits<5>>,
    loopback_bit: Constant<Bits<5>>,
    reset_bit: Constant<Bits<5>>,
    enabled_bit: Constant<Bits<5>>,
    busy_bit: Constant<Bits<5>>,
    resetting_bit: Constant<Bits<5>>,
    bus_error_bit: Constant<Bits<5>>,
    event_bit: Constant<Bits<5>>,
    at_control: Constant<Bits<5>>,
    at_status: Constant<Bits<5>>,
    at_mask: Constant<Bits<5>>,
    at_ring_consumed: Constant<Bits<5>>,
    at_line_low: Constant<Bits<5>>,
    at_line_high: Constant<Bits<5>>,
    at_ring_low: Constant<Bits<5>>,
    at_ring_high: Constant<Bits<5>>,
    at_entries: Constant<Bits<5>>,
    at_consumed: Constant<Bits<5>>,
    at_parity: Constant<Bits<5>>,
    at_summary: Constant<Bits<5>>,
    at_trace_head: Constant<Bits<5>>,
    at_sges_free: Constant<Bits<5>>,
}

/// The word number of the register at an offset of BAR0.
fn word_of(offset: u32) -> Constant<Bits<5>> {
    Constant::new(u64::from(offset / 4).into())
}

/// The word after it.
fn word_after(offset: u32) -> Constant<Bits<5>> {
    Constant::new(u64::from(offset / 4 + 1).into())
}

/// The place of a flag in its register.
fn bit_of(flag: u32) -> Constant<Bits<5>> {
    Constant::new(u64::from(flag.trailing_zeros()).into())
}

impl Default for Registers {
    fn default() -> Self {
        Self::new()
    }
}

impl Registers {
    /// All registers at zero.
    pub fn new() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            bar_data: Default::default(),
            control_store: Default::default(),
            op_store: Default::default(),
            op_clear: Default::default(),
            op_done: Default::default(),
            op_data: Default::default(),
            in_registers: Default::default(),
            in_vi_state: Default::default(),
            in_trace: Default::default(),
            latched: Default::default(),
            index: Default::default(),
            low_valid: Default::default(),
            high_valid: Default::default(),
            value: Default::default(),
            resetting: Default::default(),
            is_busy: Default::default(),
            bus_error: Default::default(),
            ring_consumed: Default::default(),
            slot_parity: Default::default(),
            sges_free: Default::default(),
            summary: Default::default(),
            vi_state: Default::default(),
            trace_head: Default::default(),
            trace_entry: Default::default(),
            start_reset: Default::default(),
            enable: Default::default(),
            loopback: Default::default(),
            interrupt_mask: Default::default(),
            status_line_iova: Default::default(),
            raw_ring_iova: Default::default(),
            raw_ring_entries: Default::default(),
            raw_consumed: Default::default(),
            enabled: Default::default(),
            looped: Default::default(),
            refused: Default::default(),
            mask: Default::default(),
            line_low: Default::default(),
            line_high: Default::default(),
            ring_low: Default::default(),
            ring_high: Default::default(),
            entries: Default::default(),
            consumed: Default::default(),
            high: Default::default(),
            answer: Default::default(),
            answers: Default::default(),
            word: Default::default(),
            stores: Default::default(),
            alive: Default::default(),
            control_word: Default::default(),
            status_word: Default::default(),
            is_event: Default::default(),
            enable_bit: bit_of(control::ENABLE),
            loopback_bit: bit_of(control::LOOPBACK),
            reset_bit: bit_of(control::RESET),
            enabled_bit: bit_of(status::ENABLED),
            busy_bit: bit_of(status::BUSY),
            resetting_bit: bit_of(status::RESETTING),
            bus_error_bit: bit_of(status::BUS_ERROR),
            event_bit: bit_of(status::EVENT),
            at_control: word_of(CONTROL),
            at_status: word_of(STATUS),
            at_mask: word_of(INTERRUPT_MASK),
            at_ring_consumed: word_of(RING_CONSUMED),
            at_line_low: word_of(STATUS_LINE_IOVA),
            at_line_high: word_after(STATUS_LINE_IOVA),
            at_ring_low: word_of(RAW_RING_IOVA),
            at_ring_high: word_after(RAW_RING_IOVA),
            at_entries: word_of(RAW_RING_ENTRIES),
            at_consumed: word_of(RAW_CONSUMED),
            at_parity: word_of(SLOT_PARITY),
            at_summary: word_of(EVENT_SUMMARY),
            at_trace_head: word_of(TRACE_HEAD),
            at_sges_free: word_of(SGES_FREE),
        }
    }
}

impl Logic for Registers {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, enabled, looped, refused, mask, line_low, line_high, ring_low, ring_high,
            entries, consumed, high, answer, answers
        );
        self.word.next = self.index.val().get_bits::<5>(0);

        // Stores. In reset `op_data` is zero, and goes everywhere.
        self.stores.next = self.op_done.val() & self.op_store.val();
        self.start_reset.next =
            self.control_store.val() & self.op_data.val().get_bit(self.reset_bit.val().index());
        if self.control_store.val() | self.reset.val() {
            self.enabled.d.next = self.op_data.val().get_bit(self.enable_bit.val().index());
            self.looped.d.next = self.op_data.val().get_bit(self.loopback_bit.val().index());
        }
        if (self.stores.val() & (self.word.val() == self.at_mask.val())) | self.reset.val() {
            self.mask.d.next = self.op_data.val();
        }
        if (self.stores.val() & (self.word.val() == self.at_line_low.val())) | self.reset.val() {
            self.line_low.d.next = self.op_data.val();
        }
        if (self.stores.val() & (self.word.val() == self.at_line_high.val())) | self.reset.val() {
            self.line_high.d.next = self.op_data.val().get_bits::<16>(0);
        }
        if (self.stores.val() & (self.word.val() == self.at_ring_low.val())) | self.reset.val() {
            self.ring_low.d.next = self.op_data.val();
        }
        if (self.stores.val() & (self.word.val() == self.at_ring_high.val())) | self.reset.val() {
            self.ring_high.d.next = self.op_data.val().get_bits::<16>(0);
        }
        if (self.stores.val() & (self.word.val() == self.at_entries.val())) | self.reset.val() {
            self.entries.d.next = self.op_data.val();
        }
        if (self.stores.val() & (self.word.val() == self.at_consumed.val())) | self.reset.val() {
            self.consumed.d.next = self.op_data.val();
        }
        if self.bus_error.val() {
            self.refused.d.next = true;
        }
        if self.reset.val() {
            self.refused.d.next = false;
        }

        // What is alive; the register memory holds zero where this is not zero.
        self.is_event.next = self.summary.val().any();
        self.control_word.next = bits::<32>(0)
            .replace_bit(self.enable_bit.val().index(), self.enabled.q.val())
            .replace_bit(self.loopback_bit.val().index(), self.looped.q.val())
            .replace_bit(self.reset_bit.val().index(), self.resetting.val());
        self.status_word.next = bits::<32>(0)
            .replace_bit(self.enabled_bit.val().index(), self.enabled.q.val())
            .replace_bit(self.busy_bit.val().index(), self.is_busy.val())
            .replace_bit(self.resetting_bit.val().index(), self.resetting.val())
            .replace_bit(self.bus_error_bit.val().index(), self.refused.q.val())
            .replace_bit(self.event_bit.val().index(), self.is_event.val());
        self.alive.next = bits::<32>(0);
        if self.in_registers.val() {
            if self.word.val() == self.at_control.val() {
                self.alive.next = self.control_word.val();
            }
            if self.word.val() == self.at_status.val() {
                self.alive.next = self.status_word.val();
            }
            if self.word.val() == self.at_ring_consumed.val() {
                self.alive.next = self.ring_consumed.val();
            }
            if self.word.val() == self.at_parity.val() {
                self.alive.next = self.slot_parity.val();
            }
            if self.word.val() == self.at_summary.val() {
                self.alive.next = bit_cast::<32, 16>(self.summary.val());
            }
            if self.word.val() == self.at_trace_head.val() {
                self.alive.next = self.trace_head.val();
            }
            if self.word.val() == self.at_sges_free.val() {
                self.alive.next = bit_cast::<32, 16>(self.sges_free.val());
            }
        }
        if self.in_vi_state.val() {
            self.alive.next = bit_cast::<32, 3>(self.vi_state.val());
        }
        if self.in_trace.val() {
            self.alive.next = self.trace_entry.val().get_bits::<32>(0);
        }

        // The answer, and the high word for the next load.
        if self.low_valid.val() {
            self.answer.d.next = self.value.val() | self.alive.val();
            if self.latched.val() {
                self.answer.d.next = self.high.q.val();
            } else if self.in_trace.val() {
                self.high.d.next = self.trace_entry.val().get_bits::<32>(32);
            }
        }
        if self.high_valid.val() {
            self.high.d.next = self.value.val();
        }
        self.answers.d.next = self.op_done.val() & !self.op_store.val() & !self.op_clear.val();
        self.bar_data.valid.next = self.answers.q.val();
        self.bar_data.data.next = self.answer.q.val();

        self.enable.next = self.enabled.q.val();
        self.loopback.next = self.looped.q.val();
        self.interrupt_mask.next = self.mask.q.val();
        self.status_line_iova.next = bit_cast::<48, 32>(self.line_low.q.val())
            | (bit_cast::<48, 16>(self.line_high.q.val()) << bits::<6>(32));
        self.raw_ring_iova.next = bit_cast::<48, 32>(self.ring_low.q.val())
            | (bit_cast::<48, 16>(self.ring_high.q.val()) << bits::<6>(32));
        self.raw_ring_entries.next = self.entries.q.val();
        self.raw_consumed.next = self.consumed.q.val();
    }
}
