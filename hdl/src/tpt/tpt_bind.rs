//! Step `tpt_bind`: writes the table entry and the elements of a register or one-shot command, valid last.
//!
//! Words go to their rows as they come; nothing is collected. A field that is wrong stops the writing, the rest of the command
//! is read and thrown away, and the answer names the first wrong field. The elements are those that come next in the free
//! chain, which is left as it is until the end: a refused bind has nothing to put back. Unused words of the command are not
//! looked at. It does not look at opcode, context, reply buffer or message: they are the command engine's.
//!
//! ```text
//!   TakeWord -> ReadEntry -> WritePtag -> TakeWord .. -> Finish -> WriteChain -> WriteFlags -> Answer
//!      |  ^   (after word 2)                              ^  |                       ^           ^
//!      |  +- WriteLength, ReadNext -> TakeNext -----------+  +--- contiguous --------+--- wrong -+
//!      +---- (after an element)
//! ```
//! A region ends below 2^48 - 2^32: addresses in the last 4 GiB of the bus are refused, so that no address of a region can
//! wrap, and no adder is spent on it. A list spans less than 2 GiB. Pages are 4 KiB to 2 MiB; every page but the last is
//! needed in full, and the last at least in part.
//! Latency: from word 15 to the answer 3 cycles, of a list 4. Throughput: a word a cycle, two more after word 2, two more for
//! an SGL element and three more for a page.

use rnic_abi::command::{flags, kind, opcode};
use rnic_abi::config::IOVA_LIMIT;
use rnic_abi::error::{CommandError, Field};
use rust_hdl::prelude::*;

use crate::interfaces::{BindResultTx, BindWordsRx};

#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
enum BindState {
    /// Take the next word and write it where it belongs.
    TakeWord,
    /// See whether the entry is in use.
    ReadEntry,
    /// Write the VI's protection tag, in case the entry is bound.
    WritePtag,
    /// Write a page's length.
    WriteLength,
    /// Ask for the next element of the free chain.
    ReadNext,
    /// Go there.
    TakeNext,
    /// Decide: was everything there, and nothing wrong?
    Finish,
    /// Write first, last and cursor of the list; the elements are no longer free.
    WriteChain,
    /// Write the flags with valid.
    WriteFlags,
    /// Tell the command engine.
    Answer,
}

/// The binder.
#[derive(LogicBlock)]
pub struct TptBind<const T: usize, const S: usize, const V: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Forgets what is under way.
    pub reset: Signal<In, Bit>,
    /// The commands' words.
    pub words: BindWordsRx,
    /// One answer a command.
    pub result: BindResultTx,

    /// Wants the table's read port, or still has it.
    pub wants: Signal<Out, Bit>,
    /// Has it.
    pub lent: Signal<In, Bit>,
    /// Entry whose row 0 is read.
    pub read_index: Signal<Out, Bits<T>>,
    /// Row 0 of the entry asked for in the cycle before, low word.
    pub low: Signal<In, Bits<32>>,
    /// VI whose protection tag is read.
    pub vi: Signal<Out, Bits<V>>,
    /// Its row.
    pub vi_row: Signal<Out, Bits<2>>,
    /// It.
    pub ptag: Signal<In, Bits<32>>,
    /// `tpt_release` waits for the accesses of an entry.
    pub draining: Signal<In, Bit>,
    /// This one.
    pub draining_index: Signal<In, Bits<T>>,

    /// Entry that is written.
    pub index: Signal<Out, Bits<T>>,
    /// Row that is written.
    pub row: Signal<Out, Bits<2>>,
    /// Write the low word.
    pub low_write: Signal<Out, Bit>,
    /// What is written there.
    pub low_data: Signal<Out, Bits<32>>,
    /// Write the high word.
    pub high_write: Signal<Out, Bit>,
    /// What is written there.
    pub high_data: Signal<Out, Bits<32>>,
    /// Write the extra word.
    pub extra_write: Signal<Out, Bit>,
    /// What is written there.
    pub extra_data: Signal<Out, Bits<32>>,
    /// Nobody else writes in this cycle.
    pub write_ready: Signal<In, Bit>,
    /// A row 0 is read in this cycle.
    pub flags_read: Signal<In, Bit>,

    /// First free element.
    pub head: Signal<In, Bits<S>>,
    /// Free elements.
    pub free: Signal<In, Bits<16>>,
    /// A release gives a chain back in this cycle.
    pub chain_changes: Signal<In, Bit>,
    /// This bind walks the free chain.
    pub chain_walked: Signal<Out, Bit>,
    /// The first `take_count` elements are bound.
    pub take: Signal<Out, Bit>,
    /// How many.
    pub take_count: Signal<Out, Bits<8>>,
    /// The element after them.
    pub take_next: Signal<Out, Bits<S>>,
    /// Element that is written, or whose successor is read.
    pub sge_element: Signal<Out, Bits<S>>,
    /// Row that is written.
    pub sge_row: Signal<Out, Bits<1>>,
    /// Write the low word.
    pub sge_low_write: Signal<Out, Bit>,
    /// What is written there.
    pub sge_low: Signal<Out, Bits<32>>,
    /// Write the high half-word.
    pub sge_high_write: Signal<Out, Bit>,
    /// What is written there.
    pub sge_high: Signal<Out, Bits<16>>,
    /// The walk reads an element in this cycle.
    pub sge_taken: Signal<In, Bit>,
    /// Successor asked for in the cycle before.
    pub sge_next: Signal<In, Bits<16>>,

    /// An entry became valid.
    pub step: Signal<Out, Bit>,
    /// For this VI.
    pub step_vi: Signal<Out, Bits<8>>,
    /// A command is under way.
    pub busy: Signal<Out, Bit>,

    state: DFF<BindState>,
    asks: DFF<Bit>,
    under_way: DFF<Bit>,
    of_vi: DFF<Bits<V>>,
    one_shot: DFF<Bit>,
    bound: DFF<Bit>,
    single: DFF<Bit>,
    entry: DFF<Bits<T>>,
    key: DFF<Bits<8>>,
    rights: DFF<Bits<4>>,
    listed: DFF<Bit>,
    pages: DFF<Bit>,
    page_mask: DFF<Bits<21>>,
    count: DFF<Bits<8>>,
    todo: DFF<Bits<8>>,
    base_high_ones: DFF<Bit>,
    kept: DFF<Bits<21>>,
    running: DFF<Bits<32>>,
    covered: DFF<Bit>,
    ended: DFF<Bit>,
    in_body: DFF<Bit>,
    place: DFF<Bits<2>>,
    first: DFF<Bits<S>>,
    last: DFF<Bits<S>>,
    element: DFF<Bits<S>>,
    walked: DFF<Bit>,
    fault: DFF<Bits<5>>,

    data: Signal<Local, Bits<32>>,
    inverted: Signal<Local, Bits<32>>,
    nonzero: Signal<Local, Bit>,
    in_page: Signal<Local, Bits<21>>,
    entered: Signal<Local, Bits<21>>,
    element_word: Signal<Local, Bits<32>>,
    addend: Signal<Local, Bits<34>>,
    wide_sum: Signal<Local, Bits<34>>,
    word: Signal<Local, Bits<4>>,
    fine: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    iova_bad: Signal<Local, Bit>,
    writes: Signal<Local, Bit>,
    sum: Signal<Local, Bits<33>>,
    sum_low: Signal<Local, Bits<32>>,
    foreign: Signal<Local, Bits<32>>,
    foreign_vi: Signal<Local, Bits<32>>,
    new_mask: Signal<Local, Bits<21>>,
    shift: Signal<Local, Bits<8>>,
    kind_of: Signal<Local, Bits<8>>,
    elements: Signal<Local, Bits<8>>,
    flag_bits: Signal<Local, Bits<8>>,
    mode_list: Signal<Local, Bits<32>>,
    mode_bound: Signal<Local, Bits<32>>,
    mode_one_shot: Signal<Local, Bits<32>>,
    mode: Signal<Local, Bits<32>>,
    entry_flags: Signal<Local, Bits<32>>,
    chain: Signal<Local, Bits<32>>,
    found: Signal<Local, Bits<5>>,

    stag_bits: Constant<Bits<6>>,
    vi_bits: Constant<Bits<6>>,
    ones: Constant<Bits<21>>,
    op_one_shot: Constant<Bits<8>>,
    flag_single: Constant<Bits<8>>,
    flag_bind: Constant<Bits<8>>,
    kind_contiguous: Constant<Bits<8>>,
    kind_pages: Constant<Bits<8>>,
    kind_sgl: Constant<Bits<8>>,
    shift_min: Constant<Bits<8>>,
    shift_max: Constant<Bits<8>>,
    bad_field: Constant<Bits<8>>,
    entry_busy: Constant<Bits<8>>,
    no_elements: Constant<Bits<8>>,
    length_mismatch: Constant<Bits<8>>,
    fault_entry_busy: Constant<Bits<5>>,
    fault_no_elements: Constant<Bits<5>>,
    fault_length_mismatch: Constant<Bits<5>>,
    field_vi: Constant<Bits<5>>,
    field_stag: Constant<Bits<5>>,
    field_access: Constant<Bits<5>>,
    field_kind: Constant<Bits<5>>,
    field_count: Constant<Bits<5>>,
    field_base: Constant<Bits<5>>,
    field_length: Constant<Bits<5>>,
    field_iova: Constant<Bits<5>>,
    field_reserved: Constant<Bits<5>>,
    field_element_length: Constant<Bits<5>>,
}

impl<const T: usize, const S: usize, const V: usize> TptBind<T, S, V> {
    /// Waits for word 0.
    pub fn new() -> Self {
        assert!(V <= 4 && S <= 10, "a table entry has no more bits");
        // One number for what was found: a field's, or one of three above them.
        assert!(
            Field::ALL.len() <= 29,
            "the fields leave three numbers of five bits"
        );
        assert_eq!((kind::PAGE_SHIFT_MIN, kind::PAGE_SHIFT_MAX), (12, 21));
        assert_eq!(kind::LIST_REGION_LIMIT, 1 << 31);
        assert_eq!(IOVA_LIMIT >> 32, 0xffff);
        let byte_of = |value: u8| Constant::new(u64::from(value).into());
        let error = |e: CommandError| Constant::new((e as u64).into());
        let field = |f: Field| Constant::new((f as u64).into());
        Self {
            clock: Default::default(),
            reset: Default::default(),
            words: Default::default(),
            result: Default::default(),
            wants: Default::default(),
            lent: Default::default(),
            read_index: Default::default(),
            low: Default::default(),
            vi: Default::default(),
            vi_row: Default::default(),
            ptag: Default::default(),
            draining: Default::default(),
            draining_index: Default::default(),
            index: Default::default(),
            row: Default::default(),
            low_write: Default::default(),
            low_data: Default::default(),
            high_write: Default::default(),
            high_data: Default::default(),
            extra_write: Default::default(),
            extra_data: Default::default(),
            write_ready: Default::default(),
            flags_read: Default::default(),
            head: Default::default(),
            free: Default::default(),
            chain_changes: Default::default(),
            chain_walked: Default::default(),
            take: Default::default(),
            take_count: Default::default(),
            take_next: Default::default(),
            sge_element: Default::default(),
            sge_row: Default::default(),
            sge_low_write: Default::default(),
            sge_low: Default::default(),
            sge_high_write: Default::default(),
            sge_high: Default::default(),
            sge_taken: Default::default(),
            sge_next: Default::default(),
            step: Default::default(),
            step_vi: Default::default(),
            busy: Default::default(),
            state: Default::default(),
            asks: Default::default(),
            under_way: Default::default(),
            of_vi: Default::default(),
            one_shot: Default::default(),
            bound: Default::default(),
            single: Default::default(),
            entry: Default::default(),
            key: Default::default(),
            rights: Default::default(),
            listed: Default::default(),
            pages: Default::default(),
            page_mask: Default::default(),
            count: Default::default(),
            todo: Default::default(),
            base_high_ones: Default::default(),
            kept: Default::default(),
            running: Default::default(),
            covered: Default::default(),
            ended: Default::default(),
            in_body: Default::default(),
            place: Default::default(),
            first: Default::default(),
            last: Default::default(),
            element: Default::default(),
            walked: Default::default(),
            fault: Default::default(),
            data: Default::default(),
            inverted: Default::default(),
            nonzero: Default::default(),
            in_page: Default::default(),
            entered: Default::default(),
            element_word: Default::default(),
            addend: Default::default(),
            wide_sum: Default::default(),
            word: Default::default(),
            fine: Default::default(),
            moves: Default::default(),
            iova_bad: Default::default(),
            writes: Default::default(),
            sum: Default::default(),
            sum_low: Default::default(),
            foreign: Default::default(),
            foreign_vi: Default::default(),
            new_mask: Default::default(),
            shift: Default::default(),
            kind_of: Default::default(),
            elements: Default::default(),
            flag_bits: Default::default(),
            mode_list: Default::default(),
            mode_bound: Default::default(),
            mode_one_shot: Default::default(),
            mode: Default::default(),
            entry_flags: Default::default(),
            chain: Default::default(),
            found: Default::default(),
            stag_bits: Constant::new((8 + T as u64).into()),
            vi_bits: Constant::new((16 + V as u64).into()),
            ones: Constant::new(0x1f_ffff_u64.into()),
            op_one_shot: byte_of(opcode::ONE_SHOT),
            flag_single: byte_of(flags::SINGLE_MESSAGE),
            flag_bind: byte_of(flags::BIND_VI),
            kind_contiguous: byte_of(kind::CONTIGUOUS),
            kind_pages: byte_of(kind::PAGES),
            kind_sgl: byte_of(kind::SGL),
            shift_min: byte_of(kind::PAGE_SHIFT_MIN),
            shift_max: byte_of(kind::PAGE_SHIFT_MAX),
            bad_field: error(CommandError::BadField),
            entry_busy: error(CommandError::EntryBusy),
            no_elements: error(CommandError::NoElements),
            length_mismatch: error(CommandError::LengthMismatch),
            fault_entry_busy: Constant::new(29_u64.into()),
            fault_no_elements: Constant::new(30_u64.into()),
            fault_length_mismatch: Constant::new(31_u64.into()),
            field_vi: field(Field::Vi),
            field_stag: field(Field::Stag),
            field_access: field(Field::Access),
            field_kind: field(Field::Kind),
            field_count: field(Field::ElementCount),
            field_base: field(Field::Base),
            field_length: field(Field::Length),
            field_iova: field(Field::Iova),
            field_reserved: field(Field::Reserved),
            field_element_length: field(Field::ElementLength),
        }
    }
}

impl<const T: usize, const S: usize, const V: usize> Default for TptBind<T, S, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const T: usize, const S: usize, const V: usize> Logic for TptBind<T, S, V> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            asks,
            under_way,
            of_vi,
            one_shot,
            bound,
            single,
            entry,
            key,
            rights,
            listed,
            pages,
            page_mask,
            count,
            todo,
            base_high_ones,
            kept,
            running,
            covered,
            ended,
            in_body,
            place,
            first,
            last,
            element,
            walked,
            fault
        );

        self.data.next = self.words.data.val();
        self.inverted.next = !self.words.data.val();
        self.word.next = self.words.index.val().get_bits::<4>(0);
        self.fine.next = !self.fault.q.val().any();
        self.shift.next = self.data.val().get_bits::<8>(16);
        self.kind_of.next = self.data.val().get_bits::<8>(8);
        self.elements.next = self.data.val().get_bits::<8>(24);
        self.flag_bits.next = self.data.val().get_bits::<8>(8);
        self.foreign.next = self.data.val() >> self.stag_bits.val();
        self.foreign_vi.next = self.data.val() >> self.vi_bits.val();
        self.new_mask.next = self.ones.val() << self.shift.val().get_bits::<5>(0);

        self.nonzero.next = self.data.val().any();
        self.in_page.next = self.data.val().get_bits::<21>(0) & self.page_mask.q.val();
        // The last 4 GiB that a bus address can name, and what it cannot name.
        self.iova_bad.next =
            self.data.val().get_bits::<16>(16).any() | self.data.val().get_bits::<16>(0).all();

        // The first page is entered at the low bits of the base, which `kept` has by now. A page's length is kept less one:
        // the carry below the lowest bit makes up for it.
        self.entered.next = bits::<21>(0);
        if self.in_body.q.val() & self.pages.q.val() & (self.first.q.val() == self.element.q.val())
        {
            self.entered.next = self.kept.q.val() & self.page_mask.q.val();
        }
        self.element_word.next = self.data.val() | bit_cast::<32, 21>(self.entered.val());
        self.addend.next = bit_cast::<34, 32>(self.data.val()) << bits::<6>(1);
        if self.state.q.val() == BindState::WriteLength {
            self.element_word.next =
                bit_cast::<32, 21>(self.page_mask.q.val() ^ self.entered.val());
            self.addend.next = (bit_cast::<34, 21>(self.page_mask.q.val() ^ self.entered.val())
                << bits::<6>(1))
                | bits::<34>(1);
        }
        // `running` is the context, then the base, then the inverse of what the elements still have to cover.
        self.wide_sum.next = self.addend.val()
            + ((bit_cast::<34, 32>(self.running.q.val()) << bits::<6>(1)) | bits::<34>(1));
        self.sum.next = self.wide_sum.val().get_bits::<33>(1);
        self.sum_low.next = self.wide_sum.val().get_bits::<32>(1);

        // Row 0, low word.
        self.mode_list.next = bits::<32>(1);
        if self.listed.q.val() {
            self.mode_list.next = bits::<32>(3);
        }
        if self.pages.q.val() {
            self.mode_list.next = bits::<32>(7);
        }
        self.mode_bound.next = self.mode_list.val();
        if self.bound.q.val() {
            self.mode_bound.next = self.mode_list.val() | bits::<32>(8);
        }
        self.mode_one_shot.next = self.mode_bound.val();
        if self.one_shot.q.val() {
            self.mode_one_shot.next = self.mode_bound.val() | bits::<32>(16);
        }
        self.mode.next = self.mode_one_shot.val();
        if self.single.q.val() {
            self.mode.next = self.mode_one_shot.val() | bits::<32>(32);
        }
        self.entry_flags.next = self.mode.val()
            | (bit_cast::<32, 4>(self.rights.q.val()) << bits::<6>(8))
            | (bit_cast::<32, V>(self.of_vi.q.val()) << bits::<6>(12))
            | (bit_cast::<32, 8>(self.key.q.val()) << bits::<6>(16))
            | (bit_cast::<32, 8>(self.count.q.val()) << bits::<6>(24));
        // Row 3, low word.
        self.chain.next = bit_cast::<32, S>(self.first.q.val())
            | (bit_cast::<32, S>(self.last.q.val()) << bits::<6>(10))
            | (bit_cast::<32, S>(self.first.q.val()) << bits::<6>(20));

        self.wants.next = self.asks.q.val();
        self.read_index.next = self.data.val().get_bits::<T>(8);
        self.vi.next = self.of_vi.q.val();
        self.vi_row.next = bits::<2>(1);
        self.index.next = self.entry.q.val();
        self.row.next = bits::<2>(0);
        self.low_write.next = false;
        self.low_data.next = self.data.val();
        self.high_write.next = false;
        self.high_data.next = self.data.val();
        self.extra_write.next = false;
        self.extra_data.next = self.data.val();
        self.chain_walked.next = self.walked.q.val();
        self.take.next = false;
        self.take_count.next = self.count.q.val();
        self.take_next.next = self.element.q.val();
        self.sge_element.next = self.element.q.val();
        self.sge_row.next = bits::<1>(0);
        self.sge_low_write.next = false;
        self.sge_low.next = self.element_word.val();
        self.sge_high_write.next = false;
        self.sge_high.next = self.data.val().get_bits::<16>(0);
        self.words.ready.next = false;
        self.result.valid.next = false;
        self.result.error.next = self.bad_field.val();
        self.result.field.next = bit_cast::<8, 5>(self.fault.q.val());
        if self.fine.val() {
            self.result.error.next = bits::<8>(0);
        }
        if self.fault.q.val() == self.fault_entry_busy.val() {
            self.result.error.next = self.entry_busy.val();
            self.result.field.next = bits::<8>(0);
        }
        if self.fault.q.val() == self.fault_no_elements.val() {
            self.result.error.next = self.no_elements.val();
            self.result.field.next = bits::<8>(0);
        }
        if self.fault.q.val() == self.fault_length_mismatch.val() {
            self.result.error.next = self.length_mismatch.val();
            self.result.field.next = bits::<8>(0);
        }
        self.step.next = false;
        self.step_vi.next = bit_cast::<8, V>(self.of_vi.q.val());
        self.busy.next = self.under_way.q.val();

        self.found.next = bits::<5>(0);
        self.moves.next = (self.state.q.val() == BindState::TakeWord)
            & self.words.valid.val()
            & self.write_ready.val()
            & !self.reset.val();
        if !self.in_body.q.val() {
            if (self.word.val() == bits::<4>(2)) & !self.lent.val() {
                self.moves.next = false;
            }
            if (self.word.val() == bits::<4>(3)) & self.chain_changes.val() {
                self.moves.next = false;
            }
        }
        self.writes.next = self.moves.val() & self.fine.val();

        match self.state.q.val() {
            BindState::TakeWord => {
                self.words.ready.next = self.moves.val();
                if self.moves.val() {
                    self.under_way.d.next = true;
                    self.ended.d.next = self.words.last.val();
                    if self.words.last.val() {
                        self.state.d.next = BindState::Finish;
                    }
                    if !self.in_body.q.val() {
                        if self.word.val() == bits::<4>(0) {
                            self.asks.d.next = true;
                            self.one_shot.d.next =
                                self.data.val().get_bits::<8>(0) == self.op_one_shot.val();
                            self.bound.d.next = (self.data.val().get_bits::<8>(0)
                                == self.op_one_shot.val())
                                | (self.flag_bits.val() & self.flag_bind.val()).any();
                            self.single.d.next =
                                (self.flag_bits.val() & self.flag_single.val()).any();
                            self.of_vi.d.next = self.data.val().get_bits::<V>(16);
                            self.place.d.next = bits::<2>(0);
                            self.covered.d.next = false;
                            if self.foreign_vi.val().any() {
                                self.found.next = self.field_vi.val();
                            }
                        }
                        if self.word.val() == bits::<4>(1) {
                            self.running.d.next = self.data.val();
                        }
                        if self.word.val() == bits::<4>(2) {
                            self.entry.d.next = self.data.val().get_bits::<T>(8);
                            self.key.d.next = self.data.val().get_bits::<8>(0);
                            if self.foreign.val().any() {
                                self.found.next = self.field_stag.val();
                            }
                            self.state.d.next = BindState::ReadEntry;
                        }
                        if self.word.val() == bits::<4>(3) {
                            // The context, which came before the index was known.
                            self.row.next = bits::<2>(2);
                            self.high_write.next = self.writes.val();
                            self.high_data.next = self.running.q.val();
                            self.rights.d.next = self.data.val().get_bits::<4>(0);
                            self.listed.d.next = self.kind_of.val() != self.kind_contiguous.val();
                            self.pages.d.next = self.kind_of.val() == self.kind_pages.val();
                            self.page_mask.d.next = self.new_mask.val() ^ self.ones.val();
                            self.count.d.next = self.elements.val();
                            self.todo.d.next = self.elements.val();
                            self.first.d.next = self.head.val();
                            self.element.d.next = self.head.val();
                            self.walked.d.next = self.fine.val()
                                & (self.kind_of.val() != self.kind_contiguous.val());
                            if bit_cast::<16, 8>(self.elements.val()) > self.free.val() {
                                self.found.next = self.fault_no_elements.val();
                            }
                            if self.elements.val().any()
                                == (self.kind_of.val() == self.kind_contiguous.val())
                            {
                                self.found.next = self.field_count.val();
                            }
                            if self.kind_of.val() == self.kind_pages.val() {
                                if (self.shift.val() < self.shift_min.val())
                                    | (self.shift.val() > self.shift_max.val())
                                {
                                    self.found.next = self.field_kind.val();
                                }
                            } else if self.shift.val().any()
                                | ((self.kind_of.val() != self.kind_contiguous.val())
                                    & (self.kind_of.val() != self.kind_sgl.val()))
                            {
                                self.found.next = self.field_kind.val();
                            }
                            if self.data.val().get_bits::<4>(4).any() {
                                self.found.next = self.field_access.val();
                            }
                        }
                        if self.word.val() == bits::<4>(4) {
                            self.row.next = bits::<2>(1);
                            self.low_write.next = self.writes.val();
                            self.running.d.next = self.data.val();
                        }
                        if self.word.val() == bits::<4>(5) {
                            self.row.next = bits::<2>(1);
                            self.high_write.next = self.writes.val();
                            self.base_high_ones.d.next = self.data.val().all();
                        }
                        if self.word.val() == bits::<4>(6) {
                            self.row.next = bits::<2>(2);
                            self.low_write.next = self.writes.val();
                            self.running.d.next = self.inverted.val();
                            self.kept.d.next = self.running.q.val().get_bits::<21>(0);
                            if !self.nonzero.val()
                                | (self.listed.q.val() & self.data.val().get_bit(31))
                            {
                                self.found.next = self.field_length.val();
                            }
                            // A region that ends at 2^64 exactly does not wrap.
                            if self.base_high_ones.q.val()
                                & self.sum.val().get_bit(32)
                                & self.sum_low.val().any()
                            {
                                self.found.next = self.field_base.val();
                            }
                        }
                        if self.word.val() == bits::<4>(7) {
                            self.row.next = bits::<2>(3);
                            self.low_write.next = self.writes.val();
                        }
                        if self.word.val() == bits::<4>(8) {
                            self.row.next = bits::<2>(3);
                            self.high_write.next = self.writes.val();
                            if !self.listed.q.val() & self.iova_bad.val() {
                                self.found.next = self.field_iova.val();
                            }
                        }
                        if self.word.val() == bits::<4>(9) {
                            self.extra_write.next = self.writes.val();
                        }
                        if self.word.val() == bits::<4>(10) {
                            self.row.next = bits::<2>(1);
                            self.extra_write.next = self.writes.val();
                        }
                        if self.word.val() == bits::<4>(11) {
                            self.row.next = bits::<2>(2);
                            self.extra_write.next = self.writes.val();
                        }
                        if self.word.val() == bits::<4>(12) {
                            self.row.next = bits::<2>(3);
                            self.extra_write.next = self.writes.val();
                        }
                        if self.word.val() == bits::<4>(14) {
                            self.high_write.next = self.writes.val() & !self.bound.q.val();
                        }
                        if self.word.val() == bits::<4>(15) {
                            self.in_body.d.next = true;
                        }
                    } else if !self.todo.q.val().any() {
                        self.found.next = self.field_count.val();
                    } else {
                        self.place.d.next = self.place.q.val() + 1;
                        if self.place.q.val() == bits::<2>(0) {
                            self.sge_low_write.next = self.writes.val();
                            if self.pages.q.val() & self.in_page.val().any() {
                                self.found.next = self.field_iova.val();
                            }
                        }
                        if self.place.q.val() == bits::<2>(1) {
                            self.sge_high_write.next = self.writes.val();
                            if self.iova_bad.val() {
                                self.found.next = self.field_iova.val();
                            }
                            if self.pages.q.val() {
                                self.place.d.next = bits::<2>(0);
                                self.state.d.next = BindState::WriteLength;
                            }
                        }
                        if self.place.q.val() == bits::<2>(2) {
                            self.sge_row.next = bits::<1>(1);
                            self.sge_low_write.next = self.writes.val();
                            self.running.d.next = self.sum_low.val();
                            self.covered.d.next = self.sum_low.val().all();
                            if self.sum.val().get_bit(32) {
                                self.found.next = self.fault_length_mismatch.val();
                            }
                            if !self.nonzero.val() {
                                self.found.next = self.field_element_length.val();
                            }
                        }
                        if self.place.q.val() == bits::<2>(3) {
                            if self.nonzero.val() {
                                self.found.next = self.field_reserved.val();
                            }
                            self.state.d.next = BindState::ReadNext;
                        }
                    }
                }
            }
            BindState::ReadEntry => {
                self.vi_row.next = bits::<2>(2);
                if self.low.val().get_bit(0)
                    | (self.draining.val() & (self.draining_index.val() == self.entry.q.val()))
                {
                    self.found.next = self.fault_entry_busy.val();
                }
                self.state.d.next = BindState::WritePtag;
            }
            BindState::WritePtag => {
                self.high_write.next = self.fine.val();
                self.high_data.next = self.ptag.val();
                // Asked for again in case the walk writes first.
                self.vi_row.next = bits::<2>(2);
                if self.write_ready.val() {
                    self.asks.d.next = false;
                    self.state.d.next = BindState::TakeWord;
                    if self.ended.q.val() {
                        self.state.d.next = BindState::Finish;
                    }
                }
            }
            BindState::WriteLength => {
                self.sge_row.next = bits::<1>(1);
                self.sge_low_write.next = self.fine.val();
                self.running.d.next = self.sum_low.val();
                self.covered.d.next =
                    self.covered.q.val() | self.sum.val().get_bit(32) | self.sum_low.val().all();
                // A page behind the region's end.
                if self.covered.q.val() {
                    self.found.next = self.fault_length_mismatch.val();
                }
                self.state.d.next = BindState::ReadNext;
            }
            BindState::ReadNext => {
                if !self.sge_taken.val() {
                    self.state.d.next = BindState::TakeNext;
                }
            }
            BindState::TakeNext => {
                self.last.d.next = self.element.q.val();
                self.element.d.next = self.sge_next.val().get_bits::<S>(0);
                self.todo.d.next = self.todo.q.val() - 1;
                self.state.d.next = BindState::TakeWord;
                if self.ended.q.val() {
                    self.state.d.next = BindState::Finish;
                }
            }
            BindState::Finish => {
                self.asks.d.next = false;
                self.state.d.next = BindState::WriteFlags;
                if self.listed.q.val() {
                    self.state.d.next = BindState::WriteChain;
                    if !self.covered.q.val() {
                        self.found.next = self.fault_length_mismatch.val();
                        self.state.d.next = BindState::Answer;
                    }
                }
                // The command ended too early: a list, or a header, which of a one-shot without a list ends with word 13.
                if (self.todo.q.val().any() | self.place.q.val().any())
                    | (!self.in_body.q.val() & !self.one_shot.q.val())
                {
                    self.found.next = self.field_count.val();
                    self.state.d.next = BindState::Answer;
                }
                if !self.fine.val() {
                    self.state.d.next = BindState::Answer;
                }
            }
            BindState::WriteChain => {
                self.row.next = bits::<2>(3);
                self.low_write.next = true;
                self.low_data.next = self.chain.val();
                self.high_write.next = true;
                self.high_data.next = bits::<32>(0);
                if self.write_ready.val() {
                    self.take.next = true;
                    self.walked.d.next = false;
                    self.state.d.next = BindState::WriteFlags;
                }
            }
            BindState::WriteFlags => {
                self.low_write.next = !self.flags_read.val();
                self.low_data.next = self.entry_flags.val();
                if self.write_ready.val() & !self.flags_read.val() {
                    self.step.next = true;
                    self.state.d.next = BindState::Answer;
                }
            }
            BindState::Answer => {
                self.result.valid.next = true;
                self.under_way.d.next = false;
                self.in_body.d.next = false;
                self.walked.d.next = false;
                self.fault.d.next = bits::<5>(0);
                self.state.d.next = BindState::TakeWord;
            }
            _ => {
                self.state.d.next = BindState::TakeWord;
            }
        }
        if self.fine.val() {
            self.fault.d.next = self.found.val();
        }
        if self.reset.val() {
            self.state.d.next = BindState::TakeWord;
            self.asks.d.next = false;
            self.under_way.d.next = false;
            self.in_body.d.next = false;
            self.walked.d.next = false;
            self.fault.d.next = bits::<5>(0);
        }
    }
}
