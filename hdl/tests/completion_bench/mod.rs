//! The world around Completion: sources of records, a TPT, the queues, and host memory, at random speed.

use std::collections::{BTreeMap, VecDeque};

use rnic_hdl::completion::Completion;
use rnic_verilate::{Dut, Stimulus};

pub type Small = Completion<3, 6>;

/// A work-queue entry: its four words.
pub type Entry = [u32; 4];

pub struct Bench {
    pub dut: Dut<Small>,
    pub random: Stimulus,
    pub eager: f64,
    /// Records that wait, one queue a source: words, and cycles before each word.
    pub jobs: [VecDeque<(u32, u32, bool)>; 3],
    /// Answers of the TPT: pieces (error, iova, bytes).
    pub pieces: VecDeque<Vec<(u8, u64, u32)>>,
    piece_due: VecDeque<(u8, u64, u32, bool)>,
    pub checks: Vec<(u32, u64, u8)>,
    pub memory: BTreeMap<u64, u32>,
    burst: usize,
    /// Bursts as written: address, words.
    pub bursts: Vec<(u64, Vec<u32>)>,
    pub irqs: Vec<u8>,
    pub events: Vec<(u8, u8)>,
    pub configs: VecDeque<(u8, u8, u64)>,
    pub vi_words: VecDeque<(u8, u8, u32)>,
    pub reserves: VecDeque<u8>,
    pub reserved: Vec<bool>,
    pub doorbells: VecDeque<(u8, u32, bool)>,
    pub parity: u32,
    pub consumed: u32,
    pub line: u64,
    pub send: BTreeMap<u8, VecDeque<Entry>>,
    pub receive: BTreeMap<u8, VecDeque<Entry>>,
    entry_due: VecDeque<u32>,
    pub walks: VecDeque<(u32, u32)>,
    walk_due: bool,
    pub frees: Vec<(u8, u8)>,
    pub failing: Vec<(u8, u64)>,
    pub flush: Option<u8>,
    pub stops: Vec<(char, u8)>,
    pub completes: u32,
    pub overflows: u32,
    pub flushed: u32,
    pub last_job_cycle: u64,
    pub last_write_cycle: u64,
}

impl Bench {
    pub fn new(seed: u64, eager: f64) -> Self {
        println!("seed {seed}");
        let dut = Dut::new("completion", Small::default(), |b| &mut b.clock).unwrap();
        let mut bench = Self {
            dut,
            random: Stimulus::new(seed),
            eager,
            jobs: Default::default(),
            pieces: VecDeque::new(),
            piece_due: VecDeque::new(),
            checks: Vec::new(),
            memory: BTreeMap::new(),
            burst: 0,
            bursts: Vec::new(),
            irqs: Vec::new(),
            events: Vec::new(),
            configs: VecDeque::new(),
            vi_words: VecDeque::new(),
            reserves: VecDeque::new(),
            reserved: Vec::new(),
            doorbells: VecDeque::new(),
            parity: 0,
            consumed: 0,
            line: 0,
            send: BTreeMap::new(),
            receive: BTreeMap::new(),
            entry_due: VecDeque::new(),
            walks: VecDeque::new(),
            walk_due: false,
            frees: Vec::new(),
            failing: Vec::new(),
            flush: None,
            stops: Vec::new(),
            completes: 0,
            overflows: 0,
            flushed: 0,
            last_job_cycle: 0,
            last_write_cycle: 0,
        };
        bench.dut.drive(|b| b.reset.next = true);
        for _ in 0..70 {
            bench.dut.tick();
        }
        bench.dut.drive(|b| b.reset.next = false);
        bench
    }

    /// One cycle of everything.
    pub fn cycle(&mut self) {
        let mut ready = [false; 8];
        for r in &mut ready {
            *r = self.random.chance(self.eager);
        }
        let jobs: Vec<_> = self.jobs.iter().map(|j| j.front().copied()).collect();
        let piece = self.piece_due.front().copied().filter(|_| ready[4]);
        let config = self.configs.front().copied();
        let vi_word = self.vi_words.front().copied();
        let reserve = self.reserves.front().copied();
        let doorbell = self.doorbells.front().copied();
        let entry = self.entry_due.front().copied().filter(|_| ready[5]);
        let entry_last = self.entry_due.len() == 1;
        let walk = self.walk_due.then(|| self.walks.front().copied());
        let undone = |queues: &BTreeMap<u8, VecDeque<Entry>>| {
            queues
                .iter()
                .filter(|(_, q)| !q.is_empty())
                .fold(0_u64, |m, (vi, _)| m | 1 << vi)
        };
        let (send, receive) = (undone(&self.send), undone(&self.receive));
        let (parity, consumed, line, flush) = (self.parity, self.consumed, self.line, self.flush);
        self.dut.drive(|b| {
            for (port, job) in b.jobs.iter_mut().zip(&jobs) {
                port.valid.next = false;
                if let Some((word, 0, last)) = job {
                    port.valid.next = true;
                    port.data.next = u64::from(*word).into();
                    port.last.next = *last;
                }
            }
            b.tpt.ready.next = ready[0];
            b.dma_write.ready.next = ready[1];
            b.irq.ready.next = ready[2];
            b.event.ready.next = ready[3];
            b.piece.valid.next = piece.is_some();
            if let Some((error, iova, bytes, last)) = piece {
                b.piece.error.next = u64::from(error).into();
                b.piece.iova.next = iova.into();
                b.piece.bytes.next = u64::from(bytes).into();
                b.piece.last.next = last;
            }
            b.cq_config.valid.next = config.is_some();
            if let Some((cq, log2, iova)) = config {
                b.cq_config.cq.next = u64::from(cq).into();
                b.cq_config.entries_log2.next = u64::from(log2).into();
                b.cq_config.iova.next = iova.into();
            }
            b.vi_config.valid.next = vi_word.is_some();
            if let Some((vi, word, data)) = vi_word {
                b.vi_config.vi.next = u64::from(vi).into();
                b.vi_config.word.next = u64::from(word).into();
                b.vi_config.data.next = u64::from(data).into();
            }
            b.cq_reserve.valid.next = reserve.is_some();
            b.cq_reserve.cq.next = u64::from(reserve.unwrap_or(0)).into();
            b.cq_doorbell.valid.next = doorbell.is_some();
            if let Some((cq, index, arm)) = doorbell {
                b.cq_doorbell.cq.next = u64::from(cq).into();
                b.cq_doorbell.consumed.next = u64::from(index).into();
                b.cq_doorbell.arm.next = arm;
            }
            b.slot_parity.next = u64::from(parity).into();
            b.ring_consumed.next = u64::from(consumed).into();
            b.status_line_iova.next = line.into();
            b.send_undone.next = send.into();
            b.receive_undone.next = receive.into();
            b.queue_read.ready.next = ready[6];
            b.queue_data.valid.next = entry.is_some();
            b.queue_data.data.next = u64::from(entry.unwrap_or(0)).into();
            b.queue_data.last.next = entry_last;
            b.walk.ready.next = ready[7];
            b.walk_result.valid.next = walk.is_some();
            if let Some(result) = walk {
                b.walk_result.done.next = result.is_none();
                let (stag, context) = result.unwrap_or((0, 0));
                b.walk_result.stag.next = u64::from(stag).into();
                b.walk_result.context.next = u64::from(context).into();
            }
            b.stop_transmit.ready.next = ready[2];
            b.stop_receive.ready.next = ready[3];
            b.flush.valid.next = flush.is_some();
            b.flush.vi.next = u64::from(flush.unwrap_or(0)).into();
        });
        self.dut.settle();
        let cycle = self.dut.cycle();
        let b = self.dut.block();
        for (port, job) in b.jobs.iter().zip(&mut self.jobs) {
            if let Some((_, wait, _)) = job.front_mut() {
                if *wait > 0 {
                    *wait -= 1;
                } else if port.ready.val() {
                    job.pop_front();
                    self.last_job_cycle = cycle;
                }
            }
        }
        if piece.is_some() && b.piece.ready.val() {
            self.piece_due.pop_front();
        }
        if b.tpt.valid.val() && ready[0] {
            assert_eq!(
                (b.tpt.length.val().to_u64(), b.tpt.access.val().to_u64()),
                (8, 2)
            );
            assert!(b.drain.busy.val().any());
            let to = b.tpt.to.val().to_u64();
            self.checks
                .push((b.tpt.stag.val().to_u32(), to, b.tpt.vi.val().to_u8()));
            let pieces = self.pieces.pop_front().unwrap_or_else(|| vec![(0, to, 8)]);
            let last = pieces.len() - 1;
            for (index, (error, iova, bytes)) in pieces.into_iter().enumerate() {
                self.piece_due
                    .push_back((error, iova, bytes, index == last));
            }
        }
        if b.dma_write.valid.val() && ready[1] {
            let iova = b.dma_write.iova.val().to_u64();
            let data = b.dma_write.data.val().to_u32();
            if self.burst == 0 {
                self.bursts.push((iova, Vec::new()));
            }
            let burst = self.bursts.last_mut().unwrap();
            assert_eq!(burst.0, iova);
            burst.1.push(data);
            self.memory.insert(iova + 4 * self.burst as u64, data);
            self.burst += 1;
            let bytes = b.dma_write.bytes.val().to_u64();
            assert_eq!(b.dma_write.last.val(), 4 * self.burst as u64 == bytes);
            if b.dma_write.last.val() {
                self.burst = 0;
            }
            self.last_write_cycle = cycle;
        }
        if b.irq.valid.val() && ready[2] {
            self.irqs.push(b.irq.vector.val().to_u8());
        }
        if b.event.valid.val() && ready[3] {
            self.events
                .push((b.event.vi.val().to_u8(), b.event.event.val().to_u8()));
        }
        if config.is_some() && b.cq_config.ready.val() {
            self.configs.pop_front();
        }
        if vi_word.is_some() && b.vi_config.ready.val() {
            self.vi_words.pop_front();
        }
        if reserve.is_some() && b.cq_reserve.ready.val() {
            self.reserves.pop_front();
            self.reserved.push(b.cq_reserve.ok.val());
        }
        if doorbell.is_some() && b.cq_doorbell.ready.val() {
            self.doorbells.pop_front();
        }
        if entry.is_some() && b.queue_data.ready.val() {
            self.entry_due.pop_front();
        }
        if b.queue_read.valid.val() && ready[6] {
            assert_eq!(b.queue_read.which.val().to_u64(), 2);
            let vi = b.queue_read.vi.val().to_u8();
            let queues = if b.queue_read.receive.val() {
                &self.receive
            } else {
                &self.send
            };
            self.entry_due.extend(queues[&vi][0]);
        }
        if b.send_done.valid.val() {
            self.send
                .get_mut(&b.send_done.vi.val().to_u8())
                .unwrap()
                .pop_front();
        }
        if b.receive_done.valid.val() {
            self.receive
                .get_mut(&b.receive_done.vi.val().to_u8())
                .unwrap()
                .pop_front();
        }
        if walk.is_some() && b.walk_result.ready.val() {
            self.walk_due = false;
            self.walks.pop_front();
        }
        if b.walk.valid.val() && ready[7] {
            self.walk_due = true;
        }
        if b.slot_free.valid.val() {
            self.frees.push((
                b.slot_free.slot.val().to_u8(),
                b.slot_free.count.val().to_u8(),
            ));
        }
        if b.failing.valid.val() {
            self.failing
                .push((b.failing.vi.val().to_u8(), b.failing.va.val().to_u64()));
        }
        if b.stop_transmit.valid.val() && ready[2] {
            self.stops.push(('t', b.stop_transmit.vi.val().to_u8()));
        }
        if b.stop_receive.valid.val() && ready[3] {
            self.stops.push(('r', b.stop_receive.vi.val().to_u8()));
        }
        if flush.is_some() && b.flush.ready.val() {
            self.flush = None;
        }
        self.completes += u32::from(b.complete.fire.val());
        self.overflows += u32::from(b.cq_overflows.val());
        self.flushed += u32::from(b.flushed.val());
        self.dut.tick();
    }

    pub fn cycles(&mut self, count: usize) {
        for _ in 0..count {
            self.cycle();
        }
    }

    /// Until nothing waits any more.
    pub fn drain(&mut self) {
        for _ in 0..50_000 {
            self.cycle();
            if self.jobs.iter().all(VecDeque::is_empty)
                && self.configs.is_empty()
                && self.vi_words.is_empty()
                && self.reserves.is_empty()
                && self.doorbells.is_empty()
                && self.flush.is_none()
                && !self.dut.block().busy.val()
            {
                self.cycles(12);
                return;
            }
        }
        panic!("the completion side does not come to rest");
    }

    /// Sends a record; `late` words wait that many cycles.
    pub fn record(&mut self, source: usize, words: [u32; 8], pause: impl Fn(usize) -> u32) {
        for (index, word) in words.into_iter().enumerate() {
            self.jobs[source].push_back((word, pause(index), index == 7));
        }
    }

    pub fn create_cq(&mut self, cq: u8, log2: u8, iova: u64) {
        self.configs.push_back((cq, log2, iova));
        self.drain();
    }

    /// The CQE at `iova`.
    pub fn cqe(&self, iova: u64) -> [u32; 8] {
        std::array::from_fn(|word| {
            self.memory
                .get(&(iova + 4 * word as u64))
                .copied()
                .unwrap_or(0)
        })
    }
}
