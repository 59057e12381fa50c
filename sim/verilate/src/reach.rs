//! How much of a block a fuzz has reached: whether its outputs moved, its handshakes came about and its states were entered.
//!
//! It looks once a cycle, before the edge, and at rust-hdl's side only: the other one is equal.

use std::collections::BTreeSet;
use std::fmt;

use rust_hdl::core::type_descriptor::TypeKind;
use rust_hdl::prelude::*;

use crate::ports::{Port, PortDirection, PortValues};

/// What was reached, and the names of what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Cycles that it took.
    pub cycles: u64,
    /// Output bits that were both zero and one.
    pub bits: usize,
    /// Output ports of which no bit moved.
    pub still_ports: Vec<String>,
    /// Bits that did not move of ports that did, as `port[high:low]`.
    pub still_bits: Vec<String>,
    /// Cycles in which a `valid` and its `ready` were both high, over all pairs of ports.
    pub handshakes: u64,
    /// Pairs with fewer than `FEW_HANDSHAKES`, by the name of `valid`.
    pub idle_handshakes: Vec<String>,
    /// Values of enumerated registers that occurred.
    pub states: usize,
    /// The others, as `register Type::Value`.
    pub missed_states: Vec<String>,
}

/// Fewer are no exercise.
const FEW_HANDSHAKES: u64 = 5;

impl Reach {
    /// Everything that was not reached, but for single bits and for the names in `never`.
    pub fn missed<'a>(&'a self, never: &'a [&str]) -> impl Iterator<Item = &'a String> {
        let all = [
            &self.still_ports,
            &self.idle_handshakes,
            &self.missed_states,
        ];
        let all = all.into_iter().flatten();
        all.filter(|name| !never.contains(&name.as_str()))
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cycles,
            bits,
            handshakes,
            states,
            ..
        } = self;
        write!(
            f,
            "{cycles} cycles: {bits} output bits moved, {handshakes} handshakes, {states} states"
        )?;
        let missed = self.missed(&[]).chain(&self.still_bits);
        let missed: Vec<_> = missed.map(String::as_str).collect();
        if !missed.is_empty() {
            write!(f, "; not: {}", missed.join(", "))?;
        }
        Ok(())
    }
}

/// Watches one block.
pub(crate) struct Watch {
    ports: Vec<Port>,
    /// Of each port's words: bits that were one, and bits that were zero.
    ones: Vec<Vec<u32>>,
    zeros: Vec<Vec<u32>>,
    /// Numbers of the ports `valid` and `ready`, and how often both were high.
    pairs: Vec<(usize, usize, u64)>,
    registers: Vec<Register>,
    cycles: u64,
}

/// A register of an enumerated type.
struct Register {
    /// Place among all atoms that the probe visits.
    atom: usize,
    name: String,
    values: Vec<String>,
    seen: BTreeSet<String>,
}

impl Watch {
    pub(crate) fn new(block: &impl Block, ports: &[Port]) -> Self {
        let words = ports.iter().map(|port| vec![0; port.words()]);
        let named = |name: &str| ports.iter().position(|port| port.name == name);
        let pairs = ports.iter().enumerate().filter_map(|(valid, port)| {
            let ready = named(&format!("{}ready", port.name.strip_suffix("valid")?))?;
            Some((valid, ready, 0))
        });
        let mut lister = RegisterLister::default();
        block.accept("top", &mut lister);
        Self {
            ones: words.clone().collect(),
            zeros: words.collect(),
            pairs: pairs.collect(),
            ports: ports.to_vec(),
            registers: lister.registers,
            cycles: 0,
        }
    }

    pub(crate) fn look(&mut self, block: &impl Block, values: &PortValues) {
        self.cycles += 1;
        for index in 0..self.ports.len() {
            for (word, &value) in values.port(index).iter().enumerate() {
                self.ones[index][word] |= value;
                self.zeros[index][word] |= !value;
            }
        }
        for (valid, ready, count) in &mut self.pairs {
            *count += u64::from(values.port(*valid)[0] & values.port(*ready)[0]);
        }
        if !self.registers.is_empty() {
            let mut reader = RegisterReader {
                registers: &mut self.registers,
                atom: 0,
                next: 0,
            };
            block.accept("top", &mut reader);
        }
    }

    pub(crate) fn reach(&self) -> Reach {
        let mut reach = Reach {
            cycles: self.cycles,
            ..Reach::default()
        };
        for (index, port) in self.ports.iter().enumerate() {
            if port.direction != PortDirection::Output {
                continue;
            }
            let moved = |&bit: &usize| {
                self.ones[index][bit / 32] & self.zeros[index][bit / 32] & 1 << (bit % 32) != 0
            };
            let still: Vec<usize> = (0..port.bits).filter(|bit| !moved(bit)).collect();
            reach.bits += port.bits - still.len();
            if still.len() == port.bits {
                reach.still_ports.push(port.name.clone());
                continue;
            }
            for run in still.chunk_by(|low, high| low + 1 == *high) {
                let name = &port.name;
                reach.still_bits.push(match (run[0], run[run.len() - 1]) {
                    (low, high) if low == high => format!("{name}[{low}]"),
                    (low, high) => format!("{name}[{high}:{low}]"),
                });
            }
        }
        for &(valid, _, count) in &self.pairs {
            reach.handshakes += count;
            if count < FEW_HANDSHAKES {
                let name = &self.ports[valid].name;
                reach.idle_handshakes.push(format!("{name} handshakes"));
            }
        }
        for register in &self.registers {
            reach.states += register.seen.len();
            let missed = register.values.iter().filter(|value| {
                let variant = value.rsplit(':').next().unwrap_or(value);
                !register.seen.contains(variant)
            });
            let names = missed.map(|value| format!("{} {value}", register.name));
            reach.missed_states.extend(names);
        }
        reach
    }
}

#[derive(Default)]
struct RegisterLister {
    path: Vec<String>,
    atoms: usize,
    registers: Vec<Register>,
}

impl Probe for RegisterLister {
    fn visit_start_scope(&mut self, name: &str, _node: &dyn Block) {
        self.path.push(name.to_string());
    }

    fn visit_start_namespace(&mut self, name: &str, _node: &dyn Block) {
        self.path.push(name.to_string());
    }

    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        let atom = self.atoms;
        self.atoms += 1;
        // A register is a DFF, whose output is `q`.
        if let ("q", TypeKind::Enum(values)) = (name, signal.descriptor().kind) {
            self.registers.push(Register {
                atom,
                name: self.path[1..].join("$"),
                values,
                seen: BTreeSet::new(),
            });
        }
    }

    fn visit_end_namespace(&mut self, _name: &str, _node: &dyn Block) {
        self.path.pop();
    }

    fn visit_end_scope(&mut self, _name: &str, _node: &dyn Block) {
        self.path.pop();
    }
}

struct RegisterReader<'a> {
    registers: &'a mut [Register],
    atom: usize,
    next: usize,
}

impl Probe for RegisterReader<'_> {
    fn visit_atom(&mut self, _name: &str, signal: &dyn Atom) {
        if let Some(register) = self.registers.get_mut(self.next) {
            if register.atom == self.atom {
                self.next += 1;
                if let VCDValue::String(value) = signal.vcd() {
                    register.seen.insert(value);
                }
            }
        }
        self.atom += 1;
    }
}
