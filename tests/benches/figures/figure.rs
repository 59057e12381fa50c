//! Figures, beside their budgets, as a table or as JSON lines.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::ExitCode;

use anyhow::{anyhow, Result};
use rnic_sim::model::Gateware;
use serde_json::json;

/// Which side of its budget a figure should be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Not above.
    Max,
    /// Not below.
    Min,
}

/// One figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is; unique with the configuration.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
    /// What was to be reached.
    pub budget: Option<f64>,
    /// From which side.
    pub limit: Limit,
}

impl Figure {
    /// A figure without a budget.
    pub fn plain(name: impl Into<String>, value: f64, unit: &'static str, limit: Limit) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
            budget: None,
            limit,
        }
    }

    /// Cycles, that should not be more than `budget`.
    pub fn cycles(name: impl Into<String>, value: f64, budget: f64) -> Self {
        Self {
            budget: Some(budget),
            ..Self::plain(name, value, "cycles", Limit::Max)
        }
    }

    fn verdict(&self) -> &'static str {
        let Some(budget) = self.budget else {
            return "";
        };
        let met = match self.limit {
            Limit::Max => self.value <= budget,
            Limit::Min => self.value >= budget,
        };
        if met {
            "met"
        } else {
            "MISSED"
        }
    }
}

/// Everything so far; prints as it grows.
#[derive(Debug, Default)]
pub struct Report {
    /// JSON lines instead of a table.
    pub json: bool,
    config: &'static str,
    missed: usize,
    failed: usize,
}

impl Report {
    /// Measures a group; if it fails, the others still come.
    pub fn group(
        &mut self,
        title: &str,
        gateware: Gateware,
        measure: impl FnOnce(&mut Self, Gateware) -> Result<()>,
    ) {
        self.config = gateware.config().name;
        if !self.json {
            println!("\n{title}, {}", self.config);
        }
        if let Err(error) = caught(|| measure(self, gateware)) {
            self.fail(title, &error);
        }
    }

    /// Measures one figure of a group; if it fails, the group goes on.
    pub fn attempt(&mut self, name: &str, measure: impl FnOnce() -> Result<Figure>) {
        match caught(measure) {
            Ok(figure) => self.add(figure),
            Err(error) => self.fail(name, &error),
        }
    }

    fn fail(&mut self, what: &str, error: &anyhow::Error) {
        eprintln!("{what}, {}: FAILED: {error:#}", self.config);
        self.failed += 1;
    }

    /// Shows a figure.
    pub fn add(&mut self, figure: Figure) {
        let verdict = figure.verdict();
        self.missed += usize::from(verdict == "MISSED");
        let Figure {
            name,
            value,
            unit,
            budget,
            limit,
        } = figure;
        let limit = match limit {
            Limit::Max => "max",
            Limit::Min => "min",
        };
        if self.json {
            let config = self.config;
            let line = json!({ "name": name, "config": config, "value": value, "unit": unit, "budget": budget, "limit": limit });
            println!("{line}");
            return;
        }
        let budget = budget.map_or(String::new(), |budget| format!("{limit} {}", short(budget)));
        println!(
            "  {name:<74} {:>9} {unit:<16} {budget:<10} {verdict}",
            short(value)
        );
    }

    /// A sentence beside the figures.
    pub fn note(&self, text: &str) {
        if !self.json {
            println!("  {text}");
        }
    }

    /// The last line, and how the process ends: missed budgets fail nothing.
    pub fn finish(self) -> ExitCode {
        if !self.json {
            println!(
                "\n{} budgets missed, {} measurements failed",
                self.missed, self.failed
            );
        }
        if self.failed > 0 {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// A measurement's outcome; the rig panics where a test would.
fn caught<T>(measure: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(measure)).unwrap_or_else(|_| Err(anyhow!("it panicked")))
}

/// A number with no more digits than it deserves.
fn short(value: f64) -> String {
    match value.abs() {
        _ if value == value.trunc() => format!("{value:.0}"),
        0.0..10.0 => format!("{value:.3}"),
        10.0..1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
