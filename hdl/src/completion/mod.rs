//! What the driver learns: CQEs, status words of descriptors, the slot-status line; and the end of a broken VI's work.
//!
//! ```text
//!  receive, transmit, command ---> +----------+      +--> dma_write
//!  flush ---> flush ---- record -> | complete |------+--> TPT (status write)
//!               |                  +--+-----+-+
//!               |                     |     +------- status_line
//!  queues, walk-+                 +---+------+
//!  CqConfig, CqReserve, ... ----> | cq_table | --> irq
//!                                 +----------+
//! ```
//! [`Completion`] only wires its blocks.

pub mod complete;
pub mod cq_table;
pub mod flush;
pub mod status_line;

use rust_hdl::prelude::*;

use crate::interfaces::{
    CqConfigRx, CqDoorbellRx, CqReserveRx, DmaWriteTx, EventTx, FailingDescriptorTx, FlushViRx,
    FlushViTx, IrqTx, QueueReadTx, QueueStepTx, SlotFreeTx, StepTx, StreamRx, TptDrainRx,
    TptPieceRx, TptRequestTx, ViConfigRx, WalkRequestTx, WalkResultRx,
};
use complete::Complete;
use cq_table::CqTable;
use flush::Flush;
use status_line::StatusLine;

/// The completer of a board with 2^C completion queues and 2^V VIs; `A` = C + 3.
#[derive(LogicBlock, Default)]
pub struct Completion<const C: usize, const V: usize, const A: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Destroys all queues.
    pub reset: Signal<In, Bit>,
    /// Records: 0 receive, 1 transmit, 2 command.
    pub jobs: [StreamRx; 3],
    /// Everything written to host memory.
    pub dma_write: DmaWriteTx,
    /// Status writes to check.
    pub request: TptRequestTx,
    /// The answers.
    pub piece: TptPieceRx,
    /// Status writes under way.
    pub drain: TptDrainRx,
    /// Queue set-up.
    pub cq_config: CqConfigRx,
    /// Reservations for one-shots.
    pub cq_reserve: CqReserveRx,
    /// Consumer indices and arms.
    pub cq_doorbell: CqDoorbellRx,
    /// Vector cq + 1.
    pub irq: IrqTx,
    /// COMP_PROT.
    pub event: EventTx,
    /// Bit i flips whenever slot i becomes free, one bit a cycle.
    pub slot_parity: Signal<In, Bits<32>>,
    /// Ring entries consumed; moves by one.
    pub ring_consumed: Signal<In, Bits<32>>,
    /// The slot-status line, 64-byte aligned; 0: none.
    pub status_line_iova: Signal<In, Bits<48>>,
    /// VIs to flush.
    pub flush: FlushViRx,
    /// To Transmit.
    pub stop_transmit: FlushViTx,
    /// To Receive.
    pub stop_receive: FlushViTx,
    /// Reads of the work queues.
    pub queue_read: QueueReadTx,
    /// Their entries.
    pub queue_data: StreamRx,
    /// Send queues with work.
    pub send_undone: Signal<In, Bits<16>>,
    /// Receive queues with work.
    pub receive_undone: Signal<In, Bits<16>>,
    /// A send entry is done.
    pub send_done: QueueStepTx,
    /// A receive entry is done.
    pub receive_done: QueueStepTx,
    /// Slots are free.
    pub slot_free: SlotFreeTx,
    /// One-shots of a VI.
    pub walk: WalkRequestTx,
    /// One of them.
    pub walk_result: WalkResultRx,
    /// The first descriptor flushed.
    pub failing: FailingDescriptorTx,
    /// VI set-up.
    pub vi_config: ViConfigRx,
    /// A CQE is handed to the bus.
    pub step_complete: StepTx,
    /// A CQE is lost.
    pub cq_overflow: Signal<Out, Bit>,
    /// An item is flushed.
    pub flushed: Signal<Out, Bit>,
    /// A record or a flush is under way.
    pub busy: Signal<Out, Bit>,

    complete: Complete<C>,
    cq_table: CqTable<C, A>,
    flusher: Flush<V>,
    status_line: StatusLine,
}

impl<const C: usize, const V: usize, const A: usize> Logic for Completion<C, V, A> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, complete, cq_table, flusher, status_line);
        self.complete.reset.next = self.reset.val();
        self.cq_table.reset.next = self.reset.val();
        self.flusher.reset.next = self.reset.val();
        self.status_line.reset.next = self.reset.val();

        StreamRx::link(&mut self.jobs[0], &mut self.complete.jobs[0]);
        StreamRx::link(&mut self.jobs[1], &mut self.complete.jobs[1]);
        StreamRx::link(&mut self.jobs[2], &mut self.complete.jobs[2]);
        StreamRx::join(&mut self.complete.jobs[3], &mut self.flusher.record);
        DmaWriteTx::link(&mut self.dma_write, &mut self.complete.dma_write);
        TptRequestTx::link(&mut self.request, &mut self.complete.request);
        TptPieceRx::link(&mut self.piece, &mut self.complete.piece);
        TptDrainRx::link(&mut self.drain, &mut self.complete.drain);
        EventTx::link(&mut self.event, &mut self.complete.event);
        StepTx::link(&mut self.step_complete, &mut self.complete.step);

        self.complete.store_ready.next = self.cq_table.store_ready.val();
        self.cq_table.store_valid.next = self.complete.store_valid.val();
        self.cq_table.store_index.next = self.complete.store_index.val();
        self.cq_table.store_data.next = self.complete.store_data.val();
        self.cq_table.read_index.next = self.complete.read_index.val();
        self.complete.read_data.next = self.cq_table.read_data.val();
        self.cq_table.hold.next = self.complete.hold.val();
        self.cq_table.hold_irq.next = self.complete.hold_irq.val();
        self.complete.table_idle.next = self.cq_table.idle.val();
        self.cq_table.prepare.next = self.complete.prepare.val();
        self.cq_table.prepare_half.next = self.complete.prepare_half.val();
        self.cq_table.prepare_cq.next = self.complete.prepare_cq.val();
        self.cq_table.prepare_reserved.next = self.complete.prepare_reserved.val();
        self.cq_table.prepare_look_up.next = self.complete.prepare_look_up.val();
        self.cq_table.prepare_receive.next = self.complete.prepare_receive.val();
        self.cq_table.prepare_vi.next = self.complete.prepare_vi.val();
        self.complete.prepared.next = self.cq_table.prepared.val();
        self.complete.lost.next = self.cq_table.lost.val();
        self.complete.slot_high.next = self.cq_table.slot_high.val();
        self.complete.phase.next = self.cq_table.phase.val();
        self.cq_table.commit.next = self.complete.commit.val();
        CqConfigRx::link(&mut self.cq_config, &mut self.cq_table.cq_config);
        CqReserveRx::link(&mut self.cq_reserve, &mut self.cq_table.cq_reserve);
        CqDoorbellRx::link(&mut self.cq_doorbell, &mut self.cq_table.cq_doorbell);
        ViConfigRx::link(&mut self.vi_config, &mut self.cq_table.vi_config);
        IrqTx::link(&mut self.irq, &mut self.cq_table.irq);

        self.complete.slot_parity.next = self.slot_parity.val();
        self.complete.ring_consumed.next = self.ring_consumed.val();
        self.complete.line_iova.next = self.status_line_iova.val();
        self.complete.line_due.next = self.status_line.due.val();
        self.status_line.slot_parity.next = self.slot_parity.val();
        self.status_line.ring_consumed.next = self.ring_consumed.val();
        self.status_line.iova.next = self.status_line_iova.val();
        self.status_line.told.next = self.complete.told.val();
        self.status_line.taken.next = self.complete.line_taken.val();

        FlushViRx::link(&mut self.flush, &mut self.flusher.flush);
        FlushViTx::link(&mut self.stop_transmit, &mut self.flusher.stop_transmit);
        FlushViTx::link(&mut self.stop_receive, &mut self.flusher.stop_receive);
        QueueReadTx::link(&mut self.queue_read, &mut self.flusher.queue_read);
        StreamRx::link(&mut self.queue_data, &mut self.flusher.queue_data);
        self.flusher.send_undone.next = self.send_undone.val();
        self.flusher.receive_undone.next = self.receive_undone.val();
        QueueStepTx::link(&mut self.send_done, &mut self.flusher.send_done);
        QueueStepTx::link(&mut self.receive_done, &mut self.flusher.receive_done);
        SlotFreeTx::link(&mut self.slot_free, &mut self.flusher.slot_free);
        WalkRequestTx::link(&mut self.walk, &mut self.flusher.walk);
        WalkResultRx::link(&mut self.walk_result, &mut self.flusher.walk_result);
        FailingDescriptorTx::link(&mut self.failing, &mut self.flusher.failing);
        self.flusher.va_low.next = self.complete.va_low.val();

        self.cq_overflow.next = self.complete.cq_overflow.val();
        self.flushed.next = self.flusher.flushed.val();
        self.busy.next = self.complete.busy.val()
            | self.flusher.busy.val()
            | self.status_line.pending.val()
            | !self.cq_table.idle.val();
    }
}
