//! What a build without the feature `local` links. `scripts/check.sh` compiles that build.

use std::process::Command;

/// Names of the packages that the server links with these features.
fn linked(features: &[&str]) -> Vec<String> {
    let tree = [
        "tree",
        "--locked",
        "--offline",
        "--package",
        "server",
        "--edges",
        "normal",
        "--prefix",
        "none",
    ];
    let output = Command::new(env!("CARGO"))
        .args(tree)
        .args(features)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let packages = String::from_utf8(output.stdout).unwrap();
    let names = packages.lines().filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

#[test]
fn a_build_without_local_has_no_stand_in_and_no_lab() {
    let (with, without) = (linked(&[]), linked(&["--no-default-features"]));
    for name in [
        "amplitude-local",
        "stripe-local",
        "local-service",
        "lab",
        "http-browser",
    ] {
        let is_in = |packages: &[String]| packages.iter().any(|package| package == name);
        assert!(is_in(&with), "{name}");
        assert!(!is_in(&without), "{name}");
    }
}
