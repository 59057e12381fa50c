//! The reference model: what every byte of watched memory and every counter must be, by transaction, without time.
//!
//! ```text
//! memory    guard | bytes of the model | guard        compared whole, guards included
//! steps     from the wire (tapped frames), the bus monitor and the transactions told
//! errors    all zero but those that a scenario expects by name
//! ```
//! It is told what an operation must do (`set`, `expect`), never what the board did. Counters that the wire or the bus decide
//! (frames, DMA bursts) are taken from the simulator's own counts, which are independent of the gateware's. This file is the
//! memory, `counters` the rest.

mod counters;

use std::ops::Range;

use rnic_abi::Stag;
use rnic_driver::board::Board;
use rnic_driver::command::Message;
use rnic_driver::descriptor::Remote;
use rnic_driver::memory::{Buffer, GuardedBuffer};
use rnic_driver::region::Backing;
use rnic_sim::model::Gateware;

use self::counters::Expected;
use crate::stimulus::Stimulus;

/// Guard bytes on each side; a page, so that what is between them is page-aligned.
const GUARD_BYTES: usize = 4096;
/// Page size of page-list regions.
const PAGE_SHIFT: u8 = 12;

/// Watched memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mem(usize);

/// What a scenario did to wire and connection, and so what counters can still be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Nothing went wrong: all of them.
    Clean,
    /// The wire changed frames: what is received is not what was sent, and link faults are the wire's.
    Lossy,
    /// A VI broke: work was flushed, and frames may have come late.
    Broken,
}

/// Watched memory under a region's order of bytes.
#[derive(Clone, Debug)]
pub struct Area {
    /// The memory.
    pub mem: Mem,
    /// Pieces of it, in the region's order.
    pub pieces: Vec<Range<usize>>,
    /// The same for the driver.
    pub backing: Backing,
}

/// How an area is made of its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One range, at any offset.
    Contiguous,
    /// Pages in reverse order, entered at an offset.
    Pages,
    /// So many pieces of random lengths, in reverse order.
    Sgl(usize),
}

impl Area {
    /// Its length.
    pub fn bytes(&self) -> usize {
        self.pieces.iter().map(ExactSizeIterator::len).sum()
    }

    /// As the peer names a byte of it, if it begins at its own address.
    pub fn remote(&self, stag: Stag, offset: usize) -> Remote {
        Remote {
            va: self.backing.default_base() + offset as u64,
            handle: stag,
        }
    }

    /// Where bytes of the region are in memory.
    fn locate(&self, offset: usize, bytes: usize) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut start = 0;
        for piece in &self.pieces {
            let from = offset.max(start);
            let to = (offset + bytes).min(start + piece.len());
            if from < to {
                found.push(piece.start + from - start..piece.start + to - start);
            }
            start += piece.len();
        }
        found
    }
}

struct Watched {
    name: String,
    guarded: GuardedBuffer,
    model: Vec<u8>,
}

/// See the module.
pub struct Scoreboard {
    watched: Vec<Watched>,
    counters: Expected,
}

impl Default for Scoreboard {
    fn default() -> Self {
        Self::new()
    }
}

impl Scoreboard {
    /// Nothing watched, nothing expected.
    pub fn new() -> Self {
        Self {
            watched: Vec::new(),
            counters: Expected::default(),
        }
    }

    /// Watches new memory of a host, filled at random.
    pub fn watch(&mut self, board: &Board, name: &str, bytes: usize, random: &mut Stimulus) -> Mem {
        let whole = board
            .allocate(name, bytes + 2 * GUARD_BYTES)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let guarded = GuardedBuffer::new(whole, GUARD_BYTES)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let mem = Mem(self.watched.len());
        self.watched.push(Watched {
            name: name.into(),
            guarded,
            model: vec![0; bytes],
        });
        self.fill(mem, 0, &random.bytes(bytes));
        mem
    }

    /// The memory, to give it to a driver.
    pub fn buffer(&self, mem: Mem) -> &Buffer {
        self.watched[mem.0].guarded.buffer()
    }

    /// The host writes memory itself.
    pub fn fill(&mut self, mem: Mem, offset: usize, data: &[u8]) {
        let written = self.buffer(mem).write(offset, data);
        written.unwrap_or_else(|error| panic!("{}: {error}", self.watched[mem.0].name));
        self.set(mem, offset, data);
    }

    /// The board must have written memory.
    pub fn set(&mut self, mem: Mem, offset: usize, data: &[u8]) {
        self.watched[mem.0].model[offset..offset + data.len()].copy_from_slice(data);
    }

    /// Work that broke off may have written any of `data` over bytes of an area: each is the old or the new one, and what it
    /// is it stays. How many are new.
    pub fn set_some(&mut self, area: &Area, offset: usize, data: &[u8]) -> Result<usize, String> {
        let (mut taken, mut at) = (0, 0);
        for piece in area.locate(offset, data.len()) {
            let found = self.buffer(area.mem).to_vec(piece.start, piece.len());
            let found = found.map_err(|error| error.to_string())?;
            for (byte, place) in found.into_iter().zip(piece) {
                let old = self.watched[area.mem.0].model[place];
                if byte != old && byte != data[at] {
                    return Err(format!(
                        "byte {at} of the area is {byte:02x}: neither {old:02x} as before nor {:02x}",
                        data[at]
                    ));
                }
                taken += usize::from(byte != old);
                self.set(area.mem, place, &[byte]);
                at += 1;
            }
        }
        Ok(taken)
    }

    /// What memory must hold.
    pub fn get(&self, mem: Mem, offset: usize, bytes: usize) -> Vec<u8> {
        self.watched[mem.0].model[offset..offset + bytes].to_vec()
    }

    /// Makes an area of `bytes` in new memory of a host.
    pub fn area(
        &mut self,
        board: &Board,
        name: &str,
        shape: Shape,
        bytes: usize,
        random: &mut Stimulus,
    ) -> Area {
        let page = 1 << PAGE_SHIFT;
        match shape {
            Shape::Contiguous => {
                let offset = random.below(8);
                let mem = self.watch(board, name, bytes + offset + 8, random);
                self.contiguous(mem, offset..offset + bytes)
            }
            Shape::Pages => {
                let offset = random.below(page);
                let count = (offset + bytes).div_ceil(page);
                let mem = self.watch(board, name, count * page, random);
                let whole: Vec<_> = (0..count).rev().map(|i| i * page..(i + 1) * page).collect();
                let pages = whole.iter().map(|piece| self.slice(mem, piece)).collect();
                let mut pieces = whole;
                pieces[0].start += offset;
                let last = pieces.len() - 1;
                pieces[last].end -= count * page - offset - bytes;
                let backing = Backing::Pages {
                    shift: PAGE_SHIFT,
                    pages,
                    offset: offset as u32,
                    bytes: bytes as u32,
                };
                Area {
                    mem,
                    pieces,
                    backing,
                }
            }
            Shape::Sgl(count) => {
                // A gap of a few bytes before each piece shows what is written beside it.
                let lengths = random.cuts(bytes, count);
                let gaps: Vec<usize> = (0..count).map(|_| 1 + random.below(7)).collect();
                let total = bytes + gaps.iter().sum::<usize>() + 8;
                let mem = self.watch(board, name, total, random);
                let mut at = 0;
                let mut pieces = Vec::new();
                for (length, gap) in lengths.iter().zip(&gaps) {
                    at += gap;
                    pieces.push(at..at + length);
                    at += length;
                }
                pieces.reverse();
                let backing = pieces.iter().map(|piece| self.slice(mem, piece)).collect();
                Area {
                    mem,
                    pieces,
                    backing: Backing::Sgl(backing),
                }
            }
        }
    }

    /// A range of watched memory as an area.
    pub fn contiguous(&self, mem: Mem, range: Range<usize>) -> Area {
        let backing = Backing::Contiguous(self.slice(mem, &range));
        Area {
            mem,
            pieces: vec![range],
            backing,
        }
    }

    fn slice(&self, mem: Mem, range: &Range<usize>) -> Buffer {
        let slice = self.buffer(mem).slice(range.clone());
        slice.unwrap_or_else(|error| panic!("{}: {error}", self.watched[mem.0].name))
    }

    /// The board must have written bytes of an area.
    pub fn set_area(&mut self, area: &Area, offset: usize, data: &[u8]) {
        let mut data = data;
        for piece in area.locate(offset, data.len()) {
            let (now, later) = data.split_at(piece.len());
            self.set(area.mem, piece.start, now);
            data = later;
        }
        assert!(data.is_empty(), "{} bytes outside the area", data.len());
    }

    /// What bytes of an area must be.
    pub fn get_area(&self, area: &Area, offset: usize, bytes: usize) -> Vec<u8> {
        let pieces = area.locate(offset, bytes);
        let found: Vec<u8> = pieces
            .into_iter()
            .flat_map(|piece| self.get(area.mem, piece.start, piece.len()))
            .collect();
        assert_eq!(found.len(), bytes, "bytes outside the area");
        found
    }

    /// Compares all watched memory with the model; says the first difference.
    pub fn check_memory(&self) -> Result<(), String> {
        for watched in &self.watched {
            let name = &watched.name;
            watched
                .guarded
                .check()
                .map_err(|error| format!("{name}: {error}"))?;
            let bytes = watched.model.len();
            let found = watched.guarded.buffer().to_vec(0, bytes);
            let found = found.map_err(|error| format!("{name}: {error}"))?;
            let difference = (0..bytes).find(|&at| found[at] != watched.model[at]);
            if let Some(at) = difference {
                let wrong = (at..bytes)
                    .filter(|&at| found[at] != watched.model[at])
                    .count();
                let end = bytes.min(at + 16);
                return Err(format!(
                    "{name}: byte {at} of {bytes} is the first of {wrong} wrong ones: {:02x?}, expected {:02x?}",
                    &found[at..end],
                    &watched.model[at..end]
                ));
            }
        }
        Ok(())
    }
}

/// An inline message of a few bytes.
pub fn inline(bytes: &[u8]) -> Message {
    Message::Inline(bytes.to_vec())
}

/// Both configurations.
pub const BOTH: [Gateware; 2] = [Gateware::Small, Gateware::Full];
