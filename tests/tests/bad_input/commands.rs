//! Commands that the board must refuse, field by field, written past the driver. A refused command does nothing: no DMA, no
//! frame, no entry or element lost; connections and the ring go on.

use rnic_abi::command::{cq_size, opcode};
use rnic_abi::config::Config;
use rnic_abi::error::{CommandError, Field};
use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::Descriptor;
use rnic_tests::raw::{changed, RawRing, Words};
use rnic_tests::{on_both, Rig, RigOptions, Side, BOTH};

/// A command, and what is wrong with it.
struct Case(Field, Words, u32);

impl Case {
    /// Its elements are in host memory.
    fn has_list(&self) -> bool {
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
const SGL: u32 = 2;
/// An STag that no driver gives out in these tests.
const STAG: u32 = 40 << 8 | 1;
/// Bytes of the regions.
const BYTES: u32 = 64;

/// Word 0.
fn head(opcode: u8, flags: u32, vi: u32) -> (usize, u32) {
    (0, u32::from(opcode) | (flags | SIGNALLED) << 8 | vi << 16)
}

/// Word 3 of a region.
fn region(access: u32, kind: u32, shift: u32, elements: u32) -> (usize, u32) {
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
fn register_cases(config: &Config) -> Vec<Case> {
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
fn register() -> Words {
    vec![
        head(opcode::REGISTER, 0, 0),
        (2, STAG),
        region(1, 0, 0, 0),
        (6, BYTES),
        (7, 0x10_0000),
    ]
}

/// What is wrong with the work of a VI.
fn work_cases(config: &Config, vi: u32) -> Vec<Case> {
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
fn set_up_cases(config: &Config, vi: u32) -> Vec<Case> {
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

/// Posts every case on the initiator's board beside a connection, which is used afterwards. `vi` is connected to nobody.
fn refused(seed: u64, cases: impl Fn(&Config, u32) -> Vec<Case>) {
    on_both(seed, |mut scene| {
        let config = scene.rig.options.gateware.config();
        let (message, local) = scene.local(Side::Initiator, "message", 64);
        scene.post_receive(Side::Responder);
        scene.rig.settle();
        let board = scene.host(Side::Initiator).board.clone();
        let elements = board.observer().sges_free().unwrap();
        let mut ring = RawRing::new(&board);
        let vi = config.vis() as u32 - 1;
        // Completions of its work go to the admin queue.
        let connected = [head(opcode::CREATE_VI, 0, vi), (2, 1), (5, 2 << 16)];
        let created = ring.execute(&connected, 1).unwrap();
        assert_eq!(created.error, CommandError::None);
        scene.rig.settle();
        let before = scene.host(Side::Initiator).sim.counts();
        let frames = scene.rig.tap.count();
        let cases = cases(&config, vi);
        let mut wrong = Vec::new();
        for Case(field, words, slots) in &cases {
            let said = ring
                .execute(words, *slots)
                .map(|cqe| (cqe.error, cqe.field()));
            if said != Some((CommandError::BadField, Some(*field))) {
                wrong.push(format!("{field:?} {words:x?} {slots}: {said:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        scene.rig.settle();
        let moved = scene.host(Side::Initiator).sim.counts() - before;
        let lists = cases.iter().filter(|case| case.has_list()).count() as u64;
        assert!(moved.dma_reads <= lists, "nothing but lists is read");
        assert_eq!(scene.rig.tap.count(), frames, "and nothing sent");
        let count = scene.counter(Side::Initiator, Counter::CommandErrors);
        assert_eq!(count, cases.len() as u64);
        assert_eq!(board.observer().sges_free().unwrap(), elements);
        // The entry that they named is free, and good commands go on.
        let good = ring.execute(&register(), 1).unwrap();
        assert_eq!(good.error, CommandError::None, "{good:?}");
        let segment = local.segment(0, 60).unwrap();
        let sent = scene.post(Side::Initiator, &Descriptor::send(vec![segment]));
        let data = scene.score.get_area(&message, 0, 60);
        scene.receives(Side::Responder, &data);
        scene.completes(Side::Initiator, Kind::Send, sent, 60);
        if let Err(error) = scene.score.check_memory() {
            scene.rig.fail(&error);
        }
        scene.rig.check_bus();
        scene.forget();
        std::mem::forget(local);
    });
}

#[test]
fn command_fields() {
    refused(351, set_up_cases);
}

#[test]
fn command_fields_of_regions() {
    refused(349, |config, _| register_cases(config));
}

#[test]
fn command_fields_of_work() {
    refused(350, work_cases);
}

#[test]
fn command_in_the_wrong_state() {
    for gateware in BOTH {
        let rig = Rig::new(RigOptions::random(gateware, 348));
        let mut ring = RawRing::new(&rig.hosts[0].board);
        let sgl = region(1, SGL, 0, 2);
        let one_shot = changed(&register(), &[head(opcode::ONE_SHOT, 0, 1), (13, 8)]);
        let short = [sgl, (34, 1), (38, 62)];
        let long = [sgl, (34, 32), (38, 33)];
        let cases: Vec<(CommandError, Words, u32)> = vec![
            (CommandError::ViState, one_shot, 1),
            (
                CommandError::LengthMismatch,
                changed(&register(), &short),
                2,
            ),
            (CommandError::LengthMismatch, changed(&register(), &long), 2),
            (CommandError::None, register(), 1),
            (CommandError::EntryBusy, register(), 1),
            (
                CommandError::None,
                vec![head(opcode::INVALIDATE, 0, 0), (2, STAG)],
                1,
            ),
            (
                CommandError::AlreadyReleased,
                vec![head(opcode::INVALIDATE, 0, 0), (2, STAG)],
                1,
            ),
            (
                CommandError::AlreadyReleased,
                vec![head(opcode::INVALIDATE, 0, 0), (2, STAG ^ 1)],
                1,
            ),
        ];
        for (error, words, slots) in cases {
            let said = ring.execute(&words, slots).map(|cqe| cqe.error);
            assert_eq!(said, Some(error), "{words:x?}");
        }
        rig.check_bus();
    }
}

#[test]
fn ring_overflow() {
    for gateware in BOTH {
        let rig = Rig::new(RigOptions::random(gateware, 352));
        let board = &rig.hosts[0].board;
        let mut ring = RawRing::new(board);
        // An entry from a round ahead: dropped, counted, and the ring goes on with the right one.
        ring.enter(ring.sequence() + board.identity().slots, 1);
        rig.settle();
        let observer = board.observer();
        assert_eq!(observer.counter(Counter::RingErrors.index()).unwrap(), 1);
        let events = observer.take_events().unwrap();
        let told = |event: &(u16, BoardEvent)| event.1 == BoardEvent::Catastrophic;
        assert!(events.iter().any(told), "{events:?}");
        let good = ring.execute(&[head(opcode::NOP, 0, 0)], 1).unwrap();
        assert_eq!(good.error, CommandError::None);
        rig.check_bus();
    }
}
