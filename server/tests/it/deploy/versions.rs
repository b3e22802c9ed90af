//! A rolling deployment from one version's program to another's, on one Postgres behind nginx, under load.
//! `scripts/rolling.sh` builds the program of the version before and runs this.

use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use amplitude_local::CollectorSettings;
use db::Db;
use reqwest::Client;
use serde_json::Value;
use stripe_local::StripeStandInSettings;
use tokio_util::sync::CancellationToken;

use super::nginx::{Nginx, free_port};
use super::program;
use super::rolling::site;
use crate::browser::{Answer, Browser};
use crate::commands::{start_amplitude, start_stripe};
use crate::support::until;

/// How long each set of servers has the load. nginx tries a server that was down again after 5 s.
const PHASE: Duration = Duration::from_secs(8);

/// Browsers that work at the same time.
const BROWSERS: u32 = 4;

/// The longest stop that a process manager waits for.
const STOP: Duration = Duration::from_secs(30);

/// A server that runs. Dropping it kills the process.
struct Version {
    process: Child,
    _files: [tempfile::TempDir; 2],
}

impl Drop for Version {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Version {
    /// Starts a program, and waits until it is ready. `name` is part of its files, so that each version has others.
    async fn start(
        program: &Path,
        name: &str,
        client: &Client,
        address: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let files = [
            tempfile::tempdir().unwrap(),
            site(&format!("body {{ --version: {name} }}")),
        ];
        let process = Command::new(program)
            .env_clear()
            .envs(settings.iter().copied())
            .env("LEPTOS_SITE_ADDR", address)
            .env("DATA_DIR", files[0].path())
            .env("LEPTOS_SITE_ROOT", files[1].path())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let version = Self {
            process,
            _files: files,
        };
        let ready = format!("http://{address}/readyz");
        until(&format!("the {name} version is ready"), async || {
            let answer = client.get(&ready).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        version
    }

    /// Sends SIGTERM, and waits for the end.
    async fn stop(mut self) {
        let began = Instant::now();
        let signal = Command::new("kill").arg(self.process.id().to_string()).status();
        assert!(signal.unwrap().success());
        until("the server ends", async || self.process.try_wait().unwrap()).await;
        assert!(began.elapsed() < STOP, "{:?}", began.elapsed());
    }
}

/// What the browsers did.
#[derive(Default)]
struct Load {
    sign_ups: AtomicU32,
    votes: AtomicU32,
    journeys: AtomicU32,
}

impl Load {
    /// Signs up, asks, votes and reads, with new browsers, until `stop`. An unexpected answer fails the test.
    async fn run(self: Arc<Self>, client: Client, url: String, number: u32, stop: CancellationToken) {
        for journey in 0.. {
            if stop.is_cancelled() {
                return;
            }
            let mut browser = Browser::new(&client, &url);
            for path in ["/", "/pricing"] {
                expect(&browser.open(path).await, 200, path);
            }
            let mail = format!("user-{number}-{journey}@example.com");
            expect(&browser.sign_up(&mail).await, 303, "sign-up");
            self.sign_ups.fetch_add(1, Ordering::Relaxed);
            let fields = [("question", "Lunch?"), ("option", "Soup"), ("option", "Salad")];
            let created = browser.submit("/polls/new", &fields).await;
            expect(&created, 303, "a new poll");
            let polls = browser.open("/polls").await;
            expect(&polls, 200, "/polls");
            let poll = polls
                .text()
                .split('"')
                .find(|part| part.starts_with("/p/"))
                .unwrap()
                .to_owned();
            let vote = [("choice", "1"), ("revision", "0")];
            expect(&browser.submit(&poll, &vote).await, 303, "a vote");
            self.votes.fetch_add(1, Ordering::Relaxed);
            let page = browser.open(&poll).await;
            expect(&page, 200, &poll);
            // The assets of the page's build, on any server.
            let text = page.text();
            let script = text.split('"').find(|part| part.ends_with("/seam.js")).unwrap();
            expect(&browser.open(script).await, 200, script);
            for path in ["/timeline", "/settings"] {
                expect(&browser.open(path).await, 200, path);
            }
            expect(&browser.sign_out().await, 303, "sign-out");
            self.journeys.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits a phase, and requires that it had journeys.
    async fn phase(&self, servers: &str) {
        let before = self.journeys.load(Ordering::Relaxed);
        tokio::time::sleep(PHASE).await;
        let journeys = self.journeys.load(Ordering::Relaxed) - before;
        eprintln!("{servers}: {journeys} journeys");
        assert!(journeys > 0, "{servers}");
    }
}

fn expect(answer: &Answer, status: u16, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
}

#[tokio::test]
#[ignore = "it needs the program of another version: scripts/rolling.sh"]
async fn one_version_replaces_another_without_an_error_that_users_see() {
    let Some(nginx) = program("nginx") else {
        panic!("nginx is needed")
    };
    let binary = |name: &str| std::env::var_os(name).map(std::path::PathBuf::from);
    let old = binary("SEAMLINE_OLD_BIN").expect("SEAMLINE_OLD_BIN, which scripts/rolling.sh sets");
    let new = binary("SEAMLINE_NEW_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_seamline").into());
    let client = http_browser::client().unwrap();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let addresses = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
    let database = db::testing::empty_postgres().await;
    let amplitude = start_amplitude(CollectorSettings::default()).await;
    let stripe = start_stripe(StripeStandInSettings::default()).await;
    let settings = [
        ("PUBLIC_URL", url.as_str()),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("SEAMLINE_LOCAL", "remote"),
        ("LIMIT_FACTOR", "100000"),
        ("COOKIE_KEY", "a key for tests, 32 bytes or more"),
        ("DATABASE_URL", &database),
        ("AMPLITUDE_URL", &amplitude),
        ("STRIPE_API_URL", &stripe),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_of_a_test"),
        ("RUST_LOG", "warn"),
    ];

    let old = Version::start(&old, "old", &client, &addresses[0], &settings).await;
    let nginx = Nginx::start(&nginx, port, &[&addresses[0], &addresses[1]]);
    until("nginx listens", async || client.get(&url).send().await.ok()).await;
    let (load, stop) = (Arc::new(Load::default()), CancellationToken::new());
    let browsers = (0..BROWSERS).map(|number| {
        let (load, client, url, stop) = (load.clone(), client.clone(), url.clone(), stop.clone());
        tokio::spawn(load.run(client, url, number, stop))
    });
    let browsers: Vec<_> = browsers.collect();
    load.phase("old").await;
    let new = Version::start(&new, "new", &client, &addresses[1], &settings).await;
    load.phase("old and new").await;
    old.stop().await;
    load.phase("new").await;
    stop.cancel();
    for browser in browsers {
        assert!(browser.await.is_ok(), "nginx: {}", nginx.log("error.log"));
    }

    let (sign_ups, votes) = (
        load.sign_ups.load(Ordering::Relaxed),
        load.votes.load(Ordering::Relaxed),
    );
    let stored = Db::open(&database).await.unwrap();
    for (rows, expected) in [("users", sign_ups), ("votes", votes)] {
        let count = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {rows}"));
        let count: i64 = sqlx::query_scalar(count).fetch_one(stored.pool()).await.unwrap();
        assert_eq!(count, i64::from(expected), "{rows}");
    }
    until("each sign-up is at Amplitude once", async || {
        let events = format!("{amplitude}/local/events?event_type=Sign-up%20completed&limit=1000");
        let found: Value = client.get(events).send().await.ok()?.json().await.ok()?;
        (found["events"].as_array()?.len() == sign_ups as usize).then_some(())
    })
    .await;
    eprintln!("{sign_ups} sign-ups and {votes} votes; no error");
    new.stop().await;
}
