//! The program: how it starts, stops and survives.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

use crate::support::{KEY, answer, client};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program, listening.
struct Program {
    child: Child,
    url: String,
    /// Kept open, so that the program can go on logging.
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
                    .expect("it says where it listens");
                if let Some((_, url)) = line.split_once("listens on ") {
                    return url.trim().to_owned();
                }
            }
        };
        let url = timeout(PATIENCE, listening).await.expect("it listens in time");
        Self {
            child,
            url,
            _log: log,
        }
    }

    /// Makes a customer and answers the status.
    async fn customer(&self) -> u16 {
        let request = client()
            .post(format!("{}/v1/customers", self.url))
            .bearer_auth(KEY);
        answer(request).await.0
    }

    async fn customers(&self) -> usize {
        let request = client()
            .get(format!("{}/v1/customers", self.url))
            .bearer_auth(KEY);
        answer(request).await.1["data"].as_array().expect("a list").len()
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stripe-local"));
    command.env_remove("STRIPE_LOCAL_ADDR").env("RUST_LOG", "info");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn it_stops_gracefully_and_survives_being_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("stripe.db");

    let mut first = Program::start(&state).await;
    assert_eq!(first.customer().await, 200);
    let pid = first.child.id().expect("it runs").to_string();
    let told = Command::new("kill")
        .args(["-TERM", &pid])
        .status()
        .await
        .expect("kill");
    assert!(told.success());
    let ended = timeout(PATIENCE, first.child.wait())
        .await
        .expect("it ends in time")
        .expect("it ends");
    assert!(ended.success(), "{ended}");

    let mut second = Program::start(&state).await;
    assert_eq!(second.customer().await, 200);
    second.child.kill().await.expect("it can be killed");

    let third = Program::start(&state).await;
    assert_eq!(third.customers().await, 2);
}

#[tokio::test]
async fn it_refuses_to_be_reached_from_elsewhere_and_live_keys() {
    for (arguments, said) in [
        (["--listen", "0.0.0.0:0"], "0.0.0.0 is no loopback address"),
        (["--secret-key", "sk_live_1"], "test keys only"),
    ] {
        let output = command().args(arguments).output().await.expect("it starts");
        assert!(!output.status.success());
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(log.contains(said), "{log}");
    }
}
