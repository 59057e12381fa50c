//! The table at the sizes of `Full`.

mod tpt_bench;
mod tpt_scenes;

use rnic_abi::config::{Config, FULL};

type Tpt = rnic_hdl::tpt::Tpt<8, 10, 4>;
const CONFIG: Config = FULL;
/// Of each random test.
const RANDOM_CYCLES: usize = 30_000;
