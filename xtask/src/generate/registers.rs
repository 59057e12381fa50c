//! The register reference, a table for people.

use std::fmt::Write as _;

use rnic_abi::registers::{Access, Register, REGISTERS};

/// `abi/REGISTERS.md`.
pub fn reference() -> String {
    let mut text = String::from(
        "# Registers\n\n\
         Generated from `abi/src/registers.rs` by `cargo xtask gen`: edit that.\n\n\
         Offsets are in bytes, hexadecimal. An array shows its first element, and how many there \
         are how far apart.\n",
    );
    for bar in 0..=5 {
        let registers = REGISTERS.iter().filter(|register| register.bar == bar);
        let mut registers = registers.peekable();
        if registers.peek().is_none() {
            continue;
        }
        let _ = write!(
            text,
            "\n## BAR{bar}\n\n| offset | bytes | name | access | reset | holds |\n\
             |---|---|---|---|---|---|\n"
        );
        for register in registers {
            row(&mut text, register);
        }
    }
    text
}

fn row(text: &mut String, register: &Register) {
    let Register {
        name,
        offset,
        bytes,
        count,
        stride,
        reset,
        doc,
        ..
    } = register;
    let array = match count {
        1 => String::new(),
        _ => format!(" ({count} x {stride})"),
    };
    let access = match register.access {
        Access::ReadOnly => "read",
        Access::ReadWrite => "read, write",
        Access::WriteOneToClear => "write one to clear",
        Access::WriteOnly => "write",
    };
    let doc = doc.replace('|', "\\|");
    let _ = writeln!(
        text,
        "| {offset:04x} | {bytes}{array} | `{name}` | {access} | {reset:x} | {doc} |"
    );
}
