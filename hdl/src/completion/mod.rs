//! Completion: from completion records to completion queues, and the flush of a broken VI.
//!
//! ```text
//!  receive, transmit, command --+
//!                               +--> complete --> bus
//!  flush -----------------------+       |
//!    |  ^                               +--> cq_table --> interrupts
//!    v  |                               ^
//!  queues, TPT walk             status_line
//! ```
//! From the last record word to the last CQE word 9 cycles when the rest of the record came early.

pub mod complete;
pub mod cq_table;
pub mod flush;
pub mod status_line;

use rust_hdl::prelude::*;

use crate::interfaces::{
    CqConfigRx, CqDoorbellRx, CqReserveRx, DmaWriteTx, EventTx, FailingDescriptorTx, FlushViRx,
    FlushViTx, IrqTx, QueueReadTx, QueueStepTx, SlotFreeTx, StepTx, StreamRx, StreamTx, TptDrainRx,
    TptPieceRx, TptRequestTx, ViConfigRx, WalkRequestTx, WalkResultRx,
};
use complete::Complete;
use cq_table::CqTable;
use flush::Flush;
use status_line::StatusLine;

/// `C` is log2 of the CQs, `A` = C + 3.
#[derive(LogicBlock, Default)]
pub struct Completion<const C: usize, const A: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Records: 0 receive, 1 transmit, 2 command.
    pub jobs: [StreamRx; 3],
    /// TPT client 4.
    pub tpt: TptRequestTx,
    /// Its pieces.
    pub piece: TptPieceRx,
    /// Its drain.
    pub drain: TptDrainRx,
    /// Status writes, CQEs, the slot-status line.
    pub dma_write: DmaWriteTx,
    /// Creates and destroys CQs.
    pub cq_config: CqConfigRx,
    /// Keeps entries for one-shots.
    pub cq_reserve: CqReserveRx,
    /// Consumer indices and arming.
    pub cq_doorbell: CqDoorbellRx,
    /// Vector cq + 1.
    pub irq: IrqTx,
    /// Comp_prot.
    pub event: EventTx,
    /// VI words, for the VIs' CQs.
    pub vi_config: ViConfigRx,
    /// From the command side.
    pub slot_parity: Signal<In, Bits<32>>,
    /// From the command side.
    pub ring_consumed: Signal<In, Bits<32>>,
    /// Where the slot-status line is; 0 turns it off.
    pub status_line_iova: Signal<In, Bits<48>>,
    /// The VI that is to be flushed; ready when it is.
    pub flush: FlushViRx,
    /// Transmit lets go of it.
    pub stop_transmit: FlushViTx,
    /// Receive lets go of it.
    pub stop_receive: FlushViTx,
    /// Port 1 of the queues.
    pub queue_read: QueueReadTx,
    /// Port 1 of the queues.
    pub queue_data: StreamRx,
    /// From the queues.
    pub send_undone: Signal<In, Bits<16>>,
    /// From the queues.
    pub receive_undone: Signal<In, Bits<16>>,
    /// A send entry was flushed.
    pub send_done: QueueStepTx,
    /// A receive entry was flushed.
    pub receive_done: QueueStepTx,
    /// A ring command was flushed.
    pub slot_free: SlotFreeTx,
    /// One-shots bound to the VI.
    pub walk: WalkRequestTx,
    /// One of them.
    pub walk_result: WalkResultRx,
    /// First descriptor flushed.
    pub failing: FailingDescriptorTx,
    /// Step complete.
    pub complete: StepTx,
    /// Counter of the same name.
    pub cq_overflows: Signal<Out, Bit>,
    /// Counter of the same name.
    pub flushed: Signal<Out, Bit>,
    /// A record or a flush is under way.
    pub busy: Signal<Out, Bit>,

    completer: Complete<C>,
    queues: CqTable<C, A>,
    flusher: Flush,
    line: StatusLine,
}

impl<const C: usize, const A: usize> Logic for Completion<C, A> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, completer, queues, flusher, line);
        self.completer.reset.next = self.reset.val();
        self.queues.reset.next = self.reset.val();
        self.flusher.reset.next = self.reset.val();
        self.line.reset.next = self.reset.val();

        for i in 0..3 {
            StreamRx::link(&mut self.jobs[i], &mut self.completer.jobs[i]);
        }
        StreamTx::join(&mut self.flusher.record, &mut self.completer.jobs[3]);
        TptRequestTx::link(&mut self.tpt, &mut self.completer.tpt);
        TptPieceRx::link(&mut self.piece, &mut self.completer.piece);
        TptDrainRx::link(&mut self.drain, &mut self.completer.drain);
        DmaWriteTx::link(&mut self.dma_write, &mut self.completer.dma_write);
        ViConfigRx::link(&mut self.vi_config, &mut self.completer.vi_config);
        EventTx::link(&mut self.event, &mut self.completer.event);
        StepTx::link(&mut self.complete, &mut self.completer.step);
        self.completer.slot_parity.next = self.slot_parity.val();
        self.completer.ring_consumed.next = self.ring_consumed.val();
        self.completer.line_iova.next = self.status_line_iova.val();
        self.completer.line_wanted.next = self.line.wanted.val();
        self.cq_overflows.next = self.completer.overflow.val();

        CqConfigRx::link(&mut self.cq_config, &mut self.queues.cq_config);
        CqReserveRx::link(&mut self.cq_reserve, &mut self.queues.cq_reserve);
        CqDoorbellRx::link(&mut self.cq_doorbell, &mut self.queues.cq_doorbell);
        IrqTx::link(&mut self.irq, &mut self.queues.irq);
        self.queues.claim_valid.next = self.completer.claim_valid.val();
        self.queues.claim_cq.next = self.completer.claim_cq.val();
        self.queues.claim_reserved.next = self.completer.claim_reserved.val();
        self.completer.claim_done.next = self.queues.claim_done.val();
        self.completer.claim_ok.next = self.queues.claim_ok.val();
        self.completer.claim_phase.next = self.queues.claim_phase.val();
        self.completer.part.next = self.queues.part.val();
        self.completer.part_valid.next = self.queues.part_valid.val();
        self.queues.finish.next = self.completer.finish.val();

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
        self.flushed.next = self.flusher.flushed.val();

        self.line.slot_parity.next = self.slot_parity.val();
        self.line.ring_consumed.next = self.ring_consumed.val();
        self.line.iova.next = self.status_line_iova.val();
        self.line.cqe.next = self.completer.finish.val();
        self.line.taken.next = self.completer.line_taken.val();
        self.busy.next = self.completer.busy.val() | self.flusher.busy.val();
    }
}
