//! The disturbance lab, through its API: a life under every disturbance, each in an app of its own, and the verdict on each
//! story. The life is the one that the page runs.

mod metadata;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use app::lab::{Disturbance, Outcome};
use http::Method;
use serde_json::{Value, json};
use tracking::verdict::{Rule, RuleOutcome};

use crate::browser::{Answer, Browser};
use crate::support::TestApp;

/// A life under a disturbance takes less, or has failed by itself.
const PATIENCE: Duration = Duration::from_secs(200);

/// A program that asks for a run.
async fn start(program: &mut Browser, wanted: &str) -> Answer {
    let request = program.request(Method::POST, "/lab/runs");
    program.send(request.json(&json!({"run": wanted}))).await
}

/// All disturbances, as the API tells them.
async fn results(program: &mut Browser) -> Value {
    let request = program.request(Method::GET, "/lab/results");
    let answer = program.send(request).await;
    assert_eq!(answer.status, 200);
    answer.json()
}

fn bench<'a>(results: &'a Value, name: &str) -> &'a Value {
    let benches = results["disturbances"].as_array().unwrap();
    benches.iter().find(|bench| bench["name"] == name).unwrap()
}

/// What came of one, once nothing runs any more.
async fn outcome(program: &mut Browser, disturbance: Disturbance) -> Outcome {
    let began = Instant::now();
    loop {
        let results = results(program).await;
        if results["running"] == false {
            let last = bench(&results, disturbance.name())["last"].clone();
            return serde_json::from_value(last).unwrap();
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{}",
            bench(&results, disturbance.name())["stands"]
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Lives the life, and holds it to what the disturbance promises.
async fn lives(disturbance: Disturbance) {
    let app = TestApp::start().await;
    let mut program = app.browser();
    assert_eq!(start(&mut program, disturbance.name()).await.status, 202);
    let outcome = outcome(&mut program, disturbance).await;
    assert!(outcome.is_clean(), "{disturbance:?}: {outcome:#?}");

    let explained: BTreeSet<Rule> = outcome
        .stories
        .iter()
        .flat_map(|story| story.verdict.rules(RuleOutcome::Explained))
        .collect();
    let promised: BTreeSet<Rule> = disturbance.explains().iter().copied().collect();
    assert!(explained.is_superset(&promised), "{disturbance:?}: {outcome:#?}");
    let besides: Vec<&Rule> = explained.difference(&promised).collect();
    assert!(
        besides.iter().all(|rule| **rule == Rule::CausalOrder),
        "{disturbance:?}: {outcome:#?}"
    );
    let people = if disturbance == Disturbance::SharedLaptop {
        2
    } else {
        1
    };
    assert_eq!(outcome.stories.len(), people);

    // Whoever follows the link reads the same.
    for story in &outcome.stories {
        let judged = program
            .open(&format!("/timeline/verdict?find={}", story.user))
            .await
            .json();
        assert_eq!(judged["clean"], true);
        assert_eq!(judged["events"], story.verdict.events);
    }
    // And everything is as it was.
    let faults = app.collector.get("/local/faults").await;
    assert_eq!(faults["faults"], json!([]), "{disturbance:?}");
    app.stop().await;
}

/// A test for each, so that they run side by side.
macro_rules! lives {
    ($($name:ident: $disturbance:ident,)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                lives(Disturbance::$disturbance).await;
            }
        )*

        #[test]
        fn no_disturbance_is_left_out() {
            let tested = BTreeSet::from([$(Disturbance::$disturbance),*]);
            assert_eq!(tested, BTreeSet::from(Disturbance::ALL));
        }
    };
}

lives! {
    undisturbed: Nothing,
    webhooks_delayed: WebhooksDelayed,
    webhooks_duplicated: WebhooksDuplicated,
    webhooks_reordered: WebhooksReordered,
    answers_to_webhooks_lost: WebhookAnswersLost,
    webhook_before_the_redirect: WebhooksBeforeRedirect,
    webhook_after_the_redirect: WebhooksAfterRedirect,
    amplitude_answers_429: AmplitudeThrottles,
    amplitude_answers_500: AmplitudeFails,
    amplitude_hangs: AmplitudeHangs,
    sdk_blocked: SdkBlocked,
    clock_off_by_50_seconds: ClockOffBySeconds,
    clock_off_by_5_minutes: ClockOffByMinutes,
    workers_restarted: WorkersRestarted,
    second_browser: SecondBrowser,
    shared_laptop: SharedLaptop,
}

#[tokio::test]
async fn one_run_at_a_time_and_the_switches_are_put_back_when_it_is_cut_off() {
    let app = TestApp::start().await;
    // Somebody has set a switch of their own.
    let own = json!([{"answer": 503, "share": 0.0}]);
    app.collector.break_with(own.clone()).await;
    let mut program = app.browser();
    assert_eq!(start(&mut program, "earthquake").await.status, 404);
    let started = start(&mut program, Disturbance::AmplitudeHangs.name()).await;
    assert_eq!(started.status, 202);
    assert_eq!(started.json()["running"], true);
    assert_eq!(start(&mut program, "all").await.status, 409);
    let form = program.submit("/lab", &[("run", "all")]).await;
    assert_eq!(form.redirect(), (303, "/lab?said=busy"));
    let page = program.open("/lab?said=busy").await.text();
    assert!(page.contains("a run is under way"), "{page}");

    let began = Instant::now();
    while app.collector.get("/local/faults").await["faults"] == own {
        assert!(began.elapsed() < PATIENCE, "the lab has turned its switch");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The server is asked to stop in the middle of it.
    let (collector, ..) = app.stop().await;
    let left = collector.get("/local/faults").await["faults"].clone();
    assert_eq!(left, own, "as they were");
}

#[tokio::test]
async fn the_page_works_without_script_and_the_feed_tells_the_board() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let page = browser.open("/lab").await;
    assert_eq!(page.status, 200);
    for disturbance in Disturbance::ALL {
        assert!(page.text().contains(disturbance.title()), "{disturbance:?}");
    }
    let again = r#"<noscript><a href="/lab">Look again</a></noscript>"#;
    assert!(page.text().contains(again), "{}", page.text());
    let form = browser
        .submit("/lab", &[("run", Disturbance::SdkBlocked.name())])
        .await;
    assert_eq!(form.redirect(), (303, "/lab?said=started"));
    let outcome = outcome(&mut browser, Disturbance::SdkBlocked).await;
    let page = browser.open("/lab").await.text();
    assert!(page.contains("The verdict is clean."), "{page}");
    assert!(
        page.contains(&format!("/timeline?find={}", outcome.stories[0].user)),
        "{page}"
    );
    assert!(page.contains("The SDK never ran in session"), "explained: {page}");

    let request = browser.request(Method::GET, "/lab/live");
    let mut feed = request.send().await.unwrap();
    let first = feed.chunk().await.unwrap().unwrap();
    assert_eq!(std::str::from_utf8(&first).unwrap(), "data: changed\n\n");
    let unknown = browser.submit("/lab", &[("run", "\0")]).await;
    assert_eq!(unknown.redirect(), (303, "/lab?said=unknown"));
    app.stop().await;
}
