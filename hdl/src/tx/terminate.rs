//! Terminate requests, from Receive and from this side, as one stream of records for header build.
//!
//! A read of the peer that this host's TPT refuses is found here, so its Terminate starts here too, with event `rdmar_prot` first.
//! Its record has no offending header: the read record does not keep it.
//!
//! ```text
//!   refused (vi, code) --> event --> {vi | 0}, {code}, {0} --+
//!                                                            +--> out: vi and header words, code, length, header (eight words)
//!   terminate (Receive) -------------------------------------+
//! ```
//! Latency: none for Receive's records.

use rnic_abi::event::Event;
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::{EventTx, StreamRx, StreamTx};

/// Whose record is next.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum TerminateState {
    /// Passes a record of Receive, or waits.
    Pass,
    /// Raises the event of a refused read.
    Raise,
    /// Own record: VI.
    NameVi,
    /// Own record: code.
    NameCode,
    /// Own record: no length.
    End,
}

/// See the module.
#[derive(LogicBlock)]
pub struct Terminate {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// From Receive.
    pub terminate: StreamRx,
    /// A peer's read was refused.
    pub refused: Signal<In, Bit>,
    /// Its VI.
    pub refused_vi: Signal<In, Bits<8>>,
    /// Its code.
    pub refused_code: Signal<In, Bits<16>>,
    /// Its record is complete.
    pub refused_ready: Signal<Out, Bit>,
    /// `rdmar_prot`.
    pub event: EventTx,
    /// A record starts with the word in `out`.
    pub waits: Signal<Out, Bit>,
    /// Its VI.
    pub vi: Signal<Out, Bits<8>>,
    /// To header build.
    pub out: StreamTx,
    state: DFF<TerminateState>,
    inside: DFF<Bit>,
    ours: Signal<Local, Bit>,
    rdmar_prot: Constant<Bits<4>>,
}

impl Terminate {
    /// At rest.
    pub fn new() -> Self {
        block_new!(clock reset terminate refused refused_vi refused_code refused_ready event waits vi out state inside ours;
            rdmar_prot = Event::RdmarProt as u8,
        )
    }
}

impl Default for Terminate {
    fn default() -> Self {
        Self::new()
    }
}

impl Logic for Terminate {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, inside);
        self.ours.next = self.state.q.val() != TerminateState::Pass;
        self.out.data.next = self.terminate.data.val();
        self.out.last.next = self.terminate.last.val();
        self.out.valid.next = self.terminate.valid.val() & !self.ours.val();
        self.terminate.ready.next = self.out.ready.val() & !self.ours.val();
        self.event.vi.next = self.refused_vi.val();
        self.event.event.next = self.rdmar_prot.val();
        self.event.valid.next = self.state.q.val() == TerminateState::Raise;
        self.refused_ready.next = false;
        if self.terminate.valid.val() & self.out.ready.val() & !self.ours.val() {
            self.inside.d.next = !self.terminate.last.val();
        }
        match self.state.q.val() {
            TerminateState::Pass => {
                // Between two records of Receive.
                if self.refused.val() & !self.inside.q.val() & !self.terminate.valid.val() {
                    self.state.d.next = TerminateState::Raise;
                }
            }
            TerminateState::Raise => {
                if self.event.ready.val() {
                    self.state.d.next = TerminateState::NameVi;
                }
            }
            TerminateState::NameVi => {
                self.out.data.next = bit_cast::<32, 8>(self.refused_vi.val());
                self.out.valid.next = true;
                self.out.last.next = false;
                if self.out.ready.val() {
                    self.state.d.next = TerminateState::NameCode;
                }
            }
            TerminateState::NameCode => {
                self.out.data.next = bit_cast::<32, 16>(self.refused_code.val()) << bits::<5>(16);
                self.out.valid.next = true;
                self.out.last.next = false;
                if self.out.ready.val() {
                    self.state.d.next = TerminateState::End;
                }
            }
            TerminateState::End => {
                self.out.data.next = bits::<32>(0);
                self.out.valid.next = true;
                self.out.last.next = true;
                if self.out.ready.val() {
                    self.refused_ready.next = true;
                    self.state.d.next = TerminateState::Pass;
                }
            }
            _ => {
                self.state.d.next = TerminateState::Pass;
            }
        }
        if self.reset.val() {
            self.state.d.next = TerminateState::Pass;
            self.inside.d.next = false;
        }
        self.vi.next = self.terminate.data.val().get_bits::<8>(0);
        self.waits.next = self.terminate.valid.val() & !self.inside.q.val();
        if self.ours.val() {
            self.vi.next = self.refused_vi.val();
            self.waits.next = self.state.q.val() == TerminateState::NameVi;
        }
    }
}
