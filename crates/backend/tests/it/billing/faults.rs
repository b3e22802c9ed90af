//! Stripe outages, crashed workers, and expired leases.

use std::sync::Arc;

use backend::billing::BillingError;
use backend::billing::inbox::{InboxSettings, Worker};
use db::testing::engines;
use tracking::PlanInterval::Month;

use super::environment::{Environment, SECOND, billing_at, click};
use super::fault_proxy::FaultProxy;
use crate::support::MINUTE;

const BUSY: &str = r#"{"error":{"type":"invalid_request_error","code":"rate_limit","message":"Too many"}}"#;
const BROKEN: &str = r#"{"error":{"type":"api_error","message":"An unknown error occurred"}}"#;

#[tokio::test]
async fn transient_errors_are_retried() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let proxy = FaultProxy::to(&env.stripe.url).await;
        let worker = Worker::new(billing_at(&env.store, &proxy.url), InboxSettings::default());
        // No server listens on this port.
        let nowhere = Worker::new(
            billing_at(&env.store, "http://127.0.0.1:9"),
            InboxSettings::default(),
        );
        let ada = env.person("ada@example.com").await;
        let page = env.start(&ada, Month).await;
        env.stripe.complete_checkout(&page, None).await;
        let webhooks = env.new_webhooks().await;
        let began = webhooks
            .iter()
            .find(|webhook| webhook["type"] == "customer.subscription.created");
        env.receive(began.unwrap()).await.unwrap();

        let worked = nowhere.drain().await.unwrap();
        assert_eq!((worked.applied, worked.retried), (0, 1), "{engine:?}");
        let faults = [
            ("/v1/subscriptions", 429, BUSY),
            ("/v1/invoices", 500, BROKEN),
            ("/v1/invoices", 502, "<html>Bad Gateway</html>"),
            ("/v1/subscriptions", 503, ""),
            ("/v1/subscriptions", 409, BROKEN),
            ("/v1/invoices", 200, r#"{"object":"list","data":[{"#),
        ];
        for (path, status, body) in faults {
            assert_eq!(
                worker.drain().await.unwrap().applied,
                0,
                "{engine:?}: not before its time"
            );
            env.advance(5 * MINUTE);
            proxy.respond(path, status, body);
            let worked = worker.drain().await.unwrap();
            assert_eq!(
                (worked.applied, worked.retried, worked.parked),
                (0, 1, 0),
                "{engine:?} {path} {status}"
            );
        }
        let row = &env.billing.inbox(None, 1).await.unwrap()[0];
        assert_eq!(row.attempts, 7, "{engine:?}: more than for permanent errors");
        assert!(row.last_error.is_some(), "{engine:?}");
        assert_eq!(env.names(&ada).await, [""; 0], "{engine:?}");
        env.advance(5 * MINUTE);
        assert_eq!(worker.drain().await.unwrap().applied, 1, "{engine:?}");
        assert_eq!(env.names(&ada).await, ["Trial started"], "{engine:?}");
    }
}

#[tokio::test]
async fn a_click_during_an_outage_can_be_repeated() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let proxy = FaultProxy::to(&env.stripe.url).await;
        let shaky = billing_at(&env.store, &proxy.url);
        let ada = env.person("ada@example.com").await;
        env.trial(&ada).await;
        let (visitor, click) = (env.visitor(&ada), click());
        proxy.respond("/v1/subscriptions/", 503, "");
        let failed = shaky.cancel(&ada.user, click, &visitor).await;
        assert!(
            matches!(&failed, Err(BillingError::Stripe(fault)) if fault.is_transient()),
            "{engine:?}: {failed:?}"
        );
        // The same form is sent again later. Its first record counts.
        env.advance(10 * MINUTE);
        let later = env.visitor(&ada);
        shaky.cancel(&ada.user, click, &later).await.unwrap();
        env.deliver().await;
        let event = env.last(&ada).await;
        assert_eq!(event["event_type"], "Trial canceled", "{engine:?}");
        assert_eq!(
            event["session_id"],
            super::environment::session_of(&visitor),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn a_worker_with_an_expired_lease_writes_nothing() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let proxy = FaultProxy::to(&env.stripe.url).await;
        let ada = env.person("ada@example.com").await;
        let subscription = env.trial(&ada).await;
        let slow = Worker::new(billing_at(&env.store, &proxy.url), InboxSettings::default());

        let (cancel, resume) = (click(), click());
        let visitor = env.visitor(&ada);
        env.billing.cancel(&ada.user, cancel, &visitor).await.unwrap();
        let canceled = env.new_webhooks().await;
        env.receive(&canceled[0]).await.unwrap();
        proxy.delay("/v1/subscriptions");
        let slow = tokio::spawn(async move { slow.drain().await });
        proxy.wait_until_delayed().await;
        // The worker has fetched a scheduled end. Its lease expires before it can commit.
        assert_eq!(
            env.worker.drain().await.unwrap().applied,
            0,
            "{engine:?}: the lane is taken"
        );
        env.advance(121 * SECOND);
        assert_eq!(env.worker.drain().await.unwrap().applied, 1, "{engine:?}");
        env.billing.resume(&ada.user, resume, &visitor).await.unwrap();
        env.deliver().await;
        let before = env.overview(&ada).await;
        proxy.release();
        let late = slow.await.unwrap().unwrap();
        assert_eq!((late.applied, late.events), (0, 0), "{engine:?}");
        let after = env.overview(&ada).await;
        assert_eq!(after, before, "{engine:?}: {subscription}");
        assert_eq!(after.subscription.unwrap().cancel_at_secs, None, "{engine:?}");
        assert_eq!(
            env.names(&ada).await,
            ["Trial started", "Trial canceled", "Trial resumed"],
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn a_crashed_worker_is_replaced() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let proxy = FaultProxy::to(&env.stripe.url).await;
        let ada = env.person("ada@example.com").await;
        let page = env.start(&ada, Month).await;
        env.stripe.complete_checkout(&page, None).await;
        for webhook in env.new_webhooks().await {
            env.receive(&webhook).await.unwrap();
        }
        for path in ["/v1/invoices", "/v1/subscriptions"] {
            proxy.delay(path);
            let dying = Worker::new(billing_at(&env.store, &proxy.url), InboxSettings::default());
            let dying = tokio::spawn(async move { dying.drain().await });
            proxy.wait_until_delayed().await;
            dying.abort();
            assert!(dying.await.unwrap_err().is_cancelled(), "{engine:?}");
            assert_eq!(
                env.worker.drain().await.unwrap().applied,
                0,
                "{engine:?} {path}: its lease holds"
            );
            env.advance(121 * SECOND);
        }
        env.worker.drain().await.unwrap();
        assert_eq!(env.names(&ada).await, ["Trial started"], "{engine:?}");
        let counts = env.billing.inbox_counts().await.unwrap();
        assert_eq!((counts.pending, counts.parked), (0, 0), "{engine:?}");
        assert_eq!(
            env.store
                .number("SELECT COUNT(*) FROM stripe_inbox_lanes WHERE lease_owner IS NOT NULL")
                .await,
            0,
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn concurrent_workers_enqueue_each_event_once() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let mut people = Vec::new();
        for name in ["ada", "bob", "cleo"] {
            let person = env.person(&format!("{name}@example.com")).await;
            let page = env.start(&person, Month).await;
            env.stripe.complete_checkout(&page, None).await;
            people.push(person);
        }
        let webhooks = Arc::new(env.new_webhooks().await);
        let billing = &env.billing;
        let receiving = async {
            for webhook in webhooks.iter() {
                env.receive(webhook).await.unwrap();
            }
        };
        let work = async |worker: Worker| {
            for _ in 0..20 {
                worker.drain().await.unwrap();
            }
        };
        let worker = || Worker::new(billing.clone(), InboxSettings::default());
        tokio::join!(
            receiving,
            work(worker()),
            work(worker()),
            work(worker()),
            work(worker())
        );
        worker().drain().await.unwrap();
        for person in &people {
            assert_eq!(env.names(person).await, ["Trial started"], "{engine:?}");
            assert_eq!(env.account_type(person).await, "pro", "{engine:?}");
        }
    }
}
