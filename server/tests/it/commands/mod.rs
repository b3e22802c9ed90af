//! The commands as an operator runs them: the program, with settings in its environment, against the stand-ins.

mod check_config;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;

use amplitude_local::CollectorSettings;
use db::{Db, Engine};
use serde_json::json;
use stripe_local::StripeStandInSettings;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::billing::pay;
use crate::support::TestApp;

const STRIPE_SECRET: &str = "whsec_0123456789";

/// Runs the program with these settings only.
async fn seamline(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seamline"));
    command.args(arguments).env_clear().envs(settings.iter().copied());
    command.output().await.unwrap()
}

/// Standard output of a command that succeeds.
async fn printed(arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let output = seamline(arguments, settings).await;
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {log}");
    String::from_utf8(output.stdout).unwrap()
}

/// The log of a command that fails.
async fn failure(arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let output = seamline(arguments, settings).await;
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub async fn start_stripe(settings: StripeStandInSettings) -> String {
    let stand_in = stripe_local::open(settings).await.unwrap();
    let (listener, address) = listener().await;
    tokio::spawn(stripe_local::serve(listener, stand_in, std::future::pending()));
    format!("http://{address}")
}

pub async fn start_amplitude(settings: CollectorSettings) -> String {
    let collector = amplitude_local::open(settings).await.unwrap();
    let (listener, address) = listener().await;
    tokio::spawn(amplitude_local::serve(
        listener,
        collector,
        std::future::pending(),
    ));
    format!("http://{address}")
}

#[tokio::test]
async fn a_database_is_restored_after_the_server_was_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (url, copy) = (format!("sqlite:{}", path("seamline.db")), path("copy.db"));
    let settings = [("DATABASE_URL", url.as_str())];
    let app = TestApp::with(Engine::Sqlite, &settings).await;
    app.browser().sign_up("ada@example.com").await;
    printed(&["backup", &copy], &settings).await;
    app.browser().sign_up("bob@example.com").await;

    let refused = failure(&["restore", &copy], &settings).await;
    assert!(refused.contains("seamline.db exists; --replace"), "{refused}");
    let refused = failure(&["restore", "--replace", &copy], &settings).await;
    assert!(
        refused.contains("seamline.db is in use; stop the server first"),
        "{refused}"
    );
    app.stop().await;
    let refused = failure(&["restore", "--replace", &path("none.db")], &settings).await;
    assert!(refused.contains("No such file"), "{refused}");

    let text = printed(&["restore", "--replace", &copy], &settings).await;
    let kept = path("seamline.db.replaced-1");
    assert!(
        text.contains(&format!("was restored. The database before is in {kept}.")),
        "{text}"
    );
    assert_eq!(users(Path::new(&path("seamline.db"))).await, ["ada@example.com"]);
    assert_eq!(
        users(Path::new(&kept)).await,
        ["ada@example.com", "bob@example.com"]
    );
}

async fn users(file: &Path) -> Vec<String> {
    let db = Db::open(&format!("sqlite:{}", file.display())).await.unwrap();
    let users = sqlx::query_scalar("SELECT email_key FROM users ORDER BY email_key");
    users.fetch_all(db.pool()).await.unwrap()
}

#[tokio::test]
async fn webhooks_of_an_outage_are_replayed_once() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let form = browser.open("/pricing").await.text();
    let form = form
        .split("name=\"form\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let checkout = browser
        .submit("/pricing", &[("form", &form), ("interval", "year")])
        .await;
    let checkout = checkout.redirect().1.to_owned();
    // The pages of the stand-in are at `localhost`, its API at the same port.
    let stripe = format!("http://127.0.0.1:{}", checkout.split([':', '/']).nth(4).unwrap());
    let hold = http_browser::client()
        .unwrap()
        .post(format!("{stripe}/_sim/webhooks"))
        .json(&json!({"hold": true}));
    assert!(hold.send().await.unwrap().status().is_success());
    pay(&checkout).await;

    let settings = [
        ("DATABASE_URL", app.database.url.as_str()),
        ("STRIPE_API_URL", &stripe),
        ("STRIPE_WEBHOOK_SECRETS", STRIPE_SECRET),
    ];
    for (since, expected) in [
        ("31d", "Stripe keeps events for 30 days"),
        ("2999-01-01T00:00:00Z", "--since is in the future"),
        ("monday", "--since must be a duration such as 3d"),
    ] {
        let refused = failure(&["replay-webhooks", "--since", since], &settings).await;
        assert!(refused.contains(expected), "{since}: {refused}");
    }
    assert_eq!(app.count("stripe_inbox").await, 0);
    let first = printed(&["replay-webhooks", "--since", "1h"], &settings).await;
    let stored = app.count("stripe_inbox").await;
    assert!(
        stored > 0 && first.contains(&format!("{stored:>8} stored")),
        "{first}"
    );
    let user = app.user("ada@example.com").await;
    let started = app.collector.event(&user, "Trial started").await;
    assert_eq!(started["event_properties"]["click"], *form);

    let again = printed(&["replay-webhooks", "--since", "1h"], &settings).await;
    for count in [format!("{:>8} stored", 0), format!("{stored:>8} received before")] {
        assert!(again.contains(&count), "{count} in {again}");
    }
    assert_eq!(app.count("stripe_inbox").await, stored);
    app.collector.event(&user, "Trial started").await;
}
