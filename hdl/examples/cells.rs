//! Prints how many iCE40 cells each block takes on its own: `cargo run --example cells`.
//!
//! A composite counts all that is in it, so the rows do not add up to the board.

use std::error::Error;

use rnic_hdl::completion::complete::Complete;
use rnic_hdl::completion::cq_table::CqTable;
use rnic_hdl::completion::flush::Flush;
use rnic_hdl::completion::status_line::StatusLine;
use rnic_hdl::completion::Completion;
use rnic_hdl::llp::crc32c::Crc32c;
use rnic_hdl::llp::loopback::Loopback;
use rnic_hdl::stream::StreamBuffer;
use rnic_hdl::tpt::free_list::FreeList;
use rnic_hdl::tpt::sge_table::SgeTable;
use rnic_hdl::tpt::sge_walk::SgeWalk;
use rnic_hdl::tpt::tpt_bind::TptBind;
use rnic_hdl::tpt::tpt_check::TptCheck;
use rnic_hdl::tpt::tpt_release::TptRelease;
use rnic_hdl::tpt::tpt_table::TptTable;
use rnic_hdl::tpt::vi_table::ViTable;
use rnic_hdl::tpt::Tpt;
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
    row("llp/crc32c", Crc32c::new())?;
    row("tpt/free_list (Small)", FreeList::<7>::new())?;
    row("tpt/sge_table (Small)", SgeTable::<7>::default())?;
    row("tpt/sge_walk (Small)", SgeWalk::<6, 7>::default())?;
    row("tpt/tpt_bind (Small)", TptBind::<6, 7, 2>::new())?;
    row("tpt/tpt_check (Small)", TptCheck::<6, 2>::new())?;
    row("tpt/tpt_release (Small)", TptRelease::<6, 7, 2>::new())?;
    row("tpt/tpt_table (Small)", TptTable::<6>::default())?;
    row("tpt/vi_table (Small)", ViTable::<2>::new())?;
    row("tpt (Small)", Tpt::<6, 7, 2>::new())?;
    row("tpt (Full)", Tpt::<8, 10, 4>::new())?;
    Ok(())
}

/// One block: `path` is its file in `src`.
fn row(path: &str, mut block: impl Block) -> Result<(), Box<dyn Error>> {
    block.connect_all();
    let name = path.split(' ').next().unwrap_or(path);
    let top = name.replace('/', "_");
    let text = verilog(&top, &block).map_err(|error| format!("{path}: {error:?}"))?;
    println!("{path:32} {}", cells(&top, &text)?);
    Ok(())
}
