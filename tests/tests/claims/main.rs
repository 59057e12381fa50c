//! One test a claim of the one-shot patent application (seed 001), each against the Verilated gateware.
//!
//! ```text
//! command     1-5, 10, 11           one command in the BAR-mapped ring
//! header      6-9, 18, 19, 24       the optional field and its bits
//! table       12-15, 21             the driver's STag and command table
//! completion  16, 17, 20, 22, 23, 25  how it comes back, and what is free then
//! ```

mod command;
mod completion;
mod header;
mod table;

use rnic_abi::step::Step;
use rnic_abi::Stag;
use rnic_tests::frames::Segment;
use rnic_tests::{Area, Scene, Side, REMOTE};

/// Message of a one-shot.
const ASK: &[u8] = b"please fill this";

/// Message of its end.
const DONE: &[u8] = b"done";

/// A whole one-shot over an area: message, RDMA Write of all of it, reply into a reply buffer. Four completions.
fn round(scene: &mut Scene, area: &Area) -> Stag {
    let reply = scene.reply_buffer(64);
    let (stag, reference) = scene.advertise(area, REMOTE, ASK, Some(&reply));
    scene.fill(stag, area);
    scene.give_back(stag, reference, DONE, &reply);
    stag
}

/// The only segment with this opcode that a side sent from frame `first` on.
fn only(scene: &Scene, side: Side, first: usize, opcode: u8) -> Segment {
    let segments = scene.rig.tap.segments(scene.index(side), first);
    let mut of_opcode = segments.into_iter().filter(|s| s.opcode == opcode);
    let (one, more) = (of_opcode.next(), of_opcode.next());
    assert_eq!(more, None, "one segment with opcode {opcode}");
    one.unwrap_or_else(|| scene.rig.fail("the segment was not sent"))
}

/// Steps of the initiator's board since event number `first`.
fn steps(scene: &Scene, first: usize) -> Vec<Step> {
    scene.rig.sim.with(|simulation| {
        simulation.trace().events()[first..]
            .iter()
            .filter(|event| event.board == 0)
            .map(|event| event.step)
            .collect()
    })
}

fn events_so_far(scene: &Scene) -> usize {
    scene
        .rig
        .sim
        .with(|simulation| simulation.trace().events().len())
}
