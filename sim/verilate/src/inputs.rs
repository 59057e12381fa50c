//! Random values for all inputs of any block, by their names.
//!
//! rust-hdl gives no access to a signal by name, and a probe sees it through `&dyn Atom`, which sets nothing. So a probe only
//! notes where in the block each input lies and of which type it is; the value is written there through `&mut` of the block.
//! Inputs are `Bit` or `Bits<N>`; the clock is left alone.

use std::mem::{align_of, size_of};

use rust_hdl::core::type_descriptor::TypeKind;
use rust_hdl::prelude::*;

use crate::stimulus::Stimulus;

/// How the inputs of one name are chosen. Others are one as often as zero if they are a bit, and `Stimulus::bits` otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Draw {
    /// Not zero with this probability: then one, or any bits.
    Odds(f64),
    /// A number below this, that fits.
    Below(u64),
}

/// Writes a random value to a signal.
type Write = unsafe fn(signal: *mut u8, draw: Option<Draw>, random: &mut Stimulus);

/// One input of a block.
pub(crate) struct Input {
    /// Bytes from the block's beginning.
    offset: usize,
    draw: Option<Draw>,
    write: Write,
}

/// Lists the inputs of `block`. A draw is of all inputs whose name's last word it names: `valid` of `rx$valid`, `job_valid` and
/// `valid`.
///
/// # Panics
/// If there is one that is neither a bit nor bits, or that does not lie in the block itself.
pub(crate) fn inputs<B: Block>(block: &B, draws: &[(&str, Draw)]) -> Vec<Input> {
    let mut lister = Lister {
        draws,
        block: std::ptr::from_ref(block).addr(),
        bytes: size_of::<B>(),
        scope_depth: 0,
        inputs: vec![],
    };
    block.accept("top", &mut lister);
    lister.inputs
}

/// Sets every one of `inputs`, which are those of `block`, to a random value.
pub(crate) fn randomize<B: Block>(block: &mut B, inputs: &[Input], random: &mut Stimulus) {
    let block = std::ptr::from_mut(block).cast::<u8>();
    for input in inputs {
        // SAFETY: `inputs` found a signal of the type that `write` writes at this offset within a `B`. Where a field lies is
        // the same in every `B`, and `block` may write to all of it.
        unsafe { (input.write)(block.add(input.offset), input.draw, random) }
    }
}

struct Lister<'a> {
    draws: &'a [(&'a str, Draw)],
    block: usize,
    bytes: usize,
    scope_depth: usize,
    inputs: Vec<Input>,
}

impl Probe for Lister<'_> {
    fn visit_start_scope(&mut self, _name: &str, _node: &dyn Block) {
        self.scope_depth += 1;
    }

    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        let descriptor = signal.descriptor();
        if self.scope_depth != 1
            || signal.kind() != AtomKind::InputParameter
            || descriptor.name == Clock::descriptor().name
        {
            return;
        }
        let shape = (size_of_val(signal), align_of_val(signal));
        let (write, expected) = match (descriptor.name.as_str(), descriptor.kind) {
            ("Bit", TypeKind::Bits(1)) => (write_bit as Write, shape_of::<Bit>()),
            (name, TypeKind::Bits(bits)) if name == format!("Bits::<{bits}>") => by_width(bits),
            (other, _) => panic!("the input {name} is of type {other}"),
        };
        assert_eq!(shape, expected, "the input {name} is no plain signal");
        let offset = std::ptr::from_ref(signal).addr().wrapping_sub(self.block);
        assert!(
            offset < self.bytes && shape.0 <= self.bytes - offset,
            "the input {name} does not lie in its block"
        );
        let word = name.rsplit('_').next();
        let draw = self.draws.iter().find(|(of, _)| word == Some(of));
        self.inputs.push(Input {
            offset,
            draw: draw.map(|&(_, draw)| draw),
            write,
        });
    }

    fn visit_end_scope(&mut self, _name: &str, _node: &dyn Block) {
        self.scope_depth -= 1;
    }
}

fn shape_of<T: Synth>() -> (usize, usize) {
    (size_of::<Signal<In, T>>(), align_of::<Signal<In, T>>())
}

/// The writer of `Bits<N>` for each N that has one.
macro_rules! widths {
    ($($n:literal)*) => {
        fn by_width(bits: usize) -> (Write, (usize, usize)) {
            match bits {
                $($n => (write_bits::<$n> as Write, shape_of::<Bits<$n>>()),)*
                _ => panic!("no input has had {bits} bits so far: add it to the list"),
            }
        }
    };
}
widths! {
    1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 48 64 100 128
}

/// SAFETY: `signal` points to a `Signal<In, Bit>` that may be written.
unsafe fn write_bit(signal: *mut u8, draw: Option<Draw>, random: &mut Stimulus) {
    let value = match draw {
        Some(Draw::Odds(odds)) => random.chance(odds),
        Some(Draw::Below(limit)) => random.below(limit) == 1,
        None => random.chance(0.5),
    };
    // SAFETY: as above.
    unsafe { (*signal.cast::<Signal<In, Bit>>()).next = value }
}

/// SAFETY: `signal` points to a `Signal<In, Bits<N>>` that may be written.
unsafe fn write_bits<const N: usize>(signal: *mut u8, draw: Option<Draw>, random: &mut Stimulus) {
    let value = match draw {
        Some(Draw::Odds(odds)) if !random.chance(odds) => 0.into(),
        Some(Draw::Below(limit)) => random.below(limit.min(1 << N.min(63))).into(),
        _ => random.bits(),
    };
    // SAFETY: as above.
    unsafe { (*signal.cast::<Signal<In, Bits<N>>>()).next = value }
}
