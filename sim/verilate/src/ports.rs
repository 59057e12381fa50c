//! The ports of a rust-hdl block, and their values, read through a probe.
//!
//! rust-hdl gives no access to a signal by name: a `Probe` walks the whole block and sees every
//! atom once, in a fixed order. So a port is known by its place in that order, and its value lies
//! at a fixed place in one flat array of 32-bit words, which is also how Verilator keeps wide
//! values. This module does not write to ports: benches drive the typed block itself.

use std::fmt;

use rust_hdl::prelude::*;

/// Which way a port goes, seen from the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortDirection {
    /// Driven from outside.
    Input,
    /// Driven by the block.
    Output,
    /// A tristate pin; not simulated here.
    InOut,
}

/// One port of a top-level module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Port {
    /// The name in the Verilog, for example `rx$data`.
    pub name: String,
    /// Width in bits.
    pub bits: usize,
    /// Seen from the block.
    pub direction: PortDirection,
}

impl Port {
    /// How many 32-bit words a value of this port takes.
    pub fn words(&self) -> usize {
        self.bits.div_ceil(32)
    }

    /// The name Verilator gives the port in C++, where `$` is not portable.
    pub fn cpp_name(&self) -> String {
        self.name.replace('$', "__024")
    }
}

/// Lists the ports of `block`, in the order of its declaration.
pub fn ports(block: &impl Block) -> Vec<Port> {
    let mut probe = PortLister::default();
    block.accept("top", &mut probe);
    probe.ports
}

#[derive(Default)]
struct PortLister {
    scope_depth: usize,
    namespace: Vec<String>,
    ports: Vec<Port>,
}

impl Probe for PortLister {
    fn visit_start_scope(&mut self, _name: &str, _node: &dyn Block) {
        self.scope_depth += 1;
    }

    fn visit_start_namespace(&mut self, name: &str, _node: &dyn Block) {
        self.namespace.push(name.to_string());
    }

    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        if self.scope_depth != 1 {
            return;
        }
        let Some(direction) = direction(signal.kind()) else {
            return;
        };
        let mut path = self.namespace.clone();
        path.push(name.to_string());
        self.ports.push(Port {
            name: path.join("$"),
            bits: signal.bits(),
            direction,
        });
    }

    fn visit_end_namespace(&mut self, _name: &str, _node: &dyn Block) {
        self.namespace.pop();
    }

    fn visit_end_scope(&mut self, _name: &str, _node: &dyn Block) {
        self.scope_depth -= 1;
    }
}

fn direction(kind: AtomKind) -> Option<PortDirection> {
    match kind {
        AtomKind::InputParameter => Some(PortDirection::Input),
        AtomKind::OutputParameter | AtomKind::OutputPassthrough => Some(PortDirection::Output),
        AtomKind::InOutParameter => Some(PortDirection::InOut),
        _ => None,
    }
}

/// The values of all ports of one block at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct PortValues {
    /// Where each port's words begin; one entry more than there are ports.
    offsets: Vec<usize>,
    words: Vec<u32>,
}

impl PortValues {
    pub(crate) fn new(ports: &[Port]) -> Self {
        let mut offsets = vec![0];
        for port in ports {
            offsets.push(offsets[offsets.len() - 1] + port.words());
        }
        let words = vec![0; offsets[ports.len()]];
        Self { offsets, words }
    }

    /// The words of port number `index`, least significant first.
    pub(crate) fn port(&self, index: usize) -> &[u32] {
        &self.words[self.offsets[index]..self.offsets[index + 1]]
    }

    /// Reads the current value of every port of `block`.
    pub(crate) fn read(&mut self, block: &impl Block) {
        let mut reader = PortReader {
            values: self,
            scope_depth: 0,
            next_port: 0,
        };
        block.accept("top", &mut reader);
    }
}

struct PortReader<'a> {
    values: &'a mut PortValues,
    scope_depth: usize,
    next_port: usize,
}

impl Probe for PortReader<'_> {
    fn visit_start_scope(&mut self, _name: &str, _node: &dyn Block) {
        self.scope_depth += 1;
    }

    fn visit_atom(&mut self, _name: &str, signal: &dyn Atom) {
        if self.scope_depth != 1 || direction(signal.kind()).is_none() {
            return;
        }
        let range = self.values.offsets[self.next_port]..self.values.offsets[self.next_port + 1];
        self.next_port += 1;
        let words = &mut self.values.words[range];
        words.fill(0);
        // A waveform value is built bit by bit without big integers, which makes it the cheapest
        // form that an atom gives; only states and structs need the Verilog literal. The bit type
        // is of a crate that rust-hdl does not re-export, so a one is recognised by comparing.
        match (true.vcd(), signal.vcd()) {
            (VCDValue::Single(one), VCDValue::Single(bit)) => words[0] = (bit == one).into(),
            (VCDValue::Single(one), VCDValue::Vector(bits)) => {
                for (place, bit) in bits.into_iter().rev().enumerate() {
                    words[place / 32] |= u32::from(bit == one) << (place % 32);
                }
            }
            _ => parse_literal(signal, words),
        }
    }

    fn visit_end_scope(&mut self, _name: &str, _node: &dyn Block) {
        self.scope_depth -= 1;
    }
}

/// A literal prints as `<bits>'h<hexadecimal digits>`.
fn parse_literal(signal: &dyn Atom, words: &mut [u32]) {
    let text = format!("{:x}", signal.verilog());
    let digits = text.rsplit('h').next().unwrap_or_default();
    for (place, digit) in digits.chars().rev().enumerate() {
        words[place / 8] |= digit.to_digit(16).unwrap_or(0) << (4 * (place % 8));
    }
}

/// A port value for messages: hexadecimal, as in Verilog.
#[derive(Clone, PartialEq, Eq)]
pub struct PortValue {
    /// Least significant first.
    pub words: Vec<u32>,
}

impl PortValue {
    /// The value where it fits 128 bits.
    pub fn to_u128(&self) -> Option<u128> {
        if self.words.iter().skip(4).any(|&word| word != 0) {
            return None;
        }
        Some(
            self.words
                .iter()
                .take(4)
                .rev()
                .fold(0, |value, &word| value << 32 | u128::from(word)),
        )
    }
}

impl fmt::Display for PortValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = self.words.iter().rev().skip_while(|&&word| word == 0);
        write!(f, "0x{:x}", words.next().unwrap_or(&0))?;
        words.try_for_each(|word| write!(f, "_{word:08x}"))
    }
}

impl fmt::Debug for PortValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
