//! Properties of many random scenarios and schedules.

use super::*;

fn many() -> impl Iterator<Item = (u64, RandomScenario)> {
    (0..500).map(|seed| (seed, RandomScenario::of_seed(seed)))
}

#[test]
fn a_seed_gives_one_scenario_and_other_seeds_give_others() {
    let shown: Vec<String> = many().map(|(_, scenario)| format!("{scenario:?}")).collect();
    let again: Vec<String> = many().map(|(_, scenario)| format!("{scenario:?}")).collect();
    assert_eq!(shown, again);
    let mut different = shown.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), shown.len());
}

#[test]
fn every_step_is_possible_and_every_step_is_used() {
    let mut missing = all_steps();
    for (seed, scenario) in many() {
        let mut state = ScenarioState::default();
        for &step in &scenario.steps {
            let transition = state.after(step);
            let transition = transition.unwrap_or_else(|| panic!("{seed}: {:?}", scenario.steps));
            state = transition.state;
            missing.retain(|other| *other != step);
        }
        assert!(state.has_account(), "{seed}");
    }
    assert_eq!(missing, []);
}

#[test]
fn every_disturbance_ends_before_a_step_needs_it_to() {
    for (seed, scenario) in many() {
        for schedule in &scenario.schedules {
            let (mut held, mut faults, mut workers_run) = (false, json!([]), true);
            let points = scenario.steps.iter().enumerate().flat_map(|(index, &step)| {
                let phases = StepPhase::of(step).iter();
                phases.map(move |&phase| SchedulePoint { index, step, phase })
            });
            let mut taken = 0;
            for point in points {
                let begins = point.phase == StepPhase::Before;
                assert!(
                    !(begins && point.step.needs_billing_state()) || (workers_run && !held),
                    "{seed}: {point:?} waits for webhooks that cannot be applied: {schedule:?}"
                );
                for action in schedule.actions_at(point) {
                    taken += 1;
                    match action {
                        LabAction::SetWebhooks(switches) => {
                            held = switches["hold"] == true || switches["reorder"].as_u64() > Some(0);
                        }
                        LabAction::SetFaults(set) => faults = set,
                        LabAction::KillWorkers => workers_run = false,
                        LabAction::StartWorkers => workers_run = true,
                        LabAction::WaitFor(_) => {
                            assert!(workers_run && !held, "{seed}: {point:?}: {schedule:?}");
                        }
                    }
                }
            }
            assert_eq!(
                taken,
                schedule.actions.len(),
                "{seed}: each action has its point: {schedule:?}"
            );
            assert!(workers_run && !held, "{seed}: {schedule:?}");
            assert_eq!(faults, json!([]), "{seed}: {schedule:?}");
        }
    }
}
