//! What a board tells on request: counters, events, VI states, trace. Every call here reads registers, so none is on the path
//! of an operation.

use super::{BoardError, Identity};
use crate::address::HostAddress;
use crate::command::ViState;
use crate::transport::{self, Bar, BoardUrl, Metered};
use rnic_abi::event::Event;
use rnic_abi::registers::map;
use rnic_abi::step::{Counter, Step};
use std::ops::Sub;
use std::sync::Arc;

/// All counters at one moment, with the board's clock.
///
/// ```
/// use rnic_driver::board::Counters;
/// use rnic_abi::step::{Counter, Step};
/// let counters = Counters::default();
/// assert_eq!(counters.step(Step::Place) + counters.get(Counter::DmaReads), 0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Clock cycles since reset.
    pub cycles: u64,
    values: Vec<u64>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            cycles: 0,
            values: vec![0; rnic_abi::step::COUNTERS],
        }
    }
}

impl Counters {
    /// How often a step fired.
    pub fn step(&self, step: Step) -> u64 {
        self.values[step as usize]
    }

    /// A counter's value.
    pub fn get(&self, counter: Counter) -> u64 {
        self.values[counter.index()]
    }

    /// All named counters, steps first.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> + '_ {
        let steps = Step::ALL
            .iter()
            .map(|&step| (step.name(), step.doc(), self.step(step)));
        steps.chain(
            Counter::ALL
                .iter()
                .map(|&counter| (counter.name(), counter.doc(), self.get(counter))),
        )
    }
}

impl Sub<&Counters> for &Counters {
    type Output = Counters;
    /// What was counted since `earlier`.
    fn sub(self, earlier: &Counters) -> Counters {
        let values = self
            .values
            .iter()
            .zip(&earlier.values)
            .map(|(now, then)| now.wrapping_sub(*then))
            .collect();
        Counters {
            cycles: self.cycles.wrapping_sub(earlier.cycles),
            values,
        }
    }
}

/// One entry of the trace RAM.
///
/// ```
/// use rnic_driver::board::TraceEntry;
/// use rnic_abi::step::Step;
/// let entry = TraceEntry::decode(0x0003_0801_0000_0064);
/// assert_eq!((entry.cycle, entry.vi), (100, 3));
/// assert_eq!(entry.steps().collect::<Vec<_>>(), [Step::CommandPost, Step::Place]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceEntry {
    /// Low 32 bits of the cycle.
    pub cycle: u32,
    /// Bit i: step i fired.
    pub mask: u16,
    /// VI of the lowest step.
    pub vi: u8,
}

impl TraceEntry {
    /// Reads the two words.
    pub const fn decode(entry: u64) -> Self {
        Self {
            cycle: entry as u32,
            mask: (entry >> 32) as u16,
            vi: (entry >> 48) as u8,
        }
    }

    /// The steps that fired.
    pub fn steps(self) -> impl Iterator<Item = Step> {
        Step::ALL
            .iter()
            .copied()
            .filter(move |&step| self.mask >> step as u16 & 1 == 1)
    }
}

/// State register of a VI.
///
/// ```
/// use rnic_driver::{board::ViStatus, command::ViState};
/// assert_eq!(ViStatus::decode(7), ViStatus { state: ViState::Error, flushing: true });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViStatus {
    /// VIA state.
    pub state: ViState,
    /// Its work is being flushed.
    pub flushing: bool,
}

impl ViStatus {
    /// Reads the register's bits.
    pub fn decode(word: u32) -> Self {
        Self {
            state: ViState::from_code(word & 3).unwrap_or_default(),
            flushing: word & 4 != 0,
        }
    }
}

/// Reads a board's registers without owning the board: opening one changes nothing.
///
/// ```no_run
/// use rnic_driver::board::Observer;
/// let observer = Observer::open_url("vfio-user:/tmp/a.sock")?;
/// println!("{} after {} cycles", observer.identity().configuration(), observer.cycles()?);
/// # Ok::<(), rnic_driver::board::BoardError>(())
/// ```
pub struct Observer {
    transport: Arc<Metered>,
    identity: Identity,
    address: HostAddress,
}

impl Observer {
    /// Looks at the board that a URL names.
    pub fn open_url(url: &str) -> Result<Self, BoardError> {
        Self::open_at(&url.parse()?)
    }

    /// Looks at the board at a URL.
    pub fn open_at(url: &BoardUrl) -> Result<Self, BoardError> {
        let mut this = Self::open(Metered::new(transport::open(url)?))?;
        this.address = url.address.unwrap_or(this.address);
        Ok(this)
    }

    /// Looks at the board behind a transport.
    pub fn open(transport: Arc<Metered>) -> Result<Self, BoardError> {
        Ok(Self {
            identity: Identity::read(&transport)?,
            address: HostAddress::of_url(&transport.url()),
            transport,
        })
    }

    /// What the board is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The network address that a driver gives the board if it is told no other than by the URL.
    pub fn address(&self) -> HostAddress {
        self.address
    }

    /// What carries accesses to it, with their counts.
    pub fn transport(&self) -> &Arc<Metered> {
        &self.transport
    }

    fn read32(&self, offset: u32) -> Result<u32, BoardError> {
        Ok(self.transport.bar_read32(Bar::Registers, offset)?)
    }

    fn read64(&self, offset: u32) -> Result<u64, BoardError> {
        Ok(self.transport.bar_read64(Bar::Registers, offset)?)
    }

    fn write32(&self, offset: u32, value: u32) -> Result<(), BoardError> {
        Ok(self.transport.bar_write32(Bar::Registers, offset, value)?)
    }

    /// The status register (`abi::registers::status`).
    pub fn status(&self) -> Result<u32, BoardError> {
        self.read32(map::STATUS)
    }

    /// Reads every counter that has a name.
    pub fn counters(&self) -> Result<Counters, BoardError> {
        let mut counters = Counters {
            cycles: self.cycles()?,
            ..Counters::default()
        };
        for index in Step::ALL
            .iter()
            .map(|&step| step as usize)
            .chain(Counter::ALL.iter().map(|counter| counter.index()))
        {
            counters.values[index] = self.read64(map::COUNTERS + index as u32 * 8)?;
        }
        Ok(counters)
    }

    /// Reads one counter by its index.
    pub fn counter(&self, index: usize) -> Result<u64, BoardError> {
        if index >= rnic_abi::step::COUNTERS {
            return Err(BoardError::Index {
                name: "COUNTERS",
                index: index as u32,
                count: rnic_abi::step::COUNTERS as u32,
            });
        }
        self.read64(map::COUNTERS + index as u32 * 8)
    }

    /// Clock cycles since reset.
    pub fn cycles(&self) -> Result<u64, BoardError> {
        self.read64(map::CYCLES)
    }

    /// Scatter-gather elements that are free.
    pub fn sges_free(&self) -> Result<u32, BoardError> {
        self.read32(map::SGES_FREE)
    }

    /// Takes the pending events of all VIs, clearing them on the board.
    pub fn take_events(&self) -> Result<Vec<(u16, Event)>, BoardError> {
        let summary = self.read32(map::EVENT_SUMMARY)?;
        let mut events = Vec::new();
        for vi in (0..self.identity.vis).filter(|vi| summary >> vi & 1 == 1) {
            let offset = map::EVENTS + vi * 4;
            let bits = self.read32(offset)?;
            self.write32(offset, bits)?;
            events.extend(
                Event::ALL
                    .iter()
                    .filter(|event| bits & event.mask() != 0)
                    .map(|&event| (vi as u16, event)),
            );
        }
        Ok(events)
    }

    /// State of a VI.
    pub fn vi_status(&self, vi: u16) -> Result<ViStatus, BoardError> {
        self.check_vi(vi)?;
        Ok(ViStatus::decode(
            self.read32(map::VI_STATE + u32::from(vi) * 4)?,
        ))
    }

    /// va of the descriptor at the head of a VI's failing queue when it went into error.
    pub fn first_failing_descriptor(&self, vi: u16) -> Result<u64, BoardError> {
        self.check_vi(vi)?;
        self.read64(map::FIRST_FAILING_DESCRIPTOR + u32::from(vi) * 8)
    }

    /// The trace RAM's entries, oldest first; none where the board has none.
    pub fn trace(&self) -> Result<Vec<TraceEntry>, BoardError> {
        let entries = self.identity.trace_entries;
        if entries == 0 {
            return Ok(Vec::new());
        }
        let head = self.read32(map::TRACE_HEAD)?;
        let count = head.min(entries);
        (0..count)
            .map(|i| head.wrapping_sub(count).wrapping_add(i) % entries)
            .map(|index| Ok(TraceEntry::decode(self.read64(map::TRACE + index * 8)?)))
            .collect()
    }

    fn check_vi(&self, vi: u16) -> Result<(), BoardError> {
        let count = self.identity.vis;
        if u32::from(vi) < count {
            return Ok(());
        }
        Err(BoardError::Index {
            name: "VI_STATE",
            index: vi.into(),
            count,
        })
    }
}
