//! Invariants of ARCHITECTURE.md that can be read off the source.

use std::fs;
use std::path::{Path, PathBuf};

/// The Rust files below these folders of the workspace, by their path from its root.
fn sources(folders: &[&str]) -> Vec<(String, String)> {
    let root = Path::new("..");
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut files = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            files.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(files.len() > 5, "{folders:?} were read");
    files
}

fn offenders(folders: &[&str], bad: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let files = sources(folders).into_iter();
    files
        .filter(|(name, text)| bad(name, text))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn sql_stands_in_stores() {
    let in_store = |name: &str| name.ends_with("store.rs") || name.contains("/store/");
    let found = offenders(&["app/src", "server/src", "crates"], |name, text| {
        text.contains("sqlx::query") && !in_store(name) && !name.contains("/tests/") && !name.contains("test")
    });
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn pages_know_no_http_client_and_no_database() {
    let found = offenders(&["app/src"], |_, text| {
        ["sqlx::", "reqwest::", "axum::"].iter().any(|word| {
            text.lines().any(|line| {
                line.trim_start().starts_with("use ")
                    && line.contains(word)
                    && !line.contains("leptos_axum::")
            })
        })
    });
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn pages_reach_their_request_and_answer_through_two_modules_each() {
    let found = offenders(&["app/src"], |name, text| {
        let reads_request = text.contains("request::Parts");
        let writes_answer = text.contains("leptos_axum::");
        let is = |modules: &[&str]| {
            modules
                .iter()
                .any(|module| name == format!("app/src/{module}.rs"))
        };
        (reads_request && !is(&["request", "document"])) || (writes_answer && !is(&["security", "document"]))
    });
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn gates_stand_on_module_lines() {
    let gated = |text: &str| {
        let mut lines = text.lines().map(str::trim);
        std::iter::from_fn(move || {
            lines
                .by_ref()
                .find(|line| line.starts_with("#[cfg(") && line.contains("feature"))?;
            lines.by_ref().find(|line| !line.starts_with("#["))
        })
        .map(str::to_owned)
        .collect::<Vec<_>>()
    };
    let borders = [
        "mod ",
        "pub mod ",
        "pub(super) mod ",
        "use ",
        "pub use ",
        "pub(crate) use ",
    ];
    let found: Vec<(String, String)> = sources(&["app/src", "server/src"])
        .into_iter()
        .flat_map(|(name, text)| gated(&text).into_iter().map(move |line| (name.clone(), line)))
        .filter(|(_, line)| !borders.iter().any(|border| line.starts_with(border)))
        .collect();
    assert_eq!(found, Vec::<(String, String)>::new());
}

#[test]
fn the_tracking_plan_reads_no_clock_and_no_randomness() {
    let found = offenders(&["crates/tracking/src"], |_, text| {
        [
            "SystemTime",
            "Instant::now",
            "new_v4()",
            "now_v7()",
            "std::fs",
            "std::net",
        ]
        .iter()
        .any(|word| text.contains(word))
    });
    assert_eq!(found, Vec::<String>::new());
}
