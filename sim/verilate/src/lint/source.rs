//! What can only be seen in the Rust source: the parts of an `#[hdl_gen]` body that rust-hdl
//! drops, and names that it copies into the Verilog without declaring them.

use std::fmt;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use thiserror::Error;

/// What is wrong at a place in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceRule {
    /// `State::Idle if self.go.val() => ..`: the guard is not in the Verilog.
    Guard,
    /// `self.op.val() == SEND`: the Verilog has an undeclared name. Values enter as
    /// `Constant<Bits<N>>` fields.
    BareConstant,
}

impl fmt::Display for SourceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Guard => "the guard of a match arm is lost in Verilog",
            Self::BareConstant => "a Rust constant is not declared in Verilog",
        })
    }
}

/// One place in a source text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourceFinding {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub rule: SourceRule,
}

impl fmt::Display for SourceFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.rule)
    }
}

/// The text is not Rust.
#[derive(Debug, Error)]
#[error("line {line}: {source}")]
pub struct SourceError {
    /// Counted from 1.
    pub line: usize,
    /// What the parser said.
    pub source: syn::Error,
}

/// Checks the `#[hdl_gen]` functions of a Rust source text.
pub fn lint_source(text: &str) -> Result<Vec<SourceFinding>, SourceError> {
    let file = syn::parse_file(text).map_err(|source| SourceError {
        line: source.span().start().line,
        source,
    })?;
    let mut finder = Finder::default();
    finder.visit_file(&file);
    Ok(finder.findings)
}

#[derive(Default)]
struct Finder {
    inside_gateware: bool,
    findings: Vec<SourceFinding>,
}

impl Finder {
    fn hit(&mut self, rule: SourceRule, span: Span) {
        self.findings.push(SourceFinding {
            line: span.start().line,
            rule,
        });
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        let is_gateware = |attribute: &syn::Attribute| {
            let last = attribute.path().segments.last();
            last.is_some_and(|segment| segment.ident == "hdl_gen")
        };
        self.inside_gateware = function.attrs.iter().any(is_gateware);
        visit::visit_impl_item_fn(self, function);
        self.inside_gateware = false;
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if let (true, Some((if_token, _))) = (self.inside_gateware, &arm.guard) {
            self.hit(SourceRule::Guard, if_token.span());
        }
        visit::visit_arm(self, arm);
    }

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        if self.inside_gateware && is_screaming(&pattern.ident.to_string()) {
            self.hit(SourceRule::BareConstant, pattern.span());
        }
    }

    fn visit_expr_path(&mut self, expression: &'ast syn::ExprPath) {
        let path = &expression.path;
        let name = path.segments.last().map(|last| last.ident.to_string());
        // A state may have a name of one letter; a const generic usually has.
        let may_be_state = path.segments.len() > 1;
        let is_constant =
            name.is_some_and(|name| is_screaming(&name) && !(may_be_state && name.len() == 1));
        if self.inside_gateware && is_constant {
            self.hit(SourceRule::BareConstant, expression.span());
        }
    }

    /// rust-hdl evaluates the bounds of a loop in Rust.
    fn visit_expr_for_loop(&mut self, repeat: &'ast syn::ExprForLoop) {
        self.visit_block(&repeat.body);
    }

    /// And type arguments too.
    fn visit_generic_argument(&mut self, _argument: &'ast syn::GenericArgument) {}
}

fn is_screaming(name: &str) -> bool {
    let of_constant = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.chars().all(of_constant) && name.contains(|c: char| c.is_ascii_uppercase())
}
