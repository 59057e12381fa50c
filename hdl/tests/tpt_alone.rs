//! The blocks of the translation and protection table, each alone, with any input, at the sizes of `Small` and `Full`.

mod alone;

use std::collections::VecDeque;

use alone::alone;
use rnic_abi::command::opcode::{ONE_SHOT, REGISTER};
use rnic_hdl::tpt::free_list::FreeList;
use rnic_hdl::tpt::row_ram::RowRam;
use rnic_hdl::tpt::sge_table::SgeTable;
use rnic_hdl::tpt::sge_walk::SgeWalk;
use rnic_hdl::tpt::tpt_bind::TptBind;
use rnic_hdl::tpt::tpt_check::TptCheck;
use rnic_hdl::tpt::tpt_release::TptRelease;
use rnic_hdl::tpt::tpt_table::TptTable;
use rnic_hdl::tpt::vi_table::ViTable;
use rnic_verilate::{Before, Stimulus};

alone! {
    row_ram = RowRam::<8, 2, 32>::default(), small RowRam::<6, 2, 32>::default();
    tpt_table = TptTable::<8>::default(), small TptTable::<6>::default();
    sge_table = SgeTable::<10>::default(), small SgeTable::<7>::default();
    free_list = FreeList::<10>::new(), small FreeList::<7>::new();
    vi_table = ViTable::<4>::new(), small ViTable::<2>::new();
    tpt_check = TptCheck::<8, 4>::new(), small TptCheck::<6, 2>::new(),
        with |b, random, before| {
            // An entry that fits the access, mostly.
            for request in &mut b.request {
                request.stag.next = (random.below(64) << 8 | 0x5A).into();
                request.to.next = random.below(1 << 20).into();
            }
            if random.chance(0.9) {
                let (low, high) = match before.get("row") {
                    0 => (0x5A_0F01 | random.below(4) << 1, 7),
                    1 => (0, 0),
                    _ => (0x7FFF_FFFF, 0),
                };
                (b.low.next, b.high.next) = (low.into(), high.into());
                b.ptag.next = 7_u64.into();
                b.rights.next = 3_u64.into();
            }
        };
    sge_walk = SgeWalk::<8, 10>::default(), small SgeWalk::<6, 7>::default(),
        with |b, random, _| {
            b.client.next = random.below(5).into();
            b.length.next = random.below(9000).into();
        };
    tpt_bind = TptBind::<8, 10, 4>::new(), small TptBind::<6, 7, 2>::new(),
        with commands();
    tpt_release = TptRelease::<8, 10, 4>::new(), small TptRelease::<6, 7, 2>::new(),
        with |b, random, before| {
            // An entry that fits the STag, mostly.
            for request in &mut b.request {
                request.stag.next = (random.below(64) << 8 | 0x5A).into();
                request.valid.next = random.chance(0.3);
            }
            if random.chance(0.9) {
                b.low.next = (0x5A_0F01 | random.below(16) << 1).into();
                b.ptag.next = b.high.next;
                if before.get("row") == 0 {
                    b.high.next = b.ptag.val();
                }
            }
        };
}

/// Register and one-shot commands, of which some have a fault; what lends the table and the elements is mostly willing.
fn commands<const T: usize, const S: usize, const V: usize>(
) -> impl FnMut(&mut TptBind<T, S, V>, &mut Stimulus, &Before) {
    let mut words = VecDeque::new();
    move |b, random, before| {
        if before.moved("words$") {
            words.pop_front();
        }
        if words.is_empty() || before.get("reset") == 1 {
            words = command(random);
        }
        let (index, data, last) = words[0];
        b.words.index.next = index.into();
        b.words.data.next = data.into();
        b.words.last.next = last;
        b.lent.next = random.chance(0.8);
        b.write_ready.next = random.chance(0.8);
        b.chain_changes.next = random.chance(0.2);
        b.low.next = random.pick(&[0_u64, 0, 0, 1]).into();
        b.draining.next = random.chance(0.1);
        b.free.next = random.pick(&[100_u64, 100, 1]).into();
    }
}

/// The words of a command as the engine sends them: number, word, last.
fn command(random: &mut Stimulus) -> VecDeque<(u64, u64, bool)> {
    let one_shot = random.chance(0.5);
    let code = if one_shot { ONE_SHOT } else { REGISTER };
    let (kind, count) = random.pick(&[(0, 0), (1, 1), (1, 4), (2, 1), (2, 3)]);
    let shift = if kind == 1 { 12 } else { 0 };
    let base = random.below(4096);
    let mut list = vec![];
    for _ in 0..count {
        list.extend([random.below(1 << 20) << 12, random.below(1 << 15)]);
        if kind == 2 {
            list.extend([100, 0]);
        }
    }
    let length = match kind {
        0 => 1 + random.below(1 << 31),
        1 => count * 4096 - base,
        _ => count * 100,
    };
    let mut words = vec![0; 16];
    words[0] = u64::from(code) | random.below(4) << 16;
    (words[1], words[2]) = (random.below(1 << 32), random.below(64) << 8);
    words[3] = count << 24 | shift << 16 | kind << 8 | random.below(16);
    (words[4], words[6], words[7]) = (base, length, random.below(1 << 32));
    if one_shot && count == 0 {
        words.truncate(14);
    }
    if random.chance(0.3) {
        let at = random.below(words.len() as u64) as usize;
        words[at] = random.bits::<32>().to_u64();
    }
    let words: Vec<_> = words.into_iter().chain(list).collect();
    let last = words.len() - 1;
    let numbered = words.into_iter().enumerate();
    numbered
        .map(|(i, word)| (if i < 16 { i } else { i + 16 } as u64, word, i == last))
        .collect()
}
