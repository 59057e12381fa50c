//! The register map: BAR0 registers and counters, BAR2 doorbells, BAR4 command ring and slots.
//!
//! Registers are 32 bits wide, or 64 bits read low word first (the low read latches the high word, so an 8-byte read is
//! atomic). Everything is little-endian.

/// How software may use a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads only.
    ReadOnly,
    /// Reads and writes.
    ReadWrite,
    /// Writing ones clears those bits.
    WriteOneToClear,
    /// Writes only; reads as zero.
    WriteOnly,
}

/// One register, or an array of them.
///
/// ```
/// use rnic_abi::registers::{REGISTERS, MAGIC};
/// let magic = REGISTERS.iter().find(|r| r.name == "MAGIC").unwrap();
/// assert_eq!((magic.offset, magic.bytes, magic.reset), (0, 4, u64::from(MAGIC)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// Name.
    pub name: &'static str,
    /// BAR number.
    pub bar: u8,
    /// Byte offset of the first element.
    pub offset: u32,
    /// Bytes of one element: 4 or 8.
    pub bytes: u32,
    /// Elements; more than 1 for arrays.
    pub count: u32,
    /// Bytes from one element to the next.
    pub stride: u32,
    /// Access.
    pub access: Access,
    /// Value after reset (identity registers: 0 stands for "of the build").
    pub reset: u64,
    /// What it holds.
    pub doc: &'static str,
}

/// Value of the `MAGIC` register: "RNC1" in memory order.
pub const MAGIC: u32 = 0x3143_4E52;
/// Bytes of BAR0.
pub const BAR0_BYTES: u64 = 16 << 10;
/// Bytes of one VI's doorbell page in BAR2.
pub const DOORBELL_PAGE_BYTES: u64 = 4096;
/// Bytes of BAR4.
pub const BAR4_BYTES: u64 = 16 << 10;
/// Offset of the command ring in BAR4.
pub const RING_OFFSET: u32 = 0;
/// Offset of the command slots in BAR4.
pub const SLOTS_OFFSET: u32 = 0x1000;

macro_rules! registers {
    ($($name:ident = $bar:literal $offset:literal, $bytes:literal x $count:literal / $stride:literal, $access:ident, $reset:expr, $doc:literal;)*) => {
        $(#[doc = concat!("Byte offset in BAR", stringify!($bar), ": ", $doc)] pub const $name: u32 = $offset;)*
        /// Every register, in address order.
        pub const REGISTERS: &[Register] = &[$(Register {
            name: stringify!($name), bar: $bar, offset: $offset, bytes: $bytes, count: $count, stride: $stride,
            access: Access::$access, reset: $reset as u64, doc: $doc,
        },)*];
    };
}
/// Byte offsets and the table they come from.
pub mod map {
    use super::{Access, Register, MAGIC as MAGIC_VALUE};
    registers! {
        MAGIC = 0 0x000, 4 x 1 / 4, ReadOnly, MAGIC_VALUE, "identifies the board: \"RNC1\"";
        ABI_VERSION = 0 0x004, 4 x 1 / 4, ReadOnly, crate::ABI_VERSION, "version of this register map";
        BUILD_HASH = 0 0x008, 8 x 1 / 8, ReadOnly, 0, "first eight bytes of the SHA-256 of the generated Verilog, without this register";
        VIS = 0 0x010, 4 x 1 / 4, ReadOnly, 0, "number of VIs";
        TPTES = 0 0x014, 4 x 1 / 4, ReadOnly, 0, "number of TPT entries";
        SGES = 0 0x018, 4 x 1 / 4, ReadOnly, 0, "number of scatter-gather elements";
        SLOTS = 0 0x01C, 4 x 1 / 4, ReadOnly, 0, "number of command slots, and of ring entries";
        QUEUE_DEPTH = 0 0x020, 4 x 1 / 4, ReadOnly, 0, "entries of each work queue";
        CQS = 0 0x024, 4 x 1 / 4, ReadOnly, 0, "number of completion queues";
        MAX_SEGMENT_BYTES = 0 0x028, 4 x 1 / 4, ReadOnly, 0, "most payload bytes in a DDP segment";
        MAX_DESCRIPTOR_SEGMENTS = 0 0x02C, 4 x 1 / 4, ReadOnly, 0, "most data segments in a descriptor";
        LOG_FRAMES = 0 0x030, 4 x 1 / 4, ReadOnly, 0, "unacknowledged FPDUs per VI";
        READS = 0 0x034, 4 x 1 / 4, ReadOnly, 0, "outstanding Read Requests per VI and direction";
        DATAPATH = 0 0x038, 4 x 1 / 4, ReadOnly, 0, "configuration id 7:0, datapath bits 15:8, IOVA bits 23:16, lower layers 31:24 (1 direct, 2 tcp)";
        TRACE_ENTRIES = 0 0x03C, 4 x 1 / 4, ReadOnly, 0, "entries of the trace RAM, 0 where there is none";
        CONTROL = 0 0x040, 4 x 1 / 4, ReadWrite, 0, "enable 0, loopback 1, reset 2 (clears itself when the board is quiet)";
        STATUS = 0 0x044, 4 x 1 / 4, ReadOnly, 0, "enabled 0, busy 1, reset running 2, bus error seen 3, event pending 4";
        INTERRUPT_MASK = 0 0x048, 4 x 1 / 4, ReadWrite, 0, "bit i set: vector i may be sent";
        RING_CONSUMED = 0 0x04C, 4 x 1 / 4, ReadOnly, 0, "ring entries consumed since reset, modulo 2^32";
        STATUS_LINE_IOVA = 0 0x050, 8 x 1 / 8, ReadWrite, 0, "IOVA of the 64-byte slot-status line; 0 turns it off";
        RAW_RING_IOVA = 0 0x058, 8 x 1 / 8, ReadWrite, 0, "IOVA of the raw receive ring";
        RAW_RING_ENTRIES = 0 0x060, 4 x 1 / 4, ReadWrite, 0, "entries of the raw receive ring (power of two); 0 turns it off";
        RAW_CONSUMED = 0 0x064, 4 x 1 / 4, ReadWrite, 0, "raw entries consumed by the driver, modulo 2^32";
        SLOT_PARITY = 0 0x068, 4 x 1 / 4, ReadOnly, 0, "bit i flips whenever slot i becomes free";
        EVENT_SUMMARY = 0 0x06C, 4 x 1 / 4, ReadOnly, 0, "bit i set: VI i has events";
        CYCLES = 0 0x070, 8 x 1 / 8, ReadOnly, 0, "clock cycles since reset";
        TRACE_HEAD = 0 0x078, 4 x 1 / 4, ReadOnly, 0, "trace entries written since reset, modulo 2^32";
        SGES_FREE = 0 0x07C, 4 x 1 / 4, ReadOnly, 0, "scatter-gather elements free";
        EVENTS = 0 0x100, 4 x 32 / 4, WriteOneToClear, 0, "sticky event bits of VI i";
        VI_STATE = 0 0x200, 4 x 32 / 4, ReadOnly, 0, "state of VI i: VIA state 1:0, flush running 2";
        FIRST_FAILING_DESCRIPTOR = 0 0x300, 8 x 32 / 8, ReadOnly, 0, "va of the descriptor at the head of VI i's failing queue when it went into error";
        COUNTERS = 0 0x800, 8 x 64 / 8, ReadOnly, 0, "counters: 0 to 15 the steps, 16 and up the others";
        CQ_DOORBELL = 0 0x1000, 4 x 32 / 8, WriteOnly, 0, "consumer index of CQ i 30:0; bit 31 arms its interrupt";
        TRACE = 0 0x2000, 8 x 512 / 8, ReadOnly, 0, "trace entry: low word cycle stamp, high word step mask 15:0 | vi of the lowest step 23:16";
        SEND_DESCRIPTOR = 2 0x000, 8 x 1 / 4096, WriteOnly, 0, "latches the va of a send descriptor (page i is VI i)";
        SEND_COMMIT = 2 0x008, 8 x 1 / 4096, WriteOnly, 0, "memory handle 31:0, sequence 63:32 (doorbells posted to this queue before, low 4 bits compared); posts the latched send descriptor";
        RECEIVE_DESCRIPTOR = 2 0x010, 8 x 1 / 4096, WriteOnly, 0, "latches the va of a receive descriptor";
        RECEIVE_COMMIT = 2 0x018, 8 x 1 / 4096, WriteOnly, 0, "memory handle 31:0, sequence 63:32 (as SEND_COMMIT); posts the latched receive descriptor";
    }
}
pub use map::REGISTERS;

/// `CONTROL` bits.
pub mod control {
    /// The board takes work.
    pub const ENABLE: u32 = 1;
    /// The wire's transmit side is joined to its receive side inside the board.
    pub const LOOPBACK: u32 = 2;
    /// Starts a reset.
    pub const RESET: u32 = 4;
}
/// `STATUS` bits.
pub mod status {
    /// The board takes work.
    pub const ENABLED: u32 = 1;
    /// Something moves.
    pub const BUSY: u32 = 2;
    /// A reset is running.
    pub const RESETTING: u32 = 4;
    /// The bus refused a DMA access since reset.
    pub const BUS_ERROR: u32 = 8;
    /// Some VI has an event.
    pub const EVENT: u32 = 16;
}
/// MSI-X vector of events; CQ i has vector i + 1.
pub const EVENT_VECTOR: u32 = 0;
