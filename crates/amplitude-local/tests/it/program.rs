use std::{process::Stdio, time::Duration};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

use crate::support::{KEY, client, send};

/// Time limit for a start or a stop on a busy machine.
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(60);

/// A running program that listens.
struct Program {
    child: Child,
    url: String,
    /// Open while the program runs, so that its log writes do not fail.
    _log: Lines<BufReader<ChildStderr>>,
}

impl Program {
    async fn start(state: &std::path::Path) -> Self {
        let mut child = command()
            .args(["--listen", "127.0.0.1:0", "--state"])
            .arg(state)
            .spawn()
            .expect("it starts");
        let mut log = BufReader::new(child.stderr.take().expect("its log")).lines();
        let listening = async {
            loop {
                let line = log
                    .next_line()
                    .await
                    .expect("text")
                    .expect("a log line with the address");
                if let Some((_, url)) = line.split_once("listens on ") {
                    return url.trim().to_owned();
                }
            }
        };
        let url = timeout(PROGRAM_TIMEOUT, listening)
            .await
            .expect("the program listens in time");
        Self {
            child,
            url,
            _log: log,
        }
    }

    async fn upload(&self, insert_id: &str) -> u16 {
        let body = json!({"api_key": KEY, "events": [{"event_type": "a", "user_id": "user-1", "insert_id": insert_id}]});
        send(client().post(format!("{}/2/httpapi", self.url)).json(&body))
            .await
            .0
    }

    async fn num_events(&self) -> i64 {
        let people = send(client().get(format!("{}/local/people", self.url))).await.1;
        people["people"][0]["num_events"].as_i64().expect("a count")
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_amplitude-local"));
    command.env_remove("AMPLITUDE_LOCAL_ADDR").env("RUST_LOG", "info");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn the_program_stops_gracefully_and_loses_no_events_when_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("amplitude.db");

    let mut first = Program::start(&state).await;
    assert_eq!(first.upload("insert-1").await, 200);
    // An open feed must not prevent the program from stopping.
    let feed = client()
        .get(format!("{}/live", first.url))
        .send()
        .await
        .expect("a feed");
    let pid = first.child.id().expect("it runs").to_string();
    let killed = Command::new("kill")
        .args(["-TERM", &pid])
        .status()
        .await
        .expect("kill");
    assert!(killed.success());
    let ended = timeout(PROGRAM_TIMEOUT, first.child.wait())
        .await
        .expect("it ends in time")
        .expect("it ends");
    assert!(ended.success(), "{ended}");
    drop(feed);

    let mut second = Program::start(&state).await;
    assert_eq!(second.upload("insert-2").await, 200);
    second.child.kill().await.expect("it can be killed");

    let third = Program::start(&state).await;
    assert_eq!(third.upload("insert-2").await, 200);
    assert_eq!(third.num_events().await, 2);
}

#[tokio::test]
async fn the_program_rejects_an_address_that_is_not_loopback() {
    let output = command()
        .args(["--listen", "0.0.0.0:0"])
        .output()
        .await
        .expect("it starts");
    assert!(!output.status.success());
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("0.0.0.0 is not a loopback address"), "{log}");
}

#[tokio::test]
async fn an_invalid_plan_is_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = folder.path().join("plan.json");
    std::fs::write(&plan, r#"{"events": []}"#).expect("a file");
    let output = command()
        .args(["--listen", "127.0.0.1:0", "--plan"])
        .arg(&plan)
        .output()
        .await
        .expect("it starts");
    assert!(!output.status.success());
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("events must be an object"), "{log}");
}
