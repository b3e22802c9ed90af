//! Signed webhooks by the real route: how many are taken in a second, and how long after that their event is in the outbox.
//!
//! App and stand-in for Stripe are processes of their own; Amplitude is a listener that answers at once. People start a trial at
//! the stand-in, which sends no webhooks here: they are read from its list of events, signed, and posted by us — the first half
//! of the people's all at once, the other half's at an even rate. The app's workers ask the stand-in while that goes on.

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

use crate::browser::{self, ADDRESS_HEADER, Browser};
use crate::crash::Programs;
use crate::crash::trials::TrialsError;
use crate::crash::trials::customer::Customer;
use crate::crash::trials::stripe::StandIn;
use crate::process::Process;
use crate::{database, ports, receiver};
pub use report::{Phase, Report};

/// What webhooks are signed with.
const SECRET: &str = "whsec_bench";
/// By then everything is applied that ever will be.
const SETTLE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(10);
/// People who sign up side by side.
const SIGN_UPS: usize = 4;

/// How many, and how fast.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The app's database.
    pub engine: Engine,
    /// People who start a trial; each makes some five webhooks.
    pub people: usize,
    /// Webhooks a second in the paced half.
    pub rate: u32,
    /// Webhooks on their way at the same time in the other.
    pub concurrency: usize,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    /// A program does not run, or a person gets nowhere.
    #[error(transparent)]
    Trials(#[from] TrialsError),
    /// A request got no answer, or another than 200.
    #[error("a request failed: {0}")]
    Request(#[from] reqwest::Error),
    /// They are not applied.
    #[error("{pending} webhooks are still to be applied after {} s", SETTLE.as_secs())]
    Unsettled {
        /// How many.
        pending: i64,
    },
    /// The app's database cannot be read.
    #[error(transparent)]
    Books(#[from] sqlx::Error),
    /// Or not be opened.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// The machine refuses something.
    #[error("cannot prepare the run: {0}")]
    Prepare(#[from] std::io::Error),
}

/// Measures.
///
/// # Errors
/// When anything but the figures is out of the ordinary.
pub async fn run(programs: &Programs, settings: &Settings) -> Result<Report, WebhooksError> {
    let folder = tempfile::tempdir()?;
    let database = database::fresh(settings.engine, folder.path()).await;
    let stop = CancellationToken::new();
    let _ended = stop.clone().drop_guard();
    let events = receiver::start(stop.clone()).await?;
    let client = browser::client()?;
    let (mut app, mut stripe) = stage(programs, folder.path(), &database, events, &client)?;
    stripe.is_there().await.map_err(TrialsError::from)?;
    app.is_there().await.map_err(TrialsError::from)?;
    let stand_in = StandIn {
        client: client.clone(),
        address: stripe.address,
    };
    let run = Run {
        webhooks: format!("http://{}/webhooks/stripe", app.address),
        db: Db::open(&database).await?,
        client,
    };

    let first = settings.people / 2;
    start_trials(&run.client, app.address, 0..first).await?;
    let bodies = run.new_webhooks(&stand_in, 0).await?;
    let burst = run.phase(run.burst(&bodies, settings.concurrency)).await?;
    start_trials(&run.client, app.address, first..settings.people).await?;
    let bodies = run.new_webhooks(&stand_in, bodies.len()).await?;
    let paced = run.phase(run.paced(&bodies, settings.rate)).await?;

    app.is_alive().map_err(TrialsError::from)?;
    let posted = burst.answers.len() + paced.answers.len();
    let applied = store::number_in(&run.db, "applied").await?;
    let report = Report {
        settings: settings.clone(),
        burst,
        paced,
        not_applied: i64::try_from(posted).unwrap_or(i64::MAX) - applied,
        trials: store::told(&run.db, "Trial started").await?,
    };
    run.db.close().await;
    Ok(report)
}

struct Run {
    client: Client,
    webhooks: String,
    db: Db,
}

impl Run {
    /// Bodies of the webhooks that the stand-in would have sent, oldest first, but for the first `known`.
    async fn new_webhooks(&self, stand_in: &StandIn, known: usize) -> Result<Vec<String>, WebhooksError> {
        let mut events: Vec<Value> = stand_in.events().await?;
        // Newest first.
        events.truncate(events.len() - known);
        Ok(events.iter().rev().map(Value::to_string).collect())
    }

    async fn phase(
        &self,
        posts: impl Future<Output = Result<Vec<f64>, reqwest::Error>>,
    ) -> Result<Phase, WebhooksError> {
        let since_ms = Clock::system().now_ms();
        let started = Instant::now();
        let answers = posts.await?;
        let accepting = started.elapsed();
        loop {
            let pending = store::number_in(&self.db, "pending").await?;
            if pending == 0 {
                break;
            }
            if started.elapsed() > SETTLE {
                return Err(WebhooksError::Unsettled { pending });
            }
            sleep(LOOK).await;
        }
        let applying = started.elapsed();
        let waits = store::waits(&self.db, since_ms).await?;
        Ok(Phase {
            answers,
            accepting,
            applying,
            waits: waits.into_iter().map(|ms| ms as f64).collect(),
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

    /// µs until it was stored. Signing is Stripe's part, and not in them.
    async fn post(&self, body: &str) -> Result<f64, reqwest::Error> {
        let signature = Webhook::generate_test_header(body, SECRET, None);
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

fn stage(
    programs: &Programs,
    folder: &Path,
    database: &str,
    events: SocketAddr,
    client: &Client,
) -> Result<(Process, Process), WebhooksError> {
    let process =
        |name, program, address, ready_path| Process::new(name, program, address, ready_path, folder, client);
    let mut stripe = process("stripe-local", &programs.stripe, ports::free()?, "/_sim/clock");
    stripe.arguments = vec![
        "--listen".into(),
        stripe.address.to_string().into(),
        "--allow-release".into(),
    ];
    let mut app = process("seamline", &programs.app, ports::free()?, "/readyz");
    app.environment.extend::<[(&str, OsString); 8]>([
        ("RUST_LOG", "warn".into()),
        ("LEPTOS_SITE_ADDR", app.address.to_string().into()),
        ("DATABASE_URL", database.into()),
        ("DATA_DIR", folder.into()),
        ("AMPLITUDE_URL", format!("http://{events}").into()),
        ("STRIPE_API_URL", format!("http://{}", stripe.address).into()),
        ("STRIPE_WEBHOOK_SECRETS", SECRET.into()),
        ("CLIENT_IP_HEADER", ADDRESS_HEADER.into()),
    ]);
    Ok((app, stripe))
}

/// From the sign-up to Stripe's page, completed without a card.
async fn start_trials(
    client: &Client,
    site: SocketAddr,
    people: std::ops::Range<usize>,
) -> Result<(), TrialsError> {
    let (_up, is_up) = watch::channel(true);
    stream::iter(people)
        .map(Ok)
        .try_for_each_concurrent(SIGN_UPS, |number| {
            let is_up = is_up.clone();
            async move {
                // Addresses for tests (RFC 2544), one for each person.
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)).saturating_add(number));
                let browser = Browser::new(client, site, address);
                let mut customer = Customer::new(browser, format!("webhooks-{number}@example.com"), is_up);
                customer.sign_up().await?;
                customer.order().await?;
                customer.complete().await.map(drop)
            }
        })
        .await
}
