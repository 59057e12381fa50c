//! How fast the clock loop runs: `cargo run --release -p rnic-sim --example clock_loop [small|full]`.
//!
//! Idle boards that are clocked all the same, one and two of them; nothing is traced or captured. (A clock thread would let
//! idle boards sleep; how fast busy ones run depends on the traffic and is measured by the benches of `rnic-tests`.)

use std::time::Instant;

use rnic_sim::{Gateware, Setup, Simulation};

const CYCLES: u64 = 3_000_000;

fn main() {
    let name = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "full".to_string());
    let Some(gateware) = Gateware::from_name(&name) else {
        eprintln!("no gateware {name}");
        return;
    };
    for setup in [Setup::looped(gateware), Setup::pair(gateware)] {
        let boards = setup.boards.len();
        let mut simulation = Simulation::new(setup);
        simulation.run(10_000);
        let start = Instant::now();
        simulation.run(CYCLES);
        let rate = CYCLES as f64 / start.elapsed().as_secs_f64();
        println!(
            "{name}, {boards} board(s): {:.2} million cycles a second",
            rate / 1e6
        );
    }
}
