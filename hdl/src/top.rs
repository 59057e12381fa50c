//! The whole board: five composites and the wires between them, in path order. Nothing here decides anything.
//!
//! ```text
//! host attachment: bar, bar_data, dma_request, dma_data, dma_write, dma_write_fault, irq
//! wire:            wire_tx, wire_rx (joined inside by CONTROL.LOOPBACK)
//! probes:          steps (abi::step), busy
//! ```

use crate::command::Command;
use crate::completion::Completion;
use crate::host::Host;
use crate::interfaces::*;
use crate::llp::loopback::Loopback;
use crate::rx::Receive;
use crate::tpt::Tpt;
use crate::tx::Transmit;
use rnic_abi::config::Config;
use rust_hdl::prelude::*;

/// The board. The parameters are exponents of `rnic_abi::config::Config`; use [`small`] or [`full`].
#[derive(LogicBlock)]
pub struct Rnic<
    const V: usize,
    const T: usize,
    const S: usize,
    const L: usize,
    const Q: usize,
    const C: usize,
    const G: usize,
    const R: usize,
    const F: usize,
    const TR: usize,
> {
    pub clock: Signal<In, Clock>,
    pub bar: BarRequestRx,
    pub bar_data: BarResponseTx,
    pub dma_request: DmaReadRequestTx,
    pub dma_data: DmaReadDataRx,
    pub dma_write: DmaWriteTx,
    pub dma_write_fault: Signal<In, Bit>,
    pub irq: IrqTx,
    pub wire_tx: StreamTx,
    pub wire_rx: StreamRx,
    pub steps: [StepTx; 16],
    pub busy: Signal<Out, Bit>,
    host: Host<V, TR>,
    command: Command<L, V, Q>,
    tpt: Tpt<T, S, V>,
    transmit: Transmit<V, Q, G, R>,
    receive: Receive<V, R, F>,
    completion: Completion<C, V>,
    loopback: Loopback,
}
