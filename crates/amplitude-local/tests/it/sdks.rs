//! Amplitude's official SDKs deliver to the collector unchanged.
//!
//! `scripts/sdk-clients.sh` installs them (`make test` calls it). Set `SEAMLINE_SKIP_SDKS=1` to do without.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

use crate::support::{KEY, Server, answer};

/// Long enough for the SDKs' own pauses between attempts, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The next upload fails as if the service were down; the SDKs try again.
async fn fail_once(server: &Server) {
    let switch = json!({"answer": 503, "count": 1});
    assert_eq!(answer(server.post("/local/faults").json(&switch)).await.0, 200);
}

/// Where their programs are. Cargo runs tests in their package's folder; a path that was compiled in may be that of another
/// checkout with the same build directory.
fn sdks() -> PathBuf {
    std::path::absolute("tests/sdks").expect("a working directory")
}

/// Whether the test is to run. A missing SDK is a failure, so that nobody takes silence for success.
fn installed(path: &Path) -> bool {
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

/// Runs a client and answers what it printed.
async fn run(program: &Path, script: &Path, url: &str) -> Value {
    let child = Command::new(program)
        .arg(script)
        .args([url, KEY])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, child)
        .await
        .expect("the client ends")
        .expect("the client starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", script.display());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
}

/// Code by event type, in the order of names.
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

/// What both SDKs must have left: one person with the properties, the money, the session and both devices.
async fn assert_person(server: &Server, user: &str) {
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
        "its own and the derived one: {data}"
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
async fn node() {
    let folder = sdks().join("node");
    if !installed(&folder.join("node_modules").join("@amplitude")) {
        return;
    }
    let server = Server::start().await;
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
async fn python() {
    let folder = sdks().join("python");
    let program = folder.join(".venv").join("bin").join("python");
    if !installed(&program) {
        return;
    }
    let server = Server::start().await;
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
