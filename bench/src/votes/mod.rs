//! Load on one poll: many voters within a minute, and open pages. The app is a separate process, so that its memory can be
//! measured; all requests use HTTP on this machine.
//!
//! In the first minute each voter opens the page and votes, at an even rate; in each later minute each voter votes again.
//! At the end the stored vote of each voter must be the last accepted one, and each voter counts once.

mod live_page;
mod memory;
mod participant;
mod poll_database;
mod report;

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use db::Engine;
use futures::stream::{FuturesUnordered, StreamExt};
use http_browser::{Browser, BrowserError};
use reqwest::Client;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::browser::new_browser;
use crate::process::{Process, ProcessError};
use crate::{database, ports, receiver};
pub(crate) use live_page::LivePage;
use memory::MemorySampler;
pub(crate) use participant::Participant;
pub(crate) use poll_database::PollDatabase;
pub use report::VotesReport;

const MINUTE: Duration = Duration::from_secs(60);
/// The options of the poll.
const OPTIONS: [&str; 4] = ["Soup", "Salad", "Bread", "Pizza"];
/// Limit until each open page shows the last vote; the server checks for changes once a second.
const PAGE_UPDATE_TIMEOUT: Duration = Duration::from_secs(10);
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// How many voters, and how long.
#[derive(Clone, Debug)]
pub struct VotesSettings {
    /// The app's database.
    pub engine: Engine,
    /// Number of voters.
    pub voters: u32,
    /// Number of open pages.
    pub live: u32,
    /// Minutes, including the first.
    pub minutes: u32,
}

/// Why the measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum VotesError {
    /// The app could not be started, or exited.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A request failed.
    #[error("a request failed: {0}")]
    Request(#[from] reqwest::Error),
    /// A page did not arrive.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// A request was answered with an unexpected status.
    #[error("{request} was answered {status}")]
    Answer {
        /// The request.
        request: &'static str,
        /// The status of the answer.
        status: u16,
    },
    /// The list of polls has no link to the poll, or the database does not have it.
    #[error("the created poll was not found")]
    NoPoll,
    /// The voting page set no voter cookie.
    #[error("the voting page set no voter cookie")]
    NoToken,
    /// The app's database cannot be read.
    #[error(transparent)]
    Database(#[from] backend::polls::PollError),
    /// The app's database cannot be opened.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// A file, port or process could not be created.
    #[error("cannot prepare the run: {0}")]
    Prepare(#[from] std::io::Error),
}

/// Measures `program`, the app.
///
/// # Errors
/// When the app or a request fails. A lost vote is no error: see [`VotesReport::holds`].
pub async fn run(program: &Path, settings: &VotesSettings) -> Result<VotesReport, VotesError> {
    let folder = tempfile::tempdir()?;
    let database = database::fresh(settings.engine, folder.path()).await;
    let stop = CancellationToken::new();
    let _ended = stop.clone().drop_guard();
    let events = receiver::start(stop.clone()).await?;
    let client = http_browser::client()?;
    let mut app = app_process(program, folder.path(), &database, events, &client)?;
    app.ensure_ready().await?;
    let site = app.address;

    let (_owner, poll) = create_poll(&client, site, 0).await?;
    let mut pages = Vec::new();
    for _ in 0..settings.live {
        pages.push(LivePage::open(site, &poll).await?);
    }
    let memory = MemorySampler::start(app.id(), stop.clone());
    let mut voters: Vec<Participant> = (0..settings.voters)
        .map(|number| Participant::new(&client, site, &poll, number))
        .collect();
    let mut rounds_us = Vec::new();
    let started = Instant::now();
    for minute in 0..settings.minutes {
        let minute_start = started + MINUTE * minute;
        let gap = MINUTE / settings.voters;
        let votes: FuturesUnordered<_> = voters
            .iter_mut()
            .enumerate()
            .map(|(index, voter)| {
                let at = minute_start + gap * u32::try_from(index).unwrap_or(u32::MAX);
                async move {
                    sleep_until(at).await;
                    if minute == 0 {
                        voter.open_page().await?;
                    }
                    voter.vote().await
                }
            })
            .collect();
        let durations_us: Vec<Result<f64, VotesError>> = votes.collect().await;
        rounds_us.push(durations_us.into_iter().collect::<Result<Vec<f64>, _>>()?);
        sleep_until(minute_start + MINUTE).await;
    }
    app.check_running()?;

    let poll_database = PollDatabase::open(&database).await?;
    let results = poll_database.results(&poll).await?;
    let mut outdated = 0;
    for voter in &voters {
        outdated += u32::from(!poll_database.has_last_vote(voter).await?);
    }
    let deadline = Instant::now() + PAGE_UPDATE_TIMEOUT;
    let up_to_date = |pages: &[LivePage]| {
        pages
            .iter()
            .filter(|page| page.changes() == Some(results.changes))
            .count()
    };
    while up_to_date(&pages) < pages.len() && Instant::now() < deadline {
        sleep(CHECK_INTERVAL).await;
    }
    let report = VotesReport {
        settings: settings.clone(),
        rounds_us,
        voters: results.poll.voters,
        chosen: results.counts.iter().sum(),
        outdated,
        pages_up_to_date: up_to_date(&pages),
        page_messages: pages.iter().map(LivePage::messages).sum(),
        memory_kib: memory.samples(),
    };
    poll_database.close().await;
    app.terminate().await?;
    Ok(report)
}

fn app_process(
    program: &Path,
    folder: &Path,
    database: &str,
    events: SocketAddr,
    client: &Client,
) -> Result<Process, VotesError> {
    let site = ports::find_free()?;
    let mut app = Process::new("seamline", program, site, "/readyz", folder, client);
    app.environment.extend::<[(&str, OsString); 9]>([
        ("RUST_LOG", "warn".into()),
        ("LEPTOS_SITE_ADDR", site.to_string().into()),
        ("LIMIT_FACTOR", "100000".into()),
        ("DATABASE_URL", database.into()),
        ("DATA_DIR", folder.into()),
        ("AMPLITUDE_URL", format!("http://{events}").into()),
        ("STRIPE_LOCAL_ADDR", ports::find_free()?.to_string().into()),
        ("SEAMLINE_LOCAL", "remote".into()),
        ("TRUSTED_PROXIES", "127.0.0.1".into()),
    ]);
    Ok(app)
}

/// Signs up the owner of this number and creates a poll. Returns the owner's browser and the poll's ID.
pub(crate) async fn create_poll(
    client: &Client,
    site: SocketAddr,
    number: u32,
) -> Result<(Browser, String), VotesError> {
    let mut owner = new_browser(client, site, Ipv4Addr::LOCALHOST);
    owner.open("/sign-up").await?;
    let email = format!("owner-{number}@example.com");
    let account = [("email", email.as_str()), ("password", "correct horse battery")];
    expect_redirect(
        "the owner's sign-up",
        owner.submit("/sign-up", &account).await?.status,
    )?;
    let mut fields = vec![("question", "Lunch?")];
    fields.extend(OPTIONS.map(|option| ("option", option)));
    expect_redirect("the poll", owner.submit("/polls/new", &fields).await?.status)?;
    let links = owner.open("/polls").await?.links();
    let id = links.iter().find_map(|link| link.strip_prefix("/p/"));
    let id = id.ok_or(VotesError::NoPoll)?.to_owned();
    Ok((owner, id))
}

fn expect_redirect(request: &'static str, status: u16) -> Result<(), VotesError> {
    match status {
        303 => Ok(()),
        status => Err(VotesError::Answer { request, status }),
    }
}
