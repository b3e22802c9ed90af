//! The command-line program: start, stop, and restart after a crash.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use stripe_local::WallClock;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    sync::Notify,
    task::JoinSet,
    time::timeout,
};

use crate::{
    receiver::{Receiver, SECRET},
    test_server::{KEY, client, id, send},
};

/// For slow machines.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running program that listens.
struct Program {
    child: Child,
    url: String,
    /// Must stay open while the program writes its log.
    _log: Lines<BufReader<ChildStderr>>,
}

impl Program {
    async fn start(state: &std::path::Path) -> Self {
        Self::start_with(state, &[]).await
    }

    async fn start_with(state: &std::path::Path, more: &[&str]) -> Self {
        let mut child = command()
            .args(["--listen", "127.0.0.1:0", "--state"])
            .arg(state)
            .args(more)
            .spawn()
            .expect("the program starts");
        let mut log = BufReader::new(child.stderr.take().expect("standard error")).lines();
        let listening = async {
            loop {
                let line = log
                    .next_line()
                    .await
                    .expect("UTF-8")
                    .expect("the log names the address");
                if let Some((_, url)) = line.split_once("listens on ") {
                    return url.trim().to_owned();
                }
            }
        };
        let url = timeout(TIMEOUT, listening)
            .await
            .expect("the program listens in time");
        Self {
            child,
            url,
            _log: log,
        }
    }

    async fn get(&self, path: &str) -> Value {
        let request = client().get(format!("{}{path}", self.url)).bearer_auth(KEY);
        let (status, body) = send(request).await;
        assert_eq!(status, 200, "{path}: {body:#}");
        body
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let request = client()
            .post(format!("{}{path}", self.url))
            .bearer_auth(KEY)
            .form(form);
        let (status, body) = send(request).await;
        assert_eq!(status, 200, "{path}: {body:#}");
        body
    }

    async fn control(&self, path: &str, body: Value) {
        let request = client().post(format!("{}/_sim/{path}", self.url)).json(&body);
        let (status, body) = send(request).await;
        assert_eq!(status, 200, "{path}: {body:#}");
    }

    /// Sends SIGKILL.
    async fn kill(mut self) {
        self.child.kill().await.expect("the process is killed");
    }

    /// Creates a customer. Returns the status.
    async fn create_customer(&self) -> u16 {
        let request = client()
            .post(format!("{}/v1/customers", self.url))
            .bearer_auth(KEY);
        send(request).await.0
    }

    async fn count_customers(&self) -> usize {
        let request = client()
            .get(format!("{}/v1/customers", self.url))
            .bearer_auth(KEY);
        send(request).await.1["data"].as_array().expect("a list").len()
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
async fn the_program_stops_gracefully_and_keeps_its_state_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("stripe.db");

    let mut first = Program::start(&state).await;
    assert_eq!(first.create_customer().await, 200);
    let pid = first.child.id().expect("the process runs").to_string();
    let terminated = Command::new("kill")
        .args(["-TERM", &pid])
        .status()
        .await
        .expect("kill");
    assert!(terminated.success());
    let ended = timeout(TIMEOUT, first.child.wait())
        .await
        .expect("the process ends in time")
        .expect("the exit status");
    assert!(ended.success(), "{ended}");

    let mut second = Program::start(&state).await;
    assert_eq!(second.create_customer().await, 200);
    second.child.kill().await.expect("the process is killed");

    let third = Program::start(&state).await;
    assert_eq!(third.count_customers().await, 2);
}

#[tokio::test]
async fn a_kill_during_a_trial_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("stripe.db");
    let hooks = Receiver::start(WallClock::system()).await;
    let webhook = ["--webhook", &hooks.url, "--webhook-secret", SECRET];

    let first = Program::start_with(&state, &webhook).await;
    let price = first
        .post(
            "/v1/prices",
            &[
                ("product_data[name]", "Pro"),
                ("currency", "usd"),
                ("unit_amount", "1200"),
                ("recurring[interval]", "month"),
            ],
        )
        .await;
    let customer = first
        .post(
            "/v1/customers",
            &[
                ("payment_method", "pm_card_visa"),
                ("invoice_settings[default_payment_method]", "pm_card_visa"),
            ],
        )
        .await;
    // No webhook is delivered from here on.
    first.control("webhooks", json!({"hold": true})).await;
    let trial = [
        ("customer", id(&customer)),
        ("items[0][price]", id(&price)),
        ("trial_period_days", "10"),
    ];
    let create_trial = async |program: &Program| {
        let request = client()
            .post(format!("{}/v1/subscriptions", program.url))
            .bearer_auth(KEY)
            .header("idempotency-key", "trial-1")
            .form(&trial);
        send(request).await
    };
    let (status, created) = create_trial(&first).await;
    assert_eq!(status, 200);
    let until = |moment: &str| json!({"subscription": id(&created), "until": moment});
    first.control("clock", until("trial_end")).await;
    let path = format!("/v1/subscriptions/{}", id(&created));
    let before = first.get(&path).await;
    let ahead = first.get("/_sim/clock").await["ahead"].clone();
    first.kill().await;

    let second = Program::start_with(&state, &webhook).await;
    assert_eq!(second.get(&path).await, before, "active with a draft invoice");
    assert_eq!(second.get("/_sim/clock").await["ahead"], ahead);
    assert_eq!(
        create_trial(&second).await,
        (200, created.clone()),
        "the first response is replayed"
    );
    second.control("clock", until("payment")).await;
    second.kill().await;

    let third = Program::start_with(&state, &webhook).await;
    assert_eq!(third.get("/v1/charges").await["data"][0]["amount"], 1200);
    third.control("webhooks", json!({})).await;
    let events = third.get("/v1/events?limit=100").await["data"].clone();
    let mut expected: Vec<&str> = events.as_array().expect("a list").iter().map(id).collect();
    expected.reverse();
    let arrived = hooks.wait_for(expected.len()).await;
    // A delivery that was in progress at the kill may have been repeated.
    let mut ids: Vec<&str> = arrived.iter().map(id).collect();
    ids.dedup();
    assert_eq!(ids, expected, "every event, in order");
    hooks.check();
}

#[tokio::test]
async fn a_kill_under_load_loses_no_acknowledged_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("stripe.db");
    let program = Program::start(&state).await;
    let url = format!("{}/v1/customers", program.url);
    let responded = Arc::new(AtomicUsize::new(0));
    let enough_responses = Arc::new(Notify::new());
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        let (url, responded, enough_responses) = (url.clone(), responded.clone(), enough_responses.clone());
        callers.spawn(async move {
            let client = client();
            while let Ok(response) = client.post(&url).bearer_auth(KEY).send().await {
                assert_eq!(response.status(), 200);
                if responded.fetch_add(1, Ordering::SeqCst) == 40 {
                    enough_responses.notify_one();
                }
            }
        });
    }
    timeout(TIMEOUT, enough_responses.notified())
        .await
        .expect("forty responses in time");
    program.kill().await;
    callers.join_all().await;
    let program = Program::start(&state).await;
    let customers = program.get("/_sim/state").await["customers"].clone();
    let saved = customers.as_array().expect("a list").len();
    let responded = responded.load(Ordering::SeqCst);
    // One request per client may have been saved without a response.
    assert!(
        (responded..=responded + 4).contains(&saved),
        "{responded} {saved}"
    );
}

#[tokio::test]
async fn foreign_addresses_and_live_keys_are_rejected() {
    for (arguments, message) in [
        (["--listen", "0.0.0.0:0"], "0.0.0.0 is not a loopback address"),
        (["--secret-key", "sk_live_1"], "test keys only"),
    ] {
        let output = command()
            .args(arguments)
            .output()
            .await
            .expect("the program starts");
        assert!(!output.status.success());
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(log.contains(message), "{log}");
    }
}
