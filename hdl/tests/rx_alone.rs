//! The blocks of the receive stage, each alone, with any input, at the sizes of `Small` and `Full`.

mod alone;
#[path = "rx_bench/wire.rs"]
#[allow(dead_code)]
mod wire;

use std::collections::VecDeque;

use alone::alone;
use rnic_abi::wire::link::{TYPE_ACK, TYPE_DATA, TYPE_RAW};
use rnic_hdl::llp::llp_receive::LlpReceive;
use rnic_hdl::rx::completion_report::CompletionReport;
use rnic_hdl::rx::ddp_parse::DdpParse;
use rnic_hdl::rx::frame_banks::FrameBanks;
use rnic_hdl::rx::mpa_check::MpaCheck;
use rnic_hdl::rx::payload_write::PayloadWrite;
use rnic_hdl::rx::place::Place;
use rnic_hdl::rx::read_handover::ReadHandover;
use rnic_hdl::rx::read_tracker::ReadTracker;
use rnic_hdl::rx::receive_context::{Layout, ReceiveContext};
use rnic_hdl::rx::receive_prefetch::ReceivePrefetch;
use rnic_hdl::rx::terminate_outbox::TerminateOutbox;
use rnic_verilate::{Before, Stimulus};
use wire::{link, tagged, untagged, Link, Untagged};

alone! {
    llp_receive = LlpReceive::<9>::new(4), small LlpReceive::<8>::new(2),
        with frames();
    mpa_check = MpaCheck::new();
    frame_banks = FrameBanks::<9, 10>::default(), small FrameBanks::<8, 9>::default();
    ddp_parse = DdpParse::new();
    receive_context = ReceiveContext::<11>::new(Layout::FULL), small ReceiveContext::<8>::new(Layout::SMALL);
    read_tracker = ReadTracker::new(Layout::FULL, 2, 4), small ReadTracker::new(Layout::SMALL, 1, 2);
    receive_prefetch = ReceivePrefetch::new(Layout::FULL, 16), small ReceivePrefetch::new(Layout::SMALL, 6),
        never ["queue_read$receive", "queue_read$which", "queue_read$index", "request$access", "request$last_of_message"];
    payload_write = PayloadWrite::<9, 11>::new(), small PayloadWrite::<8, 10>::new(),
        with |b, random, _| {
            b.piece.error.next = random.pick(&[0_u64, 0, 0, 5]).into();
            b.piece.bytes.next = random.below(24).into();
            b.raw.next = random.chance(0.1);
        };
    completion_report = CompletionReport::new();
    read_handover = ReadHandover::<9>::default(), small ReadHandover::<8>::default(),
        with {
            // It gives up when nobody takes the first word for 64 cycles.
            let mut stuck = 0;
            move |b, random, _| {
                stuck = if random.chance(0.005) { 100 } else { stuck.max(1) - 1 };
                b.read_in.ready.next = stuck == 0 && random.chance(0.7);
            }
        };
    terminate_outbox = TerminateOutbox::<4>::new(), small TerminateOutbox::<2>::new();
    place = Place::<9, 11>::new(Layout::FULL), small Place::<8, 10>::new(Layout::SMALL),
        never ["stag_release$force", "owed$now", "owed$nak"],
        with segments();
}

/// Link frames of all types, mostly of a peer that is connected; some are cut short or changed.
fn frames<const F: usize>() -> impl FnMut(&mut LlpReceive<F>, &mut Stimulus, &Before) {
    let mut words = VecDeque::new();
    move |b, random, before| {
        if before.moved("frames$") {
            words.pop_front();
        }
        if words.is_empty() {
            let kind = random.pick(&[TYPE_DATA, TYPE_DATA, TYPE_ACK, TYPE_RAW, 0]);
            let header = Link {
                kind,
                flags: random.below(2) as u8,
                vi: random.below(5) as u8,
                from: random.pick(&[0, 0, 0, 9]),
                sequence: random.pick(&[0, 0, 4, 0x7FFF_0000, 0xFFFF_FF00]),
                acknowledged: random.below(1 << 20) as u32,
            };
            let bytes = random.pick(&[0, 4, 40, 7]) * usize::from(kind != TYPE_ACK);
            words.extend(link(header, &vec![0x5A; bytes]));
            if random.chance(0.1) {
                words.truncate(1 + random.below(8) as usize);
            }
        }
        b.frames.data.next = u64::from(words[0]).into();
        if random.chance(0.01) {
            b.frames.data.next = random.bits();
        }
        b.frames.last.next = words.len() == 1;
        b.connected.next = random.pick(&[0xFFFF_u64, 0xFFFF, 0xFFFF, 0xFFF0]).into();
        b.length_good.next = random.chance(0.9);
        // Peer 0, reliable or not; the next sequence is mostly 0 again.
        b.vi_config.valid.next = random.chance(0.1);
        b.vi_config.word.next = random.pick(&[5_u64, 6, 8, 8]).into();
        b.vi_config.data.next = 0_u64.into();
        if b.vi_config.word.next == 5 {
            b.vi_config.data.next = (random.below(2) << 16).into();
        }
        b.placed.valid.next = random.chance(0.3);
    }
}

/// A bank with a segment of some kind, and a context that remembers.
fn segments<const F: usize, const P: usize>() -> impl FnMut(&mut Place<F, P>, &mut Stimulus, &Before)
{
    let mut bank = vec![0; 1 << F];
    let mut context = vec![0; 128 * 16];
    let mut frame = (0, false, 1);
    let mut raw_received = 0_u64;
    let mut unreliable = 0_u64;
    move |b, random, before| {
        let at = before.get("bank_address") as usize;
        let row = before.get("vi") as usize * 128;
        b.bank_data.next = u64::from(bank[at]).into();
        b.context_data.next = u64::from(context[row + before.get("context_index") as usize]).into();
        if before.get("context_write") & before.get("context_write_ready") == 1 {
            let index = before.get("context_write_index") as usize;
            context[row + index] = before.get("context_write_data");
        }
        if before.get("release_bank") == 1 {
            frame = (
                random.below(4),
                random.chance(0.1),
                random.pick(&[1_u64, 1, 1, 1, 2, 3]),
            );
            // The context expects what comes, mostly; its other words fit as a descriptor's state, addresses and lengths.
            let value = random.pick(&[0, 0x100, 0x200, 0x40]);
            bank = segment(random, value);
            for (index, word) in context[frame.0 as usize * 128..][..128]
                .iter_mut()
                .enumerate()
            {
                *word = match index % 8 {
                    header @ 1..=4 if random.chance(0.95) => bank[header].swap_bytes(),
                    _ => random.pick(&[value, value, value, 0]),
                };
            }
            if frame.1 {
                bank[0] = random.pick(&[4, 40, 2000]);
            }
            bank.resize(1 << F, 0);
        }
        if random.chance(0.005) {
            unreliable = random.pick(&[0, 0, 0xFFFF]);
        }
        b.unreliable.next = unreliable.into();
        raw_received += u64::from(before.get("raw_received"));
        b.frame_valid.next = true;
        b.frame_vi.next = frame.0.into();
        b.frame_raw.next = frame.1;
        b.frame_verdict.next = random.pick(&[0, frame.2]).into();
        b.frame_arrived.next = 7_u64.into();
        b.connected.next = random.pick(&[0xFFFF_u64, 0xFFFF, 0xFFFF, 0xFFF0]).into();
        b.have.next = random.pick(&[0xFFFF_u64, 0xFFFF, 0]).into();
        b.receive_ready.next = random.pick(&[0xFFFF_u64, 0]).into();
        b.stop.valid.next = random.chance(0.3);
        b.breaking.next = random.chance(0.1);
        b.piece.error.next = random.pick(&[0_u64, 0, 0, 5]).into();
        b.piece.bytes.next = random.below(40).into();
        b.release_result.one_shot.next = random.chance(0.8);
        b.release_result.reply_handle.next = random.pick(&[0_u64, 7]).into();
        b.raw_ring_entries.next = 16_u64.into();
        b.raw_consumed.next = raw_received.saturating_sub(random.below(17)).into();
    }
}

/// The words of an FPDU: a Write, a Read Response, a Send of any kind, a Read Request, a Terminate, or none of them.
fn segment(random: &mut Stimulus, value: u32) -> Vec<u32> {
    let payload = vec![0xA5; random.pick(&[0, 4, 28, 28, 100])];
    let last = random.chance(0.8);
    let to = u64::from(value) << 32 | u64::from(value);
    let bytes = match random.below(3) {
        0 => tagged(random.pick(&[0, 2]), last, value, to, &payload),
        _ => {
            let opcode = random.pick(&[1, 1, 3, 4, 4, 5, 6, 6, 7, 7, 9]);
            let header = Untagged {
                opcode,
                rsv: 0,
                last,
                field: random.below(4) as u32,
                qn: match opcode {
                    1 => 1,
                    7 => 2,
                    _ => 0,
                },
                msn: value,
                mo: random.pick(&[0, 0, value]),
            };
            untagged(header, &payload)
        }
    };
    let words = bytes.chunks(4);
    words
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}
