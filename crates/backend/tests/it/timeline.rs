//! The facts to check a user's events against.

use backend::Visitor;
use backend::config::Config;
use backend::loss::LossMeter;
use backend::timeline::Timeline;
use db::testing::engines;
use tracking::verdict::{
    ConsentChange, DisputeRecord, EndedSubscription, HandoffKind, NotedHandoff, PaymentRecord, RefundRecord,
    SdkSession, TimelineFacts, UndeliveredEvent,
};
use tracking::{Choice, Consent, Currency, Money, SessionId, UserId};

use crate::support::{MINUTE, NOW, Store, device, sign_up, visitor};

fn timeline(store: &Store) -> Timeline {
    // Another test of this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config::read(|_| None).unwrap();
    Timeline::new(&config.amplitude, store.test.db.clone(), store.clock.clone()).unwrap()
}

/// Inserts a user's billing rows.
async fn insert_billing_rows(store: &Store, user: UserId, name: &str) {
    let device = device();
    for sql in [
        format!(
            "INSERT INTO stripe_customers (id, user_id, created_at) VALUES ('cus_{name}', '{user}', {NOW})"
        ),
        format!(
            "INSERT INTO handoffs (click, user_id, action, device_id, session_id, consented, created_at)
             VALUES ('click-{name}', '{user}', 'checkout', '{device}', {}, 1, {NOW}),
                    ('refused-{name}', '{user}', 'cancel', NULL, NULL, 0, {NOW})",
            NOW - MINUTE
        ),
        format!(
            "INSERT INTO portal_visits (id, user_id, device_id, session_id, created_at)
             VALUES ('visit-{name}', '{user}', NULL, NULL, {})",
            NOW + 1
        ),
        format!(
            "INSERT INTO paid_invoices (id, customer_id, subscription_id, currency, amount_paid, paid_at)
             VALUES ('in_{name}', 'cus_{name}', 'sub_{name}', 'jpy', 500, 1795000000)"
        ),
        format!(
            "INSERT INTO subscriptions (id, customer_id, status, object, fetched_at)
             VALUES ('sub_{name}', 'cus_{name}', 'canceled', '{{\"id\": \"sub_{name}\", \"ended_at\": 1795000100}}', {NOW}),
                    ('sub_{name}_2', 'cus_{name}', 'active', '{{\"id\": \"sub_{name}_2\", \"ended_at\": null}}', {NOW})"
        ),
        format!(
            "INSERT INTO refunds (id, customer_id, invoice_id, currency, amount, status)
             VALUES ('re_{name}', 'cus_{name}', 'in_{name}', 'jpy', 200, 'succeeded'),
                    ('re_{name}_failed', 'cus_{name}', 'in_{name}', 'jpy', 100, 'failed')"
        ),
        format!(
            "INSERT INTO disputes (id, customer_id, invoice_id, currency, amount, status)
             VALUES ('du_{name}', 'cus_{name}', 'in_{name}', 'jpy', 50, 'lost'),
                    ('du_{name}_won', 'cus_{name}', 'in_{name}', 'jpy', 60, 'other')"
        ),
    ] {
        store.execute(&sql).await;
    }
}

#[tokio::test]
async fn facts_belong_to_one_user() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let timeline = timeline(&store);
        let ada = store.sign_up("ada@example.com").await.user.id;
        let bob = store.sign_up("bob@example.com").await.user.id;
        insert_billing_rows(&store, ada, "ada").await;
        insert_billing_rows(&store, bob, "bob").await;
        let (device, session) = (device(), SessionId::starting_at(NOW - MINUTE));
        // Twice in this process and once in another.
        let meter = || LossMeter::new(store.test.db.clone(), store.clock.clone());
        let (counts, others) = (meter(), meter());
        for counts in [&counts, &counts, &others] {
            counts.record_sdk_session(ada, &device, session);
        }
        others.flush().await.unwrap();
        let timeline = timeline.with_counts(counts);
        let yen = |minor| Money::new(minor, Currency::parse("jpy").unwrap());
        let expected = TimelineFacts {
            first_touch: None,
            handoffs: vec![
                NotedHandoff {
                    kind: HandoffKind::Portal,
                    id: "visit-ada".into(),
                    account: ada,
                    device: None,
                    session: None,
                    at_ms: NOW + 1,
                    has_context: false,
                },
                NotedHandoff {
                    kind: HandoffKind::Checkout,
                    id: "click-ada".into(),
                    account: ada,
                    device: Some(device.clone()),
                    session: Some(session),
                    at_ms: NOW,
                    has_context: false,
                },
            ],
            payments: vec![PaymentRecord {
                invoice: "in_ada".into(),
                account: ada,
                amount: yen(500),
                paid_at_ms: NOW,
            }],
            refunds: vec![
                RefundRecord {
                    refund: "re_ada".into(),
                    account: ada,
                    amount: yen(200),
                    succeeded: true,
                },
                RefundRecord {
                    refund: "re_ada_failed".into(),
                    account: ada,
                    amount: yen(100),
                    succeeded: false,
                },
            ],
            disputes: vec![DisputeRecord {
                dispute: "du_ada".into(),
                account: ada,
                amount: yen(50),
            }],
            consent: vec![],
            sdk_sessions: vec![SdkSession { device, session }],
            undelivered: vec![UndeliveredEvent {
                insert_id: format!("sign-up:{ada}"),
                entry: None,
                parked: None,
            }],
            ended_subscriptions: vec![EndedSubscription {
                subscription: "sub_ada".into(),
                ended_at_ms: 1_795_000_100_000,
            }],
            read_from_ms: None,
        };
        assert_eq!(timeline.facts(ada).await.unwrap(), expected, "{engine:?}");
    }
}

#[tokio::test]
async fn consent_changes_have_their_times() {
    use {Choice as Chosen, Consent as Effective};
    for engine in engines() {
        let store = Store::new(engine).await;
        let timeline = timeline(&store);
        let agreeing = Visitor {
            choice: Chosen::Granted,
            ..visitor()
        };
        let made = store.accounts.sign_up(sign_up("ada@example.com"), &agreeing);
        let ada = made.await.unwrap().user.id;
        let known = async || timeline.facts(ada).await.unwrap().consent;
        assert_eq!(known().await, [], "{engine:?}: agreed from the beginning");
        let mut expected = Vec::new();
        for (choice, consent) in [
            (Chosen::Denied, Effective::Denied),
            (Chosen::Granted, Effective::Granted),
            (Chosen::Denied, Effective::Denied),
        ] {
            store.clock.advance(MINUTE);
            store.accounts.choose_consent(ada, choice).await.unwrap();
            let at_ms = store.clock.now_ms();
            expected.push(ConsentChange { at_ms, consent });
        }
        assert_eq!(known().await, expected, "{engine:?}");
        let facts = timeline.facts(ada).await.unwrap();
        assert_eq!(facts.undelivered[0].parked.as_deref(), Some("consent withdrawn"));
        store.accounts.choose_consent(ada, Chosen::Unset).await.unwrap();
        expected.pop();
        assert_eq!(
            known().await,
            expected,
            "{engine:?}: the time of the reset is unknown"
        );
    }
}

#[tokio::test]
async fn an_unknown_user_has_no_facts() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let unknown = UserId::parse("019aa5c4-0000-7000-8000-000000000001").unwrap();
        let facts = timeline(&store).facts(unknown).await.unwrap();
        assert_eq!(facts, TimelineFacts::default(), "{engine:?}");
    }
}
