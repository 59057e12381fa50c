//! Gathers what breaks a VI: header build (Terminate), the reliable engine (timeout), mpa_frame (failed read), retire (bad descriptor).
//!
//! ```text
//!   fault x 4 ---> [one register] ---> vi_error
//! ```
//! The first that is valid is taken; the others wait. Latency: one cycle.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::{ViErrorRx, ViErrorTx};

/// See the module.
#[derive(LogicBlock)]
pub struct Fault {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// Sources.
    pub fault: [ViErrorRx; 4],
    /// To the VI state.
    pub vi_error: ViErrorTx,
    held: DFF<Bit>,
    vi: DFF<Bits<8>>,
    reason: DFF<Bits<4>>,
    chosen: Signal<Local, Bits<3>>,
}

impl Fault {
    /// At rest.
    pub fn new() -> Self {
        block_new!(clock reset fault vi_error held vi reason chosen;
        )
    }
}

impl Default for Fault {
    fn default() -> Self {
        Self::new()
    }
}

impl Logic for Fault {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held, vi, reason);
        self.vi_error.valid.next = self.held.q.val();
        self.vi_error.vi.next = self.vi.q.val();
        self.vi_error.event.next = self.reason.q.val();
        if self.vi_error.ready.val() {
            self.held.d.next = false;
        }
        self.chosen.next = bits::<3>(4);
        for i in 0..4 {
            if self.fault[i].valid.val() & !self.held.q.val() & !self.reset.val() {
                self.chosen.next = i.to_bits();
            }
        }
        for i in 0..4 {
            self.fault[i].ready.next = false;
            if self.chosen.val() == i.to_bits::<3>() {
                self.fault[i].ready.next = true;
                self.held.d.next = true;
                self.vi.d.next = self.fault[i].vi.val();
                self.reason.d.next = self.fault[i].event.val();
            }
        }
        if self.reset.val() {
            self.held.d.next = false;
        }
    }
}
