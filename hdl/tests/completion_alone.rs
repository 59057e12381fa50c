//! The blocks of the completion stage, each alone, with any input, at the sizes of `Small` and `Full`.

mod alone;

use alone::alone;
use rnic_hdl::completion::complete::Complete;
use rnic_hdl::completion::cq_table::CqTable;
use rnic_hdl::completion::flush::Flush;
use rnic_hdl::completion::status_line::StatusLine;
use rnic_hdl::completion::Completion;
use rnic_verilate::Dut;

alone! {
    cq_table = CqTable::<5, 8>::new(), small CqTable::<3, 6>::new();
    complete = Complete::<5>::new(), small Complete::<3>::new(),
        never ["request$length", "request$access", "request$last_of_message", "event$event"],
        with |b, random, _| b.piece.bytes.next = random.pick(&[8_u64, 8, 4]).into();
    flush = Flush::<4>::new(), small Flush::<2>::new(),
        never ["queue_read$which", "queue_read$index"];
    status_line = StatusLine::default(),
        with |b, random, _| b.told.next = random.chance(0.003);
}

/// The directed tests of the composite are of `Small`.
#[test]
fn the_composite_at_full() {
    let block = Completion::<5, 4, 8>::default();
    let mut dut = Dut::new("completion_full", block, |b| &mut b.clock).unwrap();
    let reach = dut.fuzz_all(8_000..=8_000, 1, alone::DRAWS, &[], |b, random, _| {
        b.piece.bytes.next = random.pick(&[8_u64, 8, 4]).into();
    });
    println!("{reach}");
    assert!(reach.handshakes > 5_000 && reach.states > 25);
}
