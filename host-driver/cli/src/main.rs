//! `rnic`: look at a board, and move data with it. One file a command; a board is named by its URL.

mod copy;
mod endpoint;
mod figures;
mod info;
mod interactions;
mod protocol;
mod requester;
mod responder;
mod stats;
mod trace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The one-shot RNIC's command line.
///
/// A board is named by a URL: vfio-user:PATH, pci:0000:01:00.0 or sim: (only inside a simulator's process).
#[derive(Parser)]
#[command(name = "rnic", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show what a board is.
    Info(info::Arguments),
    /// Show a board's counters and pending events.
    Stats(stats::Arguments),
    /// Show a board's trace RAM.
    Trace(trace::Arguments),
    /// Copy a file through two boards by one-shot operations in both directions of transfer.
    Copy(copy::Arguments),
    /// The other end of `copy` and `interactions`, in its own process.
    CopyResponder(responder::Arguments),
    /// Compare one-shots with classic and fast registration on the same gateware.
    Interactions(interactions::Arguments),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rnic: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes in one line; a cause that was told already is left out.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text += ": ";
            text += &cause;
        }
    }
    text
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Info(arguments) => info::run(&arguments),
        Command::Stats(arguments) => stats::run(&arguments),
        Command::Trace(arguments) => trace::run(&arguments),
        Command::Copy(arguments) => copy::run(&arguments),
        Command::CopyResponder(arguments) => responder::run(&arguments),
        Command::Interactions(arguments) => interactions::run(&arguments),
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
