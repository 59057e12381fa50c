//! Step `mpa_check`: the length of an FPDU against the frame it came in, and the verdict of its CRC32c.
//!
//! The CRC itself is the one that `llp_receive` runs over every word (one CRC serves header and payload, which never come at
//! once); this block judges it. It does not look at markers, which are never negotiated, nor at pad bytes, which the CRC covers.
//!
//! ```text
//!   first word of the payload --> (ulpdu length + 9) / 4 == words of the frame --> length_good
//!   close + verdict ------------> step mpa_check | mpa_crc_errors
//! FPDU: length 2 | ulpdu | pad 0..3 | crc 4, so words = ceil((2 + ulpdu) / 4) + 1 = floor((ulpdu + 9) / 4)
//! raw:  bytes  4 | bytes | pad 0..3 | crc 4, so words = floor((bytes + 11) / 4)
//! ```
//! Latency: `length_good` one cycle after the first word.

use rust_hdl::prelude::*;

use crate::block_new::block_new;
use crate::interfaces::StepTx;
use crate::llp::llp_receive::verdict;

/// See the module.
#[derive(LogicBlock)]
pub struct MpaCheck {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// `word` is the first of the payload.
    pub first: Signal<In, Bit>,
    /// The word.
    pub word: Signal<In, Bits<32>>,
    /// It belongs to a raw frame.
    pub raw: Signal<In, Bit>,
    /// Words of the payload, as the link header says.
    pub words: Signal<In, Bits<14>>,
    /// The payload's own length agrees.
    pub length_good: Signal<Out, Bit>,
    /// The frame is complete.
    pub close: Signal<In, Bit>,
    /// What it is worth: `llp_receive::verdict`.
    pub verdict: Signal<In, Bits<2>>,
    /// VI of the frame.
    pub vi: Signal<In, Bits<4>>,
    /// The CRC32c of an FPDU was good.
    pub step: StepTx,
    /// Counter pulse.
    pub mpa_crc_errors: Signal<Out, Bit>,

    agrees: DFF<Bit>,
    length: Signal<Local, Bits<17>>,
    round_up: Signal<Local, Bits<17>>,
    total: Signal<Local, Bits<17>>,
    needed: Signal<Local, Bits<15>>,
    fits: Signal<Local, Bit>,
    verdict_good: Constant<Bits<2>>,
    verdict_bad_sum: Constant<Bits<2>>,
}

impl MpaCheck {
    /// The block.
    pub fn new() -> Self {
        block_new!(
            clock first word raw words length_good close verdict vi step mpa_crc_errors agrees
            length round_up total needed fits;
            verdict_good = verdict::GOOD,
            verdict_bad_sum = verdict::BAD_SUM,
        )
    }
}

impl Default for MpaCheck {
    fn default() -> Self {
        Self::new()
    }
}

impl Logic for MpaCheck {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, agrees);
        // The MPA length is big-endian, a raw frame's little-endian.
        self.length.next = (bit_cast::<17, 8>(self.word.val().get_bits::<8>(0)) << bits::<17>(8))
            | bit_cast::<17, 8>(self.word.val().get_bits::<8>(8));
        self.round_up.next = bits::<17>(9);
        self.fits.next = true;
        if self.raw.val() {
            self.length.next = bit_cast::<17, 16>(self.word.val().get_bits::<16>(0));
            self.round_up.next = bits::<17>(11);
            self.fits.next = !self.word.val().get_bits::<16>(16).any();
        }
        self.total.next = self.length.val() + self.round_up.val();
        self.needed.next = self.total.val().get_bits::<15>(2);
        if self.first.val() {
            self.agrees.d.next =
                self.fits.val() & (self.needed.val() == bit_cast::<15, 14>(self.words.val()));
        }
        self.length_good.next = self.agrees.q.val();
        self.step.fire.next =
            self.close.val() & !self.raw.val() & (self.verdict.val() == self.verdict_good.val());
        self.step.vi.next = bit_cast::<8, 4>(self.vi.val());
        self.mpa_crc_errors.next =
            self.close.val() & !self.raw.val() & (self.verdict.val() == self.verdict_bad_sum.val());
    }
}
