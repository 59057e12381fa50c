//! Doorbells, completions and limits of a VI against the test transport.

use super::*;
use crate::board::Options;
use crate::command::ViState;
use crate::descriptor::Segment;
use crate::test_board::TestBoard;
use crate::transport::Bar;
use rnic_abi::registers::map;

fn create(test: &TestBoard) -> (Board, CompletionQueue, Vi) {
    let board = Board::open(
        test.transport(),
        Options {
            seed: Some(1),
            ..Options::default()
        },
    )
    .unwrap();
    let cq = board.create_cq(6).unwrap();
    let vi = Vi::create(&board, &cq, &cq, ViOptions::new(5)).unwrap();
    test.take_stores();
    test.take_posts();
    (board, cq, vi)
}

fn segment() -> Segment {
    Segment {
        va: 0x1000,
        handle: Stag(0x505),
        bytes: 64,
    }
}

#[test]
fn a_doorbell_is_two_stores_and_the_descriptor_is_there_before() {
    let test = TestBoard::small();
    let (_board, _cq, mut vi) = create(&test);
    assert_eq!(vi.descriptors.access(), crate::command::Access::LOCAL);
    for sequence in 0..3u64 {
        vi.post_receive(&Descriptor::receive(vec![segment()]), 70 + sequence)
            .unwrap();
        let stores = test.take_stores();
        let (va, handle) = (stores[0].3, vi.descriptors.stag().0);
        assert_eq!(stores.len(), 2);
        assert_eq!(
            (stores[0].0, stores[0].1, stores[0].2),
            (Bar::Doorbells, map::RECEIVE_DESCRIPTOR, 8)
        );
        assert_eq!(
            stores[1],
            (
                Bar::Doorbells,
                map::RECEIVE_COMMIT,
                8,
                u64::from(handle) | sequence << 32
            )
        );
        assert_eq!(va % ALIGN, 0);
        assert_eq!(
            Descriptor::decode(&test.read(va, 48)).unwrap(),
            Descriptor::receive(vec![segment()])
        );
    }
    assert_eq!(vi.receive_space(), 5);
}

#[test]
fn completions_come_in_post_order_with_their_references() {
    let test = TestBoard::small();
    let (_board, mut cq, mut vi) = create(&test);
    let mut vas = Vec::new();
    for reference in 0..2 {
        vi.post_send(&Descriptor::send(vec![segment()]), reference)
            .unwrap();
        vas.push(test.take_stores()[0].3);
    }
    test.place(
        1,
        Cqe {
            context: vas[1],
            ..TestBoard::cqe(Kind::Send)
        },
    );
    let error = vi.complete(&cq.poll().unwrap().unwrap()).unwrap_err();
    assert!(
        matches!(error, ViError::OutOfOrder { found, expected: Some(e), .. } if found == vas[1] && e == vas[0])
    );
    for (reference, &va) in vas.iter().enumerate() {
        test.place(
            1,
            Cqe {
                context: va,
                length: 64,
                status: 1,
                ..TestBoard::cqe(Kind::Send)
            },
        );
        let done = vi.complete(&cq.poll().unwrap().unwrap()).unwrap();
        assert_eq!(
            (done.reference, done.outcome.length),
            (reference as u64, 64)
        );
    }
    let stray = Cqe {
        context: vas[0],
        ..TestBoard::cqe(Kind::Send)
    };
    assert!(matches!(
        vi.complete(&stray),
        Err(ViError::OutOfOrder { expected: None, .. })
    ));
    assert!(matches!(
        vi.complete(&Cqe { vi: 3, ..stray }),
        Err(ViError::Foreign { vi: 3, .. })
    ));
}

#[test]
fn an_advertised_stag_is_shown_with_the_message() {
    let test = TestBoard::small();
    let (_board, mut cq, mut vi) = create(&test);
    vi.post_receive(&Descriptor::receive(vec![segment()]), 1)
        .unwrap();
    let va = test.take_stores()[0].3;
    test.place(
        1,
        Cqe {
            context: va,
            stag: Stag(0x909),
            advertised: true,
            ..TestBoard::cqe(Kind::Receive)
        },
    );
    let done = vi.complete(&cq.poll().unwrap().unwrap()).unwrap();
    assert_eq!(
        (done.advertised, done.invalidated),
        (Some(Stag(0x909)), None)
    );
}

#[test]
fn the_send_queue_counts_descriptors_and_send_invalidates() {
    let test = TestBoard::small();
    let (_board, mut cq, mut vi) = create(&test);
    for reference in 0..4 {
        vi.post_send(&Descriptor::send(vec![segment()]), reference)
            .unwrap();
        vi.send_invalidate(Stag(0x707), Message::Inline(vec![1]), true, 100 + reference)
            .unwrap();
    }
    assert!(matches!(
        vi.post_send(&Descriptor::send(vec![]), 0),
        Err(ViError::QueueFull {
            queue: "send",
            depth: 8
        })
    ));
    let full = vi.send_invalidate(Stag(0x707), Message::Inline(vec![]), false, 0);
    assert!(matches!(full, Err(ViError::QueueFull { .. })));
    let posts = test.take_posts();
    assert_eq!(posts.len(), 4);
    test.place(
        1,
        Cqe {
            context: posts[0].context.into(),
            ..TestBoard::cqe(Kind::SendInvalidate)
        },
    );
    assert_eq!(
        vi.complete(&cq.poll().unwrap().unwrap()).unwrap().reference,
        100
    );
    assert_eq!(vi.send_space(), 1);
}

#[test]
fn connecting_applies_state_peer_and_sequences() {
    let test = TestBoard::small();
    let (_board, _cq, mut vi) = create(&test);
    let peer = Peer {
        vi: 3,
        negotiated: 1,
        ird: 2,
        ord: 1,
        send_sequence: 10,
        receive_sequence: 20,
    };
    vi.connect(peer).unwrap();
    let posts = test.take_posts();
    let Command::ModifyVi(change) = posts[0].command else {
        panic!("{posts:?}")
    };
    assert_eq!(change.words(), 1 << 2 | 1 << 6 | 1 << 7 | 1 << 8);
    assert_eq!(change.settings().state, ViState::Connected);
    assert_eq!(
        (
            change.settings().peer_vi,
            change.settings().receive_sequence
        ),
        (3, 20)
    );
    drop(vi);
    let posts = test.take_posts();
    assert_eq!(posts[0].command, Command::DestroyVi);
}

/// Descriptors that lie wherever their owner has them; the queue counts, and refuses nothing.
#[test]
fn the_lower_half_posts_at_any_address() {
    let test = TestBoard::small();
    let board = Board::open(test.transport(), Options::default()).unwrap();
    let cq = board.create_cq(6).unwrap();
    let (vi, mut send, mut receive) =
        Endpoint::create(&board, &cq, &cq, ViOptions::new(5)).unwrap();
    test.take_stores();
    for count in 0..9 {
        send.post_at(0x7F00_0040 + count, Stag(0x707)).unwrap();
    }
    receive.post_at(0x40, Stag(0x808)).unwrap();
    let stores = test.take_stores();
    let page = u32::from(vi.number()) * rnic_abi::registers::DOORBELL_PAGE_BYTES as u32;
    assert_eq!(
        stores[16..],
        [
            (Bar::Doorbells, page + map::SEND_DESCRIPTOR, 8, 0x7F00_0048),
            (Bar::Doorbells, page + map::SEND_COMMIT, 8, 8 << 32 | 0x707),
            (Bar::Doorbells, page + map::RECEIVE_DESCRIPTOR, 8, 0x40),
            (Bar::Doorbells, page + map::RECEIVE_COMMIT, 8, 0x808),
        ]
    );
    assert_eq!((send.used(), send.space(), receive.space()), (9, 0, 7));
    assert!(matches!(
        send.check_space(),
        Err(ViError::QueueFull { queue: "send", .. })
    ));
    (0..9).for_each(|_| send.release_entry());
    assert_eq!(send.space(), 8);
}

/// A number is given out again only when nobody can ring the old doorbells any more.
#[test]
fn a_queue_keeps_its_number_taken() {
    let test = TestBoard::small();
    let board = Board::open(test.transport(), Options::default()).unwrap();
    let cq = board.create_cq(6).unwrap();
    let create = || Endpoint::create(&board, &cq, &cq, ViOptions::new(5)).unwrap();
    let (first, send, receive) = create();
    let number = first.number();
    first.destroy().unwrap();
    drop(send);
    assert_ne!(create().0.number(), number);
    drop(receive);
    assert_eq!(create().0.number(), number);
    // A VI that could not be destroyed keeps it for ever.
    let second = create();
    assert_eq!(second.0.number(), number);
    let refuse = rnic_abi::error::CommandError::BadField;
    test.state().refuse.push(refuse);
    drop(second);
    assert_ne!(create().0.number(), number);
}
