//! Rebuilds the crate when a migration changes: Cargo does not track the folder that `migrate!` reads.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
