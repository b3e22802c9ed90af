//! What tracking costs a sign-up request: the real server over real HTTP, password hash included, with consent granted
//! and with consent denied, which writes no event.
//!
//! Amplitude is elsewhere in life, so here it is a listener that answers at once and does nothing else. What the server
//! itself does for an event, the sending included, is on the bill: a block of requests is only followed by the next
//! kind's when the outbox is empty.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use backend::config::{Config, ConfigError};
use db::{Db, Engine};
use futures::stream::{self, StreamExt, TryStreamExt};
use reqwest::{Client, StatusCode};
use server::{Server, StartError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::browser::{self, Browser};
use crate::compare::Quad;
use crate::table::Table;
use crate::{database, ports, receiver};

/// Requests of one kind before the other kind's turn.
const BLOCK: usize = 10;
/// Quads that are thrown away: connections, statements and pages of the database are not cold after them.
const WARM_UP: usize = 5;
/// An event is delivered in milliseconds here.
const DELIVERY: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(2);

/// How much is measured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The app's database.
    pub engine: Engine,
    /// Requests of each kind, rounded up to whole blocks.
    pub requests: usize,
    /// Requests at the same time.
    pub concurrency: usize,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// The settings of the server.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The server.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A request got no answer.
    #[error("a request failed: {0}")]
    Request(#[from] reqwest::Error),
    /// Or another than it should.
    #[error("{path} was answered {status}")]
    Answer {
        /// Which.
        path: &'static str,
        /// What.
        status: StatusCode,
    },
    /// Not what is to be measured was measured.
    #[error("{sent} events were sent, and {expected} sign-ups were tracked")]
    Events {
        /// Rows of the outbox that were sent.
        sent: i64,
        /// Tracked sign-ups.
        expected: usize,
    },
    /// The outbox does not become empty.
    #[error("events were not delivered within {} s", DELIVERY.as_secs())]
    Undelivered,
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Opening it.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// The machine.
    #[error("cannot prepare the run: {0}")]
    Prepare(#[from] std::io::Error),
}

/// Measures.
///
/// # Errors
/// When anything but the sign-ups' time is out of the ordinary.
pub async fn run(settings: &Settings) -> Result<Table, SignUpError> {
    let folder = tempfile::tempdir()?;
    let database = database::fresh(settings.engine, folder.path()).await;
    let stop = CancellationToken::new();
    // Everything that is still open when measuring fails ends with it.
    let _ended = stop.clone().drop_guard();
    let receiver = receiver::start(stop.clone()).await?;
    let site = ports::free()?;
    let variables: HashMap<&str, String> = HashMap::from([
        ("LEPTOS_SITE_ADDR", site.to_string()),
        ("STRIPE_LOCAL_ADDR", ports::free()?.to_string()),
        ("DATABASE_URL", database.clone()),
        ("DATA_DIR", folder.path().display().to_string()),
        ("AMPLITUDE_URL", format!("http://{receiver}")),
    ]);
    let server = Server::start(Config::read(|name| variables.get(name).cloned())?).await?;
    let serving = tokio::spawn(server.run(stop.clone()));

    let mut turns = Turns {
        client: browser::client()?,
        site,
        db: Db::open(&database).await?,
        concurrency: settings.concurrency.max(1),
        people: 0,
    };
    let quads = settings.requests.div_ceil(2 * BLOCK).max(1);
    let mut measured = Vec::with_capacity(quads);
    for number in 0..WARM_UP + quads {
        let quad = turns.quad().await?;
        if number >= WARM_UP {
            measured.push(quad);
        }
    }
    let sent = outbox::counts(&turns.db).await?.sent;
    let expected = (WARM_UP + quads) * 2 * BLOCK;
    if usize::try_from(sent) != Ok(expected) {
        return Err(SignUpError::Events { sent, expected });
    }
    turns.db.close().await;
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
    Ok(Table::new(title, &measured))
}

/// Blocks of sign-ups, one kind after the other.
struct Turns {
    client: Client,
    site: SocketAddr,
    db: Db,
    concurrency: usize,
    people: u32,
}

impl Turns {
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

    /// Everybody has loaded the page before the first one signs up.
    async fn block(&mut self, tracked: bool) -> Result<Vec<f64>, SignUpError> {
        let mut people = Vec::with_capacity(BLOCK);
        for _ in 0..BLOCK {
            people.push(self.arrive(tracked).await?);
        }
        let samples = stream::iter(people.into_iter().map(sign_up)).buffer_unordered(self.concurrency);
        let samples = samples.try_collect().await?;
        self.delivered().await?;
        Ok(samples)
    }

    async fn arrive(&mut self, tracked: bool) -> Result<(Browser, String), SignUpError> {
        self.people += 1;
        let mut browser = Browser::new(&self.client, self.site, Ipv4Addr::LOCALHOST);
        browser.set_cookie("seam_consent", if tracked { "granted" } else { "denied" });
        let path = "/sign-up";
        let answer = browser.open(path).await?;
        if answer.status != StatusCode::OK || browser.cookie("seam_device").is_some() != tracked {
            return Err(SignUpError::Answer {
                path,
                status: answer.status,
            });
        }
        Ok((browser, format!("visitor-{}@example.com", self.people)))
    }

    async fn delivered(&self) -> Result<(), SignUpError> {
        let deadline = Instant::now() + DELIVERY;
        loop {
            let counts = outbox::counts(&self.db).await?;
            if counts.pending + counts.leased == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(SignUpError::Undelivered);
            }
            sleep(LOOK).await;
        }
    }
}

/// µs from the first byte of the form to the last of the answer.
async fn sign_up((mut browser, email): (Browser, String)) -> Result<f64, SignUpError> {
    let path = "/sign-up";
    let started = Instant::now();
    let answer = browser
        .submit(path, &[("email", &email), ("password", "correct horse battery")])
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
