//! The Verilated one-shot RNIC and everything around it.
//!
//! ```text
//!   main, vfio_user_server ---+                        +--- model (Verilated gateware)
//!   in_process (Sim) ---------+--> simulation --> board+--- dma, host_memory
//!                                    |    |            +--- bus_monitor, command_watch
//!                                  wire   trace, pcap, timeline
//! ```
//! The device is always the Verilated gateware; nothing in here imitates it.

pub mod board;
pub mod bus_monitor;
pub mod command_watch;
pub mod datagram;
pub mod dma;
pub mod host_memory;
pub mod in_process;
pub mod model;
pub mod pcap;
pub mod pci_config;
mod peer;
pub mod simulation;
mod tcp_segment;
pub mod timeline;
pub mod trace;
pub mod vfio_user_server;
pub mod wire;

pub use board::{Board, Frame};
pub use bus_monitor::{BusCounts, BusEvent, BusMonitor};
pub use datagram::Datagram;
pub use dma::Timing;
pub use host_memory::{Backing, HostMemory, MapError, Rights};
pub use in_process::{Clock, Sim, SimBoard};
pub use model::{Gateware, Model};
pub use simulation::{Setup, Simulation};
pub use vfio_user_server::VfioUserServer;
pub use wire::{Editor, Impairments, Link, Wire};
