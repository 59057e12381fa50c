//! The transmit composite at the sizes of `Full`.

mod tx_bench;
mod tx_directed;

use rnic_abi::config::{Config, FULL};
use rnic_hdl::tx::transmit::FullTransmit;

type Transmit = FullTransmit;
const CONFIG: Config = FULL;
/// How often what is slow to simulate is repeated.
const ROUNDS: usize = 1;
