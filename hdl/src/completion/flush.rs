//! Takes back the work of a VI that broke or was disconnected: every entry of its queues, every one-shot bound to it.
//!
//! It writes nothing: its completion records go to `complete` like everyone's, with the VI's queue named, not the CQ.
//!
//! ```text
//!  stop transmit, stop receive -> send entries -> receive entries -> one-shots (TPT walk) -> ready
//!                                     |               |                  |
//!                                  record          record             record (reserved CQ entry)
//!                                  slot free
//! ```
//! A one-shot's queue entry gives no record: the walk gives its one CQE. A quiet send_invalidate gives none at all.
//!
//! Throughput: an entry with a record in 14 cycles and what the completer takes; one without in 24.

use rnic_abi::completion::kind;
use rnic_abi::descriptor::status;
use rnic_abi::error::CommandError;
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::{
    FailingDescriptorTx, FlushViRx, FlushViTx, QueueReadTx, QueueStepTx, SlotFreeTx, StreamRx,
    StreamTx, WalkRequestTx, WalkResultRx,
};

/// How far the flush of one VI is.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum FlushState {
    /// Wait for a VI.
    Idle,
    /// Wait until transmit holds nothing of it.
    StopTransmit,
    /// Wait until receive holds nothing of it.
    StopReceive,
    /// Is there an entry? Send queue first.
    Check,
    /// Ask for the oldest one.
    RequestEntry,
    /// See what it is.
    TakeHead,
    /// Write its record, or only read it to its end.
    Report,
    /// It is done.
    Step,
    /// Leave the command side time to free its slots.
    Pause,
    /// Ask the TPT for the next one-shot.
    Walk,
    /// See what it is.
    AwaitOneShot,
    /// Write its record.
    ReportOneShot,
    /// Nothing is left.
    Ready,
}

/// The flush of one VI at a time.
#[derive(LogicBlock)]
pub struct Flush {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// The VI that is to be flushed; ready when it is.
    pub flush: FlushViRx,
    /// Transmit lets go of it.
    pub stop_transmit: FlushViTx,
    /// Receive lets go of it.
    pub stop_receive: FlushViTx,
    /// Send queues with an entry not completed.
    pub send_undone: Signal<In, Bits<16>>,
    /// Receive queues with an entry not completed.
    pub receive_undone: Signal<In, Bits<16>>,
    /// The oldest entry, please.
    pub queue_read: QueueReadTx,
    /// Here it is.
    pub queue_data: StreamRx,
    /// The oldest send entry is done.
    pub send_done: QueueStepTx,
    /// The oldest receive entry is done.
    pub receive_done: QueueStepTx,
    /// A ring command's slots are free.
    pub slot_free: SlotFreeTx,
    /// The next one-shot of the VI, please.
    pub walk: WalkRequestTx,
    /// Here it is.
    pub walk_result: WalkResultRx,
    /// The first descriptor flushed.
    pub failing: FailingDescriptorTx,
    /// Records, to the completer.
    pub record: StreamTx,
    /// Something was flushed.
    pub flushed: Signal<Out, Bit>,
    /// A flush is under way.
    pub busy: Signal<Out, Bit>,

    state: DFF<FlushState>,
    vi: DFF<Bits<4>>,
    receive: DFF<Bit>,
    reported: DFF<Bit>,
    ring_command: DFF<Bit>,
    silent: DFF<Bit>,
    slot: DFF<Bits<5>>,
    slots: DFF<Bits<3>>,
    count: DFF<Bits<3>>,
    low: DFF<Bits<32>>,

    head: Signal<Local, Bits<32>>,
    head_kind: Signal<Local, Bits<4>>,
    from_queue: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    wide_vi: Signal<Local, Bits<8>>,
    is_undone: Signal<Local, Bit>,
    waiting: Signal<Local, Bits<16>>,
    pausing: DFF<Bit>,
    kind_send_invalidate: Constant<Bits<4>>,
    completes_send: Constant<Bits<32>>,
    completes_receive: Constant<Bits<32>>,
    completes_one_shot: Constant<Bits<32>>,
    completes_send_invalidate: Constant<Bits<32>>,
    status_send: Constant<Bits<32>>,
    status_receive: Constant<Bits<32>>,
}

impl Default for Flush {
    fn default() -> Self {
        Self::new()
    }
}

impl Flush {
    /// Nothing to choose.
    pub fn new() -> Self {
        let flushed = (CommandError::Flushed as u32) << 8;
        block_new!(
            clock reset flush stop_transmit stop_receive send_undone receive_undone queue_read
            queue_data send_done receive_done slot_free walk walk_result failing record flushed busy
            state vi receive reported ring_command silent slot slots count low head head_kind from_queue
            moves wide_vi is_undone waiting pausing;
            kind_send_invalidate = 2_u64,
            completes_send = u32::from(kind::SEND) | flushed,
            completes_receive = u32::from(kind::RECEIVE) | flushed,
            completes_one_shot = u32::from(kind::ONE_SHOT) | flushed,
            completes_send_invalidate = u32::from(kind::SEND_INVALIDATE) | flushed,
            status_send = status::DONE | status::DESC_FLUSHED,
            status_receive = status::DONE | status::DESC_FLUSHED | status::OP_RECEIVE,
        )
    }
}

impl Logic for Flush {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            vi,
            receive,
            reported,
            ring_command,
            silent,
            slot,
            slots,
            count,
            low,
            pausing
        );
        self.wide_vi.next = bit_cast::<8, 4>(self.vi.q.val());
        self.flush.ready.next = false;
        self.stop_transmit.vi.next = self.wide_vi.val();
        self.stop_transmit.valid.next = false;
        self.stop_receive.vi.next = self.wide_vi.val();
        self.stop_receive.valid.next = false;
        self.queue_read.vi.next = self.wide_vi.val();
        self.queue_read.receive.next = self.receive.q.val();
        self.queue_read.which.next = bits::<2>(2);
        self.queue_read.index.next = bits::<8>(0);
        self.queue_read.valid.next = false;
        self.queue_data.ready.next = false;
        self.send_done.vi.next = self.wide_vi.val();
        self.send_done.valid.next = false;
        self.receive_done.vi.next = self.wide_vi.val();
        self.receive_done.valid.next = false;
        self.slot_free.slot.next = bit_cast::<8, 5>(self.slot.q.val());
        self.slot_free.count.next = self.slots.q.val();
        self.slot_free.valid.next = false;
        self.walk.vi.next = self.wide_vi.val();
        self.walk.valid.next = false;
        self.walk_result.ready.next = false;
        self.failing.vi.next = self.wide_vi.val();
        self.failing.va.next = bit_cast::<64, 32>(self.low.q.val())
            | (bit_cast::<64, 32>(self.queue_data.data.val()) << bits::<7>(32));
        self.failing.valid.next = false;
        self.flushed.next = false;
        self.busy.next = self.state.q.val() != FlushState::Idle;

        self.waiting.next = self.send_undone.val();
        if self.receive.q.val() {
            self.waiting.next = self.receive_undone.val();
        }
        self.is_undone.next = self.waiting.val().get_bit(self.vi.q.val().index());
        self.head_kind.next = self.queue_data.data.val().get_bits::<4>(0);

        // The words of a record; an entry's words 1 to 3 pass at their places.
        self.head.next = bit_cast::<32, 4>(self.vi.q.val()) << bits::<6>(24);
        self.from_queue.next = (self.count.q.val() == bits::<3>(1))
            | (self.count.q.val() == bits::<3>(2))
            | (self.count.q.val() == bits::<3>(3));
        self.record.data.next = bits::<32>(0);
        self.record.last.next = self.count.q.val().all();
        self.record.valid.next = false;
        self.moves.next = false;
        if self.state.q.val() == FlushState::ReportOneShot {
            if self.count.q.val() == bits::<3>(0) {
                // Reserved entry, CQ of the send queue.
                self.record.data.next = self.head.val() | bits::<32>(0x600);
            }
            if self.count.q.val() == bits::<3>(2) {
                self.record.data.next = self.walk_result.context.val();
            }
            if self.count.q.val() == bits::<3>(4) {
                self.record.data.next = self.walk_result.stag.val();
            }
            if self.count.q.val() == bits::<3>(7) {
                self.record.data.next = self.completes_one_shot.val();
            }
        } else {
            if self.count.q.val() == bits::<3>(0) {
                // Status write, CQ of its queue.
                self.record.data.next = self.head.val() | bits::<32>(0x500);
                if self.receive.q.val() {
                    self.record.data.next = self.head.val() | bits::<32>(0x900);
                }
                if self.ring_command.q.val() {
                    self.record.data.next = self.head.val() | bits::<32>(0x400);
                }
            }
            if self.from_queue.val() {
                self.record.data.next = self.queue_data.data.val();
                if self.ring_command.q.val() & (self.count.q.val() == bits::<3>(3)) {
                    self.record.data.next = bits::<32>(0);
                }
            }
            if self.ring_command.q.val() {
                if self.count.q.val() == bits::<3>(4) {
                    self.record.data.next = self.low.q.val();
                }
            } else if self.count.q.val() == bits::<3>(6) {
                self.record.data.next = self.status_send.val();
                if self.receive.q.val() {
                    self.record.data.next = self.status_receive.val();
                }
            }
            if self.count.q.val() == bits::<3>(7) {
                self.record.data.next = self.completes_send.val();
                if self.receive.q.val() {
                    self.record.data.next = self.completes_receive.val();
                }
                if self.ring_command.q.val() {
                    self.record.data.next = self.completes_send_invalidate.val();
                }
            }
        }

        match self.state.q.val() {
            FlushState::Idle => {
                self.vi.d.next = bit_cast::<4, 8>(self.flush.vi.val());
                self.receive.d.next = false;
                self.reported.d.next = false;
                self.count.d.next = bits::<3>(0);
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
                    self.state.d.next = FlushState::Check;
                }
            }
            FlushState::Check => {
                self.count.d.next = bits::<3>(0);
                self.pausing.d.next = false;
                if self.is_undone.val() {
                    self.state.d.next = FlushState::RequestEntry;
                } else {
                    self.receive.d.next = true;
                    if self.receive.q.val() {
                        self.state.d.next = FlushState::Walk;
                    }
                }
            }
            FlushState::RequestEntry => {
                self.queue_read.valid.next = true;
                if self.queue_read.ready.val() {
                    self.state.d.next = FlushState::TakeHead;
                }
            }
            FlushState::TakeHead => {
                self.queue_data.ready.next = true;
                self.ring_command.d.next = self.head_kind.val().any();
                self.silent.d.next = self.head_kind.val().any()
                    & !((self.head_kind.val() == self.kind_send_invalidate.val())
                        & self.queue_data.data.val().get_bit(4));
                self.slot.d.next = self.queue_data.data.val().get_bits::<5>(12);
                self.slots.d.next = self.queue_data.data.val().get_bits::<3>(17);
                if self.queue_data.valid.val() {
                    self.state.d.next = FlushState::Report;
                }
            }
            FlushState::Report => {
                self.record.valid.next =
                    !self.silent.q.val() & (!self.from_queue.val() | self.queue_data.valid.val());
                self.queue_data.ready.next =
                    self.from_queue.val() & (self.silent.q.val() | self.record.ready.val());
                self.moves.next = (self.silent.q.val() | self.record.ready.val())
                    & (!self.from_queue.val() | self.queue_data.valid.val());
                if self.moves.val() {
                    self.count.d.next = self.count.q.val() + 1;
                    if self.count.q.val().all() {
                        self.state.d.next = FlushState::Step;
                    }
                    // What comes again: a descriptor's address, a ring command's STag.
                    if (self.count.q.val() == bits::<3>(1))
                        | ((self.count.q.val() == bits::<3>(2)) & !self.ring_command.q.val())
                    {
                        self.low.d.next = self.queue_data.data.val();
                    }
                    if (self.count.q.val() == bits::<3>(3)) & !self.ring_command.q.val() {
                        self.failing.valid.next = !self.reported.q.val();
                        self.reported.d.next = true;
                    }
                }
            }
            FlushState::Step => {
                self.send_done.valid.next = !self.receive.q.val();
                self.receive_done.valid.next = self.receive.q.val();
                self.slot_free.valid.next = self.ring_command.q.val();
                self.flushed.next = true;
                self.state.d.next = FlushState::Pause;
            }
            FlushState::Pause => {
                // Twice eight cycles: slots become free one a cycle, and others free them too.
                self.count.d.next = self.count.q.val() + 1;
                if self.count.q.val().all() {
                    self.pausing.d.next = true;
                }
                if !self.ring_command.q.val() | (self.count.q.val().all() & self.pausing.q.val()) {
                    self.state.d.next = FlushState::Check;
                }
            }
            FlushState::Walk => {
                self.walk.valid.next = true;
                if self.walk.ready.val() {
                    self.state.d.next = FlushState::AwaitOneShot;
                }
            }
            FlushState::AwaitOneShot => {
                if self.walk_result.valid.val() {
                    self.state.d.next = FlushState::ReportOneShot;
                    if self.walk_result.done.val() {
                        self.walk_result.ready.next = true;
                        self.state.d.next = FlushState::Ready;
                    }
                }
            }
            FlushState::ReportOneShot => {
                self.record.valid.next = true;
                if self.record.ready.val() {
                    self.count.d.next = self.count.q.val() + 1;
                    if self.count.q.val().all() {
                        self.walk_result.ready.next = true;
                        self.flushed.next = true;
                        self.state.d.next = FlushState::Walk;
                    }
                }
            }
            FlushState::Ready => {
                self.flush.ready.next = true;
                self.state.d.next = FlushState::Idle;
            }
            _ => {
                self.state.d.next = FlushState::Idle;
            }
        }
        if self.reset.val() {
            self.state.d.next = FlushState::Idle;
        }
    }
}
