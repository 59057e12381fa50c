//! A run of several steps: a heading and a time for each, one line at the end.
//!
//! A failed step does not stop the others: one run shows everything that is wrong.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How many tests a step ran, if it counts tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Passed tests.
    pub passed: u64,
    /// Failed tests.
    pub failed: u64,
}

/// One finished step.
struct Step {
    name: &'static str,
    time: Duration,
    /// A step that counts nothing counts as one test.
    counts: Counts,
}

/// All steps so far.
#[derive(Default)]
pub struct Report {
    steps: Vec<Step>,
}

impl Report {
    /// Runs a step that passes or fails as a whole.
    pub fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) {
        self.counted(name, || {
            work().map(|()| Counts {
                passed: 1,
                failed: 0,
            })
        });
    }

    /// Runs a step that counts its tests; an error is one failure more.
    pub fn counted(&mut self, name: &'static str, work: impl FnOnce() -> Result<Counts>) {
        println!("\n=== {name}");
        let start = Instant::now();
        let outcome = work();
        let time = start.elapsed();
        let counts = match outcome {
            Ok(counts) => {
                match counts.failed {
                    0 => println!("--- {name}: ok in {}", seconds(time)),
                    failed => println!("--- {name}: {failed} FAILED in {}", seconds(time)),
                }
                counts
            }
            Err(error) => {
                println!("--- {name}: FAILED in {}: {error:#}", seconds(time));
                Counts {
                    passed: 0,
                    failed: 1,
                }
            }
        };
        self.steps.push(Step { name, time, counts });
    }

    /// Prints the table and the last line, and says how the process ends.
    pub fn finish(self) -> ExitCode {
        println!("\n=== summary");
        let mut total = Counts::default();
        let mut time = Duration::ZERO;
        for step in &self.steps {
            let Counts { passed, failed } = step.counts;
            let word = if failed == 0 { "ok" } else { "FAILED" };
            println!("{:32} {word:6} {:>8}", step.name, seconds(step.time));
            total.passed += passed;
            total.failed += failed;
            time += step.time;
        }
        let word = if total.failed == 0 { "ok" } else { "FAILED" };
        let Counts { passed, failed } = total;
        let time = seconds(time);
        println!("\ntest result: {word}. {passed} passed, {failed} failed; finished in {time}");
        if total.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
