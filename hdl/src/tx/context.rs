//! The context RAM: everything about a VI that outlives a frame, in one block RAM with one read and one write port.
//!
//! ```text
//! word of a VI      owner (who writes)       content
//!  1                configuration            peer VI 7:0 and read depths (VI command, word 6)
//!  2                header build             stream sequence of the next frame
//!  3                configuration            largest transfer, bytes
//!  4, 5             header build             next MSN of queue 0 (Sends), of queue 1 (Read Requests)
//!  6, 7             header build             progress of the current message, of the current Read Response
//!  8                ack timer                sequence to acknowledge
//!  9                reliable                 timer count 15:0, retries 19:16
//! 10                header build             number of the next frame 11:0, whose low bits are the log's tail
//! 11                reliable                 log head 7:0, replay position 15:8
//! 12                header build             position of the oldest Read Response not yet begun
//! 16-23, 24-31      descriptor fetch         message record of slot 0, of slot 1
//! log base + 4p     header build             log entry p: description, offset, MSN, sequence
//! read base + 8p    read queue               read record p
//!
//! message record: 0 entry (descriptor_fetch.rs) | 1 length | 2 stag | 3 to low | 4 to high | 5 data segments
//! read record:    1 size | 2 sink stag | 3 sink to low | 4 sink to high
//! log entry:      0 length or segment number 15:0, last 16, response 17, tagged 18, operation 20:19, index 31:24
//! ```
//!
//! The reliable engine has the read port whenever it works, because it must never wait for the wire; header build is told
//! with `build_run` whether it has the word it asked for. The write port goes to the fetch engine first (its words come from
//! the bus and cannot wait), then to the ack timer, the reliable engine, header build, the read queue.
//!
//! Latency: one cycle.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::block_ram::BlockRam;

/// 2^CA words of 32 bits; an address is VI number, then word.
#[derive(LogicBlock)]
pub struct Context<const CA: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// The reliable engine works: it has the read port.
    pub service_active: Signal<In, Bit>,
    /// Word that the reliable engine wants.
    pub service_read: Signal<In, Bits<CA>>,
    /// Word that header build wants.
    pub build_read: Signal<In, Bits<CA>>,
    /// The word asked for in the cycle before.
    pub read_data: Signal<Out, Bits<32>>,
    /// `read_data` is the word that header build asked for.
    pub build_run: Signal<Out, Bit>,
    /// Fetch engine: address.
    pub fetch_address: Signal<In, Bits<CA>>,
    /// Fetch engine: word.
    pub fetch_data: Signal<In, Bits<32>>,
    /// Fetch engine: write now.
    pub fetch_write: Signal<In, Bit>,
    /// Ack timer: address.
    pub ack_address: Signal<In, Bits<CA>>,
    /// Ack timer: word.
    pub ack_data: Signal<In, Bits<32>>,
    /// Ack timer: wants to write.
    pub ack_write: Signal<In, Bit>,
    /// Ack timer: written.
    pub ack_ready: Signal<Out, Bit>,
    /// Reliable engine: address.
    pub service_address: Signal<In, Bits<CA>>,
    /// Reliable engine: word.
    pub service_data: Signal<In, Bits<32>>,
    /// Reliable engine: wants to write.
    pub service_write: Signal<In, Bit>,
    /// Reliable engine: written.
    pub service_ready: Signal<Out, Bit>,
    /// Header build: address.
    pub build_address: Signal<In, Bits<CA>>,
    /// Header build: word.
    pub build_data: Signal<In, Bits<32>>,
    /// Header build: wants to write.
    pub build_write: Signal<In, Bit>,
    /// Header build: written.
    pub build_ready: Signal<Out, Bit>,
    /// Read queue: address.
    pub reads_address: Signal<In, Bits<CA>>,
    /// Read queue: word.
    pub reads_data: Signal<In, Bits<32>>,
    /// Read queue: wants to write.
    pub reads_write: Signal<In, Bit>,
    /// Read queue: written.
    pub reads_ready: Signal<Out, Bit>,
    ram: BlockRam<32, CA>,
    granted: DFF<Bit>,
}

impl<const CA: usize> Context<CA> {
    /// All words zero at power-up; a VI's words are set when its send sequence is configured.
    pub fn new() -> Self {
        block_new!(clock service_active service_read build_read read_data build_run fetch_address fetch_data fetch_write
            ack_address ack_data ack_write ack_ready service_address service_data service_write service_ready build_address
            build_data build_write build_ready reads_address reads_data reads_write reads_ready ram granted;)
    }
}

impl<const CA: usize> Default for Context<CA> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const CA: usize> Logic for Context<CA> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, granted);
        clock!(self, clock, ram);
        self.granted.d.next = !self.service_active.val();
        self.build_run.next = self.granted.q.val();
        self.ram.read_address.next = self.build_read.val();
        if self.service_active.val() {
            self.ram.read_address.next = self.service_read.val();
        }
        self.read_data.next = self.ram.read_data.val();

        self.ack_ready.next = !self.fetch_write.val();
        self.service_ready.next = !self.fetch_write.val() & !self.ack_write.val();
        self.build_ready.next =
            !self.fetch_write.val() & !self.ack_write.val() & !self.service_write.val();
        self.reads_ready.next = !self.fetch_write.val()
            & !self.ack_write.val()
            & !self.service_write.val()
            & !self.build_write.val();
        self.ram.write_address.next = self.reads_address.val();
        self.ram.write_data.next = self.reads_data.val();
        if self.build_write.val() {
            self.ram.write_address.next = self.build_address.val();
            self.ram.write_data.next = self.build_data.val();
        }
        if self.service_write.val() {
            self.ram.write_address.next = self.service_address.val();
            self.ram.write_data.next = self.service_data.val();
        }
        if self.ack_write.val() {
            self.ram.write_address.next = self.ack_address.val();
            self.ram.write_data.next = self.ack_data.val();
        }
        if self.fetch_write.val() {
            self.ram.write_address.next = self.fetch_address.val();
            self.ram.write_data.next = self.fetch_data.val();
        }
        self.ram.write_enable.next = self.fetch_write.val()
            | self.ack_write.val()
            | self.service_write.val()
            | self.build_write.val()
            | self.reads_write.val();
    }
}
