//! One Verilated board: its ports as two plain structs, two evaluations a cycle.
//!
//! ```text
//!            +--------------------------------------------+
//! Inputs --->| clock low: settle     clock high: registers |---> Outputs (of the settled low phase)
//!            +--------------------------------------------+
//! ```
//! It knows no protocol. Inputs of a cycle may depend on outputs of earlier cycles only, which is why `ready` inputs are
//! decided before the cycle and the evaluation at the falling edge is enough for the combinational outputs too.

#[cfg(feature = "trace")]
mod waves;

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use rnic_abi::config::{Config, FULL, SMALL};
use rnic_abi::step::STEPS;

include!(concat!(env!("OUT_DIR"), "/ports.rs"));

/// Which gateware a board has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateware {
    /// Configuration `Small`.
    Small,
    /// Configuration `Full`.
    Full,
    /// Not a NIC: the double of this crate's own tests (`tests/double/loopback.rs`).
    #[cfg(feature = "test-double")]
    Double,
}

impl Gateware {
    /// Its sizes.
    pub fn config(self) -> Config {
        match self {
            Self::Full => FULL,
            _ => SMALL,
        }
    }

    /// Its name, as `--config` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Full => "full",
            #[cfg(feature = "test-double")]
            Self::Double => "double",
        }
    }

    /// The gateware of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "small" => Some(Self::Small),
            "full" => Some(Self::Full),
            #[cfg(feature = "test-double")]
            "double" => Some(Self::Double),
            _ => None,
        }
    }
}

/// A 32-bit access to a BAR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BarBeat {
    /// BAR number.
    pub bar: u8,
    /// Byte offset, a multiple of 4.
    pub offset: u32,
    /// A store, else a load.
    pub write: bool,
    /// Word of a store.
    pub data: u32,
}

/// A word of a DMA read's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadBeat {
    /// Aligned word.
    pub data: u32,
    /// Last of its request.
    pub last: bool,
    /// The bus refused the request.
    pub error: bool,
    /// Epoch of the request.
    pub epoch: u8,
}

/// A DMA read that the board asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadRequest {
    /// Byte address.
    pub iova: u64,
    /// Byte count.
    pub bytes: u32,
    /// Reset epoch.
    pub epoch: u8,
}

/// A word of a DMA write burst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteBeat {
    /// Byte address of the burst.
    pub iova: u64,
    /// Byte count of the burst.
    pub bytes: u32,
    /// Aligned word.
    pub data: u32,
    /// Last of the burst.
    pub last: bool,
}

/// A word on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireWord {
    /// The word.
    pub data: u32,
    /// Last of the frame.
    pub last: bool,
}

/// What the surroundings drive in one cycle.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inputs {
    /// An access, held until taken.
    pub bar: Option<BarBeat>,
    /// A read request is taken in this cycle.
    pub dma_request_ready: bool,
    /// A word of a read's answer.
    pub dma_data: Option<ReadBeat>,
    /// A write word is taken in this cycle.
    pub dma_write_ready: bool,
    /// A write burst was refused.
    pub dma_write_fault: bool,
    /// An interrupt message is taken in this cycle.
    pub irq_ready: bool,
    /// A wire word is taken in this cycle.
    pub wire_tx_ready: bool,
    /// A word from the wire, held until taken.
    pub wire_rx: Option<WireWord>,
}

/// What the board drives in one cycle.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outputs {
    /// The access is taken.
    pub bar_ready: bool,
    /// The answer of the oldest load.
    pub bar_data: Option<u32>,
    /// A read request.
    pub dma_request: Option<ReadRequest>,
    /// A word of a write burst.
    pub dma_write: Option<WriteBeat>,
    /// An interrupt message.
    pub irq: Option<u8>,
    /// A word for the wire.
    pub wire_tx: Option<WireWord>,
    /// The word from the wire is taken.
    pub wire_rx_ready: bool,
    /// Bit i: step i fired.
    pub fired: u16,
    /// Something moves or a timer runs.
    pub busy: bool,
}

macro_rules! link {
    ($($name:ident: $new:ident $free:ident $eval:ident $ports:ident;)*) => {
        extern "C" {
            $(
                fn $new() -> *mut c_void;
                fn $free(model: *mut c_void);
                fn $eval(model: *mut c_void);
                fn $ports(model: *mut c_void, places: *mut *mut c_void);
            )*
        }
        $(
            const $name: Functions = Functions { new: $new, free: $free, eval: $eval, ports: $ports };
        )*
    };
}

/// The C functions of one Verilated class.
#[derive(Clone, Copy)]
struct Functions {
    new: unsafe extern "C" fn() -> *mut c_void,
    free: unsafe extern "C" fn(*mut c_void),
    eval: unsafe extern "C" fn(*mut c_void),
    ports: unsafe extern "C" fn(*mut c_void, *mut *mut c_void),
}

link! {
    SMALL_MODEL: vrnicsmall_new vrnicsmall_free vrnicsmall_eval vrnicsmall_ports;
    FULL_MODEL: vrnicfull_new vrnicfull_free vrnicfull_eval vrnicfull_ports;
}
#[cfg(feature = "test-double")]
link! {
    DOUBLE_MODEL: vrnicdouble_new vrnicdouble_free vrnicdouble_eval vrnicdouble_ports;
}

/// One instance.
pub struct Model {
    handle: NonNull<c_void>,
    functions: Functions,
    ports: RawPorts,
    #[cfg(feature = "trace")]
    waves: Option<waves::Waves>,
}

// SAFETY: an instance has its own VerilatedContext and shares nothing with other instances; every access to it and to its
// ports goes through `&mut self`, or through `&self` for reads that nothing can race with.
unsafe impl Send for Model {}

impl Model {
    /// An instance at power-on.
    pub fn new(gateware: Gateware) -> Self {
        let functions = match gateware {
            Gateware::Small => SMALL_MODEL,
            Gateware::Full => FULL_MODEL,
            #[cfg(feature = "test-double")]
            Gateware::Double => DOUBLE_MODEL,
        };
        // SAFETY: `new` takes nothing and returns an instance that is ours; C++'s new throws rather than give null.
        let handle = unsafe { NonNull::new_unchecked((functions.new)()) };
        let mut ports = MaybeUninit::<RawPorts>::uninit();
        // SAFETY: RawPorts is nothing but pointers, one a port, in the order in which the shim stores them; both come from
        // the same list in build.rs. They point into the instance, which does not move.
        let ports = unsafe {
            (functions.ports)(handle.as_ptr(), ports.as_mut_ptr().cast());
            ports.assume_init()
        };
        let mut model = Self {
            handle,
            functions,
            ports,
            #[cfg(feature = "trace")]
            waves: None,
        };
        model.settle(&Inputs::default());
        model
    }

    /// The low phase of the clock: drives `inputs` and returns what the board answers to them in this cycle.
    #[inline]
    pub fn settle(&mut self, inputs: &Inputs) -> Outputs {
        let p = &self.ports;
        // SAFETY: the pointers are live members of the instance, of these types, and `&mut self` excludes other access.
        unsafe {
            *p.clock = 0;
            if let Some(beat) = inputs.bar {
                *p.bar_bar = beat.bar;
                *p.bar_offset = beat.offset;
                *p.bar_write = beat.write.into();
                *p.bar_data = beat.data;
            }
            *p.bar_valid = inputs.bar.is_some().into();
            *p.dma_request_ready = inputs.dma_request_ready.into();
            if let Some(beat) = inputs.dma_data {
                *p.dma_data_data = beat.data;
                *p.dma_data_last = beat.last.into();
                *p.dma_data_error = beat.error.into();
                *p.dma_data_epoch = beat.epoch;
            }
            *p.dma_data_valid = inputs.dma_data.is_some().into();
            *p.dma_write_ready = inputs.dma_write_ready.into();
            *p.dma_write_fault = inputs.dma_write_fault.into();
            *p.irq_ready = inputs.irq_ready.into();
            *p.wire_tx_ready = inputs.wire_tx_ready.into();
            if let Some(word) = inputs.wire_rx {
                *p.wire_rx_data = word.data;
                *p.wire_rx_last = word.last.into();
            }
            *p.wire_rx_valid = inputs.wire_rx.is_some().into();
            (self.functions.eval)(self.handle.as_ptr());
            Outputs {
                bar_ready: *p.bar_ready != 0,
                bar_data: (*p.bar_data_valid != 0).then(|| *p.bar_data_data),
                dma_request: (*p.dma_request_valid != 0).then(|| ReadRequest {
                    iova: *p.dma_request_iova,
                    bytes: u32::from(*p.dma_request_bytes),
                    epoch: *p.dma_request_epoch,
                }),
                dma_write: (*p.dma_write_valid != 0).then(|| WriteBeat {
                    iova: *p.dma_write_iova,
                    bytes: u32::from(*p.dma_write_bytes),
                    data: *p.dma_write_data,
                    last: *p.dma_write_last != 0,
                }),
                irq: (*p.irq_valid != 0).then(|| *p.irq_vector),
                wire_tx: (*p.wire_tx_valid != 0).then(|| WireWord {
                    data: *p.wire_tx_data,
                    last: *p.wire_tx_last != 0,
                }),
                wire_rx_ready: *p.wire_rx_ready != 0,
                fired: self.fired(),
                busy: *p.busy != 0,
            }
        }
    }

    /// The rising edge: registers take their new values.
    #[inline]
    pub fn clock_edge(&mut self) {
        #[cfg(feature = "trace")]
        self.dump();
        // SAFETY: as in `settle`.
        unsafe {
            *self.ports.clock = 1;
            (self.functions.eval)(self.handle.as_ptr());
        }
        #[cfg(feature = "trace")]
        self.dump();
    }

    #[inline]
    fn fired(&self) -> u16 {
        let mut mask = 0;
        for (number, [fire, _]) in self.ports.steps.iter().enumerate().take(STEPS) {
            // SAFETY: as in `settle`.
            mask |= u16::from(unsafe { **fire } != 0) << number;
        }
        mask
    }

    /// The VI for which step `number` fired in the settled cycle.
    #[inline]
    pub fn step_vi(&self, number: usize) -> u8 {
        // SAFETY: as in `settle`.
        unsafe { *self.ports.steps[number][1] }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        #[cfg(feature = "trace")]
        self.close_waves();
        // SAFETY: the instance is ours and is freed once.
        unsafe { (self.functions.free)(self.handle.as_ptr()) }
    }
}
