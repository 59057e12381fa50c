//! Static checks and cell counts of the blocks of the transmit stage, each alone, with the sizes of `Small`.

use rnic_abi::config::{FULL, SMALL};
use rnic_hdl::llp::llp_send::LlpSend;
use rnic_hdl::llp::reliable::Reliable;
use rnic_hdl::tx::ack_timer::AckTimer;
use rnic_hdl::tx::context::Context;
use rnic_hdl::tx::ddp_insert::DdpInsert;
use rnic_hdl::tx::descriptor_fetch::DescriptorFetch;
use rnic_hdl::tx::fault::Fault;
use rnic_hdl::tx::header_fields::HeaderFields;
use rnic_hdl::tx::mpa_frame::MpaFrame;
use rnic_hdl::tx::payload_fifo::PayloadFifo;
use rnic_hdl::tx::payload_read::PayloadRead;
use rnic_hdl::tx::queue_share::QueueShare;
use rnic_hdl::tx::read_queue::ReadQueue;
use rnic_hdl::tx::reads_outstanding::ReadsOutstanding;
use rnic_hdl::tx::retire::Retire;
use rnic_hdl::tx::scheduler::Scheduler;
use rnic_hdl::tx::slot_share::SlotShare;
use rnic_hdl::tx::source_use::SourceUse;
use rnic_hdl::tx::terminate::Terminate;
use rnic_hdl::tx::transmit::{FullTransmit, SmallTransmit};
use rnic_hdl::tx::vi_count::ViCount;
use rnic_verilate::{cells, check_block, verilog};
use rust_hdl::prelude::*;

fn check<B: Block>(name: &str, mut block: B) {
    if let Err(error) = check_block(name, &mut block) {
        panic!("{error}");
    }
    let text = verilog(name, &block).unwrap();
    std::fs::write(format!("{}/{name}.v", env!("CARGO_TARGET_TMPDIR")), &text).unwrap();
    println!("{name:18} {}", cells(name, &text).unwrap());
}

macro_rules! checks {
    ($($name:ident = $block:expr;)*) => { $(
        #[test]
        fn $name() {
            check(stringify!($name), $block);
        }
    )* };
}
checks! {
    vi_count = ViCount::<3>::new(4);
    context = Context::<8>::new();
    ack_timer = AckTimer::<8>::new(6);
    descriptor_fetch = DescriptorFetch::<8, 8>::new(6, 5, 6);
    reads_outstanding = ReadsOutstanding::new(2);
    read_queue = ReadQueue::<8, 8, 1>::new(2, 6, 5, 48, 6);
    scheduler = Scheduler::new();
    header_fields = HeaderFields::new();
    ddp_insert = DdpInsert::<8, 2, 1>::new(6, 32, 48, 6, 512);
    payload_fifo = PayloadFifo::<8>::new(536);
    payload_read = PayloadRead::<8, 8>::new(5, 536);
    mpa_frame = MpaFrame::new();
    llp_send = LlpSend::new();
    reliable = Reliable::<8, 2, 5>::new(6, 32, 3);
    terminate = Terminate::new();
    slot_share = SlotShare::default();
    queue_share = QueueShare::new();
    fault = Fault::new();
    source_use = SourceUse::<8, 8, 3>::new(6, 2);
    retire = Retire::<5, 4>::new(3);
}

/// Both configurations pass; their cells take yosys minutes, see `cells_of_transmit_small`.
#[test]
fn transmit() {
    check_block("transmit_small", &mut SmallTransmit::new(&SMALL)).unwrap();
    check_block("transmit_full", &mut FullTransmit::new(&FULL)).unwrap();
}

#[test]
#[ignore = "minutes of synthesis"]
fn cells_of_transmit_small() {
    check("transmit_small", SmallTransmit::new(&SMALL));
}
