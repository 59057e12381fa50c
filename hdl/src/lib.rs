//! The gateware of the one-shot RNIC: one block a file, one folder a stage, `top.rs` wires them in path order.

pub(crate) mod block_new;
pub mod block_ram;
pub mod command;
pub mod completion;
pub mod host;
pub mod interfaces;
pub mod llp;
pub mod rx;
pub mod stream;
pub mod top;
pub mod tpt;
pub mod tx;
