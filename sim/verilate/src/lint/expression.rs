//! The widths of one expression in Rust and in Verilog, and whether they give the same value.
//!
//! Verilog computes `+ - * & | ^ ~ <<` at the width of the widest operand *anywhere* in the
//! expression, the target included; comparisons, shift amounts, indices and reductions start
//! afresh. Rust computes each at its own width. The values agree if the widths do, or if the extra
//! bits are zero: `Info::open` says that they may not be.

use rust_hdl::core::ast::{VerilogExpression, VerilogOp, VerilogOpUnary};

use super::scope::Scope;
use super::Rule;

/// What is known of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Info {
    /// Its width in Rust; none for a number, which takes the width of its partner.
    pub(super) rust: Option<usize>,
    /// Its width in Verilog where nothing around it is wider.
    pub(super) verilog: usize,
    /// Computed wider, it may have bits set that Rust would have dropped.
    pub(super) open: bool,
    /// It is signed in Verilog.
    pub(super) signed: bool,
}

impl Info {
    /// Verilog's width of a number without one.
    pub(super) const UNSIZED_BITS: usize = 32;

    /// A number: a loop variable, or a state.
    pub(super) const UNSIZED: Self = Self {
        rust: None,
        verilog: Self::UNSIZED_BITS,
        open: false,
        signed: false,
    };

    pub(super) const BIT: Self = Self {
        rust: Some(1),
        verilog: 1,
        open: false,
        signed: false,
    };

    pub(super) fn signal(bits: usize, signed: bool) -> Self {
        Self {
            rust: Some(bits),
            verilog: bits,
            open: false,
            signed,
        }
    }

    /// Does it have Rust's value when Verilog computes it at `width`?
    pub(super) fn is_exact_at(self, width: usize) -> bool {
        self.rust
            .is_none_or(|rust| width == rust || (width > rust && !self.open))
    }
}

/// Walks expressions in a scope and notes what it finds.
pub(super) struct Reader<'a> {
    pub(super) scope: &'a Scope,
    pub(super) hits: &'a mut Vec<(Rule, String)>,
    /// Grows by the signals that are read.
    pub(super) reads: &'a mut Vec<String>,
}

impl Reader<'_> {
    pub(super) fn hit(&mut self, rule: Rule, expression: &VerilogExpression) {
        self.hits.push((rule, print(expression)));
    }

    /// The widths of an expression.
    pub(super) fn info(&self, expression: &VerilogExpression) -> Info {
        use VerilogExpression as E;
        match expression {
            E::Signal(name) => self.scope.info(name).unwrap_or(Info::UNSIZED),
            E::Literal(literal) => literal_info(&literal.to_string()),
            E::Paren(inner) => self.info(inner),
            // Printed as `((inner) & mask)`.
            E::Cast(inner, bits) => Info {
                rust: Some(*bits),
                verilog: self.info(inner).verilog.max(*bits),
                open: false,
                signed: false,
            },
            E::Signed(inner) => Info {
                open: false,
                signed: true,
                ..self.info(inner)
            },
            E::Unsigned(inner) => Info {
                open: false,
                signed: false,
                ..self.info(inner)
            },
            E::Binary(left, op, right) => binary_info(self.info(left), op, self.info(right)),
            E::Unary(VerilogOpUnary::Not | VerilogOpUnary::Neg, inner) => Info {
                open: true,
                ..self.info(inner)
            },
            E::Unary(_, _) | E::Index(_, _) => Info::BIT,
            E::Slice(_, bits, _) => Info::signal(*bits, false),
            // Printed with the number 1 in it.
            E::IndexReplace(base, _, _) => {
                let base = self.info(base);
                Info {
                    verilog: base.verilog.max(Info::UNSIZED_BITS),
                    ..base
                }
            }
        }
    }

    /// Checks an expression that Verilog computes at `width`, which is at least its own.
    pub(super) fn check(&mut self, expression: &VerilogExpression, width: usize) {
        use VerilogExpression as E;
        match expression {
            E::Signal(name) => {
                if self.scope.info(name).is_none() {
                    self.hit(Rule::UnknownName, expression);
                } else {
                    self.reads.push(name.clone());
                }
            }
            E::Literal(_) => {}
            E::Paren(inner) => self.check(inner, width),
            E::Cast(inner, bits) => {
                let info = self.info(inner);
                let width = width.max(info.verilog).max(*bits);
                let widens = info.rust.is_some_and(|rust| *bits > rust);
                self.require(inner, width, widens, Rule::Cast, expression);
            }
            // The argument of `$signed` starts afresh, and its top bit is the sign.
            E::Signed(inner) | E::Unsigned(inner) => {
                let info = self.info(inner);
                self.check(inner, info.verilog);
                if info.rust.is_some_and(|rust| rust != info.verilog) {
                    self.hit(Rule::Cast, expression);
                }
            }
            E::Binary(left, op, right) => self.check_binary(expression, left, op, right, width),
            E::Unary(VerilogOpUnary::Not | VerilogOpUnary::Neg, inner) => self.check(inner, width),
            E::Unary(op, inner) => {
                let info = self.info(inner);
                self.require(inner, info.verilog, true, Rule::Reduction, expression);
                // Zeros above the value change nothing for `any` and `xor`.
                let all = matches!(op, VerilogOpUnary::All);
                if all && info.rust.is_some_and(|rust| rust < info.verilog) {
                    self.hit(Rule::Reduction, expression);
                }
            }
            E::Index(base, index) | E::Slice(base, _, index) => {
                if !matches!(**base, E::Signal(_)) {
                    self.hit(Rule::SliceOfExpression, expression);
                }
                let base_width = self.info(base).verilog;
                self.check(base, base_width);
                self.index(index);
            }
            E::IndexReplace(base, index, bit) => {
                let width = width.max(self.info(expression).verilog);
                self.check(base, width);
                self.index(index);
                self.require(bit, width, true, Rule::BitReplace, expression);
            }
        }
    }

    /// Checks `inner` at `width`, where its value must be Rust's if `exact`.
    fn require(
        &mut self,
        inner: &VerilogExpression,
        width: usize,
        exact: bool,
        rule: Rule,
        whole: &VerilogExpression,
    ) {
        self.check(inner, width);
        if exact && !self.info(inner).is_exact_at(width) {
            self.hit(rule, whole);
        }
    }

    fn check_binary(
        &mut self,
        whole: &VerilogExpression,
        left: &VerilogExpression,
        op: &VerilogOp,
        right: &VerilogExpression,
        width: usize,
    ) {
        let (left_info, right_info) = (self.info(left), self.info(right));
        match Class::of(op) {
            Class::Arithmetic | Class::Bitwise => {
                self.check(left, width);
                self.check(right, width);
            }
            Class::Shift => {
                let right_shift = matches!(op, VerilogOp::Shr);
                self.require(left, width, right_shift, Rule::ShiftRight, whole);
                self.index(right);
            }
            Class::Compare => {
                if is_bitwise(left) || is_bitwise(right) {
                    self.hit(Rule::Precedence, whole);
                }
                if left_info.signed != right_info.signed {
                    self.hit(Rule::SignedCompare, whole);
                }
                let width = left_info.verilog.max(right_info.verilog);
                self.check(left, width);
                self.check(right, width);
                if !left_info.is_exact_at(width) || !right_info.is_exact_at(width) {
                    self.hit(Rule::Compare, whole);
                }
            }
            Class::Logical => {
                self.require(left, left_info.verilog, true, Rule::Condition, whole);
                self.require(right, right_info.verilog, true, Rule::Condition, whole);
            }
        }
    }

    /// Checks a shift amount, an index or an offset. The tree does not show `.index()`, after
    /// which Rust computes in `usize`: so arithmetic with a signal is refused here, whichever of
    /// the two was meant.
    pub(super) fn index(&mut self, index: &VerilogExpression) {
        let info = self.info(index);
        self.check(index, info.verilog);
        if info.open && info.rust.is_some() {
            self.hit(Rule::Index, index);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Arithmetic,
    Shift,
    Bitwise,
    Compare,
    Logical,
}

impl Class {
    fn of(op: &VerilogOp) -> Self {
        use VerilogOp as O;
        match op {
            O::Add | O::Sub | O::Mul => Self::Arithmetic,
            O::Shl | O::Shr => Self::Shift,
            O::BitAnd | O::BitOr | O::BitXor => Self::Bitwise,
            O::Eq | O::Ne | O::Lt | O::Le | O::Ge | O::Gt => Self::Compare,
            O::LogicalAnd | O::LogicalOr => Self::Logical,
        }
    }
}

/// Unparenthesised: only these bind tighter than a comparison in Rust and weaker in Verilog.
fn is_bitwise(expression: &VerilogExpression) -> bool {
    matches!(expression, VerilogExpression::Binary(_, op, _) if Class::of(op) == Class::Bitwise)
}

fn binary_info(left: Info, op: &VerilogOp, right: Info) -> Info {
    let both = Info {
        rust: left.rust.or(right.rust),
        verilog: left.verilog.max(right.verilog),
        open: left.open || right.open,
        signed: left.signed && right.signed,
    };
    match op {
        VerilogOp::Add | VerilogOp::Sub => Info { open: true, ..both },
        // The only multiplication is 16 x 16 -> 32, exact in Rust.
        VerilogOp::Mul => Info {
            rust: left.rust.zip(right.rust).map(|(l, r)| l + r),
            ..both
        },
        VerilogOp::Shl => Info { open: true, ..left },
        VerilogOp::Shr => left,
        // One side's zeros are enough.
        VerilogOp::BitAnd => Info {
            open: left.open && right.open,
            ..both
        },
        VerilogOp::BitOr | VerilogOp::BitXor => both,
        _ => Info::BIT,
    }
}

/// A literal prints with its width: `32'h4`. That is the width of the Rust integer type, which in
/// Rust's meaning does not count; only `true` and `false` are one bit in both.
fn literal_info(text: &str) -> Info {
    let bits = text.split('\'').next().and_then(|bits| bits.parse().ok());
    match bits {
        Some(1) => Info::BIT,
        Some(bits) => Info {
            verilog: bits,
            ..Info::UNSIZED
        },
        None => Info::UNSIZED,
    }
}

/// The expression as it is printed, near enough to be found in the source.
fn print(expression: &VerilogExpression) -> String {
    use VerilogExpression as E;
    match expression {
        E::Signal(name) => name.clone(),
        E::Literal(literal) => literal.to_string(),
        E::Paren(inner) => format!("({})", print(inner)),
        E::Cast(inner, bits) => format!("cast<{bits}>({})", print(inner)),
        E::Signed(inner) => format!("$signed({})", print(inner)),
        E::Unsigned(inner) => format!("$unsigned({})", print(inner)),
        E::Binary(left, op, right) => {
            format!("{} {} {}", print(left), binary_sign(op), print(right))
        }
        E::Unary(op, inner) => format!("{}{}", unary_sign(op), print(inner)),
        E::Index(base, index) => format!("{}[{}]", print(base), print(index)),
        E::Slice(base, bits, offset) => format!("{}[{} +: {bits}]", print(base), print(offset)),
        E::IndexReplace(base, index, bit) => {
            let (base, index, bit) = (print(base), print(index), print(bit));
            format!("{base}.replace_bit({index}, {bit})")
        }
    }
}

fn binary_sign(op: &VerilogOp) -> &'static str {
    match op {
        VerilogOp::Add => "+",
        VerilogOp::Sub => "-",
        VerilogOp::Mul => "*",
        VerilogOp::LogicalAnd => "&&",
        VerilogOp::LogicalOr => "||",
        VerilogOp::BitXor => "^",
        VerilogOp::BitAnd => "&",
        VerilogOp::BitOr => "|",
        VerilogOp::Shl => "<<",
        VerilogOp::Shr => ">>",
        VerilogOp::Eq => "==",
        VerilogOp::Ne => "!=",
        VerilogOp::Lt => "<",
        VerilogOp::Le => "<=",
        VerilogOp::Ge => ">=",
        VerilogOp::Gt => ">",
    }
}

fn unary_sign(op: &VerilogOpUnary) -> &'static str {
    match op {
        VerilogOpUnary::Not => "~",
        VerilogOpUnary::Neg => "-",
        VerilogOpUnary::All => "&",
        VerilogOpUnary::Any => "|",
        VerilogOpUnary::Xor => "^",
    }
}
