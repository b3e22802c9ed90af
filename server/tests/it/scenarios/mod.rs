//! A property of the whole: a user's timeline does not depend on what was disturbed.
//!
//! Each random scenario runs three times, each time in an app of its own: undisturbed, and under two random schedules with
//! several disturbances at once. `comparison` says what of the timelines is compared. Besides, every verdict is clean, and
//! the revenue of each timeline is what Stripe's invoices say.
//!
//! A seed gives one scenario. By default the same few seeds run each time; `SEAMLINE_SCENARIOS=200` runs the seeds 1 to 200,
//! `SEAMLINE_SCENARIO_SEED=7` runs seed 7, and both together run as many seeds from there on.

mod comparison;
mod random;

use std::time::Duration;

use db::Engine;
use db::testing::engines;
use futures::StreamExt;
use lab::{ScenarioStep, ScenarioTimeline, run_scenario};
use server::Timing;

use crate::support::TestApp;
use comparison::{comparable_timeline, differences, revenue_minor};
use random::{RandomScenario, RandomSchedule};

/// Seeds of every test run. Together they have every step and every disturbance.
const SEEDS: [u64; 4] = [77, 122, 126, 387];

/// Scenarios that run at the same time. They mostly wait.
const CONCURRENT: usize = 4;

/// Short waits: the stand-ins fail on purpose here.
fn timing() -> Timing {
    Timing {
        outbox: outbox::DispatcherSettings {
            poll: Duration::from_millis(200),
            policy: outbox::RetryPolicy {
                base_ms: 100,
                cap_ms: 1_000,
                throttle_ms: 500,
                ..outbox::RetryPolicy::default()
            },
            ..outbox::DispatcherSettings::default()
        },
        inbox: backend::billing::inbox::InboxSettings {
            lease: Duration::from_secs(2),
            poll: Duration::from_millis(200),
            ..backend::billing::inbox::InboxSettings::default()
        },
        upload: Some(Duration::from_secs(1)),
        webhook_retries_ms: Some(vec![100, 300, 1_000, 3_000, 10_000]),
        ..Timing::default()
    }
}

/// The timeline of each user of a scenario, in an app of its own.
async fn run(steps: &[ScenarioStep], schedule: &RandomSchedule) -> Result<Vec<ScenarioTimeline>, String> {
    let engine = match schedule.engine {
        Engine::Postgres if engines().contains(&Engine::Postgres) => Engine::Postgres,
        _ => Engine::Sqlite,
    };
    let app = TestApp::timed(engine, timing()).await;
    let environment = app.lab.clone().unwrap();
    let timelines = run_scenario(&environment, steps, schedule).await;
    app.stop().await;
    timelines.map_err(|error| error.to_string())
}

/// The problems of timelines that should be those of the undisturbed run.
fn problems(disturbed: &[ScenarioTimeline], undisturbed: &[ScenarioTimeline]) -> Vec<String> {
    let mut problems = Vec::new();
    if disturbed.len() != undisturbed.len() {
        problems.push(format!(
            "{} users have a timeline; undisturbed: {}",
            disturbed.len(),
            undisturbed.len()
        ));
    }
    for (disturbed, undisturbed) in disturbed.iter().zip(undisturbed) {
        let of = |timeline: &ScenarioTimeline| comparable_timeline(&timeline.events, &timeline.properties);
        let differences = differences(&of(disturbed), &of(undisturbed));
        problems.extend(differences.into_iter().chain(own_problems(disturbed)));
    }
    problems
}

/// The problems of one timeline.
fn own_problems(timeline: &ScenarioTimeline) -> Vec<String> {
    let mut problems = Vec::new();
    if !timeline.verdict.clean {
        let verdict = &timeline.verdict;
        problems.push(format!("{}: {:#?}", verdict.summary(), verdict.rulings));
    }
    let (revenue, paid) = (revenue_minor(&timeline.events), timeline.paid_minor);
    if revenue != paid {
        problems.push(format!(
            "the events’ revenue is {revenue}, and Stripe’s invoices {paid}"
        ));
    }
    problems
}

/// Runs the scenario of a seed, undisturbed and disturbed, and returns the problems.
async fn run_seed(seed: u64) -> Vec<String> {
    let RandomScenario { steps, schedules } = RandomScenario::of_seed(seed);
    let no_disturbance = RandomSchedule::undisturbed();
    let (undisturbed, first, second) = tokio::join!(
        run(&steps, &no_disturbance),
        run(&steps, &schedules[0]),
        run(&steps, &schedules[1]),
    );
    let repeat = format!("SEAMLINE_SCENARIO_SEED={seed}, {steps:?}");
    let undisturbed = match undisturbed {
        Ok(timelines) => timelines,
        Err(error) => return vec![format!("{repeat}, undisturbed: {error}")],
    };
    let mut found: Vec<String> = undisturbed.iter().flat_map(own_problems).collect();
    for (result, schedule) in [first, second].into_iter().zip(&schedules) {
        let problems = match result {
            Ok(timelines) => problems(&timelines, &undisturbed),
            Err(error) => vec![error],
        };
        let problems = problems.into_iter();
        found.extend(problems.map(|problem| format!("{problem}\nunder {schedule:?}")));
    }
    let found = found.into_iter();
    found.map(|problem| format!("{repeat}: {problem}")).collect()
}

#[test]
fn the_seeds_of_every_run_have_each_step_and_each_kind_of_disturbance() {
    let shown = SEEDS
        .map(|seed| format!("{:?}", RandomScenario::of_seed(seed)))
        .concat();
    let missing: Vec<&str> = [
        "StartTrial(Month)",
        "StartTrial(Year)",
        "Subscribe",
        "AddCard",
        "PassTrialEnd",
        "PassPeriodEnd",
        "Cancel",
        "Resume",
        "SignOut",
        "SignIn",
        "SwitchBrowser(1)",
        "ShareLaptop",
        "ChangeToYearly",
        "VerifyEmail",
        "CreatePoll",
        "Vote",
        "\"hold\"",
        "\"reorder\"",
        "\"lose_answer\"",
        "\"fail\"",
        "WaitFor(EventsEnqueued)",
        "Number(429)",
        "Number(500)",
        "\"hang\"",
        "\"after_ingest\"",
        "KillWorkers",
        "Postgres",
    ]
    .into_iter()
    .filter(|word| !shown.contains(word))
    .collect();
    assert_eq!(missing, [""; 0]);
}

fn seeds() -> Vec<u64> {
    match (number("SEAMLINE_SCENARIO_SEED"), number("SEAMLINE_SCENARIOS")) {
        (None, None) => SEEDS.to_vec(),
        (first, count) => {
            let first = first.unwrap_or(1);
            (first..first + count.unwrap_or(1)).collect()
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_disturbed_scenario_has_the_same_timeline() {
    let problems: Vec<String> = futures::stream::iter(seeds())
        .map(run_seed)
        .buffer_unordered(CONCURRENT)
        .flat_map(futures::stream::iter)
        .collect()
        .await;
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}
