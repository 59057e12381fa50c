//! The build cache: a directory for each thing built, named by the hash of all that went into it.
//!
//! Several test processes, and several threads of one, may want the same thing at once. A file
//! lock lets one of them build, in a directory beside the final one, and a rename publishes the
//! result whole; so what has its final name is always complete, also after a crash.
//! Nothing is ever evicted: `cargo clean` does that.

use std::env;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::tools::ToolError;

/// The hash of everything in `ingredients`, as a directory name.
pub(crate) fn key(ingredients: &[&str]) -> String {
    let mut hash = Sha256::new();
    for ingredient in ingredients {
        // The length keeps ("ab", "c") apart from ("a", "bc").
        hash.update(ingredient.len().to_le_bytes());
        hash.update(ingredient);
    }
    let digest = hash.finalize();
    digest[..12].iter().map(|b| format!("{b:02x}")).collect()
}

/// Returns the directory `<root>/<name>`, filling it with `build` if nobody has yet.
pub(crate) fn get_or_build(
    root: &Path,
    name: &str,
    build: impl FnOnce(&Path) -> Result<(), ToolError>,
) -> Result<PathBuf, ToolError> {
    let finished = root.join(name);
    if finished.is_dir() {
        return Ok(finished);
    }
    fs::create_dir_all(root).map_err(ToolError::file(root))?;
    let _lock = Lock::acquire(&root.join(format!("{name}.lock")))?;
    if finished.is_dir() {
        return Ok(finished);
    }
    // Whoever left this behind held the lock and is gone.
    let unfinished = root.join(format!("{name}.unfinished"));
    let _ = fs::remove_dir_all(&unfinished);
    fs::create_dir(&unfinished).map_err(ToolError::file(&unfinished))?;
    build(&unfinished)?;
    fs::rename(&unfinished, &finished).map_err(ToolError::file(&finished))?;
    Ok(finished)
}

/// Where the cache lies: `RNIC_VERILATED_DIR` if set, else `verilated/` in cargo's target
/// directory, else in the system's temporary directory.
pub(crate) fn default_root() -> PathBuf {
    if let Some(dir) = env::var_os("RNIC_VERILATED_DIR") {
        return dir.into();
    }
    target_dir().unwrap_or_else(env::temp_dir).join("verilated")
}

/// Cargo tells a running test nothing about its target directory, but marks it with a
/// `CACHEDIR.TAG`, and what cargo builds lies below it.
fn target_dir() -> Option<PathBuf> {
    let program = env::current_exe().ok()?;
    let marked = |dir: &&Path| dir.join("CACHEDIR.TAG").exists();
    program.ancestors().find(marked).map(Path::to_path_buf)
}

/// An exclusive lock on a file, released when dropped or when the process dies.
struct Lock {
    _file: File,
}

impl Lock {
    fn acquire(path: &Path) -> Result<Self, ToolError> {
        let file = File::create(path).map_err(ToolError::file(path))?;
        loop {
            // SAFETY: the descriptor is open for as long as `file` lives, which is beyond the
            // call; flock touches no memory of ours.
            let status = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) };
            if status == 0 {
                return Ok(Self { _file: file });
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(ToolError::file(path)(error));
            }
        }
    }
}
