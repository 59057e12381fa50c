//! Everything that a peer, a driver or a wire may do wrong: the documented error, counter and event, memory outside what was
//! granted untouched, and the other VIs served.
//!
//! ```text
//! stags       the peer names an STag, an offset or an operation that it may not
//! frames      a frame is wrong in itself
//! wire        the wire loses, repeats, reorders, cuts, corrupts
//! unreliable  the same on VIs that repair nothing
//! commands    the driver writes commands that the board must refuse (their words: fields), or entries that overflow the ring
//! queues      work queues and completion queues overflow
//! replies     a one-shot names a reply buffer that is no good
//! hosts       memory that is not mapped, a reset in the middle
//! ```

mod commands;
mod fields;
mod frames;
mod hosts;
mod queues;
mod replies;
mod stags;
mod unreliable;
mod wire;
