//! Running the external tools: every failure names the tool, what it worked on, and what it said.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use thiserror::Error;

/// Gives errors a `Debug` that is their `Display`: benches unwrap them, and what a tool printed is
/// not readable with escapes.
macro_rules! debug_as_display {
    ($($error:ty),+) => {$(
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    )+};
}
pub(crate) use debug_as_display;

/// An external tool or a file that it needs did not do its part.
#[derive(Error)]
pub enum ToolError {
    /// The program is not installed.
    #[error("{tool} is not installed (`cargo xtask doctor` shows what is missing): {source}")]
    Missing {
        /// The program.
        tool: String,
        /// What starting it said.
        source: io::Error,
    },
    /// The program ran and refused.
    #[error("{tool} failed on {subject}:\n{output}")]
    Failed {
        /// The program.
        tool: String,
        /// What it worked on, usually the name of a block.
        subject: String,
        /// What it printed.
        output: String,
    },
    /// A file of the cache could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

debug_as_display!(ToolError);

impl ToolError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::File {
            path: path.to_path_buf(),
            source,
        }
    }
}

/// Runs `command` to its end and wants success.
pub(crate) fn run(command: &mut Command, subject: &str) -> Result<Output, ToolError> {
    let tool = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|source| ToolError::Missing {
        tool: tool.clone(),
        source,
    })?;
    if output.status.success() {
        return Ok(output);
    }
    Err(ToolError::Failed {
        tool,
        subject: subject.to_string(),
        output: printed(&output),
    })
}

/// Everything a tool printed, its diagnostics last.
pub(crate) fn printed(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text += &String::from_utf8_lossy(&output.stderr);
    text
}

/// What `verilator --version` prints.
pub(crate) fn verilator_version() -> Result<&'static str, ToolError> {
    static ANSWER: OnceLock<String> = OnceLock::new();
    ask_once(&ANSWER, "verilator", &["--version"])
}

/// What `yosys -V` prints.
pub(crate) fn yosys_version() -> Result<&'static str, ToolError> {
    static ANSWER: OnceLock<String> = OnceLock::new();
    ask_once(&ANSWER, "yosys", &["-V"])
}

/// Runs a tool for what it prints; asked once in a process.
pub(crate) fn ask_once(
    answer: &'static OnceLock<String>,
    tool: &str,
    question: &[&str],
) -> Result<&'static str, ToolError> {
    if let Some(answer) = answer.get() {
        return Ok(answer);
    }
    let output = run(Command::new(tool).args(question), "a question")?;
    Ok(answer.get_or_init(|| printed(&output).trim().to_string()))
}
