//! Runs a scenario: its steps one after another, and the schedule's actions in between. The steps are the same under every
//! disturbance; only the stand-ins, the browsers and the workers differ.

use backend::billing::inbox::InboxState;
use backend::timeline::ReadError;

use crate::environment::{LabEnvironment, wait_until};
use crate::error::ScenarioError;
use crate::scenario::ScenarioStep;
use crate::scenario_run::{Pacing, ScenarioRun, ScenarioUser};
use crate::schedule::{DisturbanceSchedule, SchedulePoint, StepPhase};
use crate::stripe;
use crate::switches::StandInSwitches;
use crate::timeline::ScenarioTimeline;

/// Runs a scenario with a second for each change at Stripe, restores the switches, waits until all webhooks are applied,
/// and returns the timeline of each user: first the scripted user, then those who shared the laptop. The environment must
/// have no other users.
///
/// # Errors
/// When a step fails, a condition is not met in time, or an event is missing or duplicated.
pub async fn run_scenario(
    environment: &LabEnvironment,
    steps: &[ScenarioStep],
    schedule: &dyn DisturbanceSchedule,
) -> Result<Vec<ScenarioTimeline>, ScenarioError> {
    let switches = StandInSwitches::save(environment).await?;
    let run = ScenarioRun::new(environment, schedule, &switches, Pacing::WholeSeconds, &|_| ());
    let users = run_steps(run, steps).await;
    switches.restore().await;
    wait_until("Stripe has sent every webhook".to_owned(), || async {
        Ok(stripe::has_sent_all_webhooks(environment).await?.then_some(()))
    })
    .await?;
    wait_until("every webhook is applied".to_owned(), || async {
        let pending = environment
            .backend
            .billing
            .inbox(Some(InboxState::Pending), 1)
            .await;
        Ok(pending.map_err(ReadError::from)?.is_empty().then_some(()))
    })
    .await?;
    let mut timelines = Vec::new();
    for user in users? {
        timelines.push(ScenarioTimeline::read(environment, &user).await?);
    }
    Ok(timelines)
}

/// Performs the steps, and returns the users. All events that the steps cause are then in the outbox, or have arrived.
pub(crate) async fn run_steps(
    mut run: ScenarioRun<'_>,
    steps: &[ScenarioStep],
) -> Result<Vec<ScenarioUser>, ScenarioError> {
    for (index, &step) in steps.iter().enumerate() {
        let at = |phase| SchedulePoint { index, step, phase };
        if step.needs_billing_state() {
            run.wait_until_enqueued().await?;
        }
        let transition = run.state.after(step);
        let transition = transition.ok_or(ScenarioError::ImpossibleStep { step })?;
        run.expect(transition);
        run.act_at(at(StepPhase::Before)).await?;
        run.report(step.description());
        run.perform(index, step).await?;
        run.state = transition.state;
        run.act_at(at(StepPhase::After)).await?;
    }
    run.report("waiting for the last events");
    run.wait_until_enqueued().await?;
    run.wait_until_browsers_have_sent().await?;
    Ok(run.into_users())
}
