//! What two VIs must agree on (seed 003 sections 3.3.5 and 3.3.9): reliability level, then transfer size, then quality of
//! service. Rights of the peer and protection tags may differ.

use super::RejectReason;
use crate::command::{Reliability, ViSettings};

/// Attributes of a VI that its peer learns.
///
/// ```
/// use rnic_driver::cm::{Attributes, Mismatch};
/// use rnic_driver::command::ViSettings;
/// let settings = ViSettings { max_transfer_bytes: 4096, ..ViSettings::default() };
/// let ours = Attributes::of(&settings, 0);
/// assert_eq!(ours.check(&Attributes { enable_rdma_read: true, ..ours }), Ok(()));
/// assert_eq!(ours.check(&Attributes { qos: 1, ..ours }), Err(Mismatch::Qos { ours: 0, theirs: 1 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// Reliability level.
    pub reliability: Reliability,
    /// Longest message.
    pub max_transfer_bytes: u32,
    /// Quality of service: a number that both sides give a meaning to.
    pub qos: u8,
    /// The peer may RDMA Write.
    pub enable_rdma_write: bool,
    /// The peer may RDMA Read.
    pub enable_rdma_read: bool,
}

impl Attributes {
    /// Those of a VI.
    pub const fn of(settings: &ViSettings, qos: u8) -> Self {
        Self {
            reliability: settings.reliability,
            max_transfer_bytes: settings.max_transfer_bytes,
            qos,
            enable_rdma_write: settings.enable_rdma_write,
            enable_rdma_read: settings.enable_rdma_read,
        }
    }

    /// Whether a VI of these can be joined with one of `theirs`; the first difference, if not.
    pub fn check(&self, theirs: &Self) -> Result<(), Mismatch> {
        if self.reliability != theirs.reliability {
            let (ours, theirs) = (self.reliability, theirs.reliability);
            return Err(Mismatch::Reliability { ours, theirs });
        }
        if self.max_transfer_bytes != theirs.max_transfer_bytes {
            let (ours, theirs) = (self.max_transfer_bytes, theirs.max_transfer_bytes);
            return Err(Mismatch::MaxTransfer { ours, theirs });
        }
        if self.qos != theirs.qos {
            let (ours, theirs) = (self.qos, theirs.qos);
            return Err(Mismatch::Qos { ours, theirs });
        }
        Ok(())
    }
}

/// The first attribute in which two VIs differ.
///
/// ```
/// let error = rnic_driver::cm::Mismatch::MaxTransfer { ours: 1, theirs: 2 };
/// assert_eq!(error.to_string(), "maximum transfer size is 1 bytes here, 2 at the peer");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Mismatch {
    /// Reliability level.
    #[error("reliability level is {ours:?} here, {theirs:?} at the peer")]
    Reliability {
        /// This VI's.
        ours: Reliability,
        /// The peer's.
        theirs: Reliability,
    },
    /// Longest message.
    #[error("maximum transfer size is {ours} bytes here, {theirs} at the peer")]
    MaxTransfer {
        /// This VI's.
        ours: u32,
        /// The peer's.
        theirs: u32,
    },
    /// Quality of service.
    #[error("quality of service is {ours} here, {theirs} at the peer")]
    Qos {
        /// This VI's.
        ours: u8,
        /// The peer's.
        theirs: u8,
    },
}

impl Mismatch {
    /// What a rejection says of it.
    pub const fn reason(&self) -> RejectReason {
        match self {
            Mismatch::Reliability { .. } => RejectReason::Reliability,
            Mismatch::MaxTransfer { .. } => RejectReason::MaxTransfer,
            Mismatch::Qos { .. } => RejectReason::Qos,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let ours = Attributes::of(&ViSettings::default(), 0);
        let theirs = Attributes {
            reliability: Reliability::Unreliable,
            max_transfer_bytes: 1,
            qos: 1,
            ..ours
        };
        let reasons = [
            theirs,
            Attributes {
                reliability: ours.reliability,
                ..theirs
            },
            Attributes { qos: 1, ..ours },
        ]
        .map(|theirs| ours.check(&theirs).unwrap_err().reason());
        assert_eq!(
            reasons,
            [
                RejectReason::Reliability,
                RejectReason::MaxTransfer,
                RejectReason::Qos
            ]
        );
    }
}
