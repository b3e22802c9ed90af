//! Random scenarios and random schedules of disturbances. Pure: the seed determines everything.

#[cfg(test)]
mod tests;

use db::Engine;
use fastrand::Rng;
use lab::{
    BROWSERS, DisturbanceSchedule, LabAction, ScenarioState, ScenarioStep, SchedulePoint, StepPhase,
    WaitCondition,
};
use serde_json::{Value, json};
use tracking::PlanInterval;

/// Number of steps after the sign-up.
const STEPS: std::ops::RangeInclusive<usize> = 7..=13;

/// Pages that every visitor may open.
const PAGES: [&str; 4] = ["/", "/pricing", "/polls", "/billing"];

/// A scenario, and two schedules of disturbances.
#[derive(Debug)]
pub struct RandomScenario {
    pub steps: Vec<ScenarioStep>,
    pub schedules: [RandomSchedule; 2],
}

impl RandomScenario {
    pub fn of_seed(seed: u64) -> Self {
        // The first numbers of neighbouring seeds are similar; a seed drawn from the first generator avoids this.
        let mut rng = Rng::with_seed(Rng::with_seed(seed).u64(..));
        let steps = random_steps(&mut rng);
        let schedules = [(); 2].map(|()| random_schedule(&mut rng, &steps));
        Self { steps, schedules }
    }
}

/// The relative probability of a step where it is possible.
fn weight(step: ScenarioStep) -> u32 {
    match step {
        ScenarioStep::SignIn => 12,
        ScenarioStep::StartTrial(_) | ScenarioStep::Subscribe(_) | ScenarioStep::AddCard => 6,
        ScenarioStep::PassTrialEnd
        | ScenarioStep::PassPeriodEnd
        | ScenarioStep::Cancel
        | ScenarioStep::Resume => 4,
        ScenarioStep::CreatePoll
        | ScenarioStep::Vote
        | ScenarioStep::VerifyEmail
        | ScenarioStep::ChangeToYearly => 3,
        ScenarioStep::SwitchBrowser(_) | ScenarioStep::SignOut => 2,
        ScenarioStep::OpenPage(_) | ScenarioStep::ShareLaptop => 1,
        ScenarioStep::SignUp => 0,
    }
}

fn all_steps() -> Vec<ScenarioStep> {
    let mut steps = vec![
        ScenarioStep::SignOut,
        ScenarioStep::SignIn,
        ScenarioStep::ShareLaptop,
        ScenarioStep::VerifyEmail,
        ScenarioStep::CreatePoll,
        ScenarioStep::Vote,
        ScenarioStep::AddCard,
        ScenarioStep::Cancel,
        ScenarioStep::Resume,
        ScenarioStep::ChangeToYearly,
        ScenarioStep::PassTrialEnd,
        ScenarioStep::PassPeriodEnd,
    ];
    steps.extend(PAGES.map(ScenarioStep::OpenPage));
    steps.extend((0..BROWSERS).map(ScenarioStep::SwitchBrowser));
    for interval in [PlanInterval::Month, PlanInterval::Year] {
        steps.extend([
            ScenarioStep::StartTrial(interval),
            ScenarioStep::Subscribe(interval),
        ]);
    }
    steps
}

/// Steps of which each is possible after those before it.
fn random_steps(rng: &mut Rng) -> Vec<ScenarioStep> {
    let mut steps = vec![ScenarioStep::OpenPage("/")];
    if rng.bool() {
        steps.push(ScenarioStep::OpenPage("/pricing"));
    }
    steps.push(ScenarioStep::SignUp);
    let mut state = ScenarioState::default();
    for &step in &steps {
        state = state.after(step).expect("a new visitor can do this").state;
    }
    for _ in 0..rng.usize(STEPS) {
        let (step, next) = random_step(rng, state);
        steps.push(step);
        state = next;
    }
    steps
}

fn random_step(rng: &mut Rng, state: ScenarioState) -> (ScenarioStep, ScenarioState) {
    let possible: Vec<(ScenarioStep, ScenarioState)> = all_steps()
        .into_iter()
        .filter_map(|step| Some((step, state.after(step)?.state)))
        .collect();
    let mut ticket = rng.u32(0..possible.iter().map(|(step, _)| weight(*step)).sum());
    for (step, next) in possible {
        match ticket.checked_sub(weight(step)) {
            Some(left) => ticket = left,
            None => return (step, next),
        }
    }
    unreachable!("the ticket is below the sum of the weights")
}

/// Actions that must not change the timeline, each with the index and phase of its step.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomSchedule {
    /// The database, if the test run has both.
    pub engine: Engine,
    actions: Vec<(usize, StepPhase, LabAction)>,
}

impl DisturbanceSchedule for RandomSchedule {
    fn actions_at(&self, point: SchedulePoint) -> Vec<LabAction> {
        let at = (point.index, point.phase);
        let actions = self.actions.iter();
        let actions = actions.filter(|(index, phase, _)| (*index, *phase) == at);
        actions.map(|(_, _, action)| action.clone()).collect()
    }
}

impl RandomSchedule {
    /// No action.
    pub const fn undisturbed() -> Self {
        Self {
            engine: Engine::Sqlite,
            actions: Vec::new(),
        }
    }

    fn add(&mut self, index: usize, phase: StepPhase, action: LabAction) {
        self.actions.push((index, phase, action));
    }
}

/// Several disturbances at once: webhooks during the whole scenario and at single steps, outages of Amplitude, and killed
/// workers.
fn random_schedule(rng: &mut Rng, steps: &[ScenarioStep]) -> RandomSchedule {
    let mut schedule = RandomSchedule {
        engine: if rng.bool() {
            Engine::Postgres
        } else {
            Engine::Sqlite
        },
        actions: Vec::new(),
    };
    let always = webhooks_always(rng);
    schedule.add(0, StepPhase::Before, LabAction::SetWebhooks(always.clone()));
    for (index, &step) in steps.iter().enumerate() {
        if step.causes_webhook() {
            disturb_webhooks(rng, &mut schedule, index, step, &always);
        }
    }
    for _ in 0..rng.usize(0..3) {
        add_outage(rng, &mut schedule, steps);
    }
    if rng.bool() {
        kill_workers(rng, &mut schedule, steps);
    }
    schedule
}

/// Webhook switches during the whole scenario.
fn webhooks_always(rng: &mut Rng) -> Value {
    let delay_ms = if rng.bool() { rng.i64(1..1_200) } else { 0 };
    let duplicate = if rng.bool() { 1_000 } else { 0 };
    json!({"delay_ms": delay_ms, "duplicate": duplicate})
}

/// The switches of the whole scenario, and one more.
fn with(always: &Value, name: &str, value: impl Into<Value>) -> LabAction {
    let mut switches = always.clone();
    switches[name] = value.into();
    LabAction::SetWebhooks(switches)
}

/// Disturbs the webhooks of one step.
fn disturb_webhooks(
    rng: &mut Rng,
    schedule: &mut RandomSchedule,
    index: usize,
    step: ScenarioStep,
    always: &Value,
) {
    // At Checkout the browser can return before or after the webhook.
    let begin = if step.is_checkout() {
        StepPhase::CheckoutOpened
    } else {
        StepPhase::Before
    };
    let action = match rng.u8(0..6) {
        0 => with(always, "hold", true),
        1 => with(always, "reorder", rng.u32(2..5)),
        2 => with(always, "lose_answer", rng.u32(1..3)),
        3 => with(always, "fail", rng.u32(1..3)),
        4 if step.is_checkout() => {
            let wait = LabAction::WaitFor(WaitCondition::EventsEnqueued);
            return schedule.add(index, StepPhase::CheckoutCompleted, wait);
        }
        _ => return,
    };
    schedule.add(index, begin, action);
    schedule.add(index, StepPhase::After, LabAction::SetWebhooks(always.clone()));
}

/// From one step to another Amplitude answers with an error, late, or not at all. The outage ends before the laptop is
/// shared: the ingest route accepts a browser's events of its current and its last login only, so events of an earlier login
/// that the SDK kept through an outage are refused on purpose.
fn add_outage(rng: &mut Rng, schedule: &mut RandomSchedule, steps: &[ScenarioStep]) {
    let begins = rng.usize(0..steps.len());
    let mut later = steps[begins + 1..].iter();
    let shared = later.position(|step| *step == ScenarioStep::ShareLaptop);
    let last = shared.map_or(steps.len() - 1, |distance| begins + distance);
    let ends = rng.usize(begins..=last);
    let fault = match rng.u8(0..7) {
        0 => json!({"answer": 429}),
        1 => json!({"answer": 500}),
        2 => json!({"answer": 503}),
        3 => json!({"answer": "hang"}),
        4 => json!({"answer": 500, "after_ingest": true}),
        5 => json!({"answer": 429, "share": 0.5, "seed": rng.u32(..)}),
        _ => json!({"answer": "slow", "ms": rng.u32(50..400)}),
    };
    schedule.add(begins, StepPhase::Before, LabAction::SetFaults(json!([fault])));
    schedule.add(ends, StepPhase::After, LabAction::SetFaults(json!([])));
}

/// The workers are killed before or during a step, and new ones start before a step needs their work.
fn kill_workers(rng: &mut Rng, schedule: &mut RandomSchedule, steps: &[ScenarioStep]) {
    let killed = rng.usize(0..steps.len());
    let at_checkout = steps[killed].is_checkout() && rng.bool();
    let mut later = steps[killed + 1..].iter();
    let needed = later.position(|step| step.needs_billing_state());
    let last = needed.map_or(steps.len() - 1, |distance| killed + distance);
    let started = rng.usize(killed..=last);
    // Without workers the events are not enqueued.
    let wait = LabAction::WaitFor(WaitCondition::EventsEnqueued);
    schedule
        .actions
        .retain(|(index, _, action)| !(killed..=started).contains(index) || *action != wait);
    let phase = match at_checkout {
        true => StepPhase::CheckoutOpened,
        false => StepPhase::Before,
    };
    schedule.add(killed, phase, LabAction::KillWorkers);
    schedule.add(started, StepPhase::After, LabAction::StartWorkers);
}
