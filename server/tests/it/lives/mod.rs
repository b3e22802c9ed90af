//! A property of the whole: for random lives and random disturbances a person's timeline is the same as in peace.
//!
//! A life is walked by three people, each in an app of their own: in peace, and disturbed in two ways, with several switches
//! at once. What is compared, and what is not, stands in `told`. Besides, every verdict is clean, and the revenue of each
//! story is what Stripe has taken.
//!
//! A seed is a life. Without more said, the same few are walked each time; `SEAMLINE_LIVES=200` walks those of the seeds 1 to
//! 200, `SEAMLINE_LIVES_SEED=7` that of seed 7, and both together so many from there on.

mod draw;
mod told;

use std::time::Duration;

use db::Engine;
use db::testing::engines;
use futures::StreamExt;
use server::Timing;
use server::lab::{Lived, Step};

use crate::support::TestApp;
use draw::{Disturbed, Drawn};
use told::{differences, revenue, story};

/// Lives that every run of the tests walks: together they meet every step and every switch.
const SEEDS: [u64; 4] = [77, 122, 126, 387];

/// Lives that are walked at the same time: mostly they wait.
const AT_ONCE: usize = 4;

/// Others fail on purpose here: nobody waits for them as long as for real ones.
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
    }
}

/// Each person's story of a life, from an app of their own.
async fn walked(life: &[Step], disturbed: &Disturbed) -> Result<Vec<Lived>, String> {
    let engine = match disturbed.engine {
        Engine::Postgres if engines().contains(&Engine::Postgres) => Engine::Postgres,
        _ => Engine::Sqlite,
    };
    let app = TestApp::timed(engine, timing()).await;
    let stage = app.stage.clone().unwrap();
    let lived = stage.live(life, disturbed).await;
    app.stop().await;
    lived.map_err(|trouble| trouble.to_string())
}

/// What is wrong with stories that should be those of peace.
fn faults(lived: &[Lived], in_peace: &[Lived]) -> Vec<String> {
    let mut faults = Vec::new();
    if lived.len() != in_peace.len() {
        faults.push(format!(
            "{} people have a story, and in peace {}",
            lived.len(),
            in_peace.len()
        ));
    }
    for (lived, in_peace) in lived.iter().zip(in_peace) {
        let told = |lived: &Lived| story(&lived.events, &lived.properties);
        let told = differences(&told(lived), &told(in_peace));
        faults.extend(told.into_iter().chain(unsound(lived)));
    }
    faults
}

/// What is wrong with a story by itself.
fn unsound(lived: &Lived) -> Vec<String> {
    let mut faults = Vec::new();
    if !lived.verdict.clean {
        faults.push(format!(
            "{}: {:#?}",
            lived.verdict.summary(),
            lived.verdict.rulings
        ));
    }
    let revenue = revenue(&lived.events);
    if revenue != lived.ledger {
        faults.push(format!("revenue is {revenue}, and Stripe has {}", lived.ledger));
    }
    faults
}

/// Walks the life of a seed, in peace and disturbed, and tells what is wrong.
async fn walk(seed: u64) -> Vec<String> {
    let Drawn { life, disturbed } = Drawn::of(seed);
    let peace = Disturbed::peace();
    let (in_peace, first, second) = tokio::join!(
        walked(&life, &peace),
        walked(&life, &disturbed[0]),
        walked(&life, &disturbed[1]),
    );
    let again = format!("SEAMLINE_LIVES_SEED={seed}, {life:?}");
    let in_peace = match in_peace {
        Ok(in_peace) => in_peace,
        Err(trouble) => return vec![format!("{again}, in peace: {trouble}")],
    };
    let mut found: Vec<String> = in_peace.iter().flat_map(unsound).collect();
    for (walked, disturbed) in [first, second].into_iter().zip(&disturbed) {
        let faults = match walked {
            Ok(lived) => faults(&lived, &in_peace),
            Err(trouble) => vec![trouble],
        };
        found.extend(
            faults
                .into_iter()
                .map(|fault| format!("{fault}\nunder {disturbed:?}")),
        );
    }
    found
        .into_iter()
        .map(|fault| format!("{again}: {fault}"))
        .collect()
}

#[test]
fn the_lives_of_every_run_meet_each_kind_of_disturbance() {
    let shown = SEEDS.map(|seed| format!("{:?}", Drawn::of(seed))).concat();
    let missing: Vec<&str> = [
        "StartTrial(Month)",
        "StartTrial(Year)",
        "Subscribe",
        "GiveCard",
        "JumpTrialEnd",
        "JumpRenewal",
        "Cancel",
        "Resume",
        "SignOut",
        "SignIn",
        "Use(1)",
        "Lend",
        "Yearly",
        "ConfirmEmail",
        "MakePoll",
        "Vote",
        "\"hold\"",
        "\"reorder\"",
        "\"lose_answer\"",
        "\"fail\"",
        "Await(Told)",
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

/// Which lives are walked.
fn seeds() -> Vec<u64> {
    match (number("SEAMLINE_LIVES_SEED"), number("SEAMLINE_LIVES")) {
        (None, None) => SEEDS.to_vec(),
        (first, lives) => {
            let first = first.unwrap_or(1);
            (first..first + lives.unwrap_or(1)).collect()
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_disturbed_life_tells_the_same_story() {
    let faults: Vec<String> = futures::stream::iter(seeds())
        .map(walk)
        .buffer_unordered(AT_ONCE)
        .flat_map(futures::stream::iter)
        .collect()
        .await;
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}
