//! What is loaded into a board: a top of `rnic-hdl` with its build stamp, as Verilog.
//!
//! ```text
//! top -> Verilog with stamp 0 -> SHA-256 -> Verilog with stamp (what is simulated and what is synthesized)
//! ```
//! The stamp is the BUILD_HASH register: whoever reads it knows which Verilog runs. This crate knows no pins and no tools.

use rnic_hdl::top::{Full, Small};
use rnic_verilate::{ports, verilog, Port};
use rust_hdl::prelude::Block;
use sha2::{Digest, Sha256};

/// A board's Verilog with what a simulator or a synthesis script needs to know of it.
pub struct Image {
    /// Name of the configuration.
    pub name: &'static str,
    /// Verilog text; the top module is called `top`.
    pub verilog: String,
    /// Ports of the top module.
    pub ports: Vec<Port>,
    /// What the BUILD_HASH register shows: the first eight bytes of the SHA-256 of the Verilog with stamp 0.
    pub build_hash: u64,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
#[error("rust-hdl refuses {name}: {reason}")]
pub struct ImageError {
    /// The configuration.
    pub name: &'static str,
    /// rust-hdl's words.
    pub reason: String,
}

/// The board of `rnic_abi::config::SMALL`.
pub fn small() -> Result<Image, ImageError> {
    image("Small", Small::new)
}

/// The board of `rnic_abi::config::FULL`.
pub fn full() -> Result<Image, ImageError> {
    image("Full", Full::new)
}

/// Stands where the stamp will be: two words that nothing else in the Verilog holds.
const PLACEHOLDER: u64 = 0x6B1D_5EED_9C0F_FEE5;

fn image<B: Block>(name: &'static str, top: impl Fn(u64) -> B) -> Result<Image, ImageError> {
    let refuse = |reason| ImageError { name, reason };
    // Translating a board takes most of a minute, so it is done once and the stamp is put into the text.
    let mut top = top(PLACEHOLDER);
    top.connect_all();
    let text = verilog("top", &top).map_err(|error| refuse(format!("{error:?}")))?;
    let unstamped = stamp(&text, 0).map_err(refuse)?;
    let digest = Sha256::digest(unstamped);
    let build_hash = digest
        .iter()
        .take(8)
        .rev()
        .fold(0, |hash, &byte| hash << 8 | u64::from(byte));
    Ok(Image {
        name,
        verilog: stamp(&text, build_hash).map_err(refuse)?,
        ports: ports(&top),
        build_hash,
    })
}

/// The text with `build_hash` in the place of the placeholder.
fn stamp(text: &str, build_hash: u64) -> Result<String, String> {
    let word = |value: u64, high: bool| {
        format!(
            "32'h{:x}",
            if high {
                value >> 32
            } else {
                value & 0xFFFF_FFFF
            }
        )
    };
    let mut stamped = text.to_string();
    for high in [false, true] {
        let placeholder = word(PLACEHOLDER, high);
        let found = stamped.matches(&placeholder).count();
        if found != 1 {
            return Err(format!(
                "the stamp's placeholder {placeholder} occurs {found} times"
            ));
        }
        stamped = stamped.replace(&placeholder, &word(build_hash, high));
    }
    Ok(stamped)
}
