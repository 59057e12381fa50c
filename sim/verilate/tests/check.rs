//! The static checks: each of them refuses what it is for, and says which block.

use rnic_verilate::{cells, check_block, verilog, BlockError, ToolError};
use rust_hdl::prelude::*;

#[derive(LogicBlock, Default)]
struct Counter {
    clock: Signal<In, Clock>,
    enable: Signal<In, Bit>,
    count: Signal<Out, Bits<8>>,
    value: DFF<Bits<8>>,
}

impl Logic for Counter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, value);
        self.count.next = self.value.q.val();
        if self.enable.val() {
            self.value.d.next = self.value.q.val() + 1;
        }
    }
}

#[test]
fn a_sound_block_passes_and_passes_again_from_the_cache() {
    check_block("counter", &mut Counter::default()).unwrap();
    check_block("counter", &mut Counter::default()).unwrap();
}

#[derive(LogicBlock, Default)]
struct Latch {
    enable: Signal<In, Bit>,
    held: Signal<Out, Bit>,
}

impl Logic for Latch {
    #[hdl_gen]
    fn update(&mut self) {
        if self.enable.val() {
            self.held.next = true;
        }
    }
}

#[test]
fn a_latch_is_refused() {
    let error = check_block("latch", &mut Latch::default()).unwrap_err();
    let BlockError::Tool(ToolError::Failed {
        subject, output, ..
    }) = error
    else {
        panic!("{error}");
    };
    assert_eq!(subject, "block_latch");
    assert!(
        output.contains("Latch inferred for signal 'held'"),
        "{output}"
    );
}

#[derive(LogicBlock, Default)]
struct Widening {
    a: Signal<In, Bits<8>>,
    wraps: Signal<Out, Bit>,
}

impl Logic for Widening {
    #[hdl_gen]
    fn update(&mut self) {
        self.wraps.next = (self.a.val() + 1) == 0;
    }
}

#[test]
fn a_lint_finding_is_refused_and_listed() {
    let error = check_block("widening", &mut Widening::default()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("lint of widening:\n  top: comparison"),
        "{text}"
    );
}

/// A keyword as a name: rust-hdl prints it.
#[derive(LogicBlock, Default)]
struct Keyword {
    a: Signal<In, Bit>,
    begin: Signal<Out, Bit>,
}

impl Logic for Keyword {
    #[hdl_gen]
    fn update(&mut self) {
        self.begin.next = self.a.val();
    }
}

#[test]
fn bad_verilog_is_refused_with_what_the_tool_said() {
    let error = check_block("keyword", &mut Keyword::default()).unwrap_err();
    assert!(error.to_string().contains("syntax error"), "{error}");
}

#[derive(LogicBlock, Default)]
struct Loop {
    a: Signal<In, Bit>,
    out: Signal<Out, Bit>,
    left: Gate,
    right: Gate,
}

#[derive(LogicBlock, Default)]
struct Gate {
    a: Signal<In, Bit>,
    b: Signal<In, Bit>,
    out: Signal<Out, Bit>,
}

impl Logic for Gate {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = !(self.a.val() & self.b.val());
    }
}

impl Logic for Loop {
    #[hdl_gen]
    fn update(&mut self) {
        self.left.a.next = self.a.val();
        self.left.b.next = self.right.out.val();
        self.right.a.next = self.a.val();
        self.right.b.next = self.left.out.val();
        self.out.next = self.left.out.val();
    }
}

#[test]
fn a_loop_through_children_is_refused() {
    let error = check_block("looping", &mut Loop::default()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("verilator") && text.contains("UNOPTFLAT"),
        "{text}"
    );
}

#[test]
fn the_widgets_of_rust_hdl_pass() {
    let mut fifo = SynchronousFIFO::<Bits<8>, 4, 5, 1>::default();
    check_block("fifo", &mut fifo).unwrap();
}

#[test]
fn cells_are_counted() {
    let mut counter = Counter::default();
    counter.connect_all();
    let report = cells("counter", &verilog("counter", &counter).unwrap()).unwrap();
    assert_eq!(report.flip_flops, 8);
    assert_eq!(report.block_rams, 0);
    assert!((8..20).contains(&report.logic_cells()), "{report}");

    let mut ram = RAM::<Bits<32>, 8>::default();
    ram.connect_all();
    let report = cells("ram", &verilog("ram", &ram).unwrap()).unwrap();
    assert_eq!(report.block_rams, 2, "{report}");
}
