//! A Verilated model, loaded from its shared library.
//!
//! It knows ports by number and values by words, and nothing of rust-hdl. Setting an input has no
//! effect before `eval`.

use std::ffi::{c_char, c_uint, c_void, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

use libloading::{Library, Symbol};
use thiserror::Error;

use crate::ports::Port;

/// The library could not be loaded, or is not one of ours.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The dynamic loader refused it.
    #[error("cannot load the model {path}: {source}", path = path.display())]
    Library {
        /// The library.
        path: PathBuf,
        /// What the loader said.
        source: libloading::Error,
    },
    /// A port that the library does not have: it was built for another block.
    #[error("the model {path} has no port {port}", path = path.display())]
    Port {
        /// The library.
        path: PathBuf,
        /// The port's name.
        port: String,
    },
}

/// One instance of a Verilated module.
pub struct Model {
    handle: NonNull<c_void>,
    eval: unsafe extern "C" fn(*mut c_void),
    free: unsafe extern "C" fn(*mut c_void),
    ports: Vec<PortStorage>,
    waves: Option<Waves>,
    // Last, so that the code outlives everything that runs it.
    library: Library,
}

// SAFETY: the model has its own VerilatedContext and shares no state with other models; all access
// is through `&mut self`, or reads through `&self` that nothing can write meanwhile. Verilator's
// thread-local context pointer is set by every eval.
unsafe impl Send for Model {}

/// Where Verilator keeps a port: an integer of the next size up to 64 bits, then words.
#[derive(Clone, Copy)]
enum PortStorage {
    Byte(NonNull<u8>),
    Half(NonNull<u16>),
    Word(NonNull<u32>),
    Double(NonNull<u64>),
    Wide(NonNull<u32>, usize),
}

impl PortStorage {
    fn new(place: NonNull<c_void>, bits: usize) -> Self {
        match bits {
            0..=8 => Self::Byte(place.cast()),
            9..=16 => Self::Half(place.cast()),
            17..=32 => Self::Word(place.cast()),
            33..=64 => Self::Double(place.cast()),
            _ => Self::Wide(place.cast(), bits.div_ceil(32)),
        }
    }
}

impl Model {
    /// Loads `library`, which `verilate` built for these `ports`, and makes an instance.
    pub fn load(library: &Path, ports: &[Port]) -> Result<Self, LoadError> {
        let refused = |source| LoadError::Library {
            path: library.to_path_buf(),
            source,
        };
        // SAFETY: the library was built by `verilate` from our shim; its initialisers are those
        // of Verilator's runtime and the C++ library, which may run at any time.
        let code = unsafe { Library::new(library) }.map_err(refused)?;
        // SAFETY: the types are those of the shim's functions, in `shim.rs`.
        let (new, free, eval, port): (
            unsafe extern "C" fn() -> *mut c_void,
            unsafe extern "C" fn(*mut c_void),
            unsafe extern "C" fn(*mut c_void),
            unsafe extern "C" fn(*mut c_void, c_uint) -> *mut c_void,
        ) = unsafe {
            (
                *code.get(b"rnic_model_new\0").map_err(refused)?,
                *code.get(b"rnic_model_free\0").map_err(refused)?,
                *code.get(b"rnic_model_eval\0").map_err(refused)?,
                *code.get(b"rnic_model_port\0").map_err(refused)?,
            )
        };
        // SAFETY: `new` takes nothing, and returns an instance that we own, never null: C++'s new
        // would have thrown.
        let handle = unsafe { NonNull::new_unchecked(new()) };
        let mut model = Self {
            handle,
            eval,
            free,
            ports: Vec::with_capacity(ports.len()),
            waves: None,
            library: code,
        };
        for (index, wanted) in ports.iter().enumerate() {
            // SAFETY: the handle is live; the number is checked by the shim.
            let place = unsafe { port(handle.as_ptr(), index as c_uint) };
            let place = NonNull::new(place).ok_or_else(|| LoadError::Port {
                path: library.to_path_buf(),
                port: wanted.name.clone(),
            })?;
            model.ports.push(PortStorage::new(place, wanted.bits));
        }
        Ok(model)
    }

    /// Lets the model react to its inputs.
    pub fn eval(&mut self) {
        // SAFETY: the handle is live until drop, and `&mut self` is the only access to it.
        unsafe { (self.eval)(self.handle.as_ptr()) }
    }

    /// Sets port number `index`; `words` are least significant first and fit the port's width.
    pub fn set(&mut self, index: usize, words: &[u32]) {
        let double = || u64::from(words[0]) | words.get(1).map_or(0, |&high| u64::from(high) << 32);
        // SAFETY: the pointers point into the live model, at members of these types, and
        // `&mut self` excludes every other access.
        unsafe {
            match self.ports[index] {
                PortStorage::Byte(place) => place.write(words[0] as u8),
                PortStorage::Half(place) => place.write(words[0] as u16),
                PortStorage::Word(place) => place.write(words[0]),
                PortStorage::Double(place) => place.write(double()),
                PortStorage::Wide(place, length) => {
                    place.copy_from_nonoverlapping(NonNull::from(&words[..length]).cast(), length);
                }
            }
        }
    }

    /// Word number `word` of port number `index`.
    pub fn word(&self, index: usize, word: usize) -> u32 {
        // SAFETY: as in `set`; nothing writes while `&self` is held, and the word is in range.
        unsafe {
            match self.ports[index] {
                PortStorage::Byte(place) => place.read().into(),
                PortStorage::Half(place) => place.read().into(),
                PortStorage::Word(place) => place.read(),
                PortStorage::Double(place) => (place.read() >> (32 * word)) as u32,
                PortStorage::Wide(place, length) => {
                    assert!(word < length, "port {index} has {length} words");
                    place.add(word).read()
                }
            }
        }
    }

    /// Begins a waveform file; the library must have been built with `Options::trace`.
    pub fn open_waves(&mut self, path: &Path) -> Result<(), LoadError> {
        let refused = |source| LoadError::Library {
            path: path.to_path_buf(),
            source,
        };
        let name = CString::new(path.as_os_str().as_bytes()).unwrap_or_default();
        self.close_waves();
        // SAFETY: the types are those of the shim's functions; the handle is live, no file is
        // open, and `name` ends in a zero.
        unsafe {
            let open: Symbol<unsafe extern "C" fn(*mut c_void, *const c_char)> = self
                .library
                .get(b"rnic_model_trace_open\0")
                .map_err(refused)?;
            let waves = Waves {
                dump: *self
                    .library
                    .get(b"rnic_model_trace_dump\0")
                    .map_err(refused)?,
                close: *self
                    .library
                    .get(b"rnic_model_trace_close\0")
                    .map_err(refused)?,
            };
            open(self.handle.as_ptr(), name.as_ptr());
            self.waves = Some(waves);
        }
        Ok(())
    }

    /// Records all signals as they are at `time`, which must grow; nothing if no file is open.
    pub fn dump_waves(&mut self, time: u64) {
        if let Some(waves) = &self.waves {
            // SAFETY: the handle is live and its file is open.
            unsafe { (waves.dump)(self.handle.as_ptr(), time) }
        }
    }

    fn close_waves(&mut self) {
        if let Some(waves) = self.waves.take() {
            // SAFETY: the handle is live and its file is open, and this is the only closing.
            unsafe { (waves.close)(self.handle.as_ptr()) }
        }
    }
}

/// The functions of a library that can write waveforms, while a file is open.
struct Waves {
    dump: unsafe extern "C" fn(*mut c_void, u64),
    close: unsafe extern "C" fn(*mut c_void),
}

impl Drop for Model {
    fn drop(&mut self) {
        self.close_waves();
        // SAFETY: we own the instance and free it once; the library is still loaded.
        unsafe { (self.free)(self.handle.as_ptr()) }
    }
}
