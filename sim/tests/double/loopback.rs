//! A test double of the board, for the tests of the simulator itself: it has the ports of the gateware's top and moves
//! something over each of them. It is not a NIC, and nothing but this crate's tests may be shown to work with it.
//!
//! ```text
//! BAR0, BAR4   words that can be stored and loaded; BAR0 0x44 is a status as in the ABI
//! BAR2 0x00    source iova, low and high     0x08 bytes, 0x0C go (this is the doorbell)
//! BAR2 0x10    sink iova, low and high       0x18 where the completion goes, low and high
//! ```
//! "Go" reads the source by DMA and sends its words behind the header of an ACK frame (five words, sequence 0, without a
//! check). What comes from the wire is collected, its first five words dropped, the rest written to the sink, then eight
//! words {bytes, 0, .., 0, phase} to the completion's place, then vector 1 is sent. At most 512 words; reset and busy as
//! in the gateware.

use rnic_hdl::interfaces::{
    BarRequestRx, BarResponseTx, DmaReadDataRx, DmaReadRequestTx, DmaWriteTx, IrqTx, StepTx,
    StreamRx, StreamTx,
};
use rust_hdl::prelude::*;

/// The sending half.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
enum Send {
    Idle,
    Request,
    Header,
    Body,
}

/// The receiving half.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
enum Receive {
    Collect,
    Place,
    Complete,
    Interrupt,
}

/// See the module.
#[derive(LogicBlock)]
pub struct Loopback {
    pub clock: Signal<In, Clock>,
    pub bar: BarRequestRx,
    pub bar_data: BarResponseTx,
    pub dma_request: DmaReadRequestTx,
    pub dma_data: DmaReadDataRx,
    pub dma_write: DmaWriteTx,
    pub dma_write_fault: Signal<In, Bit>,
    pub irq: IrqTx,
    pub wire_tx: StreamTx,
    pub wire_rx: StreamRx,
    pub steps: [StepTx; 16],
    pub busy: Signal<Out, Bit>,
    memory: RAM<Bits<32>, 11>,
    send_words: SynchronousFIFO<Bits<33>, 10, 11, 1>,
    receive_words: SynchronousFIFO<Bits<33>, 10, 11, 1>,
    /// Counts up to the end of power-on reset.
    power_on: DFF<Bits<12>>,
    loading: DFF<Bit>,
    load_status: DFF<Bit>,
    answer: DFF<Bits<32>>,
    answered: DFF<Bit>,
    bus_error: DFF<Bit>,
    send: DFF<Send>,
    source: DFF<Bits<64>>,
    bytes: DFF<Bits<13>>,
    header_words: DFF<Bits<4>>,
    receive: DFF<Receive>,
    sink: DFF<Bits<64>>,
    cqe: DFF<Bits<64>>,
    skipped: DFF<Bits<4>>,
    arrived: DFF<Bits<13>>,
    index: DFF<Bits<4>>,

    running: Signal<Local, Bit>,
    status: Signal<Local, Bits<32>>,
    next_count: Signal<Local, Bits<12>>,
    next_header: Signal<Local, Bits<4>>,
    next_skipped: Signal<Local, Bits<4>>,
    next_arrived: Signal<Local, Bits<13>>,
    next_index: Signal<Local, Bits<4>>,
    word_address: Signal<Local, Bits<11>>,
    send_head: Signal<Local, Bits<33>>,
    receive_head: Signal<Local, Bits<33>>,
    works: Signal<Local, Bit>,
    last_bit: Constant<Bits<33>>,
    ack_header: Constant<Bits<32>>,
    phase: Constant<Bits<32>>,
    status_offset: Constant<Bits<20>>,
    status_resetting: Constant<Bits<32>>,
    status_busy: Constant<Bits<32>>,
    status_bus_error: Constant<Bits<32>>,
}

impl Loopback {
    /// A double after power-on.
    pub fn new() -> Self {
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
            memory: Default::default(),
            send_words: Default::default(),
            receive_words: Default::default(),
            power_on: Default::default(),
            loading: Default::default(),
            load_status: Default::default(),
            answer: Default::default(),
            answered: Default::default(),
            bus_error: Default::default(),
            send: Default::default(),
            source: Default::default(),
            bytes: Default::default(),
            header_words: Default::default(),
            receive: Default::default(),
            sink: Default::default(),
            cqe: Default::default(),
            skipped: Default::default(),
            arrived: Default::default(),
            index: Default::default(),
            running: Default::default(),
            status: Default::default(),
            next_count: Default::default(),
            next_header: Default::default(),
            next_skipped: Default::default(),
            next_arrived: Default::default(),
            next_index: Default::default(),
            word_address: Default::default(),
            send_head: Default::default(),
            receive_head: Default::default(),
            works: Default::default(),
            last_bit: Constant::new((1_u64 << 32).into()),
            ack_header: Constant::new(u64::from(rnic_abi::wire::link::TYPE_ACK).into()),
            phase: Constant::new(u64::from(rnic_abi::completion::PHASE).into()),
            status_offset: Constant::new(u64::from(rnic_abi::registers::map::STATUS).into()),
            status_resetting: Constant::new(
                u64::from(rnic_abi::registers::status::RESETTING).into(),
            ),
            status_busy: Constant::new(u64::from(rnic_abi::registers::status::BUSY).into()),
            status_bus_error: Constant::new(
                u64::from(rnic_abi::registers::status::BUS_ERROR).into(),
            ),
        }
    }
}

impl Logic for Loopback {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            power_on,
            loading,
            load_status,
            answer,
            answered,
            bus_error,
            send,
            source,
            bytes,
            header_words,
            receive,
            sink,
            cqe,
            skipped,
            arrived,
            index
        );
        clock!(self, clock, send_words, receive_words);
        self.memory.read_clock.next = self.clock.val();
        self.memory.write_clock.next = self.clock.val();

        // The reset of power-on: 2,100 cycles, as in the board.
        self.next_count.next = self.power_on.q.val() + 1;
        self.running.next = self.power_on.q.val() == 2100;
        if !self.running.val() {
            self.power_on.d.next = self.next_count.val();
        }

        self.works.next = (self.send.q.val() != Send::Idle)
            | (self.receive.q.val() != Receive::Collect)
            | (self.skipped.q.val() != 0);
        self.busy.next = self.works.val() | !self.running.val();

        for i in 0..16 {
            self.steps[i].fire.next = false;
            self.steps[i].vi.next = 0.into();
        }

        // BAR side.
        self.word_address.next = bit_cast::<11, 10>(self.bar.offset.val().get_bits::<10>(2));
        if self.bar.bar.val() == 4 {
            self.word_address.next =
                bit_cast::<11, 10>(self.bar.offset.val().get_bits::<10>(2)) | 1024;
        }
        self.memory.read_address.next = self.word_address.val();
        self.memory.write_address.next = self.word_address.val();
        self.memory.write_data.next = self.bar.data.val();
        self.memory.write_enable.next =
            self.bar.valid.val() & self.bar.write.val() & (self.bar.bar.val() != 2);
        self.bar.ready.next = !self.loading.q.val();
        self.loading.d.next = self.bar.valid.val() & !self.bar.write.val() & !self.loading.q.val();
        self.load_status.d.next =
            (self.bar.bar.val() == 0) & (self.bar.offset.val() == self.status_offset.val());
        self.answered.d.next = self.loading.q.val();
        self.status.next = 0.into();
        if !self.running.val() {
            self.status.next = self.status_resetting.val();
        } else if self.works.val() & self.bus_error.q.val() {
            self.status.next = self.status_busy.val() | self.status_bus_error.val();
        } else if self.works.val() {
            self.status.next = self.status_busy.val();
        } else if self.bus_error.q.val() {
            self.status.next = self.status_bus_error.val();
        }
        self.answer.d.next = self.memory.read_data.val();
        if self.load_status.q.val() {
            self.answer.d.next = self.status.val();
        }
        self.bar_data.data.next = self.answer.q.val();
        self.bar_data.valid.next = self.answered.q.val();

        // Sending half.
        self.next_header.next = self.header_words.q.val() + 1;
        self.dma_request.iova.next = self.source.q.val().get_bits::<48>(0);
        self.dma_request.bytes.next = self.bytes.q.val();
        self.dma_request.epoch.next = 1.into();
        self.dma_request.valid.next = false;
        self.send_words.data_in.next = bit_cast::<33, 32>(self.dma_data.data.val());
        if self.dma_data.last.val() {
            self.send_words.data_in.next =
                bit_cast::<33, 32>(self.dma_data.data.val()) | self.last_bit.val();
        }
        self.send_words.write.next = self.dma_data.valid.val() & !self.dma_data.error.val();
        self.send_words.read.next = false;
        self.send_head.next = self.send_words.data_out.val();
        self.wire_tx.data.next = self.send_head.val().get_bits::<32>(0);
        self.wire_tx.last.next = self.send_head.val().get_bit(32_usize);
        self.wire_tx.valid.next = false;
        match self.send.q.val() {
            Send::Idle => {
                self.header_words.d.next = 0.into();
            }
            Send::Request => {
                self.dma_request.valid.next = true;
                if self.dma_request.ready.val() {
                    self.send.d.next = Send::Header;
                }
            }
            Send::Header => {
                // Waits for the first word, so that a refused read sends nothing.
                self.wire_tx.data.next = 0.into();
                self.wire_tx.last.next = false;
                if self.header_words.q.val() == 0 {
                    self.wire_tx.data.next = self.ack_header.val();
                }
                self.wire_tx.valid.next = !self.send_words.empty.val();
                if self.wire_tx.ready.val() & !self.send_words.empty.val() {
                    self.header_words.d.next = self.next_header.val();
                    if self.header_words.q.val() == 4 {
                        self.send.d.next = Send::Body;
                    }
                }
            }
            Send::Body => {
                self.wire_tx.valid.next = !self.send_words.empty.val();
                if self.wire_tx.ready.val() & !self.send_words.empty.val() {
                    self.send_words.read.next = true;
                    if self.send_head.val().get_bit(32_usize) {
                        self.steps[6].fire.next = true;
                        self.send.d.next = Send::Idle;
                    }
                }
            }
            _ => {
                self.send.d.next = Send::Idle;
            }
        }
        if self.dma_data.valid.val() {
            if self.dma_data.error.val() {
                self.bus_error.d.next = true;
                self.send.d.next = Send::Idle;
            } else if self.dma_data.last.val() {
                self.steps[3].fire.next = true;
            }
        }
        if self.dma_write_fault.val() {
            self.bus_error.d.next = true;
        }

        // Receiving half.
        self.next_skipped.next = self.skipped.q.val() + 1;
        self.next_arrived.next = self.arrived.q.val() + 4;
        self.next_index.next = self.index.q.val() + 1;
        self.receive_words.data_in.next = bit_cast::<33, 32>(self.wire_rx.data.val());
        if self.wire_rx.last.val() {
            self.receive_words.data_in.next =
                bit_cast::<33, 32>(self.wire_rx.data.val()) | self.last_bit.val();
        }
        self.receive_words.write.next = false;
        self.receive_words.read.next = false;
        self.receive_head.next = self.receive_words.data_out.val();
        self.wire_rx.ready.next = false;
        self.dma_write.iova.next = self.sink.q.val().get_bits::<48>(0);
        self.dma_write.bytes.next = self.arrived.q.val();
        self.dma_write.data.next = self.receive_head.val().get_bits::<32>(0);
        self.dma_write.last.next = self.receive_head.val().get_bit(32_usize);
        self.dma_write.valid.next = false;
        self.irq.vector.next = 1.into();
        self.irq.valid.next = false;
        match self.receive.q.val() {
            Receive::Collect => {
                self.wire_rx.ready.next = self.running.val();
                self.index.d.next = 0.into();
                if self.wire_rx.valid.val() & self.running.val() {
                    if self.skipped.q.val() != 5 {
                        self.skipped.d.next = self.next_skipped.val();
                    } else {
                        self.receive_words.write.next = true;
                        self.arrived.d.next = self.next_arrived.val();
                    }
                    if self.wire_rx.last.val() {
                        self.skipped.d.next = 0.into();
                        if self.skipped.q.val() == 5 {
                            self.steps[7].fire.next = true;
                            self.receive.d.next = Receive::Place;
                        }
                    }
                }
            }
            Receive::Place => {
                self.dma_write.valid.next = !self.receive_words.empty.val();
                if self.dma_write.ready.val() & !self.receive_words.empty.val() {
                    self.receive_words.read.next = true;
                    if self.receive_head.val().get_bit(32_usize) {
                        self.steps[11].fire.next = true;
                        self.receive.d.next = Receive::Complete;
                    }
                }
            }
            Receive::Complete => {
                self.dma_write.iova.next = self.cqe.q.val().get_bits::<48>(0);
                self.dma_write.bytes.next = 32.into();
                self.dma_write.data.next = 0.into();
                self.dma_write.last.next = self.index.q.val() == 7;
                if self.index.q.val() == 0 {
                    self.dma_write.data.next = bit_cast::<32, 13>(self.arrived.q.val());
                }
                if self.index.q.val() == 7 {
                    self.dma_write.data.next = self.phase.val();
                }
                self.dma_write.valid.next = true;
                if self.dma_write.ready.val() {
                    self.index.d.next = self.next_index.val();
                    if self.index.q.val() == 7 {
                        self.steps[13].fire.next = true;
                        self.arrived.d.next = 0.into();
                        self.receive.d.next = Receive::Interrupt;
                    }
                }
            }
            Receive::Interrupt => {
                self.irq.valid.next = true;
                if self.irq.ready.val() {
                    self.receive.d.next = Receive::Collect;
                }
            }
            _ => {
                self.receive.d.next = Receive::Collect;
            }
        }

        // Doorbell page.
        if self.bar.valid.val()
            & self.bar.write.val()
            & (self.bar.bar.val() == 2)
            & self.running.val()
        {
            if self.bar.offset.val() == 0x00 {
                self.source.d.next = (self.source.q.val() & 0xFFFF_FFFF_0000_0000_u64)
                    | bit_cast::<64, 32>(self.bar.data.val());
            }
            if self.bar.offset.val() == 0x04 {
                self.source.d.next = (self.source.q.val() & 0x0000_0000_FFFF_FFFF_u64)
                    | (bit_cast::<64, 32>(self.bar.data.val()) << bits::<6>(32));
            }
            if self.bar.offset.val() == 0x08 {
                self.bytes.d.next = self.bar.data.val().get_bits::<13>(0);
            }
            if self.bar.offset.val() == 0x0C {
                self.steps[15].fire.next = true;
                self.send.d.next = Send::Request;
            }
            if self.bar.offset.val() == 0x10 {
                self.sink.d.next = (self.sink.q.val() & 0xFFFF_FFFF_0000_0000_u64)
                    | bit_cast::<64, 32>(self.bar.data.val());
            }
            if self.bar.offset.val() == 0x14 {
                self.sink.d.next = (self.sink.q.val() & 0x0000_0000_FFFF_FFFF_u64)
                    | (bit_cast::<64, 32>(self.bar.data.val()) << bits::<6>(32));
            }
            if self.bar.offset.val() == 0x18 {
                self.cqe.d.next = (self.cqe.q.val() & 0xFFFF_FFFF_0000_0000_u64)
                    | bit_cast::<64, 32>(self.bar.data.val());
            }
            if self.bar.offset.val() == 0x1C {
                self.cqe.d.next = (self.cqe.q.val() & 0x0000_0000_FFFF_FFFF_u64)
                    | (bit_cast::<64, 32>(self.bar.data.val()) << bits::<6>(32));
            }
        }
    }
}
