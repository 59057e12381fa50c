//! The host attachment: everything between the bus and the other composites.
//!
//! ```text
//!          bar --> bar_decode --> doorbell_store, ring_store, cq_doorbell
//!                      |
//!    bar_data <-- registers <-- register_memory <-- counters <-- steps, counts
//!                      |               ^
//!                   control          events <-- event[4]      trace <-- steps
//!                                      ^ |
//!      vi_config, vi_error[4] --> vi_state +--> interrupt --> irq
//!                                   |              ^
//!                                 flush        completion_irq
//!
//!    dma_request <-- dma_read <-- read_request[4]      dma_write <-- write[2]
//! ```
//!
//! [`Host`] only wires its blocks. Three things pass through without a register, so that they cost no cycle: stores (`bar` to
//! `ring_store`, `doorbell_store` and `cq_doorbell`), read data (`dma_data` to `read_data`) and write words (`write` to
//! `dma_write`). The attachment's outputs, and those of the writers, are registers.

pub mod bar_decode;
pub mod board_counts;
pub mod counters;
pub mod dma_read;
pub mod dma_write;
pub mod events;
pub mod host_counts;
pub mod interrupt;
pub mod realign;
pub mod register_memory;
pub mod registers;
pub mod reset;
pub mod trace;
pub mod trace_memory;
pub mod vi_state;

use rnic_abi::config::{Config, IOVA_BITS};
use rnic_abi::registers::MAGIC;
use rnic_abi::ABI_VERSION;
use rust_hdl::prelude::*;

use crate::interfaces::{
    BarRequestRx, BarResponseTx, CqDoorbellTx, DmaReadDataRx, DmaReadRequestTx, DmaWriteRx,
    DmaWriteTx, EventRx, EventTx, FailingDescriptorRx, FlushViTx, IrqRx, IrqTx, ReadClientDataTx,
    ReadClientRequestRx, StepRx, StoreTx, ViConfigRx, ViErrorRx,
};
use bar_decode::BarDecode;
use counters::Counters;
use dma_read::DmaRead;
use dma_write::DmaWrite;
use events::Events;
use host_counts::HostCounts;
use interrupt::Interrupt;
use register_memory::RegisterMemory;
use registers::Registers;
use reset::ResetSequencer;
use trace::Trace;
use vi_state::ViState;

/// `DATAPATH`: the `direct` lower layer is there.
const LOWER_LAYER_DIRECT: u32 = 1;

/// The host attachment of a board with 2^V VIs and 2^TR trace entries (0: none).
#[derive(LogicBlock)]
pub struct Host<const V: usize, const TR: usize> {
    /// Clock of the board.
    pub clock: Signal<In, Clock>,

    /// BAR accesses.
    pub bar: BarRequestRx,
    /// Answers to loads.
    pub bar_data: BarResponseTx,
    /// Interrupt messages.
    pub irq: IrqTx,
    /// DMA read requests.
    pub dma_request: DmaReadRequestTx,
    /// DMA read data.
    pub dma_data: DmaReadDataRx,
    /// DMA write bursts.
    pub dma_write: DmaWriteTx,
    /// The bus refused a write; one pulse each.
    pub dma_write_fault: Signal<In, Bit>,

    /// Reset of the whole board.
    pub reset: Signal<Out, Bit>,
    /// The wire is looped back.
    pub loopback: Signal<Out, Bit>,
    /// The board takes work.
    pub enable: Signal<Out, Bit>,
    /// Something moves.
    pub busy: Signal<Out, Bit>,
    /// Slot-status line, 0 for none.
    pub status_line_iova: Signal<Out, Bits<48>>,
    /// Raw receive ring.
    pub raw_ring_iova: Signal<Out, Bits<48>>,
    /// Its entries, 0 for none.
    pub raw_ring_entries: Signal<Out, Bits<32>>,
    /// Those the driver has consumed.
    pub raw_consumed: Signal<Out, Bits<32>>,

    /// Stores into the command ring and its slots.
    pub ring_store: StoreTx,
    /// Stores into the doorbell pages.
    pub doorbell_store: StoreTx,
    /// CQ doorbells.
    pub cq_doorbell: CqDoorbellTx,
    /// Readers: 0 command list, 1 descriptor fetch, 2 payload read, 3 receive prefetch.
    pub read_request: [ReadClientRequestRx; 4],
    /// Their data.
    pub read_data: [ReadClientDataTx; 4],
    /// Writers: 0 place, 1 completer.
    pub write: [DmaWriteRx; 2],

    /// Words of VI commands.
    pub vi_config: ViConfigRx,
    /// Blocks that break a VI.
    pub vi_error: [ViErrorRx; 4],
    /// Blocks that raise an event.
    pub event: [EventRx; 4],
    /// Interrupts of the completer.
    pub completion_irq: IrqRx,
    /// The flush engine.
    pub flush: FlushViTx,
    /// First failing descriptors.
    pub failing: FailingDescriptorRx,
    /// Bit i: VI i is connected.
    pub connected: Signal<Out, Bits<16>>,
    /// Bit i: VI i is in error.
    pub broken: Signal<Out, Bits<16>>,
    /// Bit i: VI i is to be flushed, or is being flushed.
    pub flushing: Signal<Out, Bits<16>>,

    /// Steps, by number.
    pub steps: [StepRx; 16],
    /// Bit i: counter 16 + i counts. The bits of interrupts and DMA are this composite's own, and ignored here.
    pub counts: Signal<In, Bits<28>>,
    /// `SLOT_PARITY`.
    pub slot_parity: Signal<In, Bits<32>>,
    /// `RING_CONSUMED`.
    pub ring_consumed: Signal<In, Bits<32>>,
    /// `SGES_FREE`.
    pub sges_free: Signal<In, Bits<16>>,
    /// Another composite is busy.
    pub blocks_busy: Signal<In, Bit>,

    resets: ResetSequencer,
    decode: BarDecode,
    registers: Registers,
    memory: RegisterMemory,
    counters: Counters,
    host_counts: HostCounts,
    trace: Trace<TR>,
    events: Events,
    vis: ViState,
    interrupt: Interrupt,
    reads: DmaRead,
    writes: DmaWrite,
    moving: DFF<Bit>,
}

impl<const V: usize, const TR: usize> Host<V, TR> {
    /// The attachment of a board of this configuration; `build_hash` is what `BUILD_HASH` shows.
    ///
    /// # Panics
    /// If the const generics are not the configuration's.
    pub fn new(config: &Config, build_hash: u64) -> Self {
        assert_eq!((V, TR), (config.vis_log2, config.trace_log2));
        let trace_entries = if TR == 0 { 0 } else { 1 << TR };
        let datapath = config.id | 32 << 8 | (IOVA_BITS as u32) << 16 | LOWER_LAYER_DIRECT << 24;
        // Words 0 to 15 of BAR0, MAGIC to TRACE_ENTRIES.
        let identity = [
            MAGIC,
            ABI_VERSION,
            build_hash as u32,
            (build_hash >> 32) as u32,
            config.vis() as u32,
            config.tptes() as u32,
            config.sges() as u32,
            config.slots() as u32,
            config.queue_depth() as u32,
            config.cqs() as u32,
            config.max_segment_bytes,
            config.max_descriptor_segments,
            config.log_frames() as u32,
            config.reads() as u32,
            datapath,
            trace_entries,
        ];
        Self {
            clock: Default::default(),
            bar: Default::default(),
            bar_data: Default::default(),
            irq: Default::default(),
            dma_request: Default::default(),
            dma_data: Default::default(),
            dma_write: Default::default(),
            dma_write_fault: Default::default(),
            reset: Default::default(),
            loopback: Default::default(),
            enable: Default::default(),
            busy: Default::default(),
            status_line_iova: Default::default(),
            raw_ring_iova: Default::default(),
            raw_ring_entries: Default::default(),
            raw_consumed: Default::default(),
            ring_store: Default::default(),
            doorbell_store: Default::default(),
            cq_doorbell: Default::default(),
            read_request: Default::default(),
            read_data: Default::default(),
            write: Default::default(),
            vi_config: Default::default(),
            vi_error: Default::default(),
            event: Default::default(),
            completion_irq: Default::default(),
            flush: Default::default(),
            failing: Default::default(),
            connected: Default::default(),
            broken: Default::default(),
            flushing: Default::default(),
            steps: Default::default(),
            counts: Default::default(),
            slot_parity: Default::default(),
            ring_consumed: Default::default(),
            sges_free: Default::default(),
            blocks_busy: Default::default(),
            resets: Default::default(),
            decode: BarDecode::new(),
            registers: Registers::new(),
            memory: RegisterMemory::new(identity),
            counters: Counters::new(),
            host_counts: HostCounts::new(),
            trace: Default::default(),
            events: Events::new(config.vis()),
            vis: ViState::new(config.vis()),
            interrupt: Interrupt::new(config.cqs()),
            reads: Default::default(),
            writes: Default::default(),
            moving: Default::default(),
        }
    }
}

impl<const V: usize, const TR: usize> Logic for Host<V, TR> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(
            self, clock, resets, registers, memory, counters, trace, events, vis, interrupt, reads,
            writes
        );
        dff_setup!(self, clock, moving);

        // Reset.
        self.resets.request.next = self.registers.start_reset.val();
        self.resets.quiet.next =
            self.reads.quiet.val() & self.writes.quiet.val() & self.interrupt.quiet.val();
        self.reset.next = self.resets.reset.val();
        self.decode.reset.next = self.resets.reset.val();
        self.registers.reset.next = self.resets.reset.val();
        self.memory.reset.next = self.resets.reset.val();
        self.counters.reset.next = self.resets.reset.val();
        self.trace.reset.next = self.resets.reset.val();
        self.events.reset.next = self.resets.reset.val();
        self.vis.reset.next = self.resets.reset.val();
        self.interrupt.reset.next = self.resets.reset.val();
        self.reads.reset.next = self.resets.reset.val();
        self.writes.reset.next = self.resets.reset.val();
        self.interrupt.stop.next = self.resets.stop.val();
        self.reads.stop.next = self.resets.stop.val();
        self.writes.stop.next = self.resets.stop.val();
        self.reads.epoch.next = self.resets.epoch.val();

        // BARs.
        BarRequestRx::link(&mut self.bar, &mut self.decode.bar);
        BarResponseTx::link(&mut self.bar_data, &mut self.registers.bar_data);
        StoreTx::link(&mut self.doorbell_store, &mut self.decode.doorbell_store);
        StoreTx::link(&mut self.ring_store, &mut self.decode.ring_store);
        CqDoorbellTx::link(&mut self.cq_doorbell, &mut self.decode.cq_doorbell);
        self.memory.op_valid.next = self.decode.op_valid.val();
        self.memory.op_entry.next = self.decode.op_entry.val();
        self.memory.op_store.next = self.decode.op_store.val();
        self.memory.op_clear.next = self.decode.op_clear.val();
        self.memory.op_wide.next = self.decode.op_wide.val();
        self.memory.op_data.next = self.decode.op_data.val();
        self.decode.op_done.next = self.memory.op_done.val();

        // Registers.
        self.registers.control_store.next = self.decode.control_store.val();
        self.registers.op_store.next = self.decode.op_store.val();
        self.registers.op_clear.next = self.decode.op_clear.val();
        self.registers.op_done.next = self.memory.op_done.val();
        self.registers.op_data.next = self.decode.op_data.val();
        self.registers.in_registers.next = self.decode.in_registers.val();
        self.registers.in_vi_state.next = self.decode.in_vi_state.val();
        self.registers.in_trace.next = self.decode.in_trace.val();
        self.registers.latched.next = self.decode.latched.val();
        self.registers.index.next = self.decode.index.val();
        self.registers.low_valid.next = self.memory.low_valid.val();
        self.registers.high_valid.next = self.memory.high_valid.val();
        self.registers.value.next = self.memory.value.val();
        self.registers.resetting.next = self.resets.stop.val();
        self.registers.is_busy.next = self.moving.q.val();
        self.registers.bus_error.next = self.reads.refused.val() | self.dma_write_fault.val();
        self.registers.ring_consumed.next = self.ring_consumed.val();
        self.registers.slot_parity.next = self.slot_parity.val();
        self.registers.sges_free.next = self.sges_free.val();
        self.registers.summary.next = self.events.summary.val();
        self.registers.vi_state.next = self.vis.shown.val();
        self.registers.trace_head.next = self.trace.head.val();
        self.registers.trace_entry.next = self.trace.entry.val();
        self.vis.shown_vi.next = self.decode.index.val().get_bits::<5>(0);
        self.trace.index.next = self.decode.index.val().get_bits::<9>(1);
        self.enable.next = self.registers.enable.val();
        self.loopback.next = self.registers.loopback.val();
        self.status_line_iova.next = self.registers.status_line_iova.val();
        self.raw_ring_iova.next = self.registers.raw_ring_iova.val();
        self.raw_ring_entries.next = self.registers.raw_ring_entries.val();
        self.raw_consumed.next = self.registers.raw_consumed.val();

        // Counters and trace.
        for i in 0..16 {
            StepRx::link(&mut self.steps[i], &mut self.trace.steps[i]);
        }
        self.counters.fires.next = self.trace.fires.val();
        self.host_counts.counts.next = self.counts.val();
        self.host_counts.read_refused.next = self.reads.refused.val();
        self.host_counts.write_refused.next = self.dma_write_fault.val();
        self.host_counts.irq_sent.next = self.interrupt.sent.val();
        self.host_counts.read.next = self.reads.issued.val();
        self.host_counts.write.next = self.writes.issued.val();
        self.counters.counts.next = self.host_counts.all.val();
        self.counters.entry.next = self.memory.entry.val();
        self.memory.live.next = self.counters.live.val();
        self.memory.live_mask.next = self.counters.mask.val();
        FailingDescriptorRx::link(&mut self.failing, &mut self.memory.failing);

        // Events, VI states, interrupts.
        for i in 0..4 {
            EventRx::link(&mut self.event[i], &mut self.events.event[i]);
            ViErrorRx::link(&mut self.vi_error[i], &mut self.vis.vi_error[i]);
        }
        EventTx::join(&mut self.vis.event, &mut self.events.own);
        self.events.fault.next = self.dma_write_fault.val();
        self.memory.set_valid.next = self.events.set_valid.val();
        self.memory.set_vi.next = self.events.set_vi.val();
        self.memory.set_mask.next = self.events.set_mask.val();
        self.events.set_done.next = self.memory.set_done.val();
        self.events.set_new.next = self.memory.set_new.val();
        self.events.clear_done.next = self.memory.clear_done.val();
        self.events.clear_vi.next = self.decode.index.val().get_bits::<4>(0);
        self.events.clear_rest.next = self.memory.clear_rest.val();
        ViConfigRx::link(&mut self.vi_config, &mut self.vis.vi_config);
        FlushViTx::link(&mut self.flush, &mut self.vis.flush);
        self.connected.next = self.vis.connected.val();
        self.broken.next = self.vis.broken.val();
        self.flushing.next = self.vis.flushing.val();
        IrqTx::join(&mut self.events.irq, &mut self.interrupt.request[0]);
        IrqRx::link(&mut self.completion_irq, &mut self.interrupt.request[1]);
        self.interrupt.mask.next = self.registers.interrupt_mask.val();
        IrqTx::link(&mut self.irq, &mut self.interrupt.irq);

        // DMA.
        for i in 0..4 {
            ReadClientRequestRx::link(&mut self.read_request[i], &mut self.reads.request[i]);
            ReadClientDataTx::link(&mut self.read_data[i], &mut self.reads.data[i]);
        }
        DmaReadRequestTx::link(&mut self.dma_request, &mut self.reads.dma_request);
        DmaReadDataRx::link(&mut self.dma_data, &mut self.reads.dma_data);
        for i in 0..2 {
            DmaWriteRx::link(&mut self.write[i], &mut self.writes.write[i]);
        }
        DmaWriteTx::link(&mut self.dma_write, &mut self.writes.dma_write);

        self.moving.d.next = self.blocks_busy.val()
            | self.resets.stop.val()
            | self.events.busy.val()
            | self.vis.busy.val()
            | self.interrupt.busy.val()
            | self.reads.busy.val()
            | !self.writes.quiet.val();
        self.busy.next = self.moving.q.val() | self.decode.busy.val() | self.bar_data.valid.val();
    }
}
