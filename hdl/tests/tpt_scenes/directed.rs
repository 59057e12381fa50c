//! The table, one behaviour after the other.

use crate::tpt_bench::model::{Access, Command};
use crate::tpt_bench::{Bench, Release};
use crate::CONFIG;
use rnic_abi::command::{access, flags, kind, opcode};
use rnic_abi::error::{CommandError, Field, TptError};
use rnic_abi::Stag;

const ALL: u8 = 15;
const BOUND: (CommandError, Field) = (CommandError::None, Field::None);

fn bench() -> Bench {
    let mut bench = Bench::new(1, 1.0);
    for vi in 0..4 {
        bench.configure(vi, 0x1234_0000 + u32::from(vi) * 0x0001_0001, 3);
    }
    bench
}

fn ptag(vi: u8) -> u32 {
    0x1234_0000 + u32::from(vi) * 0x0001_0001
}

fn local(stag: Stag, to: u64, length: u16) -> Access {
    Access {
        stag: stag.0,
        to,
        length,
        access: access::LOCAL_READ,
        vi: 0,
        last: false,
    }
}

fn register(bench: &mut Bench, command: Command) {
    let command = Command {
        ptag: ptag(0),
        ..command
    };
    assert_eq!(bench.bind(&command), BOUND);
}

fn force(stag: Stag) -> Release {
    Release {
        stag: stag.0,
        vi: 0,
        force: true,
        peek: false,
    }
}

#[test]
fn a_contiguous_access_is_cut_at_4_kib() {
    let mut bench = bench();
    let stag = Stag::new(5, 0xa7);
    let command = Command::contiguous(stag, ALL, 0x7000_0000_0123, 20_000, 0x1_2345_6f00);
    register(&mut bench, command);
    let outcome = bench.access(3, local(stag, 0x7000_0000_0123 + 0x80, 9_000));
    assert_eq!(
        outcome.answer,
        Ok(vec![
            (0x1_2345_6f80, 0x80),
            (0x1_2345_7000, 4096),
            (0x1_2345_8000, 4096),
            (0x1_2345_9000, 9_000 - 0x80 - 8192),
        ])
    );
}

#[test]
fn a_list_is_walked_from_its_cursor_or_anew() {
    let mut bench = bench();
    let stag = Stag::new(63, 0);
    let elements = [
        (0x9_0000_0ffe, 3),
        (0x5000, 1),
        (0x10_0001, 5000),
        (0x77, 2),
    ];
    register(&mut bench, Command::sgl(stag, ALL, 100, &elements));
    assert_eq!(bench.free(), CONFIG.sges() - 4);
    let whole = vec![
        (0x9_0000_0ffe, 2),
        (0x9_0000_1000, 1),
        (0x5000, 1),
        (0x10_0001, 4095),
        (0x10_1000, 905),
        (0x77, 2),
    ];
    assert_eq!(bench.access(0, local(stag, 100, 5006)).answer, Ok(whole));
    // The cursor is at the last element now: after it, and before it.
    let last = bench.access(4, local(stag, 5105, 1));
    assert_eq!(last.answer, Ok(vec![(0x78, 1)]));
    let first = bench.access(2, local(stag, 101, 2));
    assert_eq!(
        first.answer,
        Ok(vec![(0x9_0000_0fff, 1), (0x9_0000_1000, 1)])
    );
    assert_eq!(
        bench.access(1, local(stag, 5106, 0)).answer,
        Ok(vec![(0, 0)])
    );
    bench.release(1, force(stag));
    assert_eq!(bench.free(), CONFIG.sges());
}

#[test]
fn pages_are_entered_at_an_offset_and_left_early() {
    let mut bench = bench();
    let stag = Stag::new(1, 1);
    let pages = [0xa_0000, 0x3_0000_0000, 0xb_0000];
    let command = Command::pages(stag, ALL, 0x5_fff0, 16 + 65_536 + 5, 16, &pages);
    register(&mut bench, command);
    let outcome = bench.access(0, local(stag, 0x5_fff1, 20));
    assert_eq!(outcome.answer, Ok(vec![(0xa_fff1, 15), (0x3_0000_0000, 5)]));
    let outcome = bench.access(0, local(stag, 0x6_fff0, 21));
    assert_eq!(outcome.answer, Ok(vec![(0x3_0000_fff0, 16), (0xb_0000, 5)]));
    let outcome = bench.access(0, local(stag, 0x6_fff0, 22));
    assert_eq!(outcome.answer, Err(TptError::Bounds));
}

#[test]
fn bounds_at_the_edge_one_past_it_and_around() {
    let mut bench = bench();
    let top = Stag::new(2, 2);
    register(
        &mut bench,
        Command::contiguous(top, ALL, u64::MAX - 99, 100, 0x1000),
    );
    let low = Stag::new(3, 3);
    register(&mut bench, Command::contiguous(low, ALL, 1000, 100, 0x2000));
    let huge = Stag::new(4, 4);
    register(
        &mut bench,
        Command::contiguous(huge, ALL, 0, u32::MAX, 0x8000_0000),
    );
    let high = 1 << 40;
    for (stag, to, length, error) in [
        (top, u64::MAX - 99, 100, TptError::None),
        (top, u64::MAX, 1, TptError::None),
        (top, u64::MAX, 2, TptError::Wrap),
        (top, u64::MAX - 99, 101, TptError::Wrap),
        (top, u64::MAX - 100, 1, TptError::Bounds),
        (top, 0, 0, TptError::Bounds),
        (low, 1000, 100, TptError::None),
        (low, 1000, 101, TptError::Bounds),
        (low, 1099, 1, TptError::None),
        (low, 1100, 0, TptError::None),
        (low, 1100, 1, TptError::Bounds),
        (low, 1101, 0, TptError::Bounds),
        (low, 999, 1, TptError::Bounds),
        (low, 999, 0, TptError::Bounds),
        (low, 1000 + high, 1, TptError::Bounds),
        (low, u64::MAX - 10, 1200, TptError::Wrap),
        (huge, u64::from(u32::MAX) - 4, 4, TptError::None),
        (huge, u64::from(u32::MAX) - 4, 5, TptError::Bounds),
        (huge, 1 << 32, 1, TptError::Bounds),
    ] {
        let answer = bench.access(1, local(stag, to, length)).answer;
        assert_eq!(
            answer.err().unwrap_or(TptError::None),
            error,
            "{stag} {to:#x} {length}"
        );
    }
}

#[test]
fn every_check_has_its_error() {
    let mut bench = bench();
    let free = Stag::new(10, 0x55);
    register(
        &mut bench,
        Command::contiguous(free, access::LOCAL_READ, 0, 10, 0),
    );
    let bound = Stag::new(11, 0x66);
    let command = Command {
        flags: flags::BIND_VI,
        vi: 2,
        ..Command::contiguous(bound, access::REMOTE_WRITE | access::REMOTE_READ, 0, 10, 0)
    };
    register(&mut bench, command);
    let ask = |stag: Stag, access, vi| Access {
        access,
        vi,
        ..local(stag, 0, 10)
    };
    bench.configure(1, ptag(2), 3);
    bench.configure(3, ptag(0), 0);
    for (access, error) in [
        (ask(free, access::LOCAL_READ, 0), TptError::None),
        (ask(free, access::LOCAL_READ, 3), TptError::None),
        (ask(free, access::LOCAL_WRITE, 0), TptError::Access),
        (ask(free, access::REMOTE_READ, 0), TptError::Access),
        (ask(free, 0, 0), TptError::Access),
        (ask(free, access::LOCAL_READ, 1), TptError::Ptag),
        (
            ask(Stag(free.0 ^ 1), access::LOCAL_READ, 0),
            TptError::InvalidStag,
        ),
        (
            ask(Stag(free.0 | 1 << 31), access::LOCAL_READ, 0),
            TptError::InvalidStag,
        ),
        (
            ask(Stag(free.0 | 1 << 14), access::LOCAL_READ, 0),
            TptError::InvalidStag,
        ),
        (
            ask(Stag::new(12, 0), access::LOCAL_READ, 0),
            TptError::InvalidStag,
        ),
        (ask(bound, access::REMOTE_WRITE, 2), TptError::None),
        (ask(bound, access::REMOTE_READ, 2), TptError::None),
        (ask(bound, access::LOCAL_READ, 2), TptError::Access),
        (ask(bound, access::REMOTE_WRITE, 1), TptError::Vi),
        (ask(bound, access::REMOTE_WRITE, 0), TptError::Ptag),
    ] {
        let answer = bench.access(0, access).answer;
        assert_eq!(answer.err().unwrap_or(TptError::None), error, "{access:?}");
    }
    for (rights, write, read) in [
        (1, TptError::None, TptError::Access),
        (2, TptError::Access, TptError::None),
        (0, TptError::Access, TptError::Access),
    ] {
        bench.configure(2, ptag(2), rights);
        for (right, error) in [(access::REMOTE_WRITE, write), (access::REMOTE_READ, read)] {
            let answer = bench.access(0, ask(bound, right, 2)).answer;
            assert_eq!(answer.err().unwrap_or(TptError::None), error);
        }
    }
}

#[test]
fn refusals_are_counted_by_whose_access_it_was() {
    let mut bench = bench();
    for (access, refusals) in [
        (access::LOCAL_READ, [true, false]),
        (access::LOCAL_WRITE, [true, false]),
        (access::REMOTE_READ, [false, true]),
        (access::REMOTE_WRITE, [false, true]),
    ] {
        let asked = Access {
            access,
            ..local(Stag(0), 0, 1)
        };
        bench.ask(0, asked);
        let seen = bench.run(|_, e| (e.refusals != [false; 2]).then_some(e.refusals));
        assert_eq!(seen, refusals);
        bench.run(|_, e| (!e.outcomes.is_empty()).then_some(()));
    }
}

#[test]
fn a_single_message_region_is_used_by_one_message() {
    let mut bench = bench();
    let one = Stag::new(20, 1);
    let list = Stag::new(21, 1);
    register(
        &mut bench,
        Command {
            flags: flags::SINGLE_MESSAGE,
            ..Command::contiguous(one, ALL, 0, 5000, 0xabcd_1234_5678)
        },
    );
    register(
        &mut bench,
        Command {
            flags: flags::SINGLE_MESSAGE,
            ..Command::sgl(list, ALL, 0, &[(0x1000, 10), (0x2000, 10)])
        },
    );
    for stag in [one, list] {
        let part = local(stag, 2, 12);
        let last = Access { last: true, ..part };
        assert!(bench.access(0, part).answer.is_ok());
        // A refused last segment uses nothing up.
        let refused = Access {
            length: 6000,
            ..last
        };
        assert_eq!(bench.access(0, refused).answer, Err(TptError::Bounds));
        assert!(bench.access(0, part).answer.is_ok());
        assert!(bench.access(0, last).answer.is_ok());
        assert_eq!(bench.access(0, part).answer, Err(TptError::Fired));
        assert_eq!(bench.access(1, last).answer, Err(TptError::Fired));
        assert_eq!(bench.access(1, refused).answer, Err(TptError::Bounds));
        let answer = bench.release(1, force(stag));
        assert_eq!(answer.error, TptError::None);
    }
    assert_eq!(bench.free(), CONFIG.sges());
    // Without the flag nothing fires.
    register(&mut bench, Command::contiguous(one, ALL, 0, 5000, 0));
    let last = Access {
        last: true,
        ..local(one, 0, 1)
    };
    assert!(bench.access(0, last).answer.is_ok());
    assert!(bench.access(0, last).answer.is_ok());
}

fn one_shot(stag: Stag, vi: u8, context: u32) -> Command {
    Command {
        opcode: opcode::ONE_SHOT,
        vi: vi.into(),
        context,
        reply: (0x1111_2222, 0x3333_4444_5555_6666, 0x7777_8888),
        ..Command::contiguous(stag, ALL, 0, 64, 0x4000)
    }
}

#[test]
fn a_one_shot_is_released_by_its_vi_only_and_tells_what_it_kept() {
    let mut bench = bench();
    let stag = Stag::new(30, 0xcc);
    assert_eq!(bench.bind(&one_shot(stag, 2, 0xfeed_beef)), BOUND);
    let ask = |vi, peek| Release {
        stag: stag.0,
        vi,
        force: false,
        peek,
    };
    assert_eq!(bench.release(0, ask(1, false)).error, TptError::Ptag);
    bench.configure(1, ptag(2), 3);
    assert_eq!(bench.release(0, ask(1, false)).error, TptError::Vi);
    let peeked = bench.release(0, ask(2, true));
    let released = bench.release(0, ask(2, false));
    assert_eq!(peeked, released);
    assert_eq!(released.error, TptError::None);
    assert!(released.one_shot);
    assert_eq!(released.context, 0xfeed_beef);
    assert_eq!(
        released.reply,
        (0x1111_2222, 0x3333_4444_5555_6666, 0x7777_8888)
    );
    assert_eq!(bench.release(0, ask(2, false)).error, TptError::InvalidStag);
    assert_eq!(bench.release(1, force(stag)).error, TptError::InvalidStag);
    // What is not bound to a VI is not the peer's to release.
    register(&mut bench, Command::contiguous(stag, ALL, 0, 64, 0));
    assert_eq!(bench.release(0, ask(0, false)).error, TptError::Vi);
    let answer = bench.release(1, force(stag));
    assert_eq!((answer.error, answer.one_shot), (TptError::None, false));
}

#[test]
fn flush_releases_the_one_shots_of_its_vi() {
    let mut bench = bench();
    for i in 0..6_u32 {
        let command = one_shot(Stag::new(i * 12 + 3, i as u8), (i % 2) as u8, 0x100 + i);
        assert_eq!(bench.bind(&command), BOUND);
    }
    let other = Stag::new(40, 1);
    let command = Command {
        flags: flags::BIND_VI,
        vi: 1,
        ..Command::contiguous(other, ALL, 0, 64, 0)
    };
    register(&mut bench, command);
    let mut flushed = Vec::new();
    while let Some(one) = bench.flush(1) {
        flushed.push(one);
    }
    let expected = [1_u32, 3, 5].map(|i| (Stag::new(i * 12 + 3, i as u8).0, 0x100 + i));
    assert_eq!(flushed, expected);
    let kept = Access {
        vi: 1,
        ..local(other, 0, 1)
    };
    assert!(bench.access(0, kept).answer.is_ok());
    assert!(bench.access(0, local(Stag::new(3, 0), 0, 1)).answer.is_ok());
}

#[test]
fn a_release_waits_for_admitted_accesses_and_its_index_stays_busy() {
    let mut bench = bench();
    let stag = Stag::new(7, 7);
    register(&mut bench, Command::contiguous(stag, ALL, 0, 64, 0));
    bench.move_cycles = 400;
    // Until one lasts.
    let lasts = |bench: &mut Bench| {
        bench.access(3, local(stag, 0, 64)).answer.unwrap();
        for _ in 0..40 {
            bench.tick();
        }
        bench.pending(3) > 0
    };
    while !lasts(&mut bench) {}
    bench.release[1] = Some(force(stag));
    for _ in 0..30 {
        assert!(bench.tick().released[1].is_none());
        if bench.pending(3) == 0 {
            break;
        }
    }
    if bench.pending(3) > 0 {
        let refused = bench.access(0, local(stag, 0, 64)).answer;
        assert_eq!(refused, Err(TptError::InvalidStag));
        let again = Command::contiguous(stag, ALL, 0, 64, 0);
        let (error, _) = bench.bind(&again);
        assert!(error == CommandError::EntryBusy || bench.pending(3) == 0);
    }
    let released = bench.run(|bench, events| {
        assert!(events.released[1].is_none() || bench.pending(3) == 0);
        events.released[1]
    });
    assert_eq!(released.error, TptError::None);
    assert_eq!(bench.bind(&Command::contiguous(stag, ALL, 0, 64, 0)), BOUND);
}

#[test]
fn an_entry_with_unacknowledged_data_is_not_invalidated() {
    let mut bench = bench();
    let (stag, other) = (Stag::new(7, 7), Stag::new(8, 7));
    for stag in [stag, other] {
        register(&mut bench, Command::contiguous(stag, ALL, 0, 64, 0));
    }
    bench.held.push(7);
    assert_eq!(bench.release(1, force(stag)).error, TptError::Access);
    let peek = Release {
        peek: true,
        ..force(stag)
    };
    assert_eq!(bench.release(1, peek).error, TptError::None);
    assert!(bench.access(3, local(stag, 0, 64)).answer.is_ok());
    assert_eq!(bench.release(1, force(other)).error, TptError::None);
    // A wrong key is refused as ever.
    let stale = force(Stag::new(7, 8));
    assert_eq!(bench.release(1, stale).error, TptError::InvalidStag);
    bench.held.clear();
    assert_eq!(bench.release(1, force(stag)).error, TptError::None);
    assert!(bench.access(3, local(stag, 0, 64)).answer.is_err());
    // The peer's Send with Invalidate does not wait for what it has seen.
    assert_eq!(bench.bind(&one_shot(stag, 2, 0x55)), BOUND);
    bench.held.push(7);
    let remote = Release {
        stag: stag.0,
        vi: 2,
        force: false,
        peek: false,
    };
    assert_eq!(bench.release(0, remote).error, TptError::None);
}

#[test]
fn a_bad_command_names_its_field_and_leaves_the_entry_as_it_was() {
    let mut bench = bench();
    let stag = Stag::new(9, 9);
    let good = Command::contiguous(stag, ALL, 0x1000, 100, 0x5000);
    let list = Command::sgl(stag, ALL, 0x1000, &[(0x1000, 50), (0x9000, 50)]);
    let pages = Command::pages(stag, ALL, 0x1010, 8192, 12, &[0x1000, 0x8000, 0x3000]);
    let edge = (1_u64 << 48) - (1 << 32);
    let bad = CommandError::BadField;
    let sgl = |elements: &[(u64, u32, u32)]| Command {
        elements: elements.to_vec(),
        ..list.clone()
    };
    let with = |command: &Command, change: fn(&mut Command)| {
        let mut command = command.clone();
        change(&mut command);
        command
    };
    let too_many = if CONFIG.sges() < 129 {
        (CommandError::NoElements, Field::None)
    } else {
        (bad, Field::ElementCount)
    };
    let cases = [
        (with(&good, |c| c.vi = CONFIG.vis() as u16), bad, Field::Vi),
        (with(&good, |c| c.vi = 0x8000), bad, Field::Vi),
        (
            with(&good, |c| c.stag = (CONFIG.tptes() as u32) << 8),
            bad,
            Field::Stag,
        ),
        (with(&good, |c| c.stag |= 1 << 31), bad, Field::Stag),
        (with(&good, |c| c.access = 0x10), bad, Field::Access),
        (with(&good, |c| c.kind = 3), bad, Field::Kind),
        (with(&list, |c| c.kind = 3), bad, Field::Kind),
        (with(&good, |c| c.page_shift = 12), bad, Field::Kind),
        (with(&pages, |c| c.page_shift = 11), bad, Field::Kind),
        (with(&pages, |c| c.page_shift = 22), bad, Field::Kind),
        (with(&good, |c| c.count = 1), bad, Field::ElementCount),
        (with(&list, |c| c.count = 0), bad, Field::ElementCount),
        (with(&list, |c| c.count = 1), bad, Field::ElementCount),
        (with(&list, |c| c.count = 3), bad, Field::ElementCount),
        (with(&list, |c| c.count = 129), too_many.0, too_many.1),
        (with(&good, |c| c.base = u64::MAX - 98), bad, Field::Base),
        (with(&good, |c| c.base = u64::MAX), bad, Field::Base),
        (with(&good, |c| c.length = 0), bad, Field::Length),
        (with(&list, |c| c.length = 1 << 31), bad, Field::Length),
        (with(&good, |c| c.iova = 1 << 48), bad, Field::Iova),
        (with(&good, |c| c.iova = 1 << 63), bad, Field::Iova),
        (
            Command {
                iova: edge,
                ..good.clone()
            },
            bad,
            Field::Iova,
        ),
        (sgl(&[(0x1000, 50, 0), (edge, 50, 0)]), bad, Field::Iova),
        (
            sgl(&[(0x1000, 50, 0), (0x9000, 0, 0)]),
            bad,
            Field::ElementLength,
        ),
        (
            sgl(&[(0x1000, 50, 1), (0x9000, 50, 0)]),
            bad,
            Field::Reserved,
        ),
        (
            sgl(&[(0x1000, 50, 0), (0x9000, 51, 0)]),
            CommandError::LengthMismatch,
            Field::None,
        ),
        (
            sgl(&[(0x1000, 50, 0), (0x9000, 49, 0)]),
            CommandError::LengthMismatch,
            Field::None,
        ),
        (
            sgl(&[(0x1000, u32::MAX, 0), (0x9000, 101, 0)]),
            CommandError::LengthMismatch,
            Field::None,
        ),
        (with(&pages, |c| c.elements[1].0 += 0x800), bad, Field::Iova),
        (
            with(&pages, |c| c.length = 4096 * 3 - 15),
            CommandError::LengthMismatch,
            Field::None,
        ),
        (
            with(&pages, |c| c.length = 8192 - 16),
            CommandError::LengthMismatch,
            Field::None,
        ),
    ];
    for (command, error, field) in cases {
        assert_eq!(bench.bind(&command), (error, field), "{command:x?}");
        let answer = bench
            .access(0, local(Stag(command.stag), command.base, 1))
            .answer;
        assert_eq!(answer, Err(TptError::InvalidStag));
        assert_eq!(bench.free(), CONFIG.sges());
    }
    for command in [
        Command {
            iova: edge - 1,
            ..good.clone()
        },
        with(&good, |c| c.base = u64::MAX - 99),
        list.clone(),
        pages.clone(),
        with(&pages, |c| c.length = 4096 * 3 - 16),
        with(&pages, |c| c.length = 8192 - 15),
    ] {
        register(&mut bench, command.clone());
        assert_eq!(bench.bind(&good), (CommandError::EntryBusy, Field::None));
        let answer = bench.access(0, local(stag, command.base, 1)).answer;
        assert!(answer.is_ok(), "{answer:?}");
        assert_eq!(bench.release(1, force(stag)).error, TptError::None);
    }
    assert_eq!(list.kind, kind::SGL);
}

#[test]
fn latencies() {
    let mut bench = bench();
    let stag = Stag::new(5, 5);
    register(&mut bench, Command::contiguous(stag, ALL, 0, 4096, 0));
    println!(
        "bind, last word to result: {}",
        bench.dut.cycle() - 1 - bench.last_word
    );
    assert!(bench.dut.cycle() - 1 - bench.last_word <= 3);
    let outcome = bench.access(0, local(stag, 0, 64));
    let first = outcome.first_piece - outcome.taken;
    println!("contiguous check, request taken to first piece: {first}");
    assert!(first <= 6);

    let begin = bench.dut.cycle();
    for i in 0..20 {
        bench.ask(i % 5, local(stag, 0, 64));
    }
    let mut left = 20;
    let end = bench.run(|bench, events| {
        left -= events.outcomes.len();
        (left == 0).then(|| bench.dut.cycle())
    });
    println!("20 checks back to back: {} cycles", end - begin);
    assert!(end - begin <= 20 * 7 + 4);

    let list = Stag::new(6, 6);
    let elements: Vec<(u64, u32)> = (0..16).map(|i| (i * 0x10000, 1000)).collect();
    let begin = bench.dut.cycle();
    register(&mut bench, Command::sgl(list, ALL, 0, &elements));
    println!("bind of 16 elements: {} cycles", bench.dut.cycle() - begin);
    for (what, to) in [
        ("first", 0),
        ("next", 500),
        ("second", 1000),
        ("sixteenth", 15_000),
    ] {
        let outcome = bench.access(0, local(list, to, 400));
        println!("list, {what}: {}", outcome.first_piece - outcome.taken);
    }
    for stag in [stag, list] {
        bench.release(1, force(stag));
        let cycles = bench.dut.cycle() - 1 - bench.release_taken[1];
        println!("release, request taken to answer: {cycles}");
        assert!(cycles <= 9);
    }
}
