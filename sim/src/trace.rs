//! The steps of every board, with their cycle: a hash of all of them, the first ones kept, all of them in a file if wanted.
//!
//! ```text
//! {"cycle":2207,"board":0,"step":"command_post","vi":0}        one line an event
//! ```
//! The hash is SHA-256 over 11 bytes an event: cycle (8, little-endian), board, step number, VI. Two runs with the same
//! gateware, seed and stimulus have the same hash.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use rnic_abi::step::Step;
use sha2::{Digest, Sha256};

/// Events kept for the timeline, some 10 MB.
const KEPT: usize = 1 << 19;

/// A step fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepEvent {
    /// When.
    pub cycle: u64,
    /// On which board.
    pub board: u8,
    /// Which.
    pub step: Step,
    /// For which VI.
    pub vi: u8,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Trace {
    hash: Sha256,
    count: u64,
    kept: Vec<StepEvent>,
    file: Option<BufWriter<File>>,
    error: Option<io::Error>,
}

impl Trace {
    /// Writes every event from here on to a file of JSON lines.
    pub fn write_to(&mut self, path: &Path) -> io::Result<()> {
        self.file = Some(BufWriter::new(File::create(path)?));
        Ok(())
    }

    /// Takes an event.
    pub fn record(&mut self, event: StepEvent) {
        self.hash.update(event.cycle.to_le_bytes());
        self.hash.update([event.board, event.step as u8, event.vi]);
        self.count += 1;
        if self.kept.len() < KEPT {
            self.kept.push(event);
        }
        if let Some(file) = &mut self.file {
            let line = writeln!(
                file,
                "{{\"cycle\":{},\"board\":{},\"step\":\"{}\",\"vi\":{}}}",
                event.cycle,
                event.board,
                event.step.name(),
                event.vi
            );
            if let Err(error) = line {
                self.error.get_or_insert(error);
                self.file = None;
            }
        }
    }

    /// Number of events so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The hash of all events so far, in hexadecimal.
    pub fn hash(&self) -> String {
        let digest = self.hash.clone().finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The first events, in order; all of them in any but a long run.
    pub fn events(&self) -> &[StepEvent] {
        &self.kept
    }

    /// Brings the file up to date; reports the first error met on the way.
    pub fn flush(&mut self) -> io::Result<()> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        self.file.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}
