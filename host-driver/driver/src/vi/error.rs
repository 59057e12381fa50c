//! Why a VI could not do it.

use crate::board::{ExecuteError, PostError};
use crate::cqe::{Failure, Kind};
use crate::descriptor::DescriptorError;
use crate::memory::MemoryError;
use crate::region::RegionError;
use crate::transport::TransportError;

/// Why a VI could not do it.
///
/// ```
/// use rnic_driver::vi::ViError;
/// let error = ViError::QueueFull { queue: "send", depth: 8 };
/// assert_eq!(error.to_string(), "all 8 entries of the send queue are in use");
/// ```
#[derive(Debug, thiserror::Error)]
pub enum ViError {
    /// A command about it.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// A command was not posted.
    #[error(transparent)]
    Post(#[from] PostError),
    /// Its descriptors' region.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// The descriptor.
    #[error(transparent)]
    Descriptor(#[from] DescriptorError),
    /// Memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The transport.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// No entry left.
    #[error("all {depth} entries of the {queue} queue are in use")]
    QueueFull {
        /// Which queue.
        queue: &'static str,
        /// Its entries.
        depth: u32,
    },
    /// A completion of something else.
    #[error("a {kind:?} completion of VI {vi} is not one of VI {number}'s queues")]
    Foreign {
        /// Its kind.
        kind: Kind,
        /// Its VI.
        vi: u16,
        /// This VI.
        number: u16,
    },
    /// A completion that nothing waits for.
    #[error("a {kind:?} completion has context 0x{context:x}, which nothing was posted with")]
    Unknown {
        /// Its kind.
        kind: Kind,
        /// Its context.
        context: u64,
    },
    /// A descriptor completed before an older one.
    #[error("a {kind:?} completion names the descriptor at 0x{found:x}; the oldest one is {expected:x?}")]
    OutOfOrder {
        /// Its kind.
        kind: Kind,
        /// The oldest posted.
        expected: Option<u64>,
        /// The one named.
        found: u64,
    },
    /// A send_invalidate failed.
    #[error("send_invalidate {reference}: {failure}")]
    Failed {
        /// The poster's number.
        reference: u64,
        /// How.
        failure: Failure,
    },
}
