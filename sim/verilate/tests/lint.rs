//! Each construct that the lint is for, twice over: the lint must report it, and a random bench
//! must show that the Verilog really differs. And its harmless neighbours: neither.

use rnic_verilate::{lint, lint_source, Divergence, Dut, Rule, SourceRule, Stimulus};
use rust_hdl::prelude::*;

/// Defines a module with a block of some inputs, one output of the given type, and the given
/// `update`.
macro_rules! block {
    ($name:ident, $output:ty, { $($update:tt)* }) => {
        mod $name {
            use super::*;

            #[derive(LogicBlock, Default)]
            pub struct Sample {
                pub clock: Signal<In, Clock>,
                pub a: Signal<In, Bits<8>>,
                pub b: Signal<In, Bits<8>>,
                pub c: Signal<In, Bits<16>>,
                pub x: Signal<In, Bit>,
                pub y: Signal<In, Bit>,
                pub out: Signal<Out, $output>,
            }

            impl Logic for Sample {
                $($update)*
            }

            #[allow(dead_code)] // what does not build is only reported
            pub fn first_difference() -> Option<Divergence> {
                let name = stringify!($name);
                let mut dut = Dut::new(name, Sample::default(), |b| &mut b.clock).unwrap();
                let mut random = Stimulus::new(3);
                (0..2_000).find_map(|_| {
                    dut.drive(|block| {
                        block.a.next = random.bits();
                        block.b.next = random.bits();
                        block.c.next = random.bits();
                        block.x.next = random.chance(0.5);
                        block.y.next = random.chance(0.5);
                    });
                    dut.try_settle().err()
                })
            }

            pub fn rules() -> Vec<Rule> {
                let mut block = Sample::default();
                block.connect_all();
                lint(&block).into_iter().map(|finding| finding.rule).collect()
            }
        }
    };
}

/// A construct that must be reported and does differ.
macro_rules! differs {
    ($name:ident, $rule:expr, $output:ty, $update:tt) => {
        block!($name, $output, $update);
        #[test]
        fn $name() {
            assert_eq!($name::rules(), [$rule]);
            let difference = $name::first_difference();
            assert!(difference.is_some(), "reported, but Verilog agrees");
        }
    };
}

/// A construct that must not be reported and does not differ.
macro_rules! agrees {
    ($name:ident, $output:ty, $update:tt) => {
        block!($name, $output, $update);
        #[test]
        fn $name() {
            assert_eq!($name::rules(), []);
            if let Some(difference) = $name::first_difference() {
                panic!("not reported: {difference}");
            }
        }
    };
}

differs!(literal_sum_compared, Rule::Compare, Bit, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = (self.a.val() + 1) == self.b.val();
    }
});
differs!(difference_below_wide_literal, Rule::Compare, Bit, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = (self.a.val() - self.b.val()) < bits::<8>(4);
    }
});
differs!(inverse_compared, Rule::Compare, Bit, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = !self.a.val() == 254;
    }
});
differs!(left_shift_compared, Rule::Compare, Bit, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = (self.a.val() << bits::<8>(1)) == 8;
    }
});
differs!(sum_cast_wider, Rule::Cast, Bits<16>, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = bit_cast::<16, 8>(self.a.val() + self.b.val());
    }
});
differs!(inverse_cast_wider, Rule::Cast, Bits<16>, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = bit_cast::<16, 8>(!self.a.val());
    }
});
differs!(and_beside_compare, Rule::Precedence, Bit, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = self.a.val() & self.b.val() == self.b.val();
    }
});
differs!(sum_with_literal_shifted_right, Rule::ShiftRight, Bits<8>, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = (self.a.val() + 1) >> bits::<8>(1);
    }
});
differs!(sum_with_literal_as_shift_amount, Rule::Index, Bits<16>, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = self.c.val() >> (bit_cast::<16, 8>(self.a.val()) + 0xfffe);
    }
});
differs!(sum_with_literal_reduced, Rule::Reduction, Bit, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = (self.a.val() + 1).any();
    }
});
differs!(all_of_a_narrowing, Rule::Reduction, Bit, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = bit_cast::<2, 8>(self.a.val()).all();
    }
});
differs!(inverted_bit_put_in, Rule::BitReplace, Bits<8>, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = self.a.val().replace_bit(3, !self.x.val());
    }
});
agrees!(sum_compared_at_its_own_width, Bit, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = (self.a.val() + self.b.val()) == self.c.val().get_bits::<8>(0);
    }
});
agrees!(sum_cast_narrower, Bits<8>, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = bit_cast::<8, 16>(self.c.val() + 1);
    }
});
agrees!(widened_before_adding, Bits<16>, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = bit_cast::<16, 8>(self.a.val()) + bit_cast::<16, 8>(self.b.val());
    }
});
agrees!(bit_logic, Bit, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = !(self.x.val() & !self.y.val()) | (self.a.val() < 7) ^ self.y.val();
    }
});
agrees!(logical_operators, Bit, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = !self.x.val() && (self.a.val() == 0) || !self.y.val();
    }
});
agrees!(masked_before_compare, Bit, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = (self.a.val() & self.b.val()) == self.b.val();
    }
});
agrees!(any_of_a_narrowing, Bit, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = bit_cast::<2, 8>(self.a.val()).any() ^ self.a.val().all();
    }
});
agrees!(sum_shifted_at_its_own_width, Bits<8>, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = (self.a.val() + self.b.val()) >> bits::<8>(1);
    }
});
agrees!(nested_statements, Bits<8>, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = bits::<8>(0);
        if !self.x.val() & (self.a.val() != 3) {
            self.out.next = self.a.val() - 1;
        } else if self.y.val() {
            for i in 0..4_usize {
                if self.b.val() == i.to_bits::<8>() {
                    self.out.next = self.a.val() ^ (bits::<8>(1) << i.to_bits::<8>());
                }
            }
        }
    }
});

/// A construct that must be reported, and that no bench can run: it does not build, or panics.
macro_rules! reports {
    ($name:ident, $rules:expr, $output:ty, $update:tt) => {
        block!($name, $output, $update);
        #[test]
        fn $name() {
            assert_eq!($name::rules(), $rules);
        }
    };
}

reports!(slice_of_a_sum, [Rule::SliceOfExpression], Bits<4>, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = (self.a.val() + self.b.val()).get_bits::<4>(0);
    }
});
reports!(sum_with_literal_as_index, [Rule::Index], Bit, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = self.c.val().get_bit((self.a.val() + 1).index());
    }
});
agrees!(negated_condition, Bit, {
    #[hdl_gen]
    fn update(&mut self) {
        self.out.next = false;
        if !(self.a.val().any() | self.x.val()) {
            self.out.next = !self.y.val();
        }
    }
});

#[derive(LogicBlock, Default)]
struct Signs {
    a: Signal<In, Signed<8>>,
    b: Signal<In, Signed<8>>,
    less: Signal<Out, Bit>,
    below_zero: Signal<Out, Bit>,
}

impl Logic for Signs {
    #[hdl_gen]
    fn update(&mut self) {
        self.less.next = self.a.val() < self.b.val();
        self.below_zero.next = self.a.val() < 0.into();
    }
}

#[test]
fn signed_against_a_literal_is_reported() {
    let mut block = Signs::default();
    block.connect_all();
    let rules: Vec<_> = lint(&block).iter().map(|f| f.rule).collect();
    assert_eq!(rules, [Rule::SignedCompare]);
}

/// Asks a register's input and a signal of its own before they have their final values.
#[derive(LogicBlock, Default)]
struct Early {
    clock: Signal<In, Clock>,
    a: Signal<In, Bits<8>>,
    x: Signal<In, Bit>,
    early: Signal<Out, Bits<8>>,
    half_way: Signal<Out, Bits<8>>,
    in_steps: Signal<Out, Bits<8>>,
    fine: Signal<Out, Bits<8>>,
    value: DFF<Bits<8>>,
    other: DFF<Bits<8>>,
    half: Signal<Local, Bits<8>>,
    steps: Signal<Local, Bits<8>>,
}

impl Logic for Early {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, value, other);
        self.early.next = self.value.d.val();
        self.value.d.next = self.a.val();
        self.half.next = self.a.val();
        self.half_way.next = self.half.val();
        self.half.next = bits::<8>(3);
        self.steps.next = self.a.val();
        self.steps.next = self.steps.val() ^ self.a.val();
        self.in_steps.next = self.steps.val();
        self.fine.next = bits::<8>(0);
        if self.x.val() {
            self.fine.next = self.other.d.val();
        } else {
            self.other.d.next = self.a.val();
        }
    }
}

#[test]
fn a_signal_read_too_early_is_reported_and_differs() {
    let mut block = Early::default();
    block.connect_all();
    let findings = lint(&block);
    let names: Vec<_> = findings.iter().map(|f| f.expression.as_str()).collect();
    assert_eq!(names, ["value$d", "half"], "{findings:?}");
    assert!(findings.iter().all(|f| f.rule == Rule::ReadBeforeWrite));
    let mut dut = Dut::new("early", Early::default(), |b| &mut b.clock).unwrap();
    dut.drive(|b| b.a.next = 7.into());
    let difference = dut.try_settle().unwrap_err().to_string();
    assert!(
        difference.contains("half_way is 0x7 in Rust and 0x3"),
        "{difference}"
    );
}

#[derive(LogicBlock, Default)]
struct WithBareConstant {
    a: Signal<In, Bits<8>>,
    flag: Signal<Out, Bit>,
}

const SEND: u64 = 3;

impl Logic for WithBareConstant {
    #[hdl_gen]
    fn update(&mut self) {
        self.flag.next = self.a.val() == SEND;
    }
}

#[derive(LogicBlock, Default)]
struct Outer {
    a: Signal<In, Bits<8>>,
    flag: Signal<Out, Bit>,
    inner: WithBareConstant,
}

impl Logic for Outer {
    #[hdl_gen]
    fn update(&mut self) {
        self.inner.a.next = self.a.val();
        self.flag.next = self.inner.flag.val();
    }
}

#[test]
fn a_bare_constant_is_an_unknown_name_and_the_finding_says_where() {
    let mut block = Outer::default();
    block.connect_all();
    let findings = lint(&block);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].rule, Rule::UnknownName);
    let text = findings[0].to_string();
    assert!(text.starts_with("top$inner: name that no"), "{text}");
    assert!(text.ends_with("SEND"), "{text}");
}

#[test]
fn the_widgets_of_rust_hdl_are_clean() {
    let mut fifo = SynchronousFIFO::<Bits<8>, 4, 5, 1>::default();
    fifo.connect_all();
    assert_eq!(lint(&fifo), []);
    let mut ram = RAM::<Bits<8>, 4>::default();
    ram.connect_all();
    assert_eq!(lint(&ram), []);
}

#[test]
fn guards_and_bare_constants_are_found_in_the_source() {
    let text = r#"
impl Logic for Thing {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..LANES {
            self.x[i].next = bits::<W>(0);
        }
        match self.state.q.val() {
            State::Idle if self.go.val() => {}
            State::A => {}
            SEND => {}
            _ => {}
        }
        self.y.next = self.op.val() == abi::SEND;
    }
    fn connect(&mut self) {
        let _ = match self.z { Z if Z > OTHER => 1, _ => 2 };
    }
}
"#;
    let found: Vec<_> = lint_source(text).unwrap();
    let found: Vec<_> = found.iter().map(|f| (f.line, f.rule)).collect();
    assert_eq!(
        found,
        [
            (9, SourceRule::Guard),
            (11, SourceRule::BareConstant),
            (14, SourceRule::BareConstant)
        ]
    );
}

#[test]
fn source_that_is_not_rust_is_an_error_with_a_line() {
    let error = lint_source("fn fine() {}\nimpl { {").unwrap_err();
    assert!(error.to_string().starts_with("line "), "{error}");
}
