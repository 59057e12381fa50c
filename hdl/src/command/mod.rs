//! From the ring and the doorbells to the work queues.

pub mod command_post;
pub mod doorbell;
pub mod queue_pointers;
pub mod work_queue;
