//! A block alone, with any input: Rust and Verilog give the same outputs, and the input is worth the name.

use std::ops::RangeInclusive;

use rnic_verilate::Draw::{Below, Odds};
use rnic_verilate::{Before, Draw, Dut, Stimulus};
use rust_hdl::prelude::*;

/// Random cycles of each block: the least, and how many it gets to reach everything.
pub const CYCLES: RangeInclusive<u64> = 5_000..=60_000;

/// Mostly there is something to do, and rarely a fault. A configuration has at most 16 VIs: masks of them have 16 bits.
pub const DRAWS: &[(&str, Draw)] = &[
    ("reset", Odds(0.002)),
    ("valid", Odds(0.7)),
    ("ready", Odds(0.6)),
    ("last", Odds(0.2)),
    ("error", Odds(0.05)),
    ("clear", Odds(0.02)),
    ("vi", Below(16)),
];

/// Fuzzes the block. Every output must move, every handshake come about and every state be entered, but for those that
/// `never` names, as `Reach` prints them.
pub fn fuzz<B: Block>(
    mut dut: Dut<B>,
    never: &[&str],
    stimulate: impl FnMut(&mut B, &mut Stimulus, &Before),
) {
    let reach = dut.fuzz_all(CYCLES, 1, DRAWS, never, stimulate);
    println!("{reach}");
    let missed: Vec<_> = reach.missed(never).collect();
    assert!(missed.is_empty(), "not reached: {missed:?}");
}

/// `name = block, small block, never ["output", ..], with |b, random, before| ..;` is a test that fuzzes a block, where it has sizes
/// also at those of `Small`; `with` gives the inputs that need more sense. All but the block may be missing.
macro_rules! alone {
    ($($name:ident = $block:expr $(, small $small:expr)? $(, never $never:tt)? $(, with $stimulate:expr)?;)*) => { $(
        #[test]
        fn $name() {
            let never: &[&str] = &alone::or!($($never)?, []);
            // Each size has its own.
            macro_rules! stimulate {
                () => { alone::or!($($stimulate)?, |_, _, _| {}) };
            }
            $(
                let name = concat!(stringify!($name), "_small");
                let dut = rnic_verilate::Dut::new(name, $small, |b| &mut b.clock).unwrap();
                alone::fuzz(dut, never, stimulate!());
            )?
            let dut = rnic_verilate::Dut::new(stringify!($name), $block, |b| &mut b.clock).unwrap();
            alone::fuzz(dut, never, stimulate!());
        }
    )* };
}
pub(crate) use alone;

/// As `alone`, of blocks without a clock.
#[allow(unused_macros)]
macro_rules! alone_unclocked {
    ($($name:ident = $block:expr $(, with $stimulate:expr)?;)*) => { $(
        #[test]
        fn $name() {
            let dut = rnic_verilate::Dut::unclocked(stringify!($name), $block).unwrap();
            alone::fuzz(dut, &[], alone::or!($($stimulate)?, |_, _, _| {}));
        }
    )* };
}
#[allow(unused_imports)]
pub(crate) use alone_unclocked;

/// The first, or the second where there is no first.
macro_rules! or {
    (, $default:expr) => {
        $default
    };
    ($given:expr, $default:expr) => {
        $given
    };
}
pub(crate) use or;
