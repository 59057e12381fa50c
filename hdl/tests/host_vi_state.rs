//! Bench of the VI states: what breaks a VI, what is flushed, and in which order events come.

use rnic_abi::command::vi_state::{CONNECTED, CONNECT_PENDING, ERROR, IDLE};
use rnic_abi::event::Event;
use rnic_hdl::host::vi_state::ViState;
use rnic_verilate::{Dut, Stimulus};
use rust_hdl::prelude::*;

fn dut() -> Dut<ViState> {
    let mut dut = Dut::new("host_vi_state", ViState::new(4), |b| &mut b.clock).unwrap();
    dut.drive(|b| b.event.ready.next = true);
    dut
}

fn configure(dut: &mut Dut<ViState>, vi: u64, state: u8) {
    dut.drive(|b| {
        b.vi_config.valid.next = true;
        b.vi_config.vi.next = vi.into();
        b.vi_config.word.next = 2_u64.into();
        b.vi_config.data.next = u64::from(state).into();
    });
    dut.settle();
    assert!(dut.block().vi_config.ready.val());
    dut.tick();
    dut.drive(|b| b.vi_config.valid.next = false);
    dut.settle();
}

/// Reports an error from source `source` and waits until it is taken.
fn report(dut: &mut Dut<ViState>, source: usize, vi: u64, event: Event) {
    dut.drive(|b| {
        b.vi_error[source].valid.next = true;
        b.vi_error[source].vi.next = vi.into();
        b.vi_error[source].event.next = (event as u64).into();
    });
    for _ in 0..8 {
        dut.settle();
        let taken = dut.block().vi_error[source].ready.val();
        dut.tick();
        if taken {
            dut.drive(|b| b.vi_error[source].valid.next = false);
            dut.settle();
            return;
        }
    }
    panic!("the report is not taken");
}

/// Runs with a flush engine that takes `flush_cycles`; gives what happened.
fn watch(dut: &mut Dut<ViState>, cycles: u64, flush_cycles: u64) -> Vec<String> {
    let (mut log, mut since) = (vec![], 0);
    for _ in 0..cycles {
        dut.settle();
        let flushing = dut.block().flush.valid.val();
        since = if flushing { since + 1 } else { 0 };
        let done = since == flush_cycles;
        dut.drive(|b| b.flush.ready.next = done);
        dut.settle();
        let block = dut.block();
        if flushing && done {
            log.push(format!("flushed {}", block.flush.vi.val().to_u64()));
            since = 0;
        }
        if block.event.valid.val() {
            let event = Event::from_bit(block.event.event.val().to_u64() as u8).unwrap();
            let vi = block.event.vi.val().to_u64();
            log.push(format!("{} {vi}", event.name()));
        }
        dut.tick();
    }
    log
}

#[test]
fn a_reported_error_breaks_raises_flushes_and_then_tells_the_loss() {
    let mut dut = dut();
    configure(&mut dut, 2, CONNECTED);
    assert_eq!(dut.block().connected.val(), 0b100_u64);
    dut.drive(|b| b.event.ready.next = false);
    report(&mut dut, 1, 2, Event::RdmawProt);
    assert_eq!(dut.block().connected.val(), 0_u64);
    assert_eq!(dut.block().broken.val(), 0b100_u64);
    assert_eq!(dut.block().flushing.val(), 0b100_u64);
    dut.drive(|b| {
        b.event.ready.next = true;
        b.shown_vi.next = 2_u64.into();
    });
    dut.settle();
    assert_eq!(dut.block().shown.val(), u64::from(4 | ERROR));
    let log = watch(&mut dut, 40, 10);
    assert_eq!(log, ["rdmaw_prot 2", "flushed 2", "conn_lost 2"]);
    assert_eq!(dut.block().shown.val(), u64::from(ERROR));
    assert!(!dut.block().busy.val());
    // Another report raises its event and changes nothing else.
    dut.drive(|b| b.event.ready.next = false);
    report(&mut dut, 0, 2, Event::TerminateSent);
    dut.drive(|b| b.event.ready.next = true);
    assert_eq!(watch(&mut dut, 40, 3), ["terminate_sent 2"]);
    // Nor one for a VI that is idle.
    report(&mut dut, 3, 1, Event::SendError);
    assert_eq!(watch(&mut dut, 40, 3), [""; 0]);
    assert_eq!(dut.block().broken.val(), 0b100_u64);
}

#[test]
fn a_disconnect_flushes_without_an_event() {
    let mut dut = dut();
    for state in [CONNECTED, CONNECT_PENDING] {
        configure(&mut dut, 1, state);
        assert_eq!(watch(&mut dut, 20, 3), [""; 0]);
        configure(&mut dut, 1, IDLE);
        assert_eq!(dut.block().flushing.val(), 0b10_u64);
        assert_eq!(watch(&mut dut, 20, 3), ["flushed 1"]);
        assert_eq!(dut.block().flushing.val(), 0_u64);
    }
    configure(&mut dut, 1, IDLE);
    assert_eq!(watch(&mut dut, 20, 3), [""; 0], "idle to idle");
    configure(&mut dut, 3, CONNECTED);
    configure(&mut dut, 3, ERROR);
    assert_eq!(watch(&mut dut, 30, 3), ["flushed 3", "conn_lost 3"]);
    configure(&mut dut, 3, IDLE);
    assert_eq!(watch(&mut dut, 20, 3), ["flushed 3"]);
}

#[test]
fn all_vis_are_flushed_one_at_a_time() {
    let mut dut = dut();
    for vi in 0..4 {
        configure(&mut dut, vi, CONNECTED);
    }
    for vi in [3, 0, 2, 1] {
        dut.drive(|b| b.event.ready.next = true);
        report(&mut dut, vi as usize, vi, Event::Timeout);
    }
    let log = watch(&mut dut, 200, 12);
    for vi in 0..4 {
        let at = |what: String| log.iter().position(|l| *l == what).unwrap();
        assert!(at(format!("flushed {vi}")) < at(format!("conn_lost {vi}")));
    }
    assert_eq!(log.iter().filter(|l| l.starts_with("flushed")).count(), 4);
    assert_eq!(log.iter().filter(|l| l.starts_with("conn_lost")).count(), 4);
    assert_eq!(dut.block().broken.val(), 0b1111_u64);
}

#[test]
fn a_change_during_a_flush_has_it_flushed_again() {
    let mut dut = dut();
    configure(&mut dut, 0, CONNECTED);
    configure(&mut dut, 0, ERROR);
    assert_eq!(watch(&mut dut, 10, 30), [""; 0]);
    assert!(dut.block().flush.valid.val());
    configure(&mut dut, 0, IDLE);
    assert_eq!(
        watch(&mut dut, 100, 30),
        ["flushed 0", "flushed 0", "conn_lost 0"]
    );
}

#[test]
fn any_input_gives_the_same_outputs_in_rust_and_in_verilog() {
    let fuzz = |name: &str, vis: usize| {
        let mut dut = Dut::new(name, ViState::new(vis), |b| &mut b.clock).unwrap();
        dut.fuzz(6_000, 2, |b: &mut ViState, random: &mut Stimulus| {
            b.reset.next = random.chance(0.005);
            b.vi_config.valid.next = random.chance(0.2);
            b.vi_config.vi.next = random.uniform();
            b.vi_config.word.next = (2 + random.below(2)).into();
            b.vi_config.data.next = Bits::<32>::from(random.below(4));
            for error in &mut b.vi_error {
                error.valid.next = random.chance(0.1);
                error.vi.next = random.uniform();
                error.event.next = random.uniform();
            }
            b.flush.ready.next = random.chance(0.2);
            b.event.ready.next = random.chance(0.3);
            b.shown_vi.next = random.uniform();
        });
    };
    fuzz("host_vi_state_4", 4);
    fuzz("host_vi_state_16", 16);
}
