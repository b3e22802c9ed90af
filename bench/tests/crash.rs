//! Short forms of the crash runs on each available engine. The long forms are `bench crash` and `bench crash trials`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use bench::crash::trials::{self, TrialsSettings};
use bench::crash::{self, CrashSettings};
use bench::programs::Programs;
use db::Engine;

const SIGN_UPS: usize = 15;
const KILLS: usize = 3;
/// `bench crash --seed` runs other seeds.
const SEED: u64 = 20_261_123;

/// Returns the folder of this build's executables, and the build's profile.
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

/// Builds the programs with cargo, because cargo builds executables of other packages only on request. Cargo holds no lock
/// while tests run. With this package in the list, the build shares the artefacts of the test.
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
    let settings = CrashSettings {
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
    assert!(report.violations.is_empty(), "{report}");
    assert_eq!(report.figures.accounts, SIGN_UPS, "{report}");
    assert_eq!(report.figures.kills, KILLS, "{report}");
    // Each run loses at least one answer: without a duplicate it would not test deduplication.
    assert!(report.figures.duplicates > 0, "{report}");
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_on_sqlite() {
    short_run(Engine::Sqlite).await;
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_on_postgres() {
    // `make test` starts a Postgres; a plain `cargo test` runs without.
    if db::testing::engines().contains(&Engine::Postgres) {
        short_run(Engine::Postgres).await;
    }
}

/// Six kills: one at each kind of kill point.
async fn short_run_of_trials(engine: Engine) {
    let settings = TrialsSettings {
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
    assert!(report.violations.is_empty(), "{report}");
    // Including the reference user.
    assert_eq!(report.figures.users, 3 + 1, "{report}");
    assert_eq!(report.figures.kills.values().sum::<usize>(), 6, "{report}");
    assert!(report.figures.revenue_minor > 0, "{report}");
}

#[tokio::test]
async fn each_trial_has_the_same_timeline_as_without_kills_on_sqlite() {
    short_run_of_trials(Engine::Sqlite).await;
}

#[tokio::test]
async fn each_trial_has_the_same_timeline_as_without_kills_on_postgres() {
    if db::testing::engines().contains(&Engine::Postgres) {
        short_run_of_trials(Engine::Postgres).await;
    }
}
