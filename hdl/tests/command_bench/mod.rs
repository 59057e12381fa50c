//! The world around Command: stores from the host, and a TPT, completer and memory that answer at random times.

use std::collections::VecDeque;

use rnic_abi::config::SMALL;
use rnic_abi::registers::{DOORBELL_PAGE_BYTES, RING_OFFSET, SLOTS_OFFSET};
use rnic_hdl::command::Command;
use rnic_verilate::{Dut, Stimulus};

pub type Small = Command<4, 5, 9, 2, 4, 3, 4, 8, 3>;

/// What the world has seen, and how it answers.
pub struct Bench {
    pub dut: Dut<Small>,
    pub random: Stimulus,
    /// Probability that a ready is high.
    pub eager: f64,
    stores: VecDeque<(u8, u32, u32)>,
    sequence: u32,
    pub connected: u16,
    pub flushing: u16,
    /// Answers to the next binds: cycles from the last word, error, field.
    pub bind_answers: VecDeque<(u32, u8, u8)>,
    bind_due: Option<(u32, u8, u8)>,
    bind_words: Vec<(u8, u32)>,
    pub binds: Vec<Vec<(u8, u32)>>,
    /// Answers to the next releases: error, one-shot.
    pub release_answers: VecDeque<(u8, bool)>,
    release_due: Option<(u8, bool)>,
    pub releases: Vec<u32>,
    pub vi_words: Vec<(u8, u8, u32)>,
    pub cqs: Vec<(u8, u8, u64)>,
    pub reserve_ok: bool,
    pub reserves: Vec<u8>,
    pub list_requests: Vec<u64>,
    pub list_error_at: Option<usize>,
    list_due: VecDeque<(u32, bool, bool)>,
    record: Vec<u32>,
    pub records: Vec<[u32; 8]>,
    raw_words: Vec<u32>,
    pub raw: Vec<Vec<u32>>,
    pub events: Vec<(u8, u8)>,
    pub errors: u32,
    pub ring_errors: u32,
    pub overruns: u32,
    pub last_store_cycle: u64,
    pub last_push_cycle: u64,
    was_ready: u16,
}

impl Bench {
    pub fn new(seed: u64, eager: f64) -> Self {
        println!("seed {seed}");
        let dut = Dut::new("command", Small::new(&SMALL), |b| &mut b.clock).unwrap();
        let mut bench = Self {
            dut,
            random: Stimulus::new(seed),
            eager,
            stores: VecDeque::new(),
            sequence: 0,
            connected: 0,
            flushing: 0,
            bind_answers: VecDeque::new(),
            bind_due: None,
            bind_words: Vec::new(),
            binds: Vec::new(),
            release_answers: VecDeque::new(),
            release_due: None,
            releases: Vec::new(),
            vi_words: Vec::new(),
            cqs: Vec::new(),
            reserve_ok: true,
            reserves: Vec::new(),
            list_requests: Vec::new(),
            list_error_at: None,
            list_due: VecDeque::new(),
            record: Vec::new(),
            records: Vec::new(),
            raw_words: Vec::new(),
            raw: Vec::new(),
            events: Vec::new(),
            errors: 0,
            ring_errors: 0,
            overruns: 0,
            last_store_cycle: 0,
            last_push_cycle: 0,
            was_ready: 0,
        };
        bench.dut.drive(|b| b.reset.next = true);
        for _ in 0..4 {
            bench.dut.tick();
        }
        bench.dut.drive(|b| {
            b.reset.next = false;
            b.enable.next = true;
        });
        bench
    }

    /// One cycle of everything.
    pub fn cycle(&mut self) {
        let mut ready = [false; 8];
        for r in &mut ready {
            *r = self.random.chance(self.eager);
        }
        let store = self.stores.front().copied();
        let (connected, flushing, ok) = (self.connected, self.flushing, self.reserve_ok);
        let bind_now = matches!(self.bind_due, Some((0, ..)));
        let bind_due = self.bind_due;
        let release_due = self.release_due.filter(|_| ready[6]);
        let list_now = self.list_due.front().copied().filter(|_| ready[7]);
        self.dut.drive(|b| {
            b.ring_store.valid.next = false;
            b.doorbell_store.valid.next = false;
            if let Some((bar, offset, data)) = store {
                let port = if bar == 4 {
                    &mut b.ring_store
                } else {
                    &mut b.doorbell_store
                };
                port.valid.next = true;
                port.offset.next = u64::from(offset).into();
                port.data.next = u64::from(data).into();
            }
            b.connected.next = u64::from(connected).into();
            b.flushing.next = u64::from(flushing).into();
            b.bind.ready.next = ready[0];
            b.release.ready.next = ready[1];
            b.vi_config.ready.next = ready[2];
            b.cq_config.ready.next = ready[3];
            b.cq_reserve.ready.next = ready[4];
            b.cq_reserve.ok.next = ok;
            b.list_request.ready.next = ready[5];
            b.complete.ready.next = ready[6];
            b.raw_send.ready.next = ready[7];
            b.event.ready.next = ready[0];
            b.bind_result.valid.next = bind_now;
            if let Some((_, error, field)) = bind_due {
                b.bind_result.error.next = u64::from(error).into();
                b.bind_result.field.next = u64::from(field).into();
            }
            b.release_result.valid.next = release_due.is_some();
            if let Some((error, one_shot)) = release_due {
                b.release_result.error.next = u64::from(error).into();
                b.release_result.one_shot.next = one_shot;
            }
            b.list_data.valid.next = list_now.is_some();
            if let Some((data, last, error)) = list_now {
                b.list_data.data.next = u64::from(data).into();
                b.list_data.last.next = last;
                b.list_data.error.next = error;
            }
        });
        self.dut.settle();
        let cycle = self.dut.cycle();
        if let Some((due, ..)) = &mut self.bind_due {
            if bind_now {
                self.bind_due = None;
            } else {
                *due -= 1;
            }
        }
        let b = self.dut.block();
        if let Some((bar, ..)) = store {
            let taken = if bar == 4 {
                b.ring_store.ready.val()
            } else {
                b.doorbell_store.ready.val()
            };
            if taken {
                self.stores.pop_front();
                if self.stores.is_empty() {
                    self.last_store_cycle = cycle;
                }
            }
        }
        if b.bind.valid.val() && ready[0] {
            self.bind_words
                .push((b.bind.index.val().to_u8(), b.bind.data.val().to_u32()));
            if b.bind.last.val() {
                self.binds.push(std::mem::take(&mut self.bind_words));
                let later = 3 + self.random.below(20) as u32;
                self.bind_due = Some(self.bind_answers.pop_front().unwrap_or((later, 0, 0)));
            }
        }
        if release_due.is_some() && b.release_result.ready.val() {
            self.release_due = None;
        }
        if b.release.valid.val() && ready[1] {
            assert!(b.release.force.val() && !b.release.peek.val());
            self.releases.push(b.release.stag.val().to_u32());
            self.release_due = Some(self.release_answers.pop_front().unwrap_or((0, false)));
        }
        if b.vi_config.valid.val() && ready[2] {
            self.vi_words.push((
                b.vi_config.vi.val().to_u8(),
                b.vi_config.word.val().to_u8(),
                b.vi_config.data.val().to_u32(),
            ));
        }
        if b.cq_config.valid.val() && ready[3] {
            self.cqs.push((
                b.cq_config.cq.val().to_u8(),
                b.cq_config.entries_log2.val().to_u8(),
                b.cq_config.iova.val().to_u64(),
            ));
        }
        if b.cq_reserve.valid.val() && ready[4] {
            self.reserves.push(b.cq_reserve.cq.val().to_u8());
        }
        if list_now.is_some() {
            self.list_due.pop_front();
        }
        if b.list_request.valid.val() && ready[5] {
            let iova = b.list_request.iova.val().to_u64();
            assert_eq!(b.list_request.bytes.val().to_u64(), 32);
            if self.list_error_at == Some(self.list_requests.len()) {
                self.list_due.push_back((0, true, true));
            } else {
                for word in 0..8 {
                    self.list_due
                        .push_back((list_word(iova + 4 * word), word == 7, false));
                }
            }
            self.list_requests.push(iova);
        }
        if b.complete.valid.val() && ready[6] {
            self.record.push(b.complete.data.val().to_u32());
            assert_eq!(b.complete.last.val(), self.record.len() == 8);
            if self.record.len() == 8 {
                self.records
                    .push(std::mem::take(&mut self.record).try_into().unwrap());
            }
        }
        if b.raw_send.valid.val() && ready[7] {
            self.raw_words.push(b.raw_send.data.val().to_u32());
            if b.raw_send.last.val() {
                self.raw.push(std::mem::take(&mut self.raw_words));
            }
        }
        if b.event.valid.val() && ready[0] {
            self.events
                .push((b.event.vi.val().to_u8(), b.event.event.val().to_u8()));
        }
        self.errors += u32::from(b.command_errors.val());
        self.ring_errors += u32::from(b.ring_errors.val());
        self.overruns += u32::from(b.queue_overruns.val());
        let now_ready = b.send_ready.val().to_u16();
        if now_ready & !self.was_ready != 0 {
            self.last_push_cycle = cycle;
        }
        self.was_ready = now_ready;
        self.dut.tick();
    }

    pub fn cycles(&mut self, count: usize) {
        for _ in 0..count {
            self.cycle();
        }
    }

    /// Until no store waits and no command is under way.
    pub fn drain(&mut self) {
        for _ in 0..20_000 {
            self.cycle();
            if self.stores.is_empty() && !self.dut.block().busy.val() {
                self.cycles(3);
                return;
            }
        }
        panic!("the command side does not come to rest");
    }

    pub fn store(&mut self, bar: u8, offset: u32, data: u32) {
        self.stores.push_back((bar, offset, data));
    }

    /// Writes words from word 0 of slot `slot` on.
    pub fn write_slot(&mut self, slot: u32, words: &[u32]) {
        for (word, &data) in words.iter().enumerate() {
            self.store(4, SLOTS_OFFSET + slot * 128 + 4 * word as u32, data);
        }
    }

    /// The ring entry, which is the doorbell.
    pub fn ring(&mut self, slot: u32, count: u32) {
        let offset = RING_OFFSET + 8 * (self.sequence % 16);
        self.store(4, offset, slot | count << 16);
        self.store(4, offset + 4, self.sequence);
        self.sequence += 1;
    }

    pub fn post(&mut self, slot: u32, words: &[u32]) {
        self.write_slot(slot, words);
        self.ring(slot, (words.len() as u32).div_ceil(32).max(1));
    }

    /// Posts a command and waits for its record.
    pub fn command(&mut self, words: &[u32]) -> Option<[u32; 8]> {
        let before = self.records.len();
        let slot = self.random.below(13) as u32;
        self.post(slot, words);
        self.drain();
        assert!(
            self.records.len() - before <= 1,
            "{:x?}",
            &self.records[before..]
        );
        self.records.get(before).copied()
    }

    pub fn doorbell(&mut self, vi: u32, receive: bool, va: u64, handle: u32, sequence: u32) {
        let page = vi * DOORBELL_PAGE_BYTES as u32 + 0x10 * u32::from(receive);
        for (word, data) in [va as u32, (va >> 32) as u32, handle, sequence]
            .into_iter()
            .enumerate()
        {
            self.store(2, page + 4 * word as u32, data);
        }
    }

    /// Reads an entry through port `port`.
    pub fn read(&mut self, port: usize, vi: u8, receive: bool, which: u8, index: u8) -> [u32; 4] {
        self.dut.drive(|b| {
            let request = &mut b.queue_read[port];
            request.vi.next = u64::from(vi).into();
            request.receive.next = receive;
            request.which.next = u64::from(which).into();
            request.index.next = u64::from(index).into();
            request.valid.next = true;
        });
        let mut words = Vec::new();
        for _ in 0..500 {
            let take = self.random.chance(self.eager);
            self.dut.drive(|b| b.queue_data[port].ready.next = take);
            self.dut.settle();
            let b = self.dut.block();
            let accepted = b.queue_read[port].valid.val() && b.queue_read[port].ready.val();
            if b.queue_data[port].valid.val() && take {
                words.push(b.queue_data[port].data.val().to_u32());
                assert_eq!(b.queue_data[port].last.val(), words.len() == 4);
            }
            self.cycle();
            self.dut.drive(|b| b.queue_data[port].ready.next = false);
            if accepted {
                self.dut.drive(|b| b.queue_read[port].valid.next = false);
            }
            if words.len() == 4 {
                return words.try_into().unwrap();
            }
        }
        panic!("no entry came");
    }

    /// The oldest send entry is taken and done.
    pub fn retire_send(&mut self, vi: u8) {
        self.dut.drive(|b| {
            b.send_done[0].vi.next = u64::from(vi).into();
            b.send_done[0].valid.next = true;
        });
        self.cycle();
        self.dut.drive(|b| b.send_done[0].valid.next = false);
    }

    pub fn parity(&self) -> u32 {
        self.dut.block().slot_parity.val().to_u32()
    }

    /// Creates a connected VI with its send CQ.
    pub fn connect(&mut self, vi: u32, send_cq: u32) {
        let mut words = [0; 16];
        words[0] = 6 | vi << 16;
        words[2] = 1;
        words[4] = 0x77;
        words[5] = send_cq | 2 << 16;
        assert_eq!(self.command(&words), None);
        self.connected |= 1 << vi;
    }
}

/// What host memory holds at `iova`.
pub fn list_word(iova: u64) -> u32 {
    (iova as u32).wrapping_mul(0x9E37_79B1)
}
