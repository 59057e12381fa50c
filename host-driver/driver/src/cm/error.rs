//! Why a connection was not made.

use super::{ConnectionId, RejectReason};
use crate::command::Reliability;
use crate::mpa::MpaError;
use crate::raw::RawError;
use crate::vi::ViError;
use std::time::Duration;

/// Why a connection was not made.
///
/// ```
/// use rnic_driver::cm::{CmError, RejectReason};
/// assert_eq!(CmError::Rejected { reason: RejectReason::NoListener }.to_string(), "the peer rejected the connection: NoListener");
/// ```
#[derive(Debug, thiserror::Error)]
pub enum CmError {
    /// The raw queue.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// The VI.
    #[error(transparent)]
    Vi(#[from] ViError),
    /// The MPA frame cannot be built.
    #[error(transparent)]
    Mpa(#[from] MpaError),
    /// No such connection.
    #[error("there is no connection {connection:?}")]
    Unknown {
        /// The connection.
        connection: ConnectionId,
    },
    /// It is not in a state that allows this.
    #[error("connection {connection:?} is not in a state that allows this")]
    State {
        /// The connection.
        connection: ConnectionId,
    },
    /// Reliability levels must match (VIA).
    #[error("the initiator's reliability level is {theirs}, this VI's is {ours:?}")]
    Reliability {
        /// This VI's.
        ours: Reliability,
        /// The initiator's.
        theirs: u8,
    },
    /// The peer said no.
    #[error("the peer rejected the connection: {reason:?}")]
    Rejected {
        /// Why.
        reason: RejectReason,
    },
    /// The peer did not answer.
    #[error("the peer did not answer within {timeout:?}")]
    TimedOut {
        /// How long it was waited for.
        timeout: Duration,
    },
}
