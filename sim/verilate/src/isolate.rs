//! One process a signal, for Verilator.
//!
//! rust-hdl prints the whole of a block's `update` as one `always @(*)`. Two blocks that answer each other in one cycle, as
//! every ready and valid do, then make a circle of processes although no signal depends on itself, and Verilator settles
//! such a circle by repetition. Version 5.006, Debian's, was seen to stop too early there: a store's write enable kept its
//! value from the queue that was addressed before. Its attribute `isolate_assignments` makes it order the signals instead;
//! then what is left of circles is a real loop and is reported as `UNOPTFLAT`.
//!
//! On the `Small` board that is half as much C++ again, and 1.85 times the speed: nothing is settled by repetition.

/// The same Verilog with the attribute on every signal that a combinational process drives. A module with a clocked process
/// has no other kind, and is left as it is.
pub fn isolate(verilog: &str) -> String {
    let mut isolated = String::with_capacity(verilog.len() * 5 / 4);
    for module in verilog.split_inclusive("endmodule") {
        if module.contains("posedge") {
            isolated += module;
            continue;
        }
        for line in module.split_inclusive('\n') {
            isolated += &isolate_line(line).unwrap_or_else(|| line.to_string());
        }
    }
    isolated
}

/// `None` if it does not declare one.
fn isolate_line(line: &str) -> Option<String> {
    let (declaration, rest) = line.split_once(';')?;
    let mut words = declaration.split_whitespace();
    match words.next()? {
        "reg" => {}
        "output" if words.next()? == "reg" => {}
        _ => return None,
    }
    Some(format!(
        "{declaration} /*verilator isolate_assignments*/;{rest}"
    ))
}

#[cfg(test)]
mod tests {
    use super::isolate;

    #[test]
    fn combinational_signals_are_isolated() {
        let module = "module a(b);\n    output reg  [7:0] b;\n    reg  c;\n    wire  d;\n    \
                      always @(*) begin\n        c = d;\n    end\nendmodule // a\n";
        let expected = module
            .replace("] b;", "] b /*verilator isolate_assignments*/;")
            .replace("reg  c;", "reg  c /*verilator isolate_assignments*/;");
        assert_eq!(isolate(module), expected);
    }

    #[test]
    fn clocked_modules_stay() {
        let module =
            "module a(q);\n    output reg  q;\n    always @(posedge clock) q <= d;\nendmodule\n";
        assert_eq!(isolate(module), module);
    }
}
