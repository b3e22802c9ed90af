//! The crash run of trials: users start a trial, complete Stripe's page, are charged at the end of the trial and cancel,
//! while the app is killed with `kill -9` between Stripe's request and Amplitude's answer. The stand-ins are separate
//! processes and are not killed. At the end each user's timeline must equal that of the reference user, who did the same
//! before the first kill, and the revenue must equal the payments.
//!
//! `plan` draws the message at which the app dies, `proxies` and `breakpoint` hold that message, `customer` drives one
//! browser, `timeline` and `comparison` decide what is wrong.

mod breakpoint;
mod comparison;
pub(crate) mod customer;
mod environment;
mod plan;
mod proxies;
mod report;
mod store;
pub(crate) mod stripe;
mod timeline;
mod verification;
mod violation;

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use db::{Db, Engine};
use fastrand::Rng;
use reqwest::Client;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::browser::new_browser;
use crate::database;
use crate::process::{Process, ProcessError};
use crate::programs::Programs;
use breakpoint::KillTrigger;
use customer::TrialCustomer;
use environment::TrialsEnvironment;
use plan::{TrialKill, TrialRound, TrialStep};
use proxies::Proxies;
pub use report::{TrialsFigures, TrialsReport};
use stripe::StripeDashboard;
pub use violation::TrialViolation;

/// Limit until webhooks and outbox are settled. Retry delays grow to five minutes.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(400);
/// Limit for a step and its kill. A lease of 30 s may have to expire, and webhooks are resent after 25 s.
const STEP_TIMEOUT: Duration = Duration::from_secs(180);
const SECOND: Duration = Duration::from_secs(1);
/// Interval between two checks of what is unsettled.
const CHECK_INTERVAL: Duration = Duration::from_millis(200);

/// The size of a run.
#[derive(Clone, Debug)]
pub struct TrialsSettings {
    /// The app's database.
    pub engine: Engine,
    /// Number of rounds. Each advances Stripe's clock by about three days; after more than eight the first subscriptions
    /// would renew.
    pub rounds: usize,
    /// Users in each round.
    pub people: usize,
    /// Kills in each round, at most one per step.
    pub kills: usize,
    /// The seed of all random choices.
    pub seed: u64,
}

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub enum TrialsError {
    /// A program could not be started, or exited.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A user got an unexpected answer.
    #[error("{email}: {problem}")]
    Customer {
        /// The user's email address.
        email: String,
        /// The unexpected answer.
        problem: String,
    },
    /// The message of a kill did not occur, or a step did not end, within [`STEP_TIMEOUT`].
    #[error("{step} was not done in time")]
    TimedOut {
        /// The step and its kill.
        step: String,
    },
    /// Webhooks or events are still unsettled after [`SETTLE_TIMEOUT`] without kills.
    #[error("{webhooks} webhooks and {events} events are still unsettled {} s after the last kill", SETTLE_TIMEOUT.as_secs())]
    Unsettled {
        /// Stripe events that were not stored or not applied.
        webhooks: usize,
        /// Pending and leased rows of the outbox.
        events: i64,
    },
    /// A request to a stand-in failed.
    #[error("cannot query a stand-in: {0}")]
    StandIn(#[from] reqwest::Error),
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

/// Runs all rounds and checks the result. Logs and databases are written to `folder`, except a Postgres database.
///
/// # Errors
/// When there is no result. Violations are no error: see [`TrialsReport::violations`].
pub async fn run(
    programs: &Programs,
    settings: &TrialsSettings,
    folder: &Path,
) -> Result<TrialsReport, TrialsError> {
    let database = database::fresh(settings.engine, folder).await;
    let client = http_browser::client()?;
    let started = Instant::now();
    let mut run = TrialsRun {
        environment: TrialsEnvironment::start(programs, folder, &database, &client).await?,
        client,
        is_app_up: watch::Sender::new(true),
        customers: Vec::new(),
        figures: TrialsFigures::default(),
    };
    run.round("reference", 1, &TrialRound::without_kills(1)).await?;
    let mut rng = Rng::with_seed(settings.seed);
    for number in 1..=settings.rounds {
        let round = TrialRound::draw(&mut rng, settings.people, settings.kills);
        run.round(&format!("round-{number}"), settings.people, &round)
            .await?;
    }
    run.figures.driven = started.elapsed();

    // Opened only now: an open connection would prevent the recovery of an SQLite database after a kill.
    let db = Db::open(&database).await?;
    let stripe_events = run.wait_until_settled(&db).await?;
    run.figures.settling = started.elapsed() - run.figures.driven;
    let violations = run.find_violations(&db, &stripe_events).await?;
    db.close().await;
    Ok(TrialsReport {
        settings: settings.clone(),
        figures: run.figures,
        violations,
    })
}

struct TrialsRun {
    environment: TrialsEnvironment,
    client: Client,
    is_app_up: watch::Sender<bool>,
    /// The first one is the reference user.
    customers: Vec<TrialCustomer>,
    figures: TrialsFigures,
}

impl TrialsRun {
    /// Runs a round with new users, from their sign-up to their cancellation.
    async fn round(&mut self, name: &str, people: usize, round: &TrialRound) -> Result<(), TrialsError> {
        let mut customers = Vec::new();
        for number in 0..people {
            // Addresses for documentation and tests (RFC 2544), one for each user.
            let index = u32::try_from(self.customers.len() + number).unwrap_or(u32::MAX);
            let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + index);
            let mut customer = TrialCustomer::new(
                new_browser(&self.client, self.environment.app.address, address),
                format!("{name}-{number}@example.com"),
                self.is_app_up.subscribe(),
            );
            customer.sign_up().await?;
            customers.push(customer);
        }
        for (step, kill) in &round.0 {
            self.step(*step, *kill, &mut customers).await?;
        }
        self.customers.append(&mut customers);
        Ok(())
    }

    /// Performs a step, with its kill if it has one.
    async fn step(
        &mut self,
        step: TrialStep,
        kill: Option<TrialKill>,
        customers: &mut [TrialCustomer],
    ) -> Result<(), TrialsError> {
        let timed_out = || TrialsError::TimedOut {
            step: format!("{step:?} with {kill:?}"),
        };
        let TrialsEnvironment {
            app,
            proxies,
            dashboard,
            ..
        } = &mut self.environment;
        let done = async {
            match kill {
                Some(kill) => {
                    let trigger = proxies.arm(kill);
                    tokio::try_join!(
                        perform(step, customers, proxies, dashboard),
                        kill_and_restart(app, trigger, &self.is_app_up)
                    )
                    .map(drop)
                }
                None => tokio::select! {
                    done = perform(step, customers, proxies, dashboard) => done,
                    exited = app.wait_for_exit() => Err(exited.into()),
                },
            }
        };
        timeout(STEP_TIMEOUT, done).await.map_err(|_| timed_out())??;
        if let Some(kill) = kill {
            self.figures.count_kill(kill.point);
        }
        Ok(())
    }
}

/// Performs the requests of a step, or advances Stripe's clock.
async fn perform(
    step: TrialStep,
    customers: &mut [TrialCustomer],
    proxies: &Proxies,
    dashboard: &StripeDashboard,
) -> Result<(), TrialsError> {
    match step {
        TrialStep::Order(number) => customers[number].order().await,
        TrialStep::Complete(number) => {
            let return_path = customers[number].complete().await?;
            proxies.checkout_completed().await;
            customers[number].return_to(&return_path).await
        }
        TrialStep::TrialEnd => {
            for customer in customers {
                let email = customer.email.clone();
                let account = dashboard.account(&email).await?;
                let account = account.ok_or_else(|| TrialsError::Customer {
                    email,
                    problem: "Stripe has no subscription, or more than one".to_owned(),
                })?;
                dashboard.give_card(&account.customer).await?;
            }
            // Stripe's times are whole seconds, and a trial must not end in the second in which it started.
            sleep(SECOND).await;
            Ok(dashboard.end_trials().await?)
        }
        TrialStep::Cancel(number) => customers[number].cancel().await,
    }
}

/// Kills the app with SIGKILL when the message has reached the breakpoint, and restarts it.
async fn kill_and_restart(
    app: &mut Process,
    mut trigger: KillTrigger,
    is_app_up: &watch::Sender<bool>,
) -> Result<(), TrialsError> {
    tokio::select! {
        () = trigger.wait_for_hit() => {}
        exited = app.wait_for_exit() => return Err(exited.into()),
    }
    is_app_up.send_replace(false);
    app.kill().await?;
    trigger.release();
    app.ensure_ready().await?;
    is_app_up.send_replace(true);
    Ok(())
}
