//! Step `llp_receive`: takes link frames off the wire, checks header and sequence, and writes what follows into a frame bank.
//!
//! It decides what a frame is worth and nothing about what is in it: the FPDU is judged by `rx/`. It never waits for the
//! transmit side, only for a free bank and for the frame's acknowledgement to be taken.
//!
//! ```text
//!            +-------------------------------------------+
//! frames --->| 5 header words | payload words            |---> write, address, word ---> frame bank
//!            |   |        ^   +--> CRC32c --> sum_good   |---> open, close + verdict --> frame bank
//!            |   v        |                              |---> ack       (what the peer has placed)
//!            | link table: per VI expected, queues, peer |---> ack_owed  (what we have placed, or miss)
//!            +-------------------------------------------+
//! link table, four words a VI: 0 next expected sequence | 1 VI word 5 (reliability) | 2 VI word 6 (peer) | 3 -
//! bank, 2^F words:             0.. the words after the link header | last: the sequence after this frame
//! ```
//! A frame is dropped and counted when its header CRC is bad, it is truncated or its length field disagrees with `last`
//! (`link_header_errors`), its VI is not connected or its source not the VI's peer (`link_unknown_vi`), it was seen before
//! (`link_duplicates`, acknowledged again at once) or one before it is missing (`link_gaps`, one NAK a gap). Unreliable VIs
//! take gaps as they come. The expected sequence advances only for frames whose payload CRC is good.
//!
//! A repeated acknowledgement or a NAK waits until no frame of that VI is in a bank, so that it never runs ahead of placing.
//!
//! Latency: the word is in the bank the cycle after it is taken; the verdict is out one cycle after the last word.
//! Throughput: a word a cycle, and two cycles more per frame.

use rnic_abi::wire::link;
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::block_ram::BlockRam;
use crate::interfaces::{AckEventTx, AckOwedRx, AckOwedTx, StepTx, StreamRx, ViConfigRx};
use crate::llp::crc32c::Crc32c;

/// What became of a frame, as said on `verdict` with `close`.
pub mod verdict {
    /// Whole, and its payload CRC is good.
    pub const GOOD: u8 = 1;
    /// Whole, but the CRC over its payload is bad, or the FPDU's length disagrees with the frame's.
    pub const BAD_SUM: u8 = 2;
    /// Cut short or too long: as if it had never come.
    pub const DROPPED: u8 = 3;
}

/// States: one per header word, then the payload.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum LinkReceiveState {
    /// Take word 0, look up the VI's expected sequence.
    TakeType,
    /// Take word 1, subtract what is expected.
    TakeSequence,
    /// Take word 2, the peer's acknowledgement.
    TakeAcknowledged,
    /// Take word 3, the number of bytes that follow.
    TakeLength,
    /// Take word 4, the CRC of words 0 to 3.
    TakeSum,
    /// Decide from the header alone.
    Judge,
    /// Write words into the bank.
    TakePayload,
    /// Say what the frame is worth.
    Finish,
    /// Swallow the rest of a dropped frame.
    Skip,
}

/// See the module. `F` is log2 of the words in a bank.
#[derive(LogicBlock)]
pub struct LlpReceive<const F: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Bit i: VI i is connected.
    pub connected: Signal<In, Bits<16>>,
    /// VI words 5, 6 and 8 are kept here.
    pub vi_config: ViConfigRx,
    /// Link frames.
    pub frames: StreamRx,
    /// A bank can take a frame.
    pub bank_free: Signal<In, Bit>,
    /// A frame with a good header begins.
    pub open: Signal<Out, Bit>,
    /// Its VI; holds until the next frame's header.
    pub vi: Signal<Out, Bits<4>>,
    /// It is a raw frame.
    pub raw: Signal<Out, Bit>,
    /// Words of the open frame that are in the bank.
    pub arrived: Signal<Out, Bits<F>>,
    /// Write `word` to `address` of the bank.
    pub write: Signal<Out, Bit>,
    /// Word address in the bank.
    pub address: Signal<Out, Bits<F>>,
    /// The word.
    pub word: Signal<Out, Bits<32>>,
    /// The word is the first of the payload.
    pub first: Signal<Out, Bit>,
    /// Payload words that the header announced.
    pub words: Signal<Out, Bits<14>>,
    /// `rx/mpa_check.rs`: the FPDU's length agrees with `words`.
    pub length_good: Signal<In, Bit>,
    /// The CRC over what was taken so far is good.
    pub sum_good: Signal<Out, Bit>,
    /// The open frame is complete.
    pub close: Signal<Out, Bit>,
    /// What it is worth: `verdict`.
    pub verdict: Signal<Out, Bits<2>>,
    /// The peer's acknowledgement.
    pub ack: AckEventTx,
    /// What `place` has placed.
    pub placed: AckOwedRx,
    /// VI of a waiting repeated acknowledgement.
    pub notice_vi: Signal<Out, Bits<4>>,
    /// No frame of `notice_vi` is in a bank.
    pub settled: Signal<In, Bit>,
    /// What this side owes the peer.
    pub ack_owed: AckOwedTx,
    /// A frame with a good link header arrived in sequence.
    pub step: StepTx,
    /// Counter pulse.
    pub link_header_errors: Signal<Out, Bit>,
    /// Counter pulse.
    pub link_duplicates: Signal<Out, Bit>,
    /// Counter pulse.
    pub link_gaps: Signal<Out, Bit>,
    /// Counter pulse.
    pub link_unknown_vi: Signal<Out, Bit>,
    /// Not in `TakeType`.
    pub busy: Signal<Out, Bit>,

    state: DFF<LinkReceiveState>,
    crc: Crc32c,
    vi_table: BlockRam<32, 6>,
    target: DFF<Bits<4>>,
    source: DFF<Bits<8>>,
    data_frame: DFF<Bit>,
    ack_frame: DFF<Bit>,
    raw_frame: DFF<Bit>,
    in_range: DFF<Bit>,
    nak: DFF<Bit>,
    from_peer: DFF<Bit>,
    unreliable: DFF<Bit>,
    /// `last` came with or before the header's last word.
    ended: DFF<Bit>,
    /// More words came than the header announced.
    overlong: DFF<Bit>,
    /// Sequence minus expected; from `Judge` on the frame's bytes.
    delta: DFF<Bits<32>>,
    length: DFF<Bits<16>>,
    at: DFF<Bits<F>>,
    ack_sequence: DFF<Bits<32>>,
    ack_vi: DFF<Bits<4>>,
    ack_nak: DFF<Bit>,
    ack_valid: DFF<Bit>,
    nak_sent: DFF<Bits<16>>,
    notice: DFF<Bit>,
    notice_nak: DFF<Bit>,
    notice_target: DFF<Bits<4>>,
    /// The table shows the notice's expected sequence.
    notice_read: DFF<Bit>,

    takes: Signal<Local, Bit>,
    ready: Signal<Local, Bit>,
    link_type: Signal<Local, Bits<8>>,
    head_vi: Signal<Local, Bits<8>>,
    near_vi: Signal<Local, Bits<8>>,
    config_vi: Signal<Local, Bits<8>>,
    row: Signal<Local, Bits<4>>,
    column: Signal<Local, Bits<2>>,
    for_notice: Signal<Local, Bit>,
    advanced: Signal<Local, Bits<32>>,
    advance: Signal<Local, Bit>,
    behind: Signal<Local, Bit>,
    ahead: Signal<Local, Bit>,
    known: Signal<Local, Bit>,
    shape_good: Signal<Local, Bit>,
    whole: Signal<Local, Bit>,
    full: Signal<Local, Bit>,
    at_wide: Signal<Local, Bits<14>>,
    config_write: Signal<Local, Bit>,
    config_ready: Signal<Local, Bit>,
    config_column: Signal<Local, Bits<2>>,
    notice_goes: Signal<Local, Bit>,
    sequence_at: Constant<Bits<F>>,
    most_words: Constant<Bits<14>>,
    vi_mask: Constant<Bits<8>>,
    type_data: Constant<Bits<8>>,
    type_ack: Constant<Bits<8>>,
    type_raw: Constant<Bits<8>>,
    verdict_good: Constant<Bits<2>>,
    verdict_bad_sum: Constant<Bits<2>>,
    verdict_dropped: Constant<Bits<2>>,
}

impl<const F: usize> LlpReceive<F> {
    /// The block for 2^`vis_log2` VIs and banks of 2^F words, the last of which holds the sequence.
    pub fn new(vis_log2: usize) -> Self {
        block_new!(
            clock reset connected vi_config frames bank_free open vi raw arrived write address word
            first words length_good sum_good close verdict ack placed notice_vi settled ack_owed
            step link_header_errors link_duplicates link_gaps link_unknown_vi busy state crc
            vi_table target source data_frame ack_frame raw_frame in_range nak from_peer unreliable
            ended overlong delta length at ack_sequence ack_vi ack_nak ack_valid nak_sent notice
            notice_nak notice_target notice_read takes ready link_type head_vi near_vi config_vi row
            column for_notice advanced advance behind ahead known shape_good whole full at_wide
            config_write config_ready config_column notice_goes;
            sequence_at = (1u64 << F) - 1,
            most_words = (1u64 << F) - 1,
            vi_mask = (1u64 << vis_log2) - 1,
            type_data = link::TYPE_DATA,
            type_ack = link::TYPE_ACK,
            type_raw = link::TYPE_RAW,
            verdict_good = verdict::GOOD,
            verdict_bad_sum = verdict::BAD_SUM,
            verdict_dropped = verdict::DROPPED,
        )
    }
}

impl<const F: usize> Logic for LlpReceive<F> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, crc, vi_table);
        dff_setup!(
            self,
            clock,
            state,
            target,
            source,
            data_frame,
            ack_frame,
            raw_frame,
            in_range,
            nak,
            from_peer,
            unreliable,
            ended,
            overlong,
            delta,
            length,
            at,
            ack_sequence,
            ack_vi,
            ack_nak,
            ack_valid,
            nak_sent,
            notice,
            notice_nak,
            notice_target,
            notice_read
        );

        // Pulses, off unless a state below says otherwise.
        self.open.next = false;
        self.close.next = false;
        self.verdict.next = self.verdict_dropped.val();
        self.write.next = false;
        self.advance.next = false;
        self.step.fire.next = false;
        self.link_header_errors.next = false;
        self.link_duplicates.next = false;
        self.link_gaps.next = false;
        self.link_unknown_vi.next = false;

        // Ready follows from registers alone.
        self.ready.next = true;
        if self.state.q.val() == LinkReceiveState::TakeType {
            self.ready.next = self.bank_free.val();
        }
        if self.state.q.val() == LinkReceiveState::TakeAcknowledged {
            self.ready.next = !self.ack_valid.q.val();
        }
        if (self.state.q.val() == LinkReceiveState::Judge)
            | (self.state.q.val() == LinkReceiveState::Finish)
            | self.reset.val()
        {
            self.ready.next = false;
        }
        self.frames.ready.next = self.ready.val();
        self.takes.next = self.ready.val() & self.frames.valid.val();

        // The CRC runs over the header, then anew over the payload.
        self.crc.data.next = self.frames.data.val();
        self.crc.enable.next = self.takes.val();
        self.crc.clear.next = (self.state.q.val() == LinkReceiveState::TakeType)
            | (self.state.q.val() == LinkReceiveState::Judge);
        self.sum_good.next = self.crc.good.val();

        self.link_type.next = self.frames.data.val().get_bits::<8>(0);
        self.head_vi.next = self.frames.data.val().get_bits::<8>(16);
        self.near_vi.next = self.head_vi.val() & self.vi_mask.val();
        self.config_vi.next = self.vi_config.vi.val() & self.vi_mask.val();
        self.at_wide.next = bit_cast::<14, F>(self.at.q.val());
        self.full.next = self.at_wide.val() == self.length.q.val().get_bits::<14>(2);
        self.whole.next = self.full.val() & !self.overlong.q.val();
        self.behind.next = self.delta.q.val().get_bit(31);
        self.ahead.next = self.delta.q.val().any() & !self.behind.val();
        self.known.next = self.in_range.q.val()
            & self.from_peer.q.val()
            & self.connected.val().get_bit(self.target.q.val().index());
        self.shape_good.next = !self.length.q.val().get_bits::<2>(0).any()
            & self.length.q.val().any()
            & (self.length.q.val().get_bits::<14>(2) <= self.most_words.val())
            & !self.ended.q.val();

        // What the table shows in the next cycle.
        self.row.next = self.target.q.val();
        self.column.next = bits::<2>(0);
        self.for_notice.next = false;
        self.advanced.next = self.vi_table.read_data.val() + self.delta.q.val();

        match self.state.q.val() {
            LinkReceiveState::TakeType => {
                self.row.next = self.near_vi.val().get_bits::<4>(0);
                if !self.takes.val() {
                    self.row.next = self.notice_target.q.val();
                    self.for_notice.next = true;
                }
                if self.takes.val() {
                    self.target.d.next = self.near_vi.val().get_bits::<4>(0);
                    self.in_range.d.next = self.near_vi.val() == self.head_vi.val();
                    self.source.d.next = self.frames.data.val().get_bits::<8>(24);
                    self.data_frame.d.next = self.link_type.val() == self.type_data.val();
                    self.ack_frame.d.next = self.link_type.val() == self.type_ack.val();
                    self.raw_frame.d.next = self.link_type.val() == self.type_raw.val();
                    self.nak.d.next = self.frames.data.val().get_bit(8);
                    self.ended.d.next = false;
                    self.overlong.d.next = false;
                    self.at.d.next = bits::<F>(0);
                    self.state.d.next = LinkReceiveState::TakeSequence;
                }
            }
            LinkReceiveState::TakeSequence => {
                if self.takes.val() {
                    self.column.next = bits::<2>(2);
                    self.delta.d.next = self.frames.data.val() - self.vi_table.read_data.val();
                    self.state.d.next = LinkReceiveState::TakeAcknowledged;
                }
            }
            LinkReceiveState::TakeAcknowledged => {
                self.column.next = bits::<2>(2);
                self.from_peer.d.next =
                    self.vi_table.read_data.val().get_bits::<8>(0) == self.source.q.val();
                if self.takes.val() {
                    self.column.next = bits::<2>(1);
                    self.ack_sequence.d.next = self.frames.data.val();
                    self.ack_vi.d.next = self.target.q.val();
                    self.ack_nak.d.next = self.nak.q.val();
                    self.state.d.next = LinkReceiveState::TakeLength;
                }
            }
            LinkReceiveState::TakeLength => {
                self.column.next = bits::<2>(1);
                self.unreliable.d.next = self.vi_table.read_data.val().get_bit(16);
                if self.takes.val() {
                    self.column.next = bits::<2>(0);
                    self.length.d.next = self.frames.data.val().get_bits::<16>(0);
                    self.state.d.next = LinkReceiveState::TakeSum;
                }
            }
            LinkReceiveState::TakeSum => {
                if self.takes.val() {
                    self.state.d.next = LinkReceiveState::Judge;
                }
            }
            LinkReceiveState::Judge => {
                self.delta.d.next = bit_cast::<32, 16>(self.length.q.val());
                self.state.d.next = LinkReceiveState::Skip;
                if self.ended.q.val() {
                    self.state.d.next = LinkReceiveState::TakeType;
                }
                if !self.crc.good.val() {
                    self.link_header_errors.next = true;
                } else if self.raw_frame.q.val() {
                    if self.shape_good.val() {
                        self.open.next = true;
                        self.state.d.next = LinkReceiveState::TakePayload;
                    } else {
                        self.link_header_errors.next = true;
                    }
                } else if self.ack_frame.q.val() {
                    if !self.ended.q.val() {
                        self.link_header_errors.next = true;
                    } else if !self.known.val() {
                        self.link_unknown_vi.next = true;
                    } else {
                        self.ack_valid.d.next = true;
                    }
                } else if !self.data_frame.q.val() | !self.shape_good.val() {
                    self.link_header_errors.next = true;
                } else if !self.known.val() {
                    self.link_unknown_vi.next = true;
                } else {
                    self.ack_valid.d.next = true;
                    if self.behind.val() {
                        self.link_duplicates.next = true;
                        if !self.unreliable.q.val() {
                            self.notice.d.next = true;
                            self.notice_nak.d.next = false;
                            self.notice_target.d.next = self.target.q.val();
                        }
                    } else if self.ahead.val() & !self.unreliable.q.val() {
                        self.link_gaps.next = true;
                        if !self.nak_sent.q.val().get_bit(self.target.q.val().index()) {
                            self.notice.d.next = true;
                            self.notice_nak.d.next = true;
                            self.notice_target.d.next = self.target.q.val();
                        }
                        self.nak_sent.d.next = self
                            .nak_sent
                            .q
                            .val()
                            .replace_bit(self.target.q.val().index(), true);
                    } else {
                        // An unreliable VI's expected sequence jumps over the gap; otherwise delta is 0.
                        self.advance.next = true;
                        self.nak_sent.d.next = self
                            .nak_sent
                            .q
                            .val()
                            .replace_bit(self.target.q.val().index(), false);
                        self.open.next = true;
                        self.state.d.next = LinkReceiveState::TakePayload;
                    }
                }
            }
            LinkReceiveState::TakePayload => {
                if !self.frames.last.val() {
                    self.row.next = self.notice_target.q.val();
                    self.for_notice.next = true;
                }
                if self.takes.val() {
                    if self.full.val() {
                        self.overlong.d.next = true;
                    } else {
                        self.write.next = true;
                        self.at.d.next = self.at.q.val() + bits::<F>(1);
                    }
                    if self.frames.last.val() {
                        self.state.d.next = LinkReceiveState::Finish;
                    }
                }
            }
            LinkReceiveState::Finish => {
                if !self.ack_valid.q.val() {
                    self.close.next = true;
                    self.state.d.next = LinkReceiveState::TakeType;
                    if !self.whole.val() {
                        self.link_header_errors.next = true;
                    } else {
                        self.step.fire.next = true;
                        self.verdict.next = self.verdict_bad_sum.val();
                        if self.crc.good.val() & self.length_good.val() {
                            self.verdict.next = self.verdict_good.val();
                            self.write.next = true;
                            self.advance.next = self.data_frame.q.val();
                        }
                    }
                }
            }
            LinkReceiveState::Skip => {
                self.row.next = self.notice_target.q.val();
                self.for_notice.next = true;
                if self.takes.val() & self.frames.last.val() {
                    self.state.d.next = LinkReceiveState::TakeType;
                }
            }
            _ => {
                self.state.d.next = LinkReceiveState::TakeType;
            }
        }
        // A header that is cut short.
        if self.takes.val()
            & self.frames.last.val()
            & ((self.state.q.val() == LinkReceiveState::TakeType)
                | (self.state.q.val() == LinkReceiveState::TakeSequence)
                | (self.state.q.val() == LinkReceiveState::TakeAcknowledged)
                | (self.state.q.val() == LinkReceiveState::TakeLength))
        {
            self.link_header_errors.next = true;
            self.state.d.next = LinkReceiveState::TakeType;
        }
        if self.takes.val() & self.frames.last.val() {
            self.ended.d.next = true;
        }

        // Into the bank: payload words as they come, at the end the sequence after the frame.
        self.word.next = self.frames.data.val();
        self.address.next = self.at.q.val();
        if self.state.q.val() == LinkReceiveState::Finish {
            self.word.next = self.advanced.val();
            self.address.next = self.sequence_at.val();
        }
        self.first.next = self.write.val()
            & !self.at.q.val().any()
            & (self.state.q.val() == LinkReceiveState::TakePayload);
        self.arrived.next = self.at.q.val();
        self.words.next = self.length.q.val().get_bits::<14>(2);
        self.vi.next = self.target.q.val();
        self.raw.next = self.raw_frame.q.val();
        self.step.vi.next = bit_cast::<8, 4>(self.target.q.val());

        // The table is written by a VI command, or when a frame advances the sequence; the command waits for that.
        self.vi_table.read_address.next = (bit_cast::<6, 4>(self.row.val()) << bits::<3>(2))
            | bit_cast::<6, 2>(self.column.val());
        self.config_ready.next = (self.state.q.val() != LinkReceiveState::Judge)
            & (self.state.q.val() != LinkReceiveState::Finish)
            & !self.reset.val();
        self.vi_config.ready.next = self.config_ready.val();
        self.config_column.next = bits::<2>(0);
        self.config_write.next = false;
        if self.vi_config.word.val() == bits::<4>(8) {
            self.config_write.next = self.vi_config.valid.val();
        }
        if self.vi_config.word.val() == bits::<4>(5) {
            self.config_write.next = self.vi_config.valid.val();
            self.config_column.next = bits::<2>(1);
        }
        if self.vi_config.word.val() == bits::<4>(6) {
            self.config_write.next = self.vi_config.valid.val();
            self.config_column.next = bits::<2>(2);
        }
        self.vi_table.write_enable.next =
            self.advance.val() | (self.config_write.val() & self.config_ready.val());
        self.vi_table.write_data.next = self.advanced.val();
        self.vi_table.write_address.next = bit_cast::<6, 4>(self.target.q.val()) << bits::<3>(2);
        if self.config_ready.val() {
            self.vi_table.write_data.next = self.vi_config.data.val();
            self.vi_table.write_address.next =
                (bit_cast::<6, 4>(self.config_vi.val().get_bits::<4>(0)) << bits::<3>(2))
                    | bit_cast::<6, 2>(self.config_column.val());
            // A VI that starts anew may say again what it misses.
            if self.config_write.val() {
                self.nak_sent.d.next = self
                    .nak_sent
                    .q
                    .val()
                    .replace_bit(self.config_vi.val().get_bits::<4>(0).index(), false);
            }
        }

        // The peer's acknowledgement is held until transmit has it.
        self.ack.vi.next = bit_cast::<8, 4>(self.ack_vi.q.val());
        self.ack.sequence.next = self.ack_sequence.q.val();
        self.ack.nak.next = self.ack_nak.q.val();
        self.ack.valid.next = self.ack_valid.q.val();
        if self.ack_valid.q.val() & self.ack.ready.val() {
            self.ack_valid.d.next = false;
        }

        // What is owed: first what was placed, else a waiting notice once nothing of its VI is in a bank.
        self.notice_vi.next = self.notice_target.q.val();
        self.notice_read.d.next = self.for_notice.val() & self.notice.q.val();
        self.notice_goes.next = self.notice.q.val()
            & self.notice_read.q.val()
            & self.settled.val()
            & !self.placed.valid.val()
            & (self.state.q.val() != LinkReceiveState::Judge);
        self.ack_owed.valid.next = self.placed.valid.val() | self.notice_goes.val();
        self.ack_owed.vi.next = self.placed.vi.val();
        self.ack_owed.sequence.next = self.placed.sequence.val();
        self.ack_owed.now.next = self.notice_goes.val();
        self.ack_owed.nak.next = self.notice_goes.val() & self.notice_nak.q.val();
        if self.notice_goes.val() {
            self.ack_owed.vi.next = bit_cast::<8, 4>(self.notice_target.q.val());
            self.ack_owed.sequence.next = self.vi_table.read_data.val();
            self.notice.d.next = false;
        }
        self.busy.next = (self.state.q.val() != LinkReceiveState::TakeType) | self.notice.q.val();

        if self.reset.val() {
            self.state.d.next = LinkReceiveState::TakeType;
            self.ack_valid.d.next = false;
            self.notice.d.next = false;
            self.nak_sent.d.next = bits::<16>(0);
        }
    }
}
