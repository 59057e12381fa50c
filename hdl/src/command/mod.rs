//! Command: from the ring and the doorbells to the work queues.
//!
//! ```text
//!  BAR4 --> command_post --> command_fetch --+--> TPT, completer, VI state
//!                                            +--> work_queue --> transmit, flush, receive
//!  BAR2 --> doorbell ------------------------+
//! ```
//! A ring command's queue entry is visible to transmit 18 cycles after its sequence word, a descriptor one cycle after.

pub mod command_fetch;
pub mod command_post;
pub mod doorbell;
pub mod event_merge;
pub mod queue_pointers;
pub mod vi_config_fork;
pub mod work_queue;

use rnic_abi::config::Config;
use rust_hdl::prelude::*;

use crate::interfaces::{
    BindResultRx, BindWordsTx, CqConfigTx, CqReserveTx, EventTx, QueuePushTx, QueueReadRx,
    QueueStepRx, ReadClientDataRx, ReadClientRequestTx, ReleaseRequestTx, ReleaseResultRx,
    SlotFreeRx, SlotReadRx, StepTx, StoreRx, StreamTx, ViConfigTx,
};
use command_fetch::CommandFetch;
use command_post::CommandPost;
use doorbell::Doorbell;
use event_merge::EventMerge;
use work_queue::WorkQueue;

/// `L` is log2 of the slots, `LP` = L + 1, `W` = L + 5; `V` is log2 of the VIs and `N` their number; `Q` is log2 of the
/// queue depth, `QP` = Q + 1, `A` = V + Q + 3; `C` is log2 of the CQs.
#[derive(LogicBlock)]
pub struct Command<
    const L: usize,
    const LP: usize,
    const W: usize,
    const V: usize,
    const N: usize,
    const Q: usize,
    const QP: usize,
    const A: usize,
    const C: usize,
> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// The board takes work: without it ring entries wait.
    pub enable: Signal<In, Bit>,
    /// BAR4.
    pub ring_store: StoreRx,
    /// BAR2.
    pub doorbell_store: StoreRx,
    /// Regions, to the TPT.
    pub bind: BindWordsTx,
    /// Its answer.
    pub bind_result: BindResultRx,
    /// STags to release.
    pub release: ReleaseRequestTx,
    /// The TPT's answer.
    pub release_result: ReleaseResultRx,
    /// VI words.
    pub vi_config: ViConfigTx,
    /// Completion queues.
    pub cq_config: CqConfigTx,
    /// One-shots' CQ entries.
    pub cq_reserve: CqReserveTx,
    /// Element lists in host memory.
    pub list_request: ReadClientRequestTx,
    /// Their words.
    pub list_data: ReadClientDataRx,
    /// Completion records.
    pub complete: StreamTx,
    /// Raw frames: address low, address high, bytes.
    pub raw_send: StreamTx,
    /// Transmit's reads of inline messages and message buffers.
    pub slot_read: SlotReadRx,
    /// Frees: 0 transmit, 1 flush; one port at most once in 9 cycles.
    pub slot_free: [SlotFreeRx; 2],
    /// Bit i flips whenever slot i becomes free.
    pub slot_parity: Signal<Out, Bits<32>>,
    /// Ring entries finished.
    pub ring_consumed: Signal<Out, Bits<32>>,
    /// 0 transmit, 1 flush, 2 receive.
    pub queue_read: [QueueReadRx; 3],
    /// The entries read.
    pub queue_data: [StreamTx; 3],
    /// Send queues with an entry not taken.
    pub send_ready: Signal<Out, Bits<16>>,
    /// Send queues with an entry not completed.
    pub send_undone: Signal<Out, Bits<16>>,
    /// Receive queues with an entry not taken.
    pub receive_ready: Signal<Out, Bits<16>>,
    /// Receive queues with an entry not completed.
    pub receive_undone: Signal<Out, Bits<16>>,
    /// Transmit takes a send entry.
    pub send_next: QueueStepRx,
    /// A send entry is completed: 0 transmit, 1 flush.
    pub send_done: [QueueStepRx; 2],
    /// Receive takes a receive entry.
    pub receive_next: QueueStepRx,
    /// A receive entry is completed: 0 receive, 1 flush.
    pub receive_done: [QueueStepRx; 2],
    /// VIs that are connected.
    pub connected: Signal<In, Bits<16>>,
    /// VIs that are being flushed.
    pub flushing: Signal<In, Bits<16>>,
    /// Catastrophic and post_desc.
    pub event: EventTx,
    /// Step command_post.
    pub command_post: StepTx,
    /// Step command_fetch.
    pub command_fetch: StepTx,
    /// Step doorbell.
    pub doorbell: StepTx,
    /// Counter of the same name.
    pub command_errors: Signal<Out, Bit>,
    /// Counter of the same name.
    pub ring_errors: Signal<Out, Bit>,
    /// Counter of the same name; both sources in one cycle count once.
    pub queue_overruns: Signal<Out, Bit>,
    /// A command is under way.
    pub busy: Signal<Out, Bit>,

    post: CommandPost<L, LP, W>,
    fetch: CommandFetch<L, W, V, N, C>,
    door: Doorbell<V>,
    queues: WorkQueue<V, N, Q, QP, A>,
    events: EventMerge<3>,
}

impl<
        const L: usize,
        const LP: usize,
        const W: usize,
        const V: usize,
        const N: usize,
        const Q: usize,
        const QP: usize,
        const A: usize,
        const C: usize,
    > Command<L, LP, W, V, N, Q, QP, A, C>
{
    /// The command side of a board of this configuration.
    pub fn new(config: &Config) -> Self {
        assert_eq!(config.queue_depth_log2, Q);
        Self {
            clock: Default::default(),
            reset: Default::default(),
            enable: Default::default(),
            ring_store: Default::default(),
            doorbell_store: Default::default(),
            bind: Default::default(),
            bind_result: Default::default(),
            release: Default::default(),
            release_result: Default::default(),
            vi_config: Default::default(),
            cq_config: Default::default(),
            cq_reserve: Default::default(),
            list_request: Default::default(),
            list_data: Default::default(),
            complete: Default::default(),
            raw_send: Default::default(),
            slot_read: Default::default(),
            slot_free: Default::default(),
            slot_parity: Default::default(),
            ring_consumed: Default::default(),
            queue_read: Default::default(),
            queue_data: Default::default(),
            send_ready: Default::default(),
            send_undone: Default::default(),
            receive_ready: Default::default(),
            receive_undone: Default::default(),
            send_next: Default::default(),
            send_done: Default::default(),
            receive_next: Default::default(),
            receive_done: Default::default(),
            connected: Default::default(),
            flushing: Default::default(),
            event: Default::default(),
            command_post: Default::default(),
            command_fetch: Default::default(),
            doorbell: Default::default(),
            command_errors: Default::default(),
            ring_errors: Default::default(),
            queue_overruns: Default::default(),
            busy: Default::default(),
            post: CommandPost::new(),
            fetch: CommandFetch::new(config),
            door: Doorbell::new(),
            queues: WorkQueue::new(),
            events: EventMerge::default(),
        }
    }
}

impl<
        const L: usize,
        const LP: usize,
        const W: usize,
        const V: usize,
        const N: usize,
        const Q: usize,
        const QP: usize,
        const A: usize,
        const C: usize,
    > Logic for Command<L, LP, W, V, N, Q, QP, A, C>
{
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, post, fetch, door, queues, events);
        self.post.reset.next = self.reset.val();
        self.fetch.reset.next = self.reset.val();
        self.door.reset.next = self.reset.val();
        self.queues.reset.next = self.reset.val();
        self.events.reset.next = self.reset.val();

        StoreRx::link(&mut self.ring_store, &mut self.post.store);
        SlotReadRx::link(&mut self.slot_read, &mut self.post.slot_read);
        for i in 0..2 {
            SlotFreeRx::link(&mut self.slot_free[i], &mut self.post.slot_free[i]);
        }
        self.slot_parity.next = self.post.slot_parity.val();
        self.ring_consumed.next = self.post.ring_consumed.val();
        StepTx::link(&mut self.command_post, &mut self.post.step);
        self.ring_errors.next = self.post.ring_error.val();

        self.fetch.enable.next = self.enable.val();
        self.fetch.entry_valid.next = self.post.entry_valid.val();
        self.fetch.entry_slot.next = self.post.entry_slot.val();
        self.fetch.entry_count.next = self.post.entry_count.val();
        self.fetch.entry_bad.next = self.post.entry_bad.val();
        self.fetch.entry_freeing.next = self.post.entry_freeing.val();
        self.post.entry_done.next = self.fetch.entry_done.val();
        self.post.entry_free.next = self.fetch.entry_free.val();
        self.post.read_word.next = self.fetch.read_word.val();
        self.post.read_wanted.next = self.fetch.read_wanted.val();
        self.fetch.read_valid.next = self.post.read_valid.val();
        self.fetch.read_data.next = self.post.read_data.val();
        self.post.land_valid.next = self.fetch.land_valid.val();
        self.post.land_word.next = self.fetch.land_word.val();
        self.post.land_data.next = self.fetch.land_data.val();

        BindWordsTx::link(&mut self.bind, &mut self.fetch.bind);
        BindResultRx::link(&mut self.bind_result, &mut self.fetch.bind_result);
        ReleaseRequestTx::link(&mut self.release, &mut self.fetch.release);
        ReleaseResultRx::link(&mut self.release_result, &mut self.fetch.release_result);
        ViConfigTx::link(&mut self.vi_config, &mut self.fetch.vi_config);
        CqConfigTx::link(&mut self.cq_config, &mut self.fetch.cq_config);
        CqReserveTx::link(&mut self.cq_reserve, &mut self.fetch.cq_reserve);
        ReadClientRequestTx::link(&mut self.list_request, &mut self.fetch.list_request);
        ReadClientDataRx::link(&mut self.list_data, &mut self.fetch.list_data);
        StreamTx::link(&mut self.complete, &mut self.fetch.complete);
        StreamTx::link(&mut self.raw_send, &mut self.fetch.raw_send);
        StepTx::link(&mut self.command_fetch, &mut self.fetch.step);
        self.fetch.connected.next = self.connected.val();
        self.fetch.flushing.next = self.flushing.val();
        self.command_errors.next = self.fetch.command_error.val();
        self.busy.next = self.post.busy.val();

        StoreRx::link(&mut self.doorbell_store, &mut self.door.store);
        StepTx::link(&mut self.doorbell, &mut self.door.step);
        self.queues.post_valid.next = self.door.post_valid.val();
        self.door.post_ready.next = self.queues.post_ready.val();
        self.queues.post_vi.next = self.door.post_vi.val();
        self.queues.post_receive.next = self.door.post_receive.val();
        self.queues.post_word.next = self.door.post_word.val();
        self.queues.post_data.next = self.door.post_data.val();
        self.queues.post_commit.next = self.door.post_commit.val();
        self.queues.post_write.next = self.door.post_write.val();
        self.queues.post_push.next = self.door.post_push.val();
        self.queues.post_open.next = self.door.post_open.val();
        self.door.post_is_open.next = self.queues.post_is_open.val();
        self.door.post_full.next = self.queues.post_full.val();
        self.door.post_count.next = self.queues.post_count.val();
        self.queue_overruns.next = self.door.overrun.val() | self.fetch.overrun.val();

        QueuePushTx::join(&mut self.fetch.push, &mut self.queues.push);
        self.queues.clear.next = self.fetch.clear.val();
        self.queues.clear_vi.next = self.fetch.clear_vi.val();
        for i in 0..3 {
            QueueReadRx::link(&mut self.queue_read[i], &mut self.queues.queue_read[i]);
            StreamTx::link(&mut self.queue_data[i], &mut self.queues.queue_data[i]);
        }
        for i in 0..2 {
            QueueStepRx::link(&mut self.send_done[i], &mut self.queues.send_done[i]);
            QueueStepRx::link(&mut self.receive_done[i], &mut self.queues.receive_done[i]);
        }
        QueueStepRx::link(&mut self.send_next, &mut self.queues.send_next);
        QueueStepRx::link(&mut self.receive_next, &mut self.queues.receive_next);
        self.send_ready.next = self.queues.send_ready.val();
        self.send_undone.next = self.queues.send_undone.val();
        self.receive_ready.next = self.queues.receive_ready.val();
        self.receive_undone.next = self.queues.receive_undone.val();

        EventTx::join(&mut self.post.event, &mut self.events.source[0]);
        EventTx::join(&mut self.door.event, &mut self.events.source[1]);
        EventTx::join(&mut self.fetch.event, &mut self.events.source[2]);
        EventTx::link(&mut self.event, &mut self.events.event);
    }
}
