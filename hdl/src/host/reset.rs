//! Starts the board, at power-on and when the driver asks.
//!
//! Before a reset it stops new bursts and waits until what the bus has been offered is taken; then `reset` is high for 2,048
//! cycles, in which every block sweeps its memories. Each reset begins an epoch, by which late read data are known. It
//! does not wait for read data, and does not watch the engines: their work is thrown away. A frame that is on its way out
//! is cut; `llp/loopback.rs` ends it.
//!
//! ```text
//!   power-on --> Hold (2,048 cycles) --> Run --request--> Drain --quiet--> Hold
//! ```
//!
//! Latency: `reset` follows the request by two cycles on a quiet bus.

use rust_hdl::prelude::*;

/// What the sequencer does.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum State {
    /// Holds `reset` until the count is over.
    Hold,
    /// The board runs.
    Run,
    /// Waits until the bus has taken what it was offered.
    Drain,
}

/// See the module.
#[derive(LogicBlock, Default)]
pub struct ResetSequencer {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// The driver asks for a reset.
    pub request: Signal<In, Bit>,
    /// Nothing is offered to the bus.
    pub quiet: Signal<In, Bit>,
    /// Synchronous reset of everything.
    pub reset: Signal<Out, Bit>,
    /// Offer the bus nothing new.
    pub stop: Signal<Out, Bit>,
    /// Number of the reset, modulo 4.
    pub epoch: Signal<Out, Bits<2>>,

    state: DFF<State>,
    count: DFF<Bits<11>>,
    number: DFF<Bits<2>>,
}

impl Logic for ResetSequencer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, count, number);
        match self.state.q.val() {
            State::Hold => {
                self.count.d.next = self.count.q.val() + 1;
                if self.count.q.val().all() {
                    self.state.d.next = State::Run;
                }
            }
            State::Run => {
                if self.request.val() {
                    self.state.d.next = State::Drain;
                }
            }
            State::Drain => {
                if self.quiet.val() {
                    self.number.d.next = self.number.q.val() + 1;
                    self.state.d.next = State::Hold;
                }
            }
            _ => {
                self.state.d.next = State::Hold;
            }
        }
        self.reset.next = self.state.q.val() == State::Hold;
        self.stop.next = self.state.q.val() != State::Run;
        self.epoch.next = self.number.q.val();
    }
}
