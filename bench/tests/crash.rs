//! The short forms of the crash runs, on every engine at hand. The long forms are `bench crash` and `bench crash trials`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use bench::crash::{self, Programs, Settings, trials};
use db::Engine;

const SIGN_UPS: usize = 15;
const KILLS: usize = 3;
/// Another one is tried by `bench crash --seed`.
const SEED: u64 = 20_261_123;

/// The folder of the executables that belong to this test's build, and that build's profile.
fn build_folder() -> (PathBuf, String) {
    // <target>/<profile>/deps/<this test>
    let this = std::env::current_exe().expect("this test has a path");
    let folder = this
        .ancestors()
        .nth(2)
        .expect("cargo builds tests into <profile>/deps")
        .to_owned();
    let profile = match folder
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a profile has a name")
    {
        "debug" => "dev".to_owned(),
        other => other.to_owned(),
    };
    (folder, profile)
}

/// Cargo builds executables of other packages only when asked. It is not busy while tests run, and has nothing to do
/// when they are fresh; with this package among them, it shares what was built for the test.
static PROGRAMS: LazyLock<Programs> = LazyLock::new(|| {
    let (folder, profile) = build_folder();
    let target = folder.parent().expect("profiles are below the target directory");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir("..")
        .args([
            "build",
            "--bins",
            "--package",
            "bench",
            "--package",
            "server",
            "--package",
            "amplitude-local",
            "--package",
            "stripe-local",
        ])
        .args(["--profile", &profile])
        .arg("--target-dir")
        .arg(target)
        .status()
        .expect("cargo starts");
    assert!(status.success(), "cargo could not build the programs");
    Programs::in_folder(&folder)
});

async fn short_run(engine: Engine) {
    let settings = Settings {
        engine,
        sign_ups: SIGN_UPS,
        kills: KILLS,
        visitors: 4,
        seed: SEED,
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = crash::run(&PROGRAMS, &settings, folder.path())
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(report.offences.is_empty(), "{report}");
    assert_eq!(report.figures.accounts, SIGN_UPS, "{report}");
    assert_eq!(report.figures.kills, KILLS, "{report}");
    // The run sees to it that at least one answer is lost: a run without repeats would prove nothing about them.
    assert!(report.figures.repeats > 0, "{report}");
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_on_sqlite() {
    short_run(Engine::Sqlite).await;
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_on_postgres() {
    // `make test` starts a Postgres; a bare `cargo test` goes without.
    if db::testing::engines().contains(&Engine::Postgres) {
        short_run(Engine::Postgres).await;
    }
}

/// Six kills: one at each kind of moment.
async fn short_run_of_trials(engine: Engine) {
    let settings = trials::Settings {
        engine,
        rounds: 1,
        people: 3,
        kills: 6,
        seed: SEED,
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = trials::run(&PROGRAMS, &settings, folder.path())
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(report.broken.is_empty(), "{report}");
    // And the one who meets no kill.
    assert_eq!(report.figures.people, 3 + 1, "{report}");
    assert_eq!(report.figures.kills.values().sum::<usize>(), 6, "{report}");
    assert!(report.figures.revenue > 0, "{report}");
}

#[tokio::test]
async fn every_trial_is_told_once_and_as_without_a_crash_on_sqlite() {
    short_run_of_trials(Engine::Sqlite).await;
}

#[tokio::test]
async fn every_trial_is_told_once_and_as_without_a_crash_on_postgres() {
    if db::testing::engines().contains(&Engine::Postgres) {
        short_run_of_trials(Engine::Postgres).await;
    }
}
