//! Running the external tools: every failure names the tool, what it worked on, and what it said.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use thiserror::Error;

/// An external tool or a file that it needs did not do its part.
#[derive(Debug, Error)]
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
