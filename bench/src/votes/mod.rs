//! Load on one poll: many voters within a minute, and open pages. The app is a separate process, so that its memory can be
//! measured; all requests use HTTP on this machine.
//!
//! In the first minute each voter opens the page and votes, at an even rate; in each later minute each voter votes again.
//! At the end the stored vote of each voter must be the last accepted one, and each voter counts once.

mod live_page;
mod memory;
mod report;

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use backend::clock::Clock;
use backend::polls::{Polls, Voter, VoterToken};
use db::{Db, Engine};
use futures::stream::{FuturesUnordered, StreamExt};
use http_browser::{Browser, BrowserError};
use outbox::Wakeup;
use reqwest::{Client, StatusCode};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracking::ConsentDefault;

use crate::browser::new_browser;
use crate::process::{Process, ProcessError};
use crate::{database, ports, receiver};
use live_page::LivePage;
use memory::MemorySampler;
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

    let poll = create_poll(&client, site).await?;
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
                    voter.vote(minute).await
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
        outdated += u32::from(!poll_database.has_last_vote(&poll, voter).await?);
    }
    let deadline = Instant::now() + PAGE_UPDATE_TIMEOUT;
    let up_to_date = |pages: &[LivePage]| {
        pages
            .iter()
            .filter(|page| page.voters() == Some(results.0))
            .count()
    };
    while up_to_date(&pages) < pages.len() && Instant::now() < deadline {
        sleep(CHECK_INTERVAL).await;
    }
    let report = VotesReport {
        settings: settings.clone(),
        rounds_us,
        voters: results.0,
        chosen: results.1,
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

/// Signs up an owner and creates the poll; returns its ID.
async fn create_poll(client: &Client, site: SocketAddr) -> Result<String, VotesError> {
    let mut owner = new_browser(client, site, Ipv4Addr::LOCALHOST);
    owner.open("/sign-up").await?;
    let account = [
        ("email", "owner@example.com"),
        ("password", "correct horse battery"),
    ];
    expect_redirect(
        "the owner's sign-up",
        owner.submit("/sign-up", &account).await?.status,
    )?;
    let mut fields = vec![("question", "Lunch?")];
    fields.extend(OPTIONS.map(|option| ("option", option)));
    expect_redirect("the poll", owner.submit("/polls/new", &fields).await?.status)?;
    let links = owner.open("/polls").await?.links();
    let id = links.iter().find_map(|link| link.strip_prefix("/p/"));
    id.map(str::to_owned).ok_or(VotesError::NoPoll)
}

fn expect_redirect(request: &'static str, status: u16) -> Result<(), VotesError> {
    match status {
        303 => Ok(()),
        status => Err(VotesError::Answer { request, status }),
    }
}

/// A voter without an account, in a separate browser.
struct Participant {
    browser: Browser,
    path: String,
    number: u32,
    /// The option of the last accepted vote.
    choice: Option<u8>,
}

impl Participant {
    fn new(client: &Client, site: SocketAddr, poll: &str, number: u32) -> Self {
        let [_, b, c, d] = number.to_be_bytes();
        Self {
            browser: new_browser(client, site, Ipv4Addr::new(10, b, c, d)),
            path: format!("/p/{poll}"),
            number,
            choice: None,
        }
    }

    /// Votes; returns the µs from the start of the form's request to the end of the response. In the first minute the page is
    /// opened before that, which is not measured.
    async fn vote(&mut self, minute: u32) -> Result<f64, VotesError> {
        if minute == 0 {
            let page = self.browser.open(&self.path).await?;
            if page.status != StatusCode::OK {
                return Err(VotesError::Answer {
                    request: "the voting page",
                    status: page.status,
                });
            }
        }
        let options = u32::try_from(OPTIONS.len()).unwrap_or(1);
        let choice = u8::try_from((self.number + minute) % options).unwrap_or_default();
        let started = Instant::now();
        let fields = [("choice", &*choice.to_string()), ("revision", "0")];
        let answer = self.browser.submit(&self.path, &fields).await?;
        let duration = started.elapsed();
        expect_redirect("a vote", answer.status)?;
        self.choice = Some(choice);
        Ok(duration.as_secs_f64() * 1e6)
    }

    fn voter(&self) -> Result<Voter, VotesError> {
        let cookie = self.browser.cookie("seam_voter");
        let token = cookie.and_then(VoterToken::parse).ok_or(VotesError::NoToken)?;
        Ok(Voter::Token(token))
    }
}

/// The app's database, read with the app's own queries.
struct PollDatabase {
    db: Db,
    polls: Polls,
}

impl PollDatabase {
    async fn open(url: &str) -> Result<Self, VotesError> {
        let db = Db::open(url).await?;
        let polls = Polls::new(db.clone(), Clock::system(), Wakeup::new(), ConsentDefault::Denied);
        Ok(Self { db, polls })
    }

    /// Returns the number of voters and the number of their choices.
    async fn results(&self, poll: &str) -> Result<(u32, u32), VotesError> {
        let id = poll.parse().map_err(|_| VotesError::NoPoll)?;
        let results = self.polls.results(id).await?.ok_or(VotesError::NoPoll)?;
        Ok((results.poll.voters, results.counts.iter().sum()))
    }

    /// Whether the stored vote of the voter is the last accepted one.
    async fn has_last_vote(&self, poll: &str, voter: &Participant) -> Result<bool, VotesError> {
        let id = poll.parse().map_err(|_| VotesError::NoPoll)?;
        let stored = self.polls.vote_of(id, &voter.voter()?).await?;
        Ok(stored == voter.choice.map(|choice| vec![choice]))
    }

    async fn close(&self) {
        self.db.close().await;
    }
}
