//! Commands that the board must refuse, field by field, written past the driver. A refused command does nothing: no DMA, no
//! frame, no event, no entry or element lost; connections and the ring go on.

use rnic_abi::command::opcode;
use rnic_abi::completion::CQE_BYTES;
use rnic_abi::config::Config;
use rnic_abi::error::CommandError;
use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_tests::raw::{changed, RawRing, Words};
use rnic_tests::{on_both, Scene, Side, Strictness};

use crate::fields::{
    head, region, register, register_cases, set_up_cases, tpt_work, work_cases, Case, SGL, STAG,
};

/// Bytes that tell the slots' status.
const STATUS_BYTES: u64 = 8;

/// Posts every case on the initiator's board beside a connection, which is used afterwards. `vi` is connected to nobody.
fn refused(seed: u64, cases: impl Fn(&Config, u32) -> Vec<Case>) {
    on_both(seed, |mut scene| {
        let config = scene.rig.options.gateware.config();
        let witness = scene.witness();
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
        assert_eq!(moved.cqes, cases.len() as u64);
        let bytes = CQE_BYTES as u64 * moved.cqes + STATUS_BYTES * (moved.dma_writes - moved.cqes);
        assert_eq!(moved.dma_write_bytes, bytes, "only CQEs and status lines");
        assert_eq!(scene.rig.tap.count(), frames, "and nothing sent");
        assert_eq!(board.observer().sges_free().unwrap(), elements);
        // The entry that they named is free, and good commands go on.
        let good = ring.execute(&register(), 1).unwrap();
        assert_eq!(good.error, CommandError::None, "{good:?}");
        let posted = cases.len() as u64;
        scene.score.expect(0, Counter::CommandErrors, posted);
        scene.score.expect_raw(0, posted + 2, 0);
        let (unbound, unreleased) = tpt_work(cases.iter().map(|case| (case.is_late(), &case.1)));
        scene.score.expect_tpt(0, unbound, unreleased);
        scene.doorbells_are_served(&witness);
        scene.check(Strictness::Clean);
        scene.forget(witness);
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
    on_both(348, |mut scene| {
        let witness = scene.witness();
        let board = scene.host(Side::Initiator).board.clone();
        let elements = board.observer().sges_free().unwrap();
        let frames = scene.rig.tap.count();
        let mut ring = RawRing::new(&board);
        let sgl = region(1, SGL, 0, 2);
        let one_shot = changed(&register(), &[head(opcode::ONE_SHOT, 0, 1), (13, 8)]);
        let short = changed(&register(), &[sgl, (34, 1), (38, 62)]);
        let long = changed(&register(), &[sgl, (34, 32), (38, 33)]);
        let invalidate = |stag| vec![head(opcode::INVALIDATE, 0, 0), (2, stag)];
        let cases: [(CommandError, Words, u32); 8] = [
            (CommandError::ViState, one_shot, 1),
            (CommandError::LengthMismatch, short, 2),
            (CommandError::LengthMismatch, long, 2),
            (CommandError::None, register(), 1),
            (CommandError::EntryBusy, register(), 1),
            (CommandError::None, invalidate(STAG), 1),
            (CommandError::AlreadyReleased, invalidate(STAG), 1),
            (CommandError::AlreadyReleased, invalidate(STAG ^ 1), 1),
        ];
        for (error, words, slots) in &cases {
            let said = ring.execute(words, *slots).map(|cqe| cqe.error);
            assert_eq!(said, Some(*error), "{words:x?}");
        }
        scene.rig.settle();
        assert_eq!(scene.rig.tap.count(), frames, "nothing was sent");
        assert_eq!(board.observer().sges_free().unwrap(), elements);
        let refused = cases.iter().filter(|case| case.0 != CommandError::None);
        let (unbound, unreleased) = tpt_work(refused.clone().map(|case| (false, &case.1)));
        scene.score.expect_tpt(0, unbound, unreleased);
        let refused = refused.count() as u64;
        scene.score.expect(0, Counter::CommandErrors, refused);
        scene.score.expect_raw(0, cases.len() as u64, 0);
        scene.doorbells_are_served(&witness);
        scene.check(Strictness::Clean);
        scene.forget(witness);
    });
}

#[test]
fn ring_overflow() {
    on_both(352, |mut scene| {
        let witness = scene.witness();
        let board = scene.host(Side::Initiator).board.clone();
        let mut ring = RawRing::new(&board);
        let nop = [head(opcode::NOP, 0, 0)];
        let drops = |ring: &RawRing, scene: &mut Scene, sequence: u32| {
            let before = scene.host(Side::Initiator).counts();
            ring.enter(sequence, 1);
            scene.told(Side::Initiator, &[(0, BoardEvent::Catastrophic)]);
            let moved = scene.host(Side::Initiator).counts() - before;
            assert_eq!((moved.dma_reads, moved.cqes, moved.frames_out), (0, 0, 0));
            scene.score.expect(0, Counter::RingErrors, 1);
            scene.score.expect_raw(0, 1, 1);
        };
        let slots = board.identity().slots;
        for _ in 0..slots + 3 {
            // An entry of the round ahead and one of the round before: dropped, counted and told, and the ring goes on with
            // the right one.
            drops(&ring, &mut scene, ring.sequence().wrapping_add(slots));
            drops(&ring, &mut scene, ring.sequence().wrapping_sub(slots));
            let good = ring.execute(&nop, 1).unwrap();
            assert_eq!(good.error, CommandError::None);
            scene.score.expect_raw(0, 1, 0);
        }
        scene.doorbells_are_served(&witness);
        scene.check(Strictness::Clean);
        scene.forget(witness);
    });
}
