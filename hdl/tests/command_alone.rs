//! The blocks of the command side, each alone, with any input, at the sizes of `Small` and `Full`.

mod alone;

use alone::alone;
use rnic_abi::command::{flags, opcode};
use rnic_abi::config::{FULL, SMALL};
use rnic_hdl::command::command_fetch::CommandFetch;
use rnic_hdl::command::command_post::CommandPost;
use rnic_hdl::command::doorbell::Doorbell;
use rnic_hdl::command::event_merge::EventMerge;
use rnic_hdl::command::queue_pointers::QueuePointers;
use rnic_hdl::command::vi_config_fork::ViConfigFork;
use rnic_hdl::command::work_queue::WorkQueue;
use rnic_verilate::{Before, Stimulus};

alone! {
    command_post = CommandPost::<5, 6, 10>::new(), small CommandPost::<4, 5, 9>::new(),
        never ["event$vi", "event$event", "step$vi"],
        with ring_entries();
    command_fetch = CommandFetch::<5, 10, 4, 16, 5>::new(&FULL), small CommandFetch::<4, 9, 2, 4, 3>::new(&SMALL),
        never ["list_request$bytes", "release$force", "release$peek", "event$event"],
        with commands();
    doorbell = Doorbell::<4>::new(), small Doorbell::<2>::new(),
        never ["event$event"],
        with |b, random, _| {
            b.store.offset.next = ((random.below(16) << 12) | (4 * random.below(9))).into();
            b.store.data.next = random.pick(&[0_u64, 1, 2, 3, 64, 0x1234_5678]).into();
            b.post_count.next = random.below(4).into();
            b.post_full.next = random.chance(0.1);
        };
    queue_pointers = QueuePointers::<6, 7>::new(), small QueuePointers::<3, 4>::new(),
        with |b, random, _| {
            b.clear.next = random.chance(0.001);
            b.push.next = random.chance(0.8);
            b.finish.next = random.chance(0.2);
        };
    work_queue = WorkQueue::<4, 16, 6, 7, 13>::new(), small WorkQueue::<2, 4, 3, 4, 8>::new();
    event_merge = EventMerge::<3>::default();
    vi_config_fork = ViConfigFork::new();
}

/// Posts into the ring and writes slots; the sequence is right, mostly.
fn ring_entries<const L: usize, const P: usize, const W: usize>(
) -> impl FnMut(&mut CommandPost<L, P, W>, &mut Stimulus, &Before) {
    let mut sequence = 0;
    move |b, random, before| {
        sequence += u64::from(b.step.fire.val());
        if before.get("reset") == 1 {
            sequence = 0;
        }
        b.store.offset.next = (0x1000 + 4 * random.below(0x400)).into();
        if random.chance(0.3) {
            b.store.offset.next = (8 * (sequence % (1 << L))).into();
            b.store.data.next = (random.below(32) | random.below(6) << 16).into();
        } else if random.chance(0.3) {
            b.store.offset.next = (8 * (sequence % (1 << L)) + 4).into();
            b.store.data.next = (sequence + u64::from(random.chance(0.1))).into();
        }
        b.land_valid.next = random.chance(0.2);
        b.entry_done.next = b.entry_valid.val() & random.chance(0.3);
        b.entry_free.next = random.chance(0.1);
        for free in &mut b.slot_free {
            free.valid.next = random.chance(0.1);
        }
    }
}

/// Commands of every kind in the slot RAM, of which some have a fault.
fn commands<const L: usize, const W: usize, const V: usize, const N: usize, const C: usize>(
) -> impl FnMut(&mut CommandFetch<L, W, V, N, C>, &mut Stimulus, &Before) {
    let mut slot = vec![0; 32];
    let mut entry = (0, 1, false);
    move |b, random, before| {
        if before.get("entry_done") == 1 || before.get("reset") == 1 {
            slot = command(random);
            entry = (
                random.below(1 << L),
                1 + random.below(4),
                random.chance(0.05),
            );
        }
        b.entry_valid.next = random.chance(0.95);
        b.entry_slot.next = entry.0.into();
        b.entry_count.next = entry.1.into();
        b.entry_bad.next = entry.2;
        b.enable.next = random.chance(0.9);
        // The word asked for in the cycle before; behind the command's slot its list.
        let asked = u64::from(before.get("read_word"));
        b.read_valid.next = random.chance(0.95);
        if asked >> 5 == entry.0 {
            b.read_data.next = slot[asked as usize % 32].into();
        }
        b.connected.next = random.pick(&[0xFFFF_u64, 0xFFFF, 0]).into();
        b.flushing.next = random.pick(&[0_u64, 0, 0xFFFF]).into();
        b.bind.ready.next = random.chance(0.9);
        b.push.full.next = random.chance(0.4);
    }
}

/// The words of a command.
fn command(random: &mut Stimulus) -> Vec<u64> {
    let mut words = vec![0; 32];
    let code = random.pick(&[1, 2, 3, 4, 4, 4, 5, 5, 6, 6, 7, 8, 9, 9, 10, 11]);
    let in_memory = random.chance(0.5);
    words[2] = random.below(1 << 14);
    match code as u8 {
        opcode::REGISTER | opcode::ONE_SHOT => {
            let (kind, count) = random.pick(&[(0, 0), (1, 1), (1, 5), (2, 3), (2, 9)]);
            words[3] = count << 24 | kind << 8;
            words[7] = random.below(200) << 5;
            words[8] = random.below(1 << 16);
        }
        opcode::CREATE_VI | opcode::MODIFY_VI => {
            words[2] = random.below(4);
            words[3] = random.below(1 << 10) & 0x3F4;
            words[5] = 0x1_0000 | random.below(4) << 24 | random.below(8);
            words[6] = 0x0101_0000;
        }
        opcode::CREATE_CQ | opcode::DESTROY_CQ => words[2] = random.below(8),
        opcode::RAW_SEND => {
            (words[2], words[7], words[13]) = (0, random.below(1 << 32), random.below(1024));
        }
        opcode::INVALIDATE | opcode::SEND_INVALIDATE => {}
        _ => words[2] = 0,
    }
    if code as u8 == opcode::CREATE_CQ {
        (words[3], words[4]) = (2 + random.below(13), random.below(1 << 27) << 5);
    }
    let list = u64::from(flags::LIST_IN_MEMORY) * u64::from(in_memory);
    let bind = code as u8 == opcode::REGISTER || code as u8 == opcode::ONE_SHOT;
    let flag = u64::from(random.chance(0.5)) | if bind { list } else { 0 };
    words[0] = code | flag << 8 | random.below(4) << 16;
    if random.chance(0.2) {
        words[random.below(16) as usize] = random.bits::<32>().to_u64();
    }
    words
}
