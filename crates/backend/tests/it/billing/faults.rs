//! Stripe out of reach, servers that die, servers that come too late.

use std::sync::Arc;

use backend::billing::BillingError;
use backend::billing::inbox::{Settings, Worker};
use db::testing::engines;
use tracking::Interval::Month;

use super::line::Line;
use super::stage::{SECOND, Stage, billing_at, click};
use crate::support::MINUTE;

const BUSY: &str = r#"{"error":{"type":"invalid_request_error","code":"rate_limit","message":"Too many"}}"#;
const BROKEN: &str = r#"{"error":{"type":"api_error","message":"An unknown error occurred"}}"#;

#[tokio::test]
async fn what_passes_is_tried_again() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let line = Line::to(&stage.stripe.url).await;
        let worker = Worker::new(billing_at(&stage.store, &line.url), Settings::default());
        // Nobody listens there.
        let nowhere = Worker::new(
            billing_at(&stage.store, "http://127.0.0.1:9"),
            Settings::default(),
        );
        let ada = stage.person("ada@example.com").await;
        let page = stage.start(&ada, Month).await;
        stage.stripe.complete_checkout(&page, None).await;
        let news = stage.news().await;
        let began = news
            .iter()
            .find(|webhook| webhook["type"] == "customer.subscription.created");
        stage.receive(began.unwrap()).await.unwrap();

        let worked = nowhere.drain().await.unwrap();
        assert_eq!((worked.applied, worked.retried), (0, 1), "{engine:?}");
        let faults = [
            ("/v1/subscriptions/", 429, BUSY),
            ("/v1/invoices", 500, BROKEN),
            ("/v1/customers/", 502, "<html>Bad Gateway</html>"),
            ("/v1/subscriptions", 503, ""),
            ("/v1/customers/", 409, BROKEN),
            ("/v1/invoices", 200, r#"{"object":"list","data":[{"#),
        ];
        for (path, status, body) in faults {
            assert_eq!(
                worker.drain().await.unwrap().applied,
                0,
                "{engine:?}: not before its time"
            );
            stage.pass(5 * MINUTE);
            line.answer(path, status, body);
            let worked = worker.drain().await.unwrap();
            assert_eq!(
                (worked.applied, worked.retried, worked.parked),
                (0, 1, 0),
                "{engine:?} {path} {status}"
            );
        }
        let row = &stage.billing.inbox(None, 1).await.unwrap()[0];
        assert_eq!(row.attempts, 7, "{engine:?}: more than what is final is tried");
        assert!(row.last_error.is_some(), "{engine:?}");
        assert_eq!(stage.names(&ada).await, [""; 0], "{engine:?}");
        stage.pass(5 * MINUTE);
        assert_eq!(worker.drain().await.unwrap().applied, 1, "{engine:?}");
        assert_eq!(stage.names(&ada).await, ["Trial started"], "{engine:?}");
    }
}

#[tokio::test]
async fn a_click_while_stripe_is_away_is_not_lost() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let line = Line::to(&stage.stripe.url).await;
        let shaky = billing_at(&stage.store, &line.url);
        let ada = stage.person("ada@example.com").await;
        stage.trial(&ada).await;
        let (visitor, click) = (stage.visitor(&ada), click());
        line.answer("/v1/subscriptions/", 503, "");
        let failed = shaky.cancel(&ada.user, click, &visitor).await;
        assert!(
            matches!(&failed, Err(BillingError::Stripe(fault)) if fault.is_passing()),
            "{engine:?}: {failed:?}"
        );
        // Much later the same form is sent again: it says what it said.
        stage.pass(10 * MINUTE);
        let later = stage.visitor(&ada);
        shaky.cancel(&ada.user, click, &later).await.unwrap();
        stage.deliver().await;
        let event = stage.last(&ada).await;
        assert_eq!(event["event_type"], "Trial canceled", "{engine:?}");
        assert_eq!(
            event["session_id"],
            super::stage::session_of(&visitor),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn whoever_comes_too_late_writes_nothing() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let line = Line::to(&stage.stripe.url).await;
        let ada = stage.person("ada@example.com").await;
        let subscription = stage.trial(&ada).await;
        let slow = Worker::new(billing_at(&stage.store, &line.url), Settings::default());

        let (cancel, resume) = (click(), click());
        let visitor = stage.visitor(&ada);
        stage.billing.cancel(&ada.user, cancel, &visitor).await.unwrap();
        let canceled = stage.news().await;
        stage.receive(&canceled[0]).await.unwrap();
        line.hold("/v1/subscriptions/");
        let slow = tokio::spawn(async move { slow.drain().await });
        line.is_holding().await;
        // What it was told is that the trial is to end. Before it can say so, its lease runs out.
        assert_eq!(
            stage.worker.drain().await.unwrap().applied,
            0,
            "{engine:?}: the lane is taken"
        );
        stage.pass(121 * SECOND);
        assert_eq!(stage.worker.drain().await.unwrap().applied, 1, "{engine:?}");
        stage.billing.resume(&ada.user, resume, &visitor).await.unwrap();
        stage.deliver().await;
        let before = stage.overview(&ada).await;
        line.release();
        let late = slow.await.unwrap().unwrap();
        assert_eq!((late.applied, late.events), (0, 0), "{engine:?}");
        let after = stage.overview(&ada).await;
        assert_eq!(after, before, "{engine:?}: {subscription}");
        assert_eq!(after.standing.unwrap().cancel_at, None, "{engine:?}");
        assert_eq!(
            stage.names(&ada).await,
            ["Trial started", "Trial canceled", "Trial resumed"],
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn a_worker_that_dies_is_replaced() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let line = Line::to(&stage.stripe.url).await;
        let ada = stage.person("ada@example.com").await;
        let page = stage.start(&ada, Month).await;
        stage.stripe.complete_checkout(&page, None).await;
        for webhook in stage.news().await {
            stage.receive(&webhook).await.unwrap();
        }
        for path in ["/v1/customers/", "/v1/invoices", "/v1/subscriptions"] {
            line.hold(path);
            let dying = Worker::new(billing_at(&stage.store, &line.url), Settings::default());
            let dying = tokio::spawn(async move { dying.drain().await });
            line.is_holding().await;
            dying.abort();
            assert!(dying.await.unwrap_err().is_cancelled(), "{engine:?}");
            assert_eq!(
                stage.worker.drain().await.unwrap().applied,
                0,
                "{engine:?} {path}: its lease holds"
            );
            stage.pass(121 * SECOND);
        }
        stage.worker.drain().await.unwrap();
        assert_eq!(stage.names(&ada).await, ["Trial started"], "{engine:?}");
        let counts = stage.billing.inbox_counts().await.unwrap();
        assert_eq!((counts.pending, counts.parked), (0, 0), "{engine:?}");
        assert_eq!(
            stage
                .store
                .number("SELECT COUNT(*) FROM stripe_lanes WHERE lease_owner IS NOT NULL")
                .await,
            0,
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn many_workers_make_each_event_once() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let mut people = Vec::new();
        for name in ["ada", "bob", "cleo"] {
            let person = stage.person(&format!("{name}@example.com")).await;
            let page = stage.start(&person, Month).await;
            stage.stripe.complete_checkout(&page, None).await;
            people.push(person);
        }
        let news = Arc::new(stage.news().await);
        let billing = &stage.billing;
        let door = async {
            for webhook in news.iter() {
                stage.receive(webhook).await.unwrap();
            }
        };
        let work = async |worker: Worker| {
            for _ in 0..20 {
                worker.drain().await.unwrap();
            }
        };
        let worker = || Worker::new(billing.clone(), Settings::default());
        tokio::join!(
            door,
            work(worker()),
            work(worker()),
            work(worker()),
            work(worker())
        );
        worker().drain().await.unwrap();
        for person in &people {
            assert_eq!(stage.names(person).await, ["Trial started"], "{engine:?}");
            assert_eq!(stage.account_type(person).await, "pro", "{engine:?}");
        }
    }
}
