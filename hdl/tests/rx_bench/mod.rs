//! The receive composite with models of all its neighbours, in Rust and in Verilog at once.
//!
//! Memory is one array of which every byte is compared at the end: what was not expected to change is a guard byte.
#![allow(dead_code)]

pub mod wire;

use std::collections::{BTreeMap, VecDeque};

use rnic_hdl::rx::receive::Receive;
use rnic_verilate::{Dut, Stimulus};

use wire::{link, Link};

/// Bytes of the host's memory; IOVA 0 is its first byte.
pub const MEMORY_BYTES: usize = 1 << 17;

/// A region the TPT model knows: `to` from `base` on maps to `iova` on.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    pub base: u64,
    pub iova: u64,
    pub bytes: u64,
    pub access: u8,
    /// Most bytes in one piece.
    pub split: u64,
}

/// What a release of an STag answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Binding {
    pub one_shot: bool,
    pub context: u32,
    pub reply_handle: u32,
    pub reply_va: u64,
    pub reply_length: u32,
}

/// One AckOwed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    pub vi: u8,
    pub sequence: u32,
    pub now: bool,
    pub nak: bool,
}

#[derive(Default)]
struct Client {
    pieces: VecDeque<(u64, u8, u64, u64, bool)>,
}

#[derive(Default)]
struct Sink {
    words: Vec<u32>,
    records: VecDeque<Vec<u32>>,
}

impl Sink {
    fn take(&mut self, word: u32, last: bool) {
        self.words.push(word);
        if last {
            self.records.push_back(std::mem::take(&mut self.words));
        }
    }
}

/// See the module.
pub struct Bench<const V: usize, const F: usize, const F1: usize, const P: usize, const C: usize> {
    pub dut: Dut<Receive<V, F, F1, P, C>>,
    pub random: Stimulus,
    /// Probability of each `ready` and of a word on the wire.
    pub pace: f64,
    pub tpt_delay: u64,
    pub memory: Vec<u8>,
    pub expected: Vec<u8>,
    pub regions: BTreeMap<u32, Region>,
    pub bindings: BTreeMap<u32, Binding>,
    pub queues: BTreeMap<u8, VecDeque<(u32, u64)>>,
    pub connected: u16,
    pub frames: VecDeque<(u32, bool)>,
    pub read_out: VecDeque<(u32, bool)>,
    pub stop: Option<u8>,
    pub raw_ring: (u64, u32, u32),
    /// Transmit does not begin to take Read Requests: its queue of that VI is full.
    pub read_in_full: bool,
    /// Transmit takes no Terminate: the wire stands still.
    pub terminate_stuck: bool,
    /// Cycles from a release or a look at an STag to its answer.
    pub release_delay: u64,
    /// Cycles from a descriptor's read to its first word.
    pub read_delay: u64,
    /// Next stream byte of each VI's peer.
    pub sequence: [u32; 16],
    pub counters: BTreeMap<&'static str, u32>,
    pub acks: VecDeque<(u8, u32, bool)>,
    pub owed: Vec<Owed>,
    pub vi_errors: VecDeque<(u8, u8)>,
    pub events: VecDeque<(u8, u8)>,
    pub receive_done: Vec<u8>,
    pub read_done: Vec<u8>,
    pub releases: Vec<u32>,
    pub last_wire_cycle: u64,
    pub last_write_cycle: u64,
    pub last_complete_cycle: u64,
    pub first_write_cycle: u64,
    pub bursts: u32,
    config: VecDeque<(u8, u8, u32)>,
    clients: [Client; 2],
    reads: VecDeque<(u64, u32, bool)>,
    queue_words: VecDeque<(u32, bool)>,
    release: Option<(u64, u8, Binding)>,
    epoch: bool,
    burst: Vec<u32>,
    complete: Sink,
    terminate: Sink,
    read_in: Sink,
    wire_valid: bool,
}

impl<const V: usize, const F: usize, const F1: usize, const P: usize, const C: usize>
    Bench<V, F, F1, P, C>
{
    pub fn new(name: &str, block: Receive<V, F, F1, P, C>, seed: u64) -> Self {
        println!("{name}: seed {seed}");
        let mut random = Stimulus::new(seed);
        let memory: Vec<u8> = (0..MEMORY_BYTES).map(|_| random.below(256) as u8).collect();
        let mut bench = Self {
            dut: Dut::new(name, block, |b| &mut b.clock).unwrap(),
            random,
            pace: 1.0,
            tpt_delay: 6,
            expected: memory.clone(),
            memory,
            regions: BTreeMap::new(),
            bindings: BTreeMap::new(),
            queues: BTreeMap::new(),
            connected: 0,
            frames: VecDeque::new(),
            read_out: VecDeque::new(),
            stop: None,
            raw_ring: (0, 0, 0),
            read_in_full: false,
            terminate_stuck: false,
            release_delay: 4,
            read_delay: 8,
            sequence: [0; 16],
            counters: BTreeMap::new(),
            acks: VecDeque::new(),
            owed: vec![],
            vi_errors: VecDeque::new(),
            events: VecDeque::new(),
            receive_done: vec![],
            read_done: vec![],
            releases: vec![],
            last_wire_cycle: 0,
            last_write_cycle: 0,
            last_complete_cycle: 0,
            first_write_cycle: 0,
            bursts: 0,
            config: VecDeque::new(),
            clients: Default::default(),
            reads: VecDeque::new(),
            queue_words: VecDeque::new(),
            release: None,
            epoch: false,
            burst: vec![],
            complete: Sink::default(),
            terminate: Sink::default(),
            read_in: Sink::default(),
            wire_valid: false,
        };
        bench.dut.drive(|b| b.reset.next = true);
        for _ in 0..4 {
            bench.dut.tick();
        }
        bench.dut.drive(|b| b.reset.next = false);
        bench
    }

    /// Connects VI `vi` to the peer's VI `vi + 1`, receive sequence `sequence`; send CQ 2 * vi, receive CQ 2 * vi + 1.
    pub fn connect(&mut self, vi: u8, reliability: u8, sequence: u32) {
        let queues =
            (u32::from(vi) * 2) | ((u32::from(vi) * 2 + 1) << 8) | (u32::from(reliability) << 16);
        let peer = u32::from(vi + 1) | 1 << 8;
        for (word, data) in [
            (2, 1),
            (4, 7),
            (5, queues),
            (6, peer),
            (7, 0),
            (8, sequence),
            (9, 0),
        ] {
            self.config.push_back((vi, word, data));
        }
        self.sequence[usize::from(vi)] = sequence;
        while !self.config.is_empty() {
            self.cycle();
        }
        self.connected |= 1 << vi;
        self.cycle();
    }

    /// Puts a data frame for `vi` on the wire, in sequence.
    pub fn send(&mut self, vi: u8, fpdu: &[u8]) {
        let sequence = self.sequence[usize::from(vi)];
        self.send_at(vi, sequence, fpdu);
        self.sequence[usize::from(vi)] = sequence.wrapping_add(fpdu.len() as u32);
    }

    pub fn send_at(&mut self, vi: u8, sequence: u32, fpdu: &[u8]) {
        let header = Link {
            kind: 0xD1,
            flags: 0,
            vi,
            from: vi + 1,
            sequence,
            acknowledged: 77,
        };
        self.put(link(header, fpdu));
    }

    pub fn put(&mut self, words: Vec<u32>) {
        let count = words.len();
        self.frames.extend(
            words
                .into_iter()
                .enumerate()
                .map(|(i, w)| (w, i + 1 == count)),
        );
    }

    /// Gives the board a read of `size` bytes, outstanding on `vi`.
    pub fn read(&mut self, vi: u8, stag: u32, to: u64, size: u32) {
        let words = [
            u32::from(vi) | 1 << 16,
            stag,
            to as u32,
            (to >> 32) as u32,
            size,
            0,
            0,
            0,
        ];
        self.read_out
            .extend(words.into_iter().enumerate().map(|(i, w)| (w, i == 7)));
    }

    /// Writes a receive descriptor at `va` (in region `handle`, whose base is its IOVA) and posts it.
    pub fn post(&mut self, vi: u8, handle: u32, va: u64, segments: &[(u64, u32, u32)]) {
        let region = self.regions[&handle];
        let mut bytes = vec![0_u8; 32];
        bytes[12..14].copy_from_slice(&(segments.len() as u16).to_le_bytes());
        for &(va, handle, length) in segments {
            bytes.extend(va.to_le_bytes());
            bytes.extend(handle.to_le_bytes());
            bytes.extend(length.to_le_bytes());
        }
        let at = (va - region.base + region.iova) as usize;
        self.memory[at..at + bytes.len()].copy_from_slice(&bytes);
        self.expected[at..at + bytes.len()].copy_from_slice(&bytes);
        self.queues.entry(vi).or_default().push_back((handle, va));
    }

    /// What memory must hold.
    pub fn expect(&mut self, iova: u64, bytes: &[u8]) {
        self.expected[iova as usize..iova as usize + bytes.len()].copy_from_slice(bytes);
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.random.below(256) as u8).collect()
    }

    pub fn completions(&mut self) -> Vec<Vec<u32>> {
        self.complete.records.drain(..).collect()
    }

    pub fn terminates(&mut self) -> Vec<Vec<u32>> {
        self.terminate.records.drain(..).collect()
    }

    pub fn requests(&mut self) -> Vec<Vec<u32>> {
        self.read_in.records.drain(..).collect()
    }

    pub fn count(&self, counter: &str) -> u32 {
        self.counters.get(counter).copied().unwrap_or(0)
    }

    /// Runs until nothing has moved for a while, and compares memory.
    #[track_caller]
    pub fn finish(&mut self) {
        let mut quiet = 0;
        let start = self.dut.cycle();
        while quiet < 40 {
            assert!(self.dut.cycle() - start < 60_000, "it never comes to rest");
            self.cycle();
            let idle = self.frames.is_empty()
                && self.read_out.is_empty()
                && !self.dut.block().busy.val()
                && !self.dut.block().complete.valid.val();
            quiet = if idle { quiet + 1 } else { 0 };
        }
        if let Some(at) = (0..MEMORY_BYTES).find(|&at| self.memory[at] != self.expected[at]) {
            panic!(
                "byte {at:#x} is {:#x}, expected {:#x}",
                self.memory[at], self.expected[at]
            );
        }
    }

    fn admit(&self, stag: u32, to: u64, length: u64, access: u8) -> Result<(Region, u64), u8> {
        let region = self.regions.get(&stag).ok_or(1)?;
        if region.access & access == 0 {
            return Err(4);
        }
        let end = to.checked_add(length).ok_or(6)?;
        if to < region.base || end > region.base + region.bytes {
            return Err(5);
        }
        Ok((*region, region.iova + (to - region.base)))
    }

    fn pieces(
        &self,
        ready_at: u64,
        stag: u32,
        to: u64,
        length: u64,
        access: u8,
    ) -> Vec<(u64, u8, u64, u64, bool)> {
        match self.admit(stag, to, length, access) {
            Err(error) => vec![(ready_at, error, 0, 0, true)],
            Ok((region, mut iova)) => {
                let mut left = length;
                let mut pieces = vec![];
                while pieces.is_empty() || left > 0 {
                    let bytes = left.min(region.split).min(4096 - iova % 4096);
                    pieces.push((ready_at, 0, iova, bytes, left == bytes));
                    iova += bytes;
                    left -= bytes;
                }
                pieces
            }
        }
    }

    /// One clock cycle: set what the neighbours say, see what moves, tick.
    pub fn cycle(&mut self) {
        let now = self.dut.cycle();
        let pace = self.pace;
        let mut coin = || self.random.chance(pace);
        let (r0, r1, r2, r3, r4, r5, r6, r7) = (
            coin(),
            coin(),
            coin(),
            coin(),
            coin(),
            coin(),
            coin(),
            coin(),
        );
        if !self.wire_valid {
            self.wire_valid = coin();
        }
        let frame = self.frames.front().copied().filter(|_| self.wire_valid);
        let config = self.config.front().copied();
        let read_word = self.reads.front().copied().filter(|r| r.0 <= now);
        let queue_word = self.queue_words.front().copied();
        let read_out = self.read_out.front().copied();
        // A release drains: its answer waits for the accesses of the epoch that it ended.
        let drain = &self.dut.block();
        let busy = drain.place_drain.busy.val().to_u32() | drain.prefetch_drain.busy.val().to_u32();
        let drained = busy >> u32::from(!self.epoch) & 1 == 0;
        let epoch = self.epoch;
        let release = self.release.filter(|r| r.0 <= now && drained);
        let release_free = self.release.is_none();
        let pieces: Vec<_> = self
            .clients
            .iter()
            .map(|c| c.pieces.front().copied().filter(|p| p.0 <= now))
            .collect();
        let tpt_free: Vec<_> = self.clients.iter().map(|c| c.pieces.is_empty()).collect();
        let ready_mask = self
            .queues
            .iter()
            .filter(|(_, q)| !q.is_empty())
            .fold(0_u64, |mask, (vi, _)| mask | 1 << vi);
        let (connected, stop, raw_ring) = (self.connected, self.stop, self.raw_ring);
        let read_in_full = self.read_in_full && self.read_in.words.is_empty();
        let terminate_stuck = self.terminate_stuck;
        self.dut.drive(|b| {
            b.connected.next = u64::from(connected).into();
            b.receive_ready.next = ready_mask.into();
            b.frames.valid.next = frame.is_some();
            b.frames.data.next = u64::from(frame.unwrap_or_default().0).into();
            b.frames.last.next = frame.unwrap_or_default().1;
            b.vi_config.valid.next = config.is_some();
            if let Some((vi, word, data)) = config {
                b.vi_config.vi.next = u64::from(vi).into();
                b.vi_config.word.next = u64::from(word).into();
                b.vi_config.data.next = u64::from(data).into();
            }
            b.place_request.ready.next = r0 && tpt_free[0];
            b.prefetch_request.ready.next = r1 && tpt_free[1];
            b.place_piece.valid.next = pieces[0].is_some();
            if let Some((_, error, iova, bytes, last)) = pieces[0] {
                b.place_piece.error.next = u64::from(error).into();
                b.place_piece.iova.next = iova.into();
                b.place_piece.bytes.next = bytes.into();
                b.place_piece.last.next = last;
            }
            b.prefetch_piece.valid.next = pieces[1].is_some();
            if let Some((_, error, iova, bytes, last)) = pieces[1] {
                b.prefetch_piece.error.next = u64::from(error).into();
                b.prefetch_piece.iova.next = iova.into();
                b.prefetch_piece.bytes.next = bytes.into();
                b.prefetch_piece.last.next = last;
            }
            b.stag_release.ready.next = r2 && release_free;
            b.place_drain.epoch.next = epoch;
            b.prefetch_drain.epoch.next = epoch;
            b.release_result.valid.next = release.is_some();
            if let Some((_, error, binding)) = release {
                b.release_result.error.next = u64::from(error).into();
                b.release_result.one_shot.next = binding.one_shot;
                b.release_result.context.next = u64::from(binding.context).into();
                b.release_result.reply_handle.next = u64::from(binding.reply_handle).into();
                b.release_result.reply_va.next = binding.reply_va.into();
                b.release_result.reply_length.next = u64::from(binding.reply_length).into();
            }
            b.read_request.ready.next = r3;
            b.read_data.valid.next = read_word.is_some();
            b.read_data.data.next = u64::from(read_word.unwrap_or_default().1).into();
            b.read_data.last.next = read_word.unwrap_or_default().2;
            b.queue_read.ready.next = r4;
            b.queue_data.valid.next = queue_word.is_some();
            b.queue_data.data.next = u64::from(queue_word.unwrap_or_default().0).into();
            b.queue_data.last.next = queue_word.unwrap_or_default().1;
            b.read_out.valid.next = read_out.is_some();
            b.read_out.data.next = u64::from(read_out.unwrap_or_default().0).into();
            b.read_out.last.next = read_out.unwrap_or_default().1;
            b.write.ready.next = r5;
            b.complete.ready.next = r6;
            b.ack.ready.next = r7;
            b.terminate.ready.next = r7 && !terminate_stuck;
            b.read_in.ready.next = r7 && !read_in_full;
            b.vi_error.ready.next = r7;
            b.event.ready.next = r7;
            b.stop.valid.next = stop.is_some();
            b.stop.vi.next = u64::from(stop.unwrap_or_default()).into();
            b.raw_ring_iova.next = raw_ring.0.into();
            b.raw_ring_entries.next = u64::from(raw_ring.1).into();
            b.raw_consumed.next = u64::from(raw_ring.2).into();
        });
        self.dut.settle();
        self.observe(now, ready_mask);
        self.dut.tick();
    }

    fn observe(&mut self, now: u64, ready_mask: u64) {
        let b = self.dut.block();
        if b.frames.valid.val() && b.frames.ready.val() {
            self.frames.pop_front();
            self.wire_valid = false;
            self.last_wire_cycle = now;
        }
        if b.vi_config.valid.val() && b.vi_config.ready.val() {
            self.config.pop_front();
        }
        let place = &b.place_request;
        let mut admitted = vec![];
        if place.valid.val() && place.ready.val() {
            admitted.push((
                0,
                place.stag.val().to_u32(),
                place.to.val().to_u64(),
                place.length.val().to_u64(),
                place.access.val().to_u32() as u8,
            ));
        }
        let fetch = &b.prefetch_request;
        if fetch.valid.val() && fetch.ready.val() {
            admitted.push((
                1,
                fetch.stag.val().to_u32(),
                fetch.to.val().to_u64(),
                fetch.length.val().to_u64(),
                fetch.access.val().to_u32() as u8,
            ));
        }
        if b.place_piece.valid.val() && b.place_piece.ready.val() {
            self.clients[0].pieces.pop_front();
        }
        if b.prefetch_piece.valid.val() && b.prefetch_piece.ready.val() {
            self.clients[1].pieces.pop_front();
        }
        for (client, stag, to, length, access) in admitted {
            let pieces = self.pieces(now + self.tpt_delay, stag, to, length, access);
            self.clients[client].pieces.extend(pieces);
        }
        let b = self.dut.block();
        if b.release_result.valid.val() && b.release_result.ready.val() {
            self.release = None;
        }
        if b.stag_release.valid.val() && b.stag_release.ready.val() {
            let stag = b.stag_release.stag.val().to_u32();
            let answer = match self.bindings.get(&stag) {
                Some(&binding) => (now + self.release_delay, 0, binding),
                None => (now + self.release_delay, 1, Binding::default()),
            };
            if !b.stag_release.peek.val() {
                self.epoch = !self.epoch;
                self.bindings.remove(&stag);
                self.releases.push(stag);
            }
            self.release = Some(answer);
        }
        if b.read_data.valid.val() {
            self.reads.pop_front();
        }
        if b.read_request.valid.val() && b.read_request.ready.val() {
            let iova = b.read_request.iova.val().to_u64() as usize;
            let bytes = b.read_request.bytes.val().to_u64() as usize;
            let (first, end) = (iova / 4, (iova + bytes).div_ceil(4));
            for word in first..end {
                let value =
                    u32::from_le_bytes(self.memory[4 * word..4 * word + 4].try_into().unwrap());
                self.reads
                    .push_back((now + self.read_delay, value, word + 1 == end));
            }
        }
        if b.queue_data.valid.val() && b.queue_data.ready.val() {
            self.queue_words.pop_front();
        }
        if b.queue_read.valid.val() && b.queue_read.ready.val() {
            assert!(b.queue_read.receive.val());
            assert_eq!(b.queue_read.which.val().to_u32(), 1);
            let vi = b.queue_read.vi.val().to_u32() as u8;
            assert!(ready_mask >> vi & 1 == 1);
            let (handle, va) = self.queues[&vi][0];
            let words = [
                (0, false),
                (handle, false),
                (va as u32, false),
                ((va >> 32) as u32, true),
            ];
            self.queue_words.extend(words);
        }
        if b.receive_next.valid.val() {
            let vi = b.receive_next.vi.val().to_u32() as u8;
            self.queues.get_mut(&vi).unwrap().pop_front().unwrap();
        }
        if b.read_out.valid.val() && b.read_out.ready.val() {
            self.read_out.pop_front();
        }
        if b.write.valid.val() && b.write.ready.val() {
            if self.burst.is_empty() {
                self.first_write_cycle = now;
            }
            self.burst.push(b.write.data.val().to_u32());
            self.last_write_cycle = now;
            if b.write.last.val() {
                self.bursts += 1;
                let iova = b.write.iova.val().to_u64() as usize;
                let bytes = b.write.bytes.val().to_u64() as usize;
                assert!(bytes >= 1 && iova / 4096 == (iova + bytes - 1) / 4096);
                assert_eq!(
                    self.burst.len(),
                    (iova % 4 + bytes).div_ceil(4),
                    "words of a burst"
                );
                let data: Vec<u8> = self.burst.drain(..).flat_map(u32::to_le_bytes).collect();
                self.memory[iova..iova + bytes].copy_from_slice(&data[iova % 4..iova % 4 + bytes]);
            }
        }
        if b.complete.valid.val() && b.complete.ready.val() {
            self.complete
                .take(b.complete.data.val().to_u32(), b.complete.last.val());
            self.last_complete_cycle = now;
        }
        if b.terminate.valid.val() && b.terminate.ready.val() {
            self.terminate
                .take(b.terminate.data.val().to_u32(), b.terminate.last.val());
        }
        if b.read_in.valid.val() && b.read_in.ready.val() {
            self.read_in
                .take(b.read_in.data.val().to_u32(), b.read_in.last.val());
        }
        if b.ack.valid.val() && b.ack.ready.val() {
            self.acks.push_back((
                b.ack.vi.val().to_u32() as u8,
                b.ack.sequence.val().to_u32(),
                b.ack.nak.val(),
            ));
        }
        if b.ack_owed.valid.val() {
            self.owed.push(Owed {
                vi: b.ack_owed.vi.val().to_u32() as u8,
                sequence: b.ack_owed.sequence.val().to_u32(),
                now: b.ack_owed.now.val(),
                nak: b.ack_owed.nak.val(),
            });
        }
        if b.vi_error.valid.val() && b.vi_error.ready.val() {
            self.vi_errors.push_back((
                b.vi_error.vi.val().to_u32() as u8,
                b.vi_error.event.val().to_u32() as u8,
            ));
        }
        if b.event.valid.val() && b.event.ready.val() {
            self.events.push_back((
                b.event.vi.val().to_u32() as u8,
                b.event.event.val().to_u32() as u8,
            ));
        }
        if b.receive_done.valid.val() {
            self.receive_done
                .push(b.receive_done.vi.val().to_u32() as u8);
        }
        if b.read_done.valid.val() {
            self.read_done.push(b.read_done.vi.val().to_u32() as u8);
        }
        if b.stop.valid.val() && b.stop.ready.val() {
            self.stop = None;
        }
        for (name, pulse) in [
            ("llp_receive", b.llp_receive.fire.val()),
            ("mpa_check", b.mpa_check.fire.val()),
            ("ddp_parse", b.ddp_parse.fire.val()),
            ("place", b.place.fire.val()),
            ("descriptor_fetch", b.descriptor_fetch.fire.val()),
            ("link_header_errors", b.link_header_errors.val()),
            ("link_duplicates", b.link_duplicates.val()),
            ("link_gaps", b.link_gaps.val()),
            ("link_unknown_vi", b.link_unknown_vi.val()),
            ("mpa_crc_errors", b.mpa_crc_errors.val()),
            ("ddp_errors", b.ddp_errors.val()),
            ("rdmap_errors", b.rdmap_errors.val()),
            ("remote_protection_errors", b.remote_protection_errors.val()),
            ("local_protection_errors", b.local_protection_errors.val()),
            ("invalidate_refusals", b.invalidate_refusals.val()),
            ("receive_queue_empty", b.receive_queue_empty.val()),
            ("terminates_received", b.terminates_received.val()),
            ("raw_received", b.raw_received.val()),
            ("raw_dropped", b.raw_dropped.val()),
        ] {
            *self.counters.entry(name).or_default() += u32::from(pulse);
        }
    }
}
