//! The C++ of a shared library: one translation unit, which includes the Verilated model and
//! gives it five C functions.
//!
//! The interface is the same for every model, so that one loader serves all: ports are reached by
//! number, in the order of the `Port` list that the library was built with.

use std::fmt::Write as _;

use crate::ports::Port;

/// The class that Verilator is told to generate. The same for all models: each library hides its
/// symbols.
pub(crate) const MODEL_CLASS: &str = "Vdut";

/// What the library's translation unit includes besides the generated sources; it is compiled
/// once into a precompiled header, since it is most of a small model's compile time.
pub(crate) const PRELUDE: &str = "#include \"verilated.h\"\n#include \"verilated_types.h\"\n";

/// Writes the translation unit for a model of the generated `sources` with these `ports`.
pub(crate) fn translation_unit(ports: &[Port], sources: &[String], trace: bool) -> String {
    let mut text = String::from("#include \"prelude.h\"\n");
    for source in sources {
        let _ = writeln!(text, "#include \"{source}\"");
    }
    if trace {
        text += "#include \"verilated_fst_c.h\"\n";
    }
    let mut cases = String::new();
    for (index, port) in ports.iter().enumerate() {
        let name = port.cpp_name();
        let _ = writeln!(cases, "    case {index}: return &m->top.{name};");
    }
    let (member, functions) = if trace {
        (TRACE_MEMBER, TRACE_FUNCTIONS)
    } else {
        ("", "")
    };
    let _ = write!(
        text,
        r#"
struct Model {{
  VerilatedContext context;
  {MODEL_CLASS} top;
  {member}
  Model() : context(), top(&context, "top") {{}}
}};
#define EXPORT extern "C" __attribute__((visibility("default")))
EXPORT Model* rnic_model_new() {{ return new Model; }}
EXPORT void rnic_model_free(Model* m) {{ m->top.final(); delete m; }}
EXPORT void rnic_model_eval(Model* m) {{ m->top.eval(); }}
EXPORT void* rnic_model_port(Model* m, unsigned index) {{
  switch (index) {{
{cases}  }}
  return nullptr;
}}
{functions}"#
    );
    text
}

const TRACE_MEMBER: &str = "VerilatedFstC* waves = nullptr;";

const TRACE_FUNCTIONS: &str = r#"
EXPORT void rnic_model_trace_open(Model* m, const char* path) {
  m->context.traceEverOn(true);
  m->waves = new VerilatedFstC;
  m->top.trace(m->waves, 99);
  m->waves->open(path);
}
EXPORT void rnic_model_trace_dump(Model* m, uint64_t time) { m->waves->dump(time); }
EXPORT void rnic_model_trace_close(Model* m) {
  m->waves->close();
  delete m->waves;
  m->waves = nullptr;
}
"#;
