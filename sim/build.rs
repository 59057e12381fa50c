//! Builds the Verilated boards and links them into this crate.
//!
//! ```text
//! rnic-hdl block -> Verilog -> Verilator -> C++ -> static library, kept under the hash of all that went into it
//!               \-> port list -> OUT_DIR/ports.rs: one struct of raw port pointers, filled by every model
//! ```
//! Every board has the same ports, whatever its sizes, so there is one such struct; the build stops where that is not so.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{anyhow, bail, ensure, Context, Result};
use rnic_verilate::{isolate, ports, verilog, Port, PortDirection};
use rust_hdl::prelude::Block;
use sha2::{Digest, Sha256};

/// Stands in for the gateware in this crate's own tests.
#[path = "tests/double/loopback.rs"]
#[allow(missing_docs)]
mod loopback;

/// A board to build.
struct Board {
    /// C++ class and prefix of the C functions.
    class: &'static str,
    verilog: String,
    ports: Vec<Port>,
}

/// The seam between this crate and the gateware: every board that is linked in.
fn boards() -> Result<Vec<Board>> {
    let image = |class, image: rnic_firmware::Image| Board {
        class,
        verilog: image.verilog,
        ports: image.ports,
    };
    // Each takes most of a minute, and neither needs the other.
    let small = thread::spawn(rnic_firmware::small);
    let full = rnic_firmware::full()?;
    let small = small
        .join()
        .map_err(|_| anyhow!("translating Small panicked"))??;
    let mut boards = vec![image("VrnicSmall", small), image("VrnicFull", full)];
    if env::var_os("CARGO_FEATURE_TEST_DOUBLE").is_some() {
        boards.push(board("VrnicDouble", loopback::Loopback::new())?);
    }
    Ok(boards)
}

fn board<B: Block>(class: &'static str, mut top: B) -> Result<Board> {
    top.connect_all();
    let text = match verilog("top", &top) {
        Ok(text) => text,
        Err(error) => bail!("rust-hdl refuses {class}: {error:?}"),
    };
    Ok(Board {
        class,
        verilog: text,
        ports: ports(&top),
    })
}

/// As the block benches have it; see crate rnic-verilate for why these warnings are off.
const VERILATOR_FLAGS: &[&str] = &[
    "--cc",
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--noassert",
    "--no-timing",
    "--default-language",
    "1364-2005",
    "-Wno-WIDTH",
    "-Wno-UNSIGNED",
    "-Wno-CASEINCOMPLETE",
    "--top-module",
    "top",
];

fn main() -> Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=tests/double/loopback.rs");
    let trace = env::var_os("CARGO_FEATURE_TRACE").is_some();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let boards = boards()?;
    for board in &boards {
        ensure!(
            board.ports == boards[0].ports,
            "{} and {} differ in their ports",
            board.class,
            boards[0].class
        );
    }
    fs::write(out.join("ports.rs"), rust_ports(&boards[0].ports)?)?;
    let verilator = Verilator::find(trace)?;
    for board in &boards {
        verilator.link(board, &out)?;
    }
    verilator.link_runtime()?;
    println!("cargo:rustc-link-lib=stdc++");
    if trace {
        println!("cargo:rustc-link-lib=z");
    }
    Ok(())
}

/// What Verilator and the C++ compiler are, and where finished libraries are kept.
struct Verilator {
    include: PathBuf,
    version: String,
    cache: PathBuf,
    trace: bool,
}

impl Verilator {
    fn find(trace: bool) -> Result<Self> {
        let ask = |question: &[&str]| -> Result<String> {
            let output = Command::new("verilator").args(question).output();
            let output = output.context("verilator is not installed (`cargo xtask doctor`)")?;
            Ok(String::from_utf8(output.stdout)?.trim().to_string())
        };
        // The directory that cargo marks as its target directory is shared by all profiles and feature sets.
        let out = PathBuf::from(env::var("OUT_DIR")?);
        let target = out
            .ancestors()
            .find(|directory| directory.join("CACHEDIR.TAG").exists())
            .unwrap_or(&out);
        Ok(Self {
            include: Path::new(&ask(&["--getenv", "VERILATOR_ROOT"])?).join("include"),
            version: ask(&["--version"])?,
            cache: target.join("boards"),
            trace,
        })
    }

    /// Verilates, compiles and links one board, or only links it if nothing has changed.
    fn link(&self, board: &Board, out: &Path) -> Result<()> {
        let library = board.class.to_lowercase();
        let shim = shim(board, self.trace);
        let verilog = isolate(&board.verilog);
        let directory = self.cached(&library, &[&verilog, &shim], |directory| {
            let source = directory.join("top.v");
            fs::write(&source, &verilog)?;
            let generated = directory.join("generated");
            let mut command = Command::new("verilator");
            command
                .args(VERILATOR_FLAGS)
                .args(["--prefix", board.class]);
            if self.trace {
                command.arg("--trace-fst");
            }
            let output = command.arg("-Mdir").arg(&generated).arg(&source).output()?;
            let messages = String::from_utf8_lossy(&output.stderr).into_owned();
            ensure!(output.status.success(), "verilator failed:\n{messages}");
            fs::write(generated.join("shim.cpp"), &shim)?;
            let mut build = self.compiler();
            build.include(&generated).out_dir(directory);
            for entry in fs::read_dir(&generated)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "cpp") {
                    build.file(path);
                }
            }
            build.try_compile(&library)?;
            Ok(())
        })?;
        // The text of what is simulated, for whoever looks.
        fs::copy(
            directory.join("top.v"),
            out.join(format!("{}.v", board.class)),
        )?;
        Ok(())
    }

    /// Verilator's own runtime; after the models, because they call it.
    fn link_runtime(&self) -> Result<()> {
        self.cached("verilated", &[], |directory| {
            let mut build = self.compiler();
            build.out_dir(directory);
            for file in ["verilated.cpp", "verilated_threads.cpp"] {
                build.file(self.include.join(file));
            }
            if self.trace {
                build.file(self.include.join("verilated_fst_c.cpp"));
            }
            build.try_compile("verilated")?;
            Ok(())
        })?;
        Ok(())
    }

    fn compiler(&self) -> cc::Build {
        let flag = |on: bool| if on { "1" } else { "0" };
        let mut build = cc::Build::new();
        build
            .cpp(true)
            .cpp_link_stdlib(None)
            .cargo_metadata(false)
            .std("c++17")
            .opt_level(3)
            .debug(false)
            .warnings(false)
            .flag("-faligned-new")
            .flag("-fno-strict-aliasing")
            .include(&self.include)
            .include(self.include.join("vltstd"))
            .define("VM_TRACE", flag(self.trace))
            .define("VM_TRACE_FST", flag(self.trace))
            .define("VM_COVERAGE", "0")
            .define("VM_SC", "0");
        build
    }

    /// The directory of `library`, built if its ingredients are new, and told to the linker.
    fn cached(
        &self,
        library: &str,
        ingredients: &[&str],
        build: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let mut hash = Sha256::new();
        for part in [self.version.as_str(), &format!("{}", self.trace)]
            .iter()
            .chain(VERILATOR_FLAGS)
            .chain(ingredients)
        {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let key: String = digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let finished = self.cache.join(format!("{library}-{key}"));
        if !finished.exists() {
            // Two builds may run at once: each works in its own place, the first to finish stays.
            let work = self
                .cache
                .join(format!("{library}-{key}.{}", std::process::id()));
            fs::create_dir_all(&work)?;
            build(&work).with_context(|| format!("building {library}"))?;
            if fs::rename(&work, &finished).is_err() {
                ensure!(finished.exists(), "{} cannot be made", finished.display());
                fs::remove_dir_all(&work)?;
            }
        }
        println!("cargo:rustc-link-search=native={}", finished.display());
        println!("cargo:rustc-link-lib=static={library}");
        Ok(finished)
    }
}

/// The C functions of one model: make, free, evaluate, and fill the struct of port pointers.
fn shim(board: &Board, trace: bool) -> String {
    let class = board.class;
    let prefix = class.to_lowercase();
    let mut text = format!("#include \"{class}.h\"\n#include \"verilated.h\"\n");
    let (member, functions) = if trace {
        text += "#include \"verilated_fst_c.h\"\n";
        (
            "VerilatedFstC* waves = nullptr;",
            format!(
                "void {prefix}_trace_open(Model* m, const char* path) {{ m->context.traceEverOn(true); m->waves = new VerilatedFstC; \
                 m->top.trace(m->waves, 99); m->waves->open(path); }}\n\
                 void {prefix}_trace_dump(Model* m, uint64_t time) {{ m->waves->dump(time); }}\n\
                 void {prefix}_trace_close(Model* m) {{ m->waves->close(); delete m->waves; m->waves = nullptr; }}\n"
            ),
        )
    } else {
        ("", String::new())
    };
    let _ = write!(
        text,
        "namespace {{ struct Model {{ VerilatedContext context; {class} top; {member} Model() : context(), top(&context, \"top\") {{}} }}; }}\n\
         extern \"C\" {{\n\
         Model* {prefix}_new() {{ return new Model; }}\n\
         void {prefix}_free(Model* m) {{ m->top.final(); delete m; }}\n\
         void {prefix}_eval(Model* m) {{ m->top.eval(); }}\n\
         void {prefix}_ports(Model* m, void** places) {{\n"
    );
    for (index, port) in board.ports.iter().enumerate() {
        let _ = writeln!(text, "  places[{index}] = &m->top.{};", port.cpp_name());
    }
    text + "}\n" + &functions + "}\n"
}

/// `RawPorts`: a pointer a port, in the order of the shim; the ports `steps$i$fire`, `steps$i$vi` become one array.
fn rust_ports(ports: &[Port]) -> Result<String> {
    let mut text = String::from(
        "/// Where Verilator keeps the ports: inputs are written before, outputs read after an evaluation.\n\
         #[repr(C)]\npub(crate) struct RawPorts {\n",
    );
    let mut names = BTreeSet::new();
    let mut steps = 0;
    for port in ports {
        let storage = match port.bits {
            0..=8 => "u8",
            9..=16 => "u16",
            17..=32 => "u32",
            33..=64 => "u64",
            _ => bail!("{} is wider than 64 bits", port.name),
        };
        ensure!(
            port.direction != PortDirection::InOut,
            "{} is tristate",
            port.name
        );
        if port.name.starts_with("steps$") {
            let field = ["fire", "vi"][steps % 2];
            let expected = format!("steps${}${field}", steps / 2);
            ensure!(port.name == expected, "{expected} is {}", port.name);
            steps += 1;
            if steps == 2 * rnic_abi::step::STEPS {
                let _ = writeln!(text, "    pub steps: [[*mut u8; 2]; {}],", steps / 2);
            }
            continue;
        }
        let name = port.name.replace('$', "_");
        let _ = writeln!(text, "    pub {name}: *mut {storage},");
        ensure!(names.insert(name), "two ports are called {}", port.name);
    }
    Ok(text + "}\n")
}
