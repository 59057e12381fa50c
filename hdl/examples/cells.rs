//! Prints how many iCE40 cells each block takes on its own: `cargo run --example cells`.
//!
//! A composite counts all that is in it, so the rows do not add up to the board.

use std::error::Error;

use rnic_hdl::completion::complete::Complete;
use rnic_hdl::completion::cq_table::CqTable;
use rnic_hdl::completion::flush::Flush;
use rnic_hdl::completion::status_line::StatusLine;
use rnic_hdl::completion::Completion;
use rnic_hdl::llp::loopback::Loopback;
use rnic_hdl::stream::StreamBuffer;
use rnic_verilate::{cells, verilog};
use rust_hdl::prelude::Block;

fn main() -> Result<(), Box<dyn Error>> {
    row("stream", StreamBuffer::default())?;
    row("llp/loopback", Loopback::default())?;
    row("completion/cq_table", CqTable::<3, 6>::new())?;
    row("completion/complete", Complete::<3>::new())?;
    row("completion/flush", Flush::<2>::new())?;
    row("completion/status_line", StatusLine::default())?;
    row("completion", Completion::<3, 2, 6>::default())?;
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
