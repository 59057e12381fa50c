//! Finds rust-hdl code whose Verilog means something else than the Rust.
//!
//! rust-hdl prints the expressions of an `#[hdl_gen]` body as they stand, but Verilog has other
//! widths (a literal is 32 bits wide, and arithmetic is done as wide as its surroundings) and
//! another precedence. Every such difference passes the synthesis tools without a word. This lint
//! computes the width of each expression in both languages and reports where the value can differ.
//!
//! It reads the same syntax tree that the Verilog is printed from, so it sees exactly what is
//! printed; what is lost before that (guards of match arms) needs the source: see `lint_source`.
//! Hand-written Verilog is not looked at.

mod expression;
mod scope;
mod source;

use std::fmt;

use rust_hdl::core::ast::{
    VerilogBlockOrConditional, VerilogExpression, VerilogMatch, VerilogStatement,
};
use rust_hdl::prelude::*;

pub use source::{lint_source, SourceError, SourceFinding, SourceRule};

use expression::{Info, Reader};
use scope::Scope;

/// What is wrong with an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// `a & b == c`: Verilog compares first.
    Precedence,
    /// `(a + 1) == b`: compared at 32 bits, where nothing wraps.
    Compare,
    /// A signed value compared with an unsigned one, such as a literal: Verilog compares unsigned.
    SignedCompare,
    /// `(a + 1) >> 1`: the carry comes back.
    ShiftRight,
    /// `a << (b + 1)`, `a.get_bit((b + 1).index())`: the amount or index does not wrap, or, the
    /// other way round, wraps where Rust's `usize` would not.
    Index,
    /// `bit_cast::<16, 8>(a + b)`, `bit_cast::<16, 8>(!a)`: widened before the operation.
    Cast,
    /// `(a + 1).any()`, or `.all()` of something narrowed: reduced at another width.
    Reduction,
    /// `x.replace_bit(i, !b)`: the inverted bit is as wide as `x`.
    BitReplace,
    /// `(a + b).get_bits::<4>(0)`: Verilog slices signals only.
    SliceOfExpression,
    /// `match a + b`, or a condition that is not one bit wide: matched or tested too wide.
    Condition,
    /// A signal is read for another one, and written again further down. Rust reads what a child's
    /// input ends up as and Verilog what it is so far; of other signals both read what they are so
    /// far, but not once `isolate` has given each its own process.
    ReadBeforeWrite,
    /// A name that no signal has: a Rust constant, which Verilog does not know.
    UnknownName,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Precedence => "bitwise operator beside a comparison, without parentheses",
            Self::Compare => "comparison of arithmetic that Verilog does at more bits",
            Self::SignedCompare => "comparison of signed with unsigned",
            Self::ShiftRight => "right shift of arithmetic that Verilog does at more bits",
            Self::Index => "arithmetic in a shift amount or index",
            Self::Cast => "bit_cast of arithmetic that Verilog does at more bits",
            Self::Reduction => "all, any or xor of an expression of another width in Verilog",
            Self::BitReplace => "replace_bit with a value that Verilog makes wider",
            Self::SliceOfExpression => "bits of an expression that is not a signal",
            Self::Condition => "condition that Verilog computes at more bits",
            Self::ReadBeforeWrite => "signal is read before its last assignment",
            Self::UnknownName => "name that no signal, constant field or state has",
        })
    }
}

/// One place whose Verilog can differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Finding {
    /// The block, as its Verilog module is named: `top$child`.
    pub scope: String,
    /// What is wrong.
    pub rule: Rule,
    /// The expression, as it stands in the Verilog.
    pub expression: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scope,
            rule,
            expression,
        } = self;
        write!(f, "{scope}: {rule}: {expression}")
    }
}

/// Checks `block` and all blocks in it.
pub fn lint(block: &impl Block) -> Vec<Finding> {
    let mut lint = Lint::default();
    block.accept("top", &mut lint);
    lint.findings
}

#[derive(Default)]
struct Lint {
    /// The scopes from the top to the block being visited.
    scopes: Vec<Scope>,
    findings: Vec<Finding>,
}

impl Probe for Lint {
    fn visit_start_scope(&mut self, name: &str, _node: &dyn Block) {
        self.scopes.push(Scope::new(name));
    }

    fn visit_start_namespace(&mut self, name: &str, _node: &dyn Block) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.enter_namespace(name);
        }
    }

    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        if let [.., parent, scope] = &mut self.scopes[..] {
            scope.declare_for_parent(name, signal, parent);
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.declare(name, signal);
        }
    }

    fn visit_end_namespace(&mut self, _name: &str, _node: &dyn Block) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.leave_namespace();
        }
    }

    /// A block is read when it ends, since by then all its children have declared their ports.
    fn visit_end_scope(&mut self, _name: &str, node: &dyn Block) {
        let path: Vec<_> = self.scopes.iter().map(Scope::name).collect();
        let path = path.join("$");
        let Some(mut scope) = self.scopes.pop() else {
            return;
        };
        if let Verilog::Combinatorial(body) = node.hdl() {
            let mut body_lint = BodyLint {
                scope: &mut scope,
                hits: Vec::new(),
                reads: Vec::new(),
            };
            body_lint.block(&body);
            for (rule, expression) in body_lint.hits {
                let finding = Finding {
                    scope: path.clone(),
                    rule,
                    expression,
                };
                // A state-wide mistake shows once, not once for each loop turn or macro.
                if !self.findings.contains(&finding) {
                    self.findings.push(finding);
                }
            }
        }
    }
}

/// The statements of one block.
struct BodyLint<'a> {
    scope: &'a mut Scope,
    hits: Vec<(Rule, String)>,
    /// The signals that were read on the way to the present statement.
    reads: Vec<String>,
}

impl BodyLint<'_> {
    fn reader(&mut self) -> Reader<'_> {
        Reader {
            scope: self.scope,
            hits: &mut self.hits,
            reads: &mut self.reads,
        }
    }

    fn block(&mut self, statements: &[VerilogStatement]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &VerilogStatement) {
        match statement {
            VerilogStatement::Assignment(to, from) => self.assignment(to, from),
            VerilogStatement::SliceAssignment {
                base,
                width,
                offset,
                replacement,
            } => {
                self.written(base);
                self.reader().index(offset);
                let info = self.reader().info(replacement);
                self.reader().check(replacement, info.verilog.max(*width));
            }
            VerilogStatement::If(conditional) => {
                self.condition(&conditional.test, 0);
                let taken = self.alternative(|lint| lint.block(&conditional.then));
                match &conditional.otherwise {
                    VerilogBlockOrConditional::Block(block) => self.block(block),
                    VerilogBlockOrConditional::Conditional(next) => self.statement(next),
                    VerilogBlockOrConditional::None => {}
                }
                self.reads.extend(taken);
            }
            VerilogStatement::Match(cases) => self.cases(cases),
            VerilogStatement::Loop(repeat) => {
                self.scope.enter_loop(&repeat.index);
                self.block(&repeat.block);
                self.scope.leave_loop();
            }
            VerilogStatement::Macro(block) => self.block(block),
            VerilogStatement::Comment(_) | VerilogStatement::Link(_) => {}
        }
    }

    /// Visits one of several branches and returns what it read, which the other branches did not.
    fn alternative(&mut self, visit: impl FnOnce(&mut Self)) -> Vec<String> {
        let before = self.reads.len();
        visit(self);
        self.reads.split_off(before)
    }

    fn written(&mut self, target: &VerilogExpression) {
        let VerilogExpression::Signal(name) = target else {
            return;
        };
        let name = name.trim_end_matches("$next");
        if self.reads.iter().any(|read| read == name) {
            self.hits.push((Rule::ReadBeforeWrite, name.to_string()));
        }
    }

    /// The target cuts off what is too wide, so only the inside of the value can be wrong.
    fn assignment(&mut self, to: &VerilogExpression, from: &VerilogExpression) {
        self.written(to);
        let reader = self.reader();
        let target = reader.info(to);
        let value = reader.info(from);
        let before = self.reads.len();
        self.reader().check(from, target.verilog.max(value.verilog));
        // In its own process a signal may be made in steps.
        if let VerilogExpression::Signal(name) = to {
            let name = name.trim_end_matches("$next");
            let others = self.reads.split_off(before);
            self.reads
                .extend(others.into_iter().filter(|read| read != name));
        }
    }

    fn condition(&mut self, test: &VerilogExpression, others: usize) {
        let mut reader = self.reader();
        let info = reader.info(test);
        let width = info.verilog.max(others);
        reader.check(test, width);
        if !info.is_exact_at(width) {
            reader.hit(Rule::Condition, test);
        }
    }

    fn cases(&mut self, cases: &VerilogMatch) {
        // The labels are unsized numbers.
        self.condition(&cases.test, Info::UNSIZED_BITS);
        let mut taken = Vec::new();
        for case in &cases.cases {
            let is_number = case.condition.starts_with(|c: char| c.is_ascii_digit());
            let known = case.condition == "default" || is_number;
            if !known && self.scope.info(&case.condition).is_none() {
                self.hits.push((Rule::UnknownName, case.condition.clone()));
            }
            taken.extend(self.alternative(|lint| lint.block(&case.block)));
        }
        self.reads.extend(taken);
    }
}
