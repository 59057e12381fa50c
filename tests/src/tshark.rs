//! tshark, a decoder that shares nothing with this project. Without it every call here fails: no test passes unseen.

use std::path::Path;
use std::process::Command;

/// What it prints of a capture.
pub fn text(file: &Path, arguments: &[&str]) -> String {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(file)
        .args(["-o", "ip.check_checksum:TRUE"])
        .args(["-o", "tcp.check_checksum:TRUE"])
        // They would take our messages for theirs.
        .args(["--disable-protocol", "smb_direct"])
        .args(["--disable-protocol", "rpcordma"])
        .args(arguments)
        .output();
    let output =
        output.unwrap_or_else(|error| panic!("tshark: {error} (`cargo xtask test` installs it)"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tshark: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The fields of every packet that passes the filter; a field that a packet lacks is empty.
pub fn rows(file: &Path, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
    let mut arguments = vec!["-Y", filter, "-T", "fields"];
    arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
    let row = |line: &str| line.split('\t').map(str::to_string).collect();
    text(file, &arguments).lines().map(row).collect()
}

/// A number, or a yes or no, as it is shown.
pub fn number(text: &str) -> u64 {
    match (text, text.strip_prefix("0x")) {
        ("True", _) => Ok(1),
        ("False", _) => Ok(0),
        (_, Some(digits)) => u64::from_str_radix(digits, 16),
        _ => text.parse(),
    }
    .unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// Bytes, shown in hexadecimal with or without colons.
pub fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|&letter| letter != ':')
        .map(|letter| {
            let digit = letter.to_digit(16);
            digit.unwrap_or_else(|| panic!("{text:?} is not hexadecimal"))
        })
        .collect();
    assert_eq!(digits.len() % 2, 0, "{text:?} has half a byte");
    let byte = |two: &[u32]| (two[0] << 4 | two[1]) as u8;
    digits.chunks(2).map(byte).collect()
}
