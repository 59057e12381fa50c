//! How large a block is on the smallest board's chip, an iCE40.
//!
//! The count is yosys's, of the block alone and flattened, with `synth_ice40 -abc9 -dff`. It is
//! not placed: nothing is known of its speed, and what a neighbour could share is counted here.

use std::fmt;
use std::fs;
use std::iter::Sum;
use std::process::Command;

use serde_json::Value;

use crate::cache;
use crate::tools::{run, yosys_version, ToolError};

/// What a block is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CellReport {
    /// Look-up tables of four inputs.
    pub luts: u64,
    /// Flip-flops.
    pub flip_flops: u64,
    /// Carry cells; each shares a logic cell with the table of its bit.
    pub carries: u64,
    /// Block RAMs of 4 kbit.
    pub block_rams: u64,
}

impl CellReport {
    /// The fewest logic cells that can hold it. A cell has one table and one flip-flop, which
    /// share it only where the table feeds the flip-flop; so a placed design has more, and never
    /// more than tables and flip-flops together.
    pub fn logic_cells(&self) -> u64 {
        self.luts.max(self.flip_flops)
    }
}

impl Sum for CellReport {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            luts: sum.luts + part.luts,
            flip_flops: sum.flip_flops + part.flip_flops,
            carries: sum.carries + part.carries,
            block_rams: sum.block_rams + part.block_rams,
        })
    }
}

impl fmt::Display for CellReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            luts,
            flip_flops,
            carries,
            block_rams,
        } = self;
        let cells = self.logic_cells();
        write!(
            f,
            "{cells:5} cells ({luts:5} LUTs, {flip_flops:5} flip-flops, {carries:4} carries), \
             {block_rams:2} block RAMs"
        )
    }
}

/// Synthesizes the module `top` of `verilog` for iCE40 HX and counts. Remembered in the cache.
pub fn cells(top: &str, verilog: &str) -> Result<CellReport, ToolError> {
    let script = format!(
        "read_verilog top.v; synth_ice40 -top {top} -device hx -abc9 -dff; \
         tee -q -o cells.json stat -json"
    );
    let name = cache::key(&[yosys_version()?, &script, verilog]);
    let name = format!("cells-{name}");
    let directory = cache::get_or_build(&cache::default_root(), &name, |work| {
        let source = work.join("top.v");
        fs::write(&source, verilog).map_err(ToolError::file(&source))?;
        let mut yosys = Command::new("yosys");
        run(yosys.current_dir(work).args(["-q", "-p", &script]), top)?;
        Ok(())
    })?;
    let path = directory.join("cells.json");
    let text = fs::read_to_string(&path).map_err(ToolError::file(&path))?;
    let statistics: Value = serde_json::from_str(&text)
        .map_err(std::io::Error::from)
        .map_err(ToolError::file(&path))?;
    Ok(count(&statistics["design"]["num_cells_by_type"]))
}

fn count(cells: &Value) -> CellReport {
    let mut report = CellReport::default();
    for (kind, number) in cells.as_object().into_iter().flatten() {
        let number = number.as_u64().unwrap_or(0);
        match kind.as_str() {
            "SB_LUT4" => report.luts += number,
            "SB_CARRY" => report.carries += number,
            flip_flop if flip_flop.starts_with("SB_DFF") => report.flip_flops += number,
            ram if ram.starts_with("SB_RAM40") => report.block_rams += number,
            _ => {}
        }
    }
    report
}
