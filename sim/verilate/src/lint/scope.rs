//! The names that one block's Verilog module knows, and their widths.

use std::collections::HashMap;

use rust_hdl::prelude::*;

use super::expression::Info;

/// One block and what is declared in it so far.
pub(super) struct Scope {
    name: String,
    namespace: Vec<String>,
    names: HashMap<String, Info>,
    loop_variables: Vec<String>,
}

impl Scope {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_string(),
            namespace: Vec::new(),
            names: HashMap::new(),
            loop_variables: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn enter_namespace(&mut self, name: &str) {
        self.namespace.push(name.to_string());
    }

    pub(super) fn leave_namespace(&mut self) {
        self.namespace.pop();
    }

    pub(super) fn enter_loop(&mut self, variable: &str) {
        self.loop_variables.push(variable.to_string());
    }

    pub(super) fn leave_loop(&mut self) {
        self.loop_variables.pop();
    }

    /// Declares a signal of this block, and the states of its type.
    pub(super) fn declare(&mut self, name: &str, signal: &dyn Atom) {
        let name = self.qualified(name);
        self.add(name, signal);
    }

    /// Declares a port of this block in the block around it.
    pub(super) fn declare_for_parent(&self, name: &str, signal: &dyn Atom, parent: &mut Scope) {
        let kind = signal.kind();
        if kind.is_parameter() {
            let name = format!("{}${}", self.name, self.qualified(name));
            parent.add(name, signal);
        }
    }

    fn qualified(&self, name: &str) -> String {
        let mut path = self.namespace.join("$");
        if !path.is_empty() {
            path.push('$');
        }
        path + name
    }

    fn add(&mut self, name: String, signal: &dyn Atom) {
        let kind = signal.descriptor().kind;
        let info = Info::signal(signal.bits(), matches!(kind, TypeKind::Signed(_)));
        self.names.insert(name, info);
        self.add_states(&kind);
    }

    fn add_states(&mut self, kind: &TypeKind) {
        match kind {
            TypeKind::Enum(states) => {
                for state in states {
                    self.names.insert(state.replace("::", "$"), Info::UNSIZED);
                }
            }
            TypeKind::Composite(fields) => {
                for field in fields {
                    self.add_states(&field.kind.kind);
                }
            }
            TypeKind::Bits(_) | TypeKind::Signed(_) => {}
        }
    }

    /// What a name in the syntax tree stands for, if it is known.
    pub(super) fn info(&self, name: &str) -> Option<Info> {
        if self.loop_variables.iter().any(|variable| variable == name) {
            return Some(Info::UNSIZED);
        }
        self.names.get(&verilog_name(name)).copied()
    }
}

/// The name as it is declared: without `$next`, and with every array index taken as 0, since all
/// elements of an array have the same width.
fn verilog_name(name: &str) -> String {
    let mut text = String::new();
    let mut depth = 0;
    for character in name.trim_start_matches('.').chars() {
        match character {
            '[' => {
                if depth == 0 {
                    text.push_str("$0");
                }
                depth += 1;
            }
            ']' => depth -= 1,
            _ if depth > 0 => {}
            '.' => text.push('$'),
            _ => text.push(character),
        }
    }
    let text = text.replace("::", "$");
    text.strip_suffix("$next").unwrap_or(&text).to_string()
}
