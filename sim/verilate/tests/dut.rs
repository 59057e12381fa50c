//! The bench itself: values of every shape reach the model, and a difference is found and named.

use rnic_verilate::{ports, Divergence, Draw, Dut, DutError, Options, PortDirection};
use rust_hdl::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, LogicState)]
enum Phase {
    First,
    Second,
    Third,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, LogicStruct)]
struct Header {
    kind: Bits<5>,
    length: Bits<40>,
}

#[derive(Clone, Debug, Default, LogicInterface)]
#[join = "LaneTx"]
struct LaneRx {
    data: Signal<In, Bits<100>>,
    valid: Signal<In, Bit>,
}

#[derive(Clone, Debug, Default, LogicInterface)]
#[join = "LaneRx"]
struct LaneTx {
    data: Signal<Out, Bits<100>>,
    valid: Signal<Out, Bit>,
}

/// Registers ports of every shape.
#[derive(LogicBlock, Default)]
struct Shapes {
    clock: Signal<In, Clock>,
    header: Signal<In, Header>,
    rx: [LaneRx; 2],
    tx: [LaneTx; 2],
    header_copy: Signal<Out, Header>,
    phase: Signal<Out, Phase>,
    stored: DFF<Header>,
    state: DFF<Phase>,
    lanes: [DFF<Bits<100>>; 2],
}

impl Logic for Shapes {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, stored, state);
        self.stored.d.next = self.header.val();
        self.header_copy.next = self.stored.q.val();
        self.phase.next = self.state.q.val();
        match self.state.q.val() {
            Phase::First => self.state.d.next = Phase::Second,
            Phase::Second => self.state.d.next = Phase::Third,
            Phase::Third => self.state.d.next = Phase::First,
        }
        for i in 0..2_usize {
            self.lanes[i].clock.next = self.clock.val();
            self.lanes[i].d.next = self.rx[i].data.val();
            self.tx[i].data.next = self.lanes[i].q.val();
            self.tx[i].valid.next = self.rx[i].valid.val();
        }
    }
}

#[test]
fn ports_are_listed_with_their_verilog_names() {
    let ports = ports(&Shapes::default());
    let names: Vec<_> = ports.iter().map(|port| port.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "clock",
            "header",
            "rx$0$data",
            "rx$0$valid",
            "rx$1$data",
            "rx$1$valid",
            "tx$0$data",
            "tx$0$valid",
            "tx$1$data",
            "tx$1$valid",
            "header_copy",
            "phase"
        ]
    );
    assert_eq!(ports[1].bits, 45);
    assert_eq!(ports[2].bits, 100);
    assert_eq!(ports[6].direction, PortDirection::Output);
}

#[test]
fn ports_of_every_shape_agree() {
    let mut dut = Dut::new("shapes", Shapes::default(), |b| &mut b.clock).unwrap();
    dut.fuzz(300, 5, |b, random| {
        b.header.next = Header {
            kind: random.bits(),
            length: random.bits(),
        };
        for lane in &mut b.rx {
            lane.data.next = random.uniform();
            lane.valid.next = random.chance(0.5);
        }
    });
    let header = dut.block().header_copy.val();
    let shown = dut.get("header_copy").unwrap().to_u128().unwrap();
    let kind: u64 = header.kind.into();
    let length: u64 = header.length.into();
    assert_eq!(shown, u128::from(length) << 5 | u128::from(kind));
    assert_eq!(dut.cycle(), 300);
    assert_eq!(dut.block().phase.val(), Phase::First);
}

/// Hand-written Verilog that adds where the Rust subtracts, once `a` exceeds 100.
#[derive(LogicBlock, Default)]
struct Disagreeing {
    clock: Signal<In, Clock>,
    a: Signal<In, Bits<8>>,
    difference: Signal<Out, Bits<8>>,
}

impl Logic for Disagreeing {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.difference.next = self.a.val() - 1;
        }
    }
    fn connect(&mut self) {
        self.difference.connect();
    }
    fn hdl(&self) -> Verilog {
        let code = "initial difference = 0;\nalways @(posedge clock)\n\
                    difference <= (a > 8'd100) ? a + 8'd1 : a - 8'd1;\n";
        Verilog::Custom(code.into())
    }
}

#[test]
fn a_difference_names_port_cycle_and_both_values() {
    let mut dut = Dut::new("disagreeing", Disagreeing::default(), |b| &mut b.clock).unwrap();
    dut.drive(|b| b.a.next = 100.into());
    dut.tick();
    dut.drive(|b| b.a.next = 0x70.into());
    let divergence = dut.try_tick().unwrap_err();
    assert_eq!(
        divergence.to_string(),
        "disagreeing cycle 2 after the edge: difference is 0x6f in Rust and 0x71 in Verilog\n  \
         inputs: clock 0x1, a 0x70"
    );
}

/// Oscillates while `a` is high.
#[derive(LogicBlock, Default)]
struct Oscillating {
    clock: Signal<In, Clock>,
    a: Signal<In, Bit>,
    inverter: Inverter,
}

#[derive(LogicBlock, Default)]
struct Inverter {
    level: Signal<In, Bit>,
    inverse: Signal<Out, Bit>,
}

impl Logic for Inverter {
    #[hdl_gen]
    fn update(&mut self) {
        self.inverse.next = !self.level.val();
    }
}

impl Logic for Oscillating {
    #[hdl_gen]
    fn update(&mut self) {
        self.inverter.level.next = self.inverter.inverse.val() & self.a.val();
    }
}

#[test]
fn a_block_without_a_clock_is_only_settled() {
    let mut dut = Dut::unclocked("inverter", Inverter::default()).unwrap();
    dut.fuzz(10, 1, |b, random| b.level.next = random.chance(0.5));
    dut.drive(|b| b.level.next = false);
    dut.tick();
    assert!(dut.block().inverse.val());
    assert_eq!(dut.cycle(), 11);
}

#[test]
fn a_combinational_loop_does_not_settle() {
    let mut dut = Dut::new("oscillating", Oscillating::default(), |b| &mut b.clock).unwrap();
    dut.settle();
    dut.drive(|b| b.a.next = true);
    let divergence = dut.try_settle().unwrap_err();
    assert!(matches!(divergence, Divergence::Unsettled { cycle: 0, .. }));
}

#[derive(LogicBlock, Default)]
struct Open {
    clock: Signal<In, Clock>,
    nothing: Signal<Out, Bit>,
}

impl Logic for Open {
    #[hdl_gen]
    fn update(&mut self) {}
}

#[test]
fn an_unconnected_output_is_refused_before_anything_is_built() {
    let error = Dut::new("open", Open::default(), |b| &mut b.clock).err();
    assert!(matches!(error, Some(DutError::Check { .. })));
}

/// All want the same library at once from an empty cache; one builds it.
#[test]
fn racing_builds_share_one_library() {
    let cache = std::env::temp_dir().join(format!("rnic-verilate-race-{}", std::process::id()));
    let options = Options {
        cache: cache.clone(),
        ..Options::bench()
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let block = Disagreeing::default();
                let dut = Dut::with_options("race", block, Some(|b| &mut b.clock), &options);
                dut.unwrap().tick();
            });
        }
    });
    let names = std::fs::read_dir(&cache).unwrap().map(|entry| {
        let name = entry.unwrap().file_name();
        name.into_string().unwrap()
    });
    let built = names.filter(|name| !name.contains('.')).count();
    std::fs::remove_dir_all(&cache).unwrap();
    assert_eq!(built, 2, "one model and one runtime");
}

/// Never enters its third phase, and offers nothing that is taken.
#[derive(LogicBlock, Default)]
struct Stuck {
    clock: Signal<In, Clock>,
    enable: Signal<In, Bit>,
    level: Signal<In, Bits<40>>,
    ready: Signal<In, Bit>,
    valid: Signal<Out, Bit>,
    low: Signal<Out, Bit>,
    copy: Signal<Out, Bits<40>>,
    state: DFF<Phase>,
}

impl Logic for Stuck {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state);
        self.valid.next = self.enable.val() & !self.ready.val();
        self.low.next = false;
        self.copy.next = self.level.val();
        self.state.d.next = Phase::First;
        if self.enable.val() {
            self.state.d.next = Phase::Second;
        }
    }
}

#[test]
fn a_fuzz_of_all_inputs_says_what_it_has_not_reached() {
    let fuzz = |never: &[&str]| {
        let mut dut = Dut::new("stuck", Stuck::default(), |b| &mut b.clock).unwrap();
        let draws = [("level", Draw::Below(8)), ("enable", Draw::Odds(0.9))];
        dut.fuzz_all(500..=1_000, 1, &draws, never, |_, _, _| {})
    };
    let reach = fuzz(&[]);
    assert_eq!(reach.still_ports, ["low"]);
    assert_eq!(reach.still_bits, ["copy[39:3]"]);
    assert_eq!(reach.idle_handshakes, ["valid handshakes"]);
    assert_eq!(reach.missed_states, ["state Phase::Third"]);
    assert_eq!((reach.cycles, reach.bits, reach.states), (1_000, 4, 2));
    // What cannot be is not waited for.
    let never = ["low", "valid handshakes", "state Phase::Third"];
    assert_eq!(fuzz(&never).cycles, 500);
}

#[test]
fn a_fuzz_of_all_inputs_sees_what_was_taken_at_the_edge_before() {
    let mut dut = Dut::new("stuck", Stuck::default(), |b| &mut b.clock).unwrap();
    let mut taken = (0, 0);
    dut.fuzz_all(1..=200, 2, &[], &[], |b, _, before| {
        assert!(!before.moved(""));
        assert_eq!(before.get("level"), taken.0);
        taken = (b.level.next.to_u64() as u32, taken.1 + before.get("valid"));
    });
    assert!(taken.1 > 20);
}

#[test]
#[should_panic(expected = "the input header is of type Header")]
fn a_fuzz_of_all_inputs_refuses_what_it_cannot_set() {
    let mut dut = Dut::new("shapes", Shapes::default(), |b| &mut b.clock).unwrap();
    dut.fuzz_all(1..=1, 1, &[], &[], |_, _, _| {});
}
