use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::Descriptor;
use rnic_sim::model::Gateware;
use rnic_tests::{RigOptions, Scene, Side};

fn run(gateware: Gateware, receives: usize, repost_first: bool) {
    let mut scene = Scene::with(RigOptions::ideal(gateware), rnic_driver::vi::ViOptions::new);
    let (_, sink) = scene.local(Side::Responder, "sink", 4096);
    let (_, inbox) = scene.local(Side::Responder, "inbox2", 4096);
    let (_, source) = scene.local(Side::Initiator, "source", 4096);
    for i in 0..receives {
        let d = Descriptor::receive(vec![inbox.segment(0, 64).unwrap()]);
        scene.channel(Side::Responder).vi_mut().post_receive(&d, i as u64).unwrap();
    }
    let s = scene.post(Side::Initiator, &Descriptor::send(vec![source.segment(0, 48).unwrap()]));
    let done = scene.done(Side::Responder, Kind::Receive);
    eprintln!("{done:?}");
    if repost_first {
        let d = Descriptor::receive(vec![inbox.segment(0, 64).unwrap()]);
        scene.channel(Side::Responder).vi_mut().post_receive(&d, 99).unwrap();
    }
    let w = Descriptor::send(vec![sink.segment(0, 48).unwrap()]);
    let r = scene.post(Side::Responder, &w);
    let d = scene.done(Side::Responder, Kind::Send);
    eprintln!("{d:?} {r:x} {s:x}");
}
#[test] fn small_few() { run(Gateware::Small, 2, false) }
#[test] fn small_few_repost() { run(Gateware::Small, 2, true) }
#[test] fn small_full_repost() { run(Gateware::Small, 8, true) }
#[test] fn full_few_repost() { run(Gateware::Full, 2, true) }
#[test] fn full_17_repost() { run(Gateware::Full, 17, true) }
#[test] fn full_full() { run(Gateware::Full, 64, false) }
#[test] fn full_full_repost() { run(Gateware::Full, 64, true) }
