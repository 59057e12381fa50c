//! The whole board: five composites and the wires between them, in path order. Nothing here decides anything.
//!
//! ```text
//! host attachment: bar, bar_data, dma_request, dma_data, dma_write, dma_write_fault, irq
//! wire:            wire_tx, wire_rx (joined inside by CONTROL.LOOPBACK)
//! probes:          steps (abi::step), busy
//! ```

use rust_hdl::prelude::*;

use crate::command::vi_config_fork::ViConfigFork;
use crate::command::Command;
use crate::completion::Completion;
use crate::host::board_counts::BoardCounts;
use crate::host::Host;
use crate::interfaces::*;
use crate::llp::loopback::Loopback;
use crate::rx::receive::{FullReceive, SmallReceive};
use crate::tpt::Tpt;
use crate::tx::transmit::{FullTransmit, SmallTransmit};
use rnic_abi::config::{FULL, SMALL};

/// One board type a configuration: the composites' exponents are fixed by their types.
macro_rules! board {
    ($(#[$meta:meta])* $name:ident, $config:expr, $host:ty, $command:ty, $tpt:ty, $transmit:ty, $receive:ty, $completion:ty) => {
        $(#[$meta])*
        #[derive(LogicBlock)]
        pub struct $name {
            /// Clock.
            pub clock: Signal<In, Clock>,
            /// BAR accesses.
            pub bar: BarRequestRx,
            /// Answers to loads.
            pub bar_data: BarResponseTx,
            /// DMA reads asked for.
            pub dma_request: DmaReadRequestTx,
            /// Their data.
            pub dma_data: DmaReadDataRx,
            /// DMA writes.
            pub dma_write: DmaWriteTx,
            /// The bus refused a write.
            pub dma_write_fault: Signal<In, Bit>,
            /// Interrupt messages.
            pub irq: IrqTx,
            /// Frames out.
            pub wire_tx: StreamTx,
            /// Frames in.
            pub wire_rx: StreamRx,
            /// Probe: step i of `rnic_abi::step`.
            pub steps: [StepTx; 16],
            /// Probe: something moves or a timer runs.
            pub busy: Signal<Out, Bit>,
            host: $host,
            command: $command,
            tpt: $tpt,
            transmit: $transmit,
            receive: $receive,
            completion: $completion,
            loopback: Loopback,
            counts: BoardCounts,
            vi_words: ViConfigFork,
        }

        impl $name {
            /// The board; `build_hash` is what its BUILD_HASH register shows.
            pub fn new(build_hash: u64) -> Self {
                Self {
                    clock: Default::default(),
                    bar: Default::default(),
                    bar_data: Default::default(),
                    dma_request: Default::default(),
                    dma_data: Default::default(),
                    dma_write: Default::default(),
                    dma_write_fault: Default::default(),
                    irq: Default::default(),
                    wire_tx: Default::default(),
                    wire_rx: Default::default(),
                    steps: Default::default(),
                    busy: Default::default(),
                    host: <$host>::new(&$config, build_hash),
                    command: <$command>::new(&$config),
                    tpt: <$tpt>::new(),
                    transmit: <$transmit>::new(&$config),
                    receive: <$receive>::new(&$config),
                    completion: Default::default(),
                    loopback: Default::default(),
                    counts: Default::default(),
                    vi_words: Default::default(),
                }
            }
        }

        impl Logic for $name {
            #[hdl_gen]
            fn update(&mut self) {
                clock!(self, clock, host, command, vi_words, tpt, transmit, receive, completion, loopback);
                self.command.reset.next = self.host.reset.val();
                self.tpt.reset.next = self.host.reset.val();
                self.transmit.reset.next = self.host.reset.val();
                self.receive.reset.next = self.host.reset.val();
                self.completion.reset.next = self.host.reset.val();

                // Host attachment.
                BarRequestRx::link(&mut self.bar, &mut self.host.bar);
                BarResponseTx::link(&mut self.bar_data, &mut self.host.bar_data);
                DmaReadRequestTx::link(&mut self.dma_request, &mut self.host.dma_request);
                DmaReadDataRx::link(&mut self.dma_data, &mut self.host.dma_data);
                DmaWriteTx::link(&mut self.dma_write, &mut self.host.dma_write);
                self.host.dma_write_fault.next = self.dma_write_fault.val();
                IrqTx::link(&mut self.irq, &mut self.host.irq);

                // Host to command: slots, ring, doorbells.
                StoreTx::join(&mut self.host.ring_store, &mut self.command.ring_store);
                StoreTx::join(&mut self.host.doorbell_store, &mut self.command.doorbell_store);
                self.command.enable.next = self.host.enable.val();
                self.command.connected.next = self.host.connected.val();
                self.command.flushing.next = self.host.flushing.val();
                self.host.slot_parity.next = self.command.slot_parity.val();
                self.host.ring_consumed.next = self.command.ring_consumed.val();

                // Command to TPT: bind and invalidate.
                BindWordsTx::join(&mut self.command.bind, &mut self.tpt.bind);
                BindResultRx::join(&mut self.command.bind_result, &mut self.tpt.bind_result);
                ReleaseRequestTx::join(&mut self.command.release, &mut self.tpt.release[1]);
                ReleaseResultRx::join(&mut self.command.release_result, &mut self.tpt.release_result[1]);
                SourceQueryTx::join(&mut self.tpt.source_query, &mut self.transmit.source_query);
                self.host.sges_free.next = self.tpt.sges_free.val();

                // VI words, to everyone who keeps some.
                self.vi_words.reset.next = self.host.reset.val();
                ViConfigTx::join(&mut self.command.vi_config, &mut self.vi_words.words);
                ViConfigTx::join(&mut self.vi_words.host, &mut self.host.vi_config);
                ViConfigTx::join(&mut self.vi_words.tpt, &mut self.tpt.vi_config);
                ViConfigTx::join(&mut self.vi_words.transmit, &mut self.transmit.vi_config);
                ViConfigTx::join(&mut self.vi_words.receive, &mut self.receive.vi_config);
                ViConfigTx::join(&mut self.vi_words.completion, &mut self.completion.vi_config);

                // Work queues: 0 transmit, 1 flush, 2 receive.
                self.transmit.enable.next = self.host.enable.val();
                self.transmit.connected.next = self.host.connected.val();
                self.transmit.send_ready.next = self.command.send_ready.val();
                QueueReadTx::join(&mut self.transmit.queue_read, &mut self.command.queue_read[0]);
                StreamRx::join(&mut self.transmit.queue_data, &mut self.command.queue_data[0]);
                QueueReadTx::join(&mut self.completion.queue_read, &mut self.command.queue_read[1]);
                StreamRx::join(&mut self.completion.queue_data, &mut self.command.queue_data[1]);
                QueueReadTx::join(&mut self.receive.queue_read, &mut self.command.queue_read[2]);
                StreamRx::join(&mut self.receive.queue_data, &mut self.command.queue_data[2]);
                QueueStepTx::join(&mut self.transmit.send_next, &mut self.command.send_next);
                QueueStepTx::join(&mut self.transmit.send_done, &mut self.command.send_done[0]);
                QueueStepTx::join(&mut self.completion.send_done, &mut self.command.send_done[1]);
                QueueStepTx::join(&mut self.receive.receive_next, &mut self.command.receive_next);
                QueueStepTx::join(&mut self.receive.receive_done, &mut self.command.receive_done[0]);
                QueueStepTx::join(&mut self.completion.receive_done, &mut self.command.receive_done[1]);
                self.completion.send_undone.next = self.command.send_undone.val();
                self.completion.receive_undone.next = self.command.receive_undone.val();

                // Transmit: slots, TPT clients 2 and 3, DMA reads, raw frames.
                SlotReadTx::join(&mut self.transmit.slot_read, &mut self.command.slot_read);
                SlotFreeTx::join(&mut self.transmit.slot_free, &mut self.command.slot_free[0]);
                StreamTx::join(&mut self.command.raw_send, &mut self.transmit.raw_send);
                TptRequestTx::join(&mut self.transmit.request[0], &mut self.tpt.request[2]);
                TptPieceRx::join(&mut self.transmit.piece[0], &mut self.tpt.piece[2]);
                TptDrainRx::join(&mut self.transmit.drain[0], &mut self.tpt.drain[2]);
                TptRequestTx::join(&mut self.transmit.request[1], &mut self.tpt.request[3]);
                TptPieceRx::join(&mut self.transmit.piece[1], &mut self.tpt.piece[3]);
                TptDrainRx::join(&mut self.transmit.drain[1], &mut self.tpt.drain[3]);
                ReadClientRequestTx::join(&mut self.command.list_request, &mut self.host.read_request[0]);
                ReadClientDataRx::join(&mut self.command.list_data, &mut self.host.read_data[0]);
                ReadClientRequestTx::join(&mut self.transmit.read_request[0], &mut self.host.read_request[1]);
                ReadClientDataRx::join(&mut self.transmit.read_data[0], &mut self.host.read_data[1]);
                ReadClientRequestTx::join(&mut self.transmit.read_request[1], &mut self.host.read_request[2]);
                ReadClientDataRx::join(&mut self.transmit.read_data[1], &mut self.host.read_data[2]);

                // The wire.
                self.loopback.reset.next = self.host.reset.val();
                self.loopback.enable.next = self.host.loopback.val();
                StreamTx::join(&mut self.transmit.wire_out, &mut self.loopback.from_transmit);
                StreamTx::join(&mut self.loopback.to_receive, &mut self.receive.frames);
                StreamTx::link(&mut self.wire_tx, &mut self.loopback.wire_tx);
                StreamRx::link(&mut self.wire_rx, &mut self.loopback.wire_rx);

                // Receive: TPT clients 0 and 1, release, descriptors, placement, raw ring.
                self.receive.connected.next = self.host.connected.val();
                self.receive.receive_ready.next = self.command.receive_ready.val();
                TptRequestTx::join(&mut self.receive.place_request, &mut self.tpt.request[0]);
                TptPieceRx::join(&mut self.receive.place_piece, &mut self.tpt.piece[0]);
                TptDrainRx::join(&mut self.receive.place_drain, &mut self.tpt.drain[0]);
                TptRequestTx::join(&mut self.receive.prefetch_request, &mut self.tpt.request[1]);
                TptPieceRx::join(&mut self.receive.prefetch_piece, &mut self.tpt.piece[1]);
                TptDrainRx::join(&mut self.receive.prefetch_drain, &mut self.tpt.drain[1]);
                ReleaseRequestTx::join(&mut self.receive.stag_release, &mut self.tpt.release[0]);
                ReleaseResultRx::join(&mut self.receive.release_result, &mut self.tpt.release_result[0]);
                ReadClientRequestTx::join(&mut self.receive.read_request, &mut self.host.read_request[3]);
                ReadClientDataRx::join(&mut self.receive.read_data, &mut self.host.read_data[3]);
                DmaWriteTx::join(&mut self.receive.write, &mut self.host.write[0]);
                self.receive.raw_ring_iova.next = self.host.raw_ring_iova.val();
                self.receive.raw_ring_entries.next = self.host.raw_ring_entries.val();
                self.receive.raw_consumed.next = self.host.raw_consumed.val();

                // Receive to transmit: acknowledgements, reads, Terminates.
                AckEventTx::join(&mut self.receive.ack, &mut self.transmit.ack);
                AckOwedTx::join(&mut self.receive.ack_owed, &mut self.transmit.ack_owed);
                StreamTx::join(&mut self.receive.read_in, &mut self.transmit.read_in);
                StreamTx::join(&mut self.transmit.read_out, &mut self.receive.read_out);
                QueueStepTx::join(&mut self.receive.read_done, &mut self.transmit.read_done);
                StreamTx::join(&mut self.receive.terminate, &mut self.transmit.terminate);

                // Completion: records, queues, TPT client 4.
                StreamTx::join(&mut self.receive.complete, &mut self.completion.jobs[0]);
                StreamTx::join(&mut self.transmit.complete, &mut self.completion.jobs[1]);
                StreamTx::join(&mut self.command.complete, &mut self.completion.jobs[2]);
                CqConfigTx::join(&mut self.command.cq_config, &mut self.completion.cq_config);
                CqReserveTx::join(&mut self.command.cq_reserve, &mut self.completion.cq_reserve);
                CqDoorbellTx::join(&mut self.host.cq_doorbell, &mut self.completion.cq_doorbell);
                TptRequestTx::join(&mut self.completion.request, &mut self.tpt.request[4]);
                TptPieceRx::join(&mut self.completion.piece, &mut self.tpt.piece[4]);
                TptDrainRx::join(&mut self.completion.drain, &mut self.tpt.drain[4]);
                DmaWriteTx::join(&mut self.completion.dma_write, &mut self.host.write[1]);
                IrqTx::join(&mut self.completion.irq, &mut self.host.completion_irq);
                self.completion.slot_parity.next = self.command.slot_parity.val();
                self.completion.ring_consumed.next = self.command.ring_consumed.val();
                self.completion.status_line_iova.next = self.host.status_line_iova.val();

                // Flush: Host asks, Completion does it.
                FlushViTx::join(&mut self.host.flush, &mut self.completion.flush);
                FlushViTx::join(&mut self.completion.stop_transmit, &mut self.transmit.stop);
                FlushViTx::join(&mut self.completion.stop_receive, &mut self.receive.stop);
                SlotFreeTx::join(&mut self.completion.slot_free, &mut self.command.slot_free[1]);
                WalkRequestTx::join(&mut self.completion.walk, &mut self.tpt.walk);
                WalkResultRx::join(&mut self.completion.walk_result, &mut self.tpt.walk_result);
                FailingDescriptorTx::join(&mut self.completion.failing, &mut self.host.failing);

                // Errors and events: 0 transmit, 1 receive, 2 command, 3 completion.
                ViErrorTx::join(&mut self.transmit.vi_error, &mut self.host.vi_error[0]);
                ViErrorTx::join(&mut self.receive.vi_error, &mut self.host.vi_error[1]);
                self.host.vi_error[2].valid.next = false;
                self.host.vi_error[2].vi.next = 0.into();
                self.host.vi_error[2].event.next = 0.into();
                self.host.vi_error[3].valid.next = false;
                self.host.vi_error[3].vi.next = 0.into();
                self.host.vi_error[3].event.next = 0.into();
                EventTx::join(&mut self.transmit.event, &mut self.host.event[0]);
                EventTx::join(&mut self.receive.event, &mut self.host.event[1]);
                EventTx::join(&mut self.command.event, &mut self.host.event[2]);
                EventTx::join(&mut self.completion.event, &mut self.host.event[3]);

                // Steps, numbered as in rnic_abi::step; descriptors are fetched by transmit and by receive.
                self.steps[0].fire.next = self.command.command_post.fire.val();
                self.steps[0].vi.next = self.command.command_post.vi.val();
                self.steps[1].fire.next = self.command.command_fetch.fire.val();
                self.steps[1].vi.next = self.command.command_fetch.vi.val();
                self.steps[2].fire.next = self.tpt.tpt_bind.fire.val();
                self.steps[2].vi.next = self.tpt.tpt_bind.vi.val();
                self.steps[3].fire.next = self.transmit.payload_read.fire.val();
                self.steps[3].vi.next = self.transmit.payload_read.vi.val();
                self.steps[4].fire.next = self.transmit.ddp_insert.fire.val();
                self.steps[4].vi.next = self.transmit.ddp_insert.vi.val();
                self.steps[5].fire.next = self.transmit.mpa_frame.fire.val();
                self.steps[5].vi.next = self.transmit.mpa_frame.vi.val();
                self.steps[6].fire.next = self.transmit.llp_send.fire.val();
                self.steps[6].vi.next = self.transmit.llp_send.vi.val();
                self.steps[7].fire.next = self.receive.llp_receive.fire.val();
                self.steps[7].vi.next = self.receive.llp_receive.vi.val();
                self.steps[8].fire.next = self.receive.mpa_check.fire.val();
                self.steps[8].vi.next = self.receive.mpa_check.vi.val();
                self.steps[9].fire.next = self.receive.ddp_parse.fire.val();
                self.steps[9].vi.next = self.receive.ddp_parse.vi.val();
                self.steps[10].fire.next = self.tpt.tpt_check.fire.val();
                self.steps[10].vi.next = self.tpt.tpt_check.vi.val();
                self.steps[11].fire.next = self.receive.place.fire.val();
                self.steps[11].vi.next = self.receive.place.vi.val();
                self.steps[12].fire.next = self.tpt.tpt_release.fire.val();
                self.steps[12].vi.next = self.tpt.tpt_release.vi.val();
                self.steps[13].fire.next = self.completion.step_complete.fire.val();
                self.steps[13].vi.next = self.completion.step_complete.vi.val();
                self.steps[14].fire.next = self.transmit.descriptor_fetch.fire.val() | self.receive.descriptor_fetch.fire.val();
                self.steps[14].vi.next = self.receive.descriptor_fetch.vi.val();
                if self.transmit.descriptor_fetch.fire.val() {
                    self.steps[14].vi.next = self.transmit.descriptor_fetch.vi.val();
                }
                self.steps[15].fire.next = self.command.doorbell.fire.val();
                self.steps[15].vi.next = self.command.doorbell.vi.val();
                for i in 0..16 {
                    self.host.steps[i].fire.next = self.steps[i].fire.val();
                    self.host.steps[i].vi.next = self.steps[i].vi.val();
                }

                // Counters.
                self.host.counts.next = self.counts.counts.val();
                self.counts.link_header_errors.next = self.receive.link_header_errors.val();
                self.counts.link_duplicates.next = self.receive.link_duplicates.val();
                self.counts.link_gaps.next = self.receive.link_gaps.val();
                self.counts.link_retransmits.next = self.transmit.retransmits.val();
                self.counts.link_unknown_vi.next = self.receive.link_unknown_vi.val();
                self.counts.mpa_crc_errors.next = self.receive.mpa_crc_errors.val();
                self.counts.ddp_errors.next = self.receive.ddp_errors.val();
                self.counts.rdmap_errors.next = self.receive.rdmap_errors.val();
                self.counts.remote_protection_errors.next = self.tpt.remote_protection_error.val();
                self.counts.local_protection_errors.next = self.tpt.local_protection_error.val();
                self.counts.invalidate_refusals.next = self.receive.invalidate_refusals.val();
                self.counts.receive_queue_empty.next = self.receive.receive_queue_empty.val();
                self.counts.terminates_sent.next = self.transmit.terminates_sent.val();
                self.counts.terminates_received.next = self.receive.terminates_received.val();
                self.counts.command_errors.next = self.command.command_errors.val();
                self.counts.ring_errors.next = self.command.ring_errors.val();
                self.counts.queue_overruns.next = self.command.queue_overruns.val();
                self.counts.cq_overflows.next = self.completion.cq_overflow.val();
                self.counts.raw_received.next = self.receive.raw_received.val();
                self.counts.raw_dropped.next = self.receive.raw_dropped.val();
                self.counts.acks_sent.next = self.transmit.acks_sent.val();
                self.counts.timeouts.next = self.transmit.timeouts.val();
                self.counts.flushed.next = self.completion.flushed.val();

                self.host.blocks_busy.next = self.command.busy.val()
                    | self.tpt.busy.val()
                    | self.transmit.busy.val()
                    | self.receive.busy.val()
                    | self.completion.busy.val();
                self.busy.next = self.host.busy.val();
            }
        }
    };
}

board! {
    /// The board of `rnic_abi::config::SMALL`.
    Small, SMALL, Host<2, 0>, Command<4, 5, 9, 2, 4, 3, 4, 8, 3>, Tpt<6, 7, 2>, SmallTransmit, SmallReceive, Completion<3, 2, 6>
}
board! {
    /// The board of `rnic_abi::config::FULL`.
    Full, FULL, Host<4, 9>, Command<5, 6, 10, 4, 16, 6, 7, 13, 5>, Tpt<8, 10, 4>, FullTransmit, FullReceive, Completion<5, 4, 8>
}
