//! What the machine must have besides Rust, and how to see whether it has it.
//!
//! Tools are looked for by what we need of them, not by package name, so that one built by hand
//! counts.

use std::path::Path;

use crate::process::{answer, cargo, command};

/// Something that a Debian package brings.
#[derive(Debug)]
pub struct Package {
    /// Its name in Debian and Ubuntu.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// How to find it.
    pub probe: Probe,
}

/// How to find a package's content.
#[derive(Debug)]
pub enum Probe {
    /// A program that answers this.
    Program(&'static str, &'static [&'static str]),
    /// A file.
    File(&'static str),
}

/// All packages, in the order in which they are shown.
pub const PACKAGES: &[Package] = &[
    Package {
        name: "verilator",
        purpose: "simulates the gateware",
        probe: Probe::Program("verilator", &["--version"]),
    },
    Package {
        name: "yosys",
        purpose: "checks the gateware and counts its cells",
        probe: Probe::Program("yosys", &["-V"]),
    },
    Package {
        name: "g++",
        purpose: "compiles the simulation",
        probe: Probe::Program("g++", &["--version"]),
    },
    Package {
        name: "make",
        purpose: "builds the C examples",
        probe: Probe::Program("make", &["--version"]),
    },
    Package {
        name: "zlib1g-dev",
        purpose: "compresses waveforms",
        probe: Probe::File("/usr/include/zlib.h"),
    },
    Package {
        name: "tshark",
        purpose: "reads the captured frames, as a second opinion",
        probe: Probe::Program("tshark", &["--version"]),
    },
];

impl Package {
    /// What is found of it: the first line of what its program says, or its file.
    pub fn found(&self) -> Option<String> {
        match self.probe {
            Probe::Program(program, question) => {
                let text = answer(command(program).args(question))?;
                Some(text.lines().next().unwrap_or_default().to_string())
            }
            Probe::File(path) => Path::new(path).exists().then(|| path.to_string()),
        }
    }
}

/// Parts of the Rust toolchain that a minimal installation lacks: the component, and the cargo
/// subcommand that it brings.
pub const COMPONENTS: &[(&str, &str)] = &[("rustfmt", "fmt"), ("clippy", "clippy")];

/// What a component says its version is, if it is there.
pub fn component(subcommand: &str) -> Option<String> {
    answer(cargo().args([subcommand, "--version"]))
}
