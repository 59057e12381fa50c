//! Why a call of the connection manager did nothing.

use super::{ConnectionId, Failure, Mismatch, MAX_PRIVATE_BYTES};
use crate::address::HostAddress;
use crate::mpa::MpaError;
use crate::raw::RawError;
use crate::vi::ViError;
use std::time::Duration;

/// Why a call of the connection manager did nothing.
///
/// ```
/// use rnic_driver::cm::CmError;
/// assert_eq!(CmError::PrivateData { bytes: 500 }.to_string(), "500 bytes of private data; a request carries at most 300");
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
    /// No such connection, or no more.
    #[error("there is no connection {connection}")]
    Unknown {
        /// The connection.
        connection: ConnectionId,
    },
    /// It is not in a state that allows this.
    #[error("connection {connection} is {state}, which does not allow this")]
    State {
        /// The connection.
        connection: ConnectionId,
        /// Its state.
        state: &'static str,
    },
    /// The partner has given up since the event; the request stands.
    #[error("the partner of connection {connection} has given up")]
    Withdrawn {
        /// The connection.
        connection: ConnectionId,
    },
    /// The VI does not fit the client's; nothing was sent, another VI may be tried.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// More private data than fits.
    #[error("{bytes} bytes of private data; a request carries at most {MAX_PRIVATE_BYTES}")]
    PrivateData {
        /// How many.
        bytes: usize,
    },
    /// Both VIs would be of this board, and it has no way from one to the other.
    #[error("{address} is this board's own address; it cannot join two of its own VIs unless it is opened with loopback")]
    NoLocalPath {
        /// The address.
        address: HostAddress,
    },
    /// A call that waits: the connection was not made.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// A call that waits: nobody came.
    #[error("nobody asked for a connection within {timeout:?}")]
    NobodyCame {
        /// How long it was waited for.
        timeout: Duration,
    },
}
