//! Several servers behind nginx on one Postgres, under a mixed load: one server, two, three, then one of them killed with
//! `kill -9`, then a new one added. At the end votes, webhooks and events are compared with what was acknowledged.
//!
//! Servers, nginx and both stand-ins are separate processes on this machine; this process is the load. `load` sends the
//! requests, `nginx` derives the load balancer's configuration from the example of the guide.

mod cluster;
mod load;
pub mod nginx;
mod report;
mod samples;
mod server;
mod store;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use db::Engine;
use http_browser::Browser;
use reqwest::Client;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::process::ProcessError;
use crate::programs::Programs;
use crate::votes::{self, VotesError};
use crate::{database, resources};
use cluster::Cluster;
use load::{LoadResult, LoadTarget, StreamPage};
pub use report::{ExactnessCheck, PhaseFigures, ScaleReport};
use samples::LoadRecorder;
pub use samples::{KindSamples, LoadKind, LoadSamples};

/// Limit for the load's last requests, and until webhooks and events are settled. The lease of a killed server lasts 30 s.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(180);
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// Interval between two samples of what Postgres waits for.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// The size of the load.
#[derive(Clone, Debug)]
pub struct ScaleSettings {
    /// Duration of the load; each phase has a fifth.
    pub minutes: u32,
    /// Users who send requests without pauses.
    pub users: u32,
    /// Voters. The users vote as each of them in turn.
    pub voters: u32,
    /// Polls that they vote on, each with an owner.
    pub polls: u32,
    /// Sign-ups per second; each starts a trial and causes about four webhooks.
    pub sign_ups_per_second: u32,
    /// Open pages with an event stream.
    pub live: u32,
}

/// What happens at the start of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleStep {
    /// The first server takes the load.
    First,
    /// A server is started, and nginx is reloaded with it.
    Add,
    /// The oldest server is killed with SIGKILL; nginx is not changed.
    Kill,
}

/// The phases in order.
pub const STEPS: [ScaleStep; 5] = [
    ScaleStep::First,
    ScaleStep::Add,
    ScaleStep::Add,
    ScaleStep::Kill,
    ScaleStep::Add,
];

/// Why the measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum ScaleError {
    /// nginx is not installed.
    #[error("nginx is missing: scripts/apt.sh nginx-light")]
    NoNginx,
    /// A program could not be started, or exited.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The poll could not be created or read.
    #[error(transparent)]
    Votes(#[from] VotesError),
    /// A request to a stand-in failed.
    #[error("cannot query a stand-in: {0}")]
    StandIn(#[from] reqwest::Error),
    /// The last requests of the load were not accepted in time.
    #[error("the load did not end within {} s", SETTLE_TIMEOUT.as_secs())]
    Unfinished,
    /// Webhooks or events are still pending after [`SETTLE_TIMEOUT`].
    #[error("{webhooks} webhooks and {events} events are still pending after {} s", SETTLE_TIMEOUT.as_secs())]
    Unsettled {
        /// Pending webhooks.
        webhooks: i64,
        /// Pending events.
        events: i64,
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

/// Runs all phases and checks the result. Logs are written to `folder`.
///
/// # Errors
/// When there is no result. Failed requests are no error: see [`ScaleReport::holds`].
pub async fn run(
    programs: &Programs,
    settings: &ScaleSettings,
    folder: &Path,
) -> Result<ScaleReport, ScaleError> {
    let database = database::fresh(Engine::Postgres, folder).await;
    let result = measure(programs, settings, folder, &database).await;
    database::remove(Engine::Postgres, &database).await?;
    result
}

async fn measure(
    programs: &Programs,
    settings: &ScaleSettings,
    folder: &Path,
    database: &str,
) -> Result<ScaleReport, ScaleError> {
    let client = load_client()?;
    let mut cluster = Cluster::start(programs, folder, database, &client).await?;
    let site = cluster.balancer.process.address;
    let (mut owners, mut polls) = (Vec::new(), Vec::new());
    for number in 0..settings.polls.max(1) {
        let (owner, poll) = votes::create_poll(&client, site, number).await?;
        owners.push(owner);
        polls.push(poll);
    }
    let target = LoadTarget {
        client,
        site,
        polls: polls.into(),
        recorder: LoadRecorder::default(),
        stop: CancellationToken::new(),
    };
    let closed = CancellationToken::new();
    let _ended = closed.clone().drop_guard();
    let mut pages = Vec::new();
    let mut streams = JoinSet::new();
    for poll in target.polls.iter().cycle().take(settings.live as usize) {
        let page = StreamPage::new(poll);
        streams.spawn(page.clone().run(target.clone(), closed.clone()));
        pages.push(page);
    }
    let (result, phases) = drive(&mut cluster, &target, settings, &owners).await?;
    cluster.wait_until_settled().await?;
    let mut check = cluster.check(&target, &result, &pages).await?;
    // Requests that ended after the last phase.
    check.violations.extend(target.recorder.take().messages);
    cluster.db.close().await;
    Ok(ScaleReport {
        settings: settings.clone(),
        phases,
        check,
    })
}

/// Returns a client that repeats a request once if the connection ends before the answer, as browsers do on connections that
/// they use again: nginx closes idle ones when it is reloaded.
fn load_client() -> Result<Client, reqwest::Error> {
    let repeats = reqwest::retry::for_host(Ipv4Addr::LOCALHOST.to_string())
        .no_budget()
        .max_retries_per_request(1)
        .classify_fn(|answer| match answer.error() {
            Some(_) => answer.retryable(),
            None => answer.success(),
        });
    http_browser::client_builder().retry(repeats).build()
}

/// Runs the load through all phases.
async fn drive(
    cluster: &mut Cluster,
    target: &LoadTarget,
    settings: &ScaleSettings,
    owners: &[Browser],
) -> Result<(LoadResult, Vec<PhaseFigures>), ScaleError> {
    let dashboard = cluster.dashboard.clone();
    let phases = async {
        let phases = run_phases(cluster, target, settings).await;
        target.stop.cancel();
        phases
    };
    let load = async {
        let load = load::run(target, settings, &dashboard, owners);
        tokio::pin!(load);
        tokio::select! {
            result = &mut load => return result,
            () = target.stop.cancelled() => {}
        }
        timeout(SETTLE_TIMEOUT, load)
            .await
            .map_err(|_| ScaleError::Unfinished)?
    };
    tokio::try_join!(load, phases)
}

async fn run_phases(
    cluster: &mut Cluster,
    target: &LoadTarget,
    settings: &ScaleSettings,
) -> Result<Vec<PhaseFigures>, ScaleError> {
    let phase_time = Duration::from_secs(60) * settings.minutes / u32::try_from(STEPS.len()).unwrap_or(1);
    let mut phases = Vec::new();
    for step in STEPS {
        let (started, cpu_before) = (Instant::now(), cluster.cpu_secs());
        let machine_before = resources::machine_cpu();
        cluster.change(step).await?;
        let mut waits = BTreeMap::new();
        while started.elapsed() < phase_time {
            cluster.check_running()?;
            for (wait, number) in store::waits(&cluster.db).await? {
                *waits.entry(wait).or_default() += number;
            }
            sleep(SAMPLE_INTERVAL.min(phase_time.saturating_sub(started.elapsed()))).await;
        }
        let machine = machine_before
            .zip(resources::machine_cpu())
            .map(|(before, after)| after.since(before));
        let mut cpu_secs = cluster.cpu_secs();
        for (name, secs) in &mut cpu_secs {
            *secs -= cpu_before.get(name).copied().unwrap_or(0.0);
        }
        if let Some(machine) = machine {
            let ours: f64 = cpu_secs.values().sum();
            cpu_secs.insert("other processes".to_owned(), machine.busy_secs - ours);
        }
        phases.push(PhaseFigures {
            step,
            servers: cluster.servers.len(),
            duration: started.elapsed(),
            cpu_secs,
            machine,
            waits,
            samples: target.recorder.take(),
        });
    }
    Ok(phases)
}
