//! Step `complete`: one record after the other becomes a status write into its descriptor and a CQE.
//!
//! It does not judge what it reports, and keeps no queue state (`cq_table` does). Two stages, each with one record: while the
//! CQE of one is written, the next is gathered and its status write checked. Only the receive side, port 0, may stop in the
//! middle of a record, after word 4.
//!
//! ```text
//!  jobs: receive, transmit, --> words 0 to 5 --> RAM, two halves --> CQE words --+
//!        command, flush     |-> words 1 to 3 --> TPT check                       +--> dma_write
//!                           +-> word 6: status burst ----------------------------+
//!                           +-> word 7: CQE begins --> second stage, status line +
//! ```
//! Word 0 of flush's records has two bits more: 10 "the queue is the one of the VI's send queue", 11 "of its receive queue".
//!
//! The status word of a descriptor lies at va + 24, and a descriptor is 64-byte aligned, so the low 6 bits of va are not
//! looked at. A status that is not 8 aligned bytes on the bus is refused like one that the TPT refuses. If the TPT flips its
//! epoch while an admitted status write waits for the record's last words, the check is done again: a release must not wait
//! for a record that may be waiting for the release.
//!
//! Latency: last CQE word 11 cycles after word 5 (with word 5, 6, 7 in consecutive cycles), 10 after word 6 is offered, 8
//! after word 7 is taken. Throughput: a record in 16 cycles, with a status write in 18 if the TPT
//! answers in 8.

use rnic_abi::command::access;
use rnic_abi::descriptor;
use rnic_abi::event::Event;
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::{
    DmaWriteTx, EventTx, StepTx, StreamRx, TptDrainRx, TptPieceRx, TptRequestTx,
};

#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
enum CompleteState {
    /// Look at one port a cycle.
    Poll,
    /// Take words 1 to 5, and 6 of a record without status write.
    Gather,
    /// Word 6: wait until the status write is admitted or refused.
    AwaitCheck,
    /// The length is at the bus; take word 6 behind it.
    WriteLength,
    /// The status is at the bus.
    WriteStatus,
    /// Word 7: wait until the CQE's place is known.
    AwaitSlot,
}

#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
enum EntryState {
    /// The bus is free for a status write.
    Rest,
    /// The CQE is at the bus.
    WriteEntry,
    /// The status line's first word is at the bus.
    WriteParity,
    /// Its second.
    WriteConsumed,
}

#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
enum CheckState {
    /// No status write, or it is done.
    Rest,
    /// Offer the access to the TPT.
    Ask,
    /// Wait for its piece.
    Await,
    /// The bus address is known.
    Granted,
    /// There will be no status write.
    Refused,
}

/// `C` is log2 of the queues.
#[derive(LogicBlock)]
pub struct Complete<const C: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Forgets the record.
    pub reset: Signal<In, Bit>,
    /// Records: 0 receive, 1 transmit, 2 command, 3 flush.
    pub jobs: [StreamRx; 4],
    /// Status writes, CQEs, the status line.
    pub dma_write: DmaWriteTx,
    /// Status writes to check.
    pub request: TptRequestTx,
    /// The answers.
    pub piece: TptPieceRx,
    /// A status write is under way.
    pub drain: TptDrainRx,
    /// Lost CQE, refused status write.
    pub event: EventTx,
    /// A CQE is written.
    pub step: StepTx,
    /// A CQE is lost.
    pub cq_overflow: Signal<Out, Bit>,
    /// For word 6.
    pub slot_parity: Signal<In, Bits<32>>,
    /// For word 7.
    pub ring_consumed: Signal<In, Bits<32>>,
    /// Where the status line is.
    pub line_iova: Signal<In, Bits<48>>,
    /// It is out of date.
    pub line_due: Signal<In, Bit>,
    /// It is being written.
    pub line_taken: Signal<Out, Bit>,
    /// A CQE or the status line is being written.
    pub told: Signal<Out, Bit>,
    /// Low word of the record's va, for flush.
    pub va_low: Signal<Out, Bits<32>>,
    /// A record is under way.
    pub busy: Signal<Out, Bit>,

    /// See `CqTable`, as all that follows.
    pub store_valid: Signal<Out, Bit>,
    /// See `CqTable`.
    pub store_ready: Signal<In, Bit>,
    /// See `CqTable`.
    pub store_index: Signal<Out, Bits<4>>,
    /// See `CqTable`.
    pub store_data: Signal<Out, Bits<32>>,
    /// See `CqTable`.
    pub read_index: Signal<Out, Bits<4>>,
    /// See `CqTable`.
    pub read_data: Signal<In, Bits<32>>,
    /// See `CqTable`.
    pub hold: Signal<Out, Bit>,
    /// See `CqTable`.
    pub hold_irq: Signal<Out, Bit>,
    /// See `CqTable`.
    pub table_idle: Signal<In, Bit>,
    /// See `CqTable`.
    pub prepare: Signal<Out, Bit>,
    /// See `CqTable`.
    pub prepare_half: Signal<Out, Bit>,
    /// See `CqTable`.
    pub prepare_cq: Signal<Out, Bits<C>>,
    /// See `CqTable`.
    pub prepare_reserved: Signal<Out, Bit>,
    /// See `CqTable`.
    pub prepare_look_up: Signal<Out, Bit>,
    /// See `CqTable`.
    pub prepare_receive: Signal<Out, Bit>,
    /// See `CqTable`.
    pub prepare_vi: Signal<Out, Bits<4>>,
    /// See `CqTable`.
    pub prepared: Signal<In, Bit>,
    /// See `CqTable`.
    pub lost: Signal<In, Bit>,
    /// See `CqTable`.
    pub slot_high: Signal<In, Bits<16>>,
    /// See `CqTable`.
    pub phase: Signal<In, Bit>,
    /// See `CqTable`.
    pub commit: Signal<Out, Bit>,

    state: DFF<CompleteState>,
    check: DFF<CheckState>,
    port: DFF<Bits<2>>,
    word: DFF<Bits<3>>,
    cq: DFF<Bits<C>>,
    vi: DFF<Bits<8>>,
    writeback: DFF<Bit>,
    reserved: DFF<Bit>,
    of_send: DFF<Bit>,
    of_receive: DFF<Bit>,
    half: DFF<Bit>,
    preparing: DFF<Bit>,
    handle: DFF<Bits<32>>,
    low: DFF<Bits<32>>,
    high: DFF<Bits<32>>,
    filed: DFF<Bit>,
    event_pending: DFF<Bit>,
    overflow: DFF<Bit>,
    stepped: DFF<Bit>,
    read_is_ours: DFF<Bit>,
    entry: DFF<EntryState>,
    entry_word: DFF<Bits<3>>,
    entry_half: DFF<Bit>,
    entry_vi: DFF<Bits<8>>,
    date: DFF<Bits<32>>,
    iova: DFF<Bits<48>>,
    data: DFF<Bits<32>>,
    valid: DFF<Bit>,
    last: DFF<Bit>,
    is_entry: DFF<Bit>,

    arriving: Signal<Local, Bits<32>>,
    offered: Signal<Local, Bit>,
    take: Signal<Local, Bit>,
    opens: Signal<Local, Bit>,
    closes: Signal<Local, Bit>,
    rests: Signal<Local, Bit>,
    reads: Signal<Local, Bit>,
    waits: Signal<Local, Bit>,
    prepares: Signal<Local, Bit>,
    starts_line: Signal<Local, Bit>,
    next_word: Signal<Local, Bits<3>>,
    after_next: Signal<Local, Bits<3>>,
    wanted: Signal<Local, Bits<3>>,
    wanted_word: Signal<Local, Bits<3>>,
    wanted_half: Signal<Local, Bit>,
    is_whole: Signal<Local, Bit>,
    unfinished: Signal<Local, Bit>,
    polls: Signal<Local, Bit>,
    gathers: Signal<Local, Bit>,
    writes_entry: Signal<Local, Bit>,
    closing: Signal<Local, Bit>,
    date_now: Signal<Local, Bits<32>>,
    word_out: Signal<Local, Bits<32>>,
    head: Signal<Local, Bits<32>>,
    from_job: Signal<Local, Bits<32>>,
    from_head: Signal<Local, Bits<32>>,
    from_parity: Signal<Local, Bits<32>>,
    from_date: Signal<Local, Bits<32>>,
    from_ram: Signal<Local, Bits<32>>,
    ones: Constant<Bits<32>>,
    place: Signal<Local, Bits<48>>,
    slot: Signal<Local, Bits<48>>,
    slot_low: Signal<Local, Bits<32>>,
    entry_bytes: Constant<Bits<13>>,
    status_bytes: Constant<Bits<13>>,
    status_length: Constant<Bits<16>>,
    status_place: Constant<Bits<64>>,
    block_mask: Constant<Bits<32>>,
    line_mask: Constant<Bits<48>>,
    slot_mask: Constant<Bits<32>>,
    date_mask: Constant<Bits<32>>,
    local_write: Constant<Bits<4>>,
    comp_prot: Constant<Bits<4>>,
}

impl<const C: usize> Default for Complete<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const C: usize> Complete<C> {
    /// Nothing under way.
    pub fn new() -> Self {
        block_new!(
            clock reset jobs dma_write request piece drain event step cq_overflow slot_parity
            ring_consumed line_iova line_due line_taken told va_low busy store_valid store_ready
            store_index store_data read_index read_data hold hold_irq table_idle prepare prepare_half
            prepare_cq prepare_reserved prepare_look_up prepare_receive prepare_vi prepared lost
            slot_high phase commit state check port word cq vi writeback reserved of_send of_receive
            half preparing handle low high filed event_pending overflow stepped read_is_ours entry
            entry_word entry_half entry_vi date iova data valid last is_entry arriving offered take
            opens closes rests reads waits prepares starts_line next_word after_next wanted wanted_word wanted_half is_whole
            unfinished polls gathers writes_entry closing date_now word_out head from_job from_head
            from_parity from_date from_ram place slot slot_low;
            entry_bytes = rnic_abi::completion::CQE_BYTES as u64,
            ones = 0xFFFF_FFFF_u64,
            status_bytes = 8_u64,
            status_length = 8_u64,
            status_place = descriptor::LENGTH_OFFSET as u64,
            block_mask = 0xFFFF_FFFF_u64 & !(descriptor::ALIGN - 1),
            line_mask = 0xFFFF_FFFF_FFFF_u64 & !63,
            slot_mask = 0xFFFF_FFFF_u64 & !31,
            date_mask = rnic_abi::completion::CONSUMED_MASK,
            local_write = access::LOCAL_WRITE,
            comp_prot = Event::CompProt as u8,
        )
    }
}

impl<const C: usize> Logic for Complete<C> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            check,
            port,
            word,
            cq,
            vi,
            writeback,
            reserved,
            of_send,
            of_receive,
            half,
            preparing,
            handle,
            low,
            high,
            filed,
            event_pending,
            overflow,
            stepped,
            read_is_ours,
            entry,
            entry_word,
            entry_half,
            entry_vi,
            date,
            iova,
            data,
            valid,
            last,
            is_entry
        );

        self.arriving.next = self.jobs[0].data.val();
        self.offered.next = self.jobs[0].valid.val();
        for i in 1..4 {
            if self.port.q.val() == i.to_bits::<2>() {
                self.arriving.next = self.jobs[i].data.val();
                self.offered.next = self.jobs[i].valid.val();
            }
        }
        self.next_word.next = self.entry_word.q.val() + 1;
        self.after_next.next = self.entry_word.q.val() + 2;
        self.rests.next = self.entry.q.val() == EntryState::Rest;
        self.writes_entry.next = self.entry.q.val() == EntryState::WriteEntry;
        // CQE words up to 5 come out of the RAM.
        self.reads.next = self.writes_entry.val() & (self.entry_word.q.val() < bits::<3>(5));
        // Word 5 is shown to the bus while the status write is checked.
        self.waits.next = (self.word.q.val() == bits::<3>(5)) & !self.rests.val();
        // The place of the next CQE is known when the queue's producer is beyond this one.
        self.prepares.next = self.preparing.q.val() & !self.reads.val();

        // A record opens with word 0, and closes with word 7, when it goes over to the second stage.
        self.starts_line.next = (self.state.q.val() == CompleteState::Poll)
            & self.rests.val()
            & self.line_due.val()
            & !self.event_pending.q.val();
        self.opens.next = (self.state.q.val() == CompleteState::Poll)
            & !self.event_pending.q.val()
            & !self.starts_line.val();
        self.closes.next = self.offered.val()
            & self.read_is_ours.q.val()
            & !self.preparing.q.val()
            & ((self.state.q.val() == CompleteState::AwaitSlot)
                | ((self.state.q.val() == CompleteState::WriteStatus)
                    & self.dma_write.ready.val()));
        self.take.next = self.opens.val() | self.closes.val();
        self.store_valid.next = false;
        self.hold.next = self.reads.val();
        self.line_taken.next = self.starts_line.val();
        self.commit.next = false;
        self.overflow.d.next = false;
        self.stepped.d.next = false;
        self.wanted.next = bits::<3>(0);
        self.slot_low.next = self.read_data.val() & self.slot_mask.val();
        self.slot.next = (bit_cast::<48, 16>(self.slot_high.val()) << bits::<6>(32))
            | bit_cast::<48, 32>(self.slot_low.val());
        if self.prepared.val() {
            self.preparing.d.next = false;
        }
        if self.event.ready.val() {
            self.event_pending.d.next = false;
        }

        // The check of the status write, beside the record.
        self.is_whole.next = !self.piece.error.val().any()
            & (self.piece.bytes.val() == self.status_bytes.val())
            & !self.piece.iova.val().get_bits::<3>(0).any();
        match self.check.q.val() {
            CheckState::Ask => {
                if self.request.ready.val() {
                    self.filed.d.next = self.drain.epoch.val();
                    self.check.d.next = CheckState::Await;
                }
            }
            CheckState::Await => {
                if self.piece.valid.val() & self.rests.val() {
                    if self.piece.last.val() {
                        self.check.d.next = CheckState::Refused;
                        if self.is_whole.val() {
                            self.check.d.next = CheckState::Granted;
                        }
                    }
                }
            }
            CheckState::Granted => {
                if (self.filed.q.val() != self.drain.epoch.val())
                    & ((self.state.q.val() == CompleteState::Gather)
                        | (self.state.q.val() == CompleteState::AwaitCheck))
                {
                    self.check.d.next = CheckState::Ask;
                }
            }
            _ => {}
        }

        match self.state.q.val() {
            CompleteState::Poll => {
                if self.opens.val() {
                    self.port.d.next = self.port.q.val() + 1;
                    if self.offered.val() {
                        self.port.d.next = self.port.q.val();
                        self.preparing.d.next = true;
                        self.half.d.next = !self.half.q.val();
                        self.word.d.next = bits::<3>(1);
                        self.state.d.next = CompleteState::Gather;
                    }
                }
            }
            CompleteState::Gather => {
                self.store_valid.next = self.offered.val() & !self.waits.val();
                self.take.next = self.store_ready.val() & !self.waits.val();
                if self.offered.val() & self.store_ready.val() & !self.waits.val() {
                    self.word.d.next = self.word.q.val() + 1;
                    if (self.word.q.val() == bits::<3>(3)) & self.writeback.q.val() {
                        self.check.d.next = CheckState::Ask;
                    }
                    if (self.word.q.val() == bits::<3>(5)) & self.writeback.q.val() {
                        self.state.d.next = CompleteState::AwaitCheck;
                    }
                    if self.word.q.val() == bits::<3>(6) {
                        self.state.d.next = CompleteState::AwaitSlot;
                    }
                }
            }
            CompleteState::AwaitCheck => {
                self.hold.next = self.offered.val();
                if self.offered.val() & self.table_idle.val() & !self.preparing.q.val() {
                    if self.check.q.val() == CheckState::Refused {
                        self.event_pending.d.next = true;
                        self.check.d.next = CheckState::Rest;
                        self.state.d.next = CompleteState::Gather;
                    }
                    if (self.check.q.val() == CheckState::Granted)
                        & (self.filed.q.val() == self.drain.epoch.val())
                    {
                        self.is_entry.d.next = false;
                        self.valid.d.next = true;
                        self.last.d.next = false;
                        self.state.d.next = CompleteState::WriteLength;
                    }
                }
            }
            CompleteState::WriteLength => {
                // The table is held, so the word can be stored.
                self.hold.next = true;
                self.store_valid.next = self.dma_write.ready.val();
                self.take.next = self.dma_write.ready.val();
                if self.dma_write.ready.val() {
                    self.last.d.next = true;
                    self.state.d.next = CompleteState::WriteStatus;
                }
            }
            CompleteState::WriteStatus => {
                self.hold.next = true;
                if self.dma_write.ready.val() {
                    self.valid.d.next = false;
                    self.check.d.next = CheckState::Rest;
                    self.state.d.next = CompleteState::AwaitSlot;
                }
            }
            CompleteState::AwaitSlot => {
                self.hold.next = self.offered.val();
            }
            _ => {
                self.state.d.next = CompleteState::Poll;
            }
        }

        // The second stage.
        match self.entry.q.val() {
            EntryState::Rest => {
                if self.starts_line.val() {
                    self.is_entry.d.next = false;
                    self.valid.d.next = true;
                    self.last.d.next = false;
                    self.entry.d.next = EntryState::WriteParity;
                }
            }
            EntryState::WriteEntry => {
                self.wanted.next = self.next_word.val();
                if self.dma_write.ready.val() {
                    self.wanted.next = self.after_next.val();
                    self.entry_word.d.next = self.next_word.val();
                    self.commit.next = self.entry_word.q.val() == bits::<3>(4);
                    if self.entry_word.q.val() == bits::<3>(6) {
                        self.last.d.next = true;
                    }
                    if self.entry_word.q.val() == bits::<3>(7) {
                        self.valid.d.next = false;
                        self.stepped.d.next = true;
                        self.entry.d.next = EntryState::Rest;
                    }
                }
            }
            EntryState::WriteParity => {
                if self.dma_write.ready.val() {
                    self.last.d.next = true;
                    self.entry.d.next = EntryState::WriteConsumed;
                }
            }
            EntryState::WriteConsumed => {
                if self.dma_write.ready.val() {
                    self.valid.d.next = false;
                    self.entry.d.next = EntryState::Rest;
                }
            }
            _ => {
                self.entry.d.next = EntryState::Rest;
            }
        }

        // Word 7: the CQE begins, or is lost.
        if self.closes.val() {
            self.port.d.next = self.port.q.val() + 1;
            self.entry_word.d.next = bits::<3>(0);
            self.entry_half.d.next = self.half.q.val();
            self.entry_vi.d.next = self.vi.q.val();
            self.state.d.next = CompleteState::Poll;
            if self.lost.val() {
                self.event_pending.d.next = true;
                self.overflow.d.next = true;
            } else {
                self.wanted.next = bits::<3>(1);

                self.is_entry.d.next = true;
                self.valid.d.next = true;
                self.last.d.next = false;
                self.entry.d.next = EntryState::WriteEntry;
            }
        }
        // Wide registers. They load whenever nobody needs what they hold, so that one signal enables each.
        self.polls.next = (self.state.q.val() == CompleteState::Poll) & self.rests.val();
        self.gathers.next = self.state.q.val() == CompleteState::Gather;
        self.closing.next = (self.state.q.val() == CompleteState::AwaitSlot)
            | (self.state.q.val() == CompleteState::WriteStatus);
        if self.opens.val() {
            self.cq.d.next = self.arriving.val().get_bits::<C>(0);
            self.writeback.d.next = self.arriving.val().get_bit(8);
            self.reserved.d.next = self.arriving.val().get_bit(9);
            self.of_send.d.next = self.arriving.val().get_bit(10);
            self.of_receive.d.next = self.arriving.val().get_bit(11);
            self.vi.d.next = self.arriving.val().get_bits::<8>(24);
        }
        if self.gathers.val() & (self.word.q.val() == bits::<3>(2)) {
            self.low.d.next = self.arriving.val();
        }
        if self.gathers.val() & (self.word.q.val() == bits::<3>(3)) {
            self.high.d.next = self.arriving.val();
        }
        if self.gathers.val() & (self.word.q.val() == bits::<3>(1)) {
            self.handle.d.next = self.arriving.val();
        }
        // The date is taken with the parity or before it, never after: a later one would vouch for what was not seen.
        self.date_now.next = self.ring_consumed.val();
        if self.closing.val() {
            self.date_now.next = (bit_cast::<32, 1>(self.phase.val().into()) << bits::<6>(31))
                | (bit_cast::<32, 3>(self.arriving.val().get_bits::<3>(28)) << bits::<6>(28))
                | (self.ring_consumed.val() & self.date_mask.val());
        }
        if self.closing.val() | self.polls.val() {
            self.date.d.next = self.date_now.val();
        }
        // One source at a time, so that sources can be or-ed: three tables a bit.
        self.from_job.next = bits::<32>(0);
        if self.rests.val()
            & (self.gathers.val() | (self.state.q.val() == CompleteState::WriteLength))
        {
            self.from_job.next = self.ones.val();
        }
        self.from_head.next = bits::<32>(0);
        if self.closing.val() {
            self.from_head.next = self.ones.val();
        }
        self.from_parity.next = bits::<32>(0);
        self.from_date.next = bits::<32>(0);
        self.from_ram.next = bits::<32>(0);
        if self.polls.val() {
            self.from_parity.next = self.ones.val();
        }
        if self.entry.q.val() == EntryState::WriteParity {
            self.from_date.next = self.ones.val();
        }
        if self.writes_entry.val() {
            if self.entry_word.q.val() == bits::<3>(5) {
                self.from_parity.next = self.ones.val();
            } else if self.entry_word.q.val() == bits::<3>(6) {
                self.from_date.next = self.ones.val();
            } else {
                self.from_ram.next = self.ones.val();
            }
        }
        self.head.next =
            (self.arriving.val() << bits::<6>(16)) | bit_cast::<32, 8>(self.vi.q.val());
        self.word_out.next = (self.arriving.val() & self.from_job.val())
            | (self.head.val() & self.from_head.val())
            | ((self.slot_parity.val() & self.from_parity.val())
                | (self.date.q.val() & self.from_date.val()))
            | (self.read_data.val() & self.from_ram.val());
        if (self.valid.q.val() & self.dma_write.ready.val())
            | !(self.valid.q.val() | (self.state.q.val() == CompleteState::AwaitCheck))
        {
            self.data.d.next = self.word_out.val();
        }
        self.place.next = self.slot.val();
        if self.polls.val() {
            self.place.next = self.line_iova.val() & self.line_mask.val();
        }
        if self.check.q.val() == CheckState::Await {
            self.place.next = self.piece.iova.val();
        }
        if ((self.check.q.val() == CheckState::Await) & self.rests.val())
            | self.polls.val()
            | (self.closing.val() & (self.dma_write.ready.val() | !self.valid.q.val()))
        {
            self.iova.d.next = self.place.val();
        }
        for i in 0..4 {
            self.jobs[i].ready.next =
                self.take.val() & (self.port.q.val() == i.to_bits::<2>()) & !self.reset.val();
        }

        // CQE words 1 to 5 are record words 6, 5, 4, 2, 3; word 0 of the RAM is the slot's place.
        self.wanted_word.next = bits::<3>(0);
        if self.wanted.val() == bits::<3>(1) {
            self.wanted_word.next = bits::<3>(6);
        }
        if self.wanted.val() == bits::<3>(2) {
            self.wanted_word.next = bits::<3>(5);
        }
        if self.wanted.val() == bits::<3>(3) {
            self.wanted_word.next = bits::<3>(4);
        }
        if self.wanted.val() == bits::<3>(4) {
            self.wanted_word.next = bits::<3>(2);
        }
        if self.wanted.val() == bits::<3>(5) {
            self.wanted_word.next = bits::<3>(3);
        }
        self.wanted_half.next = self.half.q.val();
        if self.writes_entry.val() {
            self.wanted_half.next = self.entry_half.q.val();
        }
        self.read_index.next = (bit_cast::<4, 1>(self.wanted_half.val().into()) << bits::<3>(3))
            | bit_cast::<4, 3>(self.wanted_word.val());
        self.read_is_ours.d.next =
            self.hold.val() & self.table_idle.val() & !self.preparing.q.val();
        self.store_index.next = (bit_cast::<4, 1>(self.half.q.val().into()) << bits::<3>(3))
            | bit_cast::<4, 3>(self.word.q.val());
        self.store_data.next = self.arriving.val();

        self.hold_irq.next = self.writes_entry.val();
        self.prepare.next = self.prepares.val();
        self.prepare_half.next = self.half.q.val();
        self.prepare_cq.next = self.cq.q.val();
        self.prepare_reserved.next = self.reserved.q.val();
        self.prepare_look_up.next = self.of_send.q.val() | self.of_receive.q.val();
        self.prepare_receive.next = self.of_receive.q.val();
        self.prepare_vi.next = self.vi.q.val().get_bits::<4>(0);

        self.request.stag.next = self.handle.q.val();
        self.request.to.next = (bit_cast::<64, 32>(self.high.q.val()) << bits::<7>(32))
            | bit_cast::<64, 32>(self.low.q.val() & self.block_mask.val())
            | self.status_place.val();
        self.request.length.next = self.status_length.val();
        self.request.access.next = self.local_write.val();
        self.request.vi.next = self.vi.q.val();
        self.request.last_of_message.next = false;
        self.request.valid.next = self.check.q.val() == CheckState::Ask;
        self.piece.ready.next = (self.check.q.val() == CheckState::Await) & self.rests.val();
        self.unfinished.next =
            (self.check.q.val() == CheckState::Await) | (self.check.q.val() == CheckState::Granted);
        self.drain.busy.next = bits::<2>(0);
        if self.unfinished.val() {
            self.drain.busy.next = bits::<2>(1);
            if self.filed.q.val() {
                self.drain.busy.next = bits::<2>(2);
            }
        }

        self.dma_write.iova.next = self.iova.q.val();
        self.dma_write.bytes.next = self.status_bytes.val();
        if self.is_entry.q.val() {
            self.dma_write.bytes.next = self.entry_bytes.val();
        }
        self.dma_write.data.next = self.data.q.val();
        self.dma_write.last.next = self.last.q.val();
        self.dma_write.valid.next = self.valid.q.val();
        self.event.vi.next = self.vi.q.val();
        self.event.event.next = self.comp_prot.val();
        self.event.valid.next = self.event_pending.q.val();
        self.step.fire.next = self.stepped.q.val();
        self.step.vi.next = self.entry_vi.q.val();
        self.cq_overflow.next = self.overflow.q.val();
        self.told.next = self.valid.q.val();
        self.va_low.next = self.low.q.val();
        self.busy.next = !((self.state.q.val() == CompleteState::Poll) & self.rests.val());

        if self.reset.val() {
            self.state.d.next = CompleteState::Poll;
            self.entry.d.next = EntryState::Rest;
            self.check.d.next = CheckState::Rest;
            self.preparing.d.next = false;
            self.event_pending.d.next = false;
            self.overflow.d.next = false;
            self.stepped.d.next = false;
            self.valid.d.next = false;
        }
    }
}
