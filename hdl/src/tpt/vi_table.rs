//! What the table knows of each VI: its protection tag and whether its peer may write and read.
//!
//! It does not know a VI's state. A 16-bit RAM, so that it costs one block RAM; the protection tag is read in two cycles.
//!
//! ```text
//! row  0 rights 1:0 | 1 ptag, low | 2 ptag, high
//! ```
//! Ask for row 1, then row 2: in the cycle after that, `ptag` is whole, and stays so for as long as row 2 is asked for. Writing a ptag takes two cycles: `ready` comes in the
//! second, and the half is written again for as long as the other takers of the word are not ready.

use rnic_abi::command::vi_queues;
use rust_hdl::prelude::*;

use super::row_ram::RowRam;
use crate::interfaces::ViConfigRx;

/// The table.
#[derive(LogicBlock)]
pub struct ViTable<const V: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Words 4 and 5 of VI commands; others are ignored.
    pub vi_config: ViConfigRx,
    /// VI to read.
    pub vi: Signal<In, Bits<V>>,
    /// Row to read.
    pub row: Signal<In, Bits<2>>,
    /// Row 0 was asked for: the peer may write, may read.
    pub rights: Signal<Out, Bits<2>>,
    /// Row 1 was asked for, then row 2.
    pub ptag: Signal<Out, Bits<32>>,
    ram: RowRam<V, 2, 16>,
    held: DFF<Bits<16>>,
    holds: DFF<Bit>,
    second: DFF<Bit>,
    word_ptag: Constant<Bits<4>>,
    word_rights: Constant<Bits<4>>,
}

impl<const V: usize> ViTable<V> {
    /// Holds nothing useful until its VIs are configured.
    pub fn new() -> Self {
        assert_eq!(vi_queues::RIGHTS_SHIFT, 24);
        Self {
            clock: Default::default(),
            vi_config: Default::default(),
            vi: Default::default(),
            row: Default::default(),
            rights: Default::default(),
            ptag: Default::default(),
            ram: Default::default(),
            held: Default::default(),
            holds: Default::default(),
            second: Default::default(),
            word_ptag: Constant::new(4_u64.into()),
            word_rights: Constant::new(5_u64.into()),
        }
    }
}

impl<const V: usize> Default for ViTable<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const V: usize> Logic for ViTable<V> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held, holds, second);
        clock!(self, clock, ram);
        self.ram.read_index.next = self.vi.val();
        self.ram.read_row.next = self.row.val();
        self.holds.d.next = self.row.val() == bits::<2>(1);
        if self.holds.q.val() {
            self.held.d.next = self.ram.read_data.val();
        }
        self.rights.next = self.ram.read_data.val().get_bits::<2>(0);
        self.ptag.next = (bit_cast::<32, 16>(self.ram.read_data.val()) << bits::<6>(16))
            | bit_cast::<32, 16>(self.held.q.val());

        self.ram.write_index.next = bit_cast::<V, 8>(self.vi_config.vi.val());
        self.ram.write_row.next = bits::<2>(1);
        self.ram.write_data.next = self.vi_config.data.val().get_bits::<16>(0);
        self.ram.write_enable.next = false;
        self.vi_config.ready.next = true;
        self.second.d.next = false;
        if self.vi_config.valid.val() & (self.vi_config.word.val() == self.word_ptag.val()) {
            self.ram.write_enable.next = true;
            self.second.d.next = true;
            self.vi_config.ready.next = self.second.q.val();
            if self.second.q.val() {
                self.ram.write_row.next = bits::<2>(2);
                self.ram.write_data.next = self.vi_config.data.val().get_bits::<16>(16);
            }
        }
        if self.vi_config.valid.val() & (self.vi_config.word.val() == self.word_rights.val()) {
            self.ram.write_enable.next = true;
            self.ram.write_row.next = bits::<2>(0);
            self.ram.write_data.next =
                bit_cast::<16, 8>(self.vi_config.data.val().get_bits::<8>(24));
        }
    }
}
