//! Figures of a stretch of work: from the simulator's bus monitor where there is one, else from the board's counters and the
//! driver's own count of register accesses; both where both exist, so that they can be compared.

use crate::requester::Measured;
use anyhow::Context;
use rnic_abi::step::{Counter, Step};
use serde_json::{json, Value};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// NOP commands between the readings of the counters.
const MARKS: u64 = 2;
/// How long the simulator may take to write its statistics after both boards were left.
const STATS_PATIENCE: Duration = Duration::from_secs(20);

/// Totals of a stretch of work on one board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Where they come from.
    pub source: &'static str,
    /// Ring commands and descriptor doorbells.
    pub posts: u64,
    /// Register writes.
    pub mmio_writes: u64,
    /// Register reads.
    pub mmio_reads: u64,
    /// DMA reads.
    pub dma_reads: u64,
    /// DMA reads whose bytes do not leave in a frame.
    pub dma_reads_nonpayload: u64,
    /// DMA write bursts.
    pub dma_writes: u64,
    /// Completion queue entries.
    pub cqes: u64,
    /// Interrupts.
    pub interrupts: u64,
    /// Board cycles.
    pub cycles: u64,
}

impl Figures {
    /// From the board's counters and the driver's count. Every descriptor fetch is taken for one DMA read besides payload; the
    /// marks of start and end are commands of nobody.
    pub fn of_board(measured: &Measured) -> Self {
        let counters = &measured.counters;
        Self {
            source: "board counters, driver's count",
            posts: (counters.step(Step::CommandPost) + counters.step(Step::Doorbell))
                .saturating_sub(MARKS),
            mmio_writes: measured.accesses.writes,
            mmio_reads: measured.accesses.reads,
            dma_reads: counters.get(Counter::DmaReads),
            dma_reads_nonpayload: counters.step(Step::DescriptorFetch),
            dma_writes: counters.get(Counter::DmaWrites),
            cqes: counters.step(Step::Complete),
            interrupts: counters.get(Counter::Interrupts),
            cycles: counters.cycles,
        }
    }

    /// From the bus monitor's statistics: the phase with this label, on whichever board has one.
    pub fn of_monitor(stats: &Value, label: u32) -> Option<Self> {
        let phases = stats["boards"]
            .as_array()?
            .iter()
            .filter_map(|board| board["phases"].as_array())
            .flatten();
        let phase = phases
            .into_iter()
            .find(|phase| phase["label"].as_u64() == Some(label.into()))?;
        let count = |name: &str| phase["counts"][name].as_u64();
        Some(Self {
            source: "bus monitor of the simulator",
            posts: count("commands")? + count("doorbells")?,
            mmio_writes: count("mmio_writes")?,
            mmio_reads: count("mmio_reads")?,
            dma_reads: count("dma_reads")?,
            dma_reads_nonpayload: count("dma_reads_nonpayload")?,
            dma_writes: count("dma_writes")?,
            cqes: count("cqes")?,
            interrupts: count("interrupts")?,
            cycles: phase["cycles"].as_u64()?,
        })
    }

    /// Names and values, as printed.
    fn rows(&self) -> [(&'static str, &'static str, u64); 7] {
        [
            ("mmio_writes", "register writes", self.mmio_writes),
            ("mmio_reads", "register reads", self.mmio_reads),
            ("dma_reads", "DMA reads", self.dma_reads),
            (
                "dma_reads_nonpayload",
                "  besides payload",
                self.dma_reads_nonpayload,
            ),
            ("dma_writes", "DMA writes", self.dma_writes),
            ("cqes", "completions", self.cqes),
            ("interrupts", "interrupts", self.interrupts),
        ]
    }

    /// Everything divided by the number of operations.
    pub fn per_operation(&self, operations: u64) -> Value {
        let mut object = json!({});
        for (name, _, value) in self.rows() {
            object[name] = json!(ratio(value, operations));
        }
        object
    }

    /// A table of the same.
    pub fn print(&self, out: &mut impl Write, operations: u64) -> io::Result<()> {
        writeln!(out, "per operation, from the {}:", self.source)?;
        for (_, text, value) in self.rows() {
            writeln!(out, "{:>14.3} {text}", ratio(value, operations))?;
        }
        Ok(())
    }
}

/// A quotient; 0 of nothing.
pub fn ratio(value: u64, operations: u64) -> f64 {
    if operations == 0 {
        return 0.0;
    }
    value as f64 / operations as f64
}

/// Removes what an earlier run left, so that [`load`] waits for this run's file.
pub fn forget(path: &Path) {
    // If it is not there, all the better; if it cannot be removed, reading it will say why.
    let _ = std::fs::remove_file(path);
}

/// Waits for the simulator's statistics and reads them.
pub fn load(path: &Path) -> anyhow::Result<Value> {
    let end = Instant::now() + STATS_PATIENCE;
    loop {
        let read = std::fs::read_to_string(path).map_err(anyhow::Error::from);
        // A file that is only half written is no JSON yet.
        match read.and_then(|text| serde_json::from_str(&text).map_err(anyhow::Error::from)) {
            Ok(stats) => return Ok(stats),
            Err(error) if Instant::now() >= end => {
                return Err(error)
                    .with_context(|| format!("the simulator's statistics in {}", path.display()));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phase_is_found_on_whichever_board_has_it() {
        let counts = json!({"commands": 4, "doorbells": 1, "mmio_writes": 30, "mmio_reads": 0, "dma_reads": 9,
            "dma_reads_nonpayload": 2, "dma_writes": 8, "cqes": 4, "interrupts": 0});
        let stats = json!({"boards": [{"phases": []}, {"phases": [{"label": 3, "cycles": 1000, "counts": counts}]}]});
        let figures = Figures::of_monitor(&stats, 3).unwrap();
        assert_eq!(
            (figures.posts, figures.cycles, figures.dma_reads_nonpayload),
            (5, 1000, 2)
        );
        assert_eq!(figures.per_operation(4)["mmio_writes"], json!(7.5));
        assert_eq!(Figures::of_monitor(&stats, 4), None);
        assert_eq!(ratio(1, 0), 0.0);
    }
}
