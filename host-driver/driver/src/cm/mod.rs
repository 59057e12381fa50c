//! The connection manager: makes two VIs peers by exchanging an MPA request and reply over the boards' raw queues, in the two
//! models of seed 003 section 3.3.
//!
//! ```text
//! client                                          server
//!                                                 listen
//! connect      -- Request {MPA request} ------->  Event::Incoming
//!             <-- Pending ----------------------
//!                                                 accept: VI Connected, may receive
//! Event::Accepted <-- Reply {MPA reply} --------
//! finish: VI Connected, may send
//!              -- Ready ----------------------->  Event::Ready: may send
//!
//! peer                                            peer with the smaller (host address, number)
//! connect_peer -- PeerRequest {MPA request} --->  connect_peer, too: Event::Accepted
//!             <-- Pending ----------------------
//!                                                 finish: VI Connected, may receive
//! Event::Accepted <-- PeerReply {MPA reply} ----
//! finish: VI Connected, may send
//!              -- Ready ----------------------->  Event::Ready: may send
//! ```
//! Every message is repeated until it is answered, names its connection by a number that is never used again, and gets the
//! same answer however often it comes; so messages may be lost, repeated and overtake each other. What cannot be told to the
//! other side, the other side finds out by itself: after `attempts` messages without an answer, or by probes.
//!
//! | file | what it is |
//! |---|---|
//! | `message`, `codec`, `private_data` | the messages and their bytes |
//! | `attributes` | what two VIs must agree on |
//! | `listener`, `server`, `client`, `peer_to_peer`, `disconnect`, `keepalive` | one role each, with its state table |
//! | `link`, `timer` | what the roles share |
//! | `engine`, `route` | all ends of one board, without the board |
//! | `manager`, `local` | the engine on a board |

mod attributes;
mod client;
mod codec;
mod disconnect;
mod engine;
mod error;
mod event;
mod keepalive;
mod link;
mod listener;
mod local;
mod manager;
mod message;
mod peer_to_peer;
mod private_data;
mod route;
mod server;
mod timer;

pub use attributes::{Attributes, Mismatch};
pub use codec::{CmMessageError, HEADER_BYTES, MAX_PRIVATE_BYTES, VERSION};
pub use engine::Counts;
pub use error::CmError;
pub use event::{ConnectRequest, ConnectionId, Event, Failure, ListenerId, Loss, Offer};
pub use manager::ConnectionManager;
pub use message::{Body, CmMessage, MessageKind, Name, Opening, Role, ANY_VI};
pub use private_data::{Private, RejectReason, PRIVATE_HEADER_BYTES};
pub use timer::CmOptions;

#[cfg(test)]
mod tests;
