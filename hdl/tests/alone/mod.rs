//! A block alone, with any input: Rust and Verilog give the same outputs, and the input is worth the name.

use rnic_verilate::Draw::{Below, Odds};
use rnic_verilate::{Draw, Dut, Stimulus};
use rust_hdl::prelude::*;

/// Random cycles of each block.
const CYCLES: u64 = 6_000;

/// Mostly there is something to do, and rarely a fault. A configuration has at most 16 VIs: masks of them have 16 bits.
const DRAWS: &[(&str, Draw)] = &[
    ("reset", Odds(0.002)),
    ("valid", Odds(0.7)),
    ("ready", Odds(0.6)),
    ("last", Odds(0.2)),
    ("error", Odds(0.05)),
    ("clear", Odds(0.02)),
    ("vi", Below(16)),
];

/// Fuzzes the block. Every output bit must move, every handshake come about and every state be entered, but for those that
/// `never` names, as `Reach` prints them, and the bits of a VI's number beyond 16. A `small` block uses only part of the bits.
pub fn fuzz<B: Block>(
    mut dut: Dut<B>,
    small: bool,
    never: &[&str],
    stimulate: impl FnMut(&mut B, &mut Stimulus),
) {
    let reach = dut.fuzz_all(CYCLES, 1, DRAWS, stimulate);
    println!("{reach}");
    let missed: Vec<_> = reach
        .missed()
        .filter(|name| !name.ends_with("vi[7:4]") && !(small && name.ends_with(']')))
        .filter(|name| !never.contains(&name.as_str()))
        .collect();
    assert!(missed.is_empty(), "not reached: {missed:?}");
}

/// `name = block; never ["output", ..]; |b, random| sets inputs;` is a test that fuzzes a block, with `small block` after it also
/// at the sizes of `Small`. `unclocked name = ..` is of a block without a clock.
macro_rules! alone {
    () => {};
    (unclocked $name:ident = $block:expr; never $never:expr; $stimulate:expr; $($more:tt)*) => {
        #[test]
        fn $name() {
            let dut = rnic_verilate::Dut::unclocked(stringify!($name), $block).unwrap();
            alone::fuzz(dut, false, &$never, $stimulate);
        }
        alone! { $($more)* }
    };
    ($name:ident = $block:expr $(, small $small:expr)?; never $never:expr; $stimulate:expr; $($more:tt)*) => {
        #[test]
        fn $name() {
            $(
                let name = concat!(stringify!($name), "_small");
                let dut = rnic_verilate::Dut::new(name, $small, |b| &mut b.clock).unwrap();
                alone::fuzz(dut, true, &$never, $stimulate);
            )?
            let dut = rnic_verilate::Dut::new(stringify!($name), $block, |b| &mut b.clock).unwrap();
            alone::fuzz(dut, false, &$never, $stimulate);
        }
        alone! { $($more)* }
    };
}
pub(crate) use alone;
