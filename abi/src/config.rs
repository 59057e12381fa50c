//! The named sizes of a board. Gateware is generated from these, the identity registers report them.

/// Sizes of one configuration. Counts that end in `_log2` are exponents, because the gateware indexes with their bits.
///
/// ```
/// use rnic_abi::config::{FULL, SMALL};
/// assert_eq!((SMALL.vis(), SMALL.tptes(), SMALL.sges()), (4, 64, 128));
/// assert_eq!((FULL.vis(), FULL.tptes(), FULL.sges()), (16, 256, 1024));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Name, as printed.
    pub name: &'static str,
    /// Number in the `DATAPATH` register's low byte.
    pub id: u32,
    /// log2 of the VIs.
    pub vis_log2: usize,
    /// log2 of the TPT entries.
    pub tptes_log2: usize,
    /// log2 of the scatter-gather elements shared by all regions.
    pub sges_log2: usize,
    /// log2 of the 128-byte command slots; at most 5, one parity bit each in a CQE.
    pub slots_log2: usize,
    /// log2 of the entries in each send and each receive queue.
    pub queue_depth_log2: usize,
    /// log2 of the completion queues.
    pub cqs_log2: usize,
    /// log2 of the FPDUs a VI may have unacknowledged.
    pub log_frames_log2: usize,
    /// log2 of the Read Requests a VI may have outstanding, in each direction (IRD and ORD).
    pub reads_log2: usize,
    /// Most payload bytes in one DDP segment.
    pub max_segment_bytes: u32,
    /// Most data segments in one descriptor.
    pub max_descriptor_segments: u32,
    /// log2 of the 8-byte entries in the trace RAM, 0 where there is none.
    pub trace_log2: usize,
}

impl Config {
    /// Number of VIs.
    pub const fn vis(&self) -> usize {
        1 << self.vis_log2
    }
    /// Number of TPT entries.
    pub const fn tptes(&self) -> usize {
        1 << self.tptes_log2
    }
    /// Number of scatter-gather elements.
    pub const fn sges(&self) -> usize {
        1 << self.sges_log2
    }
    /// Number of command slots, which is also the number of ring entries.
    pub const fn slots(&self) -> usize {
        1 << self.slots_log2
    }
    /// Entries of each work queue.
    pub const fn queue_depth(&self) -> usize {
        1 << self.queue_depth_log2
    }
    /// Number of completion queues.
    pub const fn cqs(&self) -> usize {
        1 << self.cqs_log2
    }
    /// Unacknowledged FPDUs per VI.
    pub const fn log_frames(&self) -> usize {
        1 << self.log_frames_log2
    }
    /// Outstanding Read Requests per VI and direction.
    pub const fn reads(&self) -> usize {
        1 << self.reads_log2
    }
}

/// The small one, meant for iCE40 HX8K (7,680 cells, 32 block RAMs); it does not fit there yet.
pub const SMALL: Config = Config {
    name: "Small",
    id: 1,
    vis_log2: 2,
    tptes_log2: 6,
    sges_log2: 7,
    slots_log2: 4,
    queue_depth_log2: 3,
    cqs_log2: 3,
    log_frames_log2: 2,
    reads_log2: 1,
    max_segment_bytes: 512,
    max_descriptor_segments: 6,
    trace_log2: 0,
};

/// ECP5 and larger.
pub const FULL: Config = Config {
    name: "Full",
    id: 2,
    vis_log2: 4,
    tptes_log2: 8,
    sges_log2: 10,
    slots_log2: 5,
    queue_depth_log2: 6,
    cqs_log2: 5,
    log_frames_log2: 4,
    reads_log2: 2,
    max_segment_bytes: 1024,
    max_descriptor_segments: 16,
    trace_log2: 9,
};

/// Bits of an IOVA on the bus, in both configurations: what x86 and Arm IOMMUs give a VFIO container.
pub const IOVA_BITS: usize = 48;
/// Regions, elements and pages begin below this IOVA: the last 4 GiB stay unused, so that no address in a region wraps.
pub const IOVA_LIMIT: u64 = (1 << IOVA_BITS) - (1 << 32);
/// A DMA burst never crosses this boundary (PCI Express forbids crossing 4 KiB).
pub const DMA_BOUNDARY_BYTES: u32 = 4096;
