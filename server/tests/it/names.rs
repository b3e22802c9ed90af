//! Names: an item that the documents name exists, and no two public types share a name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::docs::{documents, read, root};

/// The Rust files below a folder, without those of tests.
fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["target", "tests", "node_modules"].contains(&name.as_str()) {
            sources(&path, files);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            files.push(path);
        }
    }
}

fn all_sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["app", "bench", "crates", "frontend", "server"] {
        sources(&root().join(folder), &mut files);
    }
    files
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
}

/// The Rust items among the texts between backticks: paths with `::`, and types. Blocks of code are left out.
fn named_items(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split("```").step_by(2);
    prose
        .flat_map(|part| part.split('`').skip(1).step_by(2))
        .filter(|quoted| (quoted.contains("::") && !quoted.contains('<')) || is_type(quoted))
}

fn is_type(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.contains(|letter: char| letter.is_ascii_lowercase())
        && text.chars().skip(1).any(|letter| letter.is_ascii_uppercase())
        && text.chars().all(char::is_alphanumeric)
}

/// The name of the public type that a line declares.
fn declared_type(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let rest = match rest.strip_prefix('(') {
        Some(scope) => scope.split_once(") ")?.1,
        None => rest.strip_prefix(' ')?,
    };
    let (kind, name) = rest.split_once(' ')?;
    let is_declaration = ["struct", "enum", "trait", "type"].contains(&kind);
    words(name).next().filter(|_| is_declaration)
}

#[test]
fn items_in_the_documents_exist() {
    let texts: Vec<String> = all_sources().iter().map(|path| read(path)).collect();
    let known: BTreeSet<&str> = texts.iter().flat_map(|text| words(text)).collect();
    let mut missing = Vec::new();
    // Decisions also name what was there before.
    for document in documents()
        .iter()
        .filter(|path| !path.starts_with("../docs/decisions"))
    {
        for item in named_items(&read(document)) {
            if words(item).any(|word| !known.contains(word)) {
                missing.push(format!("{}: {item}", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn public_types_have_different_names() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    // `x_absent.rs` is compiled in place of `x.rs` without a feature.
    for path in all_sources()
        .iter()
        .filter(|path| !path.to_string_lossy().ends_with("_absent.rs"))
    {
        for name in read(path).lines().filter_map(declared_type) {
            let places = places.entry(name.to_owned()).or_default();
            places.push(path.display().to_string());
        }
    }
    assert!(places.len() > 100);
    let shared: Vec<_> = places.iter().filter(|(_, places)| places.len() > 1).collect();
    assert!(shared.is_empty(), "{shared:#?}");
}

#[test]
fn items_and_declarations_are_recognized() {
    let text = "See `EventContext` and `tracking::causes`, not `Trial started`, `POST`.\n```\n`NotThis`\n```\n`AndThis`";
    let items: Vec<&str> = named_items(text).collect();
    assert_eq!(items, ["EventContext", "tracking::causes", "AndThis"]);
    for (line, expected) in [
        ("pub struct Lease<'a> {", Some("Lease")),
        ("    pub(in crate::billing) enum State {", Some("State")),
        ("pub fn type_name() {}", None),
        ("struct Private;", None),
    ] {
        assert_eq!(declared_type(line), expected, "{line}");
    }
}
