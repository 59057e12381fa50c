//! The table at the sizes of `Small`.

mod tpt_bench;
mod tpt_scenes;

use rnic_abi::config::{Config, SMALL};

type Tpt = rnic_hdl::tpt::Tpt<6, 7, 2>;
const CONFIG: Config = SMALL;
/// Of each random test.
const RANDOM_CYCLES: usize = 30_000;
