//! What is loaded into a board: a top of `rnic-hdl` with its build stamp, as Verilog.
//!
//! ```text
//! top with stamp 0 -> Verilog -> SHA-256 -> top with stamp -> Verilog (what is simulated and what is synthesized)
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

fn image<B: Block>(name: &'static str, top: impl Fn(u64) -> B) -> Result<Image, ImageError> {
    let generate = |stamp| {
        let mut top = top(stamp);
        top.connect_all();
        match verilog("top", &top) {
            Ok(text) => Ok((text, ports(&top))),
            Err(error) => Err(ImageError {
                name,
                reason: format!("{error:?}"),
            }),
        }
    };
    let (unstamped, _) = generate(0)?;
    let digest = Sha256::digest(unstamped);
    let build_hash = digest
        .iter()
        .take(8)
        .rev()
        .fold(0, |hash, &byte| hash << 8 | u64::from(byte));
    let (verilog, ports) = generate(build_hash)?;
    Ok(Image {
        name,
        verilog,
        ports,
        build_hash,
    })
}
