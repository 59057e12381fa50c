//! What the receive side remembers of every VI, in one RAM of 32-bit words, and who may write it when.
//!
//! ```text
//! word of a VI (64 in Small, 128 in Full)
//!  0      VI word 5: send CQ 7:0, receive CQ 15:8      8..12  Read Requests: as 0..4 with queue number 1
//!  1      first descriptor: next segment 7:0,          13     context of the one-shot under way
//!         segments 15:8, VIA status 31:16              14     spare descriptor: as 1
//!  2,3,4  Sends: queue number, MSN, MO expected        16..20 Terminates: as 0..4 with queue number 2
//!  5,6,7  first descriptor: handle, va low, va high    21..23 spare descriptor: as 5 to 7
//!                                                      reply.. reply buffer of the message under way
//! reads.. outstanding Read Requests, a group each      segments.., spare_segments.. of the descriptors, a group each
//! group: 0 bytes left, 1 stag, 2 offset high, 3 offset low
//! ```
//! Writers, first come first: the descriptor prefetch (its words cannot wait), `place`, the read tracker, VI commands.
//! VI word 8 (receive sequence) starts the VI anew: queue numbers, MSNs and MOs are written, 9 cycles.
//! Readers: `place`, then the Terminate outbox. A broken VI's words 16 to 23 hold its Terminate (`terminate_outbox`). Latency: `data` belongs to the `index` of the cycle before.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::block_ram::BlockRam;
use crate::interfaces::ViConfigRx;

/// Word numbers, the same in every configuration.
pub mod word {
    /// VI word 5.
    pub const QUEUES: u8 = 0;
    /// State of the head descriptor.
    pub const DESCRIPTOR_STATE: u8 = 1;
    /// MSN expected, relative to a queue's base.
    pub const MSN: u8 = 3;
    /// MO expected, relative to a queue's base.
    pub const MO: u8 = 4;
    /// Handle of the head descriptor; then va low and high.
    pub const DESCRIPTOR_HANDLE: u8 = 5;
    /// Base of the Read Request queue.
    pub const REQUESTS: u8 = 8;
    /// State of the spare descriptor.
    pub const SPARE_STATE: u8 = 14;
    /// Handle of the spare descriptor; then va low and high.
    pub const SPARE_HANDLE: u8 = 21;
    /// Context of a one-shot.
    pub const ONE_SHOT_CONTEXT: u8 = 13;
    /// Base of the Terminate queue.
    pub const TERMINATES: u8 = 16;
}

/// Word numbers that depend on the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// log2 of the words of a VI.
    pub words_log2: u8,
    /// The reply group.
    pub reply: u8,
    /// First read group.
    pub reads: u8,
    /// First segment group.
    pub segments: u8,
    /// First segment group of the spare descriptor.
    pub spare_segments: u8,
    /// How many segments that may have.
    pub spare_count: u8,
}

impl Layout {
    /// 64 words: up to 2 reads and 6 segments.
    pub const SMALL: Layout = Layout {
        words_log2: 6,
        reply: 60,
        reads: 24,
        segments: 32,
        spare_segments: 56,
        spare_count: 1,
    };
    /// 128 words: up to 4 reads and 16 segments.
    pub const FULL: Layout = Layout {
        words_log2: 7,
        reply: 24,
        reads: 32,
        segments: 64,
        spare_segments: 48,
        spare_count: 4,
    };
}

/// See the module. `C` is log2 of all words.
#[derive(LogicBlock)]
pub struct ReceiveContext<const C: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// VI words 5, 6 and 8 matter here.
    pub vi_config: ViConfigRx,
    /// The word on `vi_config` has been taken by everyone.
    pub config_taken: Signal<In, Bit>,
    /// Bit i: VI i is unreliable.
    pub unreliable: Signal<Out, Bits<16>>,
    /// Bit i: VI i may be told advertised STags.
    pub advertise: Signal<Out, Bits<16>>,
    /// VI `started_vi` starts anew.
    pub started: Signal<Out, Bit>,
    /// Which.
    pub started_vi: Signal<Out, Bits<4>>,

    /// VI whose word is read.
    pub read_vi: Signal<In, Bits<4>>,
    /// Word of that VI.
    pub read_index: Signal<In, Bits<7>>,
    /// `place` reads.
    pub place_reads: Signal<In, Bit>,
    /// VI whose word the outbox reads.
    pub outbox_vi: Signal<In, Bits<4>>,
    /// Word of that VI.
    pub outbox_index: Signal<In, Bits<7>>,
    /// It may.
    pub outbox_granted: Signal<Out, Bit>,
    /// The word asked for in the cycle before.
    pub data: Signal<Out, Bits<32>>,

    /// The prefetch writes.
    pub prefetch_write: Signal<In, Bit>,
    /// VI.
    pub prefetch_vi: Signal<In, Bits<4>>,
    /// Word.
    pub prefetch_index: Signal<In, Bits<7>>,
    /// Value.
    pub prefetch_data: Signal<In, Bits<32>>,

    /// `place` writes, to the VI it reads.
    pub place_write: Signal<In, Bit>,
    /// Word.
    pub place_index: Signal<In, Bits<7>>,
    /// Value.
    pub place_data: Signal<In, Bits<32>>,
    /// It can.
    pub place_ready: Signal<Out, Bit>,

    /// The read tracker writes.
    pub reads_write: Signal<In, Bit>,
    /// VI.
    pub reads_vi: Signal<In, Bits<4>>,
    /// Word.
    pub reads_index: Signal<In, Bits<7>>,
    /// Value.
    pub reads_data: Signal<In, Bits<32>>,
    /// It can.
    pub reads_ready: Signal<Out, Bit>,

    ram: BlockRam<32, C>,
    unreliable_mask: DFF<Bits<16>>,
    advertise_mask: DFF<Bits<16>>,
    /// Queue whose words are being started, and which of them; done when the queue is 3.
    queue: DFF<Bits<2>>,
    item: DFF<Bits<2>>,

    config_vi: Signal<Local, Bits<4>>,
    is_queues: Signal<Local, Bit>,
    is_peer: Signal<Local, Bit>,
    is_start: Signal<Local, Bit>,
    config_ready: Signal<Local, Bit>,
    config_write: Signal<Local, Bit>,
    config_index: Signal<Local, Bits<7>>,
    config_data: Signal<Local, Bits<32>>,
    vi: Signal<Local, Bits<4>>,
    index: Signal<Local, Bits<7>>,
    write_base: Signal<Local, Bits<16>>,
    read_base: Signal<Local, Bits<16>>,
    write_at: Signal<Local, Bits<16>>,
    read_at: Signal<Local, Bits<16>>,
    reader: Signal<Local, Bits<4>>,
    reader_index: Signal<Local, Bits<7>>,
    vi_shift: Constant<Bits<16>>,
}

impl<const C: usize> ReceiveContext<C> {
    /// The block for one layout.
    pub fn new(layout: Layout) -> Self {
        block_new!(
            clock reset vi_config config_taken unreliable advertise started started_vi read_vi
            read_index place_reads outbox_vi outbox_index outbox_granted data prefetch_write prefetch_vi prefetch_index prefetch_data place_write
            place_index place_data place_ready reads_write reads_vi reads_index reads_data
            reads_ready ram unreliable_mask advertise_mask queue item config_vi is_queues is_peer
            is_start config_ready config_write config_index config_data vi index write_base
            read_base write_at read_at reader reader_index;
            vi_shift = layout.words_log2,
        )
    }
}

impl<const C: usize> Logic for ReceiveContext<C> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, unreliable_mask, advertise_mask, queue, item);
        clock!(self, clock, ram);

        // A VI command's word: 5 is kept, 6 leaves a bit, 8 starts the VI before it is taken.
        self.config_vi.next = self.vi_config.vi.val().get_bits::<4>(0);
        self.is_queues.next = self.vi_config.word.val() == bits::<4>(5);
        self.is_peer.next = self.vi_config.word.val() == bits::<4>(6);
        self.is_start.next = self.vi_config.word.val() == bits::<4>(8);
        self.config_ready.next =
            !self.prefetch_write.val() & !self.place_write.val() & !self.reads_write.val();
        self.vi_config.ready.next = !self.reset.val()
            & ((!self.is_queues.val() & !self.is_start.val())
                | (self.is_queues.val() & self.config_ready.val())
                | (self.is_start.val() & (self.queue.q.val() == bits::<2>(3))));
        self.config_write.next = self.vi_config.valid.val()
            & (self.is_queues.val() | (self.is_start.val() & (self.queue.q.val() != bits::<2>(3))));
        self.config_index.next = bits::<7>(0);
        self.config_data.next = self.vi_config.data.val();
        if self.is_start.val() {
            self.config_index.next = (bit_cast::<7, 2>(self.queue.q.val()) << bits::<7>(3))
                + (bit_cast::<7, 2>(self.item.q.val()) + bits::<7>(2));
            self.config_data.next = bits::<32>(0);
            if self.item.q.val() == bits::<2>(0) {
                self.config_data.next = bit_cast::<32, 2>(self.queue.q.val());
            }
            if self.item.q.val() == bits::<2>(1) {
                self.config_data.next = bits::<32>(1);
            }
            if self.config_write.val() & self.config_ready.val() {
                self.item.d.next = self.item.q.val() + bits::<2>(1);
                if self.item.q.val() == bits::<2>(2) {
                    self.item.d.next = bits::<2>(0);
                    self.queue.d.next = self.queue.q.val() + bits::<2>(1);
                }
            }
        }
        self.started.next = false;
        self.started_vi.next = self.config_vi.val();
        if self.config_taken.val() {
            if self.is_queues.val() {
                self.unreliable_mask.d.next = self.unreliable_mask.q.val().replace_bit(
                    self.config_vi.val().index(),
                    self.vi_config.data.val().get_bit(16),
                );
            }
            if self.is_peer.val() {
                self.advertise_mask.d.next = self.advertise_mask.q.val().replace_bit(
                    self.config_vi.val().index(),
                    self.vi_config.data.val().get_bit(8),
                );
            }
            if self.is_start.val() {
                self.started.next = true;
                self.queue.d.next = bits::<2>(0);
            }
        }
        self.unreliable.next = self.unreliable_mask.q.val();
        self.advertise.next = self.advertise_mask.q.val();

        // One write port.
        self.place_ready.next = !self.prefetch_write.val();
        self.reads_ready.next = !self.prefetch_write.val() & !self.place_write.val();
        self.vi.next = self.config_vi.val();
        self.index.next = self.config_index.val();
        self.ram.write_data.next = self.config_data.val();
        if self.reads_write.val() {
            self.vi.next = self.reads_vi.val();
            self.index.next = self.reads_index.val();
            self.ram.write_data.next = self.reads_data.val();
        }
        if self.place_write.val() {
            self.vi.next = self.read_vi.val();
            self.index.next = self.place_index.val();
            self.ram.write_data.next = self.place_data.val();
        }
        if self.prefetch_write.val() {
            self.vi.next = self.prefetch_vi.val();
            self.index.next = self.prefetch_index.val();
            self.ram.write_data.next = self.prefetch_data.val();
        }
        self.write_base.next = bit_cast::<16, 4>(self.vi.val()) << self.vi_shift.val();
        self.write_at.next = self.write_base.val() | bit_cast::<16, 7>(self.index.val());
        self.ram.write_address.next = bit_cast::<C, 16>(self.write_at.val());
        self.ram.write_enable.next = self.config_write.val()
            | self.reads_write.val()
            | self.place_write.val()
            | self.prefetch_write.val();
        self.reader.next = self.read_vi.val();
        self.reader_index.next = self.read_index.val();
        self.outbox_granted.next = !self.place_reads.val();
        if !self.place_reads.val() {
            self.reader.next = self.outbox_vi.val();
            self.reader_index.next = self.outbox_index.val();
        }
        self.read_base.next = bit_cast::<16, 4>(self.reader.val()) << self.vi_shift.val();
        self.read_at.next = self.read_base.val() | bit_cast::<16, 7>(self.reader_index.val());
        self.ram.read_address.next = bit_cast::<C, 16>(self.read_at.val());
        self.data.next = self.ram.read_data.val();

        if self.reset.val() {
            self.queue.d.next = bits::<2>(0);
            self.item.d.next = bits::<2>(0);
        }
    }
}
