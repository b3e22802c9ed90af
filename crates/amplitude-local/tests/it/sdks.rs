//! Tests that Amplitude's unmodified SDKs for Node.js and Python deliver events to the collector.
//!
//! `scripts/sdk-clients.sh` installs the SDKs (`make test` calls it). `SEAMLINE_SKIP_SDKS=1` skips these tests.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

use crate::support::{KEY, TestCollector, send};

/// Time limit of one SDK run. It includes the SDK's pauses between attempts.
const SDK_TIMEOUT: Duration = Duration::from_secs(120);

/// Makes the next upload fail with a 503, so that the SDK retries.
async fn fail_once(server: &TestCollector) {
    let switch = json!({"answer": 503, "count": 1});
    assert_eq!(send(server.post("/local/faults").json(&switch)).await.0, 200);
}

/// The folder of the SDK programs. Cargo runs tests in the package folder. A compiled-in path could belong to another checkout
/// that shares the build directory.
fn sdks() -> PathBuf {
    std::path::absolute("tests/sdks").expect("a working directory")
}

/// Whether the test should run. Panics when the SDK is missing and the test is not skipped explicitly.
fn is_installed(path: &Path) -> bool {
    if std::env::var("SEAMLINE_SKIP_SDKS").is_ok_and(|skip| skip == "1") {
        return false;
    }
    assert!(
        path.exists(),
        "{} is missing: run scripts/sdk-clients.sh, or set SEAMLINE_SKIP_SDKS=1 to skip this test",
        path.display()
    );
    true
}

/// Runs an SDK program and returns the JSON that it prints.
async fn run(program: &Path, script: &Path, url: &str) -> Value {
    let child = Command::new(program)
        .arg(script)
        .args([url, KEY])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = timeout(SDK_TIMEOUT, child)
        .await
        .expect("the program ends in time")
        .expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", script.display());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
}

/// The response code of each event type, sorted by event type.
fn codes(results: &Value) -> Vec<(&str, i64)> {
    let mut codes: Vec<_> = results
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|result| Some((result["event_type"].as_str()?, result["code"].as_i64()?)))
        .collect();
    codes.sort_unstable();
    codes
}

/// Checks the person that each SDK program creates: properties, revenue, session and both devices.
async fn assert_person(server: &TestCollector, user: &str) {
    let found = server.json(&format!("/api/2/usersearch?user={user}")).await;
    let person = &found["matches"][0]["amplitude_id"];
    let activity = server.json(&format!("/api/2/useractivity?user={person}")).await;
    let data = &activity["userData"];
    assert_eq!(
        data["properties"],
        json!({"plan": "pro", "since": "2023", "logins": 2}),
        "{data}"
    );
    assert_eq!((&data["revenue"], &data["purchases"]), (&json!(24.0), &json!(1)));
    assert_eq!(data["num_sessions"], 1);
    assert_eq!(
        data["device_ids"].as_array().map(Vec::len),
        Some(2),
        "the sent device and the derived one: {data}"
    );
    for event in activity["events"].as_array().expect("a list") {
        assert!(
            event["library"]
                .as_str()
                .is_some_and(|library| library.starts_with("amplitude-")),
            "{event}"
        );
        let insert_id = event["$insert_id"].as_str().expect("an insert ID");
        let raw = server.json(&format!("/local/raw?insert_id={insert_id}")).await;
        let deliveries = raw["deliveries"].as_array().expect("a list");
        assert!(
            deliveries
                .iter()
                .all(|delivery| delivery["device_id"] == deliveries[0]["device_id"]),
            "{raw}"
        );
        assert_eq!(
            deliveries
                .iter()
                .filter(|delivery| delivery["outcome"] == "accepted")
                .count(),
            1,
            "{raw}"
        );
    }
}

#[tokio::test]
async fn the_node_sdk_delivers_events() {
    let folder = sdks().join("node");
    if !is_installed(&folder.join("node_modules").join("@amplitude")) {
        return;
    }
    let server = TestCollector::start().await;
    fail_once(&server).await;
    let results = run(Path::new("node"), &folder.join("script.mjs"), &server.url).await;
    let expected = [
        ("$groupidentify", 200),
        ("$identify", 200),
        ("Node batch event", 200),
        ("Node event", 200),
        ("Short ID", 400),
        ("revenue_amount", 200),
    ];
    assert_eq!(codes(&results), expected, "{results}");
    assert_person(&server, "node-user").await;
    server.stop().await;
}

#[tokio::test]
async fn the_python_sdk_delivers_events() {
    let folder = sdks().join("python");
    let program = folder.join(".venv").join("bin").join("python");
    if !is_installed(&program) {
        return;
    }
    let server = TestCollector::start().await;
    fail_once(&server).await;
    let results = run(&program, &folder.join("script.py"), &server.url).await;
    let expected = [
        ("$identify", 200),
        ("Python batch event", 200),
        ("Python event", 200),
        ("Short ID", 400),
        ("revenue_amount", 200),
    ];
    assert_eq!(codes(&results), expected, "{results}");
    assert_person(&server, "python-user").await;
    server.stop().await;
}
