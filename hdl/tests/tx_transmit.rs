//! The transmit composite at the sizes of `Small`.

mod tx_bench;
mod tx_directed;

use rnic_abi::config::{Config, SMALL};
use rnic_hdl::tx::transmit::SmallTransmit;

type Transmit = SmallTransmit;
const CONFIG: Config = SMALL;
/// How often what is slow to simulate is repeated.
const ROUNDS: usize = 3;
