//! Completes send-queue entries, in post order, when everything before and of them is acknowledged.
//!
//! ```text
//!   finished (VI, operation, length) ---> [RAM, count per VI] --+
//!   reads of a descriptor done ---------> [count per VI] -------+--> oldest entry (queue_read) --> completion record
//!   message that cannot be sent --------------------------------+                                  slot_free, send_done
//! ```
//! A descriptor gives a completion record with writeback; a one-shot only frees its slots, since its CQE comes with the reply; a
//! send_invalidate frees its slots, and gives a record if it was signalled or failed. A message that cannot be sent is
//! completed with its error after all that came before it, and then breaks the VI.
//!
//! Latency: 15 cycles from the last acknowledgement to the record's last word; one entry at a time.

use rnic_abi::command::flags;
use rnic_abi::completion::kind;
use rnic_abi::descriptor::status;
use rnic_abi::error::CommandError;
use rnic_abi::event::Event;
use rust_hdl::prelude::*;

use super::vi_count::ViCount;
use crate::block_new::block_new;
use crate::block_ram::BlockRam;
use crate::interfaces::{QueueReadTx, QueueStepTx, SlotFreeTx, StreamRx, StreamTx, ViErrorTx};

/// What retire does.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum RetireState {
    /// Chooses a VI with something finished.
    Choose,
    /// Asks for its oldest entry.
    AskQueue,
    /// Takes the entry's first word.
    TakeEntry,
    /// Waits for what is known of the message.
    LookUp,
    /// Decides what to say.
    Judge,
    /// Takes the STag of a ring command.
    TakeStag,
    /// Puts out a word of the record.
    Report,
    /// Passes over the entry's other words.
    Drop,
    /// The entry is done.
    Step,
    /// Breaks the VI.
    BreakVi,
    /// Lets the queue's pointer follow.
    Settle,
}

/// See the module. `MA`: address bits of the finished messages (VI, queue index); `W`: bits of a count up to the queue depth.
#[derive(LogicBlock)]
pub struct Retire<const MA: usize, const W: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// Start nothing new.
    pub pause: Signal<In, Bit>,
    /// VI command word: VI.
    pub config_vi: Signal<In, Bits<8>>,
    /// VI command word: number.
    pub config_word: Signal<In, Bits<4>>,
    /// VI command word: value.
    pub config_data: Signal<In, Bits<32>>,
    /// VI command word: valid.
    pub config_valid: Signal<In, Bit>,
    /// A message is acknowledged to its end.
    pub finished: Signal<In, Bit>,
    /// Its VI.
    pub finished_vi: Signal<In, Bits<8>>,
    /// VI and queue index.
    pub finished_at: Signal<In, Bits<MA>>,
    /// Operation 31:30, length 29:0.
    pub finished_data: Signal<In, Bits<32>>,
    /// All reads of a descriptor are done.
    pub reads_done: Signal<In, Bit>,
    /// Its VI.
    pub reads_done_vi: Signal<In, Bits<8>>,
    /// VIs whose oldest message cannot be sent, once nothing is finished.
    pub failing: Signal<In, Bits<16>>,
    /// Bit 0 of its status.
    pub fail_low: Signal<In, Bits<16>>,
    /// Bit 1 of its status.
    pub fail_high: Signal<In, Bits<16>>,
    /// Forget everything of `clear_vi`.
    pub clear: Signal<In, Bit>,
    /// See `clear`.
    pub clear_vi: Signal<In, Bits<8>>,
    /// The oldest entry.
    pub queue_read: QueueReadTx,
    /// Its words.
    pub queue_data: StreamRx,
    /// Completion records.
    pub complete: StreamTx,
    /// An entry is done.
    pub send_done: QueueStepTx,
    /// Its slots are free.
    pub slot_free: SlotFreeTx,
    /// A message could not be sent.
    pub vi_error: ViErrorTx,
    /// VIs with something to complete.
    pub pending: Signal<Out, Bits<16>>,
    /// At rest.
    pub idle: Signal<Out, Bit>,
    ram: BlockRam<32, MA>,
    finish_count: ViCount<W>,
    read_count: ViCount<W>,
    state: DFF<RetireState>,
    cq: [DFF<Bits<5>>; 16],
    vi: DFF<Bits<8>>,
    entry: DFF<Bits<32>>,
    fails: DFF<Bit>,
    stag: DFF<Bits<32>>,
    word: DFF<Bits<3>>,
    waits: DFF<Bits<16>>,
    broken: DFF<Bits<16>>,
    wanted: Signal<Local, Bits<16>>,
    chosen: Signal<Local, Bits<8>>,
    found: Signal<Local, Bit>,
    mask: Signal<Local, Bits<16>>,
    clear_mask: Signal<Local, Bits<16>>,
    is_descriptor: Signal<Local, Bit>,
    is_signalled: Signal<Local, Bit>,
    is_read: Signal<Local, Bit>,
    operation: Signal<Local, Bits<32>>,
    error_status: Signal<Local, Bits<32>>,
    fail_code: Signal<Local, Bits<2>>,
    cq_now: Signal<Local, Bits<8>>,
    cq_kept: Signal<Local, Bits<5>>,
    word_valid: Signal<Local, Bit>,
    needs_word: Signal<Local, Bit>,
    record: Signal<Local, Bits<32>>,
    retired: Signal<Local, Bit>,
    address: Signal<Local, Bits<MA>>,
    counts: Signal<Local, Bit>,
    depth_log2: Constant<Bits<4>>,
    done: Constant<Bits<32>>,
    format_error: Constant<Bits<32>>,
    length_error: Constant<Bits<32>>,
    protection_error: Constant<Bits<32>>,
    op_unit: Constant<Bits<5>>,
    kind_send: Constant<Bits<32>>,
    kind_send_invalidate: Constant<Bits<32>>,
    refused: Constant<Bits<32>>,
    signalled_bit: Constant<Bits<5>>,
    send_error: Constant<Bits<4>>,
}

impl<const MA: usize, const W: usize> Retire<MA, W> {
    /// `depth_log2`: log2 of a VI's queue depth.
    pub fn new(depth_log2: u32) -> Self {
        block_new!(clock reset pause config_vi config_word config_data config_valid finished finished_vi finished_at
            finished_data reads_done reads_done_vi failing fail_low fail_high clear clear_vi queue_read
            queue_data complete send_done slot_free vi_error pending idle ram cq state vi entry fails stag word
            waits broken wanted chosen found mask clear_mask is_descriptor is_signalled is_read
            operation error_status fail_code cq_now cq_kept word_valid needs_word record retired address counts;
            depth_log2 = depth_log2,
            done = status::DONE,
            format_error = status::FORMAT_ERROR,
            length_error = status::LENGTH_ERROR,
            protection_error = status::PROTECTION_ERROR,
            op_unit = status::OP_RDMA_WRITE.trailing_zeros(),
            kind_send = kind::SEND,
            kind_send_invalidate = kind::SEND_INVALIDATE,
            refused = (CommandError::Protection as u32) << 8,
            signalled_bit = 4 + flags::SIGNALLED.trailing_zeros(),
            send_error = Event::SendError as u8,
            ; finish_count = ViCount::new(1 << depth_log2), read_count = ViCount::new(1 << depth_log2)        )
    }
}

impl<const MA: usize, const W: usize> Logic for Retire<MA, W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, vi, entry, fails, stag, word, waits, broken);
        clock!(self, clock, ram, finish_count, read_count);
        self.cq_kept.next = bits::<5>(0);
        for i in 0..16 {
            self.cq[i].clock.next = self.clock.val();
            self.cq[i].d.next = self.cq[i].q.val();
            if self.config_valid.val()
                & (self.config_word.val() == bits::<4>(5))
                & (self.config_vi.val() == i.to_bits::<8>())
            {
                self.cq[i].d.next = self.config_data.val().get_bits::<5>(0);
            }
            if self.vi.q.val() == i.to_bits::<8>() {
                self.cq_kept.next = self.cq[i].q.val();
            }
        }
        self.cq_now.next = bit_cast::<8, 5>(self.cq_kept.val());
        // What is finished.
        self.ram.write_address.next = self.finished_at.val();
        self.ram.write_data.next = self.finished_data.val();
        self.ram.write_enable.next = self.finished.val();
        self.address.next = (bit_cast::<MA, 8>(self.vi.q.val()) << self.depth_log2.val())
            | bit_cast::<MA, 8>(self.entry.q.val().get_bits::<8>(24));
        self.ram.read_address.next = self.address.val();
        // What is said of it.
        self.is_descriptor.next = !self.entry.q.val().get_bits::<4>(0).any();
        self.is_signalled.next = (self.entry.q.val().get_bits::<4>(0) == bits::<4>(2))
            & (self.entry.q.val().get_bit(self.signalled_bit.val().index()) | self.fails.q.val());
        self.is_read.next = self.ram.read_data.val().get_bit(31) & !self.fails.q.val();
        self.counts.next = self.is_descriptor.val() & self.is_read.val();
        self.retired.next = self.state.q.val() == RetireState::Step;
        self.finish_count.reset.next = self.reset.val();
        self.finish_count.up.next = self.finished.val();
        self.finish_count.up_vi.next = self.finished_vi.val();
        self.finish_count.down.next = self.retired.val() & !self.fails.q.val();
        self.finish_count.down_vi.next = self.vi.q.val();
        self.finish_count.clear.next = self.clear.val();
        self.finish_count.clear_vi.next = self.clear_vi.val();
        self.finish_count.look_vi.next = bits::<8>(0);
        self.read_count.look_vi.next = bits::<8>(0);
        self.read_count.reset.next = self.reset.val();
        self.read_count.up.next = self.reads_done.val();
        self.read_count.up_vi.next = self.reads_done_vi.val();
        self.read_count.down.next = self.retired.val() & self.counts.val();
        self.read_count.down_vi.next = self.vi.q.val();
        self.read_count.clear.next = self.clear.val();
        self.read_count.clear_vi.next = self.clear_vi.val();

        self.wanted.next = (self.finish_count.nonzero.val()
            & ((self.waits.q.val() ^ bits::<16>(0xFFFF)) | self.read_count.nonzero.val()))
            | (self.failing.val()
                & ((self.finish_count.nonzero.val() | self.broken.q.val()) ^ bits::<16>(0xFFFF)));
        self.chosen.next = bits::<8>(0);
        self.found.next = false;
        for i in 0..16 {
            if self.wanted.val().get_bit(i) {
                self.chosen.next = i.to_bits();
                self.found.next = true;
            }
        }
        for i in 0..16 {
            if self.wanted.val().get_bit(i) & (i.to_bits::<8>() < self.vi.q.val()) {
                self.chosen.next = i.to_bits();
            }
        }

        // How it is said.
        self.operation.next =
            bit_cast::<32, 2>(self.ram.read_data.val().get_bits::<2>(30)) << self.op_unit.val();
        self.fail_code.next = bits::<2>(0);
        if self.fail_low.val().get_bit(self.vi.q.val().index()) {
            self.fail_code.next = bits::<2>(1);
        }
        if self.fail_high.val().get_bit(self.vi.q.val().index()) {
            self.fail_code.next = bits::<2>(2);
            if self.fail_low.val().get_bit(self.vi.q.val().index()) {
                self.fail_code.next = bits::<2>(3);
            }
        }
        self.error_status.next = self.format_error.val();
        if self.fail_code.val() == bits::<2>(2) {
            self.error_status.next = self.length_error.val();
        }
        if self.fail_code.val() == bits::<2>(3) {
            self.error_status.next = self.protection_error.val();
        }

        // Outputs at rest.
        self.queue_read.vi.next = self.vi.q.val();
        self.queue_read.receive.next = false;
        self.queue_read.which.next = bits::<2>(2);
        self.queue_read.index.next = bits::<8>(0);
        self.queue_read.valid.next = false;
        self.queue_data.ready.next = false;
        self.complete.valid.next = false;
        self.complete.last.next = self.word.q.val() == bits::<3>(7);
        self.send_done.vi.next = self.vi.q.val();
        self.send_done.valid.next = self.retired.val();
        self.slot_free.slot.next = bit_cast::<8, 5>(self.entry.q.val().get_bits::<5>(12));
        self.slot_free.count.next = self.entry.q.val().get_bits::<3>(17);
        self.slot_free.valid.next = self.retired.val() & !self.is_descriptor.val();
        self.vi_error.valid.next = false;
        self.vi_error.vi.next = self.vi.q.val();
        self.vi_error.event.next = self.send_error.val();
        self.mask.next = bits::<16>(1) << self.vi.q.val();
        self.clear_mask.next = (bits::<16>(1) << self.clear_vi.val()) ^ bits::<16>(0xFFFF);

        // A word of the record: some are the entry's own words, in its order.
        self.record.next = self.queue_data.data.val();
        self.needs_word.next = false;
        if self.word.q.val() == bits::<3>(0) {
            self.record.next = bit_cast::<32, 8>(self.cq_now.val())
                | (bit_cast::<32, 8>(self.vi.q.val()) << bits::<5>(24));
            if self.is_descriptor.val() {
                self.record.next = bit_cast::<32, 8>(self.cq_now.val())
                    | (bit_cast::<32, 8>(self.vi.q.val()) << bits::<5>(24))
                    | bits::<32>(0x100);
            }
        }
        if self.word.q.val() == bits::<3>(1) {
            self.needs_word.next = self.is_descriptor.val();
            if !self.is_descriptor.val() {
                self.record.next = bits::<32>(0);
            }
        }
        if self.word.q.val() == bits::<3>(2) {
            self.needs_word.next = true;
        }
        if self.word.q.val() == bits::<3>(3) {
            self.needs_word.next = self.is_descriptor.val();
            if !self.is_descriptor.val() {
                self.record.next = bits::<32>(0);
            }
        }
        if self.word.q.val() == bits::<3>(4) {
            self.record.next = bits::<32>(0);
            if !self.is_descriptor.val() {
                self.record.next = self.stag.q.val();
            }
        }
        if self.word.q.val() == bits::<3>(5) {
            self.needs_word.next = !self.is_descriptor.val();
            if self.is_descriptor.val() {
                self.record.next = self.ram.read_data.val() & bits::<32>(0x3FFF_FFFF);
                if self.fails.q.val() {
                    self.record.next = bits::<32>(0);
                }
            }
        }
        if self.word.q.val() == bits::<3>(6) {
            self.record.next = bits::<32>(0);
            if self.is_descriptor.val() {
                self.record.next = self.done.val() | self.operation.val();
                if self.fails.q.val() {
                    self.record.next = self.done.val() | self.error_status.val();
                }
            }
        }
        if self.word.q.val() == bits::<3>(7) {
            self.record.next = self.kind_send.val();
            if !self.is_descriptor.val() {
                self.record.next = self.kind_send_invalidate.val();
                if self.fails.q.val() {
                    self.record.next = self.kind_send_invalidate.val() | self.refused.val();
                }
            }
        }
        self.complete.data.next = self.record.val();
        self.word_valid.next = self.queue_data.valid.val() | !self.needs_word.val();

        match self.state.q.val() {
            RetireState::Choose => {
                self.word.d.next = bits::<3>(0);
                if self.found.val() & !self.pause.val() {
                    self.vi.d.next = self.chosen.val();
                    self.waits.d.next = self.waits.q.val()
                        & ((bits::<16>(1) << self.chosen.val()) ^ bits::<16>(0xFFFF));
                    self.fails.d.next = !self
                        .finish_count
                        .nonzero
                        .val()
                        .get_bit(self.chosen.val().index());
                    self.state.d.next = RetireState::AskQueue;
                }
            }
            RetireState::AskQueue => {
                self.queue_read.valid.next = true;
                if self.queue_read.ready.val() {
                    self.state.d.next = RetireState::TakeEntry;
                }
            }
            RetireState::TakeEntry => {
                self.queue_data.ready.next = true;
                self.entry.d.next = self.queue_data.data.val();
                if self.queue_data.valid.val() {
                    self.state.d.next = RetireState::LookUp;
                }
            }
            RetireState::LookUp => {
                self.state.d.next = RetireState::Judge;
            }
            RetireState::Judge => {
                self.state.d.next = RetireState::Drop;
                if self.is_descriptor.val() {
                    self.state.d.next = RetireState::Report;
                    if self.is_read.val()
                        & !self
                            .read_count
                            .nonzero
                            .val()
                            .get_bit(self.vi.q.val().index())
                    {
                        self.waits.d.next = self.waits.q.val() | self.mask.val();
                        self.state.d.next = RetireState::Drop;
                    }
                }
                if self.is_signalled.val() {
                    self.state.d.next = RetireState::TakeStag;
                }
            }
            RetireState::TakeStag => {
                self.queue_data.ready.next = true;
                self.stag.d.next = self.queue_data.data.val();
                if self.queue_data.valid.val() {
                    self.state.d.next = RetireState::Report;
                }
            }
            RetireState::Report => {
                self.complete.valid.next = self.word_valid.val();
                self.queue_data.ready.next = self.needs_word.val() & self.complete.ready.val();
                if self.word_valid.val() & self.complete.ready.val() {
                    self.word.d.next = self.word.q.val() + 1;
                    if self.word.q.val() == bits::<3>(7) {
                        self.state.d.next = RetireState::Step;
                    }
                }
            }
            RetireState::Drop => {
                self.queue_data.ready.next = true;
                if self.queue_data.valid.val() {
                    self.word.d.next = self.word.q.val() + 1;
                    if self.word.q.val() == bits::<3>(2) {
                        self.state.d.next = RetireState::Step;
                        if self.waits.q.val().get_bit(self.vi.q.val().index())
                            & self.is_descriptor.val()
                        {
                            self.state.d.next = RetireState::Choose;
                        }
                    }
                }
            }
            RetireState::Step => {
                self.state.d.next = RetireState::Settle;
                if self.fails.q.val() {
                    self.broken.d.next = self.broken.q.val() | self.mask.val();
                    self.state.d.next = RetireState::BreakVi;
                }
            }
            RetireState::BreakVi => {
                self.vi_error.valid.next = true;
                if self.vi_error.ready.val() {
                    self.state.d.next = RetireState::Settle;
                }
            }
            RetireState::Settle => {
                self.state.d.next = RetireState::Choose;
            }
            _ => {
                self.state.d.next = RetireState::Choose;
            }
        }
        if self.clear.val() {
            self.waits.d.next = self.waits.q.val() & self.clear_mask.val();
            self.broken.d.next = self.broken.q.val() & self.clear_mask.val();
        }
        if self.reset.val() {
            self.state.d.next = RetireState::Choose;
            self.vi.d.next = bits::<8>(0);
            self.waits.d.next = bits::<16>(0);
            self.broken.d.next = bits::<16>(0);
        }
        self.pending.next = self.wanted.val();
        self.idle.next = self.state.q.val() == RetireState::Choose;
    }
}
