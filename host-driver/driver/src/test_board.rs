//! The other end of the transport, for unit tests only: it records stores, completes signalled admin commands, and places
//! CQEs that a test asks for. It moves no data and is no model of the board.

use crate::command::{Command, Image, Post};
use crate::cqe::{Cqe, Kind};
use crate::memory::HostMemory;
use crate::slots::Report;
use crate::transport::{Bar, Rights, Transport, TransportError};
use crate::vi::Peer;
use rnic_abi::command::{vi_peer, MAX_SLOTS, SLOT_WORDS};
use rnic_abi::completion::{ADMIN_CQ, CQE_BYTES};
use rnic_abi::config::{Config, SMALL};
use rnic_abi::error::CommandError;
use rnic_abi::registers::{map, EVENT_VECTOR, MAGIC, SLOTS_OFFSET};
use rnic_abi::{Iova, Stag};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use vm_memory::{Bytes, VolatileMemory};
use vmm_sys_util::eventfd::EventFd;

/// BAR, offset, bytes, value.
pub type Store = (Bar, u32, u32, u64);

#[derive(Clone)]
pub struct TestBoard(Arc<Mutex<State>>);

pub struct State {
    config: Config,
    pub registers: BTreeMap<u32, u64>,
    stores: Vec<Store>,
    slots: Vec<u32>,
    pub posts: Vec<Post>,
    maps: BTreeMap<u64, Arc<HostMemory>>,
    queues: BTreeMap<u32, (Iova, u32, u32)>,
    parity: u32,
    consumed: u32,
    /// Answers the next admin commands with these errors.
    pub refuse: Vec<CommandError>,
    /// Slots are freed as soon as their command is seen.
    pub free_slots: bool,
    /// Admin commands are completed.
    pub complete: bool,
    pub eventfds: Vec<EventFd>,
    /// Happens when the driver next sleeps, the last one first.
    pub asleep: Vec<Asleep>,
    now: Duration,
}

pub type Asleep = Box<dyn FnOnce(&TestBoard) + Send>;

impl TestBoard {
    pub fn small() -> Self {
        Self::new(SMALL)
    }

    pub fn new(config: Config) -> Self {
        let mut registers = BTreeMap::new();
        registers.insert(map::MAGIC, MAGIC.into());
        registers.insert(map::ABI_VERSION, rnic_abi::ABI_VERSION.into());
        registers.insert(map::BUILD_HASH, 0x0123_4567_89AB_CDEF);
        for (offset, value) in [
            (map::VIS, config.vis()),
            (map::TPTES, config.tptes()),
            (map::SGES, config.sges()),
            (map::SLOTS, config.slots()),
            (map::QUEUE_DEPTH, config.queue_depth()),
            (map::CQS, config.cqs()),
            (map::MAX_SEGMENT_BYTES, config.max_segment_bytes as usize),
            (
                map::MAX_DESCRIPTOR_SEGMENTS,
                config.max_descriptor_segments as usize,
            ),
            (map::LOG_FRAMES, config.log_frames()),
            (map::READS, config.reads()),
            (
                map::DATAPATH,
                config.id as usize | 32 << 8 | 48 << 16 | 1 << 24,
            ),
        ] {
            registers.insert(offset, value as u64);
        }
        Self(Arc::new(Mutex::new(State {
            config,
            registers,
            stores: Vec::new(),
            slots: vec![0; config.slots() * SLOT_WORDS],
            posts: Vec::new(),
            maps: BTreeMap::new(),
            queues: BTreeMap::new(),
            parity: 0,
            consumed: 0,
            refuse: Vec::new(),
            free_slots: true,
            complete: true,
            eventfds: Vec::new(),
            asleep: Vec::new(),
            now: Duration::ZERO,
        })))
    }

    pub fn transport(&self) -> Box<dyn Transport> {
        Box::new(self.clone())
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn take_stores(&self) -> Vec<Store> {
        std::mem::take(&mut self.state().stores)
    }

    pub fn take_posts(&self) -> Vec<Post> {
        std::mem::take(&mut self.state().posts)
    }

    /// A peer that takes advertised STags and one Read at a time.
    pub fn peer() -> Peer {
        Peer {
            vi: 0,
            negotiated: vi_peer::ADVERTISE,
            ird: 1,
            ord: 1,
            send_sequence: 0,
            receive_sequence: 0,
        }
    }

    /// A CQE with everything zero but its kind.
    pub fn cqe(kind: Kind) -> Cqe {
        Cqe {
            vi: 0,
            kind,
            error: CommandError::None,
            status: 0,
            length: 0,
            stag: Stag(0),
            context: 0,
            advertised: false,
            invalidated: false,
            solicited: false,
            slots: Report {
                parity: 0,
                consumed: 0,
                mask: 0,
            },
        }
    }

    /// Writes a CQE into the next entry of a queue.
    pub fn place(&self, cq: u32, cqe: Cqe) {
        self.state().place(cq, cqe);
    }

    /// Reads host memory as the board does.
    pub fn read(&self, iova: u64, bytes: usize) -> Vec<u8> {
        let state = self.state();
        let (start, memory) = state.maps.range(..=iova).next_back().expect("mapped");
        let mut target = vec![0; bytes];
        memory
            .region()
            .get_slice((iova - start) as usize, bytes)
            .unwrap()
            .read_slice(&mut target, 0)
            .unwrap();
        target
    }

    /// Writes host memory as the board does.
    pub fn write(&self, iova: u64, source: &[u8]) {
        self.state().write(iova, source);
    }

    pub fn mappings(&self) -> usize {
        self.state().maps.len()
    }
}

impl State {
    /// Sets an event's bit, and signals if it was clear.
    pub fn raise(&mut self, vi: u32, mask: u32) {
        let bits = self.registers.entry(map::EVENTS + vi * 4).or_default();
        let new = *bits & u64::from(mask) == 0;
        *bits |= u64::from(mask);
        *self.registers.entry(map::EVENT_SUMMARY).or_default() |= 1 << vi;
        if new {
            self.eventfds[EVENT_VECTOR as usize].write(1).unwrap();
        }
    }

    fn clear_events(&mut self, bar: Bar, offset: u32, value: u32) {
        let Some(vi) = offset.checked_sub(map::EVENTS).map(|bytes| bytes / 4) else {
            return;
        };
        if bar != Bar::Registers || vi >= u32::BITS {
            return;
        }
        let bits = self.registers.entry(offset).or_default();
        *bits &= !u64::from(value);
        if *bits == 0 {
            *self.registers.entry(map::EVENT_SUMMARY).or_default() &= !(1 << vi);
        }
    }

    fn write(&self, iova: u64, source: &[u8]) {
        let (start, memory) = self.maps.range(..=iova).next_back().expect("mapped");
        memory
            .region()
            .get_slice((iova - start) as usize, source.len())
            .unwrap()
            .write_slice(source, 0)
            .unwrap();
    }

    fn place(&mut self, cq: u32, cqe: Cqe) {
        let slots = Report {
            parity: self.parity,
            consumed: self.consumed,
            mask: 0xFFFF,
        };
        let (iova, log2, produced) = self.queues[&cq];
        let words = Cqe { slots, ..cqe }.encode(produced >> log2 & 1 == 0);
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let index = produced & ((1 << log2) - 1);
        self.write(iova.0 + u64::from(index) * CQE_BYTES as u64, &bytes);
        self.queues.insert(cq, (iova, log2, produced + 1));
    }

    fn post(&mut self, entry: u64) {
        assert_eq!((entry >> 32) as u32, self.consumed, "ring sequence");
        let (first, count) = (entry as u32 as usize & 0xFFFF, entry as u32 as usize >> 16);
        let mut image = Image::new();
        for word in 0..(count * SLOT_WORDS).min(MAX_SLOTS * SLOT_WORDS) {
            image.set(word, self.slots[first * SLOT_WORDS + word]);
        }
        self.consumed += 1;
        if self.free_slots {
            (first..first + count).for_each(|slot| self.parity ^= 1 << slot);
        }
        let post = Post::decode(&image).expect("a command");
        if let Command::CreateCq {
            cq,
            entries_log2,
            iova,
        } = post.command
        {
            self.queues.insert(cq, (iova, entries_log2, 0));
        }
        let one_shot = matches!(
            post.command,
            Command::OneShot(_) | Command::SendInvalidate(_)
        );
        if post.signalled && self.complete && !one_shot {
            let error = self.refuse.pop().unwrap_or(CommandError::None);
            let cqe = Cqe {
                vi: post.vi,
                context: post.context.into(),
                error,
                ..TestBoard::cqe(Kind::Command)
            };
            self.place(ADMIN_CQ, cqe);
        }
        self.posts.push(post);
    }
}

impl Transport for TestBoard {
    fn bar_read32(&self, bar: Bar, offset: u32) -> Result<u32, TransportError> {
        assert_eq!(bar, Bar::Registers);
        Ok(self.state().registers.get(&offset).copied().unwrap_or(0) as u32)
    }

    fn bar_read64(&self, bar: Bar, offset: u32) -> Result<u64, TransportError> {
        assert_eq!(bar, Bar::Registers);
        Ok(self.state().registers.get(&offset).copied().unwrap_or(0))
    }

    fn bar_write32(&self, bar: Bar, offset: u32, value: u32) -> Result<(), TransportError> {
        let mut state = self.state();
        state.stores.push((bar, offset, 4, value.into()));
        state.clear_events(bar, offset, value);
        Ok(())
    }

    fn bar_write64(&self, bar: Bar, offset: u32, value: u64) -> Result<(), TransportError> {
        let mut state = self.state();
        state.stores.push((bar, offset, 8, value));
        if bar == Bar::Commands {
            if offset >= SLOTS_OFFSET {
                let word = (offset - SLOTS_OFFSET) as usize / 4;
                state.slots[word] = value as u32;
                state.slots[word + 1] = (value >> 32) as u32;
            } else if state.queues.contains_key(&ADMIN_CQ)
                || state.config.slots() == 0
                || !state.maps.is_empty()
            {
                state.post(value);
            }
        }
        Ok(())
    }

    fn dma_map(
        &self,
        iova: Iova,
        memory: &Arc<HostMemory>,
        _rights: Rights,
    ) -> Result<(), TransportError> {
        self.state().maps.insert(iova.0, memory.clone());
        Ok(())
    }

    fn dma_unmap(&self, iova: Iova, _bytes: u64) -> Result<(), TransportError> {
        self.state().maps.remove(&iova.0);
        Ok(())
    }

    fn enable_msix(&self, eventfds: Vec<EventFd>) -> Result<(), TransportError> {
        self.state().eventfds = eventfds;
        Ok(())
    }

    fn reset(&self) -> Result<(), TransportError> {
        Ok(())
    }

    fn url(&self) -> String {
        "test:".into()
    }

    fn now(&self) -> Duration {
        // Time passes with every look at the clock, so that time-outs end without sleeping.
        let mut state = self.state();
        state.now += Duration::from_millis(1);
        state.now
    }

    fn wait(&self, eventfd: &EventFd, _timeout: Duration) -> Result<bool, TransportError> {
        // What a test has happen while the driver sleeps.
        let asleep = self.state().asleep.pop();
        if let Some(happens) = asleep {
            happens(self);
        }
        crate::transport::wait_readable(eventfd, Duration::ZERO)
            .map_err(|source| TransportError::Wait { source })
    }
}
