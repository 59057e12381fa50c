//! Bench of the DMA write arbiter: whole bursts, no gaps, no starvation.

use std::collections::VecDeque;

use rnic_hdl::host::dma_write::DmaWrite;
use rnic_verilate::{Dut, Stimulus};

fn dut() -> Dut<DmaWrite> {
    Dut::new("host_dma_write", DmaWrite::default(), |b| &mut b.clock).unwrap()
}

/// Plays `cycles` cycles; gives the words that moved: {writer, burst, word, last}.
fn run(dut: &mut Dut<DmaWrite>, cycles: u64, pace: f64, seed: u64) -> Vec<(u64, u64, u64, bool)> {
    let mut random = Stimulus::new(seed);
    let mut bursts = [0_u64; 2];
    let mut words: [VecDeque<(u64, u64, bool)>; 2] = Default::default();
    let mut offers = [false; 2];
    let mut moved = vec![];
    for _ in 0..cycles {
        for writer in 0..2 {
            if words[writer].is_empty() {
                let length = 1 + random.below(9);
                let burst = (0..length).map(|w| (bursts[writer], w, w + 1 == length));
                words[writer].extend(burst);
                bursts[writer] += 1;
            }
            offers[writer] = offers[writer] || random.chance(pace);
        }
        let ready = random.chance(pace);
        dut.drive(|b| {
            b.dma_write.ready.next = ready;
            for (writer, port) in b.write.iter_mut().enumerate() {
                let (burst, word, last) = words[writer][0];
                port.valid.next = offers[writer];
                port.iova.next = (burst * 2 + writer as u64).into();
                port.bytes.next = burst.into();
                port.data.next = word.into();
                port.last.next = last;
            }
        });
        dut.settle();
        let block = dut.block();
        let taken: Vec<usize> = (0..2)
            .filter(|&w| offers[w] && block.write[w].ready.val())
            .collect();
        if block.dma_write.valid.val() && ready {
            assert_eq!(taken.len(), 1);
            let writer = taken[0];
            let (burst, word, last) = words[writer].pop_front().unwrap();
            offers[writer] = false;
            assert_eq!(block.dma_write.iova.val(), burst * 2 + writer as u64);
            assert_eq!(block.dma_write.bytes.val(), burst);
            assert_eq!(block.dma_write.data.val(), word);
            assert_eq!(block.dma_write.last.val(), last);
            assert_eq!(block.issued.val(), last);
            moved.push((writer as u64, burst, word, last));
        } else {
            assert!(taken.is_empty() && !block.issued.val());
        }
        dut.tick();
    }
    moved
}

#[test]
fn bursts_are_never_mixed() {
    let moved = run(&mut dut(), 20_000, 0.6, 1);
    let mut open: Option<(u64, u64)> = None;
    for &(writer, burst, word, last) in &moved {
        match open {
            Some(burst_before) => assert_eq!((writer, burst), burst_before),
            None => assert_eq!(word, 0),
        }
        open = (!last).then_some((writer, burst));
    }
    assert!(moved.len() > 5_000);
}

#[test]
fn a_word_moves_in_each_cycle_and_the_writers_alternate() {
    let moved = run(&mut dut(), 2_000, 1.0, 2);
    assert_eq!(moved.len(), 2_000);
    let starts: Vec<u64> = moved.iter().filter(|w| w.2 == 0).map(|w| w.0).collect();
    assert!(starts.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn a_stop_lets_the_burst_end_and_starts_none() {
    let mut dut = dut();
    dut.drive(|b| {
        b.write[1].valid.next = true;
        b.dma_write.ready.next = false;
    });
    dut.tick();
    dut.drive(|b| {
        b.stop.next = true;
        b.write[0].valid.next = true;
        b.dma_write.ready.next = true;
    });
    for word in 0..3 {
        dut.drive(|b| b.write[1].last.next = word == 2);
        dut.settle();
        assert!(!dut.block().quiet.val() && dut.block().write[1].ready.val());
        dut.tick();
    }
    dut.settle();
    assert!(dut.block().quiet.val() && !dut.block().dma_write.valid.val());
    assert!(!dut.block().write[0].ready.val() && !dut.block().write[1].ready.val());
}

#[test]
fn any_input_gives_the_same_outputs_in_rust_and_in_verilog() {
    dut().fuzz(5_000, 6, |b, random| {
        b.reset.next = random.chance(0.02);
        b.stop.next = random.chance(0.1);
        for write in &mut b.write {
            write.iova.next = random.bits();
            write.bytes.next = random.bits();
            write.data.next = random.bits();
            write.last.next = random.chance(0.3);
            write.valid.next = random.chance(0.5);
        }
        b.dma_write.ready.next = random.chance(0.7);
    });
}
