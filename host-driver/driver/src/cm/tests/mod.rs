//! Tests of the connection manager: engines on a net that a schedule spoils, and managers on test boards.

mod boards;
mod endings;
mod models;
mod net;
mod random;
mod spoiled;
