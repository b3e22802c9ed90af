//! Load of signed webhooks on the real route: webhooks accepted per second, and the time until their event is in the outbox.
//!
//! App and stand-in for Stripe are separate processes; Amplitude is a listener that answers at once. Users start a trial at
//! the stand-in, which sends no webhooks here: this module reads its list of events, signs and posts them. The events of the
//! first users are posted without pauses, the others at an even rate. The app's workers read from the stand-in meanwhile.
//! Then the same requests go to a bare server, which shows what machine and client can do.

mod report;
pub(crate) mod store;

use std::ffi::OsString;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use backend::billing::mapping::WEBHOOK_TYPES;
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
pub use report::{CpuShares, MachineLimits, WebhooksPhase, WebhooksReport};

/// The signing secret of the webhooks.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_bench";
/// Limit until all webhooks are applied.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(120);
const CHECK_INTERVAL: Duration = Duration::from_millis(10);
/// Requests to the bare server at least.
const MIN_BARE_REQUESTS: usize = 5_000;
/// Concurrent sign-ups.
const CONCURRENT_SIGN_UPS: usize = 4;

/// How many webhooks, and how fast.
#[derive(Clone, Debug)]
pub struct WebhooksSettings {
    /// The app's database.
    pub engine: Engine,
    /// Users whose webhooks are posted at once; each starts a trial and causes about four webhooks.
    pub people: usize,
    /// Users whose webhooks are posted at an even rate.
    pub paced_people: usize,
    /// Webhooks per second of the even rate.
    pub rate: u32,
    /// Concurrent requests of those that are posted at once.
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

    let (first, all) = (settings.people, settings.people + settings.paced_people);
    start_trials(&run.client, app.address, 0..first).await?;
    let (bodies, known) = run.new_webhooks(&dashboard, 0).await?;
    let (app_before, stripe_before) = (app.cpu_secs(), stripe.cpu_secs());
    let burst = run
        .phase(run.burst(&run.webhooks, &bodies, settings.concurrency))
        .await?;
    let cpu = CpuShares {
        app_secs: app.cpu_secs() - app_before,
        stripe_secs: stripe.cpu_secs() - stripe_before,
    };
    start_trials(&run.client, app.address, first..all).await?;
    let (paced_bodies, _) = run.new_webhooks(&dashboard, known).await?;
    let paced = run.phase(run.paced(&paced_bodies, settings.rate)).await?;

    app.check_running().map_err(TrialsError::from)?;
    // The bare server has the machine to itself, as the app had.
    drop((app, stripe));
    let machine = run.bare(settings, folder.path(), &bodies).await?;
    let posted = burst.answers_us.len() + paced.answers_us.len();
    let applied = store::count_in_state(&run.db, "applied").await?;
    let report = WebhooksReport {
        settings: settings.clone(),
        burst,
        cpu,
        paced,
        machine,
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
    /// Returns the bodies of the webhooks that the stand-in would have sent, oldest first, without the first `known` events
    /// of Stripe; and the number of all events.
    async fn new_webhooks(
        &self,
        dashboard: &StripeDashboard,
        known: usize,
    ) -> Result<(Vec<String>, usize), WebhooksError> {
        let mut events: Vec<Value> = dashboard.events().await?;
        let all = events.len();
        // The list is newest first.
        events.truncate(all - known);
        let bodies = events.iter().rev().filter(|event| has_effect(event));
        Ok((bodies.map(Value::to_string).collect(), all))
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
        while store::has_pending(&self.db).await? {
            if started.elapsed() > SETTLE_TIMEOUT {
                let pending = store::count_in_state(&self.db, "pending").await?;
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

    /// Posts the webhooks to the bare server, until their number is large enough to measure.
    async fn bare(
        &self,
        settings: &WebhooksSettings,
        folder: &Path,
        bodies: &[String],
    ) -> Result<MachineLimits, WebhooksError> {
        let folder = folder.join("bare");
        std::fs::create_dir_all(&folder)?;
        let database = database::fresh(settings.engine, &folder).await;
        let mut bare = Process::new(
            "bare-server",
            &std::env::current_exe()?,
            ports::find_free()?,
            "/nothing",
            &folder,
            &self.client,
        );
        bare.arguments = vec![
            "bare-server".into(),
            "--listen".into(),
            bare.address.to_string().into(),
            "--database".into(),
            database.into(),
        ];
        bare.ensure_ready().await.map_err(TrialsError::from)?;
        let bodies: Vec<_> = bodies
            .iter()
            .cycle()
            .take(bodies.len().max(MIN_BARE_REQUESTS))
            .cloned()
            .collect();
        let mut rates = [0.0; 2];
        for (rate, path) in rates.iter_mut().zip(["nothing", "insert"]) {
            let url = format!("http://{}/{path}", bare.address);
            let started = Instant::now();
            self.burst(&url, &bodies, settings.concurrency).await?;
            *rate = bodies.len() as f64 / started.elapsed().as_secs_f64();
        }
        let [client_per_second, insert_per_second] = rates;
        Ok(MachineLimits {
            client_per_second,
            insert_per_second,
        })
    }

    async fn burst(
        &self,
        url: &str,
        bodies: &[String],
        concurrency: usize,
    ) -> Result<Vec<f64>, reqwest::Error> {
        stream::iter(bodies)
            .map(|body| post_webhook(&self.client, url, body))
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
                post_webhook(&self.client, &self.webhooks, body).await
            })
            .buffered(bodies.len().max(1))
            .try_collect()
            .await
    }
}

/// Whether the app asks Stripe to send events of this type. The others have no effect and are not stored.
pub(crate) fn has_effect(event: &Value) -> bool {
    let event_type = event["type"].as_str();
    event_type.is_some_and(|event_type| WEBHOOK_TYPES.contains(&event_type))
}

/// Signs and posts a webhook; returns the µs until the answer. Signing is not measured. Fails unless the answer is a success.
pub(crate) async fn post_webhook(client: &Client, url: &str, body: &str) -> Result<f64, reqwest::Error> {
    let signature = Webhook::generate_test_header(body, WEBHOOK_SECRET, None);
    let request = client
        .post(url)
        .header("stripe-signature", signature)
        .body(body.to_owned());
    let started = Instant::now();
    request.send().await?.error_for_status()?.bytes().await?;
    Ok(started.elapsed().as_secs_f64() * 1e6)
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
