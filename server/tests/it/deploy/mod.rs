//! The files in `deploy/`, with the programs that read them. A test ends without a check where its program is not installed;
//! `scripts/setup.sh` installs them in CI.

mod clocks;
pub mod nginx;
pub mod rolling;
mod systemd;
mod versions;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A program of the system; `None`, with a note, if it is not installed. Servers are often outside of a user's path.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(["/usr/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        eprintln!("{name} is not installed: not tested");
    }
    found
}

fn read(file: &str) -> String {
    let path = Path::new("../deploy").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `text` with each of the first texts replaced by the second. Each must be there.
fn replaced(text: &str, replacements: &[(&str, &str)]) -> String {
    replacements.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

/// Runs a command; its output if it fails.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() && text.trim().is_empty() {
        Ok(())
    } else {
        Err(format!("{}: {text}", output.status))
    }
}
