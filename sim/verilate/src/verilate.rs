//! From Verilog to a shared library: Verilator, then one g++ run, cached.
//!
//! A small block takes a third of a second the first time and nothing after that. What makes it
//! cheap: one translation unit for the whole model, and Verilator's own runtime compiled once
//! for each set of flags, with its headers precompiled.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::cache;
use crate::isolate::isolate;
use crate::ports::Port;
use crate::shim::{self, MODEL_CLASS};
use crate::tools::{ask_once, run, verilator_version, ToolError};

/// How a model is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The `-O` level of the C++ compiler.
    pub optimisation: u8,
    /// Whether waveforms can be written (about twelve times slower when they are).
    pub trace: bool,
    /// Where built libraries are kept; by default in cargo's target directory.
    pub cache: PathBuf,
}

impl Options {
    /// For a block bench: quick to build.
    pub fn bench() -> Self {
        Self {
            optimisation: 1,
            trace: false,
            cache: cache::default_root(),
        }
    }

    /// For a whole board: quick to run.
    pub fn board() -> Self {
        Self {
            optimisation: 3,
            ..Self::bench()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::bench()
    }
}

/// Verilator's warnings that are off, in simulation as in the lint, because rust-hdl's printing
/// always earns them: literals are 32 bits wide (`WIDTH`, `UNSIGNED`, `CMPCONST`: our own lint
/// knows which of them matter), and a match on states has no default (`CASEINCOMPLETE`: a latch
/// would still be found). All others stop the build; `UNOPTFLAT` above all, see `isolate`.
pub const EXPECTED_WARNINGS: &[&str] = &[
    "-Wno-WIDTH",
    "-Wno-UNSIGNED",
    "-Wno-CMPCONST",
    "-Wno-CASEINCOMPLETE",
];

/// rust-hdl writes old Verilog, in which SystemVerilog's keywords are names.
pub const LANGUAGE: &[&str] = &["--default-language", "1364-2005"];

/// What else Verilator is told for simulation.
const VERILATOR_FLAGS: &[&str] = &[
    "--cc",
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--noassert",
    "--no-timing",
];

const LIBRARY: &str = "libmodel.so";

/// Builds a shared library of the module `top` in `verilog`, or finds it built, and returns its
/// path. `ports` are those of `top`, in the order in which the loader will number them.
pub fn verilate(
    top: &str,
    verilog: &str,
    ports: &[Port],
    options: &Options,
) -> Result<PathBuf, ToolError> {
    let compile_flags = compile_flags(options)?;
    let verilog = &isolate(verilog);
    let port_list = format!("{ports:?}");
    let mut ingredients = vec![top, verilog, &port_list];
    ingredients.extend([verilator_version()?, compiler(), compiler_version()?]);
    ingredients.extend(VERILATOR_FLAGS);
    ingredients.extend(EXPECTED_WARNINGS);
    ingredients.extend(LANGUAGE);
    ingredients.extend(compile_flags.iter().map(String::as_str));
    ingredients.push(shim::PRELUDE);
    // The shim's text depends on the ports alone; it is hashed so that editing it rebuilds.
    let shim_text = shim::translation_unit(ports, &[], options.trace);
    ingredients.push(&shim_text);
    let name = cache::key(&ingredients);
    let directory = cache::get_or_build(&options.cache, &name, |work| {
        build(top, verilog, ports, options, &compile_flags, work)
    })?;
    Ok(directory.join(LIBRARY))
}

fn build(
    top: &str,
    verilog: &str,
    ports: &[Port],
    options: &Options,
    compile_flags: &[String],
    work: &Path,
) -> Result<(), ToolError> {
    let runtime = runtime(options, compile_flags)?;
    let source = work.join("top.v");
    fs::write(&source, verilog).map_err(ToolError::file(&source))?;
    let generated = work.join("generated");
    let mut command = Command::new("verilator");
    command.args(VERILATOR_FLAGS);
    command.args(EXPECTED_WARNINGS).args(LANGUAGE);
    command.args(["--prefix", MODEL_CLASS, "--top-module", top]);
    if options.trace {
        command.arg("--trace-fst");
    }
    command.arg("-Mdir").arg(&generated).arg(&source);
    run(&mut command, top)?;

    let unit = generated.join("unit.cpp");
    let text = shim::translation_unit(ports, &generated_sources(&generated)?, options.trace);
    fs::write(&unit, text).map_err(ToolError::file(&unit))?;
    let mut command = Command::new(compiler());
    command.args(compile_flags);
    command.arg("-I").arg(&runtime).arg("-I").arg(&generated);
    command.arg("-shared").arg("-Wl,-Bsymbolic");
    command.arg("-o").arg(work.join(LIBRARY)).arg(&unit);
    for object in runtime_sources(options) {
        command.arg(runtime.join(object).with_extension("o"));
    }
    if options.trace {
        command.arg("-lz");
    }
    run(&mut command, top)?;
    fs::remove_dir_all(&generated).map_err(ToolError::file(&generated))
}

/// The C++ files that Verilator wrote, in an order that does not depend on the file system.
fn generated_sources(generated: &Path) -> Result<Vec<String>, ToolError> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(generated).map_err(ToolError::file(generated))? {
        let entry = entry.map_err(ToolError::file(generated))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".cpp") {
            sources.push(name);
        }
    }
    sources.sort();
    Ok(sources)
}

/// Verilator's runtime, compiled: objects, and the precompiled header of all models.
fn runtime(options: &Options, compile_flags: &[String]) -> Result<PathBuf, ToolError> {
    let mut ingredients = vec![verilator_version()?, compiler(), compiler_version()?];
    ingredients.push(shim::PRELUDE);
    ingredients.extend(compile_flags.iter().map(String::as_str));
    let name = format!("runtime-{}", cache::key(&ingredients));
    cache::get_or_build(&options.cache, &name, |work| {
        let header = work.join("prelude.h");
        fs::write(&header, shim::PRELUDE).map_err(ToolError::file(&header))?;
        let include = verilator_include()?;
        for source in runtime_sources(options) {
            let mut command = Command::new(compiler());
            command
                .args(compile_flags)
                .arg("-c")
                .arg(include.join(source));
            let object = work.join(source).with_extension("o");
            run(command.arg("-o").arg(object), source)?;
        }
        let mut command = Command::new(compiler());
        command.args(compile_flags).args(["-x", "c++-header"]);
        command
            .arg(&header)
            .arg("-o")
            .arg(work.join("prelude.h.gch"));
        run(&mut command, "the precompiled header")?;
        Ok(())
    })
}

fn runtime_sources(options: &Options) -> &'static [&'static str] {
    if options.trace {
        &[
            "verilated.cpp",
            "verilated_threads.cpp",
            "verilated_fst_c.cpp",
        ]
    } else {
        &["verilated.cpp", "verilated_threads.cpp"]
    }
}

fn compile_flags(options: &Options) -> Result<Vec<String>, ToolError> {
    let include = verilator_include()?;
    let mut flags = vec![
        format!("-O{}", options.optimisation),
        format!("-I{}", include.display()),
        format!("-DVM_TRACE={}", u8::from(options.trace)),
        format!("-DVM_TRACE_FST={}", u8::from(options.trace)),
    ];
    // Many models are loaded into one process, all with the same class names: nothing but the
    // exported functions may be visible, and nothing may be merged between them.
    flags.extend(
        [
            "-std=c++17",
            "-fPIC",
            "-fvisibility=hidden",
            "-fno-gnu-unique",
            // It defines a macro: a header compiled without it would not be used.
            "-pthread",
            "-faligned-new",
            "-DVM_COVERAGE=0",
            "-DVM_SC=0",
        ]
        .map(String::from),
    );
    Ok(flags)
}

/// The C++ compiler: `CXX` if set, as make has it.
fn compiler() -> &'static str {
    static COMPILER: OnceLock<String> = OnceLock::new();
    COMPILER.get_or_init(|| env::var("CXX").unwrap_or_else(|_| String::from("g++")))
}

fn compiler_version() -> Result<&'static str, ToolError> {
    static ANSWER: OnceLock<String> = OnceLock::new();
    ask_once(&ANSWER, compiler(), &["--version"])
}

fn verilator_include() -> Result<PathBuf, ToolError> {
    static ROOT: OnceLock<String> = OnceLock::new();
    let root = ask_once(&ROOT, "verilator", &["--getenv", "VERILATOR_ROOT"])?;
    Ok(Path::new(root).join("include"))
}
