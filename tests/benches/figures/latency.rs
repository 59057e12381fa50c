//! Latencies of one operation on idle boards, from mark to mark at the host interface; the worst of a few rounds.
//!
//! ```text
//! side 0   doorbell ==> first wire word                  last wire word ==> last reply word ==> last CQE word
//!             one-shot, 64 B inline  \                  /  Send with Invalidate, 64 B inline
//! side 1                              last wire word ==> last payload word ==> last CQE word
//! ```

use anyhow::{bail, Result};
use rnic_driver::channel::Event;
use rnic_driver::command::{Access, Message};
use rnic_driver::one_shot::Request;
use rnic_sim::bus_monitor::BusEvent;
use rnic_sim::model::Gateware;
use rnic_tests::RigOptions;

use crate::figure::{Figure, Report};
use crate::stage::{first, Stage, MESSAGE_BYTES};

/// Rounds of each measurement.
const ROUNDS: usize = 8;
/// Words of a small message.
const MESSAGE_WORDS: f64 = MESSAGE_BYTES as f64 / 4.0;
/// Budgets.
const DOORBELL_TO_WIRE: f64 = 28.0;
const WIRE_TO_PAYLOAD: f64 = 12.0;
const PAYLOAD_TO_CQE: f64 = 16.0;
const PAYLOAD_TO_CQE_RELEASE: f64 = 26.0;

/// Cycles of one one-shot round.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    doorbell_to_wire: u64,
    wire_to_payload: u64,
    payload_to_cqe: u64,
    wire_to_reply: u64,
    reply_to_cqe: u64,
}

impl Round {
    fn worst(self, other: Self) -> Self {
        Self {
            doorbell_to_wire: self.doorbell_to_wire.max(other.doorbell_to_wire),
            wire_to_payload: self.wire_to_payload.max(other.wire_to_payload),
            payload_to_cqe: self.payload_to_cqe.max(other.payload_to_cqe),
            wire_to_reply: self.wire_to_reply.max(other.wire_to_reply),
            reply_to_cqe: self.reply_to_cqe.max(other.reply_to_cqe),
        }
    }
}

/// Measures all of them.
pub fn measure(report: &mut Report, gateware: Gateware) -> Result<()> {
    let mut stage = Stage::new(RigOptions::ideal(gateware))?;
    let mut worst = Round::default();
    for index in 0..ROUNDS {
        let depth = stage.board(0).identity().queue_depth as usize;
        worst = worst.worst(stage.explain(|stage| one_shot(stage, index % depth))?);
    }
    let message = WIRE_TO_PAYLOAD + MESSAGE_WORDS;
    let rows = [
        (
            "one-shot, 64 B inline, contiguous: doorbell to first wire word",
            worst.doorbell_to_wire,
            DOORBELL_TO_WIRE,
        ),
        (
            "Send of 64 B: last wire word to last payload word (12 + 16)",
            worst.wire_to_payload,
            message,
        ),
        (
            "Send of 64 B: last payload word to last CQE word",
            worst.payload_to_cqe,
            PAYLOAD_TO_CQE,
        ),
        (
            "Send with Invalidate, 64 B: last wire word to last reply word",
            worst.wire_to_reply,
            message,
        ),
        (
            "Send with Invalidate: last reply word to last CQE word, with release",
            worst.reply_to_cqe,
            PAYLOAD_TO_CQE_RELEASE,
        ),
    ];
    for (name, value, budget) in rows {
        report.add(Figure::cycles(name, value as f64, budget));
    }
    let segment = gateware.config().max_segment_bytes as usize;
    for bytes in [MESSAGE_BYTES, segment] {
        let mut cycles = 0;
        for _ in 0..ROUNDS {
            cycles = cycles.max(stage.explain(|stage| write(stage, bytes))?);
        }
        let words = bytes / 4;
        report.add(Figure::cycles(
            format!("Write of {bytes} B: last wire word to last payload word (12 + {words})"),
            cycles as f64,
            WIRE_TO_PAYLOAD + words as f64,
        ));
    }
    Ok(())
}

/// One round, its receive and its reply in buffer `index`.
fn one_shot(stage: &mut Stage, index: usize) -> Result<Round> {
    stage.post_receive(1, index)?;
    stage.settle()?;
    stage.record();
    let request = Request {
        reply: Some(stage.memory[0].replies.reply(index)?),
        ..Request::new(
            stage.memory[0].sink_memory.slice(..4096)?.into(),
            Access::REMOTE_WRITE,
            index as u64,
        )
    };
    let message = Message::Inline(vec![0x5A; MESSAGE_BYTES]);
    let stag = stage.pair.initiator.one_shot(request, message)?;
    stage.settle()?;
    match stage.expect(1)? {
        Event::Done(done) if done.advertised == Some(stag) => {}
        other => bail!("instead of the one-shot's message: {other:?}"),
    }
    let (near, far) = (stage.marks(0), stage.marks(1));

    stage.record();
    let reply = Message::Inline(vec![0xA5; MESSAGE_BYTES]);
    let responder = stage.pair.responder.vi_mut();
    responder.send_invalidate(stag, reply, false, 0)?;
    stage.settle()?;
    match stage.expect(0)? {
        Event::OneShot(completed) if completed.failure.is_none() => {}
        other => bail!("instead of the one-shot's completion: {other:?}"),
    }
    match stage.expect(1)? {
        Event::Done(_) => {}
        other => bail!("instead of the reply's completion: {other:?}"),
    }
    let back = stage.marks(0);

    let [initiator, responder] = &stage.memory;
    let doorbell = first(&near, 0, |event| *event == BusEvent::Doorbell)?;
    let wire = first(&near, doorbell, |event| *event == BusEvent::WireOutFirst)?;
    let arrived = first(&far, 0, is_frame)?;
    let payload = first(
        &far,
        arrived,
        |event| matches!(*event, BusEvent::DmaWriteLast(iova, bytes) if responder.ends_received(iova, bytes)),
    )?;
    let cqe = first(&far, payload, |event| matches!(event, BusEvent::CqeLast(_)))?;
    let reply_arrived = first(&back, 0, is_frame)?;
    let reply = first(
        &back,
        reply_arrived,
        |event| matches!(*event, BusEvent::DmaWriteLast(iova, bytes) if initiator.ends_reply(iova, bytes)),
    )?;
    let reply_cqe = first(&back, reply, |event| matches!(event, BusEvent::CqeLast(_)))?;
    Ok(Round {
        doorbell_to_wire: wire - doorbell,
        wire_to_payload: payload - arrived,
        payload_to_cqe: cqe - payload,
        wire_to_reply: reply - reply_arrived,
        reply_to_cqe: reply_cqe - reply,
    })
}

/// A Write of one segment: cycles from its last wire word to its last payload word.
fn write(stage: &mut Stage, bytes: usize) -> Result<u64> {
    stage.record();
    let descriptor = stage.write(0, 0, bytes)?;
    stage.pair.initiator.vi_mut().post_send(&descriptor, 0)?;
    stage.settle()?;
    stage.expect(0)?;
    let marks = stage.marks(1);
    let sink = &stage.memory[1];
    let arrived = first(&marks, 0, is_frame)?;
    let into_sink =
        |event: &BusEvent| matches!(*event, BusEvent::DmaWriteLast(iova, _) if sink.in_sink(iova));
    let last = marks.iter().rfind(|(_, event)| into_sink(event));
    match last {
        Some((cycle, _)) => Ok(cycle - arrived),
        None => bail!("the Write wrote nothing"),
    }
}

/// Acknowledgements are shorter than any message of 64 bytes.
fn is_frame(event: &BusEvent) -> bool {
    matches!(event, BusEvent::WireInLast(words) if *words as f64 > MESSAGE_WORDS)
}
