//! A background task that panics is restarted and reported.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use backend::operations::TaskPolicy;
use db::Engine;
use outbox::DispatcherSettings;
use server::Timing;

use crate::support::{TestApp, until};

/// The dispatcher asks for a random number after each batch.
fn dispatcher_that_panics(jitter: fn() -> f64, tasks: TaskPolicy) -> Timing {
    Timing {
        outbox: DispatcherSettings {
            jitter,
            ..DispatcherSettings::default()
        },
        tasks,
        ..Timing::default()
    }
}

#[tokio::test]
async fn a_dispatcher_that_panicked_is_restarted_and_delivers() {
    static BATCHES: AtomicUsize = AtomicUsize::new(0);
    let jitter = || match BATCHES.fetch_add(1, Ordering::SeqCst) {
        0 => panic!("expected in this test"),
        _ => 0.5,
    };
    let app = TestApp::timed(
        Engine::Sqlite,
        dispatcher_that_panics(jitter, TaskPolicy::default()),
    )
    .await;
    let (mut ada, mut bob) = (app.browser(), app.browser());
    assert_eq!(ada.open("/readyz").await.json()["tasks"]["dispatcher"], "running");
    ada.sign_up("ada@example.com").await;
    until("the crash is reported", async || {
        let ready = ada.open("/readyz").await;
        assert_eq!(
            ready.status, 200,
            "a restart is no reason to take the server out of service"
        );
        (ready.json()["tasks"]["dispatcher"] == "restarting").then_some(())
    })
    .await;
    bob.sign_up("bob@example.com").await;
    let user = app.user("bob@example.com").await;
    until("bob's event is sent", async || {
        let sent = format!("outbox WHERE lane = '{user}' AND state = 'sent'");
        (app.count(&sent).await == 1).then_some(())
    })
    .await;
    let page = bob.open("/operations").await.text();
    for text in [
        "Background tasks of this server",
        "Degraded",
        "Restarting",
        "1 crash",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_task_that_keeps_panicking_makes_the_server_unready() {
    let tasks = TaskPolicy {
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(1),
        recovered_after: Duration::from_secs(3_600),
        failed_after: Duration::ZERO,
    };
    let app = TestApp::timed(
        Engine::Sqlite,
        dispatcher_that_panics(|| panic!("expected in this test"), tasks),
    )
    .await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let ready = until("the failure is reported", async || {
        let ready = browser.open("/readyz").await;
        (ready.status == 503).then(|| ready.json())
    })
    .await;
    assert_eq!(ready["tasks"]["dispatcher"], "failed", "{ready}");
    assert_eq!(ready["database"], true, "{ready}");
    for task in [
        "webhooks-1",
        "webhooks-8",
        "mail",
        "account-deletions",
        "poll-closing",
        "retention",
    ] {
        assert_eq!(ready["tasks"][task], "running", "{task}: {ready}");
    }
    let page = browser.open("/operations").await.text();
    assert!(
        page.contains("data-task=\"dispatcher\" data-state=\"failed\""),
        "{page}"
    );
    app.stop().await;
}
