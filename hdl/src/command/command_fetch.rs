//! Step 2, `command_fetch`: the command engine. It reads the slot at the head of the ring once, a word a cycle, checks
//! each word as it passes and streams it to its taker.
//!
//! It keeps no context, STag or length: what the queue entry or the completion record needs is read from the slot again
//! while it is written. It does not check the words of a region: the TPT does, and answers with `bind_result`.
//!
//! ```text
//!  slot RAM --word--> checks --+--> bind words (TPT)        REGISTER, ONE_SHOT
//!                              +--> queue entry             ONE_SHOT, SEND_INVALIDATE
//!                              +--> hold --> VI config, CQ config, release, raw frame, list address
//!                              +--> completion record       errors, SIGNALLED
//! ```
//! A list in host memory is read 32 bytes at a time into words 4 to 11 of the first slot, which the TPT has by then; the
//! list is 32-byte aligned and within one 4 KiB page. A one-shot without a list ends its bind words with word 13, so
//! that words 14 and 15 are checked while the TPT writes its entry; a fault found after the bind releases the STag again.
//!
//! Latency: word 0 leaves one cycle after the ring's sequence word; the queue entry of an inline contiguous one-shot is
//! visible 18 cycles after it if the TPT answers within three cycles of word 13. Throughput: one command in 22 cycles.

use rnic_abi::command::{cq_size, flags, kind, opcode, INLINE_BYTES, LIST_WORD};
use rnic_abi::completion::{kind as completion_kind, RAW_ENTRY_BYTES};
use rnic_abi::config::Config;
use rnic_abi::error::{CommandError, Field, TptError};
use rnic_abi::event::Event;
use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::{
    BindResultRx, BindWordsTx, CqConfigTx, CqReserveTx, EventTx, QueuePushTx, ReadClientDataRx,
    ReadClientRequestTx, ReleaseRequestTx, ReleaseResultRx, StepTx, StreamTx, ViConfigTx,
};

/// What the engine does with the command at the head of the ring.
#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
pub enum FetchState {
    /// Check word 0 of the next command; a good region goes on to the TPT.
    Decode,
    /// Check words 1 to 15 and stream them.
    ReadHeader,
    /// Stream the list elements.
    ReadList,
    /// Ask host memory for the next 32 bytes of the list.
    FetchList,
    /// Put them into the slot.
    LandList,
    /// End the bind words of a list that could not be read.
    EndList,
    /// All words are read: choose what follows.
    Act,
    /// Write words 1 to 3 of the queue entry.
    Push,
    /// Tell the host that the VI's queue was full.
    RaiseEvent,
    /// Read the STag that is to be released.
    LoadStag,
    /// Ask the TPT to release it.
    Release,
    /// Wait until it has drained.
    AwaitRelease,
    /// Read the next word of the VI that is applied.
    SelectViWord,
    /// Offer it to everyone who keeps VI state.
    PresentViWord,
    /// Wait until the VI is flushed.
    AwaitFlush,
    /// Offer the queue to the completer.
    ConfigureCq,
    /// Hand the raw frame's address, low word, to transmit.
    SendRawLow,
    /// High word.
    SendRawHigh,
    /// Read the frame's length.
    LoadRawBytes,
    /// Hand it over, and wait until the frame has left.
    SendRawBytes,
    /// Write the completion record.
    Report,
    /// Free the slots of a command without a completion.
    Free,
    /// Drop the ring entry once its slots are free.
    Finish,
}

/// `L` is log2 of the slots, `W` = L + 5, `V` is log2 of the VIs and `N` their number, `C` is log2 of the CQs.
#[derive(LogicBlock)]
pub struct CommandFetch<
    const L: usize,
    const W: usize,
    const V: usize,
    const N: usize,
    const C: usize,
> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// The board takes work.
    pub enable: Signal<In, Bit>,
    /// The ring's head (see `command_post`).
    pub entry_valid: Signal<In, Bit>,
    /// Its first slot.
    pub entry_slot: Signal<In, Bits<L>>,
    /// Its slot count.
    pub entry_count: Signal<In, Bits<3>>,
    /// Slot or count is out of range.
    pub entry_bad: Signal<In, Bit>,
    /// The head entry is finished.
    pub entry_done: Signal<Out, Bit>,
    /// Free its slots.
    pub entry_free: Signal<Out, Bit>,
    /// That is still under way.
    pub entry_freeing: Signal<In, Bit>,
    /// Slot word to read.
    pub read_word: Signal<Out, Bits<W>>,
    /// It is needed in this cycle.
    pub read_wanted: Signal<Out, Bit>,
    /// `read_data` is what was asked for in the cycle before.
    pub read_valid: Signal<In, Bit>,
    /// The word.
    pub read_data: Signal<In, Bits<32>>,
    /// A list word for the slot RAM.
    pub land_valid: Signal<Out, Bit>,
    /// Its place.
    pub land_word: Signal<Out, Bits<W>>,
    /// The list word.
    pub land_data: Signal<Out, Bits<32>>,
    /// Regions, to the TPT.
    pub bind: BindWordsTx,
    /// Its answer.
    pub bind_result: BindResultRx,
    /// STags to release.
    pub release: ReleaseRequestTx,
    /// The TPT's answer.
    pub release_result: ReleaseResultRx,
    /// VI words, to everyone who keeps VI state.
    pub vi_config: ViConfigTx,
    /// Queues, to the completer.
    pub cq_config: CqConfigTx,
    /// One-shots' CQ entries.
    pub cq_reserve: CqReserveTx,
    /// Element lists in host memory.
    pub list_request: ReadClientRequestTx,
    /// Their words.
    pub list_data: ReadClientDataRx,
    /// Completion records.
    pub complete: StreamTx,
    /// Entries for the send queues.
    pub push: QueuePushTx,
    /// Empties both queues of `clear_vi`: it is created.
    pub clear: Signal<Out, Bit>,
    /// See `clear`.
    pub clear_vi: Signal<Out, Bits<8>>,
    /// Raw frames.
    pub raw_send: StreamTx,
    /// VIs that are connected.
    pub connected: Signal<In, Bits<16>>,
    /// VIs that are being flushed; set within four cycles of the state word.
    pub flushing: Signal<In, Bits<16>>,
    /// Post_desc: a ring command found its VI's queue full.
    pub event: EventTx,
    /// A slot was decoded.
    pub step: StepTx,
    /// A command completed with an error.
    pub command_error: Signal<Out, Bit>,
    /// A ring command found its VI's queue full.
    pub overrun: Signal<Out, Bit>,
    /// A command is being worked on.
    pub busy: Signal<Out, Bit>,

    state: DFF<FetchState>,
    index: DFF<Bits<8>>,
    opcode: DFF<Bits<4>>,
    flags: DFF<Bits<8>>,
    vi: DFF<Bits<V>>,
    error: DFF<Bits<4>>,
    field: DFF<Bits<5>>,
    binding: DFF<Bit>,
    result_seen: DFF<Bit>,
    bound: DFF<Bit>,
    reserving: DFF<Bit>,
    reserved: DFF<Bit>,
    stray: DFF<Bit>,
    detail: DFF<Bits<10>>,
    hold: DFF<Bits<32>>,
    hold_high: DFF<Bits<16>>,
    chunk: DFF<Bits<7>>,
    count: DFF<Bits<3>>,
    send_cq: [DFF<Bits<C>>; N],
    decoded: DFF<Bit>,
    failed: DFF<Bit>,
    overran: DFF<Bit>,

    word: Signal<Local, Bits<32>>,
    word_opcode: Signal<Local, Bits<8>>,
    word_flags: Signal<Local, Bits<8>>,
    word_vi: Signal<Local, Bits<16>>,
    word_vi_low: Signal<Local, Bits<V>>,
    word_vi_bad: Signal<Local, Bit>,
    vi_connected: Signal<Local, Bit>,
    vi_flushing: Signal<Local, Bit>,
    opcode_now: Signal<Local, Bits<4>>,
    vi_now: Signal<Local, Bits<V>>,
    is_bind: Signal<Local, Bit>,
    is_vi_work: Signal<Local, Bit>,
    is_vi_command: Signal<Local, Bit>,
    is_cq_command: Signal<Local, Bit>,
    allowed_flags: Signal<Local, Bits<8>>,
    extra_flags: Signal<Local, Bits<8>>,
    zero_words: Signal<Local, Bits<16>>,
    found: Signal<Local, Bits<4>>,
    found_field: Signal<Local, Bits<5>>,
    decode_error: Signal<Local, Bits<4>>,
    decode_field: Signal<Local, Bits<5>>,
    refused: Signal<Local, Bit>,
    answers: Signal<Local, Bit>,
    refuses: Signal<Local, Bit>,
    answered: Signal<Local, Bit>,
    streams: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    list_short: Signal<Local, Bit>,
    in_memory: Signal<Local, Bit>,
    apply_mask: Signal<Local, Bits<16>>,
    index_low: Signal<Local, Bits<4>>,
    applied: Signal<Local, Bit>,
    kind: Signal<Local, Bits<8>>,
    elements: Signal<Local, Bits<8>>,
    byte_0: Signal<Local, Bits<8>>,
    byte_1: Signal<Local, Bits<8>>,
    byte_2: Signal<Local, Bits<8>>,
    byte_3: Signal<Local, Bits<8>>,
    high_half: Signal<Local, Bits<16>>,
    too_long: Signal<Local, Bit>,
    over_2: Signal<Local, Bits<30>>,
    over_4: Signal<Local, Bits<28>>,
    over_raw: Signal<Local, Bits<21>>,
    low_6: Signal<Local, Bits<6>>,
    low_10: Signal<Local, Bits<10>>,
    over_3: Signal<Local, Bits<6>>,
    over_1: Signal<Local, Bits<6>>,
    send_cq_over: Signal<Local, Bits<8>>,
    receive_cq_over: Signal<Local, Bits<8>>,
    bad_queue: Signal<Local, Bit>,
    bad_level: Signal<Local, Bit>,
    bad_reads: Signal<Local, Bit>,
    fault: Signal<Local, Bit>,
    fault_field: Signal<Local, Bits<5>>,
    list_words: Signal<Local, Bits<10>>,
    over_inline: Signal<Local, Bits<25>>,
    next_chunk: Signal<Local, Bits<7>>,
    page: Signal<Local, Bits<20>>,
    next_index: Signal<Local, Bits<8>>,
    next_count: Signal<Local, Bits<3>>,
    index_up: Signal<Local, Bits<8>>,
    detail_down: Signal<Local, Bits<10>>,
    last_element: Signal<Local, Bit>,
    slot_end: Signal<Local, Bit>,
    slot_after: Signal<Local, Bits<3>>,
    chunk_end: Signal<Local, Bit>,
    slot_offset: Signal<Local, Bits<L>>,
    slot: Signal<Local, Bits<L>>,
    slot_number: Signal<Local, Bits<3>>,
    chunk_word: Signal<Local, Bits<3>>,
    flag_memory: Signal<Local, Bits<8>>,
    flag_buffer: Signal<Local, Bits<8>>,
    flag_report: Signal<Local, Bits<8>>,
    low_index: Signal<Local, Bits<5>>,
    low_chunk: Signal<Local, Bits<3>>,
    high_index: Signal<Local, Bits<3>>,
    mask_extra: Signal<Local, Bits<32>>,
    land_offset: Signal<Local, Bits<5>>,
    word_in_slot: Signal<Local, Bits<5>>,
    reads_list: Signal<Local, Bit>,
    vi_cq: Signal<Local, Bits<C>>,
    admin: Signal<Local, Bit>,
    record_kind: Signal<Local, Bits<8>>,
    record_error: Signal<Local, Bits<4>>,
    bits_0: Signal<Local, Bits<5>>,

    op_register: Constant<Bits<4>>,
    op_invalidate: Constant<Bits<4>>,
    op_one_shot: Constant<Bits<4>>,
    op_send_invalidate: Constant<Bits<4>>,
    op_create_vi: Constant<Bits<4>>,
    op_modify_vi: Constant<Bits<4>>,
    op_destroy_vi: Constant<Bits<4>>,
    op_create_cq: Constant<Bits<4>>,
    op_destroy_cq: Constant<Bits<4>>,
    op_raw_send: Constant<Bits<4>>,
    op_limit: Constant<Bits<8>>,
    flags_plain: Constant<Bits<8>>,
    flags_register: Constant<Bits<8>>,
    flags_one_shot: Constant<Bits<8>>,
    flags_send_invalidate: Constant<Bits<8>>,
    flag_signalled: Constant<Bits<8>>,
    flag_message_buffer: Constant<Bits<8>>,
    flag_list_in_memory: Constant<Bits<8>>,
    kind_pages: Constant<Bits<8>>,
    kind_sgl: Constant<Bits<8>>,
    no_cq: Constant<Bits<8>>,
    reads: Constant<Bits<8>>,
    list_word: Constant<Bits<8>>,
    bad_field: Constant<Bits<4>>,
    already_released: Constant<Bits<4>>,
    entry_busy: Constant<Bits<4>>,
    queue_full: Constant<Bits<4>>,
    cq_full: Constant<Bits<4>>,
    vi_state: Constant<Bits<4>>,
    wrong_vi: Constant<Bits<4>>,
    flushed: Constant<Bits<4>>,
    dma_read: Constant<Bits<4>>,
    tpt_invalid_stag: Constant<Bits<4>>,
    tpt_ptag: Constant<Bits<4>>,
    tpt_vi: Constant<Bits<4>>,
    field_opcode: Constant<Bits<5>>,
    field_flags: Constant<Bits<5>>,
    field_vi: Constant<Bits<5>>,
    field_access: Constant<Bits<5>>,
    field_element_count: Constant<Bits<5>>,
    field_iova: Constant<Bits<5>>,
    field_message_length: Constant<Bits<5>>,
    field_reserved: Constant<Bits<5>>,
    field_slot_count: Constant<Bits<5>>,
    field_cq: Constant<Bits<5>>,
    field_cq_size: Constant<Bits<5>>,
    field_state: Constant<Bits<5>>,
    field_reliability: Constant<Bits<5>>,
    field_reads: Constant<Bits<5>>,
    completes_command: Constant<Bits<8>>,
    completes_one_shot: Constant<Bits<8>>,
    completes_send_invalidate: Constant<Bits<8>>,
    post_desc: Constant<Bits<4>>,
}

impl<const L: usize, const W: usize, const V: usize, const N: usize, const C: usize>
    CommandFetch<L, W, V, N, C>
{
    /// An engine for a board of this configuration.
    pub fn new(config: &Config) -> Self {
        assert!(W == L + 5 && N == 1 << V);
        assert!(config.slots_log2 == L && config.vis_log2 == V && config.cqs_log2 == C);
        // The length checks below are bit patterns.
        const { assert!(INLINE_BYTES == 64 && RAW_ENTRY_BYTES == 1024) };
        const { assert!(cq_size::ENTRIES_LOG2_MIN == 2 && cq_size::ENTRIES_LOG2_MAX == 15) };
        let send_flags = flags::SIGNALLED | flags::MESSAGE_BUFFER | flags::SOLICITED | flags::FENCE;
        block_new!(
            clock reset enable entry_valid entry_slot entry_count entry_bad entry_done entry_free
            entry_freeing read_word read_wanted read_valid read_data land_valid land_word land_data bind
            bind_result release release_result vi_config cq_config cq_reserve list_request list_data
            complete push clear clear_vi raw_send connected flushing event step command_error overrun
            busy state index opcode flags vi error field binding result_seen bound reserving reserved
            stray detail hold hold_high chunk count decoded failed overran word word_opcode word_flags
            word_vi word_vi_low word_vi_bad vi_connected vi_flushing opcode_now vi_now is_bind
            is_vi_work is_vi_command is_cq_command allowed_flags extra_flags zero_words found
            found_field decode_error decode_field refused answers refuses answered streams moves
            list_short in_memory apply_mask index_low applied kind elements byte_0 byte_1 byte_2 byte_3
            high_half too_long over_2 over_4 over_raw low_6 low_10 over_3 over_1 send_cq_over
            receive_cq_over bad_queue bad_level bad_reads fault fault_field list_words over_inline
            next_chunk page next_index next_count index_up detail_down last_element slot_end slot_after
            chunk_end slot_offset slot slot_number chunk_word flag_memory flag_buffer flag_report
            low_index low_chunk high_index mask_extra land_offset word_in_slot reads_list vi_cq admin
            record_kind record_error bits_0;
            op_register = opcode::REGISTER,
            op_invalidate = opcode::INVALIDATE,
            op_one_shot = opcode::ONE_SHOT,
            op_send_invalidate = opcode::SEND_INVALIDATE,
            op_create_vi = opcode::CREATE_VI,
            op_modify_vi = opcode::MODIFY_VI,
            op_destroy_vi = opcode::DESTROY_VI,
            op_create_cq = opcode::CREATE_CQ,
            op_destroy_cq = opcode::DESTROY_CQ,
            op_raw_send = opcode::RAW_SEND,
            op_limit = opcode::RAW_SEND + 1,
            flags_plain = flags::SIGNALLED,
            flags_register = flags::SIGNALLED | flags::LIST_IN_MEMORY | flags::SINGLE_MESSAGE | flags::BIND_VI,
            flags_one_shot = send_flags | flags::LIST_IN_MEMORY | flags::ADVERTISE | flags::BIND_VI,
            flags_send_invalidate = send_flags,
            flag_signalled = flags::SIGNALLED,
            flag_message_buffer = flags::MESSAGE_BUFFER,
            flag_list_in_memory = flags::LIST_IN_MEMORY,
            kind_pages = kind::PAGES,
            kind_sgl = kind::SGL,
            no_cq = 0xFF & !(config.cqs() as u64 - 1),
            reads = config.reads() as u64,
            list_word = LIST_WORD as u64,
            bad_field = CommandError::BadField as u8,
            already_released = CommandError::AlreadyReleased as u8,
            entry_busy = CommandError::EntryBusy as u8,
            queue_full = CommandError::QueueFull as u8,
            cq_full = CommandError::CqFull as u8,
            vi_state = CommandError::ViState as u8,
            wrong_vi = CommandError::WrongVi as u8,
            flushed = CommandError::Flushed as u8,
            dma_read = CommandError::DmaRead as u8,
            tpt_invalid_stag = TptError::InvalidStag as u8,
            tpt_ptag = TptError::Ptag as u8,
            tpt_vi = TptError::Vi as u8,
            field_opcode = Field::Opcode as u8,
            field_flags = Field::Flags as u8,
            field_vi = Field::Vi as u8,
            field_access = Field::Access as u8,
            field_element_count = Field::ElementCount as u8,
            field_iova = Field::Iova as u8,
            field_message_length = Field::MessageLength as u8,
            field_reserved = Field::Reserved as u8,
            field_slot_count = Field::SlotCount as u8,
            field_cq = Field::Cq as u8,
            field_cq_size = Field::CqSize as u8,
            field_state = Field::State as u8,
            field_reliability = Field::Reliability as u8,
            field_reads = Field::Reads as u8,
            completes_command = completion_kind::COMMAND,
            completes_one_shot = completion_kind::ONE_SHOT,
            completes_send_invalidate = completion_kind::SEND_INVALIDATE,
            post_desc = Event::PostDesc as u8;
            send_cq
        )
    }
}

impl<const L: usize, const W: usize, const V: usize, const N: usize, const C: usize> Logic
    for CommandFetch<L, W, V, N, C>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            index,
            opcode,
            flags,
            vi,
            error,
            field,
            binding,
            result_seen,
            bound,
            reserving,
            reserved,
            stray,
            detail,
            hold,
            hold_high,
            chunk,
            count,
            decoded,
            failed,
            overran
        );

        // The word that the slot RAM shows, in all the ways it is looked at.
        self.word.next = self.read_data.val();
        self.word_opcode.next = self.word.val().get_bits::<8>(0);
        self.word_flags.next = self.word.val().get_bits::<8>(8);
        self.word_vi.next = self.word.val().get_bits::<16>(16);
        self.byte_0.next = self.word.val().get_bits::<8>(0);
        self.byte_1.next = self.word.val().get_bits::<8>(8);
        self.byte_2.next = self.word.val().get_bits::<8>(16);
        self.byte_3.next = self.word.val().get_bits::<8>(24);
        self.bits_0.next = self.word.val().get_bits::<5>(0);
        self.high_half.next = self.word.val().get_bits::<16>(16);
        self.kind.next = self.byte_1.val();
        self.elements.next = self.byte_3.val();
        self.over_inline.next = self.word.val().get_bits::<25>(7);
        self.word_vi_low.next = bit_cast::<V, 16>(self.word_vi.val());
        self.word_vi_bad.next = bit_cast::<16, V>(self.word_vi_low.val()) != self.word_vi.val();

        // What the command is; in Decode it is in the word itself.
        self.opcode_now.next = self.opcode.q.val();
        self.vi_now.next = self.vi.q.val();
        if self.state.q.val() == FetchState::Decode {
            self.opcode_now.next = bit_cast::<4, 8>(self.word_opcode.val());
            self.vi_now.next = self.word_vi_low.val();
        }
        self.is_bind.next = (self.opcode_now.val() == self.op_register.val())
            | (self.opcode_now.val() == self.op_one_shot.val());
        self.is_vi_work.next = (self.opcode_now.val() == self.op_one_shot.val())
            | (self.opcode_now.val() == self.op_send_invalidate.val());
        self.is_vi_command.next = (self.opcode_now.val() == self.op_create_vi.val())
            | (self.opcode_now.val() == self.op_modify_vi.val());
        self.is_cq_command.next = (self.opcode_now.val() == self.op_create_cq.val())
            | (self.opcode_now.val() == self.op_destroy_cq.val());
        self.vi_connected.next = false;
        self.vi_flushing.next = false;
        self.vi_cq.next = bits::<C>(0);
        for i in 0..N {
            self.send_cq[i].clock.next = self.clock.val();
            self.send_cq[i].d.next = self.send_cq[i].q.val();
            if self.vi_now.val() == i.to_bits::<V>() {
                self.vi_connected.next = self.connected.val().get_bit(i);
                self.vi_flushing.next = self.flushing.val().get_bit(i);
                self.vi_cq.next = self.send_cq[i].q.val();
            }
        }
        self.allowed_flags.next = self.flags_plain.val();
        self.zero_words.next = bits::<16>(0xFFFC);
        if self.opcode_now.val() == self.op_register.val() {
            self.allowed_flags.next = self.flags_register.val();
            self.zero_words.next = bits::<16>(0xBE00);
        }
        if self.opcode_now.val() == self.op_one_shot.val() {
            self.allowed_flags.next = self.flags_one_shot.val();
            self.zero_words.next = bits::<16>(0xC000);
        }
        if self.opcode_now.val() == self.op_send_invalidate.val() {
            self.allowed_flags.next = self.flags_send_invalidate.val();
            self.zero_words.next = bits::<16>(0xDFF8);
        }
        if (self.opcode_now.val() == self.op_invalidate.val())
            | (self.opcode_now.val() == self.op_destroy_cq.val())
        {
            self.zero_words.next = bits::<16>(0xFFF8);
        }
        if self.is_vi_command.val() {
            self.zero_words.next = bits::<16>(0xFC00);
        }
        if self.opcode_now.val() == self.op_create_cq.val() {
            self.zero_words.next = bits::<16>(0xFFC0);
        }
        if self.opcode_now.val() == self.op_raw_send.val() {
            self.zero_words.next = bits::<16>(0xDE7C);
        }
        self.extra_flags.next = self.word_flags.val() & !self.allowed_flags.val();
        self.flag_memory.next = self.flags.q.val() & self.flag_list_in_memory.val();
        self.in_memory.next = self.flag_memory.val().any();
        self.flag_buffer.next = self.flags.q.val() & self.flag_message_buffer.val();
        self.flag_report.next = self.flags.q.val() & self.flag_signalled.val();
        self.mask_extra.next = self.word.val() & bits::<32>(0xFFFF_FC0B_u64);
        self.low_index.next = self.index.q.val().get_bits::<5>(0);
        self.low_chunk.next = self.index.q.val().get_bits::<3>(0);
        self.high_index.next = self.index.q.val().get_bits::<3>(5);
        self.apply_mask.next = bit_cast::<16, 10>(self.detail.q.val());
        self.index_low.next = bit_cast::<4, 8>(self.index.q.val());
        self.applied.next = self.apply_mask.val().get_bit(self.index_low.val().index())
            | (self.opcode.q.val() != self.op_modify_vi.val());

        // Faults of this word; the first one of a command counts.
        self.found.next = bits::<4>(0);
        self.found_field.next = bits::<5>(0);
        self.decode_error.next = bits::<4>(0);
        self.decode_field.next = bits::<5>(0);
        if self.entry_bad.val() {
            self.decode_error.next = self.bad_field.val();
            self.decode_field.next = self.field_slot_count.val();
        } else if !self.word_opcode.val().any() | (self.word_opcode.val() >= self.op_limit.val()) {
            self.decode_error.next = self.bad_field.val();
            self.decode_field.next = self.field_opcode.val();
        } else if self.extra_flags.val().any() {
            self.decode_error.next = self.bad_field.val();
            self.decode_field.next = self.field_flags.val();
        } else if self.word_vi_bad.val() {
            self.decode_error.next = self.bad_field.val();
            self.decode_field.next = self.field_vi.val();
        } else if (self.is_vi_work.val() & !self.vi_connected.val())
            | ((self.opcode_now.val() == self.op_create_vi.val())
                & (self.vi_connected.val() | self.vi_flushing.val()))
        {
            self.decode_error.next = self.vi_state.val();
        }
        self.refused.next = self.decode_error.val().any();

        // Faults of words 1 to 15: which field depends on the word, whether it is wrong on its value.
        self.over_2.next = self.word.val().get_bits::<30>(2);
        self.over_4.next = self.word.val().get_bits::<28>(4);
        self.over_raw.next = self.word.val().get_bits::<21>(11);
        self.low_6.next = self.word.val().get_bits::<6>(0);
        self.low_10.next = self.word.val().get_bits::<10>(0);
        self.over_3.next = self.byte_3.val().get_bits::<6>(2);
        self.over_1.next = self.byte_1.val().get_bits::<6>(2);
        self.send_cq_over.next = self.byte_0.val() & self.no_cq.val();
        self.receive_cq_over.next = self.byte_1.val() & self.no_cq.val();
        // More than 64, more than 1024: a bit above, or that bit and one below.
        self.too_long.next = self.high_half.val().any();
        if !self.flag_buffer.val().any() {
            self.too_long.next = self.over_inline.val().any()
                | (self.word.val().get_bit(6) & self.low_6.val().any());
        }
        if self.opcode.q.val() == self.op_raw_send.val() {
            self.too_long.next =
                self.over_raw.val().any() | (self.word.val().get_bit(10) & self.low_10.val().any());
        }
        self.bad_queue.next = self.send_cq_over.val().any() | self.receive_cq_over.val().any();
        self.bad_level.next = (self.byte_2.val() != bits::<8>(1))
            & (self.byte_2.val() != bits::<8>(2))
            & (self.byte_2.val() != bits::<8>(4));
        self.bad_reads.next =
            (self.byte_2.val() > self.reads.val()) | (self.byte_3.val() > self.reads.val());
        self.fault.next =
            self.zero_words.val().get_bit(self.index_low.val().index()) & self.word.val().any();
        self.fault_field.next = self.field_reserved.val();
        if self.is_vi_command.val() {
            if self.index_low.val() == bits::<4>(2) {
                self.fault_field.next = self.field_state.val();
                self.fault.next = self.over_2.val().any();
            }
            if self.index_low.val() == bits::<4>(3) {
                self.fault.next =
                    self.mask_extra.val().any() & (self.opcode.q.val() == self.op_modify_vi.val());
            }
            if (self.index_low.val() == bits::<4>(5)) & self.applied.val() {
                self.fault_field.next = self.field_cq.val();
                if self.bad_level.val() {
                    self.fault_field.next = self.field_reliability.val();
                }
                if self.over_3.val().any() {
                    self.fault_field.next = self.field_access.val();
                }
                self.fault.next =
                    self.over_3.val().any() | self.bad_level.val() | self.bad_queue.val();
            }
            if (self.index_low.val() == bits::<4>(6)) & self.applied.val() {
                self.fault_field.next = self.field_reads.val();
                if self.over_1.val().any() {
                    self.fault_field.next = self.field_flags.val();
                }
                self.fault.next = self.over_1.val().any() | self.bad_reads.val();
            }
        }
        if self.is_cq_command.val() {
            if self.index_low.val() == bits::<4>(2) {
                self.fault_field.next = self.field_cq.val();
                self.fault.next = self.send_cq_over.val().any()
                    | self.byte_1.val().any()
                    | self.high_half.val().any();
            }
            if (self.index_low.val() == bits::<4>(3))
                & (self.opcode.q.val() == self.op_create_cq.val())
            {
                self.fault_field.next = self.field_cq_size.val();
                self.fault.next =
                    !self.word.val().get_bits::<31>(1).any() | self.over_4.val().any();
            }
            if self.index_low.val() == bits::<4>(4) {
                self.fault_field.next = self.field_iova.val();
                self.fault.next = self.bits_0.val().any();
            }
            if self.index_low.val() == bits::<4>(5) {
                self.fault_field.next = self.field_iova.val();
                self.fault.next = self.high_half.val().any();
            }
        }
        if self.in_memory.val() & (self.index_low.val() == bits::<4>(7)) {
            self.fault_field.next = self.field_iova.val();
            self.fault.next = self.bits_0.val().any();
        }
        if (self.in_memory.val() | (self.opcode.q.val() == self.op_raw_send.val()))
            & (self.index_low.val() == bits::<4>(8))
        {
            self.fault_field.next = self.field_iova.val();
            self.fault.next = self.high_half.val().any();
        }
        if (self.is_vi_work.val() | (self.opcode.q.val() == self.op_raw_send.val()))
            & (self.index_low.val() == bits::<4>(13))
        {
            self.fault_field.next = self.field_message_length.val();
            self.fault.next = self.too_long.val();
        }
        self.list_words.next = bits::<10>(0);
        if self.kind.val() == self.kind_pages.val() {
            self.list_words.next = bit_cast::<10, 8>(self.elements.val()) << bits::<2>(1);
        }
        if self.kind.val() == self.kind_sgl.val() {
            self.list_words.next = bit_cast::<10, 8>(self.elements.val()) << bits::<2>(2);
        }

        // Streaming.
        self.index_up.next = self.index.q.val() + 1;
        self.detail_down.next = self.detail.q.val() - 1;
        self.last_element.next = self.detail.q.val() == bits::<10>(1);
        self.slot_after.next = self.high_index.val() + 1;
        self.slot_end.next = !self.in_memory.val()
            & self.low_index.val().all()
            & (self.slot_after.val() == self.entry_count.val());
        self.chunk_end.next = self.in_memory.val() & self.low_chunk.val().all();
        self.list_short.next = !self.detail.q.val().any();
        self.next_chunk.next = self.chunk.q.val() + 1;
        self.streams.next = false;
        self.moves.next = false;
        self.next_index.next = self.index.q.val();
        self.next_count.next = self.count.q.val();

        // Defaults of what the states below drive.
        self.read_wanted.next = true;
        self.bind.index.next = self.index.q.val();
        self.bind.data.next = self.word.val();
        self.bind.last.next = false;
        self.release.stag.next = self.hold.q.val();
        self.release.vi.next = bit_cast::<8, V>(self.vi.q.val());
        self.release.force.next = true;
        self.release.peek.next = false;
        self.release.valid.next = false;
        self.release_result.ready.next = false;
        self.vi_config.vi.next = bit_cast::<8, V>(self.vi.q.val());
        self.vi_config.word.next = bit_cast::<4, 8>(self.index.q.val());
        self.vi_config.data.next = self.hold.q.val();
        self.vi_config.valid.next = false;
        self.cq_config.cq.next = self.byte_0.val();
        self.cq_config.entries_log2.next = bit_cast::<5, 10>(self.detail.q.val());
        self.cq_config.iova.next = bit_cast::<48, 32>(self.hold.q.val())
            | (bit_cast::<48, 16>(self.hold_high.q.val()) << bits::<6>(32));
        self.cq_config.valid.next = false;
        self.cq_reserve.cq.next = bit_cast::<8, C>(self.vi_cq.val());
        self.cq_reserve.valid.next = self.reserving.q.val();
        self.page.next = self.hold.q.val().get_bits::<20>(12);
        self.list_request.iova.next = (bit_cast::<48, 20>(self.page.val()) << bits::<6>(12))
            | (bit_cast::<48, 7>(self.chunk.q.val()) << bits::<6>(5))
            | (bit_cast::<48, 16>(self.hold_high.q.val()) << bits::<6>(32));
        self.list_request.bytes.next = bits::<13>(32);
        self.list_request.valid.next = false;
        self.land_valid.next = false;
        self.push.vi.next = bit_cast::<8, V>(self.vi.q.val());
        self.push.word.next = bit_cast::<2, 3>(self.count.q.val());
        self.push.data.next = self.word.val();
        self.push.valid.next = false;
        self.clear.next = false;
        self.clear_vi.next = bit_cast::<8, V>(self.vi.q.val());
        self.raw_send.data.next = self.hold.q.val();
        self.raw_send.last.next = false;
        self.raw_send.valid.next = false;
        self.event.vi.next = bit_cast::<8, V>(self.vi.q.val());
        self.event.event.next = self.post_desc.val();
        self.event.valid.next = false;
        self.entry_done.next = false;
        self.entry_free.next = false;
        self.decoded.d.next = false;
        self.failed.d.next = false;
        self.overran.d.next = false;

        // The completion record. Work of a VI that does not exist is nobody's, so it is told in CQ 0 as a command is.
        self.admin.next = !self.stray.q.val()
            & (!self.is_vi_work.val()
                | (self.error.q.val() == self.cq_full.val())
                | (self.field.q.val() == self.field_vi.val()));
        self.record_kind.next = self.completes_command.val();
        self.record_error.next = self.error.q.val();
        if self.opcode.q.val() == self.op_send_invalidate.val() {
            self.record_kind.next = self.completes_send_invalidate.val();
        }
        if (self.opcode.q.val() == self.op_one_shot.val()) | self.stray.q.val() {
            self.record_kind.next = self.completes_one_shot.val();
        }
        if self.stray.q.val() {
            self.record_error.next = self.flushed.val();
        }
        self.complete.data.next = bits::<32>(0);
        self.complete.last.next = self.count.q.val().all();
        self.complete.valid.next = false;
        if self.count.q.val() == bits::<3>(0) {
            self.complete.data.next = (bit_cast::<32, V>(self.vi.q.val()) << bits::<6>(24))
                | (bit_cast::<32, 1>((self.reserved.q.val() | self.stray.q.val()).into())
                    << bits::<6>(9));
            if !self.admin.val() {
                self.complete.data.next = (bit_cast::<32, V>(self.vi.q.val()) << bits::<6>(24))
                    | (bit_cast::<32, 1>((self.reserved.q.val() | self.stray.q.val()).into())
                        << bits::<6>(9))
                    | bit_cast::<32, C>(self.vi_cq.val());
            }
        }
        if (self.count.q.val() == bits::<3>(2)) | (self.count.q.val() == bits::<3>(4)) {
            self.complete.data.next = self.word.val();
        }
        if self.count.q.val() == bits::<3>(6) {
            self.complete.data.next = bit_cast::<32, 5>(self.field.q.val());
        }
        if self.count.q.val() == bits::<3>(7) {
            self.complete.data.next = bit_cast::<32, 8>(self.record_kind.val())
                | (bit_cast::<32, 4>(self.record_error.val()) << bits::<6>(8));
        }

        // Answers that come while words stream.
        self.answers.next = self.bind_result.valid.val() & self.binding.q.val();
        self.refuses.next = self.bind_result.error.val().any();
        self.answered.next = self.answers.val() | self.result_seen.q.val();
        if self.reserving.q.val() & self.cq_reserve.ready.val() {
            self.reserving.d.next = false;
            self.reserved.d.next = self.cq_reserve.ok.val();
            if !self.cq_reserve.ok.val() {
                self.found.next = self.cq_full.val();
            }
        }
        if self.answers.val() {
            self.result_seen.d.next = true;
            self.bound.d.next = !self.refuses.val();
            self.found.next = bit_cast::<4, 8>(self.bind_result.error.val());
            self.found_field.next = bit_cast::<5, 8>(self.bind_result.field.val());
        }

        match self.state.q.val() {
            FetchState::Decode => {
                self.read_wanted.next = self.entry_valid.val();
                self.streams.next = self.entry_valid.val()
                    & self.enable.val()
                    & self.read_valid.val()
                    & self.is_bind.val()
                    & !self.refused.val();
                self.moves.next = self.entry_valid.val()
                    & self.enable.val()
                    & self.read_valid.val()
                    & (!self.is_bind.val() | self.refused.val() | self.bind.ready.val());
                self.opcode.d.next = self.opcode_now.val();
                self.flags.d.next = self.word_flags.val();
                self.vi.d.next = self.word_vi_low.val();
                self.error.d.next = bits::<4>(0);
                self.field.d.next = bits::<5>(0);
                self.binding.d.next = false;
                self.result_seen.d.next = false;
                self.bound.d.next = false;
                self.reserved.d.next = false;
                self.stray.d.next = false;
                self.count.d.next = bits::<3>(0);
                if self.moves.val() {
                    self.next_index.next = self.index_up.val();
                    self.binding.d.next = self.streams.val();
                    self.reserving.d.next =
                        self.streams.val() & (self.opcode_now.val() == self.op_one_shot.val());
                    self.error.d.next = self.decode_error.val();
                    self.field.d.next = self.decode_field.val();
                    self.state.d.next = FetchState::ReadHeader;
                }
            }
            FetchState::ReadHeader => {
                // A one-shot without list has given the TPT everything with word 13.
                self.streams.next = self.binding.q.val()
                    & self.read_valid.val()
                    & !((self.opcode.q.val() == self.op_one_shot.val())
                        & self.list_short.val()
                        & (self.index.q.val() > bits::<8>(13)));
                self.moves.next =
                    self.read_valid.val() & (!self.streams.val() | self.bind.ready.val());
                self.bind.last.next = ((self.index.q.val() == bits::<8>(13))
                    & self.list_short.val()
                    & (self.opcode.q.val() == self.op_one_shot.val()))
                    | ((self.index.q.val() == bits::<8>(15))
                        & (self.list_short.val()
                            | (!self.in_memory.val() & (self.entry_count.val() == bits::<3>(1)))));
                if self.moves.val() {
                    self.next_index.next = self.index_up.val();
                    if self.fault.val() {
                        self.found.next = self.bad_field.val();
                        self.found_field.next = self.fault_field.val();
                    }
                    if self.index_low.val() == bits::<4>(3) {
                        self.detail.d.next = bit_cast::<10, 32>(self.word.val());
                        if self.is_bind.val() {
                            self.detail.d.next = self.list_words.val();
                        }
                    }
                    // An address: words 7 and 8, of a CQ words 4 and 5.
                    if (self.is_cq_command.val() & (self.index_low.val() == bits::<4>(4)))
                        | (!self.is_cq_command.val() & (self.index_low.val() == bits::<4>(7)))
                    {
                        self.hold.d.next = self.word.val();
                        self.chunk.d.next = self.word.val().get_bits::<7>(5);
                    }
                    if (self.is_cq_command.val() & (self.index_low.val() == bits::<4>(5)))
                        | (!self.is_cq_command.val() & (self.index_low.val() == bits::<4>(8)))
                    {
                        self.hold_high.d.next = bit_cast::<16, 32>(self.word.val());
                    }
                    if self.index.q.val() == bits::<8>(15) {
                        self.decoded.d.next = true;
                        self.next_index.next = bits::<8>(2);
                        self.state.d.next = FetchState::Act;
                        if self.binding.q.val() & !self.list_short.val() {
                            if self.in_memory.val() {
                                self.next_index.next = self.list_word.val();
                                self.state.d.next = FetchState::FetchList;
                                // What was refused may be the list's own address.
                                if self.error.q.val().any() | self.fault.val() {
                                    self.state.d.next = FetchState::EndList;
                                }
                            } else if self.entry_count.val() == bits::<3>(1) {
                                self.found.next = self.bad_field.val();
                                self.found_field.next = self.field_element_count.val();
                            } else {
                                self.next_index.next = self.list_word.val();
                                self.state.d.next = FetchState::ReadList;
                            }
                        }
                    }
                }
            }
            FetchState::ReadList => {
                self.streams.next = self.read_valid.val();
                self.moves.next = self.read_valid.val() & self.bind.ready.val();
                self.bind.last.next = self.last_element.val() | self.slot_end.val();
                if self.moves.val() {
                    self.detail.d.next = self.detail_down.val();
                    self.next_index.next = self.index_up.val();
                    if self.index.q.val().all() {
                        self.next_index.next = self.list_word.val();
                    }
                    if self.last_element.val() {
                        self.next_index.next = bits::<8>(2);
                        self.state.d.next = FetchState::Act;
                    } else if self.slot_end.val() {
                        self.found.next = self.bad_field.val();
                        self.found_field.next = self.field_element_count.val();
                        self.next_index.next = bits::<8>(2);
                        self.state.d.next = FetchState::Act;
                    } else if self.chunk_end.val() {
                        self.state.d.next = FetchState::FetchList;
                        self.chunk.d.next = self.next_chunk.val();
                        if self.chunk.q.val().all() {
                            // The list leaves its page.
                            self.found.next = self.bad_field.val();
                            self.found_field.next = self.field_iova.val();
                            self.state.d.next = FetchState::EndList;
                        }
                    }
                }
            }
            FetchState::FetchList => {
                self.read_wanted.next = false;
                self.list_request.valid.next = true;
                self.next_count.next = bits::<3>(0);
                if self.list_request.ready.val() {
                    self.state.d.next = FetchState::LandList;
                }
            }
            FetchState::LandList => {
                self.read_wanted.next = false;
                self.land_valid.next = self.list_data.valid.val() & !self.list_data.error.val();
                if self.list_data.valid.val() {
                    self.next_count.next = self.count.q.val() + 1;
                    if self.list_data.last.val() {
                        self.next_count.next = bits::<3>(0);
                        self.state.d.next = FetchState::ReadList;
                        if self.list_data.error.val() {
                            self.found.next = self.dma_read.val();
                            self.state.d.next = FetchState::EndList;
                        }
                    }
                }
            }
            FetchState::EndList => {
                self.streams.next = self.read_valid.val();
                self.bind.last.next = true;
                if self.read_valid.val() & self.bind.ready.val() {
                    self.next_index.next = bits::<8>(2);
                    self.state.d.next = FetchState::Act;
                }
            }
            FetchState::Act => {
                self.next_index.next = bits::<8>(2);
                if (self.binding.q.val() & !self.answered.val()) | self.reserving.q.val() {
                    // The TPT or the completer has not answered yet.
                } else if self.error.q.val().any() | (self.answers.val() & self.refuses.val()) {
                    self.state.d.next = FetchState::Report;
                    if self.bound.q.val() | (self.answers.val() & !self.refuses.val()) {
                        self.state.d.next = FetchState::LoadStag;
                    }
                } else if self.is_vi_work.val() {
                    // Word 0 of the queue entry: kind, flags, slot, slot count.
                    self.push.valid.next = true;
                    self.push.data.next = (bit_cast::<32, 8>(self.flags.q.val()) << bits::<6>(4))
                        | (bit_cast::<32, L>(self.entry_slot.val()) << bits::<6>(12))
                        | (bit_cast::<32, 3>(self.entry_count.val()) << bits::<6>(17))
                        | bits::<32>(1);
                    if self.opcode.q.val() == self.op_send_invalidate.val() {
                        self.push.data.next = (bit_cast::<32, 8>(self.flags.q.val())
                            << bits::<6>(4))
                            | (bit_cast::<32, L>(self.entry_slot.val()) << bits::<6>(12))
                            | (bit_cast::<32, 3>(self.entry_count.val()) << bits::<6>(17))
                            | bits::<32>(2);
                    }
                    if self.push.ready.val() {
                        if self.push.full.val() {
                            self.overran.d.next = true;
                            self.found.next = self.queue_full.val();
                            self.state.d.next = FetchState::RaiseEvent;
                        } else {
                            self.next_count.next = bits::<3>(1);
                            self.state.d.next = FetchState::Push;
                        }
                    }
                } else if self.is_vi_command.val() {
                    self.clear.next = self.opcode.q.val() == self.op_create_vi.val();
                    self.next_index.next = bits::<8>(4);
                    self.state.d.next = FetchState::SelectViWord;
                } else if self.opcode.q.val() == self.op_destroy_vi.val() {
                    // Word 2 is zero, which is the idle state.
                    self.state.d.next = FetchState::SelectViWord;
                } else if self.is_cq_command.val() {
                    self.state.d.next = FetchState::ConfigureCq;
                } else if self.opcode.q.val() == self.op_raw_send.val() {
                    self.state.d.next = FetchState::SendRawLow;
                } else if self.opcode.q.val() == self.op_invalidate.val() {
                    self.state.d.next = FetchState::LoadStag;
                } else {
                    self.state.d.next = FetchState::Report;
                }
            }
            FetchState::Push => {
                // STag, context, message length.
                self.push.valid.next = self.read_valid.val();
                if self.read_valid.val() & self.push.ready.val() {
                    self.next_count.next = self.count.q.val() + 1;
                    self.next_index.next = bits::<8>(1);
                    if self.count.q.val() == bits::<3>(2) {
                        self.next_index.next = bits::<8>(13);
                    }
                    if self.count.q.val() == bits::<3>(3) {
                        self.state.d.next = FetchState::Finish;
                    }
                }
            }
            FetchState::RaiseEvent => {
                self.next_index.next = bits::<8>(2);
                self.event.valid.next = true;
                if self.event.ready.val() {
                    self.state.d.next = FetchState::Report;
                    if self.bound.q.val() {
                        self.state.d.next = FetchState::LoadStag;
                    }
                }
            }
            FetchState::LoadStag => {
                if self.read_valid.val() {
                    self.hold.d.next = self.word.val();
                    self.state.d.next = FetchState::Release;
                }
            }
            FetchState::Release => {
                self.read_wanted.next = false;
                self.release.valid.next = true;
                if self.release.ready.val() {
                    self.state.d.next = FetchState::AwaitRelease;
                }
            }
            FetchState::AwaitRelease => {
                self.read_wanted.next = false;
                self.release_result.ready.next = true;
                if self.release_result.valid.val() {
                    self.state.d.next = FetchState::Report;
                    if self.opcode.q.val() == self.op_invalidate.val() {
                        // A one-shot that is taken back still gives its one CQE.
                        self.stray.d.next = self.release_result.one_shot.val()
                            & !self.release_result.error.val().any();
                        if self.release_result.error.val().any() {
                            self.found.next = self.entry_busy.val();
                        }
                        if self.release_result.error.val() == self.tpt_invalid_stag.val() {
                            self.found.next = self.already_released.val();
                        }
                        if (self.release_result.error.val() == self.tpt_ptag.val())
                            | (self.release_result.error.val() == self.tpt_vi.val())
                        {
                            self.found.next = self.wrong_vi.val();
                        }
                    }
                }
            }
            FetchState::SelectViWord => {
                if !self.applied.val() {
                    self.next_index.next = self.index_up.val();
                    if self.index.q.val() == bits::<8>(9) {
                        self.next_index.next = bits::<8>(2);
                    }
                    if self.index.q.val() == bits::<8>(2) {
                        self.state.d.next = FetchState::Report;
                    }
                } else if self.read_valid.val() {
                    self.hold.d.next = self.word.val();
                    self.state.d.next = FetchState::PresentViWord;
                }
            }
            FetchState::PresentViWord => {
                self.read_wanted.next = false;
                self.vi_config.valid.next = true;
                if self.vi_config.ready.val() {
                    self.next_index.next = self.index_up.val();
                    self.state.d.next = FetchState::SelectViWord;
                    if self.index.q.val() == bits::<8>(5) {
                        for i in 0..N {
                            if self.vi.q.val() == i.to_bits::<V>() {
                                self.send_cq[i].d.next = bit_cast::<C, 32>(self.hold.q.val());
                            }
                        }
                    }
                    if self.index.q.val() == bits::<8>(9) {
                        self.next_index.next = bits::<8>(2);
                    }
                    if self.index.q.val() == bits::<8>(2) {
                        self.state.d.next = FetchState::Report;
                        if self.opcode.q.val() == self.op_destroy_vi.val() {
                            self.state.d.next = FetchState::AwaitFlush;
                        }
                    }
                }
            }
            FetchState::AwaitFlush => {
                self.read_wanted.next = false;
                if !self.count.q.val().all() {
                    self.next_count.next = self.count.q.val() + 1;
                } else if !self.vi_flushing.val() {
                    self.next_count.next = bits::<3>(0);
                    self.state.d.next = FetchState::Report;
                }
            }
            FetchState::ConfigureCq => {
                self.cq_config.valid.next = self.read_valid.val();
                if self.read_valid.val() & self.cq_config.ready.val() {
                    self.state.d.next = FetchState::Report;
                }
            }
            FetchState::SendRawLow => {
                self.read_wanted.next = false;
                self.raw_send.valid.next = true;
                if self.raw_send.ready.val() {
                    self.state.d.next = FetchState::SendRawHigh;
                }
            }
            FetchState::SendRawHigh => {
                self.read_wanted.next = false;
                self.raw_send.data.next = bit_cast::<32, 16>(self.hold_high.q.val());
                self.raw_send.valid.next = true;
                self.next_index.next = bits::<8>(13);
                if self.raw_send.ready.val() {
                    self.read_wanted.next = true;
                    self.state.d.next = FetchState::LoadRawBytes;
                }
            }
            FetchState::LoadRawBytes => {
                if self.read_valid.val() {
                    self.hold.d.next = self.word.val();
                    self.state.d.next = FetchState::SendRawBytes;
                }
            }
            FetchState::SendRawBytes => {
                self.read_wanted.next = false;
                self.raw_send.valid.next = true;
                self.raw_send.last.next = true;
                if self.raw_send.ready.val() {
                    self.state.d.next = FetchState::Report;
                }
            }
            FetchState::Report => {
                // Words 2 and 4 are words 1 and 2 of the slot.
                self.next_index.next = bits::<8>(1);
                if !self.error.q.val().any() & !self.stray.q.val() & !self.flag_report.val().any() {
                    self.state.d.next = FetchState::Free;
                } else {
                    self.complete.valid.next = true;
                    if self.count.q.val() == bits::<3>(2) {
                        self.complete.valid.next = self.read_valid.val();
                    }
                    if self.count.q.val() == bits::<3>(4) {
                        self.complete.valid.next = self.read_valid.val();
                    }
                    if self.complete.valid.val() & self.complete.ready.val() {
                        self.next_count.next = self.count.q.val() + 1;
                        if (self.count.q.val() == bits::<3>(5)) & !self.stray.q.val() {
                            self.entry_free.next = !self.entry_bad.val();
                        }
                        if self.count.q.val().all() {
                            self.stray.d.next = false;
                            self.failed.d.next = self.error.q.val().any() & !self.stray.q.val();
                            if !self.stray.q.val() {
                                self.next_index.next = bits::<8>(0);
                                self.state.d.next = FetchState::Finish;
                            }
                        }
                    }
                    if self.next_count.val() > bits::<3>(2) {
                        self.next_index.next = bits::<8>(2);
                    }
                }
            }
            FetchState::Free => {
                self.entry_free.next = true;
                self.state.d.next = FetchState::Finish;
            }
            FetchState::Finish => {
                self.read_wanted.next = false;
                self.next_index.next = bits::<8>(0);
                self.next_count.next = bits::<3>(0);
                if !self.entry_freeing.val() {
                    self.entry_done.next = true;
                    self.state.d.next = FetchState::Decode;
                }
            }
            _ => {
                self.state.d.next = FetchState::Decode;
            }
        }
        self.bind.valid.next = self.streams.val() & !self.reset.val();

        // The first fault stays.
        if (self.state.q.val() != FetchState::Decode)
            & !self.error.q.val().any()
            & self.found.val().any()
        {
            self.error.d.next = self.found.val();
            self.field.d.next = self.found_field.val();
        }

        self.index.d.next = self.next_index.val();
        self.count.d.next = self.next_count.val();

        // The slot RAM reads what the next cycle looks at.
        self.slot_number.next = self.next_index.val().get_bits::<3>(5);
        self.chunk_word.next = self.next_index.val().get_bits::<3>(0);
        self.reads_list.next = self.next_index.val() >= self.list_word.val();
        self.slot_offset.next = bit_cast::<L, 3>(self.slot_number.val());
        self.word_in_slot.next = bit_cast::<5, 8>(self.next_index.val());
        if self.reads_list.val() & self.in_memory.val() {
            self.slot_offset.next = bits::<L>(0);
            self.word_in_slot.next = bit_cast::<5, 3>(self.chunk_word.val()) + bits::<5>(4);
        }
        self.slot.next = self.entry_slot.val() + self.slot_offset.val();
        self.read_word.next = (bit_cast::<W, L>(self.slot.val()) << bits::<4>(5))
            | bit_cast::<W, 5>(self.word_in_slot.val());
        self.land_offset.next = bit_cast::<5, 3>(self.count.q.val()) + bits::<5>(4);
        self.land_word.next = (bit_cast::<W, L>(self.entry_slot.val()) << bits::<4>(5))
            | bit_cast::<W, 5>(self.land_offset.val());
        self.land_data.next = self.list_data.data.val();

        self.step.fire.next = self.decoded.q.val();
        self.step.vi.next = bit_cast::<8, V>(self.vi.q.val());
        self.command_error.next = self.failed.q.val();
        self.overrun.next = self.overran.q.val();
        self.busy.next = self.entry_valid.val();

        if self.reset.val() {
            self.state.d.next = FetchState::Decode;
            self.index.d.next = bits::<8>(0);
            self.reserving.d.next = false;
            self.decoded.d.next = false;
            self.failed.d.next = false;
            self.overran.d.next = false;
        }
    }
}
