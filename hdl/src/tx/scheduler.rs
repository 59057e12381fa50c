//! Chooses what header build does next: which VI, and which of its things.
//!
//! ```text
//!   Terminate request, raw frame ----------------------------+
//!   replay, response, message, acknowledgement, per VI ------+--> choose --> header build --> done: progress, log, errors
//!        (round robin over the VIs, one frame at a time)     |
//!   flush of a VI: nothing new starts, pipes run empty <-----+
//! ```
//! Within a VI: a replay first, then a Read Response if no message has begun, then the message, and an acknowledgement alone only if
//! there is nothing to carry it. A message or response that has begun is finished before the other kind starts. A VI whose log
//! is full waits, and so does an RDMA Read beyond the negotiated depth and a fenced message behind unfinished reads.
//!
//! A message that cannot be sent halts its VI; retire completes it with its error when everything before it is acknowledged,
//! and breaks the VI.
//!
//! Latency: one cycle from a request to `start`.

use rnic_abi::command::{reliability, vi_queues};
use rnic_abi::error::terminate;
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::FlushViRx;

/// What the scheduler does.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum ScheduleState {
    /// Chooses a frame to build.
    Choose,
    /// Waits for header build.
    Build,
    /// Waits until an unreliable VI's frame has left.
    AwaitSent,
    /// Has the reliable engine pop a log entry or advance a replay.
    Ask,
    /// Flush: lets the pipes run empty.
    RunEmpty,
    /// Flush: has the VI's words cleared.
    Forget,
    /// Flush: answers.
    Answer,
}

/// See the module.
#[derive(LogicBlock)]
pub struct Scheduler {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// VIs with a connection.
    pub connected: Signal<In, Bits<16>>,
    /// VI command word: VI.
    pub config_vi: Signal<In, Bits<8>>,
    /// VI command word: number.
    pub config_word: Signal<In, Bits<4>>,
    /// VI command word: value.
    pub config_data: Signal<In, Bits<32>>,
    /// VI command word: valid.
    pub config_valid: Signal<In, Bit>,
    /// VIs whose record 0 is loaded.
    pub loaded0: Signal<In, Bits<16>>,
    /// VIs whose record 1 is loaded.
    pub loaded1: Signal<In, Bits<16>>,
    /// VIs whose record 0 waits for reads.
    pub fence0: Signal<In, Bits<16>>,
    /// VIs whose record 1 waits for reads.
    pub fence1: Signal<In, Bits<16>>,
    /// VIs whose record 0 is an RDMA Read.
    pub read0: Signal<In, Bits<16>>,
    /// VIs whose record 1 is an RDMA Read.
    pub read1: Signal<In, Bits<16>>,
    /// VIs whose record 0 is an inline message.
    pub at_once0: Signal<In, Bits<16>>,
    /// VIs whose record 1 is an inline message.
    pub at_once1: Signal<In, Bits<16>>,
    /// VIs with reads outstanding.
    pub reads_open: Signal<In, Bits<16>>,
    /// VIs that may not read.
    pub reads_full: Signal<In, Bits<16>>,
    /// VIs with a Read Response to send.
    pub responses: Signal<In, Bits<16>>,
    /// VIs whose log is full.
    pub log_full: Signal<In, Bits<16>>,
    /// VIs with log entries.
    pub logged: Signal<In, Bits<16>>,
    /// VIs whose acknowledgement cannot wait.
    pub ack_due: Signal<In, Bits<16>>,
    /// VIs that owe any acknowledgement, also one that can wait.
    pub ack_owed: Signal<In, Bits<16>>,
    /// VIs that miss a frame.
    pub nak: Signal<In, Bits<16>>,
    /// `replay_vi` sends again.
    pub replay_start: Signal<In, Bit>,
    /// `replay_vi` has sent all again.
    pub replay_end: Signal<In, Bit>,
    /// See above.
    pub replay_vi: Signal<In, Bits<8>>,
    /// A Terminate is to be sent.
    pub terminate_waits: Signal<In, Bit>,
    /// Its VI.
    pub terminate_vi: Signal<In, Bits<8>>,
    /// A raw frame is to be sent.
    pub raw_waits: Signal<In, Bit>,
    /// It has left.
    pub raw_left: Signal<In, Bit>,
    /// Header build: one frame.
    pub start: Signal<Out, Bit>,
    /// See ddp_insert.
    pub kind: Signal<Out, Bits<3>>,
    /// Its VI.
    pub vi: Signal<Out, Bits<8>>,
    /// Slot of the VI's current message.
    pub slot: Signal<Out, Bit>,
    /// The VI's current message is inline.
    pub at_once: Signal<Out, Bit>,
    /// Report a missing frame.
    pub said_nak: Signal<Out, Bit>,
    /// The VI is connected.
    pub alive: Signal<Out, Bit>,
    /// Header build is done.
    pub done: Signal<In, Bit>,
    /// With `done`: the message or response cannot be sent.
    pub failed: Signal<In, Bit>,
    /// With `failed`: why.
    pub status: Signal<In, Bits<2>>,
    /// With `done`: message or response ends here.
    pub ends: Signal<In, Bit>,
    /// With `failed`: it is a Read Response.
    pub failed_response: Signal<In, Bit>,
    /// With `failed`: TPT error.
    pub error: Signal<In, Bits<4>>,
    /// Slot of each VI's current message.
    pub head: Signal<Out, Bits<16>>,
    /// VIs that send again.
    pub replaying: Signal<Out, Bits<16>>,
    /// VIs whose current message is to be completed with an error, all before it being acknowledged.
    pub failing: Signal<Out, Bits<16>>,
    /// Bit 0 of its status.
    pub fail_low: Signal<Out, Bits<16>>,
    /// Bit 1 of its status.
    pub fail_high: Signal<Out, Bits<16>>,
    /// A frame of `vi` is logged.
    pub log_up: Signal<Out, Bit>,
    /// The record of `vi`, `slot` is not needed any more.
    pub unload: Signal<Out, Bit>,
    /// The response of `vi` is sent to its end.
    pub response_begun: Signal<Out, Bit>,
    /// A peer's read of `vi` was refused: send a Terminate; held until `refused_ready`.
    pub refused: Signal<Out, Bit>,
    /// Its VI.
    pub refused_vi: Signal<Out, Bits<8>>,
    /// Its code.
    pub refused_code: Signal<Out, Bits<16>>,
    /// Taken.
    pub refused_ready: Signal<In, Bit>,
    /// See reliable.
    pub ask: Signal<Out, Bit>,
    /// See reliable.
    pub ask_advance: Signal<Out, Bit>,
    /// See reliable.
    pub ask_done: Signal<In, Bit>,
    /// Let go of a VI.
    pub stop: FlushViRx,
    /// Nothing new may start.
    pub pause: Signal<Out, Bit>,
    /// Fetch, payload, link and retire hold nothing.
    pub pipes_idle: Signal<In, Bit>,
    /// Payload and link hold nothing.
    pub link_idle: Signal<In, Bit>,
    /// See reliable.
    pub forget: Signal<Out, Bit>,
    /// See reliable.
    pub forget_done: Signal<In, Bit>,
    /// Forget everything of `clear_vi`.
    pub clear: Signal<Out, Bit>,
    /// See `clear`.
    pub clear_vi: Signal<Out, Bits<8>>,
    /// Header build has work.
    pub building: Signal<Out, Bit>,
    state: DFF<ScheduleState>,
    at_vi: DFF<Bits<8>>,
    at_kind: DFF<Bits<3>>,
    advances: DFF<Bit>,
    last_vi: DFF<Bits<8>>,
    heads: DFF<Bits<16>>,
    in_message: DFF<Bits<16>>,
    in_response: DFF<Bits<16>>,
    replays: DFF<Bits<16>>,
    halted: DFF<Bits<16>>,
    fails: DFF<Bits<16>>,
    fails_low: DFF<Bits<16>>,
    fails_high: DFF<Bits<16>>,
    unreliable: DFF<Bits<16>>,
    refusal: DFF<Bit>,
    refusal_at: DFF<Bits<8>>,
    code: DFF<Bits<16>>,
    raw_sent: DFF<Bit>,
    not_head: Signal<Local, Bits<16>>,
    at_onces: Signal<Local, Bits<16>>,
    loaded: Signal<Local, Bits<16>>,
    fenced: Signal<Local, Bits<16>>,
    unread: Signal<Local, Bits<16>>,
    may_send: Signal<Local, Bits<16>>,
    messages: Signal<Local, Bits<16>>,
    answers: Signal<Local, Bits<16>>,
    again: Signal<Local, Bits<16>>,
    acks: Signal<Local, Bits<16>>,
    all: Signal<Local, Bits<16>>,
    chosen: Signal<Local, Bits<8>>,
    found: Signal<Local, Bit>,
    mask: Signal<Local, Bits<16>>,
    not_mask: Signal<Local, Bits<16>>,
    is_logged: Signal<Local, Bit>,
    config_mask: Signal<Local, Bits<16>>,
    level: Signal<Local, Bits<8>>,
    replay_mask: Signal<Local, Bits<16>>,
    keep: Signal<Local, Bits<16>>,
    ones: Constant<Bits<16>>,
    reliability_shift: Constant<Bits<6>>,
    unreliable_level: Constant<Bits<8>>,
    invalid_stag: Constant<Bits<16>>,
    not_associated: Constant<Bits<16>>,
    bad_access: Constant<Bits<16>>,
    bad_bounds: Constant<Bits<16>>,
    bad_wrap: Constant<Bits<16>>,
}

impl Scheduler {
    /// All VIs at rest.
    pub fn new() -> Self {
        block_new!(clock reset connected config_vi config_word config_data config_valid loaded0 loaded1 fence0 fence1 read0
            read1 at_once0 at_once1 reads_open reads_full responses log_full logged ack_due ack_owed nak replay_start replay_end
            replay_vi terminate_waits terminate_vi raw_waits raw_left start kind vi slot at_once said_nak alive done
            failed status ends failed_response error head replaying failing fail_low fail_high log_up unload response_begun
            refused refused_vi refused_code refused_ready ask ask_advance ask_done stop pause pipes_idle link_idle
            forget forget_done clear clear_vi building state at_vi at_kind advances last_vi heads in_message
            in_response replays halted fails fails_low fails_high unreliable refusal refusal_at code raw_sent
            not_head at_onces loaded fenced unread may_send messages answers again acks all chosen found mask
            not_mask is_logged config_mask level replay_mask keep;
            ones = 0xFFFF_u32,
            reliability_shift = vi_queues::RELIABILITY_SHIFT,
            unreliable_level = reliability::UNRELIABLE,
            invalid_stag = terminate::RDMAP_INVALID_STAG,
            not_associated = terminate::RDMAP_NOT_ASSOCIATED,
            bad_access = terminate::RDMAP_ACCESS,
            bad_bounds = terminate::RDMAP_BOUNDS,
            bad_wrap = terminate::RDMAP_WRAP,
        )
    }
}

impl Default for Scheduler {
    fn default() -> Self {
        Self::new()
    }
}

impl Logic for Scheduler {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            at_vi,
            at_kind,
            advances,
            last_vi,
            heads,
            in_message,
            in_response,
            replays,
            halted,
            fails,
            fails_low,
            fails_high,
            unreliable,
            refusal,
            refusal_at,
            code,
            raw_sent
        );
        // What each VI could send.
        self.not_head.next = self.heads.q.val() ^ self.ones.val();
        self.loaded.next =
            (self.loaded1.val() & self.heads.q.val()) | (self.loaded0.val() & self.not_head.val());
        self.fenced.next = ((self.fence1.val() & self.heads.q.val())
            | (self.fence0.val() & self.not_head.val()))
            & self.reads_open.val()
            & (self.in_message.q.val() ^ self.ones.val());
        self.unread.next = ((self.read1.val() & self.heads.q.val())
            | (self.read0.val() & self.not_head.val()))
            & self.reads_full.val();
        self.may_send.next = self.connected.val()
            & ((self.log_full.val() | self.replays.q.val() | self.halted.q.val())
                ^ self.ones.val());
        self.messages.next = self.may_send.val()
            & self.loaded.val()
            & ((self.fenced.val() | self.unread.val() | self.in_response.q.val())
                ^ self.ones.val());
        self.answers.next = self.may_send.val()
            & self.responses.val()
            & (self.in_message.q.val() ^ self.ones.val());
        self.again.next = self.connected.val()
            & self.replays.q.val()
            & self.logged.val()
            & (self.halted.q.val() ^ self.ones.val());
        // Where nothing has left that is unacknowledged, and nothing is about to, nothing will carry it soon; nor where the
        // log is full, and the peer's may be full as well.
        self.acks.next = self.connected.val()
            & (self.ack_due.val()
                | (self.ack_owed.val()
                    & (self.log_full.val()
                        | ((self.logged.val() | self.loaded.val()) ^ self.ones.val()))));
        self.all.next =
            self.messages.val() | self.answers.val() | self.again.val() | self.acks.val();
        self.chosen.next = bits::<8>(0);
        self.found.next = false;
        for i in 0..16 {
            if self.all.val().get_bit(i) {
                self.chosen.next = i.to_bits();
                self.found.next = true;
            }
        }
        for i in 0..16 {
            if self.all.val().get_bit(i) & (i.to_bits::<8>() < self.last_vi.q.val()) {
                self.chosen.next = i.to_bits();
            }
        }
        self.mask.next = bits::<16>(1) << self.at_vi.q.val();
        self.not_mask.next = self.mask.val() ^ self.ones.val();
        self.is_logged.next =
            (self.at_kind.q.val() == bits::<3>(0)) | (self.at_kind.q.val() == bits::<3>(1));

        // Outputs at rest.
        self.start.next = self.state.q.val() == ScheduleState::Build;
        self.kind.next = self.at_kind.q.val();
        self.vi.next = self.at_vi.q.val();
        self.slot.next = self.heads.q.val().get_bit(self.at_vi.q.val().index());
        self.at_onces.next = (self.at_once1.val() & self.heads.q.val())
            | (self.at_once0.val() & self.not_head.val());
        self.at_once.next = self.at_onces.val().get_bit(self.at_vi.q.val().index());
        self.said_nak.next = self.nak.val().get_bit(self.at_vi.q.val().index());
        self.alive.next = self.connected.val().get_bit(self.at_vi.q.val().index());
        self.log_up.next = false;
        self.unload.next = false;
        self.response_begun.next = false;
        self.ask.next = self.state.q.val() == ScheduleState::Ask;
        self.ask_advance.next = self.advances.q.val();
        self.stop.ready.next = self.state.q.val() == ScheduleState::Answer;
        self.pause.next = self.stop.valid.val();
        self.forget.next = self.state.q.val() == ScheduleState::Forget;
        self.clear.next = self.state.q.val() == ScheduleState::Answer;
        self.clear_vi.next = self.stop.vi.val();
        self.building.next = self.state.q.val() != ScheduleState::Choose;

        if self.raw_left.val() {
            self.raw_sent.d.next = false;
        }
        match self.state.q.val() {
            ScheduleState::Choose => {
                self.at_vi.d.next = self.chosen.val();
                self.advances.d.next = false;
                // Of what the VI could send, the last that applies.
                self.at_kind.d.next = bits::<3>(3);
                if self.messages.val().get_bit(self.chosen.val().index()) {
                    self.at_kind.d.next = bits::<3>(0);
                }
                if self.answers.val().get_bit(self.chosen.val().index()) {
                    self.at_kind.d.next = bits::<3>(1);
                }
                if self.again.val().get_bit(self.chosen.val().index()) {
                    self.at_kind.d.next = bits::<3>(2);
                    self.advances.d.next = true;
                }
                if self.terminate_waits.val() {
                    self.at_vi.d.next = self.terminate_vi.val();
                    self.at_kind.d.next = bits::<3>(4);
                    self.state.d.next = ScheduleState::Build;
                } else if self.stop.valid.val() {
                    self.state.d.next = ScheduleState::RunEmpty;
                } else if self.raw_waits.val() & !self.raw_sent.q.val() {
                    self.at_vi.d.next = bits::<8>(0);
                    self.at_kind.d.next = bits::<3>(5);
                    self.raw_sent.d.next = true;
                    self.state.d.next = ScheduleState::Build;
                } else if self.found.val() & !self.refusal.q.val() {
                    self.last_vi.d.next = self.chosen.val();
                    self.state.d.next = ScheduleState::Build;
                }
            }
            ScheduleState::Build => {
                if self.done.val() {
                    self.state.d.next = ScheduleState::Choose;
                    if self.failed.val() {
                        self.halted.d.next = self.halted.q.val() | self.mask.val();
                        if self.failed_response.val() {
                            self.refusal.d.next = true;
                            self.refusal_at.d.next = self.at_vi.q.val();
                        } else {
                            self.fails.d.next = self.fails.q.val() | self.mask.val();
                            if self.status.val().get_bit(0) {
                                self.fails_low.d.next = self.fails_low.q.val() | self.mask.val();
                            }
                            if self.status.val().get_bit(1) {
                                self.fails_high.d.next = self.fails_high.q.val() | self.mask.val();
                            }
                        }
                    } else {
                        self.log_up.next = self.is_logged.val();
                        if self.at_kind.q.val() == bits::<3>(0) {
                            self.in_message.d.next = self.in_message.q.val() | self.mask.val();
                            if self.ends.val() {
                                self.in_message.d.next =
                                    self.in_message.q.val() & self.not_mask.val();
                                self.heads.d.next = self.heads.q.val() ^ self.mask.val();
                                self.unload.next = true;
                            }
                        }
                        if self.at_kind.q.val() == bits::<3>(1) {
                            self.in_response.d.next = self.in_response.q.val() | self.mask.val();
                            if self.ends.val() {
                                self.in_response.d.next =
                                    self.in_response.q.val() & self.not_mask.val();
                                self.response_begun.next = true;
                            }
                        }
                        if self.advances.q.val() {
                            self.state.d.next = ScheduleState::Ask;
                        }
                        if self.is_logged.val()
                            & self.unreliable.q.val().get_bit(self.at_vi.q.val().index())
                        {
                            self.state.d.next = ScheduleState::AwaitSent;
                        }
                    }
                }
            }
            ScheduleState::AwaitSent => {
                if self.link_idle.val() {
                    self.state.d.next = ScheduleState::Ask;
                }
            }
            ScheduleState::Ask => {
                if self.ask_done.val() {
                    self.state.d.next = ScheduleState::Choose;
                }
            }
            ScheduleState::RunEmpty => {
                if self.terminate_waits.val() {
                    self.state.d.next = ScheduleState::Choose;
                } else if self.pipes_idle.val() {
                    self.state.d.next = ScheduleState::Forget;
                }
            }
            ScheduleState::Forget => {
                if self.forget_done.val() {
                    self.state.d.next = ScheduleState::Answer;
                }
            }
            ScheduleState::Answer => {
                self.state.d.next = ScheduleState::Choose;
            }
            _ => {
                self.state.d.next = ScheduleState::Choose;
            }
        }

        // RFC 5040 figure 9: why a peer's read is refused.
        self.refused.next = self.refusal.q.val();
        self.refused_vi.next = self.refusal_at.q.val();
        self.refused_code.next = self.code.q.val();
        if self.refused_ready.val() {
            self.refusal.d.next = false;
        }
        if self.done.val() & self.failed.val() {
            self.code.d.next = self.bad_access.val();
            if self.error.val() == bits::<4>(1) {
                self.code.d.next = self.invalid_stag.val();
            }
            if (self.error.val() == bits::<4>(2)) | (self.error.val() == bits::<4>(3)) {
                self.code.d.next = self.not_associated.val();
            }
            if self.error.val() == bits::<4>(5) {
                self.code.d.next = self.bad_bounds.val();
            }
            if self.error.val() == bits::<4>(6) {
                self.code.d.next = self.bad_wrap.val();
            }
        }

        self.replay_mask.next = bits::<16>(1) << self.replay_vi.val();
        if self.replay_start.val() {
            self.replays.d.next = self.replays.q.val() | self.replay_mask.val();
        }
        if self.replay_end.val() {
            self.replays.d.next = self.replays.q.val() & (self.replay_mask.val() ^ self.ones.val());
        }
        self.level.next = self
            .config_data
            .val()
            .get_bits::<8>(self.reliability_shift.val().index());
        self.config_mask.next = bits::<16>(1) << self.config_vi.val();
        if self.config_valid.val() & (self.config_word.val() == bits::<4>(5)) {
            self.unreliable.d.next =
                self.unreliable.q.val() & (self.config_mask.val() ^ self.ones.val());
            if self.level.val() == self.unreliable_level.val() {
                self.unreliable.d.next = self.unreliable.q.val() | self.config_mask.val();
            }
        }
        self.keep.next = (bits::<16>(1) << self.stop.vi.val()) ^ self.ones.val();
        if self.clear.val() {
            self.heads.d.next = self.heads.q.val() & self.keep.val();
            self.in_message.d.next = self.in_message.q.val() & self.keep.val();
            self.in_response.d.next = self.in_response.q.val() & self.keep.val();
            self.replays.d.next = self.replays.q.val() & self.keep.val();
            self.halted.d.next = self.halted.q.val() & self.keep.val();
            self.fails.d.next = self.fails.q.val() & self.keep.val();
            self.fails_low.d.next = self.fails_low.q.val() & self.keep.val();
            self.fails_high.d.next = self.fails_high.q.val() & self.keep.val();
        }
        if self.reset.val() {
            self.state.d.next = ScheduleState::Choose;
            self.at_vi.d.next = bits::<8>(0);
            self.last_vi.d.next = bits::<8>(0);
            self.heads.d.next = bits::<16>(0);
            self.in_message.d.next = bits::<16>(0);
            self.in_response.d.next = bits::<16>(0);
            self.replays.d.next = bits::<16>(0);
            self.halted.d.next = bits::<16>(0);
            self.fails.d.next = bits::<16>(0);
            self.fails_low.d.next = bits::<16>(0);
            self.fails_high.d.next = bits::<16>(0);
            self.unreliable.d.next = bits::<16>(0);
            self.refusal.d.next = false;
            self.raw_sent.d.next = false;
        }
        self.head.next = self.heads.q.val();
        self.replaying.next = self.replays.q.val();
        self.failing.next = self.fails.q.val() & (self.logged.val() ^ self.ones.val());
        self.fail_low.next = self.fails_low.q.val();
        self.fail_high.next = self.fails_high.q.val();
    }
}
