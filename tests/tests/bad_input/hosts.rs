//! What a host does to its own board: memory that is not mapped for DMA, a reset in the middle of an operation.

use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::Descriptor;
use rnic_driver::vi::ViOptions;
use rnic_tests::{on_both, Area, Rig, RigOptions, Scene, Shape, Side, BOTH, REMOTE};

/// Takes the memory of an area away from its board.
fn unmap(scene: &Scene, side: Side, area: &Area) {
    let page = area.backing.default_base() & !4095;
    let taken = scene.host(side).sim.unmap(page - 4096, 64 << 10);
    assert!(taken > 0, "the memory was mapped");
}

#[test]
fn dma_unmapped() {
    on_both(354, |mut scene| {
        let (area, region) = scene.local(Side::Responder, "gone", 4096);
        unmap(&scene, Side::Responder, &area);
        scene.post_receive(Side::Initiator);
        let segment = region.segment(0, 100).unwrap();
        scene.post(Side::Responder, &Descriptor::send(vec![segment]));
        scene.broken_with(Side::Responder, &[BoardEvent::SendError]);
        assert!(scene.counter(Side::Responder, Counter::DmaReadErrors) > 0);
        scene.others_are_served();
        scene.rig.check_bus();
    });
}

#[test]
fn dma_unmapped_write() {
    on_both(356, |mut scene| {
        let area = scene.area(Side::Initiator, "gone", Shape::Contiguous, 4096);
        let target = scene.register(Side::Initiator, &area, REMOTE);
        let (_, source) = scene.local(Side::Responder, "source", 100);
        unmap(&scene, Side::Initiator, &area);
        // The bus posts writes: only the board's own counter and event tell that one was refused.
        let remote = area.remote(target.stag(), 0);
        let sent = scene.write(Side::Responder, &source, 0, 100, remote);
        scene.completes(Side::Responder, Kind::Send, sent, 100);
        scene.rig.settle();
        assert!(scene.counter(Side::Initiator, Counter::DmaWriteErrors) > 0);
        let events = scene.host(Side::Initiator).board.observer().take_events();
        let events = scene.ok("events", events);
        let told = |event: &(u16, BoardEvent)| event.1 == BoardEvent::Catastrophic;
        assert!(events.iter().any(told), "{events:?}");
        scene.others_are_served();
        scene.rig.check_bus();
    });
}

#[test]
fn reset_mid_operation() {
    for gateware in BOTH {
        let options = RigOptions::random(gateware, 355);
        let mut scene = Scene::with(options, ViOptions::new);
        let (_, local) = scene.local(Side::Responder, "source", 60_000);
        let area = scene.area(Side::Initiator, "granted", Shape::Contiguous, 1_000);
        let region = scene.register(Side::Initiator, &area, REMOTE);
        let remote = area.remote(region.stag(), 0);
        scene.write(Side::Responder, &local, 0, 1_000, remote);
        scene.rig.sim.run(700);
        let board = scene.host(Side::Responder).sim.clone();
        assert!(board.reset(), "it comes out of reset");
        let sim = scene.rig.sim.clone();
        // Nothing of the old driver keeps its memory mapped.
        drop((local, region, area, scene));
        let mut scene = Scene::on(Rig::reopen(sim, options), ViOptions::new);
        scene.others_are_served();
        scene.rig.check_bus();
    }
}
