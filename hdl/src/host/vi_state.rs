//! Keeps each VI's state, breaks VIs, and has their work flushed.
//!
//! A VI's state is set by the command engine (word 2 of create or modify) or goes to ERROR when a block reports so. What must
//! be flushed is given to the flush engine one VI at a time, round robin; CONN_LOST comes after the flush. It knows no queues
//! and releases nothing itself.
//!
//! ```text
//!  vi_config ----+--> [state a VI] ------------> connected, broken
//!                |         |
//!  vi_error[4] --+--> [to flush] --> flush --> done --+--> [event] --> events
//!        |                 +---------------> flushing |
//!        +------------- the event reported -----------+
//! ```
//!
//! - To ERROR (reported, or by configuration): flush, then CONN_LOST.
//! - CONNECTED, CONNECT_PENDING or ERROR to IDLE by configuration: flush.
//! - An error of a VI in ERROR raises its event and changes nothing else: one block finds the cause, another sends the Terminate.
//! - An error of a VI that is IDLE is taken and ignored.
//! - A change during a flush of the same VI has it flushed once more.
//!
//! Latency: configuration is never held up and counts from the next cycle. An error report is taken within 4 cycles unless an
//! event waits; `broken` is high in the cycle after.

use rnic_abi::command::vi_state::{CONNECTED, ERROR, IDLE};
use rnic_abi::event::Event;
use rust_hdl::prelude::*;

use crate::interfaces::{EventTx, FlushViTx, ViConfigRx, ViErrorRx};

/// See the module.
#[derive(LogicBlock)]
pub struct ViState {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// Words of create and modify VI.
    pub vi_config: ViConfigRx,
    /// Blocks that break a VI.
    pub vi_error: [ViErrorRx; 4],
    /// Has a VI flushed.
    pub flush: FlushViTx,
    /// Reported events and CONN_LOST.
    pub event: EventTx,
    /// Bit i: VI i is connected.
    pub connected: Signal<Out, Bits<16>>,
    /// Bit i: VI i is in error.
    pub broken: Signal<Out, Bits<16>>,
    /// Bit i: VI i is to be flushed, or is being flushed.
    pub flushing: Signal<Out, Bits<16>>,
    /// VI to show.
    pub shown_vi: Signal<In, Bits<5>>,
    /// Its state 1:0, flush running 2.
    pub shown: Signal<Out, Bits<3>>,
    /// Something is under way.
    pub busy: Signal<Out, Bit>,

    /// State, bit 0 and bit 1.
    state_low: DFF<Bits<16>>,
    state_high: DFF<Bits<16>>,
    /// To flush.
    dirty: DFF<Bits<16>>,
    /// CONN_LOST is owed after the flush.
    lost: DFF<Bits<16>>,
    running: DFF<Bit>,
    flush_vi: DFF<Bits<4>>,
    turn: DFF<Bits<2>>,
    event_vi: DFF<Bits<4>>,
    event_kind: DFF<Bits<4>>,
    event_valid: DFF<Bit>,

    offered: Signal<Local, Bit>,
    offered_vi: Signal<Local, Bits<8>>,
    offered_event: Signal<Local, Bits<4>>,
    error_vi: Signal<Local, Bits<4>>,
    error_mark: Signal<Local, Bits<16>>,
    config_vi: Signal<Local, Bits<4>>,
    config_mark: Signal<Local, Bits<16>>,
    config_state: Signal<Local, Bits<2>>,
    flush_mark: Signal<Local, Bits<16>>,
    keeps: Signal<Local, Bits<16>>,
    set_low: Signal<Local, Bits<16>>,
    set_high: Signal<Local, Bits<16>>,
    now_dirty: Signal<Local, Bits<16>>,
    now_lost: Signal<Local, Bits<16>>,
    flushed: Signal<Local, Bits<16>>,
    told: Signal<Local, Bits<16>>,
    alive: Signal<Local, Bits<16>>,
    in_use: Signal<Local, Bits<16>>,
    under_way: Signal<Local, Bits<16>>,
    may_ignore: Signal<Local, Bit>,
    configures: Signal<Local, Bit>,
    reports: Signal<Local, Bit>,
    breaks: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    tells: Signal<Local, Bit>,
    one: Constant<Bits<16>>,
    all: Constant<Bits<16>>,
    vis: Constant<Bits<4>>,
    idle: Constant<Bits<2>>,
    error: Constant<Bits<2>>,
    conn_lost: Constant<Bits<4>>,
    state_word: Constant<Bits<4>>,
}

impl ViState {
    /// For a board of `vis` VIs (a power of two).
    pub fn new(vis: usize) -> Self {
        // The masks below tell states by these bits.
        assert_eq!((IDLE, CONNECTED, ERROR), (0, 1, 3));
        Self {
            clock: Default::default(),
            reset: Default::default(),
            vi_config: Default::default(),
            vi_error: Default::default(),
            flush: Default::default(),
            event: Default::default(),
            connected: Default::default(),
            broken: Default::default(),
            flushing: Default::default(),
            shown_vi: Default::default(),
            shown: Default::default(),
            busy: Default::default(),
            state_low: Default::default(),
            state_high: Default::default(),
            dirty: Default::default(),
            lost: Default::default(),
            running: Default::default(),
            flush_vi: Default::default(),
            turn: Default::default(),
            event_vi: Default::default(),
            event_kind: Default::default(),
            event_valid: Default::default(),
            offered: Default::default(),
            offered_vi: Default::default(),
            offered_event: Default::default(),
            error_vi: Default::default(),
            error_mark: Default::default(),
            config_vi: Default::default(),
            config_mark: Default::default(),
            config_state: Default::default(),
            flush_mark: Default::default(),
            keeps: Default::default(),
            set_low: Default::default(),
            set_high: Default::default(),
            now_dirty: Default::default(),
            now_lost: Default::default(),
            flushed: Default::default(),
            told: Default::default(),
            alive: Default::default(),
            in_use: Default::default(),
            under_way: Default::default(),
            may_ignore: Default::default(),
            configures: Default::default(),
            reports: Default::default(),
            breaks: Default::default(),
            ends: Default::default(),
            tells: Default::default(),
            one: Constant::new(1_u64.into()),
            all: Constant::new(0xFFFF_u64.into()),
            vis: Constant::new((vis as u64 - 1).into()),
            idle: Constant::new(u64::from(IDLE).into()),
            error: Constant::new(u64::from(ERROR).into()),
            conn_lost: Constant::new((Event::ConnLost as u64).into()),
            state_word: Constant::new(2_u64.into()),
        }
    }
}

impl Logic for ViState {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state_low,
            state_high,
            dirty,
            lost,
            running,
            flush_vi,
            turn,
            event_vi,
            event_kind,
            event_valid
        );
        self.in_use.next = self.state_low.q.val() | self.state_high.q.val();
        // Connected or pending: one of the two bits.
        self.alive.next = self.state_low.q.val() ^ self.state_high.q.val();

        // Configuration.
        self.config_vi.next = self.vi_config.vi.val().get_bits::<4>(0) & self.vis.val();
        self.config_state.next = self.vi_config.data.val().get_bits::<2>(0);
        self.configures.next = self.vi_config.valid.val()
            & (self.vi_config.word.val() == self.state_word.val())
            & !self.reset.val();
        self.vi_config.ready.next = !self.reset.val();
        self.config_mark.next = bits::<16>(0);
        if self.configures.val() {
            self.config_mark.next = self.one.val() << bit_cast::<16, 4>(self.config_vi.val());
        }

        // Error reports: one source a cycle; one that matters needs the event register.
        self.offered.next = false;
        self.offered_vi.next = bits::<8>(0);
        self.offered_event.next = bits::<4>(0);
        for i in 0..4 {
            self.vi_error[i].ready.next = false;
            if self.turn.q.val() == i.to_bits::<2>() {
                self.vi_error[i].ready.next = !self.event_valid.q.val() & !self.reset.val();
                self.offered.next = self.vi_error[i].valid.val();
                self.offered_vi.next = self.vi_error[i].vi.val();
                self.offered_event.next = self.vi_error[i].event.val();
            }
        }
        self.error_vi.next = self.offered_vi.val().get_bits::<4>(0) & self.vis.val();
        self.may_ignore.next = !self.alive.val().get_bit(self.error_vi.val().index());
        self.reports.next = (self.offered.val() & !self.event_valid.q.val())
            & (self.in_use.val().get_bit(self.error_vi.val().index()) & !self.reset.val());
        self.breaks.next = self.reports.val() & !self.may_ignore.val();
        self.error_mark.next = bits::<16>(0);
        if self.breaks.val() {
            self.error_mark.next = self.one.val() << bit_cast::<16, 4>(self.error_vi.val());
        }
        if !self.event_valid.q.val() {
            self.turn.d.next = self.turn.q.val() + 1;
        }

        // The flush engine.
        self.flush_mark.next = self.one.val() << bit_cast::<16, 4>(self.flush_vi.q.val());
        self.ends.next = self.running.q.val() & self.flush.ready.val();
        self.flushed.next = bits::<16>(0);
        self.told.next = bits::<16>(0);
        self.tells.next = false;
        if self.running.q.val() {
            if self.ends.val() {
                self.running.d.next = false;
            }
        } else if self.dirty.q.val().get_bit(self.flush_vi.q.val().index()) {
            self.running.d.next = true;
            self.flushed.next = self.flush_mark.val();
        } else if self.lost.q.val().get_bit(self.flush_vi.q.val().index()) {
            // Clean, but its loss is not told yet.
            if !self.event_valid.q.val() & !self.offered.val() {
                self.tells.next = true;
                self.told.next = self.flush_mark.val();
            }
        } else {
            self.flush_vi.d.next = (self.flush_vi.q.val() + 1) & self.vis.val();
        }
        self.flush.vi.next = bit_cast::<8, 4>(self.flush_vi.q.val());
        self.flush.valid.next = self.running.q.val();

        // States. An error that meets a configuration of the same VI loses: the driver's word counts.
        self.keeps.next = self.config_mark.val() ^ self.all.val();
        self.set_low.next = bits::<16>(0);
        self.set_high.next = bits::<16>(0);
        if self.config_state.val().get_bit(0) {
            self.set_low.next = self.config_mark.val();
        }
        if self.config_state.val().get_bit(1) {
            self.set_high.next = self.config_mark.val();
        }
        self.state_low.d.next = ((self.state_low.q.val() | self.error_mark.val())
            & self.keeps.val())
            | self.set_low.val();
        self.state_high.d.next = ((self.state_high.q.val() | self.error_mark.val())
            & self.keeps.val())
            | self.set_high.val();
        self.now_dirty.next = self.error_mark.val();
        self.now_lost.next = self.error_mark.val();
        if self.config_state.val() == self.error.val() {
            self.now_dirty.next = self.error_mark.val() | self.config_mark.val();
            self.now_lost.next = self.error_mark.val() | self.config_mark.val();
        }
        if self.config_state.val() == self.idle.val() {
            self.now_dirty.next =
                self.error_mark.val() | (self.config_mark.val() & self.in_use.val());
        }
        self.dirty.d.next =
            (self.dirty.q.val() & (self.flushed.val() ^ self.all.val())) | self.now_dirty.val();
        self.lost.d.next =
            (self.lost.q.val() & (self.told.val() ^ self.all.val())) | self.now_lost.val();

        // The event register: a report first, since it is what explains the loss.
        if self.event.ready.val() {
            self.event_valid.d.next = false;
        }
        if self.reports.val() {
            self.event_valid.d.next = true;
            self.event_vi.d.next = self.error_vi.val();
            self.event_kind.d.next = self.offered_event.val();
        } else if self.tells.val() {
            self.event_valid.d.next = true;
            self.event_vi.d.next = self.flush_vi.q.val();
            self.event_kind.d.next = self.conn_lost.val();
        }
        self.event.vi.next = bit_cast::<8, 4>(self.event_vi.q.val());
        self.event.event.next = self.event_kind.q.val();
        self.event.valid.next = self.event_valid.q.val();

        if self.reset.val() {
            self.state_low.d.next = bits::<16>(0);
            self.state_high.d.next = bits::<16>(0);
            self.dirty.d.next = bits::<16>(0);
            self.lost.d.next = bits::<16>(0);
            self.running.d.next = false;
            self.event_valid.d.next = false;
        }
        self.connected.next = self.state_low.q.val() & (self.state_high.q.val() ^ self.all.val());
        self.broken.next = self.state_low.q.val() & self.state_high.q.val();
        self.under_way.next = self.dirty.q.val();
        if self.running.q.val() {
            self.under_way.next = self.dirty.q.val() | self.flush_mark.val();
        }
        self.flushing.next = self.under_way.val();
        self.shown.next = bits::<3>(0);
        if !self.shown_vi.val().get_bit(4) {
            self.shown.next = bits::<3>(0)
                .replace_bit(
                    0,
                    self.state_low.q.val().get_bit(self.shown_vi.val().index()),
                )
                .replace_bit(
                    1,
                    self.state_high.q.val().get_bit(self.shown_vi.val().index()),
                )
                .replace_bit(2, self.under_way.val().get_bit(self.shown_vi.val().index()));
        }
        self.busy.next =
            self.under_way.val().any() | self.lost.q.val().any() | self.event_valid.q.val();
    }
}
