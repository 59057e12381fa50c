//! The commands that `commands` posts: good ones, and what can be wrong with each of their fields.

use rnic_abi::command::{cq_size, opcode};
use rnic_abi::config::Config;
use rnic_abi::error::Field;
use rnic_tests::raw::{changed, Words};

/// A command, and what is wrong with it.
pub(super) struct Case(pub Field, pub Words, pub u32);

impl Case {
    /// Its fault is behind the words of the region: in the words of the reply buffer and of the message.
    pub(super) fn is_late(&self) -> bool {
        let behind = |word: &(usize, u32)| (9..16).contains(&word.0) && word.1 == 1;
        match self.0 {
            Field::MessageLength => true,
            Field::Reserved => self.1.iter().any(behind),
            _ => false,
        }
    }

    /// Its elements are in host memory.
    pub(super) fn has_list(&self) -> bool {
        let mut heads = self.1.iter().filter(|(index, _)| *index == 0);
        heads.any(|(_, word)| word >> 8 & LIST_IN_MEMORY != 0)
    }
}

/// Flags.
const SIGNALLED: u32 = 0x01;
const MESSAGE_BUFFER: u32 = 0x02;
const LIST_IN_MEMORY: u32 = 0x10;
const SINGLE_MESSAGE: u32 = 0x20;
const ADVERTISE: u32 = 0x40;
/// Region kinds.
const PAGES: u32 = 1;
pub(super) const SGL: u32 = 2;
/// An STag that no driver gives out in these tests.
pub(super) const STAG: u32 = 40 << 8 | 1;
/// Bytes of the regions.
const BYTES: u32 = 64;

/// The opcode in word 0.
pub(super) fn opcode_of(words: &[(usize, u32)]) -> u8 {
    let mut heads = words.iter().filter(|(index, _)| *index == 0);
    heads.next().map_or(0, |(_, word)| *word as u8)
}

/// What refused commands did not do that their opcodes say: binds, and releases. A fault behind the words of the region is
/// found when the entry is bound already; then it is released again.
pub(super) fn tpt_work<'a>(refused: impl Iterator<Item = (bool, &'a Words)>) -> (u64, i64) {
    refused.fold((0, 0), |(binds, releases), (late, words)| {
        match (opcode_of(words), late) {
            (opcode::REGISTER, false) => (binds + 1, releases),
            (opcode::REGISTER, true) => (binds, releases - 1),
            (opcode::ONE_SHOT, false) => (binds + 1, releases + 1),
            (opcode::INVALIDATE, _) => (binds, releases + 1),
            _ => (binds, releases),
        }
    })
}

/// Word 0.
pub(super) fn head(opcode: u8, flags: u32, vi: u32) -> (usize, u32) {
    (0, u32::from(opcode) | (flags | SIGNALLED) << 8 | vi << 16)
}

/// Word 3 of a region.
pub(super) fn region(access: u32, kind: u32, shift: u32, elements: u32) -> (usize, u32) {
    (3, access | kind << 8 | shift << 16 | elements << 24)
}

/// What is wrong with the words of a region, whatever the opcode; `good` is a contiguous one.
fn region_cases(good: &[(usize, u32)], config: &Config) -> Vec<Case> {
    let beyond = (config.tptes() as u32) << 8;
    let case = |field, changes: &[(usize, u32)], slots| Case(field, changed(good, changes), slots);
    let pages = region(1, PAGES, 12, 1);
    let sgl = region(1, SGL, 0, 1);
    vec![
        case(Field::Stag, &[(2, beyond)], 1),
        case(Field::Stag, &[(2, 1 << 31)], 1),
        case(Field::Access, &[region(0x10, 0, 0, 0)], 1),
        case(Field::Access, &[region(0x81, 0, 0, 0)], 1),
        case(Field::Kind, &[region(1, 3, 0, 0)], 1),
        case(Field::Kind, &[region(1, 0, 12, 0)], 1),
        case(Field::Kind, &[region(1, PAGES, 11, 1), (32, 0x1000)], 2),
        case(Field::Kind, &[region(1, PAGES, 22, 1), (32, 0x1000)], 2),
        case(Field::ElementCount, &[region(1, 0, 0, 1)], 1),
        case(Field::ElementCount, &[region(1, SGL, 0, 0)], 1),
        case(Field::ElementCount, &[sgl], 1),
        case(Field::Base, &[(4, 0xFFFF_FFF0), (5, u32::MAX)], 1),
        case(Field::Length, &[(6, 0)], 1),
        case(Field::Length, &[sgl, (6, 1 << 31), (34, 1 << 31)], 2),
        case(Field::Iova, &[(8, 0x1_0000)], 1),
        case(Field::Iova, &[(8, 0xFFFF)], 1),
        case(Field::Iova, &[pages, (32, 0x1004)], 2),
        case(Field::Iova, &[pages, (32, 0x1000), (33, 0xFFFF)], 2),
        case(Field::Iova, &[sgl, (33, 0x1_0000), (34, BYTES)], 2),
        case(Field::ElementLength, &[sgl, (34, 0)], 2),
        case(Field::Reserved, &[sgl, (34, BYTES), (35, 1)], 2),
        case(Field::Reserved, &[(15, 1)], 1),
    ]
}

/// What is wrong with a REGISTER.
pub(super) fn register_cases(config: &Config) -> Vec<Case> {
    let good = register();
    let list = head(opcode::REGISTER, LIST_IN_MEMORY, 0);
    let sgl = region(1, SGL, 0, 1);
    let case = |field, changes: &[(usize, u32)]| Case(field, changed(&good, changes), 1);
    let mut cases = region_cases(&good, config);
    cases.extend([
        case(Field::Flags, &[head(opcode::REGISTER, ADVERTISE, 0)]),
        case(Field::Vi, &[head(opcode::REGISTER, 0, config.vis() as u32)]),
        case(Field::Iova, &[list, sgl, (7, 0x1_0004)]),
        case(Field::Iova, &[list, sgl, (8, 0x1_0000)]),
    ]);
    cases.extend([9, 13].map(|word| case(Field::Reserved, &[(word, 1)])));
    cases
}

/// A good REGISTER.
pub(super) fn register() -> Words {
    vec![
        head(opcode::REGISTER, 0, 0),
        (2, STAG),
        region(1, 0, 0, 0),
        (6, BYTES),
        (7, 0x10_0000),
    ]
}

/// What is wrong with the work of a VI.
pub(super) fn work_cases(config: &Config, vi: u32) -> Vec<Case> {
    let good = changed(
        &register(),
        &[head(opcode::ONE_SHOT, 0, vi), (13, 8), (16, 7)],
    );
    let mut cases = region_cases(&good, config);
    let case = |field, changes: &[(usize, u32)]| Case(field, changed(&good, changes), 1);
    let single = head(opcode::ONE_SHOT, SINGLE_MESSAGE, vi);
    let buffer = head(opcode::ONE_SHOT, MESSAGE_BUFFER, vi);
    cases.extend([
        case(Field::Vi, &[head(opcode::ONE_SHOT, 0, config.vis() as u32)]),
        case(Field::Flags, &[single]),
        case(Field::MessageLength, &[(13, 65)]),
        case(Field::MessageLength, &[(13, 1 << 31)]),
        case(Field::MessageLength, &[buffer, (13, 0x1_0000)]),
        case(Field::Reserved, &[(14, 1)]),
    ]);
    let good = vec![head(opcode::SEND_INVALIDATE, 0, vi), (2, STAG), (13, 8)];
    let case = |field, changes: &[(usize, u32)]| Case(field, changed(&good, changes), 1);
    let listed = head(opcode::SEND_INVALIDATE, LIST_IN_MEMORY, vi);
    cases.extend([
        case(Field::Flags, &[listed]),
        case(Field::MessageLength, &[(13, 65)]),
    ]);
    cases.extend(
        [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15].map(|w| case(Field::Reserved, &[(w, 1)])),
    );
    cases
}

/// What is wrong with commands about VIs and queues, and with entries.
pub(super) fn set_up_cases(config: &Config, vi: u32) -> Vec<Case> {
    // A VI that is not connected.
    let vi = vi - 1;
    let (vis, cqs, reads) = (
        config.vis() as u32,
        config.cqs() as u32,
        config.reads() as u32,
    );
    let create = vec![head(opcode::CREATE_VI, 0, vi), (5, 2 << 16)];
    let modify = vec![head(opcode::MODIFY_VI, 0, vi)];
    let cq = vec![head(opcode::CREATE_CQ, 0, 0), (2, 3), (3, 4)];
    let raw = vec![head(opcode::RAW_SEND, 0, 0), (13, 64)];
    let nop = vec![head(opcode::NOP, 0, 0)];
    let case = |field, good: &[(usize, u32)], changes: &[(usize, u32)], slots| {
        Case(field, changed(good, changes), slots)
    };
    let mut cases = vec![
        case(Field::Vi, &create, &[head(opcode::CREATE_VI, 0, vis)], 1),
        case(Field::Flags, &create, &[head(opcode::CREATE_VI, 8, vi)], 1),
        case(Field::State, &create, &[(2, 4)], 1),
        case(Field::Reliability, &create, &[(5, 0)], 1),
        case(Field::Reliability, &create, &[(5, 3 << 16)], 1),
        case(Field::Reliability, &create, &[(5, 8 << 16)], 1),
        case(Field::Access, &create, &[(5, 2 << 16 | 4 << 24)], 1),
        case(Field::Cq, &create, &[(5, 2 << 16 | cqs)], 1),
        case(Field::Cq, &create, &[(5, 2 << 16 | cqs << 8)], 1),
        case(Field::Flags, &create, &[(6, 4 << 8)], 1),
        case(Field::Reads, &create, &[(6, (reads + 1) << 16)], 1),
        case(Field::Reads, &create, &[(6, (reads + 1) << 24)], 1),
        // An apply mask may name words 2 and 4 to 9.
        case(Field::Reserved, &modify, &[(3, 1 << 3)], 1),
        case(Field::Reserved, &modify, &[(3, 1 << 10)], 1),
        case(Field::State, &modify, &[(2, 4), (3, 1 << 2)], 1),
        case(Field::Cq, &cq, &[(2, cqs)], 1),
        case(Field::Cq, &cq, &[(2, 1 << 16)], 1),
        case(Field::CqSize, &cq, &[(3, 0)], 1),
        case(Field::CqSize, &cq, &[(3, cq_size::ENTRIES_LOG2_MIN - 1)], 1),
        case(Field::CqSize, &cq, &[(3, cq_size::ENTRIES_LOG2_MAX + 1)], 1),
        case(Field::Iova, &cq, &[(4, 8)], 1),
        case(Field::Iova, &cq, &[(5, 0x1_0000)], 1),
        case(Field::MessageLength, &raw, &[(13, 1_025)], 1),
        case(Field::Iova, &raw, &[(8, 0x1_0000)], 1),
        case(Field::Opcode, &[head(0, 0, 0)], &[], 1),
        case(Field::Opcode, &[head(0x0C, 0, 0)], &[], 1),
        case(Field::Opcode, &[head(0xFF, 0, 0)], &[], 1),
        case(Field::SlotCount, &nop, &[], 0),
        case(Field::SlotCount, &nop, &[], 5),
    ];
    let destroy = vec![head(opcode::DESTROY_CQ, 0, 0), (2, 3)];
    let invalidate = vec![head(opcode::INVALIDATE, 0, 0), (2, STAG)];
    let reserved: [(&[_], &[usize]); 6] = [
        (&create, &[10, 11, 12, 13, 14, 15]),
        (&cq, &[6, 9, 15]),
        (&raw, &[2, 3, 4, 5, 6, 9, 10, 11, 12, 14, 15]),
        (&nop, &[2, 8, 15]),
        (&destroy, &[3, 15]),
        (&invalidate, &[3, 15]),
    ];
    for (good, words) in reserved {
        cases.extend(
            words
                .iter()
                .map(|&w| case(Field::Reserved, good, &[(w, 1)], 1)),
        );
    }
    cases
}
