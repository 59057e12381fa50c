//! The way from a VI to another one of the same board: the one place that knows of it.
//!
//! A board that is opened with loopback joins its transmit side to its receive side for all VIs, raw frames included. A board
//! that can do so for a single VI would be told by a bit among the negotiated features; this one has no such bit yet.

use super::CmError;
use crate::board::Board;

/// The feature bits that a VI needs whose peer is on this board, beside those negotiated.
pub(super) fn features(board: &Board) -> Result<u8, CmError> {
    if board.options().loopback {
        return Ok(0);
    }
    Err(CmError::NoLocalPath {
        address: board.address(),
    })
}
