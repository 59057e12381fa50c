//! Bench of the command side: every command, every refusal, the ring's own faults, and the latency budget.

mod command_bench;

use command_bench::{list_word, Bench};
use rnic_abi::command::{flags, kind, opcode};
use rnic_abi::completion::kind as completion;
use rnic_abi::error::{CommandError, Field};
use rnic_abi::event::Event;

const STAG: u32 = 0x0000_05A7;
const CONTEXT: u32 = 0xC0FF_EE01;

fn one_shot(vi: u32) -> [u32; 16] {
    let mut words = [0; 16];
    words[0] = u32::from(opcode::ONE_SHOT) | u32::from(flags::ADVERTISE) << 8 | vi << 16;
    words[1] = CONTEXT;
    words[2] = STAG;
    words[3] = 0x0C;
    for (word, value) in words.iter_mut().enumerate().take(13).skip(4) {
        *value = 0x1000_0000 + word as u32;
    }
    words[13] = 64;
    words
}

fn error_of(record: [u32; 8]) -> (CommandError, Field) {
    let error = CommandError::from_code((record[7] >> 8) as u8).unwrap();
    (error, Field::from_code(record[6] as u8).unwrap())
}

/// A record of an admin completion.
fn command_record(vi: u32, stag: u32, error: CommandError, field: Field) -> [u32; 8] {
    let kind = u32::from(completion::COMMAND) | (error as u32) << 8;
    [vi << 24, 0, CONTEXT, 0, stag, 0, field as u32, kind]
}

#[test]
fn an_inline_one_shot_reaches_the_queue_within_its_budget() {
    let mut bench = Bench::new(1, 1.0);
    bench.connect(2, 5);
    for answer in 0..3 {
        bench.bind_answers.push_back((answer, 0, 0));
        let words = one_shot(2);
        assert_eq!(bench.command(&words), None);
        let latency = bench.last_push_cycle - bench.last_store_cycle;
        println!(
            "ring entry to queue entry, TPT answering {} after word 13: {latency} cycles",
            answer + 1
        );
        let bound = bench.binds.pop().unwrap();
        assert_eq!(
            bound,
            (0..14).map(|i| (i as u8, words[i])).collect::<Vec<_>>()
        );
        let entry = bench.read(0, 2, false, 1, 0);
        assert_eq!(entry[0] & 0xFFF, 1 | u32::from(flags::ADVERTISE) << 4);
        assert_eq!(entry[0] >> 17 & 7, 1);
        assert_eq!(entry[1..], [STAG, CONTEXT, 64]);
        if answer < 3 {
            assert!(latency <= 18, "{latency} cycles");
        }
        bench.retire_send(2);
    }
    assert_eq!(bench.reserves, [5, 5, 5]);
    assert_eq!(
        bench.parity().count_ones(),
        1,
        "only the creation freed its slot"
    );
}

#[test]
fn lists_follow_the_header_from_slots_and_from_memory() {
    let mut bench = Bench::new(2, 0.6);
    bench.connect(1, 3);
    for (elements, in_memory, region) in [
        (1, false, kind::SGL),
        (24, false, kind::SGL),
        (7, false, kind::PAGES),
        (1, true, kind::PAGES),
        (16, true, kind::SGL),
        (255, true, kind::PAGES),
    ] {
        let mut words = vec![0; 32];
        words[..16].copy_from_slice(&one_shot(1));
        words[3] = 0x0C | u32::from(region) << 8 | elements << 24;
        let list_words = elements * if region == kind::SGL { 4 } else { 2 };
        let iova = 0x12_3456_7000_u64;
        let mut expected: Vec<u32> = (0..list_words).map(|i| 0xE000 + i).collect();
        if in_memory {
            words[0] |= u32::from(flags::LIST_IN_MEMORY) << 8;
            words[7] = iova as u32;
            words[8] = (iova >> 32) as u32;
            expected = (0..list_words)
                .map(|i| list_word(iova + 4 * u64::from(i)))
                .collect();
        } else {
            words.extend(&expected);
        }
        assert_eq!(bench.command(&words), None);
        let bound = bench.binds.pop().unwrap();
        assert_eq!(bound.len(), 16 + expected.len());
        assert_eq!(
            bound[..16],
            (0..16).map(|i| (i as u8, words[i])).collect::<Vec<_>>()
        );
        let mut index = 32_u8;
        for (word, data) in bound[16..].iter().zip(&expected) {
            assert_eq!(*word, (index, *data));
            index = index.checked_add(1).unwrap_or(32);
        }
        let entry = bench.read(0, 1, false, 1, 0);
        assert_eq!(entry[1..], [STAG, CONTEXT, 64]);
        bench.retire_send(1);
    }
    assert_eq!(bench.list_requests.len(), 1 + 8 + 64);
}

#[test]
fn a_list_that_cannot_be_read_releases_what_was_bound() {
    let mut bench = Bench::new(3, 0.5);
    bench.connect(1, 3);
    let mut words = one_shot(1);
    words[0] |= u32::from(flags::LIST_IN_MEMORY) << 8;
    words[3] = 0x0C | u32::from(kind::SGL) << 8 | 4 << 24;
    words[7] = 0x4000;
    words[8] = 0;
    bench.list_error_at = Some(1);
    let record = bench.command(&words).unwrap();
    assert_eq!(error_of(record), (CommandError::DmaRead, Field::None));
    assert_eq!(
        record[0],
        1 << 24 | 1 << 9 | 3,
        "the VI's CQ, reserved entry"
    );
    assert_eq!(bench.releases, [STAG]);
    // The list leaves its page.
    words[7] = 0x4FE0;
    bench.list_error_at = None;
    let record = bench.command(&words).unwrap();
    assert_eq!(error_of(record), (CommandError::BadField, Field::Iova));
    // A list at a refused address is not read.
    words[7] = 0x4010;
    let read = bench.list_requests.len();
    let record = bench.command(&words).unwrap();
    assert_eq!(error_of(record), (CommandError::BadField, Field::Iova));
    assert_eq!(bench.list_requests.len(), read);
    // The TPT refuses: nothing to release.
    words[7] = 0x4000;
    bench
        .bind_answers
        .push_back((5, CommandError::NoElements as u8, 0));
    let record = bench.command(&words).unwrap();
    assert_eq!(error_of(record), (CommandError::NoElements, Field::None));
    assert_eq!(bench.releases.len(), 3);
    assert_eq!(bench.errors, 4);
}

#[test]
fn every_bad_field_is_named() {
    let mut bench = Bench::new(4, 0.7);
    bench.connect(1, 3);
    let base = |op: u8| {
        let mut words = [0; 16];
        words[0] = u32::from(op) | 1 << 16;
        words[1] = CONTEXT;
        words
    };
    let vi = |op: u8| {
        let mut words = base(op);
        words[0] = u32::from(op) | 2 << 16;
        words[2] = 1;
        words[3] = 0x3F4;
        words[5] = 1 | 2 << 8 | 2 << 16 | 3 << 24;
        words[6] = 1 << 16 | 2 << 24 | 3 << 8;
        words
    };
    let mut cases: Vec<([u32; 16], CommandError, Field)> = Vec::new();
    let mut bad = |words: [u32; 16], word: usize, value: u32, field: Field| {
        let mut words = words;
        words[word] = value;
        cases.push((words, CommandError::BadField, field));
    };
    for op in [0, 12, 0x14, 0xFF] {
        bad(base(op), 1, CONTEXT, Field::Opcode);
    }
    for op in [
        opcode::NOP,
        opcode::INVALIDATE,
        opcode::CREATE_CQ,
        opcode::RAW_SEND,
        opcode::DESTROY_VI,
    ] {
        bad(base(op), 0, u32::from(op) | 0x0200, Field::Flags);
        bad(base(op), 0, u32::from(op) | 4 << 16, Field::Vi);
    }
    bad(base(opcode::NOP), 9, 1, Field::Reserved);
    bad(base(opcode::REGISTER), 9, 1, Field::Reserved);
    bad(base(opcode::REGISTER), 15, 1, Field::Reserved);
    bad(base(opcode::INVALIDATE), 3, 1, Field::Reserved);
    bad(one_shot(1), 14, 1, Field::Reserved);
    bad(one_shot(1), 15, 0x8000_0000, Field::Reserved);
    bad(one_shot(1), 13, 65, Field::MessageLength);
    bad(
        one_shot(1),
        0,
        u32::from(opcode::ONE_SHOT) | u32::from(flags::SINGLE_MESSAGE) << 8 | 1 << 16,
        Field::Flags,
    );
    let mut buffer = one_shot(1);
    buffer[0] |= u32::from(flags::MESSAGE_BUFFER) << 8;
    bad(buffer, 13, 0x1_0000, Field::MessageLength);
    bad(base(opcode::SEND_INVALIDATE), 13, 65, Field::MessageLength);
    bad(base(opcode::SEND_INVALIDATE), 4, 1, Field::Reserved);
    let mut list = one_shot(1);
    list[0] |= u32::from(flags::LIST_IN_MEMORY) << 8;
    list[8] = 0;
    bad(list, 7, 0x10, Field::Iova);
    list[7] = 0;
    bad(list, 8, 0x1_0000, Field::Iova);
    let mut elements = one_shot(1);
    elements[3] = 0x0C | u32::from(kind::SGL) << 8 | 2 << 24;
    bad(elements, 1, CONTEXT, Field::ElementCount);
    bad(vi(opcode::CREATE_VI), 2, 4, Field::State);
    bad(vi(opcode::MODIFY_VI), 3, 0x400, Field::Reserved);
    bad(vi(opcode::CREATE_VI), 5, 8 | 2 << 16, Field::Cq);
    bad(vi(opcode::CREATE_VI), 5, 8 << 8 | 2 << 16, Field::Cq);
    bad(vi(opcode::MODIFY_VI), 5, 3 << 16, Field::Reliability);
    bad(vi(opcode::MODIFY_VI), 5, 2 << 16 | 4 << 24, Field::Access);
    bad(vi(opcode::CREATE_VI), 6, 3 << 16, Field::Reads);
    bad(vi(opcode::CREATE_VI), 6, 3 << 24, Field::Reads);
    bad(vi(opcode::CREATE_VI), 6, 4 << 8, Field::Flags);
    bad(vi(opcode::CREATE_VI), 10, 1, Field::Reserved);
    let mut cq = base(opcode::CREATE_CQ);
    cq[2] = 7;
    cq[3] = 4;
    bad(cq, 2, 8, Field::Cq);
    bad(cq, 3, 0, Field::CqSize);
    bad(cq, 3, 1, Field::CqSize);
    bad(cq, 3, 16, Field::CqSize);
    bad(cq, 4, 16, Field::Iova);
    bad(cq, 5, 0x1_0000, Field::Iova);
    bad(cq, 6, 1, Field::Reserved);
    bad(base(opcode::RAW_SEND), 13, 1025, Field::MessageLength);
    bad(base(opcode::RAW_SEND), 8, 0x1_0000, Field::Iova);
    let mut sent = one_shot(3);
    sent[0] &= !0xF00;
    cases.push((sent, CommandError::ViState, Field::None));
    let mut invalidate = base(opcode::SEND_INVALIDATE);
    invalidate[0] = u32::from(opcode::SEND_INVALIDATE) | 2 << 16;
    cases.push((invalidate, CommandError::ViState, Field::None));
    let mut again = vi(opcode::CREATE_VI);
    again[0] = u32::from(opcode::CREATE_VI) | 1 << 16;
    cases.push((again, CommandError::ViState, Field::None));

    let count = cases.len() as u32;
    let mut freed = bench.parity();
    for (words, error, field) in cases {
        let record = bench
            .command(&words)
            .unwrap_or_else(|| panic!("no record for {words:x?}"));
        assert_eq!(error_of(record), (error, field), "{words:x?}");
        assert_eq!(record[2], CONTEXT);
        assert_eq!(record[4], words[2]);
        assert_eq!((bench.parity() ^ freed).count_ones(), 1, "its slot is free");
        freed = bench.parity();
    }
    assert_eq!(bench.errors, count);
    assert!(bench.vi_words.len() == 7 && bench.cqs.is_empty() && bench.raw.is_empty());
    assert_eq!(bench.dut.block().send_undone.val().to_u16(), 0);
    // Slot counts.
    for (slot, slots) in [(0, 0), (0, 5), (13, 4), (16, 1), (15, 2), (0x8000, 1)] {
        bench.ring(slot, slots);
        bench.drain();
        let record = bench.records.pop().unwrap();
        assert_eq!(
            error_of(record),
            (CommandError::BadField, Field::SlotCount),
            "{slot} {slots}"
        );
    }
    assert_eq!(bench.parity(), freed);
    // Work of a VI that does not exist is told in CQ 0, not in the queue of the VI whose number is cut from it.
    bench.connect(0, 3);
    let mut stranger = one_shot(1);
    stranger[0] = u32::from(opcode::ONE_SHOT) | 4 << 16;
    let record = bench.command(&stranger).unwrap();
    assert_eq!(error_of(record), (CommandError::BadField, Field::Vi));
    assert_eq!(record[0] & 0xFF, 0);
}

#[test]
fn vi_and_cq_commands_are_broadcast() {
    let mut bench = Bench::new(5, 0.5);
    let mut words = [0; 16];
    words[0] = u32::from(opcode::CREATE_VI) | u32::from(flags::SIGNALLED) << 8 | 3 << 16;
    words[1] = CONTEXT;
    words[2] = 1;
    words[5] = 6 | 7 << 8 | 4 << 16;
    words[9] = 1 << 20;
    let record = bench.command(&words).unwrap();
    assert_eq!(
        record,
        command_record(3, 1, CommandError::None, Field::None)
    );
    let order = [4, 5, 6, 7, 8, 9, 2];
    assert_eq!(bench.vi_words, order.map(|w| (3, w, words[usize::from(w)])));
    bench.vi_words.clear();
    words[0] = u32::from(opcode::MODIFY_VI) | 3 << 16;
    words[2] = 0;
    words[3] = 1 << 2 | 1 << 7;
    assert_eq!(bench.command(&words), None);
    assert_eq!(bench.vi_words, [(3, 7, words[7]), (3, 2, 0)]);
    bench.vi_words.clear();
    // Destroy waits for the flush.
    let mut words = [0; 16];
    words[0] = u32::from(opcode::DESTROY_VI) | u32::from(flags::SIGNALLED) << 8 | 3 << 16;
    bench.post(0, &words);
    while bench.vi_words.is_empty() {
        bench.cycle();
    }
    bench.flushing = 8;
    bench.records.clear();
    bench.cycles(200);
    assert!(bench.records.is_empty());
    bench.flushing = 0;
    bench.drain();
    assert_eq!(
        (bench.vi_words.len(), bench.vi_words[0], bench.records.len()),
        (1, (3, 2, 0), 1)
    );

    let mut words = [0; 16];
    words[0] = u32::from(opcode::CREATE_CQ);
    words[2] = 7;
    words[3] = 5;
    words[4] = 0x8765_4320;
    words[5] = 0xABCD;
    assert_eq!(bench.command(&words), None);
    words[0] = u32::from(opcode::DESTROY_CQ);
    words[3..6].fill(0);
    assert_eq!(bench.command(&words), None);
    assert_eq!(bench.cqs, [(7, 5, 0xABCD_8765_4320), (7, 0, 0)]);

    let mut words = [0; 16];
    words[0] = u32::from(opcode::RAW_SEND) | u32::from(flags::SIGNALLED) << 8;
    words[1] = CONTEXT;
    words[7] = 0x1234_5678;
    words[8] = 0x9ABC;
    words[13] = 300;
    let record = bench.command(&words).unwrap();
    assert_eq!(
        record,
        command_record(0, 0, CommandError::None, Field::None)
    );
    assert_eq!(bench.raw, [[0x1234_5678, 0x9ABC, 300]]);
}

#[test]
fn invalidate_waits_for_the_release() {
    let mut bench = Bench::new(6, 0.5);
    bench.connect(1, 3);
    let mut words = [0; 16];
    words[0] = u32::from(opcode::INVALIDATE) | u32::from(flags::SIGNALLED) << 8 | 1 << 16;
    words[1] = CONTEXT;
    words[2] = STAG;
    for (answer, error) in [
        (0, CommandError::None),
        (1, CommandError::AlreadyReleased),
        (2, CommandError::WrongVi),
        (3, CommandError::WrongVi),
        (7, CommandError::EntryBusy),
    ] {
        bench.release_answers.push_back((answer, false));
        let record = bench.command(&words).unwrap();
        assert_eq!(record, command_record(1, STAG, error, Field::None));
    }
    // A one-shot taken back gives its one CQE, with the entry it had reserved, and then the command's.
    bench.release_answers.push_back((0, true));
    bench.records.clear();
    bench.post(3, &words);
    bench.drain();
    assert_eq!(bench.records.len(), 2);
    assert_eq!(bench.records[0][0], 1 << 24 | 1 << 9 | 3);
    assert_eq!(
        bench.records[0][7],
        u32::from(completion::ONE_SHOT) | (CommandError::Flushed as u32) << 8
    );
    assert_eq!(
        bench.records[1],
        command_record(1, STAG, CommandError::None, Field::None)
    );
}

#[test]
fn a_full_queue_and_a_full_cq_refuse_a_one_shot() {
    let mut bench = Bench::new(7, 0.7);
    bench.connect(1, 3);
    bench.reserve_ok = false;
    let record = bench.command(&one_shot(1)).unwrap();
    assert_eq!(error_of(record), (CommandError::CqFull, Field::None));
    assert_eq!(
        record[0],
        1 << 24,
        "its own queue has no room: the admin queue"
    );
    assert_eq!(bench.releases, [STAG]);
    bench.reserve_ok = true;
    for _ in 0..8 {
        assert_eq!(bench.command(&one_shot(1)), None);
    }
    let record = bench.command(&one_shot(1)).unwrap();
    assert_eq!(error_of(record), (CommandError::QueueFull, Field::None));
    assert_eq!(record[0], 1 << 24 | 1 << 9 | 3);
    assert_eq!(record[7] & 0xFF, u32::from(completion::ONE_SHOT));
    assert_eq!(bench.events, [(1, Event::PostDesc as u8)]);
    assert_eq!((bench.overruns, bench.releases.len()), (1, 2));
    let mut words = [0; 16];
    words[0] = u32::from(opcode::SEND_INVALIDATE) | 1 << 16;
    let record = bench.command(&words).unwrap();
    assert_eq!(error_of(record), (CommandError::QueueFull, Field::None));
    assert_eq!(record[0], 1 << 24 | 3, "nothing was reserved");
    assert_eq!(record[7] & 0xFF, u32::from(completion::SEND_INVALIDATE));
    assert_eq!(bench.releases.len(), 2);
}

#[test]
fn a_ring_out_of_sequence_is_catastrophic_and_dropped() {
    let mut bench = Bench::new(8, 0.8);
    let mut nop = [0; 16];
    nop[0] = u32::from(opcode::NOP) | u32::from(flags::SIGNALLED) << 8;
    bench.write_slot(2, &nop);
    bench.store(4, 0, 2 | 1 << 16);
    bench.store(4, 4, 1);
    bench.cycles(60);
    assert_eq!((bench.ring_errors, bench.records.len()), (1, 0));
    assert_eq!(bench.events, [(0, Event::Catastrophic as u8)]);
    // Fill the ring while the board is disabled.
    bench.dut.drive(|b| b.enable.next = false);
    for slot in 0..16 {
        bench.write_slot(slot, &nop);
        bench.ring(slot, 1);
    }
    bench.store(4, 0, 2 | 1 << 16);
    bench.store(4, 4, 16);
    bench.cycles(700);
    assert_eq!((bench.ring_errors, bench.records.len()), (2, 0));
    bench.dut.drive(|b| b.enable.next = true);
    bench.drain();
    assert_eq!((bench.records.len(), bench.parity()), (16, 0xFFFF));
    assert_eq!(bench.dut.block().ring_consumed.val().to_u32(), 16);
}

#[test]
fn doorbells_and_ring_commands_share_a_send_queue() {
    let mut bench = Bench::new(9, 0.5);
    bench.connect(1, 3);
    let (mut posted, mut receives) = (0, 0);
    for round in 0..60_u32 {
        let va = 0x7000_0000_0000 + u64::from(round) * 64;
        // An open doorbell, then a ring command for the same queue, then the commit.
        bench.store(2, 0x1000, va as u32);
        bench.store(2, 0x1004, (va >> 32) as u32);
        let early = round % 3 == 0;
        if early {
            bench.store(2, 0x1008, 0xAA00 + round);
        }
        let mut words = one_shot(1);
        words[1] = round;
        bench.post(round % 13, &words);
        let wait = bench.random.below(40) as usize;
        bench.cycles(wait);
        if !early {
            bench.store(2, 0x1008, 0xAA00 + round);
        }
        if round % 2 == 0 {
            bench.drain();
        }
        bench.store(2, 0x100C, posted);
        posted += 1;
        bench.doorbell(1, true, va + 0x40, 0xBB00 + round, receives);
        receives += 1;
        bench.drain();
        let first = bench.read(0, 1, false, 1, 0);
        bench.retire_send(1);
        let second = bench.read(1, 1, false, 2, 0);
        bench.retire_send(1);
        let descriptor = [0xAA00 + round, va as u32, (va >> 32) as u32];
        let (ring, door) = if first[0] & 15 == 1 {
            (first, second)
        } else {
            (second, first)
        };
        assert_eq!(ring[1..], [STAG, round, 64]);
        assert_eq!(door[0] & 0xFF_FFFF, 0);
        assert_eq!(door[1..], descriptor, "round {round}");
        let receive = bench.read(2, 1, true, 1, 0);
        assert_eq!(
            receive[1..],
            [0xBB00 + round, va as u32 + 0x40, (va >> 32) as u32]
        );
        assert_eq!(receive[0] >> 24, round % 8);
        bench.dut.drive(|b| {
            b.receive_done[0].vi.next = 1_u64.into();
            b.receive_done[0].valid.next = true;
        });
        bench.cycle();
        bench.dut.drive(|b| b.receive_done[0].valid.next = false);
    }
    assert!(bench.events.is_empty() && bench.overruns == 0);
    bench.cycle();
    assert_eq!(bench.dut.block().send_undone.val().to_u16(), 0);
    assert_eq!(bench.dut.block().receive_undone.val().to_u16(), 0);
}

#[test]
fn a_full_receive_queue_leaves_the_send_queue_alone() {
    let mut bench = Bench::new(11, 1.0);
    bench.connect(0, 3);
    let va = |entry: u32| 0x7000_0000_1000 + u64::from(entry) * 64;
    for entry in 0..8 {
        bench.doorbell(0, true, va(entry), 7, entry);
    }
    bench.drain();
    bench.read(2, 0, true, 1, 0);
    bench.dut.drive(|b| {
        b.receive_done[0].vi.next = 0_u64.into();
        b.receive_done[0].valid.next = true;
    });
    bench.cycle();
    bench.dut.drive(|b| b.receive_done[0].valid.next = false);
    bench.doorbell(0, true, va(8), 7, 8);
    bench.doorbell(0, false, va(100), 9, 0);
    bench.drain();
    assert_eq!(
        bench.read(0, 0, false, 1, 0),
        [0, 9, va(100) as u32, (va(100) >> 32) as u32]
    );
    assert!(bench.events.is_empty() && bench.overruns == 0);
}

#[test]
fn bad_doorbells_raise_post_desc() {
    let mut bench = Bench::new(10, 0.9);
    bench.connect(1, 3);
    let mut expected = 0;
    bench.doorbell(1, false, 0x1020, 1, 0);
    expected += 1;
    bench.doorbell(1, false, 0x1040, 1, 1);
    expected += 1;
    // A commit without an address.
    bench.store(2, 0x100C, 0);
    expected += 1;
    bench.doorbell(9, false, 0x1040, 1, 0);
    for sequence in 0..8 {
        bench.doorbell(1, false, 0x2000 + u64::from(sequence) * 64, 7, sequence);
    }
    bench.cycles(400);
    assert_eq!(bench.overruns, 0);
    bench.doorbell(1, false, 0x9000, 7, 8);
    expected += 1;
    bench.drain();
    bench.cycles(50);
    assert_eq!(bench.events, vec![(1, Event::PostDesc as u8); expected]);
    assert_eq!(bench.overruns, 1);
    for index in 0..8_u8 {
        let entry = bench.read(0, 1, false, 0, index);
        assert_eq!(
            entry,
            [u32::from(index) << 24, 7, 0x2000 + u32::from(index) * 64, 0]
        );
    }
}

#[test]
fn transmit_reads_slots_between_the_engine() {
    let mut bench = Bench::new(11, 0.8);
    for slot in 0..4 {
        let words: Vec<u32> = (0..32).map(|w| slot * 100 + w).collect();
        bench.write_slot(slot, &words);
    }
    bench.drain();
    let mut nop = [0; 16];
    nop[0] = u32::from(opcode::NOP);
    for _ in 0..6 {
        bench.post(5, &nop);
        for word in 0..128_u32 {
            bench.dut.drive(|b| {
                b.slot_read.word.next = u64::from(word).into();
                b.slot_read.valid.next = true;
            });
            loop {
                bench.dut.settle();
                let taken = bench.dut.block().slot_read.ready.val();
                bench.cycle();
                if taken {
                    break;
                }
            }
            bench.dut.settle();
            assert_eq!(
                bench.dut.block().slot_read.data.val().to_u32(),
                word / 32 * 100 + word % 32
            );
        }
        bench.dut.drive(|b| b.slot_read.valid.next = false);
    }
    bench.drain();
    assert_eq!(bench.dut.block().ring_consumed.val().to_u32(), 6);
}

#[test]
fn frees_of_all_sources_reach_the_parity() {
    let mut bench = Bench::new(12, 0.9);
    let mut nop = vec![0; 97];
    nop[0] = u32::from(opcode::NOP);
    let mut expected = 0_u32;
    for round in 0..400_u64 {
        // Four slots each, at the closest allowed distance; the engine frees slots 12 to 15 meanwhile.
        let slots = [round % 9, (round * 5) % 9];
        if round % 5 == 0 {
            bench.post(12, &nop);
            expected ^= 0xF000;
        }
        let set = |bench: &mut Bench, valid: bool| {
            bench.dut.drive(|b| {
                for (free, slot) in b.slot_free.iter_mut().zip(slots) {
                    free.slot.next = slot.into();
                    free.count.next = 4_u64.into();
                    free.valid.next = valid;
                }
            });
        };
        set(&mut bench, true);
        bench.cycle();
        set(&mut bench, false);
        bench.cycles(8);
        for slot in slots {
            expected ^= 0xF << slot;
        }
    }
    bench.drain();
    assert_eq!(bench.parity(), expected);
}
