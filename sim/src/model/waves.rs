//! Waveforms of a board, in a build with the feature `trace`: FST files of all signals.

use std::ffi::{c_char, c_void, CString};

use super::{Gateware, Model};

macro_rules! link {
    ($($name:ident: $open:ident $dump:ident $close:ident;)*) => {
        extern "C" {
            $(
                fn $open(model: *mut c_void, path: *const c_char);
                fn $dump(model: *mut c_void, time: u64);
                fn $close(model: *mut c_void);
            )*
        }
        $(const $name: (Open, Dump, Close) = ($open, $dump, $close);)*
    };
}
type Open = unsafe extern "C" fn(*mut c_void, *const c_char);
type Dump = unsafe extern "C" fn(*mut c_void, u64);
type Close = unsafe extern "C" fn(*mut c_void);
link! {
    SMALL: vrnicsmall_trace_open vrnicsmall_trace_dump vrnicsmall_trace_close;
    FULL: vrnicfull_trace_open vrnicfull_trace_dump vrnicfull_trace_close;
}
#[cfg(feature = "test-double")]
link! {
    DOUBLE: vrnicdouble_trace_open vrnicdouble_trace_dump vrnicdouble_trace_close;
}

pub(super) struct Waves {
    dump: Dump,
    close: Close,
    time: u64,
}

impl Model {
    /// Begins an FST file of all signals; 16 time units are half a cycle, so that a unit is a nanosecond.
    pub fn open_waves(&mut self, gateware: Gateware, path: &str) {
        let (open, dump, close) = match gateware {
            Gateware::Small => SMALL,
            Gateware::Full => FULL,
            #[cfg(feature = "test-double")]
            Gateware::Double => DOUBLE,
        };
        let path = CString::new(path).unwrap_or_default();
        // SAFETY: the instance is live, it is of this gateware's class, and the path ends in a zero.
        unsafe { open(self.handle.as_ptr(), path.as_ptr()) };
        self.waves = Some(Waves {
            dump,
            close,
            time: 0,
        });
    }

    pub(super) fn dump(&mut self) {
        if let Some(waves) = &mut self.waves {
            // SAFETY: the instance is live and its waveform is open.
            unsafe { (waves.dump)(self.handle.as_ptr(), waves.time) };
            waves.time += 16;
        }
    }

    /// Ends it.
    pub fn close_waves(&mut self) {
        if let Some(waves) = self.waves.take() {
            // SAFETY: as in `dump`; closed once.
            unsafe { (waves.close)(self.handle.as_ptr()) };
        }
    }
}
