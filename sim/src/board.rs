//! One board: the Verilated gateware with its host memory, its BAR accesses, its interrupts and its two ends of wire.
//!
//! ```text
//!  post_store, post_load --> [beats] --> bar          wire_tx --> [frame] --> take_frame
//!  take_load            <-- [words] <-- bar_data      wire_rx <-- [words] <-- give_frame
//!  HostMemory <--> Dma <--> dma_request, dma_data, dma_write       irq --> counts, eventfds
//! ```
//! `cycle` is one clock. It waits for nothing and joins nothing: `simulation` does both.

use std::collections::VecDeque;

use rnic_abi::step::STEPS;
use vmm_sys_util::eventfd::EventFd;

use crate::bus_monitor::{BusEvent, BusMonitor};
use crate::dma::{Dma, Stalls, Timing};
use crate::host_memory::HostMemory;
use crate::model::{BarBeat, Gateware, Inputs, Model, Outputs, WireWord};

/// A frame: whole words, as on the wire.
pub type Frame = Vec<u32>;

/// A beat of an access, and whether it is the first of it.
#[derive(Clone, Copy, Debug)]
struct QueuedBeat {
    beat: BarBeat,
    first: bool,
}

/// See the module.
pub struct Board {
    model: Model,
    gateware: Gateware,
    cycle: u64,
    inputs: Inputs,
    outputs: Outputs,
    fired_vis: [u8; STEPS],
    /// What the board reaches by DMA.
    pub memory: HostMemory,
    /// What crossed its interfaces.
    pub monitor: BusMonitor,
    dma: Dma,
    stalls: Stalls,
    accesses: VecDeque<QueuedBeat>,
    /// Whether each load beat that was taken and not answered began its access.
    loads: VecDeque<bool>,
    loaded: VecDeque<u32>,
    sending: Frame,
    sent: VecDeque<Frame>,
    receiving: VecDeque<Frame>,
    received_words: usize,
    interrupts: Vec<u64>,
    /// Vectors sent and not taken yet, each once.
    pending: VecDeque<usize>,
    eventfds: Vec<Option<EventFd>>,
}

impl Board {
    /// A board at power-on. `index` keeps the random sequences of several boards apart.
    pub fn new(gateware: Gateware, index: usize, timing: Timing) -> Self {
        let vectors = gateware.config().cqs() + 1;
        Self {
            model: Model::new(gateware),
            gateware,
            cycle: 0,
            inputs: Inputs::default(),
            outputs: Outputs::default(),
            fired_vis: [0; STEPS],
            memory: HostMemory::default(),
            monitor: BusMonitor::default(),
            dma: Dma::new(timing, index),
            stalls: Stalls::new(&timing, 2 * index as u64 + 1),
            accesses: VecDeque::new(),
            loads: VecDeque::new(),
            loaded: VecDeque::new(),
            sending: Frame::new(),
            sent: VecDeque::new(),
            receiving: VecDeque::new(),
            received_words: 0,
            interrupts: vec![0; vectors],
            pending: VecDeque::new(),
            eventfds: (0..vectors).map(|_| None).collect(),
        }
    }

    /// Its gateware.
    pub fn gateware(&self) -> Gateware {
        self.gateware
    }

    /// Clock cycles since power-on.
    pub fn cycles(&self) -> u64 {
        self.cycle
    }

    /// The DMA side.
    pub fn dma(&mut self) -> &mut Dma {
        &mut self.dma
    }

    /// Whether anything moves in the board or at its interfaces, or a timer of it runs.
    #[inline]
    pub fn busy(&self) -> bool {
        self.outputs.busy
            || !self.accesses.is_empty()
            || !self.loads.is_empty()
            || !self.receiving.is_empty()
            || !self.sending.is_empty()
            || !self.sent.is_empty()
            || self.dma.busy()
    }

    /// Queues a store of 4 or 8 bytes.
    pub fn post_store(&mut self, bar: u8, offset: u32, bytes: usize, value: u64) {
        for word in 0..bytes as u32 / 4 {
            let beat = BarBeat {
                bar,
                offset: offset + 4 * word,
                write: true,
                data: (value >> (32 * word)) as u32,
            };
            let first = word == 0;
            self.accesses.push_back(QueuedBeat { beat, first });
        }
    }

    /// Queues a load of 4 or 8 bytes; its words come from `take_load`.
    pub fn post_load(&mut self, bar: u8, offset: u32, bytes: usize) {
        for word in 0..bytes as u32 / 4 {
            let beat = BarBeat {
                bar,
                offset: offset + 4 * word,
                write: false,
                data: 0,
            };
            let first = word == 0;
            self.accesses.push_back(QueuedBeat { beat, first });
        }
    }

    /// The next loaded word.
    pub fn take_load(&mut self) -> Option<u32> {
        self.loaded.pop_front()
    }

    /// The next frame that has left.
    #[inline]
    pub fn take_frame(&mut self) -> Option<Frame> {
        self.sent.pop_front()
    }

    /// A frame arrives; an empty one does not exist.
    pub fn give_frame(&mut self, frame: Frame) {
        if !frame.is_empty() {
            self.receiving.push_back(frame);
        }
    }

    /// Messages of an interrupt vector since power-on.
    pub fn interrupts(&self, vector: usize) -> u64 {
        self.interrupts.get(vector).copied().unwrap_or(0)
    }

    /// The vector that has waited longest to be taken. Messages of one vector that nobody took are one, as in an eventfd.
    pub fn take_interrupt(&mut self) -> Option<usize> {
        self.pending.pop_front()
    }

    /// Number of interrupt vectors.
    pub fn vectors(&self) -> usize {
        self.interrupts.len()
    }

    /// What is signalled by a vector; a vector without one is counted only.
    pub fn set_eventfd(&mut self, vector: usize, eventfd: Option<EventFd>) {
        if let Some(place) = self.eventfds.get_mut(vector) {
            *place = eventfd;
        }
    }

    /// Bit i: step i fired in the cycle before.
    #[inline]
    pub fn fired(&self) -> u16 {
        self.outputs.fired
    }

    /// The VI for which step `number` fired in the cycle before.
    pub fn step_vi(&self, number: usize) -> u8 {
        self.fired_vis[number]
    }

    /// Records all signals in an FST file from here on.
    #[cfg(feature = "trace")]
    pub fn open_waves(&mut self, path: &str) {
        self.model.open_waves(self.gateware, path);
    }

    /// Ends that file.
    #[cfg(feature = "trace")]
    pub fn close_waves(&mut self) {
        self.model.close_waves();
    }

    /// One clock cycle.
    pub fn cycle(&mut self) {
        let cycle = self.cycle;
        self.drive();
        self.dma.drive(cycle, &self.memory, &mut self.inputs);
        self.outputs = self.model.settle(&self.inputs);
        if self.outputs.fired != 0 {
            for (number, vi) in self.fired_vis.iter_mut().enumerate() {
                *vi = self.model.step_vi(number);
            }
        }
        self.observe();
        self.dma.observe(
            cycle,
            &self.memory,
            &self.inputs,
            &self.outputs,
            &mut self.monitor,
        );
        self.model.clock_edge();
        self.cycle += 1;
    }

    /// Decides what BAR, interrupt and wire side drive in this cycle. What is valid stays so until it is taken.
    fn drive(&mut self) {
        let inputs = &mut self.inputs;
        if inputs.bar.is_none() {
            if let Some(queued) = self.accesses.front() {
                // Nothing may come between the beats of an access, a pause included.
                if !queued.first || self.stalls.go() {
                    inputs.bar = Some(queued.beat);
                }
            }
        }
        if inputs.wire_rx.is_none() {
            if let Some(frame) = self.receiving.front() {
                if self.stalls.go() {
                    let at = self.received_words;
                    inputs.wire_rx = Some(WireWord {
                        data: frame[at],
                        last: at + 1 == frame.len(),
                    });
                }
            }
        }
        inputs.irq_ready = self.stalls.go();
        inputs.wire_tx_ready = self.stalls.go();
    }

    /// Takes what the board did in this cycle.
    fn observe(&mut self) {
        let cycle = self.cycle;
        if self.outputs.bar_ready {
            if let Some(beat) = self.inputs.bar.take() {
                let first = self.accesses.pop_front().is_some_and(|queued| queued.first);
                if beat.write {
                    self.monitor.store(cycle, &beat, first);
                } else {
                    self.loads.push_back(first);
                }
            }
        }
        if let Some(word) = self.outputs.bar_data {
            match self.loads.pop_front() {
                Some(first) => {
                    self.loaded.push_back(word);
                    if first {
                        self.monitor.load();
                    }
                }
                None => self
                    .monitor
                    .violation(cycle, "answer to no load".to_string()),
            }
        }
        if let Some(word) = self.outputs.wire_tx.filter(|_| self.inputs.wire_tx_ready) {
            if self.sending.is_empty() {
                self.monitor.mark(cycle, BusEvent::WireOutFirst);
            }
            self.sending.push(word.data);
            if word.last {
                self.monitor.frame_out(cycle, &self.sending);
                self.sent.push_back(std::mem::take(&mut self.sending));
            }
        }
        if self.outputs.wire_rx_ready {
            if let Some(word) = self.inputs.wire_rx.take() {
                if self.received_words == 0 {
                    self.monitor.mark(cycle, BusEvent::WireInFirst);
                }
                self.received_words += 1;
                if word.last {
                    self.monitor.frame_in(cycle, self.received_words);
                    self.received_words = 0;
                    self.receiving.pop_front();
                }
            }
        }
        if let Some(vector) = self.outputs.irq.filter(|_| self.inputs.irq_ready) {
            self.interrupt(vector);
        }
    }

    fn interrupt(&mut self, vector: u8) {
        self.monitor.interrupt(self.cycle, vector);
        let index = usize::from(vector);
        match self.interrupts.get_mut(index) {
            Some(count) => {
                *count += 1;
                if !self.pending.contains(&index) {
                    self.pending.push_back(index);
                }
            }
            None => self
                .monitor
                .violation(self.cycle, format!("interrupt vector {vector}")),
        }
        self.signal(index);
    }

    /// Signals what a vector signals, as if the board had sent its message.
    pub fn signal(&mut self, vector: usize) {
        if let Some(Some(eventfd)) = self.eventfds.get(vector) {
            // Only a full counter can refuse, and then the reader has not seen 2^64 - 2 earlier ones.
            let _ = eventfd.write(1);
        }
    }
}
