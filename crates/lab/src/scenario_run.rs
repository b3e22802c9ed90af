//! A scenario that is running: its users, browsers and expected events, the actions of its schedule, and the conditions
//! that it waits for.

use std::collections::BTreeMap;
use std::time::Instant;

use backend::billing::inbox::InboxState;
use backend::timeline::ReadError;
use tracking::{EventPayload, SignOutCompleted, SignUpCompleted, UserId};

use crate::browser::ScriptedBrowser;
use crate::environment::{CHECK_INTERVAL, LabEnvironment, WAIT_LIMIT, wait_until};
use crate::error::ScenarioError;
use crate::scenario::{BROWSERS, ScenarioState, Transition};
use crate::schedule::{DisturbanceSchedule, LabAction, SchedulePoint, WaitCondition};
use crate::stripe;
use crate::switches::StandInSwitches;

/// Pending webhooks that are searched for one of the user's customer.
const PENDING_LIMIT: i64 = 100;

/// The speed of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pacing {
    /// As fast as the app responds.
    Fast,
    /// Each change at Stripe has its own second. Stripe's times are whole seconds, so only then is the order of the events
    /// the same in every run.
    WholeSeconds,
}

/// A user with an account.
#[derive(Clone, Debug)]
pub(crate) struct ScenarioUser {
    /// Name of the user in the scenario.
    pub(crate) name: &'static str,
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) user: UserId,
    /// Events that must be in the user's timeline, and how often.
    pub(crate) expected_events: BTreeMap<&'static str, usize>,
}

/// A scenario that is running.
pub(crate) struct ScenarioRun<'a> {
    pub(crate) environment: &'a LabEnvironment,
    schedule: &'a dyn DisturbanceSchedule,
    switches: &'a StandInSwitches,
    pub(crate) pacing: Pacing,
    /// Receives the current step, in a few words.
    report: &'a (dyn Fn(&'static str) + Sync),
    pub(crate) state: ScenarioState,
    /// By number; `None`: not used yet.
    browsers: [Option<ScriptedBrowser>; BROWSERS],
    current_browser: usize,
    user: Option<ScenarioUser>,
    /// Of the first user.
    server_events: BTreeMap<&'static str, usize>,
    browser_events: BTreeMap<&'static str, usize>,
    pub(crate) other_users: Vec<ScenarioUser>,
    pub(crate) votes: usize,
}

impl<'a> ScenarioRun<'a> {
    pub(crate) fn new(
        environment: &'a LabEnvironment,
        schedule: &'a dyn DisturbanceSchedule,
        switches: &'a StandInSwitches,
        pacing: Pacing,
        report: &'a (dyn Fn(&'static str) + Sync),
    ) -> Self {
        Self {
            environment,
            schedule,
            switches,
            pacing,
            report,
            state: ScenarioState::default(),
            browsers: [const { None }; BROWSERS],
            current_browser: 0,
            user: None,
            server_events: BTreeMap::new(),
            browser_events: BTreeMap::new(),
            other_users: Vec::new(),
            votes: 0,
        }
    }

    pub(crate) fn report(&self, step: &'static str) {
        (self.report)(step);
    }

    /// Adds the events of a step to those that are expected.
    pub(crate) fn expect(&mut self, transition: Transition) {
        if let Some(name) = transition.server_event {
            *self.server_events.entry(name).or_default() += 1;
        }
        if let Some(name) = transition.browser_event.filter(|_| !self.schedule.blocks_sdk()) {
            *self.browser_events.entry(name).or_default() += 1;
        }
    }

    /// The users of the scenario, the first one with all events that are expected of them.
    pub(crate) fn into_users(self) -> Vec<ScenarioUser> {
        let expected_events = self.server_events.into_iter().chain(self.browser_events);
        let user = self.user.map(|user| ScenarioUser {
            expected_events: expected_events.collect(),
            ..user
        });
        user.into_iter().chain(self.other_users).collect()
    }

    /// Makes this browser the current one.
    pub(crate) const fn switch_browser(&mut self, browser: usize) {
        self.current_browser = browser;
    }

    /// The current browser.
    pub(crate) fn browser(&mut self) -> &mut ScriptedBrowser {
        let new = || {
            let schedule = self.schedule;
            ScriptedBrowser::new(self.environment, schedule.clock_ahead_ms(), schedule.blocks_sdk())
        };
        self.browsers[self.current_browser].get_or_insert_with(new)
    }

    /// The first user.
    pub(crate) fn user(&self) -> Result<&ScenarioUser, ScenarioError> {
        let user = self.user.as_ref();
        user.ok_or_else(|| ScenarioError::UnexpectedPage("the user has no account yet".to_owned()))
    }

    pub(crate) fn set_user(&mut self, user: ScenarioUser) {
        self.user = Some(user);
    }

    /// Takes the schedule's actions for this point.
    pub(crate) async fn act_at(&self, point: SchedulePoint) -> Result<(), ScenarioError> {
        for action in self.schedule.actions_at(point) {
            match action {
                LabAction::SetWebhooks(switches) => self.switches.set_webhooks(&switches).await?,
                LabAction::SetFaults(faults) => self.switches.set_faults(&faults).await?,
                LabAction::KillWorkers => {
                    self.report("killing the workers");
                    self.environment.workers.kill().await;
                }
                LabAction::StartWorkers => {
                    self.report("starting new workers");
                    self.environment.workers.start();
                }
                LabAction::WaitFor(WaitCondition::EventsEnqueued) => self.wait_until_enqueued().await?,
                LabAction::WaitFor(WaitCondition::UploadStarted) => self.wait_until_uploading().await?,
                LabAction::WaitFor(WaitCondition::WebhookStored) => self.wait_until_webhook_stored().await?,
            }
        }
        Ok(())
    }

    /// Waits until the server's events of all steps so far are in the outbox.
    pub(crate) async fn wait_until_enqueued(&self) -> Result<(), ScenarioError> {
        let Some(user) = &self.user else { return Ok(()) };
        let (operations, user) = (&self.environment.backend.operations, user.user);
        for (&name, &expected) in &self.server_events {
            wait_until(format!("“{name}” is in the outbox"), || async move {
                let count = operations.count_events(user, name).await;
                let count = count.map_err(ReadError::from)?;
                Ok((count >= expected).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// Waits until the events of every browser have arrived. The SDK repeats its uploads as long as a page is open.
    pub(crate) async fn wait_until_browsers_have_sent(&mut self) -> Result<(), ScenarioError> {
        for browser in self.browsers.iter_mut().flatten() {
            let started = Instant::now();
            while !browser.flush().await? {
                if started.elapsed() > WAIT_LIMIT {
                    let condition = "the browser’s events have arrived".to_owned();
                    return Err(ScenarioError::Timeout(condition));
                }
                tokio::time::sleep(CHECK_INTERVAL).await;
            }
        }
        Ok(())
    }

    async fn wait_until_uploading(&self) -> Result<(), ScenarioError> {
        let (operations, user) = (&self.environment.backend.operations, self.user()?.user);
        let condition = "an upload of the user’s events is under way".to_owned();
        wait_until(condition, || async move {
            let sent = operations.is_being_sent(user).await;
            Ok(sent.map_err(ReadError::from)?.then_some(()))
        })
        .await
    }

    async fn wait_until_webhook_stored(&self) -> Result<(), ScenarioError> {
        let billing = &self.environment.backend.billing;
        let customer = &stripe::customer(self.environment, &self.user()?.email).await?;
        let condition = "a webhook of the user’s customer is in the inbox".to_owned();
        wait_until(condition, || async move {
            let pending = billing.inbox(Some(InboxState::Pending), PENDING_LIMIT).await;
            let pending = pending.map_err(ReadError::from)?;
            let found = pending.iter().any(|webhook| webhook.lane == *customer);
            Ok(found.then_some(()))
        })
        .await
    }
}

/// The events of a second user who signs up and signs out on a shared laptop.
pub(crate) fn expected_shared_laptop_events() -> BTreeMap<&'static str, usize> {
    BTreeMap::from([(SignUpCompleted::NAME, 1), (SignOutCompleted::NAME, 1)])
}
