//! Cargo does not see that `migrate!` reads a folder.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
