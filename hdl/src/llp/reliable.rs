//! The reliable stream's sender half: retires what is acknowledged, starts replays, runs the timers.
//!
//! Every frame has an entry in its VI's log (context RAM) until it is acknowledged. Acknowledgements are cumulative; a NAK or
//! a timer puts the replay position at the oldest entry, and header build sends the log again from there. An unreliable VI's
//! entry is popped when its frame has left.
//!
//! ```text
//!   ack event ----+                          +--> log entries popped --> finished messages (retire), responses (read queue)
//!   slow tick ----+--> one service a time ---+--> replay position, replaying
//!   pop, advance -+     (context RAM)        +--> VI broken: the peer does not answer
//!   configure, forget --> the VI's words set
//! ```
//! It never waits for the wire, so an acknowledgement can always be taken: header build stands still meanwhile.
//! A timer counts slow ticks (1,024 cycles) while the log is not empty; it runs out after 4, then 8, 16 .. 1,024 ticks.
//!
//! Latency: an acknowledgement of n frames takes 6 + 4n cycles, one more for each finished message.

use rnic_abi::event::Event;
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::{AckEventRx, ViConfigRx, ViErrorTx};

/// What the engine does; the name says which word is there.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum ReliableState {
    /// Chooses a service.
    Idle,
    /// Asks for the first word.
    Begin,
    /// Takes log head and replay position.
    ReadHead,
    /// Takes the log's tail.
    ReadTail,
    /// Is there another entry?
    LookUp,
    /// Compares its sequence with the acknowledged one.
    Measure,
    /// Pops it, or finishes.
    Decide,
    /// Hands a finished message to retire.
    Finish,
    /// Moves the head.
    Pop,
    /// Lets the count follow.
    Settle,
    /// Restarts the timer after progress.
    StoreTimer,
    /// Stores head and replay position.
    StoreHead,
    /// Takes the timer; to configure or forget, the log's tail.
    ReadTimer,
    /// Has it run out?
    JudgeTimer,
    /// Breaks the VI.
    BreakVi,
    /// Writes the words of a VI, one after the other.
    Configure,
}

/// See the module. `CA`: address bits of the context RAM, `G`: log2 of the log entries, `MA`: address bits of finished messages.
#[derive(LogicBlock)]
pub struct Reliable<const CA: usize, const G: usize, const MA: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// Words of VI commands.
    pub vi_config: ViConfigRx,
    /// Acknowledgements from the peer.
    pub ack: AckEventRx,
    /// One cycle in 1,024.
    pub slow_tick: Signal<In, Bit>,
    /// Header build is at rest.
    pub build_idle: Signal<In, Bit>,
    /// VIs with a connection.
    pub connected: Signal<In, Bits<16>>,
    /// VIs with log entries.
    pub logged: Signal<In, Bits<16>>,
    /// VIs that send again.
    pub replaying: Signal<In, Bits<16>>,
    /// Scheduler: pop the oldest entry, or advance the replay; held until `ask_done`.
    pub ask: Signal<In, Bit>,
    /// It is the replay.
    pub ask_advance: Signal<In, Bit>,
    /// Its VI.
    pub ask_vi: Signal<In, Bits<8>>,
    /// Log entry just sent again.
    pub ask_position: Signal<In, Bits<G>>,
    /// Done.
    pub ask_done: Signal<Out, Bit>,
    /// Clear the log and progress of a VI; held until `forget_done`.
    pub forget: Signal<In, Bit>,
    /// Its VI.
    pub forget_vi: Signal<In, Bits<8>>,
    /// Done.
    pub forget_done: Signal<Out, Bit>,
    /// A service is under way.
    pub busy: Signal<Out, Bit>,
    /// The context RAM's read port is ours.
    pub active: Signal<Out, Bit>,
    /// Context RAM: word to read.
    pub read_address: Signal<Out, Bits<CA>>,
    /// Context RAM: word asked for in the cycle before.
    pub read_data: Signal<In, Bits<32>>,
    /// Context RAM: word to write.
    pub write_address: Signal<Out, Bits<CA>>,
    /// Context RAM: its value.
    pub write_data: Signal<Out, Bits<32>>,
    /// Context RAM: wants to write.
    pub write: Signal<Out, Bit>,
    /// Context RAM: written.
    pub write_ready: Signal<In, Bit>,
    /// VI of the service.
    pub vi: Signal<Out, Bits<8>>,
    /// A log entry is gone.
    pub popped: Signal<Out, Bit>,
    /// It was the last of a Read Response.
    pub response_done: Signal<Out, Bit>,
    /// A message is acknowledged to its end.
    pub finished: Signal<Out, Bit>,
    /// Where retire keeps it: VI, queue index.
    pub finished_at: Signal<Out, Bits<MA>>,
    /// Operation 31:30, length 29:0.
    pub finished_data: Signal<Out, Bits<32>>,
    /// The VI sends again from its oldest entry.
    pub replay_start: Signal<Out, Bit>,
    /// The VI has sent all again.
    pub replay_end: Signal<Out, Bit>,
    /// Counts timers run out.
    pub timeout: Signal<Out, Bit>,
    /// The peer does not answer.
    pub vi_error: ViErrorTx,
    state: DFF<ReliableState>,
    at_vi: DFF<Bits<8>>,
    head: DFF<Bits<G>>,
    replay: DFF<Bits<G>>,
    diff: DFF<Bits<32>>,
    entry: DFF<Bits<32>>,
    kind: DFF<Bits<3>>,
    nak: DFF<Bit>,
    moved: DFF<Bit>,
    ticks: DFF<Bits<16>>,
    tried: DFF<Bits<4>>,
    due: DFF<Bits<16>>,
    step: DFF<Bits<4>>,
    forgets: DFF<Bit>,
    next: Signal<Local, ReliableState>,
    context: Signal<Local, Bits<CA>>,
    word: Signal<Local, Bits<CA>>,
    log: Signal<Local, Bits<CA>>,
    write_word: Signal<Local, Bits<CA>>,
    next_head: Signal<Local, Bits<G>>,
    replay_word: Signal<Local, Bits<8>>,
    new_tail: Signal<Local, Bits<G>>,
    next_replay: Signal<Local, Bits<G>>,
    acked: Signal<Local, Bit>,
    chosen: Signal<Local, Bits<8>>,
    found: Signal<Local, Bit>,
    limit: Signal<Local, Bits<16>>,
    counted: Signal<Local, Bits<16>>,
    is_replaying: Signal<Local, Bit>,
    due_mask: Signal<Local, Bits<16>>,
    length: Signal<Local, Bits<32>>,
    queue_index: Signal<Local, Bits<8>>,
    last_step: Signal<Local, Bit>,
    words_log2: Constant<Bits<4>>,
    log_base: Constant<Bits<CA>>,
    depth_log2: Constant<Bits<4>>,
    log_mask: Constant<Bits<16>>,
    first_ticks: Constant<Bits<16>>,
    most_tries: Constant<Bits<4>>,
    timeout_event: Constant<Bits<4>>,
}

impl<const CA: usize, const G: usize, const MA: usize> Reliable<CA, G, MA> {
    /// `words_log2`: context words of a VI; `log_base`: where its log starts; `depth_log2`: log2 of its queue depth.
    pub fn new(words_log2: u32, log_base: u32, depth_log2: u32) -> Self {
        block_new!(clock reset vi_config ack slow_tick build_idle connected logged replaying ask ask_advance ask_vi ask_position ask_done
            forget forget_vi forget_done busy active read_address read_data write_address write_data write
            write_ready vi popped response_done finished finished_at finished_data replay_start replay_end
            timeout vi_error state at_vi head replay diff entry kind nak moved ticks tried due step
            forgets next context word log write_word next_head replay_word new_tail next_replay acked chosen found limit counted
            is_replaying due_mask length queue_index last_step;
            words_log2 = words_log2,
            log_base = log_base,
            depth_log2 = depth_log2,
            log_mask = (1_u32 << G) - 1,
            first_ticks = 4_u32,
            most_tries = 8_u32,
            timeout_event = Event::Timeout as u8,
        )
    }
}

impl<const CA: usize, const G: usize, const MA: usize> Logic for Reliable<CA, G, MA> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, state, at_vi, head, replay, diff, entry, kind, nak, moved, ticks, tried,
            due, step, forgets
        );
        // Which VI's timer next.
        self.chosen.next = bits::<8>(0);
        self.found.next = false;
        for i in 0..16 {
            if self.due.q.val().get_bit(i) {
                self.chosen.next = i.to_bits();
                self.found.next = true;
            }
        }
        self.due_mask.next = (bits::<16>(1) << self.chosen.val()) ^ bits::<16>(0xFFFF);

        // Outputs at rest.
        self.next.next = self.state.q.val();
        self.vi_config.ready.next = false;
        self.ack.ready.next = false;
        self.ask_done.next = false;
        self.forget_done.next = false;
        self.write.next = false;
        self.write_word.next = bits::<CA>(11);
        self.write_data.next = bit_cast::<32, G>(self.head.q.val())
            | (bit_cast::<32, G>(self.replay.q.val()) << bits::<5>(8));
        self.vi.next = self.at_vi.q.val();
        self.popped.next = false;
        self.response_done.next = false;
        self.finished.next = false;
        self.replay_start.next = false;
        self.replay_end.next = false;
        self.timeout.next = false;
        self.vi_error.valid.next = false;
        self.vi_error.vi.next = self.at_vi.q.val();
        self.vi_error.event.next = self.timeout_event.val();
        self.replay_word.next = self.read_data.val().get_bits::<8>(8);
        self.new_tail.next = bit_cast::<G, 32>(self.read_data.val());
        self.next_head.next = self.head.q.val() + 1;
        self.next_replay.next = self.replay.q.val() + 1;
        self.acked.next = (!self.diff.q.val().get_bit(31) & self.diff.q.val().any())
            | (self.kind.q.val() == bits::<3>(1));
        self.limit.next = self.first_ticks.val() << self.tried.q.val();
        self.is_replaying.next = self.replaying.val().get_bit(self.at_vi.q.val().index());
        self.log.next =
            self.log_base.val() | (bit_cast::<CA, G>(self.head.q.val()) << bits::<4>(2));

        // A finished message: its length is offset plus bytes of the last frame; a read's was logged as it is.
        self.length.next =
            self.read_data.val() + bit_cast::<32, 16>(self.entry.q.val().get_bits::<16>(0));
        if self.entry.q.val().get_bit(20) {
            self.length.next = self.read_data.val();
        }
        self.finished_data.next = (self.length.val() & bits::<32>(0x3FFF_FFFF))
            | (bit_cast::<32, 2>(self.entry.q.val().get_bits::<2>(19)) << bits::<5>(30));
        self.queue_index.next = self.entry.q.val().get_bits::<8>(24);
        self.finished_at.next = (bit_cast::<MA, 8>(self.at_vi.q.val()) << self.depth_log2.val())
            | bit_cast::<MA, 8>(self.queue_index.val());
        self.counted.next = bit_cast::<16, 32>(self.read_data.val());
        if self.kind.q.val() == bits::<3>(4) {
            self.counted.next = bit_cast::<16, 32>(self.read_data.val()) | self.log_mask.val();
        }
        self.last_step.next = self.step.q.val() == bits::<4>(8);

        match self.state.q.val() {
            ReliableState::Idle => {
                self.moved.d.next = false;
                self.nak.d.next = false;
                self.forgets.d.next = false;
                self.step.d.next = bits::<4>(0);
                if self.ack.valid.val() {
                    self.at_vi.d.next = self.ack.vi.val();
                    self.kind.d.next = bits::<3>(0);
                    self.nak.d.next = self.ack.nak.val();
                    if self.connected.val().get_bit(self.ack.vi.val().index()) {
                        self.next.next = ReliableState::Begin;
                    } else {
                        self.ack.ready.next = true;
                    }
                } else if self.ask.val() {
                    self.at_vi.d.next = self.ask_vi.val();
                    self.kind.d.next = bits::<3>(1);
                    if self.ask_advance.val() {
                        self.kind.d.next = bits::<3>(2);
                    }
                    self.next.next = ReliableState::Begin;
                } else if self.forget.val() {
                    self.at_vi.d.next = self.forget_vi.val();
                    self.forgets.d.next = true;
                    self.step.d.next = bits::<4>(3);
                    self.kind.d.next = bits::<3>(4);
                    self.next.next = ReliableState::Begin;
                } else if self.vi_config.valid.val() & self.build_idle.val() {
                    self.at_vi.d.next = self.vi_config.vi.val();
                    self.kind.d.next = bits::<3>(4);
                    self.next.next = ReliableState::Begin;
                } else if self.found.val() {
                    self.at_vi.d.next = self.chosen.val();
                    self.kind.d.next = bits::<3>(3);
                    self.due.d.next = self.due.q.val() & self.due_mask.val();
                    self.next.next = ReliableState::Begin;
                }
            }
            ReliableState::Begin => {
                self.next.next = ReliableState::ReadHead;
                if (self.kind.q.val() == bits::<3>(3)) | (self.kind.q.val() == bits::<3>(4)) {
                    self.next.next = ReliableState::ReadTimer;
                }
            }
            ReliableState::ReadHead => {
                self.head.d.next = bit_cast::<G, 32>(self.read_data.val());
                self.replay.d.next = bit_cast::<G, 8>(self.replay_word.val());
                // Only a replay looks at the tail.
                self.next.next = ReliableState::ReadTail;
                if (self.kind.q.val() == bits::<3>(0)) | (self.kind.q.val() == bits::<3>(1)) {
                    self.next.next = ReliableState::LookUp;
                }
            }
            ReliableState::ReadTail => {
                self.next.next = ReliableState::LookUp;
                if self.kind.q.val() == bits::<3>(2) {
                    // An acknowledgement may have moved it meanwhile.
                    if self.replay.q.val() == self.ask_position.val() {
                        self.replay.d.next = self.next_replay.val();
                        if self.next_replay.val() == self.new_tail.val() {
                            self.replay_end.next = true;
                        }
                    }
                    self.next.next = ReliableState::StoreHead;
                }
                if self.kind.q.val() == bits::<3>(3) {
                    if !self.is_replaying.val() {
                        self.replay.d.next = self.head.q.val();
                        self.replay_start.next = true;
                    }
                    self.next.next = ReliableState::StoreHead;
                }
            }
            ReliableState::LookUp => {
                self.next.next = ReliableState::Measure;
                // A full log has its head at its tail too: the scheduler's count decides.
                if !self.logged.val().get_bit(self.at_vi.q.val().index()) {
                    self.replay_end.next = self.is_replaying.val();
                    self.next.next = ReliableState::StoreTimer;
                }
            }
            ReliableState::Measure => {
                self.diff.d.next = self.ack.sequence.val() - self.read_data.val();
                self.next.next = ReliableState::Decide;
            }
            ReliableState::Decide => {
                self.entry.d.next = self.read_data.val();
                self.next.next = ReliableState::StoreTimer;
                if self.acked.val() {
                    self.next.next = ReliableState::Pop;
                    if self.read_data.val().get_bit(16) & !self.read_data.val().get_bit(17) {
                        self.next.next = ReliableState::Finish;
                    }
                } else if self.nak.q.val() & !self.is_replaying.val() {
                    self.replay.d.next = self.head.q.val();
                    self.replay_start.next = true;
                }
            }
            ReliableState::Finish => {
                self.finished.next = true;
                self.next.next = ReliableState::Pop;
            }
            ReliableState::Pop => {
                self.popped.next = true;
                self.response_done.next =
                    self.entry.q.val().get_bit(16) & self.entry.q.val().get_bit(17);
                self.moved.d.next = true;
                self.head.d.next = self.next_head.val();
                if self.is_replaying.val() & (self.replay.q.val() == self.head.q.val()) {
                    self.replay.d.next = self.next_head.val();
                }
                // The count falls in the next cycle.
                self.next.next = ReliableState::Settle;
                if self.kind.q.val() == bits::<3>(1) {
                    self.next.next = ReliableState::StoreTimer;
                }
            }
            ReliableState::Settle => {
                self.next.next = ReliableState::LookUp;
            }
            ReliableState::StoreTimer => {
                self.write_word.next = bits::<CA>(9);
                self.write_data.next = bits::<32>(0);
                self.write.next = self.moved.q.val();
                if self.write_ready.val() | !self.moved.q.val() {
                    self.next.next = ReliableState::StoreHead;
                }
            }
            ReliableState::StoreHead => {
                self.write.next = true;
                if self.write_ready.val() {
                    self.next.next = ReliableState::Idle;
                    self.ack.ready.next = self.kind.q.val() == bits::<3>(0);
                    self.ask_done.next =
                        (self.kind.q.val() == bits::<3>(1)) | (self.kind.q.val() == bits::<3>(2));
                }
            }
            ReliableState::ReadTimer => {
                self.ticks.d.next = self.counted.val() + bits::<16>(1);
                self.tried.d.next = self.read_data.val().get_bits::<4>(16);
                self.next.next = ReliableState::JudgeTimer;
                if self.kind.q.val() == bits::<3>(4) {
                    self.next.next = ReliableState::Configure;
                }
            }
            ReliableState::JudgeTimer => {
                self.write_word.next = bits::<CA>(9);
                self.write.next = true;
                self.write_data.next = bit_cast::<32, 16>(self.ticks.q.val())
                    | (bit_cast::<32, 4>(self.tried.q.val()) << bits::<5>(16));
                if self.ticks.q.val() >= self.limit.val() {
                    self.write_data.next =
                        (bit_cast::<32, 4>(self.tried.q.val()) + bits::<32>(1)) << bits::<5>(16);
                }
                if self.write_ready.val() {
                    self.next.next = ReliableState::Idle;
                    if self.ticks.q.val() >= self.limit.val() {
                        self.timeout.next = true;
                        self.next.next = ReliableState::ReadHead;
                        if self.tried.q.val() == self.most_tries.val() {
                            self.next.next = ReliableState::BreakVi;
                        }
                    }
                }
            }
            ReliableState::BreakVi => {
                self.vi_error.valid.next = true;
                if self.vi_error.ready.val() {
                    self.next.next = ReliableState::Idle;
                }
            }
            ReliableState::Configure => {
                // Steps 0 to 8 after the send sequence, 3 to 8 to forget, one for the other words.
                self.write.next = true;
                self.write_data.next = bits::<32>(0);
                if self.step.q.val() == bits::<4>(0) {
                    self.write_data.next = self.vi_config.data.val();
                    self.write_word.next = bits::<CA>(2);
                    if self.vi_config.word.val() == bits::<4>(6) {
                        self.write_word.next = bits::<CA>(1);
                    }
                    if self.vi_config.word.val() == bits::<4>(8) {
                        self.write_word.next = bits::<CA>(8);
                    }
                    if self.vi_config.word.val() == bits::<4>(9) {
                        self.write_word.next = bits::<CA>(3);
                    }
                    self.write.next = self.vi_config.word.val() >= bits::<4>(6);
                }
                if self.step.q.val() == bits::<4>(1) {
                    self.write_data.next = bits::<32>(1);
                    self.write_word.next = bits::<CA>(4);
                }
                if self.step.q.val() == bits::<4>(2) {
                    self.write_data.next = bits::<32>(1);
                    self.write_word.next = bits::<CA>(5);
                }
                if self.step.q.val() == bits::<4>(3) {
                    self.write_word.next = bits::<CA>(6);
                }
                if self.step.q.val() == bits::<4>(4) {
                    self.write_word.next = bits::<CA>(7);
                }
                if self.step.q.val() == bits::<4>(5) {
                    self.write_word.next = bits::<CA>(9);
                }
                if self.step.q.val() == bits::<4>(6) {
                    // Frames are numbered on, from the next log entry 0: source_use tells an old number from a new one.
                    self.write_data.next = bit_cast::<32, 16>(self.ticks.q.val());
                    self.write_word.next = bits::<CA>(10);
                }
                if self.step.q.val() == bits::<4>(7) {
                    self.write_word.next = bits::<CA>(11);
                }
                if self.step.q.val() == bits::<4>(8) {
                    self.write_word.next = bits::<CA>(12);
                }
                if self.write_ready.val() {
                    self.step.d.next = self.step.q.val() + bits::<4>(1);
                    if self.last_step.val()
                        | (!self.forgets.q.val() & (self.vi_config.word.val() != bits::<4>(7)))
                    {
                        self.vi_config.ready.next = !self.forgets.q.val();
                        self.forget_done.next = self.forgets.q.val();
                        self.next.next = ReliableState::Idle;
                    }
                }
            }
            _ => {
                self.next.next = ReliableState::Idle;
            }
        }
        if self.slow_tick.val() {
            self.due.d.next = self.logged.val() & self.connected.val();
        }
        if self.reset.val() {
            self.next.next = ReliableState::Idle;
            self.due.d.next = bits::<16>(0);
        }
        self.state.d.next = self.next.val();

        // The word that the next state uses.
        self.context.next = bit_cast::<CA, 8>(self.at_vi.q.val()) << self.words_log2.val();
        self.word.next = bits::<CA>(11);
        match self.next.val() {
            ReliableState::ReadTail => {
                self.word.next = bits::<CA>(10);
            }
            ReliableState::Measure => {
                self.word.next = self.log.val() | bits::<CA>(3);
            }
            ReliableState::Decide => {
                self.word.next = self.log.val();
            }
            ReliableState::Finish => {
                self.word.next = self.log.val() | bits::<CA>(1);
            }
            ReliableState::ReadTimer => {
                self.word.next = bits::<CA>(9);
                if self.kind.q.val() == bits::<3>(4) {
                    self.word.next = bits::<CA>(10);
                }
            }
            _ => {
                self.word.next = bits::<CA>(11);
            }
        }
        // The port is ours only in the cycles in which the next state needs a word.
        self.active.next = (self.next.val() == ReliableState::ReadHead)
            | (self.next.val() == ReliableState::ReadTail)
            | (self.next.val() == ReliableState::Measure)
            | (self.next.val() == ReliableState::Decide)
            | (self.next.val() == ReliableState::Finish)
            | (self.next.val() == ReliableState::ReadTimer);
        self.busy.next = self.state.q.val() != ReliableState::Idle;
        self.read_address.next = self.context.val() | self.word.val();
        self.write_address.next = self.context.val() | self.write_word.val();
    }
}
