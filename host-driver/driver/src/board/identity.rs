//! What a board is: the identity registers.

use super::BoardError;
use crate::command::Limits;
use crate::transport::{Bar, Metered};
use rnic_abi::config::{Config, FULL, SMALL};
use rnic_abi::registers::{map, MAGIC};
use rnic_abi::ABI_VERSION;

/// Identity registers of a board.
///
/// ```no_run
/// # use rnic_driver::board::{Board, Options};
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// let identity = board.identity();
/// println!("{} with {} VIs, build {:016x}", identity.configuration(), identity.vis, identity.build_hash);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Version of the contract.
    pub abi_version: u32,
    /// First eight bytes of the SHA-256 of the generated Verilog.
    pub build_hash: u64,
    /// VIs.
    pub vis: u32,
    /// TPT entries.
    pub tptes: u32,
    /// Scatter-gather elements.
    pub sges: u32,
    /// Command slots and ring entries.
    pub slots: u32,
    /// Entries of each work queue.
    pub queue_depth: u32,
    /// Completion queues.
    pub cqs: u32,
    /// Most payload bytes in a DDP segment.
    pub max_segment_bytes: u32,
    /// Most data segments in a descriptor.
    pub max_descriptor_segments: u32,
    /// Unacknowledged FPDUs per VI.
    pub log_frames: u32,
    /// Outstanding Read Requests per VI and direction.
    pub reads: u32,
    /// Configuration, datapath and IOVA bits, lower layers.
    pub datapath: u32,
    /// Entries of the trace RAM.
    pub trace_entries: u32,
}

impl Identity {
    /// Reads and checks the registers.
    pub fn read(transport: &Metered) -> Result<Self, BoardError> {
        let read = |offset| transport.bar_read32(Bar::Registers, offset);
        let magic = read(map::MAGIC)?;
        if magic != MAGIC {
            return Err(BoardError::NotARnic {
                magic,
                expected: MAGIC,
            });
        }
        let abi_version = read(map::ABI_VERSION)?;
        if abi_version != ABI_VERSION {
            return Err(BoardError::Version {
                board: abi_version,
                driver: ABI_VERSION,
            });
        }
        let identity = Self {
            abi_version,
            build_hash: transport.bar_read64(Bar::Registers, map::BUILD_HASH)?,
            vis: read(map::VIS)?,
            tptes: read(map::TPTES)?,
            sges: read(map::SGES)?,
            slots: read(map::SLOTS)?,
            queue_depth: read(map::QUEUE_DEPTH)?,
            cqs: read(map::CQS)?,
            max_segment_bytes: read(map::MAX_SEGMENT_BYTES)?,
            max_descriptor_segments: read(map::MAX_DESCRIPTOR_SEGMENTS)?,
            log_frames: read(map::LOG_FRAMES)?,
            reads: read(map::READS)?,
            datapath: read(map::DATAPATH)?,
            trace_entries: read(map::TRACE_ENTRIES)?,
        };
        for (name, value, most) in [
            ("VIS", identity.vis, 32),
            ("TPTES", identity.tptes, 1 << 16),
            ("SLOTS", identity.slots, 32),
            ("QUEUE_DEPTH", identity.queue_depth, 1 << 16),
            ("CQS", identity.cqs, 32),
        ] {
            if value == 0 || value > most {
                return Err(BoardError::Identity { name, value, most });
            }
        }
        Ok(identity)
    }

    /// Name of the configuration.
    pub fn configuration(&self) -> &'static str {
        self.config().map_or("unknown", |config| config.name)
    }

    /// The configuration, if it is a named one.
    pub fn config(&self) -> Option<&'static Config> {
        [&SMALL, &FULL]
            .into_iter()
            .find(|config| config.id == self.datapath & 0xFF)
    }

    /// Bits of the datapath.
    pub fn datapath_bits(&self) -> u32 {
        self.datapath >> 8 & 0xFF
    }

    /// Bits of an IOVA.
    pub fn iova_bits(&self) -> u32 {
        self.datapath >> 16 & 0xFF
    }

    /// Names of the lower layers.
    pub fn lower_layers(&self) -> Vec<&'static str> {
        [(1, "direct"), (2, "tcp")]
            .into_iter()
            .filter(|(bit, _)| self.datapath >> 24 & bit != 0)
            .map(|(_, name)| name)
            .collect()
    }

    /// What its commands may hold.
    pub fn limits(&self) -> Limits {
        Limits {
            vis: self.vis,
            tptes: self.tptes,
            sges: self.sges,
            cqs: self.cqs,
            reads: self.reads,
        }
    }
}
