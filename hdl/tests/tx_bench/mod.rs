//! Transmit's neighbours, as models: work queues, slot RAM, a TPT that grants identity, host memory, the wire, the peer's acks.
//!
//! The models keep the contracts of `interfaces.rs` and nothing more: latency and backpressure are random where a contract
//! allows it. Frames are taken apart here with an encoder and CRC that share nothing with the gateware.

use std::collections::{HashMap, HashSet, VecDeque};

use rnic_verilate::{Dut, Stimulus};

use crate::{Transmit, CONFIG};

pub const VIS: usize = CONFIG.vis();
pub const DEPTH: usize = CONFIG.queue_depth();

/// CRC32c, bit by bit (RFC 3720).
pub fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &b in bytes {
        crc ^= u32::from(b);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0x82F6_3B78
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

/// A link frame as it left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub peer: u8,
    pub vi: u8,
    pub sequence: u32,
    pub acknowledged: u32,
    pub body: Vec<u8>,
    /// The FPDU's CRC is right.
    pub good: bool,
    pub first_cycle: u64,
    pub last_cycle: u64,
}

impl Frame {
    fn parse(words: &[u32], first_cycle: u64, last_cycle: u64) -> Frame {
        assert!(words.len() >= 5, "short frame {words:x?}");
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        assert_eq!(
            crc32c(&bytes[..16]),
            words[4],
            "link header CRC of {words:x?}"
        );
        let body = bytes[20..].to_vec();
        assert_eq!(words[3] as usize, body.len(), "byte count of {words:x?}");
        let good = body.is_empty()
            || crc32c(&body[..body.len() - 4]).to_le_bytes() == body[body.len() - 4..];
        Frame {
            kind: words[0] as u8,
            flags: (words[0] >> 8) as u8,
            peer: (words[0] >> 16) as u8,
            vi: (words[0] >> 24) as u8,
            sequence: words[1],
            acknowledged: words[2],
            body,
            good,
            first_cycle,
            last_cycle,
        }
    }
}

fn fpdu(header: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut out = ((header.len() + payload.len()) as u16)
        .to_be_bytes()
        .to_vec();
    out.extend_from_slice(header);
    out.extend_from_slice(payload);
    while out.len() % 4 != 0 {
        out.push(0);
    }
    let crc = crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

/// FPDUs of an untagged message (RFC 5041 section 4.3), `rdmap` being the RDMAP control byte.
pub fn untagged(
    rdmap: u8,
    field: u32,
    qn: u32,
    msn: u32,
    message: &[u8],
    most: usize,
) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut mo = 0;
    loop {
        let end = message.len().min(mo + most);
        let last = end == message.len();
        let mut header = vec![if last { 0x41 } else { 0x01 }, rdmap];
        for word in [field, qn, msn, mo as u32] {
            header.extend_from_slice(&word.to_be_bytes());
        }
        out.push(fpdu(&header, &message[mo..end]));
        if last {
            return out;
        }
        mo = end;
    }
}

/// FPDUs of a tagged message (RFC 5041 section 4.2).
pub fn tagged(rdmap: u8, stag: u32, to: u64, message: &[u8], most: usize) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        let end = message.len().min(at + most);
        let last = end == message.len();
        let mut header = vec![if last { 0xC1 } else { 0x81 }, rdmap];
        header.extend_from_slice(&stag.to_be_bytes());
        header.extend_from_slice(&to.wrapping_add(at as u64).to_be_bytes());
        out.push(fpdu(&header, &message[at..end]));
        if last {
            return out;
        }
        at = end;
    }
}

#[derive(Default)]
struct Vi {
    entries: Vec<[u32; 4]>,
    next: usize,
    done: usize,
    /// Next sequence the peer expects.
    expected: u32,
}

/// A read on its way: words, and whether the bus refuses it.
struct BusRead {
    due: u64,
    words: VecDeque<u32>,
    error: bool,
}

#[derive(Clone, Copy)]
struct Access {
    stag: u32,
    to: u64,
    length: u64,
    due: u64,
}

pub struct Bench {
    pub dut: Dut<Transmit>,
    pub random: Stimulus,
    pub memory: Vec<u8>,
    pub slots: Vec<u32>,
    vis: Vec<Vi>,
    queue_words: VecDeque<u32>,
    slot_data: u32,
    tpt: [Option<Access>; 2],
    bus: [VecDeque<BusRead>; 2],
    wire: Vec<u32>,
    wire_first: u64,
    records: Vec<u32>,
    read_out_words: Vec<u32>,
    /// Words to drive on read_in, terminate, raw_send.
    pub read_in: VecDeque<(u32, bool)>,
    pub terminate: VecDeque<(u32, bool)>,
    pub raw: VecDeque<(u32, bool)>,
    pub acks: VecDeque<(u64, u8, u32, bool)>,
    pub owed: VecDeque<(u8, u32, bool, bool)>,
    pub read_done: VecDeque<u8>,
    pub frames: Vec<Frame>,
    pub completions: Vec<[u32; 8]>,
    pub reads: Vec<[u32; 8]>,
    pub freed: Vec<(u8, u8)>,
    pub vi_errors: Vec<(u8, u8)>,
    pub events: Vec<(u8, u8)>,
    pub counts: HashMap<&'static str, u32>,
    pub refused: HashMap<u32, u8>,
    pub broken_iova: HashSet<u64>,
    pub checked: Vec<(u32, u64, u16, u8)>,
    pub connected: u16,
    /// Wire, bus and queue are ready with this probability; latencies are random below 1.
    pub ready: f64,
    pub dma_latency: u64,
    pub tpt_latency: u64,
    /// The wire takes words.
    pub wire_open: bool,
    /// Most cycles that a payload piece has waited although the bus was ready.
    pub longest_hold: u64,
    hold: u64,
    /// The peer acknowledges what arrives in order.
    pub auto_ack: bool,
    /// Frames the peer does not see.
    pub lose: HashSet<usize>,
    seen: usize,
    pub stop: Option<u8>,
    query: Option<u8>,
    answer: Option<bool>,
    pub stopped: bool,
}

impl Bench {
    pub fn new(seed: u64) -> Bench {
        println!("seed {seed}");
        let dut = Dut::new("transmit", Transmit::new(&CONFIG), |b| &mut b.clock).unwrap();
        let mut random = Stimulus::new(seed);
        let memory = (0..1 << 16)
            .map(|_| random.bits::<8>().to_u32() as u8)
            .collect();
        let mut bench = Bench {
            dut,
            random,
            memory,
            slots: vec![0; 16 * 32],
            vis: (0..VIS).map(|_| Vi::default()).collect(),
            queue_words: VecDeque::new(),
            slot_data: 0,
            tpt: [None; 2],
            bus: Default::default(),
            wire: Vec::new(),
            wire_first: 0,
            records: Vec::new(),
            read_out_words: Vec::new(),
            read_in: VecDeque::new(),
            terminate: VecDeque::new(),
            raw: VecDeque::new(),
            acks: VecDeque::new(),
            owed: VecDeque::new(),
            read_done: VecDeque::new(),
            frames: Vec::new(),
            completions: Vec::new(),
            reads: Vec::new(),
            freed: Vec::new(),
            vi_errors: Vec::new(),
            events: Vec::new(),
            counts: HashMap::new(),
            refused: HashMap::new(),
            broken_iova: HashSet::new(),
            checked: Vec::new(),
            connected: 0,
            ready: 1.0,
            dma_latency: 0,
            tpt_latency: 6,
            wire_open: true,
            longest_hold: 0,
            hold: 0,
            auto_ack: true,
            lose: HashSet::new(),
            seen: 0,
            stop: None,
            query: None,
            answer: None,
            stopped: false,
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

    /// Configures VI `vi` as word 5 (CQ = vi + 1), 6 (peer = vi + 16, ORD), 7, 8, 9 say, and connects it.
    pub fn connect(&mut self, vi: u8, reliability: u32, sequence: u32) {
        let words = [
            (5, (u32::from(vi) + 1) | (reliability << 16)),
            (6, (u32::from(vi) + 16) | (3 << 8) | 2 << 16 | 2 << 24),
            (7, sequence),
            (8, 0x5000 + u32::from(vi)),
            (9, 1 << 20),
        ];
        for (word, data) in words {
            loop {
                self.dut.drive(|b| {
                    b.vi_config.vi.next = u64::from(vi).into();
                    b.vi_config.word.next = (word as u64).into();
                    b.vi_config.data.next = u64::from(data).into();
                    b.vi_config.valid.next = true;
                });
                self.dut.settle();
                let done = self.dut.block().vi_config.ready.val();
                self.dut.tick();
                if done {
                    break;
                }
            }
        }
        self.dut.drive(|b| b.vi_config.valid.next = false);
        self.vis[vi as usize].expected = sequence;
        self.connected |= 1 << vi;
    }

    /// Posts a queue entry; its index is filled in when it is read.
    pub fn post(&mut self, vi: u8, entry: [u32; 4]) {
        self.vis[vi as usize].entries.push(entry);
    }

    pub fn open_entries(&self, vi: u8) -> usize {
        let v = &self.vis[vi as usize];
        v.entries.len() - v.done
    }

    pub fn put(&mut self, at: usize, words: &[u32]) {
        for (i, w) in words.iter().enumerate() {
            self.memory[at + 4 * i..at + 4 * i + 4].copy_from_slice(&w.to_le_bytes());
        }
    }

    pub fn put_message(&mut self, slot: usize, message: &[u8]) {
        for (i, chunk) in message.chunks(4).enumerate() {
            let mut word = [0xEE; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            self.slots[slot * 32 + 16 + i] = u32::from_le_bytes(word);
        }
    }

    /// Writes a descriptor at `at`: control word, segments {va, handle, length}, the address segment first if any.
    pub fn descriptor(
        &mut self,
        at: usize,
        control: u32,
        remote: Option<(u64, u32)>,
        segments: &[(u64, u32, u32)],
    ) {
        let count = segments.len() + usize::from(remote.is_some());
        let length: u32 = segments.iter().map(|s| s.2).sum();
        let mut words = vec![0, 0, 0, count as u32 | control << 16, 0, 0, length, 0];
        if let Some((va, handle)) = remote {
            words.extend_from_slice(&[va as u32, (va >> 32) as u32, handle, 0]);
        }
        for &(va, handle, length) in segments {
            words.extend_from_slice(&[va as u32, (va >> 32) as u32, handle, length]);
        }
        self.put(at, &words);
    }

    pub fn descriptor_entry(at: usize) -> [u32; 4] {
        [0, 0xD00D, at as u32, 0]
    }

    /// Asks whether an unacknowledged frame has data of TPT entry `index`, as the TPT does before an invalidate.
    pub fn held(&mut self, index: u8) -> bool {
        self.query = Some(index);
        self.until(50, "answer", |b| b.query.is_none());
        self.answer.take().expect("an answer")
    }

    /// Data frames of VI `vi` that have left.
    pub fn data_frames(&self, vi: u8) -> usize {
        let of_vi = |f: &&Frame| f.vi == vi && f.kind == 0xD1;
        self.frames.iter().filter(of_vi).count()
    }

    /// No access is with the TPT.
    pub fn tpt_idle(&self) -> bool {
        self.tpt.iter().all(Option::is_none)
    }

    fn count(&mut self, name: &'static str, hit: bool) {
        if hit {
            *self.counts.entry(name).or_default() += 1;
        }
    }

    pub fn counted(&self, name: &str) -> u32 {
        self.counts.get(name).copied().unwrap_or(0)
    }

    /// One cycle of everything.
    pub fn cycle(&mut self) {
        let now = self.dut.cycle();
        let ready = self.ready;
        let chance = |random: &mut Stimulus| ready >= 1.0 || random.chance(ready);
        let (wire_ready, complete_ready, queue_ready, slot_ready, read_out_ready) = (
            chance(&mut self.random) && self.wire_open,
            chance(&mut self.random),
            chance(&mut self.random),
            chance(&mut self.random),
            chance(&mut self.random),
        );
        let (queue_gives, bus_ready0, bus_ready1, tpt_ready) = (
            chance(&mut self.random),
            chance(&mut self.random),
            chance(&mut self.random),
            chance(&mut self.random),
        );
        let bus_gives = [chance(&mut self.random), chance(&mut self.random)];
        let bus_ready = [bus_ready0, bus_ready1];

        let mut send_ready = 0_u64;
        for (i, v) in self.vis.iter().enumerate() {
            if v.next < v.entries.len() {
                send_ready |= 1 << i;
            }
        }
        let queue_word = self.queue_words.front().copied();
        let queue_valid = queue_word.is_some() && queue_gives;
        // Pieces: identity, split at 4 KiB.
        let mut pieces = [(0_u8, 0_u64, 0_u64, false); 2];
        let mut piece_valid = [false; 2];
        for c in 0..2 {
            if let Some(a) = self.tpt[c] {
                piece_valid[c] = now >= a.due;
                let refusal = self.refused.get(&a.stag).copied().unwrap_or(0);
                let bytes = a.length.min(4096 - a.to % 4096);
                pieces[c] = (refusal, a.to, bytes, refusal != 0 || bytes == a.length);
            }
        }
        let mut data = [(0_u32, false, false); 2];
        let mut data_valid = [false; 2];
        for c in 0..2 {
            if let Some(read) = self.bus[c].front() {
                if now >= read.due && bus_gives[c] {
                    data_valid[c] = true;
                    data[c] = if read.error {
                        (0xBAD_BAD, true, true)
                    } else {
                        (read.words[0], read.words.len() == 1, false)
                    };
                }
            }
        }
        let ack = self.acks.front().copied().filter(|a| a.0 <= now);
        let owed = self.owed.pop_front();
        let read_done = self.read_done.pop_front();
        let (read_in, terminate, raw) = (
            self.read_in.front().copied(),
            self.terminate.front().copied(),
            self.raw.front().copied(),
        );
        let (connected, slot_data, stop) = (self.connected, self.slot_data, self.stop);
        let query = self.query;
        self.dut.drive(|b| {
            b.connected.next = u64::from(connected).into();
            b.send_ready.next = send_ready.into();
            b.queue_read.ready.next = queue_ready;
            b.queue_data.valid.next = queue_valid;
            b.queue_data.data.next = u64::from(queue_word.unwrap_or(0xDEAD)).into();
            b.slot_read.ready.next = slot_ready;
            b.slot_read.data.next = u64::from(slot_data).into();
            for c in 0..2 {
                b.request[c].ready.next = tpt_ready && !piece_valid[c];
                b.piece[c].valid.next = piece_valid[c];
                b.piece[c].error.next = u64::from(pieces[c].0).into();
                b.piece[c].iova.next = (pieces[c].1 & 0xFFFF_FFFF_FFFF).into();
                b.piece[c].bytes.next = pieces[c].2.into();
                b.piece[c].last.next = pieces[c].3;
                b.read_request[c].ready.next = bus_ready[c];
                b.read_data[c].valid.next = data_valid[c];
                b.read_data[c].data.next = u64::from(data[c].0).into();
                b.read_data[c].last.next = data[c].1;
                b.read_data[c].error.next = data[c].2;
            }
            b.wire_out.ready.next = wire_ready;
            b.complete.ready.next = complete_ready;
            b.read_out.ready.next = read_out_ready;
            b.vi_error.ready.next = true;
            b.event.ready.next = true;
            b.ack.valid.next = ack.is_some();
            if let Some((_, vi, sequence, nak)) = ack {
                b.ack.vi.next = u64::from(vi).into();
                b.ack.sequence.next = u64::from(sequence).into();
                b.ack.nak.next = nak;
            }
            b.ack_owed.valid.next = owed.is_some();
            if let Some((vi, sequence, at_once, nak)) = owed {
                b.ack_owed.vi.next = u64::from(vi).into();
                b.ack_owed.sequence.next = u64::from(sequence).into();
                b.ack_owed.now.next = at_once;
                b.ack_owed.nak.next = nak;
            }
            b.read_done.valid.next = read_done.is_some();
            b.read_done.vi.next = u64::from(read_done.unwrap_or(0)).into();
            b.read_in.valid.next = read_in.is_some();
            b.read_in.data.next = u64::from(read_in.unwrap_or_default().0).into();
            b.read_in.last.next = read_in.unwrap_or_default().1;
            b.terminate.valid.next = terminate.is_some();
            b.terminate.data.next = u64::from(terminate.unwrap_or_default().0).into();
            b.terminate.last.next = terminate.unwrap_or_default().1;
            b.raw_send.valid.next = raw.is_some();
            b.raw_send.data.next = u64::from(raw.unwrap_or_default().0).into();
            b.raw_send.last.next = raw.unwrap_or_default().1;
            b.source_query.valid.next = query.is_some();
            b.source_query.index.next = u64::from(query.unwrap_or(0)).into();
            b.stop.valid.next = stop.is_some();
            b.stop.vi.next = u64::from(stop.unwrap_or(0)).into();
        });
        self.dut.settle();

        // What moves in this cycle.
        let b = self.dut.block();
        let asked = (b.queue_read.valid.val() && queue_ready).then(|| {
            (
                b.queue_read.vi.val().to_u32() as usize,
                b.queue_read.which.val().to_u32(),
                b.queue_read.index.val().to_u32() as usize,
            )
        });
        let queue_taken = queue_valid && b.queue_data.ready.val();
        let next = b
            .send_next
            .valid
            .val()
            .then(|| b.send_next.vi.val().to_u32() as usize);
        let done = b
            .send_done
            .valid
            .val()
            .then(|| b.send_done.vi.val().to_u32() as usize);
        let slot = (b.slot_read.valid.val() && slot_ready)
            .then(|| b.slot_read.word.val().to_u32() as usize);
        let freed = b.slot_free.valid.val().then(|| {
            (
                b.slot_free.slot.val().to_u32() as u8,
                b.slot_free.count.val().to_u32() as u8,
            )
        });
        let mut accesses = [None; 2];
        let mut piece_taken = [false; 2];
        let mut reads = [None; 2];
        for c in 0..2 {
            let r = &b.request[c];
            if r.valid.val() && tpt_ready && !piece_valid[c] {
                assert!(
                    self.tpt[c].is_none(),
                    "a second access before the first is answered"
                );
                assert!(r.length.val().to_u32() > 0);
                accesses[c] = Some((
                    r.stag.val().to_u32(),
                    r.to.val().to_u64(),
                    r.length.val().to_u32() as u16,
                    r.access.val().to_u32() as u8,
                ));
            }
            piece_taken[c] = piece_valid[c] && b.piece[c].ready.val();
            let q = &b.read_request[c];
            if q.valid.val() && bus_ready[c] {
                reads[c] = Some((q.iova.val().to_u64(), q.bytes.val().to_u64()));
            }
        }
        if query.is_some() && b.source_query.ready.val() {
            self.answer = Some(b.source_query.held.val());
            self.query = None;
        }
        self.hold = if piece_valid[1] && bus_ready[1] && !piece_taken[1] {
            self.hold + 1
        } else {
            0
        };
        self.longest_hold = self.longest_hold.max(self.hold);
        let wire = (b.wire_out.valid.val() && wire_ready)
            .then(|| (b.wire_out.data.val().to_u32(), b.wire_out.last.val()));
        let wire_valid = b.wire_out.valid.val();
        let record = (b.complete.valid.val() && complete_ready)
            .then(|| (b.complete.data.val().to_u32(), b.complete.last.val()));
        let read_out = (b.read_out.valid.val() && read_out_ready)
            .then(|| (b.read_out.data.val().to_u32(), b.read_out.last.val()));
        let vi_error = b.vi_error.valid.val().then(|| {
            (
                b.vi_error.vi.val().to_u32() as u8,
                b.vi_error.event.val().to_u32() as u8,
            )
        });
        let event = b.event.valid.val().then(|| {
            (
                b.event.vi.val().to_u32() as u8,
                b.event.event.val().to_u32() as u8,
            )
        });
        let ack_taken = ack.is_some() && b.ack.ready.val();
        let read_in_taken = read_in.is_some() && b.read_in.ready.val();
        let terminate_taken = terminate.is_some() && b.terminate.ready.val();
        let raw_taken = raw.is_some() && b.raw_send.ready.val();
        let stop_done = stop.is_some() && b.stop.ready.val();
        let pulses = [
            ("retransmits", b.retransmits.val()),
            ("terminates_sent", b.terminates_sent.val()),
            ("acks_sent", b.acks_sent.val()),
            ("timeouts", b.timeouts.val()),
            ("local_protection_errors", b.local_protection_errors.val()),
            ("payload_read", b.payload_read.fire.val()),
            ("ddp_insert", b.ddp_insert.fire.val()),
            ("mpa_frame", b.mpa_frame.fire.val()),
            ("llp_send", b.llp_send.fire.val()),
            ("descriptor_fetch", b.descriptor_fetch.fire.val()),
        ];
        let busy = b.busy.val();
        self.dut.tick();

        for (name, hit) in pulses {
            self.count(name, hit);
        }
        self.count("busy", busy);
        if queue_taken {
            self.queue_words.pop_front();
        }
        if let Some((vi, which, index)) = asked {
            assert!(self.queue_words.is_empty());
            let v = &self.vis[vi];
            let at = match which {
                0 => (0..v.entries.len())
                    .rev()
                    .find(|i| i % DEPTH == index)
                    .expect("index of an entry"),
                1 => v.next,
                _ => v.done,
            };
            let mut words = v.entries[at];
            words[0] |= ((at % DEPTH) as u32) << 24;
            self.queue_words.extend(words);
        }
        if let Some(vi) = next {
            self.vis[vi].next += 1;
            assert!(self.vis[vi].next <= self.vis[vi].entries.len());
        }
        if let Some(vi) = done {
            self.vis[vi].done += 1;
            assert!(self.vis[vi].done <= self.vis[vi].next);
        }
        if let Some(word) = slot {
            self.slot_data = self.slots[word];
        } else {
            self.slot_data = 0xDEAD_BEEF;
        }
        if let Some(f) = freed {
            self.freed.push(f);
        }
        for c in 0..2 {
            if piece_taken[c] {
                let a = self.tpt[c].as_mut().unwrap();
                if pieces[c].3 {
                    self.tpt[c] = None;
                } else {
                    a.to += pieces[c].2;
                    a.length -= pieces[c].2;
                }
            }
            if let Some((stag, to, length, access)) = accesses[c] {
                self.checked.push((stag, to, length, access));
                let extra = if ready < 1.0 {
                    self.random.below(20)
                } else {
                    0
                };
                self.tpt[c] = Some(Access {
                    stag,
                    to,
                    length: u64::from(length),
                    due: now + self.tpt_latency + extra,
                });
            }
            if data_valid[c] {
                let read = self.bus[c].front_mut().unwrap();
                read.words.pop_front();
                if read.words.is_empty() || read.error {
                    self.bus[c].pop_front();
                }
            }
            if let Some((iova, bytes)) = reads[c] {
                assert!(
                    (1..=4096).contains(&bytes) && iova % 4096 + bytes <= 4096,
                    "read of {bytes} at {iova:x}"
                );
                let (start, end) = (iova as usize & !3, (iova + bytes) as usize);
                let words = (start..end)
                    .step_by(4)
                    .map(|at| {
                        // What was not asked for must not matter.
                        let mut word = [0; 4];
                        for (i, b) in word.iter_mut().enumerate() {
                            let inside = at + i >= iova as usize && at + i < end;
                            *b = if inside {
                                self.memory[(at + i) % (1 << 16)]
                            } else {
                                0xA5
                            };
                        }
                        u32::from_le_bytes(word)
                    })
                    .collect();
                let extra = if ready < 1.0 {
                    self.random.below(30)
                } else {
                    0
                };
                self.bus[c].push_back(BusRead {
                    due: now + 1 + self.dma_latency + extra,
                    words,
                    error: self.broken_iova.contains(&(iova & !63)),
                });
            }
        }
        if self.wire.is_empty() && wire_valid && self.wire_first == 0 {
            self.wire_first = now;
        }
        if let Some((word, last)) = wire {
            self.wire.push(word);
            if last {
                let frame = Frame::parse(&std::mem::take(&mut self.wire), self.wire_first, now);
                self.wire_first = 0;
                self.receive(&frame, now);
                self.frames.push(frame);
            }
        }
        if let Some((word, last)) = record {
            self.records.push(word);
            assert_eq!(last, self.records.len() == 8);
            if last {
                self.completions
                    .push(std::mem::take(&mut self.records).try_into().unwrap());
            }
        }
        if let Some((word, last)) = read_out {
            self.read_out_words.push(word);
            assert_eq!(last, self.read_out_words.len() == 8);
            if last {
                self.reads
                    .push(std::mem::take(&mut self.read_out_words).try_into().unwrap());
            }
        }
        self.vi_errors.extend(vi_error);
        self.events.extend(event);
        if ack_taken {
            self.acks.pop_front();
        }
        if read_in_taken {
            self.read_in.pop_front();
        }
        if terminate_taken {
            self.terminate.pop_front();
        }
        if raw_taken {
            self.raw.pop_front();
        }
        if stop_done {
            self.stop = None;
            self.stopped = true;
        }
    }

    /// The peer's side of the reliable stream.
    fn receive(&mut self, frame: &Frame, now: u64) {
        let number = self.seen;
        self.seen += 1;
        if frame.kind != 0xD1 || !self.auto_ack || self.lose.contains(&number) {
            return;
        }
        let v = &mut self.vis[frame.vi as usize];
        let nak = frame.sequence.wrapping_sub(v.expected) as i32 > 0;
        if frame.sequence == v.expected {
            v.expected = v.expected.wrapping_add(frame.body.len() as u32);
        }
        self.acks.push_back((now + 20, frame.vi, v.expected, nak));
    }

    pub fn run(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.cycle();
        }
    }

    /// Runs until `done`, at most `most` cycles.
    pub fn until(&mut self, most: u64, what: &str, mut done: impl FnMut(&Bench) -> bool) {
        for _ in 0..most {
            if done(self) {
                return;
            }
            self.cycle();
        }
        panic!(
            "no {what} in {most} cycles: {} frames, {} completions, {:?}",
            self.frames.len(),
            self.completions.len(),
            self.vi_errors
        );
    }
}
