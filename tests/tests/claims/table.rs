//! Claims 12 to 15, 21: the driver allocates the STag, returns it at once, saves it with a reference and compares it.

use rnic_driver::command_table::State;
use rnic_tests::{inline, on_both, Area, Shape, Side, REMOTE};

use crate::{ASK, DONE};

#[test]
fn claim_12_the_driver_allocates_the_stag() {
    on_both(112, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 100);
        let reply = scene.reply_buffer(64);
        scene.post_receive(Side::Responder);
        scene.rig.settle();
        let steps = scene.rig.sim.with(|simulation| simulation.trace().count());
        let (stag, reference) = scene.one_shot(&area, REMOTE, inline(ASK), Some(&reply));
        let board = scene.host(Side::Initiator).board.clone();
        assert!(board.check_stag(stag).is_ok());
        let unmoved = scene.rig.sim.with(|simulation| simulation.trace().count());
        assert_eq!(steps, unmoved, "the board has not done anything yet");
        let done = scene.receives(Side::Responder, ASK);
        assert_eq!(done.advertised, Some(stag), "and then uses the driver's");
        scene.give_back(stag, reference, DONE, &reply);
        assert!(board.check_stag(stag).is_err());
        scene.finish(3);
    });
}

#[test]
fn claim_13_the_stag_is_returned_synchronously() {
    on_both(113, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 100);
        let reply = scene.reply_buffer(64);
        scene.post_receive(Side::Responder);
        scene.rig.settle();
        let cycle = scene.rig.sim.cycles();
        let reads = scene
            .host(Side::Initiator)
            .board
            .transport()
            .accesses()
            .reads;
        let (stag, reference) = scene.one_shot(&area, REMOTE, inline(ASK), Some(&reply));
        assert_eq!(scene.rig.sim.cycles(), cycle, "no time passes in the call");
        let after = scene
            .host(Side::Initiator)
            .board
            .transport()
            .accesses()
            .reads;
        assert_eq!(reads, after, "and nothing is read");
        scene.receives(Side::Responder, ASK);
        scene.give_back(stag, reference, DONE, &reply);
        scene.finish(3);
    });
}

#[test]
fn claim_14_the_stag_is_saved_in_the_command_table() {
    on_both(114, |mut scene| {
        let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 100);
        let reply = scene.reply_buffer(64);
        let (stag, reference) = scene.advertise(&area, REMOTE, ASK, Some(&reply));
        let saved = *scene.pair.initiator.one_shots().table().get(stag).unwrap();
        assert_eq!((saved.stag, saved.state), (stag, State::Posted));
        scene.give_back(stag, reference, DONE, &reply);
        let saved = *scene.pair.initiator.one_shots().table().get(stag).unwrap();
        assert_eq!((saved.stag, saved.state), (stag, State::Completed));
        scene.finish(3);
    });
}

#[test]
fn claim_15_the_saved_stag_is_associated_with_a_reference() {
    on_both(115, |mut scene| {
        let reply = scene.reply_buffer(64);
        let mut outstanding = Vec::new();
        for index in 0..4 {
            let area = scene.area(Side::Initiator, "answer", Shape::Contiguous, 32 + index);
            outstanding.push(scene.advertise(&area, REMOTE, ASK, Some(&reply)));
        }
        for &(stag, reference) in &outstanding {
            let table = scene.pair.initiator.one_shots().table();
            assert_eq!(table.get(stag).unwrap().reference, reference);
        }
        // They come back in another order, each with its own reference.
        outstanding.swap(0, 2);
        outstanding.swap(1, 3);
        for (stag, reference) in outstanding {
            scene.give_back(stag, reference, DONE, &reply);
        }
        scene.finish(12);
    });
}

#[test]
fn claim_21_the_driver_compares_the_stag_with_the_one_sent() {
    on_both(121, |mut scene| {
        let reply = scene.reply_buffer(64);
        let areas: Vec<Area> = (0..2)
            .map(|_| scene.area(Side::Initiator, "answer", Shape::Contiguous, 64))
            .collect();
        let (one, one_reference) = scene.advertise(&areas[0], REMOTE, ASK, Some(&reply));
        let (two, two_reference) = scene.advertise(&areas[1], REMOTE, ASK, Some(&reply));
        // The later one comes back first; each is recognised by its STag.
        let completed = scene.give_back(two, two_reference, DONE, &reply);
        assert_eq!(completed.backing.bytes(), 64);
        let table = scene.pair.initiator.one_shots().table();
        assert_eq!(table.get(one).unwrap().state, State::Posted);
        assert_eq!(table.get(two).unwrap().state, State::Completed);
        scene.give_back(one, one_reference, DONE, &reply);
        scene.finish(6);
    });
}
