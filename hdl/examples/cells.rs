//! Prints how many iCE40 cells each block takes on its own: `cargo run --example cells`.
//!
//! A composite counts all that is in it, so the rows do not add up to the board.

use std::error::Error;

use rnic_hdl::llp::loopback::Loopback;
use rnic_hdl::stream::StreamBuffer;
use rnic_verilate::{cells, verilog};
use rust_hdl::prelude::Block;

fn main() -> Result<(), Box<dyn Error>> {
    row("stream", StreamBuffer::default())?;
    row("llp/loopback", Loopback::default())?;
    Ok(())
}

/// One block: `path` is its file in `src`.
fn row(path: &str, mut block: impl Block) -> Result<(), Box<dyn Error>> {
    block.connect_all();
    let top = path.replace('/', "_");
    let text = verilog(&top, &block).map_err(|error| format!("{path}: {error:?}"))?;
    println!("{path:32} {}", cells(&top, &text)?);
    Ok(())
}
