//! The cost of tracking for a sign-up request: the real server over real HTTP, password hash included, with consent
//! granted and with consent denied, which writes no event.
//!
//! Amplitude is a listener that answers at once, because the real one runs on other machines. The server's own work for an
//! event is measured, its delivery included: the next block of requests starts only when the outbox is empty.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use backend::config::{Config, ConfigError};
use db::{Db, Engine};
use futures::stream::{self, StreamExt, TryStreamExt};
use http_browser::{Browser, BrowserError, BrowserResponse};
use reqwest::{Client, StatusCode};
use server::{Server, StartError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::browser::new_browser;
use crate::compare::Quad;
use crate::table::ComparisonTable;
use crate::{database, ports, receiver};

/// Requests in one block.
const BLOCK: usize = 10;
/// Discarded quads. They warm up connections, prepared statements and the database's page cache.
const WARM_UP: usize = 5;
/// Limit for the delivery of a block's events, which normally takes milliseconds.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(60);
const CHECK_INTERVAL: Duration = Duration::from_millis(2);

/// What is measured, and how often.
#[derive(Clone, Debug)]
pub struct SignUpSettings {
    /// The app's database.
    pub engine: Engine,
    /// Requests with tracking, and as many without; rounded up to whole blocks.
    pub requests: usize,
    /// Concurrent requests.
    pub concurrency: usize,
}

/// Why the measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// The server's configuration is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The server could not be started, or stopped with an error.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A request failed.
    #[error("a request failed: {0}")]
    Request(#[from] reqwest::Error),
    /// A page did not arrive.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// A request was answered with an unexpected status.
    #[error("{path} was answered {status}")]
    Answer {
        /// The path of the request.
        path: &'static str,
        /// The status of the answer.
        status: u16,
    },
    /// The number of delivered events is wrong, so the figures are invalid.
    #[error("{sent} events were delivered for {expected} tracked sign-ups")]
    Events {
        /// Outbox rows in the state `sent`.
        sent: i64,
        /// Tracked sign-ups.
        expected: usize,
    },
    /// The outbox still has undelivered events after [`DELIVERY_TIMEOUT`].
    #[error("events were not delivered within {} s", DELIVERY_TIMEOUT.as_secs())]
    Undelivered,
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
/// When a request, the server or the database fails, or the events do not match the sign-ups.
pub async fn run(settings: &SignUpSettings) -> Result<ComparisonTable, SignUpError> {
    let folder = tempfile::tempdir()?;
    let database = database::fresh(settings.engine, folder.path()).await;
    let stop = CancellationToken::new();
    // Stops the listener and the server when the measurement fails.
    let _ended = stop.clone().drop_guard();
    let receiver = receiver::start(stop.clone()).await?;
    let site = ports::find_free()?;
    let variables: HashMap<&str, String> = HashMap::from([
        // The visitors' addresses are in a header.
        ("SEAMLINE_LOCAL", "remote".to_owned()),
        ("TRUSTED_PROXIES", "127.0.0.1".to_owned()),
        ("LEPTOS_SITE_ADDR", site.to_string()),
        ("LIMIT_FACTOR", "100000".to_owned()),
        ("STRIPE_LOCAL_ADDR", ports::find_free()?.to_string()),
        ("DATABASE_URL", database.clone()),
        ("DATA_DIR", folder.path().display().to_string()),
        ("AMPLITUDE_URL", format!("http://{receiver}")),
    ]);
    let server = Server::start(Config::read(|name| variables.get(name).cloned())?).await?;
    let serving = tokio::spawn(server.run(stop.clone()));

    let mut alternation = Alternation {
        client: http_browser::client()?,
        site,
        db: Db::open(&database).await?,
        concurrency: settings.concurrency.max(1),
        visitors: 0,
    };
    let quads = settings.requests.div_ceil(2 * BLOCK).max(1);
    let mut measured = Vec::with_capacity(quads);
    for number in 0..WARM_UP + quads {
        let quad = alternation.quad().await?;
        if number >= WARM_UP {
            measured.push(quad);
        }
    }
    let sent = database::count_events(&alternation.db, "sent").await?;
    let expected = (WARM_UP + quads) * 2 * BLOCK;
    if usize::try_from(sent) != Ok(expected) {
        return Err(SignUpError::Events { sent, expected });
    }
    alternation.db.close().await;
    stop.cancel();
    if let Ok(served) = serving.await {
        served?;
    }
    let requests = quads * 2 * BLOCK;
    let title = format!(
        "sign-up request on {}: {requests} with tracking and {requests} without, {} at a time",
        database::name(settings.engine),
        settings.concurrency
    );
    Ok(ComparisonTable::new(title, &measured))
}

/// Alternating blocks of sign-ups with and without tracking.
struct Alternation {
    client: Client,
    site: SocketAddr,
    db: Db,
    concurrency: usize,
    visitors: u32,
}

impl Alternation {
    async fn quad(&mut self) -> Result<Quad, SignUpError> {
        let first = self.block(true).await?;
        let second = self.block(false).await?;
        let third = self.block(false).await?;
        let fourth = self.block(true).await?;
        Ok(Quad {
            with: [first, fourth],
            without: [second, third],
        })
    }

    /// Measures one block. All browsers load the page before the first sign-up.
    async fn block(&mut self, tracked: bool) -> Result<Vec<f64>, SignUpError> {
        let mut browsers = Vec::with_capacity(BLOCK);
        for _ in 0..BLOCK {
            browsers.push(self.open_page(tracked).await?);
        }
        let samples = stream::iter(browsers)
            .map(async |(mut browser, email)| sign_up(&mut browser, &email).await)
            .buffer_unordered(self.concurrency);
        let samples = samples.try_collect().await?;
        self.wait_for_delivery().await?;
        Ok(samples)
    }

    async fn open_page(&mut self, tracked: bool) -> Result<(Browser, String), SignUpError> {
        self.visitors += 1;
        let mut browser = new_browser(&self.client, self.site, Ipv4Addr::LOCALHOST);
        open_sign_up_page(&mut browser, tracked).await?;
        Ok((browser, format!("visitor-{}@example.com", self.visitors)))
    }

    async fn wait_for_delivery(&self) -> Result<(), SignUpError> {
        let deadline = Instant::now() + DELIVERY_TIMEOUT;
        loop {
            let counts = outbox::counts(&self.db).await?;
            if counts.pending == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(SignUpError::Undelivered);
            }
            sleep(CHECK_INTERVAL).await;
        }
    }
}

/// Opens the sign-up page with consent granted or denied. Fails unless the answer is 200 and has the device cookie only with
/// consent.
pub(crate) async fn open_sign_up_page(
    browser: &mut Browser,
    tracked: bool,
) -> Result<BrowserResponse, SignUpError> {
    browser.set_cookie("seam_consent", if tracked { "granted" } else { "denied" });
    let path = "/sign-up";
    let answer = browser.open(path).await?;
    if answer.status != StatusCode::OK || browser.cookie("seam_device").is_some() != tracked {
        return Err(SignUpError::Answer {
            path,
            status: answer.status,
        });
    }
    Ok(answer)
}

/// Returns the µs from the start of the form's request to the end of the response.
pub(crate) async fn sign_up(browser: &mut Browser, email: &str) -> Result<f64, SignUpError> {
    let path = "/sign-up";
    let started = Instant::now();
    let answer = browser
        .submit(path, &[("email", email), ("password", "correct horse battery")])
        .await?;
    let took = started.elapsed();
    if answer.status == StatusCode::SEE_OTHER {
        Ok(took.as_secs_f64() * 1e6)
    } else {
        Err(SignUpError::Answer {
            path,
            status: answer.status,
        })
    }
}
