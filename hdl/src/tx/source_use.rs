//! Knows which TPT entries unacknowledged frames have their payload from, so that none of them is invalidated.
//!
//! ```text
//!   used (entry, VI, frame number) ---> [RAM: number of the last frame, per entry and VI]
//!                                              |
//!   query (entry) ---> each VI in turn: number of its next frame (context RAM) - that one <= frames in its log?
//! ```
//! A frame that is being built counts as well. Numbers have 12 bits: an entry not used for 4,096 frames of a VI, or a multiple
//! of that, is held for as long as one frame is on its way. It does not know who sends: read responses hold their source too.
//!
//! Latency: two cycles for each VI, more while the reliable engine reads the context RAM.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::block_ram::BlockRam;
use crate::interfaces::SourceQueryRx;

/// What the query does.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum QueryState {
    /// Waits for a query.
    Idle,
    /// Asks for a VI's two numbers.
    Look,
    /// Compares them.
    Compare,
    /// Answers.
    Answer,
}

/// See the module. `CA`: address bits of the context RAM; `U`: of the RAM here, entry, then VI; `L`: of a count of log entries.
#[derive(LogicBlock)]
pub struct SourceUse<const CA: usize, const U: usize, const L: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous; what was used stays known, as frame numbers go on.
    pub reset: Signal<In, Bit>,
    /// The frame `frame` of `vi` has payload of entry `index`.
    pub used: Signal<In, Bit>,
    /// See `used`.
    pub index: Signal<In, Bits<8>>,
    /// VI of the frame that is built.
    pub vi: Signal<In, Bits<8>>,
    /// Its number.
    pub frame: Signal<In, Bits<12>>,
    /// A frame is built, and not counted yet.
    pub building: Signal<In, Bit>,
    /// Is an entry in use?
    pub query: SourceQueryRx,
    /// VI whose log is asked for.
    pub look_vi: Signal<Out, Bits<8>>,
    /// Frames in its log.
    pub look_count: Signal<In, Bits<L>>,
    /// Context RAM: reads in this cycle, if `granted`.
    pub active: Signal<Out, Bit>,
    /// Context RAM: the reliable engine does not read.
    pub granted: Signal<In, Bit>,
    /// Context RAM: word to read.
    pub read_address: Signal<Out, Bits<CA>>,
    /// Context RAM: word asked for in the cycle before.
    pub read_data: Signal<In, Bits<32>>,
    ram: BlockRam<16, U>,
    state: DFF<QueryState>,
    at: DFF<Bits<8>>,
    found: DFF<Bit>,
    numbered: Signal<Local, Bits<16>>,
    age: Signal<Local, Bits<12>>,
    count: Signal<Local, Bits<12>>,
    is_built: Signal<Local, Bit>,
    words_log2: Constant<Bits<4>>,
    vis_log2: Constant<Bits<4>>,
    last_vi: Constant<Bits<8>>,
}

impl<const CA: usize, const U: usize, const L: usize> SourceUse<CA, U, L> {
    /// `words_log2`: context words of a VI; `vis_log2`: of the board's VIs.
    pub fn new(words_log2: u32, vis_log2: u32) -> Self {
        block_new!(clock reset used index vi frame building query look_vi look_count active granted read_address read_data
            ram state at found numbered age count is_built;
            words_log2 = words_log2, vis_log2 = vis_log2, last_vi = (1_u32 << vis_log2) - 1)
    }
}

impl<const CA: usize, const U: usize, const L: usize> Logic for SourceUse<CA, U, L> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state, at, found);
        clock!(self, clock, ram);
        self.numbered.next = bit_cast::<16, 12>(self.frame.val()) | bits::<16>(0x8000);
        self.ram.write_address.next = (bit_cast::<U, 8>(self.index.val()) << self.vis_log2.val())
            | bit_cast::<U, 8>(self.vi.val());
        self.ram.write_data.next = self.numbered.val();
        self.ram.write_enable.next = self.used.val();
        self.ram.read_address.next = (bit_cast::<U, 8>(self.query.index.val())
            << self.vis_log2.val())
            | bit_cast::<U, 8>(self.at.q.val());
        self.read_address.next =
            (bit_cast::<CA, 8>(self.at.q.val()) << self.words_log2.val()) | bits::<CA>(10);
        self.active.next = self.state.q.val() == QueryState::Look;
        self.look_vi.next = self.at.q.val();

        // How many frames ago: 1 is the newest in the log; while one is built, 0 or 1 is that one.
        self.age.next =
            self.read_data.val().get_bits::<12>(0) - self.ram.read_data.val().get_bits::<12>(0);
        self.is_built.next = self.building.val() & (self.vi.val() == self.at.q.val());
        self.count.next = bit_cast::<12, L>(self.look_count.val());
        if self.is_built.val() {
            self.count.next = bit_cast::<12, L>(self.look_count.val()) + bits::<12>(1);
        }
        self.query.ready.next = self.state.q.val() == QueryState::Answer;
        self.query.held.next = self.found.q.val();
        match self.state.q.val() {
            QueryState::Idle => {
                self.at.d.next = bits::<8>(0);
                self.found.d.next = false;
                if self.query.valid.val() {
                    self.state.d.next = QueryState::Look;
                }
            }
            QueryState::Look => {
                if self.granted.val() {
                    self.state.d.next = QueryState::Compare;
                }
            }
            QueryState::Compare => {
                self.at.d.next = self.at.q.val() + 1;
                self.state.d.next = QueryState::Look;
                if self.at.q.val() == self.last_vi.val() {
                    self.state.d.next = QueryState::Answer;
                }
                if self.ram.read_data.val().get_bit(15)
                    & (self.age.val() <= self.count.val())
                    & (self.age.val().any() | self.is_built.val())
                {
                    self.found.d.next = true;
                }
            }
            QueryState::Answer => {
                self.state.d.next = QueryState::Idle;
            }
            _ => {
                self.state.d.next = QueryState::Idle;
            }
        }
        if self.reset.val() {
            self.state.d.next = QueryState::Idle;
        }
    }
}
