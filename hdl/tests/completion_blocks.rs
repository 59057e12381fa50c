//! Static checks, cells and random input of the completion side's blocks, in both configurations.

use rnic_hdl::completion::complete::Complete;
use rnic_hdl::completion::cq_table::CqTable;
use rnic_hdl::completion::flush::Flush;
use rnic_hdl::completion::status_line::StatusLine;
use rnic_hdl::completion::Completion;
use rnic_verilate::{cells, check_block, verilog, Dut};
use rust_hdl::prelude::*;

type Small = Completion<3, 6>;
type Full = Completion<5, 8>;

fn check<B: Block>(name: &str, mut block: B) {
    check_block(name, &mut block).unwrap();
    block.connect_all();
    println!(
        "{name:20} {}",
        cells(name, &verilog(name, &block).unwrap()).unwrap()
    );
}

#[test]
fn small_blocks_pass_the_static_checks() {
    check("complete", Complete::<3>::new());
    check("cq_table", CqTable::<3, 6>::new());
    check("status_line", StatusLine::default());
    check("flush", Flush::new());
    check("completion", Small::default());
}

#[test]
fn full_passes_the_static_checks() {
    check_block("completion_full", &mut Full::default()).unwrap();
}

#[test]
fn any_input_gives_the_same_outputs_in_rust_and_in_verilog() {
    let mut dut = Dut::new("completion_full", Full::default(), |b| &mut b.clock).unwrap();
    dut.fuzz(6_000, 2, |b, random| {
        b.reset.next = random.chance(0.0005);
        for job in &mut b.jobs {
            job.valid.next = random.chance(0.7);
            job.data.next = random.bits();
            job.last.next = random.chance(0.1);
        }
        b.tpt.ready.next = random.chance(0.5);
        b.piece.valid.next = random.chance(0.5);
        b.piece.iova.next = random.bits();
        b.piece.error.next = random.pick(&[0, 0, 0, 4]).into();
        b.piece.last.next = random.chance(0.7);
        b.drain.epoch.next = random.chance(0.5);
        b.dma_write.ready.next = random.chance(0.8);
        b.cq_config.valid.next = random.chance(0.1);
        b.cq_config.cq.next = random.below(32).into();
        b.cq_config.entries_log2.next = random.below(16).into();
        b.cq_config.iova.next = random.bits();
        b.cq_reserve.valid.next = random.chance(0.1);
        b.cq_reserve.cq.next = random.below(32).into();
        b.cq_doorbell.valid.next = random.chance(0.2);
        b.cq_doorbell.cq.next = random.below(40).into();
        b.cq_doorbell.consumed.next = random.below(4).into();
        b.cq_doorbell.arm.next = random.chance(0.5);
        b.irq.ready.next = random.chance(0.5);
        b.event.ready.next = random.chance(0.5);
        b.vi_config.valid.next = random.chance(0.1);
        b.vi_config.vi.next = random.below(16).into();
        b.vi_config.word.next = random.pick(&[2, 5]).into();
        b.vi_config.data.next = random.bits();
        b.slot_parity.next = random.bits();
        b.ring_consumed.next = random.bits();
        b.status_line_iova.next = random.bits();
        b.flush.valid.next = random.chance(0.9);
        b.flush.vi.next = random.below(16).into();
        b.stop_transmit.ready.next = random.chance(0.5);
        b.stop_receive.ready.next = random.chance(0.5);
        b.queue_read.ready.next = random.chance(0.5);
        b.queue_data.valid.next = random.chance(0.6);
        b.queue_data.data.next = random.bits();
        b.send_undone.next = random.pick(&[0, 0, 0xFFFF]).into();
        b.receive_undone.next = random.pick(&[0, 0, 0xFFFF]).into();
        b.walk.ready.next = random.chance(0.5);
        b.walk_result.valid.next = random.chance(0.5);
        b.walk_result.done.next = random.chance(0.4);
        b.walk_result.stag.next = random.bits();
        b.walk_result.context.next = random.bits();
    });
}
