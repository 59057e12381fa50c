//! Opening, executing and observing against the test transport.

use super::*;
use crate::test_board::TestBoard;
use rnic_abi::error::{CommandError, Field};
use rnic_abi::event::Event;
use rnic_abi::registers::MAGIC;

fn open(test: &TestBoard) -> Board {
    Board::open(
        test.transport(),
        Options {
            seed: Some(1),
            ..Options::default()
        },
    )
    .unwrap()
}

#[test]
fn a_foreign_device_and_another_version_are_refused_by_name() {
    let test = TestBoard::small();
    test.state().registers.insert(map::ABI_VERSION, 7);
    let error = Board::open(test.transport(), Options::default())
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "the board speaks version 7 of the register map, this driver version 1"
    );
    test.state().registers.insert(map::MAGIC, 0);
    let error = Board::open(test.transport(), Options::default())
        .err()
        .unwrap();
    assert!(matches!(
        error,
        BoardError::NotARnic {
            magic: 0,
            expected: MAGIC
        }
    ));
    test.state().registers.insert(map::MAGIC, MAGIC.into());
    test.state().registers.insert(map::ABI_VERSION, 1);
    test.state().registers.insert(map::SLOTS, 33);
    let error = Board::open(test.transport(), Options::default())
        .err()
        .unwrap();
    assert!(matches!(
        error,
        BoardError::Identity {
            name: "SLOTS",
            value: 33,
            most: 32
        }
    ));
}

#[test]
fn opening_resets_then_enables() {
    let test = TestBoard::small();
    let board = open(&test);
    let stores = test.take_stores();
    let controls: Vec<u64> = stores
        .iter()
        .filter(|store| store.0 == Bar::Registers && store.1 == map::CONTROL)
        .map(|store| store.3)
        .collect();
    assert_eq!(
        controls,
        [u64::from(control::RESET), u64::from(control::ENABLE)]
    );
    let mask = stores
        .iter()
        .find(|store| store.1 == map::INTERRUPT_MASK)
        .unwrap()
        .3;
    assert_eq!(mask, 0x1FF, "events and eight queues");
    assert_eq!(board.identity().configuration(), "Small");
    assert_eq!(board.identity().lower_layers(), ["direct"]);
    drop(board);
    assert_eq!(test.mappings(), 0, "everything is unmapped");
}

#[test]
fn a_stuck_reset_times_out() {
    let test = TestBoard::small();
    test.state()
        .registers
        .insert(map::STATUS, status::RESETTING.into());
    let error = Board::open(
        test.transport(),
        Options {
            timeout: Duration::from_millis(50),
            ..Options::default()
        },
    );
    assert!(matches!(
        error.err().unwrap(),
        BoardError::ResetTimeout { .. }
    ));
}

#[test]
fn a_refused_command_names_its_field() {
    let test = TestBoard::small();
    let board = open(&test);
    test.state().refuse.push(CommandError::BadField);
    let error = board.execute(0, Command::Nop).unwrap_err();
    match error {
        ExecuteError::Failed(failure) => {
            assert_eq!(
                (failure.error, failure.field),
                (CommandError::BadField, Some(Field::None))
            );
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_silent_board_is_waited_for_once() {
    let test = TestBoard::small();
    let board = open(&test);
    test.state().complete = false;
    assert!(matches!(
        board.execute(0, Command::Nop),
        Err(ExecuteError::Timeout { opcode: 1, .. })
    ));
    let posted = board.commands_posted();
    assert!(matches!(
        board.execute(0, Command::Nop),
        Err(ExecuteError::Timeout { .. })
    ));
    assert_eq!(board.commands_posted(), posted);
}

#[test]
fn a_full_ring_consults_the_status_line_and_then_says_so() {
    let test = TestBoard::small();
    let board = open(&test);
    // The creation of the admin queue is known to be over.
    assert_eq!(board.free_slots(), 16);
    test.state().free_slots = false;
    let nop = Post {
        vi: 0,
        context: 0,
        signalled: false,
        command: Command::Nop,
    };
    for _ in 0..16 {
        board.post(&nop).unwrap();
    }
    let reads = board.transport().accesses().reads;
    let error = board.post(&nop).unwrap_err();
    assert!(matches!(
        error,
        PostError::Ring(RingError::Full {
            wanted: 1,
            free: 0,
            slots: 16
        })
    ));
    // The board now reports slot 1 free (its parity was 0: only slot 0 was used before) after 17 entries.
    let line = board.0.status_line.clone();
    line.store_u64(0, 17 << 32 | 0b11).unwrap();
    board.post(&nop).unwrap();
    assert_eq!(
        board.transport().accesses().reads,
        reads,
        "posting never reads the board"
    );
}

#[test]
fn events_are_taken_and_cleared() {
    let test = TestBoard::small();
    let board = open(&test);
    test.state().registers.insert(map::EVENT_SUMMARY, 0b0100);
    test.state().registers.insert(
        map::EVENTS + 8,
        (Event::ConnLost.mask() | Event::Timeout.mask()).into(),
    );
    test.take_stores();
    assert_eq!(
        board.observer().take_events().unwrap(),
        [(2, Event::ConnLost), (2, Event::Timeout)]
    );
    assert_eq!(
        test.take_stores(),
        [(Bar::Registers, map::EVENTS + 8, 4, 0x8002)]
    );
}

#[test]
fn events_have_one_owner() {
    let test = TestBoard::small();
    let board = open(&test);
    let first = board.event_queue().unwrap();
    assert!(matches!(board.event_queue(), Err(EventQueueError::Owned)));
    drop(first);
    board.event_queue().unwrap();
}

#[test]
fn each_vi_has_its_events_in_order() {
    let test = TestBoard::small();
    let board = open(&test);
    let mut events = board.event_queue().unwrap();
    test.state()
        .registers
        .insert(map::FIRST_FAILING_DESCRIPTOR + 8, 0x1040);
    test.state().registers.insert(map::VI_STATE + 4, 3);
    test.state().raise(1, Event::ConnLost.mask());
    test.state().raise(3, Event::RecvqEmpty.mask());
    test.state().raise(1, Event::PostDesc.mask());
    assert_eq!(events.drain().unwrap(), 3);
    test.state().raise(1, Event::PostDesc.mask());
    assert_eq!((events.drain().unwrap(), events.drain().unwrap()), (1, 0));
    let other = events.take_of(3).unwrap();
    assert_eq!(
        (other.event, other.failing_descriptor),
        (Event::RecvqEmpty, None)
    );
    let order: Vec<_> = std::iter::from_fn(|| events.take()).collect();
    assert_eq!(
        order.iter().map(|event| event.event).collect::<Vec<_>>(),
        [Event::PostDesc, Event::ConnLost, Event::PostDesc]
    );
    let broken = ViStatus {
        state: crate::command::ViState::Error,
        flushing: false,
    };
    for event in order {
        assert_eq!(
            (event.vi, event.status, event.failing_descriptor),
            (1, broken, Some(0x1040))
        );
    }
}

/// An event between the last look and the sleep, and one while asleep; signals that are left over wake nobody for long.
#[test]
fn no_event_is_slept_over() {
    let test = TestBoard::small();
    let board = open(&test);
    let mut events = board.event_queue().unwrap();
    assert!(!events.wait(Duration::from_millis(20)).unwrap());
    for round in 0..3 {
        test.state().raise(2, Event::ConnLost.mask());
        assert_eq!(events.drain().unwrap(), 1);
        assert!(events.take().is_some());
        // The eventfd is still signalled for what is drained already.
        assert!(
            !events.wait(Duration::from_millis(20)).unwrap(),
            "round {round}"
        );
        test.state().asleep.push(Box::new(|test: &TestBoard| {
            test.state().raise(0, Event::Catastrophic.mask());
        }));
        assert!(events.wait(Duration::from_secs(1)).unwrap());
        assert_eq!(events.take().unwrap().event, Event::Catastrophic);
        assert!(test.state().asleep.is_empty());
    }
}

/// A thread that executes a command takes a raw frame out of the admin queue: whoever waits for frames is woken.
#[test]
fn a_raw_frame_that_another_thread_finds_is_signalled() {
    let test = TestBoard::small();
    let board = open(&test);
    let raw = board.raw_eventfd().unwrap();
    test.place(ADMIN_CQ, TestBoard::cqe(Kind::Raw));
    assert!(raw.read().is_err(), "nobody has looked yet");
    board.execute(0, Command::Nop).unwrap();
    assert_eq!(raw.read().unwrap(), 1);
    let found = board.take_admin(|cqe| cqe.kind == Kind::Raw).unwrap();
    assert!(found.is_some());
}

#[test]
fn the_trace_starts_with_its_oldest_entry() {
    let test = TestBoard::small();
    test.state().registers.insert(map::TRACE_ENTRIES, 4);
    let board = open(&test);
    assert_eq!(board.observer().trace().unwrap(), []);
    test.state().registers.insert(map::TRACE_HEAD, 6);
    for (index, cycle) in [(0, 50), (1, 60), (2, 30), (3, 40)] {
        test.state()
            .registers
            .insert(map::TRACE + index * 8, 1 << 32 | cycle);
    }
    let cycles: Vec<u32> = board
        .observer()
        .trace()
        .unwrap()
        .iter()
        .map(|entry| entry.cycle)
        .collect();
    assert_eq!(cycles, [30, 40, 50, 60]);
}

#[test]
fn the_consumer_index_is_told_every_quarter_of_the_queue() {
    let test = TestBoard::small();
    let board = open(&test);
    let mut cq = board.create_cq(4).unwrap();
    test.take_stores();
    for round in 0..40u32 {
        test.place(
            1,
            Cqe {
                context: round.into(),
                ..TestBoard::cqe(Kind::Send)
            },
        );
        assert_eq!(cq.poll().unwrap().unwrap().context, u64::from(round));
        assert_eq!(cq.poll().unwrap(), None);
    }
    let stores = test.take_stores();
    let expected: Vec<_> = (1..=10)
        .map(|i| (Bar::Registers, map::CQ_DOORBELL + 8, 4, i * 4))
        .collect();
    assert_eq!(stores, expected);
    cq.arm().unwrap();
    assert_eq!(
        test.take_stores(),
        [(Bar::Registers, map::CQ_DOORBELL + 8, 4, 1 << 31 | 40)]
    );
}

#[test]
fn queues_run_out_and_come_back() {
    let test = TestBoard::small();
    let board = open(&test);
    let cqs: Vec<_> = (0..7).map(|_| board.create_cq(4).unwrap()).collect();
    assert!(matches!(
        board.create_cq(4),
        Err(ExecuteError::Exhausted {
            what: "completion queues",
            count: 8
        })
    ));
    drop(cqs);
    assert_eq!(board.create_cq(4).unwrap().number(), 1);
    assert!(matches!(
        board.create_cq(40),
        Err(ExecuteError::Post(PostError::Field(_)))
    ));
}
