//! Logic cells and block RAMs of each block of the host attachment, as yosys counts them for the iCE40 HX8K.

use std::process::Command;

use rnic_hdl::host::realign::Realign;
use rnic_verilate::verilog;
use rust_hdl::prelude::*;

/// Synthesizes `block` alone and gives {LUTs, flip-flops, carries, block RAMs}.
fn cells(name: &str, mut block: impl Block) -> [u32; 4] {
    block.connect_all();
    let path = std::env::temp_dir().join(format!("{name}_{}.v", std::process::id()));
    std::fs::write(&path, verilog(name, &block).unwrap()).unwrap();
    let script = format!(
        "read_verilog {}; synth_ice40 -device hx -dff -top {name}; stat",
        path.display()
    );
    let output = Command::new("yosys").args(["-p", &script]).output();
    let output = output.expect("yosys runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    let report = &text[text.rfind("Number of cells").unwrap()..];
    let count = |prefix: &str| {
        report
            .lines()
            .filter_map(|line| line.trim().split_once(' '))
            .filter(|(cell, _)| cell.starts_with(prefix))
            .map(|(_, number)| number.trim().parse::<u32>().unwrap())
            .sum()
    };
    let counts = [
        count("SB_LUT4"),
        count("SB_DFF"),
        count("SB_CARRY"),
        count("SB_RAM"),
    ];
    let [luts, flops, carries, rams] = counts;
    println!("{name:24} {luts:5} LUTs {flops:5} flip-flops {carries:4} carries {rams:2} RAMs");
    counts
}

#[test]
fn cells_by_block() {
    assert!(cells("realign", Realign::default())[0] < 260);
}
