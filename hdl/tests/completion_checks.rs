//! Static checks of the completion stage's blocks, and any input at all.

use rnic_hdl::completion::complete::Complete;
use rnic_hdl::completion::cq_table::CqTable;
use rnic_hdl::completion::flush::Flush;
use rnic_hdl::completion::status_line::StatusLine;
use rnic_hdl::completion::Completion;
use rnic_verilate::{check_block, Dut};

#[test]
fn passes_the_static_checks() {
    check_block("cq_table", &mut CqTable::<3, 6>::new()).unwrap();
    check_block("complete", &mut Complete::<3>::new()).unwrap();
    check_block("flush", &mut Flush::<2>::new()).unwrap();
    check_block("status_line", &mut StatusLine::default()).unwrap();
    check_block("completion", &mut Completion::<3, 2, 6>::default()).unwrap();
    check_block("completion_full", &mut Completion::<5, 4, 8>::default()).unwrap();
}

#[test]
fn any_input_gives_the_same_outputs_in_rust_and_in_verilog() {
    let block = Completion::<3, 2, 6>::default();
    let mut dut = Dut::new("completion", block, |b| &mut b.clock).unwrap();
    for _ in 0..70 {
        dut.drive(|b| b.reset.next = true);
        dut.tick();
    }
    dut.fuzz(20_000, 3, |b, random| {
        b.reset.next = random.chance(0.002);
        for i in 0..3 {
            b.jobs[i].data.next = random.bits();
            b.jobs[i].last.next = random.chance(0.2);
            b.jobs[i].valid.next = random.chance(0.7);
        }
        b.dma_write.ready.next = random.chance(0.8);
        b.request.ready.next = random.chance(0.5);
        b.piece.error.next = random.pick(&[0_u64, 0, 0, 1]).into();
        b.piece.iova.next = random.bits();
        b.piece.bytes.next = random.pick(&[8_u64, 8, 4]).into();
        b.piece.last.next = random.chance(0.8);
        b.piece.valid.next = random.chance(0.5);
        b.drain.epoch.next = random.chance(0.02);
        b.cq_config.cq.next = random.bits();
        b.cq_config.entries_log2.next = random.bits();
        b.cq_config.iova.next = random.bits();
        b.cq_config.valid.next = random.chance(0.3);
        b.cq_reserve.cq.next = random.bits();
        b.cq_reserve.valid.next = random.chance(0.2);
        b.cq_doorbell.cq.next = random.bits();
        b.cq_doorbell.consumed.next = random.bits();
        b.cq_doorbell.arm.next = random.chance(0.5);
        b.cq_doorbell.valid.next = random.chance(0.2);
        b.irq.ready.next = random.chance(0.7);
        b.event.ready.next = random.chance(0.7);
        b.slot_parity.next = random.bits();
        b.ring_consumed.next = random.bits();
        b.status_line_iova.next = random.bits();
        b.flush.vi.next = random.bits();
        b.flush.valid.next = random.chance(0.5);
        b.stop_transmit.ready.next = random.chance(0.5);
        b.stop_receive.ready.next = random.chance(0.5);
        b.queue_read.ready.next = random.chance(0.5);
        b.queue_data.data.next = random.bits();
        b.queue_data.last.next = random.chance(0.3);
        b.queue_data.valid.next = random.chance(0.5);
        b.send_undone.next = random.bits();
        b.receive_undone.next = random.bits();
        b.walk.ready.next = random.chance(0.5);
        b.walk_result.done.next = random.chance(0.5);
        b.walk_result.stag.next = random.bits();
        b.walk_result.context.next = random.bits();
        b.walk_result.valid.next = random.chance(0.5);
        b.vi_config.vi.next = random.bits();
        b.vi_config.word.next = random.bits();
        b.vi_config.data.next = random.bits();
        b.vi_config.valid.next = random.chance(0.3);
    });
}
