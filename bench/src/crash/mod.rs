//! The crash run: visitors sign up, sign out and sign in over real HTTP while the app is killed with `kill -9` and the
//! collector (the stand-in for Amplitude) injects faults. When the faults are over and the outbox is empty, the app's
//! database is compared with the events that the collector accepted.
//!
//! `plan` draws the kills and faults, `visitor` drives one browser, `checks` decides what is wrong; none of them starts
//! a process. The collector is stopped with SIGTERM only, because its log is the evidence.
//!
//! `trials` is a separate run for trials and payments.

pub(crate) mod checks;
pub(crate) mod collector;
mod disturbance;
mod environment;
mod plan;
mod report;
pub(crate) mod store;
pub mod trials;
mod visitor;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use db::{Db, Engine};
use fastrand::Rng;
use futures::stream::{self, StreamExt, TryStreamExt};
use reqwest::Client;
use tokio::time::{Instant, sleep, timeout};

use crate::browser::new_browser;
use crate::database;
pub use crate::process::ProcessError;
use crate::programs::Programs;
use checks::SignedUpVisitor;
pub use checks::Violation;
use disturbance::{change_collector_modes, kill_app};
use environment::CrashEnvironment;
use plan::CrashPlan;
pub use report::{CrashFigures, CrashReport};
use visitor::{CrashVisitor, MIN_REQUESTS, VisitorProgress};

/// Limit until the outbox is empty. Retry delays grow to two minutes, and a lease lasts 30 s.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(300);
/// Limits for one sign-up and for one kill; far above the usual time.
const SIGN_UP_TIMEOUT: Duration = Duration::from_secs(10);
const KILL_TIMEOUT: Duration = Duration::from_secs(30);
/// Interval between two checks of the outbox or of the collector's faults.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// The size of a run.
#[derive(Clone, Debug)]
pub struct CrashSettings {
    /// The app's database.
    pub engine: Engine,
    /// Number of sign-ups.
    pub sign_ups: usize,
    /// How often the app is killed.
    pub kills: usize,
    /// Concurrent visitors.
    pub visitors: usize,
    /// The seed of all random choices.
    pub seed: u64,
}

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub enum CrashError {
    /// A program could not be started, or exited.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A visitor got an unexpected answer.
    #[error("{email}: {problem}")]
    Visitor {
        /// The visitor's email address.
        email: String,
        /// The unexpected answer.
        problem: String,
    },
    /// Visitors and kills exceeded the time limit.
    #[error("visitors and kills were not done in time")]
    TimedOut,
    /// The outbox still has unsettled rows after [`SETTLE_TIMEOUT`] without faults.
    #[error("the outbox still has unsettled rows {} s after the last fault: {counts:?}", SETTLE_TIMEOUT.as_secs())]
    Unsettled {
        /// Rows by state.
        counts: outbox::OutboxCounts,
    },
    /// A request to the collector's own API failed.
    #[error("cannot query the collector: {0}")]
    Collector(#[from] reqwest::Error),
    /// The app's database cannot be read.
    #[error("cannot read the app's database: {0}")]
    Database(#[from] sqlx::Error),
    /// The app's database cannot be opened.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// A file, port or process could not be created.
    #[error("cannot prepare the run: {0}")]
    Prepare(#[from] std::io::Error),
}

/// Runs visitors, kills and faults, and checks the result. Logs and databases are written to `folder`, except a Postgres
/// database.
///
/// # Errors
/// When there is no result: a program exited unexpectedly, a visitor got an unexpected answer, or the outbox did not
/// become empty. Violations are no error: see [`CrashReport::violations`].
pub async fn run(
    programs: &Programs,
    settings: &CrashSettings,
    folder: &Path,
) -> Result<CrashReport, CrashError> {
    let database = database::fresh(settings.engine, folder).await;
    let client = http_browser::client()?;
    let mut environment = CrashEnvironment::new(programs, folder, &database, &client)?;
    let plan = CrashPlan::draw(
        settings.seed,
        MIN_REQUESTS * settings.sign_ups as u64,
        settings.kills,
    );
    let progress = VisitorProgress::default();

    environment.collector.ensure_ready().await?;
    environment.app.ensure_ready().await?;

    let started = Instant::now();
    let site = environment.app.address;
    let CrashEnvironment {
        app,
        collector,
        collector_client,
    } = &mut environment;
    let driving = async {
        tokio::try_join!(
            run_visitors(settings, site, &client, &progress),
            kill_app(app, &plan, &progress),
            change_collector_modes(collector, collector_client, &plan, settings.seed, &progress),
        )
    };
    let time_limit = SIGN_UP_TIMEOUT * count(settings.sign_ups) + KILL_TIMEOUT * (1 + count(settings.kills));
    let (visitors, kills, outages) = timeout(time_limit, driving)
        .await
        .map_err(|_| CrashError::TimedOut)??;
    let driven = started.elapsed();

    // Opened only now: an open connection would prevent the recovery of an SQLite database after a kill.
    let db = Db::open(&database).await?;
    wait_until_settled(&mut environment, &db).await?;
    let settling = started.elapsed() - driven;

    let state = store::read_state(&db).await?;
    let accepted = environment.collector_client.accepted().await?;
    let arrivals = environment.collector_client.arrivals().await?;
    db.close().await;
    let mut violations = checks::find_violations(&state, &accepted, &arrivals, &visitors);
    violations.extend(environment.panics());
    let mut figures = CrashFigures::of_arrivals(&arrivals);
    figures.accounts = state.accounts.len();
    figures.logins = state.logins.len();
    figures.kills = kills;
    figures.outages = outages;
    figures.answered = *progress.answered.borrow();
    figures.lost = *progress.lost.borrow();
    figures.limited = *progress.limited.borrow();
    figures.driven = driven;
    figures.settling = settling;
    Ok(CrashReport {
        settings: settings.clone(),
        figures,
        violations,
    })
}

/// Runs all visitors, `settings.visitors` at a time.
async fn run_visitors(
    settings: &CrashSettings,
    site: SocketAddr,
    client: &Client,
    progress: &VisitorProgress,
) -> Result<Vec<SignedUpVisitor>, CrashError> {
    let visits = (0..count(settings.sign_ups)).map(|number| {
        CrashVisitor {
            // Addresses for documentation and tests (RFC 2544), one for each visitor.
            browser: new_browser(
                client,
                site,
                Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + number),
            ),
            email: format!("visitor-{number}@example.com"),
            rng: Rng::with_seed(settings.seed ^ (u64::from(number) << 32)),
            progress,
        }
        .run()
    });
    let visitors = stream::iter(visits)
        .buffer_unordered(settings.visitors.max(1))
        .try_collect()
        .await?;
    progress.are_visitors_done.send_replace(true);
    Ok(visitors)
}

/// Waits until the outbox has no pending row.
async fn wait_until_settled(environment: &mut CrashEnvironment, db: &Db) -> Result<(), CrashError> {
    let deadline = Instant::now() + SETTLE_TIMEOUT;
    loop {
        let counts = outbox::counts(db).await?;
        if counts.pending == 0 {
            return Ok(());
        }
        environment.app.check_running()?;
        environment.collector.check_running()?;
        if Instant::now() > deadline {
            return Err(CrashError::Unsettled { counts });
        }
        sleep(CHECK_INTERVAL).await;
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
