//! Step `tpt_check`: admits or refuses one access after the other, for five clients in turn.
//!
//! Every access is checked for, in this order: index in range, entry valid, key; protection tag of the VI; VI where the entry
//! is bound; right (and for the peer's accesses the VI's own rights); offset plus length within 64 bits; base and bounds;
//! single-message region not used up. The access then goes to `sge_walk`, which answers the client. A length of zero passes
//! the same checks. Nothing is translated here, and the table is only read.
//!
//! ```text
//!   Choose -> Take -> ReadLength -> ReadFlags -> Judge -> HandOver -> Choose
//!     |        row 1    row 2        row 0       row 3
//!     +--> Lend: the table's read port is with tpt_release or tpt_bind
//! ```
//! The request is taken in `Take`. Latency: the walk has the access four cycles later. Throughput: one check in six cycles
//! while the walk keeps up. `HandOver` reads row 3 again until the walk is free, so it never carries an old cursor.

use rnic_abi::command::{access, vi_queues};
use rnic_abi::error::TptError;
use rust_hdl::prelude::*;

use crate::interfaces::TptRequestRx;

#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
enum CheckState {
    /// Pick the next client, or lend the table; after a loan the clients go first.
    Choose,
    /// Take its request and ask for the base.
    Take,
    /// Ask for the length while the offset is computed.
    ReadLength,
    /// Ask for the flags while the room behind the offset is computed.
    ReadFlags,
    /// Compare key, tag, VI and right; ask for the address.
    Judge,
    /// Compare bounds and pass the access on.
    HandOver,
    /// Wait until the table comes back.
    Lend,
}

/// The checker.
#[derive(LogicBlock)]
pub struct TptCheck<const T: usize, const V: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Forgets what is under way.
    pub reset: Signal<In, Bit>,
    /// The clients.
    pub request: [TptRequestRx; 5],

    /// `tpt_release` wants the table's read port, or still has it.
    pub release_wants: Signal<In, Bit>,
    /// It has it.
    pub lent_release: Signal<Out, Bit>,
    /// `tpt_bind` wants the table's read port, or still has it.
    pub bind_wants: Signal<In, Bit>,
    /// It has it.
    pub lent_bind: Signal<Out, Bit>,

    /// Entry that is read.
    pub index: Signal<Out, Bits<T>>,
    /// Row that is read.
    pub row: Signal<Out, Bits<2>>,
    /// Low word of the row asked for in the cycle before.
    pub low: Signal<In, Bits<32>>,
    /// Its high word.
    pub high: Signal<In, Bits<32>>,
    /// VI whose configuration is read.
    pub vi: Signal<Out, Bits<V>>,
    /// Row that is read there.
    pub vi_row: Signal<Out, Bits<2>>,
    /// Rights of the VI.
    pub rights: Signal<In, Bits<2>>,
    /// Protection tag of the VI.
    pub ptag: Signal<In, Bits<32>>,

    /// An access for the walk; the table's row 3 is out in the same cycle.
    pub valid: Signal<Out, Bit>,
    /// The walk takes it.
    pub ready: Signal<In, Bit>,
    /// Who asked.
    pub client: Signal<Out, Bits<3>>,
    /// Why it is refused, or 0.
    pub error: Signal<Out, Bits<4>>,
    /// Offset in the region.
    pub offset: Signal<Out, Bits<32>>,
    /// Bytes.
    pub length: Signal<Out, Bits<16>>,
    /// The region has elements.
    pub listed: Signal<Out, Bit>,
    /// They are pages.
    pub paged: Signal<Out, Bit>,
    /// This access uses up a single-message region.
    pub fire: Signal<Out, Bit>,

    /// VI of the access.
    pub step_vi: Signal<Out, Bits<8>>,
    /// An access passed.
    pub step: Signal<Out, Bit>,
    /// A local access was refused.
    pub local_protection_error: Signal<Out, Bit>,
    /// An access of the peer was refused.
    pub remote_protection_error: Signal<Out, Bit>,
    /// An access is being checked.
    pub busy: Signal<Out, Bit>,

    state: DFF<CheckState>,
    to_release: DFF<Bit>,
    to_bind: DFF<Bit>,
    clients_first: DFF<Bit>,
    chosen: DFF<Bits<3>>,
    stag_index: DFF<Bits<T>>,
    key: DFF<Bits<8>>,
    foreign: DFF<Bit>,
    to: DFF<Bits<64>>,
    bytes_asked: DFF<Bits<16>>,
    right: DFF<Bits<4>>,
    of_vi: DFF<Bits<V>>,
    ends_message: DFF<Bit>,
    vi_rights: DFF<Bits<2>>,
    inside: DFF<Bits<32>>,
    behind: DFF<Bits<32>>,
    wraps: DFF<Bit>,
    outside: DFF<Bit>,
    verdict: DFF<Bits<4>>,
    is_list: DFF<Bit>,
    is_paged: DFF<Bit>,
    is_single: DFF<Bit>,

    wanted: Signal<Local, Bit>,
    pick: Signal<Local, Bits<3>>,
    taken_stag: Signal<Local, Bits<32>>,
    taken_foreign: Signal<Local, Bit>,
    above: [Signal<Local, Bits<32>>; 5],
    only_stag: [Signal<Local, Bits<32>>; 5],
    only_to: [Signal<Local, Bits<64>>; 5],
    only_length: [Signal<Local, Bits<16>>; 5],
    only_access: [Signal<Local, Bits<4>>; 5],
    only_vi: [Signal<Local, Bits<V>>; 5],
    only_last: [Signal<Local, Bit>; 5],
    only_foreign: [Signal<Local, Bit>; 5],
    taken_to: Signal<Local, Bits<64>>,
    taken_length: Signal<Local, Bits<16>>,
    taken_access: Signal<Local, Bits<4>>,
    taken_vi: Signal<Local, Bits<V>>,
    taken_last: Signal<Local, Bit>,
    offset_high: Signal<Local, Bits<33>>,
    denied_read: Signal<Local, Bit>,
    base: Signal<Local, Bits<64>>,
    difference: Signal<Local, Bits<65>>,
    low_end: Signal<Local, Bits<17>>,
    low_sum: Signal<Local, Bits<16>>,
    room: Signal<Local, Bits<33>>,
    granted: Signal<Local, Bits<4>>,
    answer: Signal<Local, Bits<4>>,
    passes: Signal<Local, Bit>,
    is_local: Signal<Local, Bit>,
    entry_key: Signal<Local, Bits<8>>,
    entry_vi: Signal<Local, Bits<V>>,
    stag_bits: Constant<Bits<6>>,
    error_stag: Constant<Bits<4>>,
    error_ptag: Constant<Bits<4>>,
    error_vi: Constant<Bits<4>>,
    error_access: Constant<Bits<4>>,
    error_bounds: Constant<Bits<4>>,
    error_wrap: Constant<Bits<4>>,
    error_fired: Constant<Bits<4>>,
}

impl<const T: usize, const V: usize> TptCheck<T, V> {
    /// A checker whose turn begins with client 1.
    pub fn new() -> Self {
        assert!(V <= 4, "a table entry has four bits for a VI");
        assert_eq!(
            (access::LOCAL_READ, access::LOCAL_WRITE),
            (1, 2),
            "bits 1:0 are the local rights"
        );
        assert_eq!((access::REMOTE_READ, access::REMOTE_WRITE), (4, 8));
        assert_eq!(
            (vi_queues::ENABLE_RDMA_WRITE, vi_queues::ENABLE_RDMA_READ),
            (1, 2)
        );
        let error = |e: TptError| Constant::new((e as u64).into());
        Self {
            clock: Default::default(),
            reset: Default::default(),
            request: Default::default(),
            release_wants: Default::default(),
            lent_release: Default::default(),
            bind_wants: Default::default(),
            lent_bind: Default::default(),
            index: Default::default(),
            row: Default::default(),
            low: Default::default(),
            high: Default::default(),
            vi: Default::default(),
            vi_row: Default::default(),
            rights: Default::default(),
            ptag: Default::default(),
            valid: Default::default(),
            ready: Default::default(),
            client: Default::default(),
            error: Default::default(),
            offset: Default::default(),
            length: Default::default(),
            listed: Default::default(),
            paged: Default::default(),
            fire: Default::default(),
            step_vi: Default::default(),
            step: Default::default(),
            local_protection_error: Default::default(),
            remote_protection_error: Default::default(),
            busy: Default::default(),
            state: Default::default(),
            to_release: Default::default(),
            to_bind: Default::default(),
            clients_first: Default::default(),
            chosen: Default::default(),
            stag_index: Default::default(),
            key: Default::default(),
            foreign: Default::default(),
            to: Default::default(),
            bytes_asked: Default::default(),
            right: Default::default(),
            of_vi: Default::default(),
            ends_message: Default::default(),
            vi_rights: Default::default(),
            inside: Default::default(),
            behind: Default::default(),
            wraps: Default::default(),
            outside: Default::default(),
            verdict: Default::default(),
            is_list: Default::default(),
            is_paged: Default::default(),
            is_single: Default::default(),
            wanted: Default::default(),
            pick: Default::default(),
            taken_stag: Default::default(),
            taken_foreign: Default::default(),
            above: Default::default(),
            only_stag: Default::default(),
            only_to: Default::default(),
            only_length: Default::default(),
            only_access: Default::default(),
            only_vi: Default::default(),
            only_last: Default::default(),
            only_foreign: Default::default(),
            taken_to: Default::default(),
            taken_length: Default::default(),
            taken_access: Default::default(),
            taken_vi: Default::default(),
            taken_last: Default::default(),
            offset_high: Default::default(),
            denied_read: Default::default(),
            base: Default::default(),
            difference: Default::default(),
            low_end: Default::default(),
            low_sum: Default::default(),
            room: Default::default(),
            granted: Default::default(),
            answer: Default::default(),
            passes: Default::default(),
            is_local: Default::default(),
            entry_key: Default::default(),
            entry_vi: Default::default(),
            stag_bits: Constant::new((8 + T as u64).into()),
            error_stag: error(TptError::InvalidStag),
            error_ptag: error(TptError::Ptag),
            error_vi: error(TptError::Vi),
            error_access: error(TptError::Access),
            error_bounds: error(TptError::Bounds),
            error_wrap: error(TptError::Wrap),
            error_fired: error(TptError::Fired),
        }
    }
}

impl<const T: usize, const V: usize> Default for TptCheck<T, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const T: usize, const V: usize> Logic for TptCheck<T, V> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            to_release,
            to_bind,
            clients_first,
            chosen,
            stag_index,
            key,
            foreign,
            to,
            bytes_asked,
            right,
            of_vi,
            ends_message,
            vi_rights,
            inside,
            behind,
            wraps,
            outside,
            verdict,
            is_list,
            is_paged,
            is_single
        );
        // Who is next: the highest client below the last one, else the highest.
        self.wanted.next = false;
        self.pick.next = bits::<3>(0);
        for i in 0..5 {
            if self.request[i].valid.val() {
                self.wanted.next = true;
                self.pick.next = i.to_bits::<3>();
            }
        }
        for i in 0..5 {
            if self.request[i].valid.val() & (i.to_bits::<3>() < self.chosen.q.val()) {
                self.pick.next = i.to_bits::<3>();
            }
        }

        // One-hot, because AND and OR take fewer cells than a tree of multiplexers.
        for i in 0..5 {
            self.above[i].next = self.request[i].stag.val() >> self.stag_bits.val();
            self.only_stag[i].next = bits::<32>(0);
            self.only_to[i].next = bits::<64>(0);
            self.only_length[i].next = bits::<16>(0);
            self.only_access[i].next = bits::<4>(0);
            self.only_vi[i].next = bits::<V>(0);
            self.only_last[i].next = false;
            self.only_foreign[i].next = false;
            if self.chosen.q.val() == i.to_bits::<3>() {
                self.only_stag[i].next = self.request[i].stag.val();
                self.only_to[i].next = self.request[i].to.val();
                self.only_length[i].next = self.request[i].length.val();
                self.only_access[i].next = self.request[i].access.val();
                self.only_vi[i].next = self.request[i].vi.val().get_bits::<V>(0);
                self.only_last[i].next = self.request[i].last_of_message.val();
                self.only_foreign[i].next = self.above[i].val().any();
            }
        }
        self.taken_stag.next = self.only_stag[0].val()
            | self.only_stag[1].val()
            | self.only_stag[2].val()
            | self.only_stag[3].val()
            | self.only_stag[4].val();
        self.taken_to.next = self.only_to[0].val()
            | self.only_to[1].val()
            | self.only_to[2].val()
            | self.only_to[3].val()
            | self.only_to[4].val();
        self.taken_length.next = self.only_length[0].val()
            | self.only_length[1].val()
            | self.only_length[2].val()
            | self.only_length[3].val()
            | self.only_length[4].val();
        self.taken_access.next = self.only_access[0].val()
            | self.only_access[1].val()
            | self.only_access[2].val()
            | self.only_access[3].val()
            | self.only_access[4].val();
        self.taken_vi.next = self.only_vi[0].val()
            | self.only_vi[1].val()
            | self.only_vi[2].val()
            | self.only_vi[3].val()
            | self.only_vi[4].val();
        self.taken_last.next = self.only_last[0].val()
            | self.only_last[1].val()
            | self.only_last[2].val()
            | self.only_last[3].val()
            | self.only_last[4].val();
        self.taken_foreign.next = self.only_foreign[0].val()
            | self.only_foreign[1].val()
            | self.only_foreign[2].val()
            | self.only_foreign[3].val()
            | self.only_foreign[4].val();
        for i in 0..5 {
            self.request[i].ready.next = (self.state.q.val() == CheckState::Take)
                & (self.chosen.q.val() == i.to_bits::<3>());
        }

        // Base and bounds, a carry chain a cycle: first the offset, then the room behind it, then the comparison.
        self.base.next = (bit_cast::<64, 32>(self.high.val()) << bits::<6>(32))
            | bit_cast::<64, 32>(self.low.val());
        self.difference.next =
            bit_cast::<65, 64>(self.to.q.val()) - bit_cast::<65, 64>(self.base.val());
        self.low_end.next = bit_cast::<17, 16>(self.to.q.val().get_bits::<16>(0))
            + bit_cast::<17, 16>(self.bytes_asked.q.val());
        self.low_sum.next = self.low_end.val().get_bits::<16>(0);
        self.offset_high.next = self.difference.val().get_bits::<33>(32);
        self.room.next =
            bit_cast::<33, 32>(self.low.val()) - bit_cast::<33, 32>(self.inside.q.val());

        // What row 0 says.
        self.entry_key.next = self.low.val().get_bits::<8>(16);
        self.entry_vi.next = self.low.val().get_bits::<V>(12);
        self.granted.next = self.low.val().get_bits::<4>(8) & self.right.q.val();
        if !self.vi_rights.q.val().get_bit(0) {
            self.granted.next =
                self.low.val().get_bits::<4>(8) & (self.right.q.val() & bits::<4>(7));
        }
        self.denied_read.next = self.right.q.val().get_bit(2) & !self.vi_rights.q.val().get_bit(1);
        if self.denied_read.val() {
            self.granted.next = bits::<4>(0);
        }

        // The last word: what was found before, then bounds, then fired.
        self.answer.next = self.verdict.q.val();
        if self.verdict.q.val() == bits::<4>(0) {
            if self.wraps.q.val() {
                self.answer.next = self.error_wrap.val();
            } else if self.outside.q.val()
                | (self.behind.q.val() < bit_cast::<32, 16>(self.bytes_asked.q.val()))
            {
                self.answer.next = self.error_bounds.val();
            } else if self.high.val().get_bit(31) {
                self.answer.next = self.error_fired.val();
            }
        }
        self.passes.next = self.answer.val() == bits::<4>(0);
        self.is_local.next = self.right.q.val().get_bits::<2>(0).any();

        self.index.next = self.stag_index.q.val();
        self.row.next = bits::<2>(3);
        self.vi.next = self.of_vi.q.val();
        self.vi_row.next = bits::<2>(2);
        self.lent_release.next = self.to_release.q.val();
        self.lent_bind.next = self.to_bind.q.val();
        self.valid.next = self.state.q.val() == CheckState::HandOver;
        self.client.next = self.chosen.q.val();
        self.error.next = self.answer.val();
        self.offset.next = self.inside.q.val();
        self.length.next = self.bytes_asked.q.val();
        self.listed.next = self.is_list.q.val();
        self.paged.next = self.is_paged.q.val();
        self.fire.next = self.is_single.q.val() & self.ends_message.q.val();
        self.step.next = false;
        self.step_vi.next = bit_cast::<8, V>(self.of_vi.q.val());
        self.local_protection_error.next = false;
        self.remote_protection_error.next = false;
        self.busy.next = !(self.state.q.val() == CheckState::Choose);

        match self.state.q.val() {
            CheckState::Choose => {
                self.clients_first.d.next = false;
                if self.clients_first.q.val() & self.wanted.val() {
                    self.chosen.d.next = self.pick.val();
                    self.state.d.next = CheckState::Take;
                } else if self.release_wants.val() {
                    self.to_release.d.next = true;
                    self.state.d.next = CheckState::Lend;
                } else if self.bind_wants.val() {
                    self.to_bind.d.next = true;
                    self.state.d.next = CheckState::Lend;
                } else if self.wanted.val() {
                    self.chosen.d.next = self.pick.val();
                    self.state.d.next = CheckState::Take;
                }
            }
            CheckState::Take => {
                self.index.next = self.taken_stag.val().get_bits::<T>(8);
                self.row.next = bits::<2>(1);
                self.vi.next = self.taken_vi.val();
                self.vi_row.next = bits::<2>(0);
                self.stag_index.d.next = self.taken_stag.val().get_bits::<T>(8);
                self.key.d.next = self.taken_stag.val().get_bits::<8>(0);
                self.foreign.d.next = self.taken_foreign.val();
                self.to.d.next = self.taken_to.val();
                self.bytes_asked.d.next = self.taken_length.val();
                self.right.d.next = self.taken_access.val();
                self.of_vi.d.next = self.taken_vi.val();
                self.ends_message.d.next = self.taken_last.val();
                self.state.d.next = CheckState::ReadLength;
            }
            CheckState::ReadLength => {
                self.row.next = bits::<2>(2);
                self.vi_row.next = bits::<2>(1);
                self.vi_rights.d.next = self.rights.val();
                self.inside.d.next = self.difference.val().get_bits::<32>(0);
                self.outside.d.next = self.offset_high.val().any();
                // An access that ends at 2^64 exactly does not wrap.
                self.wraps.d.next = self.to.q.val().get_bits::<48>(16).all()
                    & self.low_end.val().get_bit(16)
                    & self.low_sum.val().any();
                self.state.d.next = CheckState::ReadFlags;
            }
            CheckState::ReadFlags => {
                self.row.next = bits::<2>(0);
                self.behind.d.next = self.room.val().get_bits::<32>(0);
                self.outside.d.next = self.outside.q.val() | self.room.val().get_bit(32);
                self.state.d.next = CheckState::Judge;
            }
            CheckState::Judge => {
                self.is_list.d.next = self.low.val().get_bit(1);
                self.is_paged.d.next = self.low.val().get_bit(2);
                self.is_single.d.next = self.low.val().get_bit(5);
                self.verdict.d.next = bits::<4>(0);
                if !self.granted.val().any() {
                    self.verdict.d.next = self.error_access.val();
                }
                if self.low.val().get_bit(3) & (self.entry_vi.val() != self.of_vi.q.val()) {
                    self.verdict.d.next = self.error_vi.val();
                }
                if self.high.val() != self.ptag.val() {
                    self.verdict.d.next = self.error_ptag.val();
                }
                if self.foreign.q.val()
                    | !self.low.val().get_bit(0)
                    | (self.entry_key.val() != self.key.q.val())
                {
                    self.verdict.d.next = self.error_stag.val();
                }
                self.state.d.next = CheckState::HandOver;
            }
            CheckState::HandOver => {
                if self.ready.val() {
                    self.step.next = self.passes.val();
                    self.local_protection_error.next = !self.passes.val() & self.is_local.val();
                    self.remote_protection_error.next = !self.passes.val() & !self.is_local.val();
                    self.state.d.next = CheckState::Choose;
                }
            }
            CheckState::Lend => {
                if !((self.to_release.q.val() & self.release_wants.val())
                    | (self.to_bind.q.val() & self.bind_wants.val()))
                {
                    self.to_release.d.next = false;
                    self.to_bind.d.next = false;
                    self.clients_first.d.next = true;
                    self.state.d.next = CheckState::Choose;
                }
            }
            _ => {
                self.state.d.next = CheckState::Choose;
            }
        }
        if self.reset.val() {
            self.state.d.next = CheckState::Choose;
            self.to_release.d.next = false;
            self.to_bind.d.next = false;
        }
    }
}
