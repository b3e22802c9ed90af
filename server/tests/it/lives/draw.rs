//! Drawing a life, and what disturbs it. Pure: a seed says all.

use db::Engine;
use fastrand::Rng;
use serde_json::{Value, json};
use server::lab::{Awaited, BROWSERS, Disturbs, Moment, Standing, Step, Turn, When};
use tracking::Interval;

/// Steps after the sign-up.
const STEPS: std::ops::RangeInclusive<usize> = 7..=13;

/// Pages that anybody may open.
const PAGES: [&str; 4] = ["/", "/pricing", "/polls", "/billing"];

/// A life, and two ways to disturb it.
#[derive(Debug)]
pub struct Drawn {
    pub life: Vec<Step>,
    pub disturbed: [Disturbed; 2],
}

impl Drawn {
    /// The life of that number.
    pub fn of(seed: u64) -> Self {
        // Neighbouring seeds begin alike; what is drawn from one of them does not.
        let mut rng = Rng::with_seed(Rng::with_seed(seed).u64(..));
        let life = life(&mut rng);
        let disturbed = [(); 2].map(|()| disturbed(&mut rng, &life));
        Self { life, disturbed }
    }
}

/// What somebody may do next, and how likely, where it makes sense.
fn likely(step: Step) -> u32 {
    match step {
        Step::SignIn => 12,
        Step::StartTrial(_) | Step::Subscribe(_) | Step::GiveCard => 6,
        Step::JumpTrialEnd | Step::JumpRenewal | Step::Cancel | Step::Resume => 4,
        Step::MakePoll | Step::Vote | Step::ConfirmEmail | Step::Yearly => 3,
        Step::Use(_) | Step::SignOut => 2,
        Step::OpenPage(_) | Step::Lend => 1,
        Step::SignUp => 0,
    }
}

fn any_step() -> Vec<Step> {
    let mut steps = vec![
        Step::SignOut,
        Step::SignIn,
        Step::Lend,
        Step::ConfirmEmail,
        Step::MakePoll,
        Step::Vote,
        Step::GiveCard,
        Step::Cancel,
        Step::Resume,
        Step::Yearly,
        Step::JumpTrialEnd,
        Step::JumpRenewal,
    ];
    steps.extend(PAGES.map(Step::OpenPage));
    steps.extend((0..BROWSERS).map(Step::Use));
    for interval in [Interval::Month, Interval::Year] {
        steps.extend([Step::StartTrial(interval), Step::Subscribe(interval)]);
    }
    steps
}

/// A life whose every step makes sense after those before it.
fn life(rng: &mut Rng) -> Vec<Step> {
    let mut life = vec![Step::OpenPage("/")];
    if rng.bool() {
        life.push(Step::OpenPage("/pricing"));
    }
    life.push(Step::SignUp);
    let mut standing = Standing::default();
    for &step in &life {
        standing = standing.take(step).expect("anybody may begin so").standing;
    }
    for _ in 0..rng.usize(STEPS) {
        let (step, next) = drawn(rng, standing);
        life.push(step);
        standing = next;
    }
    life
}

fn drawn(rng: &mut Rng, standing: Standing) -> (Step, Standing) {
    let possible: Vec<(Step, Standing)> = any_step()
        .into_iter()
        .filter_map(|step| Some((step, standing.take(step)?.standing)))
        .collect();
    let mut ticket = rng.u32(0..possible.iter().map(|(step, _)| likely(*step)).sum());
    for (step, next) in possible {
        match ticket.checked_sub(likely(step)) {
            Some(left) => ticket = left,
            None => return (step, next),
        }
    }
    unreachable!("the ticket is one of those that were given out")
}

/// Switches that must not change the story, each at its moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Disturbed {
    /// On what the server keeps its data, where there is a choice.
    pub engine: Engine,
    turns: Vec<(usize, When, Turn)>,
}

impl Disturbs for Disturbed {
    fn at(&self, moment: Moment) -> Vec<Turn> {
        let at = (moment.place, moment.when);
        let turns = self.turns.iter().filter(|(place, when, _)| (*place, *when) == at);
        turns.map(|(_, _, turn)| turn.clone()).collect()
    }
}

impl Disturbed {
    /// Nothing.
    pub const fn peace() -> Self {
        Self {
            engine: Engine::Sqlite,
            turns: Vec::new(),
        }
    }

    fn turn(&mut self, place: usize, when: When, turn: Turn) {
        self.turns.push((place, when, turn));
    }
}

/// Several at once: webhooks as a habit and at single steps, outages of Amplitude, and the death of the workers.
fn disturbed(rng: &mut Rng, life: &[Step]) -> Disturbed {
    let mut disturbed = Disturbed {
        engine: if rng.bool() {
            Engine::Postgres
        } else {
            Engine::Sqlite
        },
        turns: Vec::new(),
    };
    let habit = habit(rng);
    disturbed.turn(0, When::Before, Turn::Webhooks(habit.clone()));
    for (place, &step) in life.iter().enumerate() {
        if step.is_told_by_stripe() {
            at_stripe(rng, &mut disturbed, place, step, &habit);
        }
    }
    for _ in 0..rng.usize(0..3) {
        outage(rng, &mut disturbed, life);
    }
    if rng.bool() {
        death(rng, &mut disturbed, life);
    }
    disturbed
}

/// What Stripe does to webhooks all the time.
fn habit(rng: &mut Rng) -> Value {
    let delay_ms = if rng.bool() { rng.i64(1..1_200) } else { 0 };
    let duplicate = if rng.bool() { 1_000 } else { 0 };
    json!({"delay_ms": delay_ms, "duplicate": duplicate})
}

/// The habit, and more.
fn with(habit: &Value, name: &str, value: impl Into<Value>) -> Turn {
    let mut switches = habit.clone();
    switches[name] = value.into();
    Turn::Webhooks(switches)
}

/// What becomes of the webhooks of one step.
fn at_stripe(rng: &mut Rng, disturbed: &mut Disturbed, place: usize, step: Step, habit: &Value) {
    // Only a browser that is still at Stripe can come back before or after a webhook.
    let begin = if step.is_checkout() {
        When::AtCheckout
    } else {
        When::Before
    };
    let turn = match rng.u8(0..6) {
        0 => with(habit, "hold", true),
        1 => with(habit, "reorder", rng.u32(2..5)),
        2 => with(habit, "lose_answer", rng.u32(1..3)),
        3 => with(habit, "fail", rng.u32(1..3)),
        4 if step.is_checkout() => {
            return disturbed.turn(place, When::Completed, Turn::Await(Awaited::Told));
        }
        _ => return,
    };
    disturbed.turn(place, begin, turn);
    disturbed.turn(place, When::After, Turn::Webhooks(habit.clone()));
}

/// From one step to another Amplitude answers wrongly, late, or not at all. It does again before a laptop is lent: of a
/// browser’s events the ingest route takes those of its present and its last login. What an SDK has kept through an outage
/// of the login before is refused, and that is meant so (section 10 of the design: an ID from a browser is not trusted).
fn outage(rng: &mut Rng, disturbed: &mut Disturbed, life: &[Step]) {
    let begins = rng.usize(0..life.len());
    let lent = life[begins + 1..].iter().position(|step| *step == Step::Lend);
    let last = lent.map_or(life.len() - 1, |steps| begins + steps);
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
    disturbed.turn(begins, When::Before, Turn::Faults(json!([fault])));
    disturbed.turn(ends, When::After, Turn::Faults(json!([])));
}

/// The workers die in or before a step, and new ones start before anything needs what they do.
fn death(rng: &mut Rng, disturbed: &mut Disturbed, life: &[Step]) {
    let dies = rng.usize(0..life.len());
    let in_it = life[dies].is_checkout() && rng.bool();
    let needed = life[dies + 1..].iter().position(|step| step.needs_billing());
    let last = needed.map_or(life.len() - 1, |steps| dies + steps);
    let starts = rng.usize(dies..=last);
    // Nothing is told while nobody works.
    let waits = |turn: &(usize, When, Turn)| {
        (dies..=starts).contains(&turn.0) && turn.2 == Turn::Await(Awaited::Told)
    };
    disturbed.turns.retain(|turn| !waits(turn));
    let when = if in_it { When::AtCheckout } else { When::Before };
    disturbed.turn(dies, when, Turn::KillWorkers);
    disturbed.turn(starts, When::After, Turn::StartWorkers);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many() -> impl Iterator<Item = (u64, Drawn)> {
        (0..500).map(|seed| (seed, Drawn::of(seed)))
    }

    #[test]
    fn a_seed_is_one_life_and_others_are_others() {
        let shown: Vec<String> = many().map(|(_, drawn)| format!("{drawn:?}")).collect();
        let again: Vec<String> = many().map(|(_, drawn)| format!("{drawn:?}")).collect();
        assert_eq!(shown, again);
        let mut different = shown.clone();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), shown.len());
    }

    #[test]
    fn every_life_makes_sense_and_every_step_is_drawn() {
        let mut missing = any_step();
        for (seed, drawn) in many() {
            let mut standing = Standing::default();
            for &step in &drawn.life {
                let taken = standing.take(step);
                standing = taken
                    .unwrap_or_else(|| panic!("{seed}: {:?}", drawn.life))
                    .standing;
                missing.retain(|other| *other != step);
            }
            assert!(standing.has_account(), "{seed}");
        }
        assert_eq!(missing, []);
    }

    #[test]
    fn whatever_is_disturbed_is_let_go_in_time() {
        for (seed, drawn) in many() {
            for disturbed in &drawn.disturbed {
                let (mut held, mut faulty, mut work) = (false, json!([]), true);
                let moments = drawn.life.iter().enumerate().flat_map(|(place, &step)| {
                    When::of(step)
                        .iter()
                        .map(move |&when| Moment { place, step, when })
                });
                let mut met = 0;
                for moment in moments {
                    let begins = moment.when == When::Before;
                    assert!(
                        !(begins && moment.step.needs_billing()) || (work && !held),
                        "{seed}: nothing that {moment:?} needs can come: {disturbed:?}"
                    );
                    for turn in disturbed.at(moment) {
                        met += 1;
                        match turn {
                            Turn::Webhooks(switches) => {
                                held = switches["hold"] == true || switches["reorder"].as_u64() > Some(0);
                            }
                            Turn::Faults(faults) => faulty = faults,
                            Turn::KillWorkers => work = false,
                            Turn::StartWorkers => work = true,
                            Turn::Await(_) => assert!(work && !held, "{seed}: {moment:?}: {disturbed:?}"),
                        }
                    }
                }
                assert_eq!(
                    met,
                    disturbed.turns.len(),
                    "{seed}: each has its moment: {disturbed:?}"
                );
                assert!(work && !held, "{seed}: {disturbed:?}");
                assert_eq!(faulty, json!([]), "{seed}: {disturbed:?}");
            }
        }
    }
}
