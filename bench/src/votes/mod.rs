//! Many voters on one poll within a minute, and pages that stay open. The app is a process of its own, so that its memory is
//! its own; everything goes to it over real HTTP on this machine.
//!
//! In the first minute everybody opens the page and votes, evenly spread; in each later minute everybody votes anew.
//! In the end each voter's vote must be the last one that was answered with a yes, and nobody's may count twice.

mod live;
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
use outbox::Wakeup;
use reqwest::{Client, StatusCode};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracking::ConsentDefault;

use crate::browser::{self, ADDRESS_HEADER, Browser};
use crate::process::{Process, ProcessError};
use crate::{database, ports, receiver};
use live::Page;
use memory::Memory;
pub use report::Report;

const MINUTE: Duration = Duration::from_secs(60);
/// What the poll offers.
const OPTIONS: [&str; 4] = ["Soup", "Salad", "Bread", "Pizza"];
/// By then every open page has heard of the last vote: a server looks once a second.
const HEARD: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

/// How many, and how long.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The app's database.
    pub engine: Engine,
    /// People who vote.
    pub voters: u32,
    /// Pages that stay open.
    pub live: u32,
    /// Minutes, the first included.
    pub minutes: u32,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum VotesError {
    /// The app does not run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A request got no answer.
    #[error("a request failed: {0}")]
    Request(#[from] reqwest::Error),
    /// Or another than it should.
    #[error("{what} was answered {status}")]
    Answer {
        /// Which.
        what: &'static str,
        /// What.
        status: StatusCode,
    },
    /// The page has no link to the poll.
    #[error("the poll was made, and its page is not to be found")]
    NoPoll,
    /// A voter has no cookie to vote under.
    #[error("the voting page gave no cookie to vote under")]
    NoToken,
    /// The app's database cannot be read.
    #[error(transparent)]
    Books(#[from] backend::polls::PollError),
    /// Or not be opened.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// The machine refuses something.
    #[error("cannot prepare the run: {0}")]
    Prepare(#[from] std::io::Error),
}

/// Measures `program`, the app.
///
/// # Errors
/// When anything but the figures is out of the ordinary.
pub async fn run(program: &Path, settings: &Settings) -> Result<Report, VotesError> {
    let folder = tempfile::tempdir()?;
    let database = database::fresh(settings.engine, folder.path()).await;
    let stop = CancellationToken::new();
    let _ended = stop.clone().drop_guard();
    let events = receiver::start(stop.clone()).await?;
    let client = browser::client()?;
    let mut app = app(program, folder.path(), &database, events, &client)?;
    app.is_there().await?;
    let site = app.address;

    let poll = make_poll(&client, site).await?;
    let mut pages = Vec::new();
    for _ in 0..settings.live {
        pages.push(Page::open(site, &poll).await?);
    }
    let memory = Memory::watch(app.id(), stop.clone());
    let mut voters: Vec<Participant> = (0..settings.voters)
        .map(|number| Participant::new(&client, site, &poll, number))
        .collect();
    let mut rounds = Vec::new();
    let started = Instant::now();
    for minute in 0..settings.minutes {
        let begins = started + MINUTE * minute;
        let gap = MINUTE / settings.voters;
        let turns: FuturesUnordered<_> = voters
            .iter_mut()
            .enumerate()
            .map(|(place, voter)| {
                let at = begins + gap * u32::try_from(place).unwrap_or(u32::MAX);
                async move {
                    sleep_until(at).await;
                    voter.vote(minute).await
                }
            })
            .collect();
        let took: Vec<Result<f64, VotesError>> = turns.collect().await;
        rounds.push(took.into_iter().collect::<Result<Vec<f64>, _>>()?);
        sleep_until(begins + MINUTE).await;
    }
    app.is_alive()?;

    let books = Books::open(&database).await?;
    let results = books.results(&poll).await?;
    let mut wrong = 0;
    for voter in &voters {
        wrong += u32::from(!books.has(&poll, voter).await?);
    }
    let deadline = Instant::now() + HEARD;
    let up_to_date = |pages: &[Page]| {
        pages
            .iter()
            .filter(|page| page.voters() == Some(results.0))
            .count()
    };
    while up_to_date(&pages) < pages.len() && Instant::now() < deadline {
        sleep(LOOK).await;
    }
    let report = Report {
        settings: settings.clone(),
        rounds,
        voters: results.0,
        chosen: results.1,
        wrong,
        pages_up_to_date: up_to_date(&pages),
        pages_heard: pages.iter().map(Page::heard).sum(),
        memory: memory.samples(),
    };
    books.close().await;
    app.stop().await?;
    Ok(report)
}

fn app(
    program: &Path,
    folder: &Path,
    database: &str,
    events: SocketAddr,
    client: &Client,
) -> Result<Process, VotesError> {
    let site = ports::free()?;
    let mut app = Process::new("seamline", program, site, "/readyz", folder, client);
    app.environment.extend::<[(&str, OsString); 7]>([
        ("RUST_LOG", "warn".into()),
        ("LEPTOS_SITE_ADDR", site.to_string().into()),
        ("DATABASE_URL", database.into()),
        ("DATA_DIR", folder.into()),
        ("AMPLITUDE_URL", format!("http://{events}").into()),
        ("STRIPE_LOCAL_ADDR", ports::free()?.to_string().into()),
        ("CLIENT_IP_HEADER", ADDRESS_HEADER.into()),
    ]);
    Ok(app)
}

/// The ID of a poll that somebody has made.
async fn make_poll(client: &Client, site: SocketAddr) -> Result<String, VotesError> {
    let mut owner = Browser::new(client, site, Ipv4Addr::LOCALHOST);
    owner.open("/sign-up").await?;
    let account = [
        ("email", "owner@example.com"),
        ("password", "correct horse battery"),
    ];
    expect(
        "the owner's sign-up",
        owner.submit("/sign-up", &account).await?.status,
    )?;
    let mut fields = vec![("question", "Lunch?")];
    fields.extend(OPTIONS.map(|option| ("option", option)));
    expect("the poll", owner.submit("/polls/new", &fields).await?.status)?;
    let list = owner.open("/polls").await?.text;
    let (_, rest) = list.split_once("href=\"/p/").ok_or(VotesError::NoPoll)?;
    let (id, _) = rest.split_once('"').ok_or(VotesError::NoPoll)?;
    Ok(id.to_owned())
}

fn expect(what: &'static str, status: StatusCode) -> Result<(), VotesError> {
    match status {
        StatusCode::SEE_OTHER => Ok(()),
        status => Err(VotesError::Answer { what, status }),
    }
}

/// Somebody without an account.
struct Participant {
    browser: Browser,
    path: String,
    number: u32,
    /// What the last vote that was answered with a yes has chosen.
    choice: Option<u8>,
}

impl Participant {
    fn new(client: &Client, site: SocketAddr, poll: &str, number: u32) -> Self {
        let [_, b, c, d] = number.to_be_bytes();
        Self {
            browser: Browser::new(client, site, Ipv4Addr::new(10, b, c, d)),
            path: format!("/p/{poll}"),
            number,
            choice: None,
        }
    }

    /// µs from the first byte of the ballot to the last of the answer. The first time the page is opened before that, and
    /// not measured.
    async fn vote(&mut self, minute: u32) -> Result<f64, VotesError> {
        if minute == 0 {
            let page = self.browser.open(&self.path).await?;
            if page.status != StatusCode::OK {
                return Err(VotesError::Answer {
                    what: "the voting page",
                    status: page.status,
                });
            }
        }
        let options = u32::try_from(OPTIONS.len()).unwrap_or(1);
        let choice = u8::try_from((self.number + minute) % options).unwrap_or_default();
        let started = Instant::now();
        let fields = [("choice", &*choice.to_string()), ("revision", "0")];
        let answer = self.browser.submit(&self.path, &fields).await?;
        let took = started.elapsed();
        expect("a vote", answer.status)?;
        self.choice = Some(choice);
        Ok(took.as_secs_f64() * 1e6)
    }

    fn voter(&self) -> Result<Voter, VotesError> {
        let cookie = self.browser.cookie("seam_voter");
        let token = cookie.and_then(VoterToken::parse).ok_or(VotesError::NoToken)?;
        Ok(Voter::Token(token))
    }
}

/// The app's database, read by its own verbs.
struct Books {
    db: Db,
    polls: Polls,
}

impl Books {
    async fn open(url: &str) -> Result<Self, VotesError> {
        let db = Db::open(url).await?;
        let polls = Polls::new(db.clone(), Clock::system(), Wakeup::new(), ConsentDefault::Denied);
        Ok(Self { db, polls })
    }

    /// Voters, and the sum of what they chose.
    async fn results(&self, poll: &str) -> Result<(u32, u32), VotesError> {
        let id = poll.parse().map_err(|_| VotesError::NoPoll)?;
        let results = self.polls.results(id).await?.ok_or(VotesError::NoPoll)?;
        Ok((results.poll.voters, results.counts.iter().sum()))
    }

    /// Whether the voter's vote is the last one that was answered with a yes.
    async fn has(&self, poll: &str, voter: &Participant) -> Result<bool, VotesError> {
        let id = poll.parse().map_err(|_| VotesError::NoPoll)?;
        let kept = self.polls.vote_of(id, &voter.voter()?).await?;
        Ok(kept == voter.choice.map(|choice| vec![choice]))
    }

    async fn close(&self) {
        self.db.close().await;
    }
}
