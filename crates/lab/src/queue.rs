//! The lab of the page: one run at a time, because the switches are shared; a time limit for each scenario; and the state
//! that the page shows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::lab::{Disturbance, LabState, Outcome, Running, UserResult};
use backend::attribution::CampaignRow;
use backend::timeline::ReadError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::environment::LabEnvironment;
use crate::error::ScenarioError;
use crate::runner::run_steps;
use crate::scenario::{CAMPAIGN, scripted_scenario};
use crate::scenario_run::{Pacing, ScenarioRun};
use crate::switches::StandInSwitches;
use crate::timeline::ScenarioTimeline;

/// Time limit of one scenario. The slowest one waits half a minute for a lease to expire.
const SCENARIO_LIMIT: Duration = Duration::from_secs(180);

/// The lab. Cheap to clone; all clones are the same lab.
#[derive(Clone)]
pub struct Lab(Arc<Inner>);

struct Inner {
    environment: LabEnvironment,
    state: watch::Sender<LabState>,
    /// Held while a run is started, so that two requests cannot start two runs.
    starting: Mutex<()>,
    runs: TaskTracker,
    stop: CancellationToken,
}

/// Another run is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run is under way, and only one run at a time can use the stand-ins")]
pub struct LabBusyError;

impl Lab {
    /// A lab without runs. A run that is under way ends early with `stop`.
    pub fn new(environment: LabEnvironment, stop: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            environment,
            state: watch::Sender::default(),
            starting: Mutex::default(),
            runs: TaskTracker::new(),
            stop,
        }))
    }

    /// What the scenarios run against.
    pub fn environment(&self) -> LabEnvironment {
        self.0.environment.clone()
    }

    /// The state that the page shows, now and after each change.
    pub fn watch(&self) -> watch::Receiver<LabState> {
        self.0.state.subscribe()
    }

    /// Starts a run of these disturbances, one after another.
    ///
    /// # Errors
    /// When another run is under way.
    pub fn start(&self, disturbances: &[Disturbance]) -> Result<(), LabBusyError> {
        let _starting = self.0.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.state.borrow().is_busy() {
            return Err(LabBusyError);
        }
        let Some((&first, waiting)) = disturbances.split_first() else {
            return Ok(());
        };
        let waiting = waiting.to_vec();
        self.0.state.send_modify(|state| {
            state.running = Some(started(first));
            state.waiting.clone_from(&waiting);
        });
        let run = RunGuard(self.clone());
        self.0.runs.spawn(async move {
            for disturbance in std::iter::once(first).chain(waiting) {
                run.0.run_one(disturbance).await;
            }
        });
        Ok(())
    }

    /// Waits, after `stop`, until a run that was under way has restored the switches.
    pub async fn wait_until_ended(&self) {
        self.0.runs.close();
        self.0.runs.wait().await;
    }

    /// Runs the scripted scenario under one disturbance, and stores the result in the state.
    async fn run_one(&self, disturbance: Disturbance) {
        let Inner {
            environment,
            state,
            stop,
            ..
        } = &*self.0;
        if stop.is_cancelled() {
            return;
        }
        state.send_modify(|state| {
            state.running = Some(started(disturbance));
            state.waiting.retain(|waiting| *waiting != disturbance);
        });
        let clock = &environment.backend.clock;
        let started_ms = clock.now_ms();
        let result = self.run_scripted(disturbance).await;
        let ended_at = clock.now_ms();
        let (users, failed) = match result {
            Ok(users) => (users, None),
            Err(reason) => {
                tracing::warn!(
                    disturbance = disturbance.name(),
                    "a scripted scenario failed: {reason}"
                );
                (
                    Vec::new(),
                    Some(format!("The scenario was not completed: {reason}.")),
                )
            }
        };
        let outcome = Outcome {
            ended_at,
            took_ms: ended_at - started_ms,
            users,
            failed,
        };
        state.send_modify(|state| {
            state.results.insert(disturbance, outcome);
        });
    }

    /// The timeline of each user, or why the scenario was not completed.
    async fn run_scripted(&self, disturbance: Disturbance) -> Result<Vec<UserResult>, String> {
        let Inner {
            environment,
            state,
            stop,
            ..
        } = &*self.0;
        let sentence = |error: ScenarioError| error.to_string();
        let switches = StandInSwitches::save(environment).await.map_err(sentence)?;
        let report = |step: &'static str| {
            state.send_modify(|state| {
                if let Some(running) = &mut state.running {
                    step.clone_into(&mut running.step);
                }
            });
        };
        let run = ScenarioRun::new(environment, &disturbance, &switches, Pacing::Fast, &report);
        let scenario = async {
            let mut users = Vec::new();
            let earlier_minor = match disturbance {
                Disturbance::CampaignBlocked => Some(attributed_minor(environment).await?),
                _ => None,
            };
            for user in run_steps(run, &scripted_scenario(disturbance)).await? {
                let timeline = ScenarioTimeline::read(environment, &user).await?;
                if let Some(earlier_minor) = earlier_minor {
                    check_attribution(&timeline, attributed_minor(environment).await? - earlier_minor)?;
                }
                users.push(timeline.into());
            }
            Ok(users)
        };
        let result = tokio::select! {
            result = tokio::time::timeout(SCENARIO_LIMIT, scenario) => match result {
                Ok(users) => users.map_err(sentence),
                Err(_) => Err(format!("it took longer than {} seconds", SCENARIO_LIMIT.as_secs())),
            },
            () = stop.cancelled() => Err("the server was stopped".to_owned()),
        };
        report("restoring the stand-ins’ switches");
        switches.restore().await;
        result
    }
}

/// The revenue of the scripted campaign in minor units, summed over all currencies. It fails if first and last touch give
/// different sums.
async fn attributed_minor(environment: &LabEnvironment) -> Result<i64, ScenarioError> {
    let report = environment
        .backend
        .operations
        .campaigns()
        .await
        .map_err(ReadError::from)?;
    let sum = |rows: &[CampaignRow]| -> i64 {
        let rows = rows
            .iter()
            .filter(|row| row.campaign.as_deref() == Some(CAMPAIGN));
        rows.flat_map(|row| &row.revenue).map(|amount| amount.minor).sum()
    };
    let (first, last) = (sum(&report.first), sum(&report.last));
    if first != last {
        return Err(ScenarioError::Attribution {
            found: first,
            expected: last,
        });
    }
    Ok(first)
}

/// Fails if the revenue that the run added to the campaign is not the sum of the user's payments.
fn check_attribution(timeline: &ScenarioTimeline, added_minor: i64) -> Result<(), ScenarioError> {
    match timeline.paid_minor == added_minor && added_minor > 0 {
        true => Ok(()),
        false => Err(ScenarioError::Attribution {
            found: added_minor,
            expected: timeline.paid_minor,
        }),
    }
}

fn started(disturbance: Disturbance) -> Running {
    Running {
        disturbance,
        step: "saving the stand-ins’ switches".to_owned(),
    }
}

/// A run under way. Dropping it, also by a panic, allows the next run.
struct RunGuard(Lab);

impl Drop for RunGuard {
    fn drop(&mut self) {
        self.0.0.state.send_modify(|state| {
            state.running = None;
            state.waiting.clear();
        });
    }
}
