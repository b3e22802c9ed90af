//! The rate of the outbox: durable events are written to a database, and a process of its own sends them to a collector,
//! which answers at once or after a delay. Then a bare HTTP client sends the same bodies, and a loop commits single rows.
//!
//! The collector is a listener in this process. It reads each body and keeps it, but does not parse it: the stand-in for
//! Amplitude stores events in SQLite, which would be measured instead.

mod report;
pub mod sender;

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use axum::body::Bytes;
use backend::{clock::Clock, ids};
use db::{Db, Engine};
use futures::stream::{self, StreamExt, TryStreamExt};
use outbox::DispatcherSettings;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracking::server::SignInCompleted;
use tracking::{IdSource, PresentIds, ServerEvent, SessionId};

use crate::machine::commits::BareCommits;
use crate::process::{Process, ProcessError};
use crate::receiver::{self, UPLOAD_PATH, Uploads};
use crate::{database, ports, resources};
pub use report::{DeliveriesReport, DeliveryPass};

/// A key in Amplitude's format.
const API_KEY: &str = "0123456789abcdef0123456789abcdef";
/// Events of one transaction when they are written.
const WRITE_GROUP: usize = 500;
/// Limit of one pass.
const PASS_TIMEOUT: Duration = Duration::from_secs(600);
const CHECK_INTERVAL: Duration = Duration::from_millis(5);
/// Commits of one row, one after another.
const BARE_COMMITS: usize = 2_000;

/// How many events, and for how many users.
#[derive(Clone, Debug)]
pub struct DeliveriesSettings {
    /// The database of the outbox.
    pub engine: Engine,
    /// Events of each pass.
    pub events: usize,
    /// Users of each pass.
    pub users: usize,
    /// The collector's delay in the second pass.
    pub delay: Duration,
}

/// Why the measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum DeliveriesError {
    /// The sending process could not be started, or ended.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A request of the bare client failed.
    #[error("a request failed: {0}")]
    Request(#[from] reqwest::Error),
    /// Events are still pending after the limit.
    #[error("{pending} events are still pending after {} s", PASS_TIMEOUT.as_secs())]
    Undelivered {
        /// Their number.
        pending: i64,
    },
    /// A read or write of the database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// A file, port or process could not be created.
    #[error("cannot prepare the run: {0}")]
    Prepare(#[from] std::io::Error),
}

/// Runs both passes.
///
/// # Errors
/// When the database, the sending process or a request fails, or the events are not delivered in time.
pub async fn run(settings: &DeliveriesSettings) -> Result<DeliveriesReport, DeliveriesError> {
    let folder = tempfile::tempdir()?;
    let database = database::fresh(settings.engine, folder.path()).await;
    let result = measure(settings, folder.path(), &database).await;
    database::remove(settings.engine, &database).await?;
    result
}

async fn measure(
    settings: &DeliveriesSettings,
    folder: &Path,
    database: &str,
) -> Result<DeliveriesReport, DeliveriesError> {
    let db = Db::open(database).await?;
    let at_once = pass(settings, folder, database, &db, Duration::ZERO).await?;
    let delayed = pass(settings, folder, database, &db, settings.delay).await?;
    db.close().await;
    let mut bare = BareCommits::new(settings.engine, folder).await?;
    let started = Instant::now();
    for _ in 0..BARE_COMMITS {
        bare.commit().await?;
    }
    Ok(DeliveriesReport {
        settings: settings.clone(),
        at_once,
        delayed,
        commits_per_second: BARE_COMMITS as f64 / started.elapsed().as_secs_f64(),
        is_durable: bare.is_durable,
    })
}

/// Writes the events, starts the sending process, and waits until all are settled. Then the bare client sends the bodies.
async fn pass(
    settings: &DeliveriesSettings,
    folder: &Path,
    database: &str,
    db: &Db,
    delay: Duration,
) -> Result<DeliveryPass, DeliveriesError> {
    let stop = CancellationToken::new();
    let _ended = stop.clone().drop_guard();
    let (collector, uploads) = receiver::start_recording(delay, stop).await?;
    let client = http_browser::client()?;
    let sent_before = database::count_events(db, "sent").await?;
    let started = Instant::now();
    write_events(db, settings).await?;
    let writing = started.elapsed();

    let mut sender = Process::new(
        "outbox-sender",
        &std::env::current_exe()?,
        ports::find_free()?,
        "/",
        folder,
        &client,
    );
    let url = format!("http://{collector}");
    sender.arguments = ["outbox-sender", "--database", database, "--collector", &url]
        .map(Into::into)
        .to_vec();
    let started = Instant::now();
    sender.spawn()?;
    let bodies = wait_until_settled(&mut sender, db, &uploads, settings.events).await?;
    let sending = started.elapsed();
    let cpu_secs = sender.cpu_secs();
    let peak_kib = sender.id().and_then(resources::peak_kib);
    sender.kill().await?;

    let started = Instant::now();
    post_bodies(&client, &format!("{url}{UPLOAD_PATH}"), &bodies).await?;
    Ok(DeliveryPass {
        writing,
        sending,
        cpu_secs,
        peak_kib,
        sent: database::count_events(db, "sent").await? - sent_before,
        received: bodies.iter().map(|body| count_events(body)).sum(),
        distinct: distinct_events(&bodies),
        requests: bodies.len(),
        bare_client: started.elapsed(),
    })
}

/// Enqueues the events, [`WRITE_GROUP`] in each transaction.
async fn write_events(db: &Db, settings: &DeliveriesSettings) -> Result<(), DeliveriesError> {
    let users: Vec<_> = (0..settings.users.max(1)).map(|_| ids::user()).collect();
    let device = ids::device();
    let mut owners = users.iter().cycle().take(settings.events).peekable();
    while owners.peek().is_some() {
        let mut tx = db.write().await?;
        for user in owners.by_ref().take(WRITE_GROUP) {
            let now_ms = Clock::system().now_ms();
            let event = SignInCompleted {
                login: ids::row(),
                signed_in_at: "2026-11-23T12:00:00Z".to_owned(),
                first_touch: None,
            };
            let ids = PresentIds::Live {
                device: device.clone(),
                session: SessionId::starting_at(now_ms),
                source: IdSource::ServerSession,
                context: Box::default(),
            };
            outbox::enqueue(&mut tx, &ServerEvent::present(*user, &event, ids, now_ms), now_ms).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Returns the received bodies when no event is pending.
async fn wait_until_settled(
    sender: &mut Process,
    db: &Db,
    uploads: &Uploads,
    events: usize,
) -> Result<Vec<Bytes>, DeliveriesError> {
    let deadline = Instant::now() + PASS_TIMEOUT;
    let (mut bodies, mut received) = (Vec::new(), 0);
    loop {
        let new = uploads.take();
        received += new.iter().map(|body| count_events(body)).sum::<usize>();
        bodies.extend(new);
        // The database is asked only near the end: counting costs the more, the more rows are pending.
        let is_late = Instant::now() > deadline;
        if received >= events || is_late {
            let pending = database::count_events(db, "pending").await?;
            if pending == 0 {
                return Ok(bodies);
            }
            if is_late {
                return Err(DeliveriesError::Undelivered { pending });
            }
        }
        sender.check_running()?;
        sleep(CHECK_INTERVAL).await;
    }
}

/// Returns the number of events in the body of an upload.
fn count_events(body: &[u8]) -> usize {
    String::from_utf8_lossy(body).matches(r#""insert_id":"#).count()
}

/// Returns the number of insert IDs in the bodies of uploads. A body that is not an upload has none.
fn distinct_events(bodies: &[Bytes]) -> usize {
    let uploads = bodies
        .iter()
        .filter_map(|body| serde_json::from_slice::<Value>(body).ok());
    let ids = uploads.flat_map(|upload| {
        let events = upload["events"].as_array().cloned().unwrap_or_default();
        events
            .into_iter()
            .filter_map(|event| Some(event["insert_id"].as_str()?.to_owned()))
    });
    ids.collect::<HashSet<_>>().len()
}

/// Posts the bodies, as many at a time as the dispatcher does.
async fn post_bodies(client: &Client, url: &str, bodies: &[Bytes]) -> Result<(), reqwest::Error> {
    stream::iter(bodies)
        .map(Ok)
        .try_for_each_concurrent(DispatcherSettings::default().in_flight, |body| async {
            let request = client
                .post(url)
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone());
            request.send().await?.error_for_status()?.bytes().await.map(drop)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_event_does_not_replace_a_missing_one() {
        let upload = |ids: &[&str]| {
            let events: Vec<_> = ids
                .iter()
                .map(|id| serde_json::json!({"insert_id": id}))
                .collect();
            Bytes::from(serde_json::json!({"api_key": "key", "events": events}).to_string())
        };
        let bodies = [upload(&["a", "b"]), upload(&["b", "d"])];
        assert_eq!(bodies.iter().map(|body| count_events(body)).sum::<usize>(), 4);
        assert_eq!(distinct_events(&bodies), 3);
    }
}
