//! Load of signed webhooks on the real route: webhooks accepted per second, and the time until their event is in the outbox.
//!
//! App and stand-in for Stripe are separate processes; Amplitude is a listener that answers at once. Users start a trial at
//! the stand-in, which sends no webhooks here: this module reads its list of events, signs and posts them. The events of the
//! first half of the users are posted without pauses, the others at an even rate. The app's workers read from the stand-in
//! meanwhile.

mod report;
mod store;

use std::ffi::OsString;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use backend::clock::Clock;
use db::{Db, Engine};
use futures::stream::{self, StreamExt, TryStreamExt};
use reqwest::Client;
use serde_json::Value;
use stripe_webhook::Webhook;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::browser::new_browser;
use crate::crash::trials::TrialsError;
use crate::crash::trials::customer::TrialCustomer;
use crate::crash::trials::stripe::StripeDashboard;
use crate::process::Process;
use crate::programs::Programs;
use crate::{database, ports, receiver};
pub use report::{WebhooksPhase, WebhooksReport};

/// The signing secret of the webhooks.
const WEBHOOK_SECRET: &str = "whsec_bench";
/// Limit until all webhooks are applied.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(120);
const CHECK_INTERVAL: Duration = Duration::from_millis(10);
/// Concurrent sign-ups.
const CONCURRENT_SIGN_UPS: usize = 4;

/// How many webhooks, and how fast.
#[derive(Clone, Debug)]
pub struct WebhooksSettings {
    /// The app's database.
    pub engine: Engine,
    /// Users who start a trial; each causes about five webhooks.
    pub people: usize,
    /// Webhooks per second in the second half.
    pub rate: u32,
    /// Concurrent requests in the first half.
    pub concurrency: usize,
}

/// Why the measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    /// A program could not be started, or a user's request failed.
    #[error(transparent)]
    Trials(#[from] TrialsError),
    /// A webhook was not answered 200.
    #[error("a request failed: {0}")]
    Request(#[from] reqwest::Error),
    /// Webhooks are still pending after the limit.
    #[error("{pending} webhooks are still pending after {} s", SETTLE_TIMEOUT.as_secs())]
    Unsettled {
        /// Their number.
        pending: i64,
    },
    /// The app's database cannot be read.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The app's database cannot be opened.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// A file, port or process could not be created.
    #[error("cannot prepare the run: {0}")]
    Prepare(#[from] std::io::Error),
}

/// Runs the measurement.
///
/// # Errors
/// When a program or a request fails. A missing event is no error: see [`WebhooksReport::holds`].
pub async fn run(programs: &Programs, settings: &WebhooksSettings) -> Result<WebhooksReport, WebhooksError> {
    let folder = tempfile::tempdir()?;
    let database = database::fresh(settings.engine, folder.path()).await;
    let stop = CancellationToken::new();
    let _ended = stop.clone().drop_guard();
    let events = receiver::start(stop.clone()).await?;
    let client = http_browser::client()?;
    let (mut app, mut stripe) = describe_processes(programs, folder.path(), &database, events, &client)?;
    stripe.ensure_ready().await.map_err(TrialsError::from)?;
    app.ensure_ready().await.map_err(TrialsError::from)?;
    let dashboard = StripeDashboard {
        client: client.clone(),
        address: stripe.address,
    };
    let run = WebhooksRun {
        webhooks: format!("http://{}/webhooks/stripe", app.address),
        db: Db::open(&database).await?,
        client,
    };

    let first = settings.people / 2;
    start_trials(&run.client, app.address, 0..first).await?;
    let bodies = run.new_webhooks(&dashboard, 0).await?;
    let burst = run.phase(run.burst(&bodies, settings.concurrency)).await?;
    start_trials(&run.client, app.address, first..settings.people).await?;
    let bodies = run.new_webhooks(&dashboard, bodies.len()).await?;
    let paced = run.phase(run.paced(&bodies, settings.rate)).await?;

    app.check_running().map_err(TrialsError::from)?;
    let posted = burst.answers_us.len() + paced.answers_us.len();
    let applied = store::count_in_state(&run.db, "applied").await?;
    let report = WebhooksReport {
        settings: settings.clone(),
        burst,
        paced,
        not_applied: i64::try_from(posted).unwrap_or(i64::MAX) - applied,
        trials: store::count_events(&run.db, "Trial started").await?,
    };
    run.db.close().await;
    Ok(report)
}

struct WebhooksRun {
    client: Client,
    webhooks: String,
    db: Db,
}

impl WebhooksRun {
    /// Returns the bodies of the webhooks that the stand-in would have sent, oldest first, without the first `known`.
    async fn new_webhooks(
        &self,
        dashboard: &StripeDashboard,
        known: usize,
    ) -> Result<Vec<String>, WebhooksError> {
        let mut events: Vec<Value> = dashboard.events().await?;
        // The list is newest first.
        events.truncate(events.len() - known);
        Ok(events.iter().rev().map(Value::to_string).collect())
    }

    /// Runs the requests and waits until all webhooks are applied.
    async fn phase(
        &self,
        posts: impl Future<Output = Result<Vec<f64>, reqwest::Error>>,
    ) -> Result<WebhooksPhase, WebhooksError> {
        let since_ms = Clock::system().now_ms();
        let started = Instant::now();
        let answers_us = posts.await?;
        let accepting = started.elapsed();
        loop {
            let pending = store::count_in_state(&self.db, "pending").await?;
            if pending == 0 {
                break;
            }
            if started.elapsed() > SETTLE_TIMEOUT {
                return Err(WebhooksError::Unsettled { pending });
            }
            sleep(CHECK_INTERVAL).await;
        }
        let applying = started.elapsed();
        let processing_ms = store::processing_times_ms(&self.db, since_ms).await?;
        Ok(WebhooksPhase {
            answers_us,
            accepting,
            applying,
            processing_ms: processing_ms.into_iter().map(|ms| ms as f64).collect(),
        })
    }

    async fn burst(&self, bodies: &[String], concurrency: usize) -> Result<Vec<f64>, reqwest::Error> {
        stream::iter(bodies)
            .map(|body| self.post(body))
            .buffered(concurrency.max(1))
            .try_collect()
            .await
    }

    async fn paced(&self, bodies: &[String], rate: u32) -> Result<Vec<f64>, reqwest::Error> {
        let started = Instant::now();
        let gap = Duration::from_secs(1) / rate.max(1);
        stream::iter((0_u32..).zip(bodies))
            .map(|(number, body)| async move {
                sleep_until(started + gap * number).await;
                self.post(body).await
            })
            .buffered(bodies.len().max(1))
            .try_collect()
            .await
    }

    /// Posts a webhook; returns the µs until the answer. Signing is not measured.
    async fn post(&self, body: &str) -> Result<f64, reqwest::Error> {
        let signature = Webhook::generate_test_header(body, WEBHOOK_SECRET, None);
        let request = self
            .client
            .post(&self.webhooks)
            .header("stripe-signature", signature)
            .body(body.to_owned());
        let started = Instant::now();
        request.send().await?.error_for_status()?.bytes().await?;
        Ok(started.elapsed().as_secs_f64() * 1e6)
    }
}

/// Describes the app and the stand-in for Stripe; does not start them.
fn describe_processes(
    programs: &Programs,
    folder: &Path,
    database: &str,
    events: SocketAddr,
    client: &Client,
) -> Result<(Process, Process), WebhooksError> {
    let process =
        |name, program, address, ready_path| Process::new(name, program, address, ready_path, folder, client);
    let mut stripe = process(
        "stripe-local",
        &programs.stripe,
        ports::find_free()?,
        "/_sim/clock",
    );
    stripe.arguments = vec![
        "--listen".into(),
        stripe.address.to_string().into(),
        "--allow-release".into(),
    ];
    let mut app = process("seamline", &programs.app, ports::find_free()?, "/readyz");
    app.environment.extend::<[(&str, OsString); 9]>([
        ("RUST_LOG", "warn".into()),
        ("LEPTOS_SITE_ADDR", app.address.to_string().into()),
        ("DATABASE_URL", database.into()),
        ("DATA_DIR", folder.into()),
        ("AMPLITUDE_URL", format!("http://{events}").into()),
        ("STRIPE_API_URL", format!("http://{}", stripe.address).into()),
        ("STRIPE_WEBHOOK_SECRETS", WEBHOOK_SECRET.into()),
        ("SEAMLINE_LOCAL", "remote".into()),
        ("TRUSTED_PROXIES", "127.0.0.1".into()),
    ]);
    Ok((app, stripe))
}

/// Signs up each user, orders a trial and completes Stripe's page without a card.
async fn start_trials(
    client: &Client,
    site: SocketAddr,
    people: std::ops::Range<usize>,
) -> Result<(), TrialsError> {
    let (_up, is_up) = watch::channel(true);
    stream::iter(people)
        .map(Ok)
        .try_for_each_concurrent(CONCURRENT_SIGN_UPS, |number| {
            let is_up = is_up.clone();
            async move {
                // Addresses for tests (RFC 2544), one for each person.
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)).saturating_add(number));
                let browser = new_browser(client, site, address);
                let mut customer =
                    TrialCustomer::new(browser, format!("webhooks-{number}@example.com"), is_up);
                customer.sign_up().await?;
                customer.order().await?;
                customer.complete().await.map(drop)
            }
        })
        .await
}
