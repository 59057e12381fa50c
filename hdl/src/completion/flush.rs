//! Ends everything that a VI still has to do: one flushed completion for each descriptor and one-shot.
//!
//! It decides nothing about the VI's state; whoever asks has stopped new work. It writes records for `complete`, whose
//! table also knows the VI's queues.
//!
//! ```text
//!  flush --> stop transmit, receive --> send queue --> receive queue --> one-shots of the TPT --> ready
//!                                           |              |                   |
//!                                           +--> record (see complete) <-------+
//! ```
//! A one-shot's queue entry gives no record: the TPT's walk gives exactly one for each STag. A flushed `send_invalidate`
//! that is not signalled gives none, and where it gives one its stag is 0: the context says which it was.
//!
//! Cycles: about 40 for a queue entry; frees of slots are at least 16 apart.

use rnic_abi::command::flags;
use rnic_abi::completion::kind;
use rnic_abi::descriptor::status;
use rnic_abi::error::CommandError;
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::{
    FailingDescriptorTx, FlushViRx, FlushViTx, QueueReadTx, QueueStepTx, SlotFreeTx, StreamRx,
    StreamTx, WalkRequestTx, WalkResultRx,
};

#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
enum FlushState {
    /// Nobody asks.
    Idle,
    /// Transmit lets go of the VI.
    StopTransmit,
    /// Receive too.
    StopReceive,
    /// Is there an entry left in this queue?
    Look,
    /// Read the oldest.
    AskEntry,
    /// What is it?
    TakeEntry,
    /// Nothing is said of it: drop its words.
    DropWords,
    /// Report it.
    Report,
    /// The entry is done, its slots are free.
    StepQueue,
    /// Slots are freed one by one.
    LetFree,
    /// Ask the TPT for a one-shot.
    Walk,
    /// It was released, or none is left.
    TakeOneShot,
    /// Say so.
    Answer,
}

/// `V` is log2 of the VIs.
#[derive(LogicBlock)]
pub struct Flush<const V: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Forgets what it does.
    pub reset: Signal<In, Bit>,
    /// Whom to flush.
    pub flush: FlushViRx,
    /// To Transmit.
    pub stop_transmit: FlushViTx,
    /// To Receive.
    pub stop_receive: FlushViTx,
    /// Reads of the queues.
    pub queue_read: QueueReadTx,
    /// Their entries.
    pub queue_data: StreamRx,
    /// The send queue has an entry that is not done.
    pub send_undone: Signal<In, Bits<16>>,
    /// The receive queue has one.
    pub receive_undone: Signal<In, Bits<16>>,
    /// A send entry is done.
    pub send_done: QueueStepTx,
    /// A receive entry is done.
    pub receive_done: QueueStepTx,
    /// Slots of ring commands.
    pub slot_free: SlotFreeTx,
    /// The TPT's one-shots.
    pub walk: WalkRequestTx,
    /// One of them.
    pub walk_result: WalkResultRx,
    /// The first descriptor flushed.
    pub failing: FailingDescriptorTx,
    /// Records, see `complete`.
    pub record: StreamTx,
    /// Word 2 of the record, after it was taken.
    pub va_low: Signal<In, Bits<32>>,
    /// One item.
    pub flushed: Signal<Out, Bit>,
    /// A VI is being flushed.
    pub busy: Signal<Out, Bit>,

    state: DFF<FlushState>,
    receive: DFF<Bit>,
    walking: DFF<Bit>,
    kind: DFF<Bits<2>>,
    slot: DFF<Bits<5>>,
    slots: DFF<Bits<3>>,
    word: DFF<Bits<4>>,
    told: DFF<Bit>,

    vi: Signal<Local, Bits<V>>,
    undone: Signal<Local, Bit>,
    entry_kind: Signal<Local, Bits<2>>,
    index: Signal<Local, Bits<3>>,
    from_queue: Signal<Local, Bit>,
    is_descriptor: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    header: Signal<Local, Bits<32>>,
    verdict: Signal<Local, Bits<32>>,
    closing: Signal<Local, Bits<32>>,
    from_entry: Signal<Local, Bits<32>>,
    from_context: Signal<Local, Bits<32>>,
    from_stag: Signal<Local, Bits<32>>,
    own_word: Signal<Local, Bits<32>>,
    all: Constant<Bits<32>>,
    which_oldest: Constant<Bits<2>>,
    signalled: Constant<Bits<8>>,
    header_writeback: Constant<Bits<32>>,
    header_reserved: Constant<Bits<32>>,
    header_send: Constant<Bits<32>>,
    header_receive: Constant<Bits<32>>,
    status_send: Constant<Bits<32>>,
    status_receive: Constant<Bits<32>>,
    closes_send: Constant<Bits<32>>,
    closes_receive: Constant<Bits<32>>,
    closes_one_shot: Constant<Bits<32>>,
    closes_send_invalidate: Constant<Bits<32>>,
}

impl<const V: usize> Default for Flush<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const V: usize> Flush<V> {
    /// Idle.
    pub fn new() -> Self {
        assert!(V <= 4);
        let closes = |kind: u8| u32::from(kind) | (CommandError::Flushed as u32) << 8;
        block_new!(
            clock reset flush stop_transmit stop_receive queue_read queue_data send_undone
            receive_undone send_done receive_done slot_free walk walk_result failing record va_low
            flushed busy state receive walking kind slot slots word told vi undone entry_kind index
            from_queue is_descriptor moves header verdict closing from_entry from_context from_stag own_word;
            all = 0xFFFF_FFFF_u64,
            which_oldest = 2_u64,
            signalled = flags::SIGNALLED,
            header_writeback = 1_u64 << 8,
            header_reserved = 1_u64 << 9,
            header_send = 1_u64 << 10,
            header_receive = 1_u64 << 11,
            status_send = status::DONE | status::DESC_FLUSHED,
            status_receive = status::DONE | status::DESC_FLUSHED | status::OP_RECEIVE,
            closes_send = closes(kind::SEND),
            closes_receive = closes(kind::RECEIVE),
            closes_one_shot = closes(kind::ONE_SHOT),
            closes_send_invalidate = closes(kind::SEND_INVALIDATE),
        )
    }
}

impl<const V: usize> Logic for Flush<V> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, receive, walking, kind, slot, slots, word, told);
        self.vi.next = bit_cast::<V, 8>(self.flush.vi.val());
        self.undone.next = self.send_undone.val().get_bit(self.vi.val().index());
        if self.receive.q.val() {
            self.undone.next = self.receive_undone.val().get_bit(self.vi.val().index());
        }
        self.entry_kind.next = self.queue_data.data.val().get_bits::<2>(0);
        self.index.next = self.word.q.val().get_bits::<3>(0);
        self.is_descriptor.next = !self.walking.q.val() & !self.kind.q.val().any();

        // Words 1 to 3 of a queue entry pass through.
        self.from_queue.next = (self.state.q.val() == FlushState::Report)
            & !self.walking.q.val()
            & ((self.index.val() == bits::<3>(1))
                | (self.index.val() == bits::<3>(2))
                | (self.index.val() == bits::<3>(3)));
        self.record.valid.next = (self.state.q.val() == FlushState::Report)
            & (self.queue_data.valid.val() | !self.from_queue.val());
        self.record.last.next = self.index.val() == bits::<3>(7);
        self.moves.next = (self.state.q.val() == FlushState::Report)
            & (self.queue_data.valid.val() | !self.from_queue.val())
            & self.record.ready.val();
        self.queue_data.ready.next = (self.from_queue.val() & self.record.ready.val())
            | (self.state.q.val() == FlushState::TakeEntry)
            | (self.state.q.val() == FlushState::DropWords);

        self.header.next = self.header_send.val();
        self.verdict.next = bits::<32>(0);
        self.closing.next = self.closes_send_invalidate.val();
        if self.walking.q.val() {
            self.header.next = self.header_send.val() | self.header_reserved.val();
            self.closing.next = self.closes_one_shot.val();
        } else if self.receive.q.val() {
            self.header.next = self.header_receive.val() | self.header_writeback.val();
            self.verdict.next = self.status_receive.val();
            self.closing.next = self.closes_receive.val();
        } else if self.is_descriptor.val() {
            self.header.next = self.header_send.val() | self.header_writeback.val();
            self.verdict.next = self.status_send.val();
            self.closing.next = self.closes_send.val();
        }
        // One source at a time, so that sources can be or-ed.
        self.from_entry.next = bits::<32>(0);
        if self.from_queue.val() & (self.is_descriptor.val() | (self.index.val() == bits::<3>(2))) {
            self.from_entry.next = self.all.val();
        }
        self.from_context.next = bits::<32>(0);
        self.from_stag.next = bits::<32>(0);
        if self.walking.q.val() {
            if self.index.val() == bits::<3>(2) {
                self.from_context.next = self.all.val();
            }
            if self.index.val() == bits::<3>(4) {
                self.from_stag.next = self.all.val();
            }
        }
        self.own_word.next = bits::<32>(0);
        if self.index.val() == bits::<3>(0) {
            self.own_word.next =
                self.header.val() | (bit_cast::<32, V>(self.vi.val()) << bits::<6>(24));
        }
        if self.index.val() == bits::<3>(6) {
            self.own_word.next = self.verdict.val();
        }
        if self.index.val() == bits::<3>(7) {
            self.own_word.next = self.closing.val();
        }
        self.record.data.next = (self.queue_data.data.val() & self.from_entry.val())
            | (self.walk_result.context.val() & self.from_context.val())
            | (self.walk_result.stag.val() & self.from_stag.val())
            | self.own_word.val();

        self.flush.ready.next = false;
        self.stop_transmit.vi.next = self.flush.vi.val();
        self.stop_transmit.valid.next = false;
        self.stop_receive.vi.next = self.flush.vi.val();
        self.stop_receive.valid.next = false;
        self.queue_read.vi.next = self.flush.vi.val();
        self.queue_read.receive.next = self.receive.q.val();
        self.queue_read.which.next = self.which_oldest.val();
        self.queue_read.index.next = bits::<8>(0);
        self.queue_read.valid.next = false;
        self.send_done.vi.next = self.flush.vi.val();
        self.send_done.valid.next = false;
        self.receive_done.vi.next = self.flush.vi.val();
        self.receive_done.valid.next = false;
        self.slot_free.slot.next = bit_cast::<8, 5>(self.slot.q.val());
        self.slot_free.count.next = self.slots.q.val();
        self.slot_free.valid.next = false;
        self.walk.vi.next = self.flush.vi.val();
        self.walk.valid.next = false;
        self.walk_result.ready.next = false;
        self.failing.vi.next = self.flush.vi.val();
        self.failing.va.next = (bit_cast::<64, 32>(self.queue_data.data.val()) << bits::<7>(32))
            | bit_cast::<64, 32>(self.va_low.val());
        self.failing.valid.next = false;
        self.flushed.next = false;

        match self.state.q.val() {
            FlushState::Idle => {
                self.receive.d.next = false;
                self.walking.d.next = false;
                self.told.d.next = false;
                if self.flush.valid.val() {
                    self.state.d.next = FlushState::StopTransmit;
                }
            }
            FlushState::StopTransmit => {
                self.stop_transmit.valid.next = true;
                if self.stop_transmit.ready.val() {
                    self.state.d.next = FlushState::StopReceive;
                }
            }
            FlushState::StopReceive => {
                self.stop_receive.valid.next = true;
                if self.stop_receive.ready.val() {
                    self.state.d.next = FlushState::Look;
                }
            }
            FlushState::Look => {
                self.word.d.next = bits::<4>(0);
                if self.undone.val() {
                    self.state.d.next = FlushState::AskEntry;
                } else if !self.receive.q.val() {
                    self.receive.d.next = true;
                } else {
                    self.receive.d.next = false;
                    self.walking.d.next = true;
                    self.state.d.next = FlushState::Walk;
                }
            }
            FlushState::AskEntry => {
                self.queue_read.valid.next = true;
                if self.queue_read.ready.val() {
                    self.state.d.next = FlushState::TakeEntry;
                }
            }
            FlushState::TakeEntry => {
                self.kind.d.next = self.entry_kind.val();
                self.slot.d.next = self.queue_data.data.val().get_bits::<5>(12);
                self.slots.d.next = self.queue_data.data.val().get_bits::<3>(17);
                if self.queue_data.valid.val() {
                    self.state.d.next = FlushState::Report;
                    if self.entry_kind.val().get_bit(0)
                        | (self.entry_kind.val().get_bit(1)
                            & !(self.queue_data.data.val().get_bits::<8>(4) & self.signalled.val())
                                .any())
                    {
                        self.state.d.next = FlushState::DropWords;
                    }
                }
            }
            FlushState::DropWords => {
                if self.queue_data.valid.val() & self.queue_data.last.val() {
                    self.state.d.next = FlushState::StepQueue;
                }
            }
            FlushState::Report => {
                if self.moves.val() {
                    self.word.d.next = self.word.q.val() + 1;
                    if self.is_descriptor.val() & (self.index.val() == bits::<3>(3)) {
                        self.failing.valid.next = !self.told.q.val();
                        self.told.d.next = true;
                    }
                    if self.index.val() == bits::<3>(7) {
                        self.word.d.next = bits::<4>(0);
                        self.state.d.next = FlushState::StepQueue;
                        if self.walking.q.val() {
                            self.walk_result.ready.next = true;
                            self.flushed.next = true;
                            self.state.d.next = FlushState::Walk;
                        }
                    }
                }
            }
            FlushState::StepQueue => {
                self.send_done.valid.next = !self.receive.q.val();
                self.receive_done.valid.next = self.receive.q.val();
                self.slot_free.valid.next = self.kind.q.val().any();
                self.flushed.next = !self.kind.q.val().get_bit(0);
                self.state.d.next = FlushState::LetFree;
            }
            FlushState::LetFree => {
                self.word.d.next = self.word.q.val() + 1;
                if self.word.q.val().all() {
                    self.state.d.next = FlushState::Look;
                }
            }
            FlushState::Walk => {
                self.walk.valid.next = true;
                if self.walk.ready.val() {
                    self.state.d.next = FlushState::TakeOneShot;
                }
            }
            FlushState::TakeOneShot => {
                if self.walk_result.valid.val() {
                    self.state.d.next = FlushState::Report;
                    if self.walk_result.done.val() {
                        self.walk_result.ready.next = true;
                        self.state.d.next = FlushState::Answer;
                    }
                }
            }
            FlushState::Answer => {
                self.flush.ready.next = true;
                self.state.d.next = FlushState::Idle;
            }
            _ => {
                self.state.d.next = FlushState::Idle;
            }
        }
        self.busy.next = !(self.state.q.val() == FlushState::Idle);
        if self.reset.val() {
            self.state.d.next = FlushState::Idle;
        }
    }
}
