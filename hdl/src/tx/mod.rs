//! Transmit: from work-queue entries to link frames.
//!
//! ```text
//!   send queues --> descriptor_fetch --> scheduler --> ddp_insert --> mpa_frame --> llp_send --> wire
//!                        |                   |            |  ^           ^
//!                    segment RAM         read_queue    context RAM   payload_read <-- TPT, DMA, slot RAM
//!                                        terminate        |
//!                                        ack_timer     reliable --> retire --> completion records
//! ```

pub mod ack_timer;
pub mod context;
pub mod ddp_insert;
pub mod descriptor_fetch;
pub mod fault;
pub mod header_fields;
pub mod mpa_frame;
pub mod payload_fifo;
pub mod payload_read;
pub mod queue_share;
pub mod read_queue;
pub mod reads_outstanding;
pub mod retire;
pub mod scheduler;
pub mod slot_share;
pub mod source_use;
pub mod terminate;
pub mod transmit;
pub mod vi_count;
