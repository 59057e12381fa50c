//! Step 8, `complete`: a completion record becomes a status write into the descriptor and a CQE.
//!
//! It decides nothing: what completed, and how, is in the record. It keeps the record's words in a RAM and reads them in
//! the order in which they leave. The TPT is asked as soon as words 0 to 3 are there, the CQ
//! entry is claimed as soon as word 0 is.
//!
//! ```text
//!  receive, transmit, command, flush --> record RAM --> {length, status} to va + 24 --> CQE, 8 words
//!                          |                  ^
//!                          +-- va, handle --> TPT     cq --> cq_table
//! ```
//! Bits 10 and 11 of a record's word 0 say that the CQ is the send or the receive queue's of the VI, which is known here
//! from the VI commands; then `cq` is ignored. Only flush uses them.
//!
//! Latency: last word of a record whose words 0 to 4 came early to last CQE word: 9 cycles. Throughput: a record without
//! status write in 22 cycles, with one in 24 and what the TPT takes.

use rnic_abi::command::access;
use rnic_abi::completion::CQE_BYTES;
use rnic_abi::descriptor::LENGTH_OFFSET;
use rnic_abi::event::Event;
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::block_ram::BlockRam;
use crate::interfaces::{
    DmaWriteTx, EventTx, StepTx, StreamRx, TptDrainRx, TptPieceRx, TptRequestTx, ViConfigRx,
};

/// What leaves on the bus.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum CompleteState {
    /// Choose whose record is next, or write the slot-status line.
    Choose,
    /// Take words until something can leave.
    Gather,
    /// Take the VI's CQ number.
    LookUp,
    /// Write length and status into the descriptor.
    WriteStatus,
    /// Write the CQE.
    WriteCqe,
    /// Tell that something could not be written.
    RaiseEvent,
    /// Write the slot-status line.
    WriteLine,
}

/// What the TPT said about the descriptor.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum StatusCheck {
    /// Nothing is asked.
    Unasked,
    /// Ask.
    Ask,
    /// Wait for the first piece.
    Await,
    /// It was refused or split: wait for the last piece.
    Discard,
    /// The status may be written.
    Granted,
    /// It may not.
    Refused,
}

/// `C` is log2 of the CQs.
#[derive(LogicBlock)]
pub struct Complete<const C: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Records: 0 receive, 1 transmit, 2 command, 3 flush.
    pub jobs: [StreamRx; 4],
    /// Checks of descriptors.
    pub tpt: TptRequestTx,
    /// Their answers.
    pub piece: TptPieceRx,
    /// Proof that status writes are finished.
    pub drain: TptDrainRx,
    /// To the bus.
    pub dma_write: DmaWriteTx,
    /// VI words, for word 5.
    pub vi_config: ViConfigRx,
    /// Goes into every CQE.
    pub slot_parity: Signal<In, Bits<32>>,
    /// Goes into the status line.
    pub ring_consumed: Signal<In, Bits<32>>,
    /// Where that is.
    pub line_iova: Signal<In, Bits<48>>,
    /// It is due.
    pub line_wanted: Signal<In, Bit>,
    /// It is being written.
    pub line_taken: Signal<Out, Bit>,
    /// To the table: claim an entry of `claim_cq`.
    pub claim_valid: Signal<Out, Bit>,
    /// Its queue.
    pub claim_cq: Signal<Out, Bits<C>>,
    /// The entry was reserved.
    pub claim_reserved: Signal<Out, Bit>,
    /// The claim is finished.
    pub claim_done: Signal<In, Bit>,
    /// It got an entry.
    pub claim_ok: Signal<In, Bit>,
    /// The entry's phase.
    pub claim_phase: Signal<In, Bit>,
    /// A part of its IOVA.
    pub part: Signal<In, Bits<16>>,
    /// Which.
    pub part_valid: Signal<In, Bits<3>>,
    /// The CQE has been written.
    pub finish: Signal<Out, Bit>,
    /// Comp_prot.
    pub event: EventTx,
    /// A CQE was handed to the bus.
    pub step: StepTx,
    /// A CQE was lost.
    pub overflow: Signal<Out, Bit>,
    /// A record is under way.
    pub busy: Signal<Out, Bit>,

    record: BlockRam<32, 5>,
    state: DFF<CompleteState>,
    check: DFF<StatusCheck>,
    source: DFF<Bits<2>>,
    open: DFF<Bit>,
    words: DFF<Bits<4>>,
    count: DFF<Bits<3>>,
    cq: DFF<Bits<C>>,
    vi: DFF<Bits<8>>,
    writeback: DFF<Bit>,
    reserved: DFF<Bit>,
    looks_up: DFF<Bits<2>>,
    claiming: DFF<Bit>,
    claimed: DFF<Bit>,
    status_written: DFF<Bit>,
    status_low: DFF<Bits<32>>,
    status_high: DFF<Bits<16>>,
    low: DFF<Bits<32>>,
    high: DFF<Bits<32>>,
    entry_low: DFF<Bits<16>>,
    entry_middle: DFF<Bits<16>>,
    entry_high: DFF<Bits<16>>,
    access_busy: DFF<Bits<2>>,
    fired: DFF<Bit>,
    lost: DFF<Bit>,

    selected: Signal<Local, Bits<2>>,
    any_job: Signal<Local, Bit>,
    data: Signal<Local, Bits<32>>,
    valid: Signal<Local, Bit>,
    wants: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
    read_word: Signal<Local, Bits<5>>,
    word_number: Signal<Local, Bits<3>>,
    stored: Signal<Local, Bits<32>>,
    status_ready: Signal<Local, Bit>,
    cqe_ready: Signal<Local, Bit>,
    claim_missing: Signal<Local, Bit>,
    next_count: Signal<Local, Bits<3>>,
    cqe_word: Signal<Local, Bits<3>>,
    taken_now: Signal<Local, Bits<2>>,
    in_cqe: Signal<Local, Bit>,
    in_line: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    aligned: Signal<Local, Bit>,
    low_bits: Signal<Local, Bits<2>>,
    config_stored: Signal<Local, Bit>,
    config_cqs: Signal<Local, Bits<16>>,
    lookup_bits: Signal<Local, Bits<2>>,
    write_number: Signal<Local, Bits<5>>,
    comp_prot: Constant<Bits<4>>,
    local_write: Constant<Bits<4>>,
    length_offset: Constant<Bits<64>>,
    cqe_bytes: Constant<Bits<13>>,
}

impl<const C: usize> Default for Complete<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const C: usize> Complete<C> {
    /// Nothing to choose.
    pub fn new() -> Self {
        block_new!(
            clock reset jobs tpt piece drain dma_write vi_config slot_parity ring_consumed line_iova
            line_wanted line_taken claim_valid claim_cq claim_reserved claim_done claim_ok claim_phase
            part part_valid finish event step overflow busy record state check source open words count
            cq vi writeback reserved looks_up claiming claimed status_written status_low status_high low
            high entry_low entry_middle entry_high access_busy fired lost selected any_job data valid
            wants takes read_word word_number stored status_ready cqe_ready claim_missing next_count
            cqe_word taken_now in_cqe in_line moves aligned low_bits config_stored config_cqs
            lookup_bits write_number;
            comp_prot = Event::CompProt as u8,
            local_write = access::LOCAL_WRITE,
            length_offset = LENGTH_OFFSET as u64,
            cqe_bytes = CQE_BYTES as u64,
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
            source,
            open,
            words,
            count,
            cq,
            vi,
            writeback,
            reserved,
            looks_up,
            claiming,
            claimed,
            status_written,
            status_low,
            status_high,
            low,
            high,
            entry_low,
            entry_middle,
            entry_high,
            access_busy,
            fired,
            lost
        );
        clock!(self, clock, record);

        // Whose turn it is: the next lower source that has a record, from the top again after the lowest.
        self.selected.next = bits::<2>(0);
        self.any_job.next = false;
        self.data.next = bits::<32>(0);
        self.valid.next = false;
        self.wants.next = self.open.q.val() & !self.words.q.val().get_bit(3) & !self.reset.val();
        for i in 0..4 {
            if self.jobs[i].valid.val() {
                self.selected.next = i.to_bits::<2>();
                self.any_job.next = true;
            }
        }
        for i in 0..4 {
            if self.jobs[i].valid.val() & (self.source.q.val() > i.to_bits::<2>()) {
                self.selected.next = i.to_bits::<2>();
            }
            self.jobs[i].ready.next = self.wants.val() & (self.source.q.val() == i.to_bits::<2>());
            if self.source.q.val() == i.to_bits::<2>() {
                self.data.next = self.jobs[i].data.val();
                self.valid.next = self.jobs[i].valid.val();
            }
        }
        self.takes.next = self.wants.val() & self.valid.val();

        // Words of the record, and what of them is needed early.
        self.lookup_bits.next = self.data.val().get_bits::<2>(10);
        self.write_number.next = bit_cast::<5, 4>(self.words.q.val());
        self.record.write_enable.next = self.takes.val();
        self.record.write_address.next = self.write_number.val();
        self.record.write_data.next = self.data.val();
        self.config_cqs.next = bit_cast::<16, 32>(self.vi_config.data.val());
        self.config_stored.next =
            self.vi_config.valid.val() & (self.vi_config.word.val() == bits::<4>(5));
        self.vi_config.ready.next =
            !(self.takes.val() & (self.vi_config.word.val() == bits::<4>(5))) & !self.reset.val();
        if !self.takes.val() {
            self.record.write_enable.next = self.config_stored.val();
            self.record.write_address.next =
                bit_cast::<5, 4>(bit_cast::<4, 8>(self.vi_config.vi.val())) | bits::<5>(16);
            // The upper half is not looked at.
            self.record.write_data.next = (self.data.val() & bits::<32>(0xFFFF_0000_u64))
                | bit_cast::<32, 16>(self.config_cqs.val());
        }
        if self.part_valid.val().get_bit(0) {
            self.entry_low.d.next = self.part.val();
        }
        if self.part_valid.val().get_bit(1) {
            self.entry_middle.d.next = self.part.val();
        }
        if self.part_valid.val().get_bit(2) {
            self.entry_high.d.next = self.part.val();
        }
        if self.takes.val() {
            self.words.d.next = self.words.q.val() + 1;
            if self.words.q.val() == bits::<4>(0) {
                self.cq.d.next = bit_cast::<C, 32>(self.data.val());
                self.writeback.d.next = self.data.val().get_bit(8);
                self.reserved.d.next = self.data.val().get_bit(9);
                self.looks_up.d.next = self.lookup_bits.val();
                self.vi.d.next = self.data.val().get_bits::<8>(24);
            }
            if self.words.q.val() == bits::<4>(1) {
                self.status_low.d.next = self.data.val();
            }
            if self.words.q.val() == bits::<4>(2) {
                self.low.d.next = self.data.val();
            }
            if self.words.q.val() == bits::<4>(3) {
                self.high.d.next = self.data.val();
                if self.writeback.q.val() {
                    self.check.d.next = StatusCheck::Ask;
                }
            }
        }

        // May the status be written? Descriptors are 64-byte aligned, so the offset is a bit pattern, not a sum.
        self.tpt.stag.next = self.status_low.q.val();
        self.tpt.to.next = bit_cast::<64, 32>(self.low.q.val())
            | (bit_cast::<64, 32>(self.high.q.val()) << bits::<7>(32))
            | self.length_offset.val();
        self.tpt.length.next = bits::<16>(8);
        self.tpt.access.next = self.local_write.val();
        self.tpt.vi.next = self.vi.q.val();
        self.tpt.last_of_message.next = false;
        self.tpt.valid.next = false;
        self.piece.ready.next = false;
        self.low_bits.next = bit_cast::<2, 48>(self.piece.iova.val());
        self.aligned.next = !self.low_bits.val().any();
        self.taken_now.next = bits::<2>(0);
        if self.check.q.val() == StatusCheck::Ask {
            self.tpt.valid.next = true;
            if self.tpt.ready.val() {
                self.taken_now.next = bits::<2>(1);
                if self.drain.epoch.val() {
                    self.taken_now.next = bits::<2>(2);
                }
                self.access_busy.d.next = self.taken_now.val();
                self.check.d.next = StatusCheck::Await;
            }
        }
        if self.check.q.val() == StatusCheck::Await {
            self.piece.ready.next = true;
            if self.piece.valid.val() {
                self.status_low.d.next = bit_cast::<32, 48>(self.piece.iova.val());
                self.status_high.d.next = self.piece.iova.val().get_bits::<16>(32);
                if !self.piece.error.val().any() & self.piece.last.val() & self.aligned.val() {
                    self.check.d.next = StatusCheck::Granted;
                } else if self.piece.last.val() {
                    self.access_busy.d.next = bits::<2>(0);
                    self.check.d.next = StatusCheck::Refused;
                } else {
                    self.check.d.next = StatusCheck::Discard;
                }
            }
        }
        if self.check.q.val() == StatusCheck::Discard {
            self.piece.ready.next = true;
            if self.piece.valid.val() & self.piece.last.val() {
                self.access_busy.d.next = bits::<2>(0);
                self.check.d.next = StatusCheck::Refused;
            }
        }
        self.drain.busy.next = self.access_busy.q.val() | self.taken_now.val();

        // The CQ entry, as soon as its queue is known.
        self.claim_missing.next = self.open.q.val()
            & self.words.q.val().any()
            & !self.claiming.q.val()
            & !self.claimed.q.val()
            & !self.looks_up.q.val().any();
        if self.claim_missing.val() {
            self.claiming.d.next = true;
        }
        if self.claim_done.val() {
            self.claiming.d.next = false;
            self.claimed.d.next = true;
        }
        self.claim_valid.next = self.claiming.q.val();
        self.claim_cq.next = self.cq.q.val();
        self.claim_reserved.next = self.reserved.q.val();

        // What can leave. Word 6 may arrive in this very cycle: it is not read before the next one but one.
        self.status_ready.next = (self.check.q.val() == StatusCheck::Granted)
            & !self.status_written.q.val()
            & ((self.words.q.val() > bits::<4>(6))
                | ((self.words.q.val() == bits::<4>(6)) & self.takes.val()));
        self.cqe_ready.next = self.words.q.val().get_bit(3)
            & self.claimed.q.val()
            & (!self.writeback.q.val()
                | (self.check.q.val() == StatusCheck::Refused)
                | self.status_written.q.val());

        self.stored.next = self.record.read_data.val();
        self.next_count.next = self.count.q.val();
        self.line_taken.next = false;
        self.finish.next = false;
        self.fired.d.next = false;
        self.lost.d.next = false;
        self.event.valid.next = false;
        self.event.vi.next = self.vi.q.val();
        self.event.event.next = self.comp_prot.val();
        self.dma_write.valid.next = false;
        self.dma_write.last.next = false;
        self.dma_write.bytes.next = bits::<13>(8);
        self.dma_write.iova.next = bit_cast::<48, 16>(self.entry_low.q.val())
            | (bit_cast::<48, 16>(self.entry_middle.q.val()) << bits::<6>(16))
            | (bit_cast::<48, 16>(self.entry_high.q.val()) << bits::<6>(32));
        if self.state.q.val() == CompleteState::WriteStatus {
            self.dma_write.iova.next = bit_cast::<48, 32>(self.status_low.q.val())
                | (bit_cast::<48, 16>(self.status_high.q.val()) << bits::<6>(32));
        }
        if self.state.q.val() == CompleteState::WriteLine {
            self.dma_write.iova.next = self.line_iova.val();
        }
        // The word that leaves: as stored, but for CQE words 0, 6 and 7 and the line's two.
        self.in_cqe.next = self.state.q.val() == CompleteState::WriteCqe;
        self.in_line.next = self.state.q.val() == CompleteState::WriteLine;
        self.dma_write.data.next = self.stored.val();
        if self.in_cqe.val() & (self.count.q.val() == bits::<3>(0)) {
            self.dma_write.data.next =
                bit_cast::<32, 8>(self.vi.q.val()) | (self.stored.val() << bits::<6>(16));
        }
        if self.in_cqe.val() & self.count.q.val().all() {
            self.dma_write.data.next = (self.stored.val() & bits::<32>(0x7000_0000))
                | (bit_cast::<32, 1>(self.claim_phase.val().into()) << bits::<6>(31));
        }
        if (self.in_cqe.val() & (self.count.q.val() == bits::<3>(6))) | self.in_line.val() {
            self.dma_write.data.next = self.slot_parity.val();
        }
        if self.in_line.val() & self.count.q.val().any() {
            self.dma_write.data.next = self.ring_consumed.val();
        }
        self.word_number.next = bits::<3>(5);
        if self.status_written.q.val() | !self.writeback.q.val() {
            self.word_number.next = bits::<3>(7);
        }
        if self.check.q.val() == StatusCheck::Refused {
            self.word_number.next = bits::<3>(7);
        }
        self.moves.next = false;
        self.cqe_word.next = bits::<3>(0);
        self.read_word.next = bits::<5>(0);
        match self.state.q.val() {
            CompleteState::Choose => {
                self.words.d.next = bits::<4>(0);
                self.next_count.next = bits::<3>(0);
                self.check.d.next = StatusCheck::Unasked;
                self.claimed.d.next = false;
                self.status_written.d.next = false;
                self.looks_up.d.next = bits::<2>(0);
                if self.any_job.val() {
                    self.source.d.next = self.selected.val();
                    self.open.d.next = true;
                    self.state.d.next = CompleteState::Gather;
                } else if self.line_wanted.val() {
                    self.line_taken.next = true;
                    self.state.d.next = CompleteState::WriteLine;
                }
            }
            CompleteState::Gather => {
                self.read_word.next = bit_cast::<5, 3>(self.word_number.val());
                if self.looks_up.q.val().any() {
                    self.read_word.next =
                        bit_cast::<5, 4>(bit_cast::<4, 8>(self.vi.q.val())) | bits::<5>(16);
                    self.state.d.next = CompleteState::LookUp;
                } else if self.status_ready.val() {
                    self.state.d.next = CompleteState::WriteStatus;
                } else if self.cqe_ready.val() {
                    self.state.d.next = CompleteState::WriteCqe;
                    if !self.claim_ok.val() {
                        self.lost.d.next = true;
                        self.state.d.next = CompleteState::RaiseEvent;
                    }
                }
            }
            CompleteState::LookUp => {
                self.cq.d.next = bit_cast::<C, 32>(self.stored.val());
                if self.looks_up.q.val().get_bit(1) {
                    self.cq.d.next = self.stored.val().get_bits::<C>(8);
                }
                self.looks_up.d.next = bits::<2>(0);
                self.state.d.next = CompleteState::Gather;
            }
            CompleteState::WriteStatus => {
                self.dma_write.valid.next = true;
                self.dma_write.last.next = self.count.q.val().any();
                self.moves.next = self.dma_write.ready.val();
                self.word_number.next = bits::<3>(5);
                if self.count.q.val().any() {
                    self.word_number.next = bits::<3>(6);
                }
                if self.moves.val() {
                    self.next_count.next = bits::<3>(1);
                    self.word_number.next = bits::<3>(6);
                    if self.count.q.val().any() {
                        self.word_number.next = bits::<3>(7);
                        self.next_count.next = bits::<3>(0);
                        self.status_written.d.next = true;
                        self.access_busy.d.next = bits::<2>(0);
                        self.state.d.next = CompleteState::Gather;
                        if self.words.q.val().get_bit(3)
                            & self.claimed.q.val()
                            & self.claim_ok.val()
                        {
                            self.state.d.next = CompleteState::WriteCqe;
                        }
                    }
                }
                self.read_word.next = bit_cast::<5, 3>(self.word_number.val());
            }
            CompleteState::WriteCqe => {
                self.dma_write.valid.next = true;
                self.dma_write.bytes.next = self.cqe_bytes.val();
                self.dma_write.last.next = self.count.q.val().all();
                self.moves.next = self.dma_write.ready.val();
                if self.moves.val() {
                    self.next_count.next = self.count.q.val() + 1;
                    if self.count.q.val().all() {
                        self.finish.next = true;
                        self.fired.d.next = true;
                        self.open.d.next = false;
                        self.state.d.next = CompleteState::Choose;
                        if self.check.q.val() == StatusCheck::Refused {
                            self.state.d.next = CompleteState::RaiseEvent;
                        }
                    }
                }
                // Record words in the CQE's order: 7, 6, 5, 4, 2, 3, none, 7.
                self.cqe_word.next = bits::<3>(7) - self.next_count.val();
                if self.next_count.val() == bits::<3>(4) {
                    self.cqe_word.next = bits::<3>(2);
                }
                if self.next_count.val() == bits::<3>(5) {
                    self.cqe_word.next = bits::<3>(3);
                }
                if self.next_count.val() == bits::<3>(7) {
                    self.cqe_word.next = bits::<3>(7);
                }
                self.read_word.next = bit_cast::<5, 3>(self.cqe_word.val());
            }
            CompleteState::RaiseEvent => {
                self.open.d.next = false;
                self.event.valid.next = true;
                if self.event.ready.val() {
                    self.state.d.next = CompleteState::Choose;
                }
            }
            CompleteState::WriteLine => {
                self.dma_write.valid.next = true;
                self.dma_write.last.next = self.count.q.val().any();
                if self.dma_write.ready.val() {
                    self.next_count.next = bits::<3>(1);
                    if self.count.q.val().any() {
                        self.next_count.next = bits::<3>(0);
                        self.state.d.next = CompleteState::Choose;
                    }
                }
            }
            _ => {
                self.state.d.next = CompleteState::Choose;
            }
        }
        self.count.d.next = self.next_count.val();
        self.record.read_address.next = self.read_word.val();
        self.step.fire.next = self.fired.q.val();
        self.step.vi.next = self.vi.q.val();
        self.overflow.next = self.lost.q.val();
        self.busy.next = self.state.q.val() != CompleteState::Choose;
        if self.reset.val() {
            self.state.d.next = CompleteState::Choose;
            self.check.d.next = StatusCheck::Unasked;
            self.open.d.next = false;
            self.claiming.d.next = false;
            self.access_busy.d.next = bits::<2>(0);
            self.fired.d.next = false;
            self.lost.d.next = false;
        }
    }
}
