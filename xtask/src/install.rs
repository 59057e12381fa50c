//! Installs what is missing, and says so on standard error. Nothing happens where everything is there.

use std::io;

use anyhow::{bail, Context, Result};

use crate::packages::{component, Package, COMPONENTS, PACKAGES};
use crate::process::{answer, command, line, run};

/// Makes sure that all packages and components are there.
pub fn run_if_needed() -> Result<()> {
    let missing: Vec<_> = PACKAGES.iter().filter(|p| p.found().is_none()).collect();
    if !missing.is_empty() {
        packages(&missing)?;
    }
    for &(name, subcommand) in COMPONENTS {
        if component(subcommand).is_none() {
            eprintln!("Installing {name}, a part of the Rust toolchain.");
            run(command("rustup")
                .args(["component", "add", name])
                .stdout(io::stderr()))?;
        }
    }
    Ok(())
}

fn packages(missing: &[&Package]) -> Result<()> {
    eprintln!("Installing with apt-get:");
    for package in missing {
        eprintln!("  {:12} {}", package.name, package.purpose);
    }
    if answer(command("apt-get").arg("--version")).is_none() {
        let names: Vec<_> = missing.iter().map(|package| package.name).collect();
        let names = names.join(" ");
        bail!("there is no apt-get here; please install yourself what Debian calls: {names}");
    }
    apt_get(&["update", "-q"])?;
    let mut arguments = vec!["install", "-q", "-y", "--no-install-recommends"];
    arguments.extend(missing.iter().map(|package| package.name));
    apt_get(&arguments)?;
    match missing.iter().find(|package| package.found().is_none()) {
        Some(package) => bail!("{} is installed but not found", package.name),
        None => Ok(()),
    }
}

/// Runs apt-get as root, without questions.
fn apt_get(arguments: &[&str]) -> Result<()> {
    let user = answer(command("id").arg("-u")).context("cannot ask `id -u` who we are")?;
    let mut words = Vec::new();
    if user != "0" {
        words.push("sudo");
    }
    words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    words.extend(arguments);
    let mut command = command(words[0]);
    command.args(&words[1..]);
    eprintln!("$ {}", line(&command));
    run(command.stdout(io::stderr()))
}
