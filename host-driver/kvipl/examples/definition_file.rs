//! Prints `kvipl.def`, which is kept beside this crate's `Cargo.toml`.

fn main() {
    print!("{}", kvipl::exports::definition_file());
}
