//! The disturbance lab through its API: the page's scenario under each disturbance, each in an app of its own, and the
//! verdict on each timeline.

mod metadata;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use app::lab::{Disturbance, Outcome};
use http::Method;
use serde_json::{Value, json};
use tracking::verdict::{Rule, RuleOutcome};

use crate::browser::{Answer, Browser};
use crate::support::TestApp;

/// Above the lab's own limit for one scenario.
const WAIT_LIMIT: Duration = Duration::from_secs(200);

async fn start(program: &mut Browser, run: &str) -> Answer {
    let request = program.request(Method::POST, "/lab/runs");
    program.send(request.json(&json!({"run": run}))).await
}

/// All disturbances, as the API shows them.
async fn results(program: &mut Browser) -> Value {
    let request = program.request(Method::GET, "/lab/results");
    let answer = program.send(request).await;
    assert_eq!(answer.status, 200);
    answer.json()
}

fn report<'a>(results: &'a Value, name: &str) -> &'a Value {
    let reports = results["disturbances"].as_array().unwrap();
    reports.iter().find(|report| report["name"] == name).unwrap()
}

/// The result of a disturbance, once no run is under way.
async fn outcome(program: &mut Browser, disturbance: Disturbance) -> Outcome {
    let started = Instant::now();
    loop {
        let results = results(program).await;
        if results["running"] == false {
            let last = report(&results, disturbance.name())["last"].clone();
            return serde_json::from_value(last).unwrap();
        }
        assert!(
            started.elapsed() < WAIT_LIMIT,
            "{}",
            report(&results, disturbance.name())["stands"]
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Runs the scenario, and compares the result with what the disturbance's texts promise.
async fn check(disturbance: Disturbance) {
    let app = TestApp::start().await;
    let mut program = app.browser();
    assert_eq!(start(&mut program, disturbance.name()).await.status, 202);
    let outcome = outcome(&mut program, disturbance).await;
    assert!(outcome.is_clean(), "{disturbance:?}: {outcome:#?}");

    let explained: BTreeSet<Rule> = outcome
        .users
        .iter()
        .flat_map(|user| user.verdict.rules(RuleOutcome::Explained))
        .collect();
    let promised: BTreeSet<Rule> = disturbance.explains().iter().copied().collect();
    assert!(explained.is_superset(&promised), "{disturbance:?}: {outcome:#?}");
    let additional: Vec<&Rule> = explained.difference(&promised).collect();
    let is_clock_off = matches!(
        disturbance,
        Disturbance::ClockOffBySeconds | Disturbance::ClockOffByMinutes
    );
    // Case 25: without a wrong clock no event comes before its cause.
    assert!(
        additional
            .iter()
            .all(|rule| is_clock_off && **rule == Rule::CausalOrder),
        "{disturbance:?}: {outcome:#?}"
    );
    let users = if disturbance == Disturbance::SharedLaptop {
        2
    } else {
        1
    };
    assert_eq!(outcome.users.len(), users);

    // The timeline's own page has the same verdict.
    for user in &outcome.users {
        let verdict = program
            .open(&format!("/timeline/verdict?find={}", user.user))
            .await
            .json();
        assert_eq!(verdict["clean"], true);
        assert_eq!(verdict["events"], user.verdict.events);
    }
    let faults = app.collector.get("/local/faults").await;
    assert_eq!(
        faults["faults"],
        json!([]),
        "{disturbance:?}: the faults are restored"
    );
    app.stop().await;
}

/// A test for each disturbance, so that they run at the same time.
macro_rules! disturbances {
    ($($name:ident: $disturbance:ident,)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                check(Disturbance::$disturbance).await;
            }
        )*

        #[test]
        fn every_disturbance_has_a_test() {
            let tested = BTreeSet::from([$(Disturbance::$disturbance),*]);
            assert_eq!(tested, BTreeSet::from(Disturbance::ALL));
        }
    };
}

disturbances! {
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
    campaign_blocked: CampaignBlocked,
    clock_off_by_50_seconds: ClockOffBySeconds,
    clock_off_by_5_minutes: ClockOffByMinutes,
    workers_restarted: WorkersRestarted,
    second_browser: SecondBrowser,
    shared_laptop: SharedLaptop,
}

#[tokio::test]
async fn one_run_at_a_time_and_a_stopped_server_restores_the_switches() {
    let app = TestApp::start().await;
    // A fault that was set before the run.
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
        assert!(began.elapsed() < WAIT_LIMIT, "the lab has set its own fault");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (collector, ..) = app.stop().await;
    let restored = collector.get("/local/faults").await["faults"].clone();
    assert_eq!(restored, own);
}

#[tokio::test]
async fn the_page_works_without_script_and_its_feed_reports_changes() {
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
        page.contains(&format!("/timeline?find={}", outcome.users[0].user)),
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
