//! What the documents name exists: paths in the repository, and one Rust version everywhere.

use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    // Tests run in the folder of their package.
    PathBuf::from("..")
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn documents() -> Vec<PathBuf> {
    let root = root();
    let mut documents: Vec<PathBuf> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"]
        .map(|name| root.join(name))
        .into();
    for folder in ["docs", "docs/decisions"] {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        documents.extend(paths.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    }
    documents
}

/// Texts between backticks that are paths of the repository: they begin with one of its folders and have no placeholder.
fn named_paths(text: &str) -> impl Iterator<Item = &str> {
    const FOLDERS: [&str; 10] = [
        "app/",
        "bench/",
        "crates/",
        "deploy/",
        "docs/",
        "end2end/",
        "frontend/",
        "migrations/",
        "scripts/",
        "server/",
    ];
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter(|quoted| FOLDERS.iter().any(|folder| quoted.starts_with(folder)))
        .filter(|quoted| !quoted.contains(['<', '*', ' ', '{', '…']))
}

#[test]
fn paths_in_the_documents_exist() {
    let mut missing = Vec::new();
    for document in documents() {
        let text = read(&document);
        for path in named_paths(&text) {
            if !root().join(path).exists() {
                missing.push(format!("{}: {path}", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn a_path_is_found_in_a_sentence() {
    let text = "See `app/src/lib.rs`, `cargo test` and `crates/backend/src/<feature>/store.rs`.";
    assert_eq!(named_paths(text).collect::<Vec<_>>(), ["app/src/lib.rs"]);
}

#[test]
fn the_documents_and_the_manifest_ask_for_the_same_rust() {
    let manifest = read(&root().join("Cargo.toml"));
    let wanted = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \""))
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap();
    let script = read(&root().join("scripts/rust.sh"));
    let for_leptos = script
        .lines()
        .find_map(|line| line.strip_prefix("leptos_rust="))
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap();
    let readme = read(&root().join("README.md"));
    for sentence in [
        format!("Rust {wanted} or newer"),
        format!("Rust {for_leptos} where cargo-leptos has to be compiled"),
    ] {
        assert!(
            readme.contains(&sentence),
            "the README does not say \"{sentence}\""
        );
    }
}
