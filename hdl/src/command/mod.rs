//! From the ring to the work queues.

pub mod command_post;
