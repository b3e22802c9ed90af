//! The crash run: visitors sign up, out and in over real HTTP while the app is killed with `kill -9` and the collector
//! misbehaves, each a process of its own. When all is well again and the outbox is empty, the app's books are compared
//! with what the collector took.
//!
//! `plan` says what goes wrong and when, `visitor` what people do, `verdict` what must hold in the end; these know no
//! process. The stand-in for Amplitude is stopped and started too, but as an operator would: it is the witness.
//!
//! `trials` is a run of its own, about the way of money: from a click over Stripe to the collector.

mod collector;
mod plan;
mod report;
mod stage;
mod store;
pub mod trials;
mod verdict;
mod visitor;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use db::{Db, Engine};
use fastrand::Rng;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::browser::{self, Browser};
use crate::database;
use crate::process::Process;
pub use crate::process::ProcessError;
use plan::{Plan, Weather};
pub use report::{Figures, Report};
use stage::Stage;
pub use verdict::Offence;
use visitor::{LEAST_REQUESTS, Progress, Story};

/// Waits between attempts grow to two minutes, and a lease is half a minute: later than this nothing comes any more.
const SETTLE: Duration = Duration::from_secs(300);
/// Visitors' and killers' time together, for one sign-up and one kill; far more than they take.
const PER_SIGN_UP: Duration = Duration::from_secs(10);
const PER_KILL: Duration = Duration::from_secs(30);
/// Between two looks at the outbox or at the collector's switches.
const LOOK: Duration = Duration::from_millis(50);

/// The real executables.
#[derive(Clone, Debug)]
pub struct Programs {
    /// `seamline`.
    pub app: PathBuf,
    /// `amplitude-local`.
    pub collector: PathBuf,
    /// `stripe-local`.
    pub stripe: PathBuf,
}

impl Programs {
    /// Those in a folder that cargo builds into.
    pub fn in_folder(folder: &Path) -> Self {
        let program = |name: &str| folder.join(name).with_extension(std::env::consts::EXE_EXTENSION);
        Self {
            app: program("seamline"),
            collector: program("amplitude-local"),
            stripe: program("stripe-local"),
        }
    }
}

/// How long and how hard a run is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The app's database.
    pub engine: Engine,
    /// People who sign up.
    pub sign_ups: usize,
    /// How often the app is killed.
    pub kills: usize,
    /// People on the site at the same time.
    pub visitors: usize,
    /// What everything is drawn from.
    pub seed: u64,
}

/// Why a run came to no verdict.
#[derive(Debug, thiserror::Error)]
pub enum CrashError {
    /// A program does not run.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Something is broken in front of a visitor's eyes.
    #[error("{email}: {what}")]
    Visitor {
        /// Who.
        email: String,
        /// What.
        what: String,
    },
    /// The run itself does not get on.
    #[error("visitors and kills were not done in time")]
    Stuck,
    /// Everything was well again, and still the outbox is not empty.
    #[error("the outbox still has unsettled rows {} s after all was well: {counts:?}", SETTLE.as_secs())]
    Unsettled {
        /// What it has.
        counts: outbox::OutboxCounts,
    },
    /// The collector cannot be asked.
    #[error("cannot ask the collector: {0}")]
    Collector(#[from] reqwest::Error),
    /// The app's database cannot be read.
    #[error("cannot read the app's database: {0}")]
    Books(#[from] sqlx::Error),
    /// Or not be opened.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// The machine refuses something.
    #[error("cannot prepare the run: {0}")]
    Prepare(#[from] std::io::Error),
}

/// Runs it, with everything that the programs write in `folder`, but for a Postgres database.
///
/// # Errors
/// When it cannot come to a verdict: a program ended by itself, a visitor met an answer that nobody should, or the
/// outbox never became empty. A verdict may still be a bad one: see [`Report::offences`].
pub async fn run(programs: &Programs, settings: &Settings, folder: &Path) -> Result<Report, CrashError> {
    let database = database::fresh(settings.engine, folder).await;
    let client = browser::client()?;
    let mut stage = Stage::set(programs, folder, &database, &client)?;
    let plan = Plan::draw(
        settings.seed,
        LEAST_REQUESTS * settings.sign_ups as u64,
        settings.kills,
    );
    let progress = Progress::default();

    stage.collector.spawn()?;
    stage.collector.ready().await?;
    stage.app.spawn()?;
    stage.app.ready().await?;

    let started = Instant::now();
    let site = stage.app.address;
    let Stage {
        app,
        collector,
        controls,
    } = &mut stage;
    let trouble = async {
        tokio::try_join!(
            visit(settings, site, &client, &progress),
            kill(app, &plan, &progress),
            weather(collector, controls, &plan, settings.seed, &progress),
        )
    };
    let patience = PER_SIGN_UP * count(settings.sign_ups) + PER_KILL * (1 + count(settings.kills));
    let (visitors, kills, outages) = timeout(patience, trouble)
        .await
        .map_err(|_| CrashError::Stuck)??;
    let driven = started.elapsed();

    // Not before: an open connection of ours would keep what a killed SQLite left behind from being recovered.
    let db = Db::open(&database).await?;
    settled(&mut stage, &db).await?;
    let settling = started.elapsed() - driven;

    let books = store::books(&db).await?;
    let accepted = stage.controls.accepted().await?;
    let arrivals = stage.controls.arrivals().await?;
    db.close().await;
    let mut offences = verdict::judge(&books, &accepted, &arrivals, &visitors);
    offences.extend(stage.panics());
    let mut figures = Figures::of_arrivals(&arrivals);
    figures.accounts = books.accounts.len();
    figures.logins = books.logins.len();
    figures.kills = kills;
    figures.outages = outages;
    figures.answered = *progress.answered.borrow();
    figures.lost = *progress.lost.borrow();
    figures.driven = driven;
    figures.settling = settling;
    Ok(Report {
        settings: settings.clone(),
        figures,
        offences,
    })
}

/// Everybody's story, some at a time.
async fn visit(
    settings: &Settings,
    site: std::net::SocketAddr,
    client: &reqwest::Client,
    progress: &Progress,
) -> Result<Vec<verdict::Visitor>, CrashError> {
    let stories = (0..count(settings.sign_ups)).map(|number| {
        Story {
            // Addresses for documentation and tests (RFC 2544), one for each visitor.
            browser: Browser::new(
                client,
                site,
                Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + number),
            ),
            email: format!("visitor-{number}@example.com"),
            rng: Rng::with_seed(settings.seed ^ (u64::from(number) << 32)),
            progress,
        }
        .live()
    });
    let visitors = stream::iter(stories)
        .buffer_unordered(settings.visitors.max(1))
        .try_collect()
        .await?;
    progress.is_over.send_replace(true);
    Ok(visitors)
}

/// Kills the app as planned and starts it again, and watches that it does not end by itself; how often it was killed.
async fn kill(app: &mut Process, plan: &Plan, progress: &Progress) -> Result<usize, CrashError> {
    progress.is_up.send_replace(true);
    for kill in &plan.kills {
        alive_until(app, progress.answered.subscribe(), |answered| {
            *answered >= kill.after
        })
        .await?;
        progress.is_up.send_replace(false);
        app.kill().await?;
        app.spawn()?;
        if kill.again_while_starting {
            app.listening().await?;
            app.kill().await?;
            app.spawn()?;
        }
        app.ready().await?;
        progress.is_up.send_replace(true);
    }
    alive_until(app, progress.is_over.subscribe(), |is_over| *is_over).await?;
    Ok(plan.number_of_kills())
}

/// Until the condition holds.
async fn alive_until<T>(
    app: &mut Process,
    mut value: watch::Receiver<T>,
    condition: impl FnMut(&T) -> bool,
) -> Result<(), ProcessError> {
    tokio::select! {
        // The sender outlives the run, so this ends with the condition.
        _ = value.wait_for(condition) => Ok(()),
        ended = app.ended() => Err(ended),
    }
}

/// Changes the collector's weather as planned, then clears it; how often it was away.
async fn weather(
    collector: &mut Process,
    controls: &collector::Collector,
    plan: &Plan,
    seed: u64,
    progress: &Progress,
) -> Result<usize, CrashError> {
    // Whatever else comes of a run, one upload is taken whose answer is lost, and so one event arrives twice.
    controls.set_faults(&Weather::first_answer_lost()).await?;
    while !controls.faults_are_spent().await? {
        sleep(LOOK).await;
    }
    let mut outages = 0;
    let mut answered = progress.answered.subscribe();
    for (number, change) in (0_u64..).zip(&plan.changes) {
        // The sender outlives the run, so this ends with the condition.
        let _ = answered.wait_for(|answered| *answered >= change.after).await;
        collector.is_there().await?;
        match change.weather.switches(seed ^ number) {
            Some(switches) => controls.set_faults(&switches).await?,
            None => {
                controls.set_faults(&Weather::none()).await?;
                collector.stop().await?;
                outages += 1;
            }
        }
    }
    let mut is_over = progress.is_over.subscribe();
    let _ = is_over.wait_for(|is_over| *is_over).await;
    collector.is_there().await?;
    controls.set_faults(&Weather::none()).await?;
    Ok(outages)
}

/// Waits until the outbox has nothing left to send.
async fn settled(stage: &mut Stage, db: &Db) -> Result<(), CrashError> {
    let deadline = Instant::now() + SETTLE;
    loop {
        let counts = outbox::counts(db).await?;
        if counts.pending + counts.leased == 0 {
            return Ok(());
        }
        stage.app.is_alive()?;
        stage.collector.is_alive()?;
        if Instant::now() > deadline {
            return Err(CrashError::Unsettled { counts });
        }
        sleep(LOOK).await;
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
