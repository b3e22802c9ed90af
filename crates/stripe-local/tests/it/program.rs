//! The program: how it starts, stops and survives.

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
    support::{KEY, answer, client, id},
};

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
        Self::start_with(state, &[]).await
    }

    async fn start_with(state: &std::path::Path, more: &[&str]) -> Self {
        let mut child = command()
            .args(["--listen", "127.0.0.1:0", "--state"])
            .arg(state)
            .args(more)
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

    async fn get(&self, path: &str) -> Value {
        let request = client().get(format!("{}{path}", self.url)).bearer_auth(KEY);
        let (status, body) = answer(request).await;
        assert_eq!(status, 200, "{path}: {body:#}");
        body
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let request = client()
            .post(format!("{}{path}", self.url))
            .bearer_auth(KEY)
            .form(form);
        let (status, body) = answer(request).await;
        assert_eq!(status, 200, "{path}: {body:#}");
        body
    }

    async fn control(&self, path: &str, body: Value) {
        let request = client().post(format!("{}/_sim/{path}", self.url)).json(&body);
        let (status, body) = answer(request).await;
        assert_eq!(status, 200, "{path}: {body:#}");
    }

    /// SIGKILL: nothing in it runs any more.
    async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
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
async fn killed_in_the_middle_of_a_life_it_loses_nothing() {
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
    // From here on nothing is delivered.
    first.control("webhooks", json!({"hold": true})).await;
    let trial = [
        ("customer", id(&customer)),
        ("items[0][price]", id(&price)),
        ("trial_period_days", "10"),
    ];
    let keyed = async |program: &Program| {
        let request = client()
            .post(format!("{}/v1/subscriptions", program.url))
            .bearer_auth(KEY)
            .header("idempotency-key", "trial-1")
            .form(&trial);
        answer(request).await
    };
    let (status, made) = keyed(&first).await;
    assert_eq!(status, 200);
    let until = |moment: &str| json!({"subscription": id(&made), "until": moment});
    first.control("clock", until("trial_end")).await;
    let path = format!("/v1/subscriptions/{}", id(&made));
    let before = first.get(&path).await;
    let ahead = first.get("/_sim/clock").await["ahead"].clone();
    first.kill().await;

    let second = Program::start_with(&state, &webhook).await;
    assert_eq!(second.get(&path).await, before, "active, with a draft");
    assert_eq!(second.get("/_sim/clock").await["ahead"], ahead);
    assert_eq!(
        keyed(&second).await,
        (200, made.clone()),
        "the first answer again"
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
    // What was on its way when the first one died may have come twice.
    let mut ids: Vec<&str> = arrived.iter().map(id).collect();
    ids.dedup();
    assert_eq!(ids, expected, "every event, in order");
    hooks.check();
}

#[tokio::test]
async fn killed_under_load_it_keeps_what_it_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("stripe.db");
    let program = Program::start(&state).await;
    let url = format!("{}/v1/customers", program.url);
    let answered = Arc::new(AtomicUsize::new(0));
    let enough = Arc::new(Notify::new());
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        let (url, answered, enough) = (url.clone(), answered.clone(), enough.clone());
        callers.spawn(async move {
            let client = client();
            while let Ok(response) = client.post(&url).bearer_auth(KEY).send().await {
                assert_eq!(response.status(), 200);
                if answered.fetch_add(1, Ordering::SeqCst) == 40 {
                    enough.notify_one();
                }
            }
        });
    }
    timeout(PATIENCE, enough.notified())
        .await
        .expect("forty answers in time");
    program.kill().await;
    callers.join_all().await;
    let program = Program::start(&state).await;
    let customers = program.get("/_sim/state").await["customers"].clone();
    let kept = customers.as_array().expect("a list").len();
    let answered = answered.load(Ordering::SeqCst);
    // One of each caller's may have been written down without an answer.
    assert!((answered..=answered + 4).contains(&kept), "{answered} {kept}");
}

#[tokio::test]
async fn it_refuses_to_be_reached_from_elsewhere_and_live_keys() {
    for (arguments, said) in [
        (["--listen", "0.0.0.0:0"], "0.0.0.0 is not a loopback address"),
        (["--secret-key", "sk_live_1"], "test keys only"),
    ] {
        let output = command().args(arguments).output().await.expect("it starts");
        assert!(!output.status.success());
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(log.contains(said), "{log}");
    }
}
