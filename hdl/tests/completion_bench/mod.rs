//! The other composites around `Completion`, played by the bench.

#![allow(dead_code)] // each test file uses a part of it

use std::collections::VecDeque;

use rnic_hdl::completion::Completion;
use rnic_verilate::{Dut, Stimulus};

/// A completer of `Small`.
pub type Block = Completion<3, 2, 6>;

/// Where the TPT of the bench maps offset 0 of any region.
pub const REGION_IOVA: u64 = 0x1234_5000_0000;

/// One DMA write burst.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Burst {
    pub iova: u64,
    pub words: Vec<u32>,
    /// Cycle of its last word.
    pub cycle: u64,
}

/// The bench.
pub struct Bench {
    pub dut: Dut<Block>,
    pub random: Stimulus,
    /// Words for the three ports; `None` is a gap of one cycle.
    pub jobs: [VecDeque<Option<u32>>; 3],
    /// Probability of ready at every taker.
    pub readiness: f64,
    /// Cycles from an access to its piece.
    pub tpt_cycles: u32,
    /// The TPT refuses.
    pub refuse: bool,
    pub epoch: bool,
    pub bursts: Vec<Burst>,
    pub irqs: Vec<u64>,
    pub events: Vec<(u64, u64)>,
    pub overflows: u32,
    pub steps: u32,
    /// Accesses asked for: stag, to, vi.
    pub accesses: Vec<(u64, u64, u64)>,
    /// Cycles in which each port had a word taken.
    pub taken: [Vec<u64>; 3],
    pub send_queue: VecDeque<[u32; 4]>,
    pub receive_queue: VecDeque<[u32; 4]>,
    pub one_shots: VecDeque<(u32, u32)>,
    pub freed: Vec<(u64, u64)>,
    pub failing: Vec<(u64, u64)>,
    pub flushed: u32,
    pub stops: [bool; 2],
    pub busy: u64,
    burst: Vec<u32>,
    piece: Option<(u32, u64)>,
    entry: VecDeque<u32>,
    walking: bool,
}

impl Bench {
    /// After reset.
    pub fn new(seed: u64, readiness: f64) -> Self {
        let mut dut = Dut::new("completion", Block::default(), |b| &mut b.clock).unwrap();
        dut.drive(|b| b.reset.next = true);
        for _ in 0..70 {
            dut.tick();
        }
        dut.drive(|b| b.reset.next = false);
        Self {
            dut,
            random: Stimulus::new(seed),
            jobs: Default::default(),
            readiness,
            tpt_cycles: 8,
            refuse: false,
            epoch: false,
            bursts: Vec::new(),
            irqs: Vec::new(),
            events: Vec::new(),
            overflows: 0,
            steps: 0,
            accesses: Vec::new(),
            taken: Default::default(),
            send_queue: VecDeque::new(),
            receive_queue: VecDeque::new(),
            one_shots: VecDeque::new(),
            freed: Vec::new(),
            failing: Vec::new(),
            flushed: 0,
            stops: [false; 2],
            busy: 0,
            burst: Vec::new(),
            piece: None,
            entry: VecDeque::new(),
            walking: false,
        }
    }

    /// One cycle of everything.
    pub fn cycle(&mut self) {
        let ready: Vec<bool> = (0..8).map(|_| self.random.chance(self.readiness)).collect();
        let heads: Vec<Option<u32>> = self
            .jobs
            .iter()
            .map(|j| j.front().copied().flatten())
            .collect();
        let piece = self.piece.filter(|(wait, _)| *wait == 0);
        let (refuse, epoch, walking) = (self.refuse, self.epoch, self.walking);
        let (send, receive) = (self.send_queue.len(), self.receive_queue.len());
        let entry = (self.entry.front().copied(), self.entry.len());
        let one_shot = self.one_shots.front().copied();
        self.dut.drive(|b| {
            for i in 0..3 {
                b.jobs[i].valid.next = heads[i].is_some();
                b.jobs[i].data.next = u64::from(heads[i].unwrap_or(0xDEAD_BEEF)).into();
            }
            b.dma_write.ready.next = ready[0];
            b.request.ready.next = ready[1];
            b.drain.epoch.next = epoch;
            b.piece.valid.next = piece.is_some();
            b.piece.last.next = true;
            b.piece.error.next = u64::from(refuse).into();
            b.piece.iova.next = piece.map_or(0, |(_, iova)| iova).into();
            b.piece.bytes.next = 8_u64.into();
            b.irq.ready.next = ready[2];
            b.event.ready.next = ready[3];
            b.stop_transmit.ready.next = ready[4];
            b.stop_receive.ready.next = ready[5];
            b.send_undone.next = (u64::from(send > 0) << 2).into();
            b.receive_undone.next = (u64::from(receive > 0) << 2).into();
            b.queue_read.ready.next = ready[6] && entry.1 == 0;
            b.queue_data.valid.next = entry.0.is_some();
            b.queue_data.data.next = u64::from(entry.0.unwrap_or(0)).into();
            b.queue_data.last.next = entry.1 == 1;
            b.walk.ready.next = ready[7] && !walking;
            b.walk_result.valid.next = walking;
            b.walk_result.done.next = one_shot.is_none();
            b.walk_result.stag.next = u64::from(one_shot.map_or(0, |o| o.0)).into();
            b.walk_result.context.next = u64::from(one_shot.map_or(0, |o| o.1)).into();
        });
        self.dut.settle();
        self.sample(&heads);
        self.dut.tick();
    }

    fn sample(&mut self, heads: &[Option<u32>]) {
        let now = self.dut.cycle();
        let b = self.dut.block();
        for (i, head) in heads.iter().enumerate() {
            if head.is_none() {
                self.jobs[i].pop_front();
            } else if b.jobs[i].ready.val() {
                self.jobs[i].pop_front();
                self.taken[i].push(now);
            }
        }
        if b.dma_write.valid.val() && b.dma_write.ready.val() {
            self.burst.push(b.dma_write.data.val().to_u64() as u32);
            let (bytes, words) = (b.dma_write.bytes.val().to_u64(), self.burst.len());
            assert_eq!(b.dma_write.last.val(), 4 * words as u64 == bytes);
            if b.dma_write.last.val() {
                let iova = b.dma_write.iova.val().to_u64();
                assert_eq!(iova % bytes, 0, "burst at {iova:x}");
                self.bursts.push(Burst {
                    iova,
                    words: std::mem::take(&mut self.burst),
                    cycle: now,
                });
            }
        }
        if let Some((wait, _)) = &mut self.piece {
            if *wait > 0 {
                *wait -= 1;
            } else if b.piece.ready.val() {
                self.piece = None;
            }
        }
        if b.request.valid.val() && b.request.ready.val() {
            let to = b.request.to.val().to_u64();
            assert_eq!(b.request.length.val().to_u64(), 8);
            assert_eq!(b.request.access.val().to_u64(), 2);
            self.accesses.push((
                b.request.stag.val().to_u64(),
                to,
                b.request.vi.val().to_u64(),
            ));
            self.piece = Some((self.tpt_cycles, REGION_IOVA + to));
        }
        if b.irq.valid.val() && b.irq.ready.val() {
            self.irqs.push(b.irq.vector.val().to_u64());
        }
        if b.event.valid.val() && b.event.ready.val() {
            self.events
                .push((b.event.vi.val().to_u64(), b.event.event.val().to_u64()));
        }
        self.overflows += u32::from(b.cq_overflow.val());
        self.steps += u32::from(b.step_complete.fire.val());
        self.flushed += u32::from(b.flushed.val());
        self.busy = b.drain.busy.val().to_u64();
        self.stops[0] |= b.stop_transmit.valid.val() && b.stop_transmit.ready.val();
        self.stops[1] |= b.stop_receive.valid.val() && b.stop_receive.ready.val();
        if b.queue_data.valid.val() && b.queue_data.ready.val() {
            self.entry.pop_front();
        }
        if b.queue_read.valid.val() && b.queue_read.ready.val() {
            assert_eq!(b.queue_read.which.val().to_u64(), 2);
            let queue = if b.queue_read.receive.val() {
                &self.receive_queue
            } else {
                &self.send_queue
            };
            self.entry = queue[0].iter().copied().collect();
        }
        if b.send_done.valid.val() {
            self.send_queue.pop_front().unwrap();
        }
        if b.receive_done.valid.val() {
            self.receive_queue.pop_front().unwrap();
        }
        if b.slot_free.valid.val() {
            self.freed.push((
                b.slot_free.slot.val().to_u64(),
                b.slot_free.count.val().to_u64(),
            ));
        }
        if b.failing.valid.val() {
            self.failing
                .push((b.failing.vi.val().to_u64(), b.failing.va.val().to_u64()));
        }
        if b.walk_result.valid.val() && b.walk_result.ready.val() {
            self.one_shots.pop_front();
            self.walking = false;
        }
        if b.walk.valid.val() && b.walk.ready.val() {
            self.walking = true;
        }
    }

    /// Cycles until all bursts are there.
    pub fn run_until_bursts(&mut self, count: usize) {
        for _ in 0..20_000 {
            if self.bursts.len() >= count {
                return;
            }
            self.cycle();
        }
        panic!("{} of {count} bursts came", self.bursts.len());
    }

    pub fn run(&mut self, cycles: usize) {
        for _ in 0..cycles {
            self.cycle();
        }
    }

    /// Sets inputs, waits for `done`, one cycle more, clears them.
    fn handshake(&mut self, set: impl Fn(&mut Block, bool), done: impl Fn(&Block) -> bool) -> bool {
        self.dut.drive(|b| set(b, true));
        for _ in 0..3_000 {
            self.dut.settle();
            let is_done = done(self.dut.block());
            let ok = self.dut.block().cq_reserve.ok.val();
            self.cycle();
            if is_done {
                self.dut.drive(|b| set(b, false));
                return ok;
            }
        }
        panic!("nobody is ready");
    }

    pub fn config(&mut self, cq: u64, iova: u64, entries_log2: u64) {
        let set = |b: &mut Block, valid| {
            b.cq_config.cq.next = cq.into();
            b.cq_config.iova.next = iova.into();
            b.cq_config.entries_log2.next = entries_log2.into();
            b.cq_config.valid.next = valid;
        };
        self.handshake(set, |b| b.cq_config.ready.val());
    }

    pub fn queues_of(&mut self, vi: u64, send: u64, receive: u64) {
        let set = |b: &mut Block, valid| {
            b.vi_config.vi.next = vi.into();
            b.vi_config.word.next = 5_u64.into();
            b.vi_config.data.next = (0x3201_0000 | receive << 8 | send).into();
            b.vi_config.valid.next = valid;
        };
        self.handshake(set, |b| b.vi_config.ready.val());
    }

    pub fn reserve(&mut self, cq: u64) -> bool {
        let set = |b: &mut Block, valid| {
            b.cq_reserve.cq.next = cq.into();
            b.cq_reserve.valid.next = valid;
        };
        self.handshake(set, |b| b.cq_reserve.ready.val())
    }

    pub fn consumed(&mut self, cq: u64, consumed: u64, arm: bool) {
        let set = |b: &mut Block, valid| {
            b.cq_doorbell.cq.next = cq.into();
            b.cq_doorbell.consumed.next = consumed.into();
            b.cq_doorbell.arm.next = arm;
            b.cq_doorbell.valid.next = valid;
        };
        self.handshake(set, |b| b.cq_doorbell.ready.val());
    }

    pub fn flush(&mut self, vi: u64) {
        let set = |b: &mut Block, valid| {
            b.flush.vi.next = vi.into();
            b.flush.valid.next = valid;
        };
        self.handshake(set, |b| b.flush.ready.val());
    }

    pub fn post(&mut self, port: usize, record: &[u32; 8]) {
        self.jobs[port].extend(record.iter().map(|&word| Some(word)));
    }
}
