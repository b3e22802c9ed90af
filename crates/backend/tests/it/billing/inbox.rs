//! The inbox: signatures, webhooks without effect, unknown customers, older API versions, pruning.

use backend::billing::inbox::{
    InboxCounts, InboxState, InvalidWebhookError, NotOursReason, ReceiveError, Received,
};
use db::testing::engines;
use serde_json::{Value, json};
use stripe_webhook::Webhook;
use tracking::PlanInterval::Month;

use super::environment::{Environment, SECOND, SECRETS, names};
use super::stand_in::GOOD_CARD;
use crate::support::{MINUTE, NOW};

#[tokio::test]
async fn a_bad_signature_changes_nothing() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let page = env.start(&ada, Month).await;
        env.stripe.complete_checkout(&page, None).await;
        let webhooks = env.new_webhooks().await;
        let began = webhooks
            .iter()
            .find(|webhook| webhook["type"] == "customer.subscription.created");
        let body = began.unwrap().to_string();
        let now = env.store.clock.now_ms() / 1000;
        let signed = |secret, at| Webhook::generate_test_header(&body, secret, Some(at));
        let forged = body.replace("trialing", "active");
        let rows = [
            (
                "none",
                body.as_str(),
                String::new(),
                InvalidWebhookError::Signature,
            ),
            (
                "another secret",
                &body,
                signed("whsec_other", now),
                InvalidWebhookError::Signature,
            ),
            (
                "another body",
                &forged,
                signed(SECRETS[0], now),
                InvalidWebhookError::Signature,
            ),
            (
                "old",
                &body,
                signed(SECRETS[0], now - 301),
                InvalidWebhookError::Timestamp,
            ),
        ];
        for (why, body, header, expected) in rows {
            let received = env.billing.receive(body.as_bytes(), &header).await;
            let Err(ReceiveError::Invalid(bad)) = received else {
                panic!("{engine:?} {why}: {received:?}");
            };
            assert_eq!(bad, expected, "{engine:?} {why}");
        }
        for (why, body) in [
            ("no JSON", "?"),
            ("no event", "{}"),
            ("no object", r#"{"id":"evt_1"}"#),
        ] {
            let header = Webhook::generate_test_header(body, SECRETS[0], Some(now));
            let received = env.billing.receive(body.as_bytes(), &header).await;
            assert!(
                matches!(
                    received,
                    Err(ReceiveError::Invalid(InvalidWebhookError::NotAnEvent))
                ),
                "{engine:?} {why}: {received:?}"
            );
        }
        assert_eq!(env.store.count("stripe_inbox").await, 0, "{engine:?}");
        assert_eq!(env.store.count("stripe_inbox_lanes").await, 0, "{engine:?}");

        // Both secrets are accepted.
        for (secret, webhook) in SECRETS.into_iter().zip(&webhooks) {
            let body = webhook.to_string();
            let header = Webhook::generate_test_header(&body, secret, Some(now));
            let received = env.billing.receive(body.as_bytes(), &header).await;
            assert!(received.is_ok(), "{engine:?} {secret}: {received:?}");
        }
    }
}

#[tokio::test]
async fn webhooks_without_effect_are_counted_and_unreadable_ones_are_parked() {
    for engine in engines() {
        let env = Environment::new(engine).await;
        let unknown = json!({
            "id": "evt_next_year", "type": "subscription.imagined", "created": NOW / 1000,
            "data": {"object": {"id": "dream_1", "object": "dream"}},
        });
        for number in 1..=2 {
            let received = env.receive(&unknown).await.unwrap();
            assert_eq!(received, Received::NotOurs(NotOursReason::NoEffect), "{engine:?}");
            let [count] = &env.billing.not_ours().await.unwrap()[..] else {
                panic!("{engine:?}: one type")
            };
            assert_eq!(
                (count.event_type.as_str(), count.reason, count.webhooks),
                ("subscription.imagined", NotOursReason::NoEffect, number),
                "{engine:?}"
            );
        }
        // A relevant type with an unreadable payload is parked for an operator.
        let broken = json!({
            "id": "evt_broken", "type": "customer.subscription.updated", "created": NOW / 1000,
            "data": {"object": {"id": "sub_1", "object": "subscription", "status": 7}},
        });
        assert_eq!(env.receive(&broken).await.unwrap(), Received::New, "{engine:?}");
        let worked = env.worker.drain().await.unwrap();
        assert_eq!((worked.applied, worked.parked), (0, 1), "{engine:?}");
        let counts = env.billing.inbox_counts().await.unwrap();
        let expected = InboxCounts {
            pending: 0,
            applied: 0,
            parked: 1,
            oldest_pending_ms: None,
        };
        assert_eq!(counts, expected, "{engine:?}");
        let parked = env.billing.inbox(Some(InboxState::Parked), 10).await.unwrap();
        assert_eq!(parked[0].event_id, "evt_broken", "{engine:?}");
        let reason = parked[0].parked_reason.as_deref().unwrap();
        assert!(reason.contains("subscription"), "{engine:?}: {reason}");
    }
}

#[tokio::test]
async fn webhooks_of_unknown_customers_are_parked_and_block_no_others() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let page = env.start(&ada, Month).await;
        // As if the webhook arrived before our record of the customer.
        let customer = env.customer(&ada).await;
        let record = env
            .store
            .texts("SELECT CAST(created_at AS TEXT) FROM stripe_customers")
            .await;
        env.store.execute("DELETE FROM stripe_customers").await;
        env.stripe.complete_checkout(&page, None).await;
        let early = env.new_webhooks().await;
        for webhook in &early {
            env.receive(webhook).await.unwrap();
        }
        let bob = env.person("bob@example.com").await;
        env.trial(&bob).await;
        assert_eq!(
            env.names(&bob).await,
            ["Trial started"],
            "{engine:?}: other lanes are not blocked"
        );
        let attempts =
            "SELECT CAST(attempts AS TEXT) FROM stripe_inbox WHERE state = 'pending' ORDER BY sequence";
        let attempts = env.store.texts(attempts).await;
        let [first, later @ ..] = &attempts[..] else {
            panic!("{engine:?}: they wait")
        };
        assert!(
            first != "0" && !later.is_empty() && later.iter().all(|attempts| attempts == "0"),
            "{engine:?}: later ones wait for the first: {attempts:?}"
        );

        // Each waits for the one before it.
        for _ in 0..6 * early.len() {
            env.advance(MINUTE);
            env.worker.drain().await.unwrap();
        }
        let parked = env.billing.inbox(Some(InboxState::Parked), 100).await.unwrap();
        assert!(!parked.is_empty(), "{engine:?}");
        for row in &parked {
            assert_eq!(row.lane, customer, "{engine:?}");
            assert_eq!(
                row.parked_reason.as_deref(),
                Some("unknown customer"),
                "{engine:?}"
            );
            assert_eq!(row.attempts, 6, "{engine:?}");
        }
        assert_eq!(env.billing.inbox_counts().await.unwrap().pending, 0, "{engine:?}");
        assert_eq!(env.names(&ada).await, [""; 0], "{engine:?}");

        env.store
            .execute(&format!(
                "INSERT INTO stripe_customers (id, user_id, created_at) VALUES ('{customer}', '{}', {})",
                ada.user.id, record[0]
            ))
            .await;
        for row in &parked {
            assert!(env.billing.replay(&row.event_id).await.unwrap(), "{engine:?}");
            assert!(
                !env.billing.replay(&row.event_id).await.unwrap(),
                "{engine:?}: once"
            );
        }
        env.worker.drain().await.unwrap();
        let events = env.events(&ada).await;
        assert_eq!(names(&events), ["Trial started"], "{engine:?}");
        assert_eq!(
            events[0]["event_properties"]["stitched_by"], "checkout handoff",
            "{engine:?}: by the time of the change"
        );
        assert_eq!(env.account_type(&ada).await, "pro", "{engine:?}");
    }
}

/// The payload in the shape before API version 2025-03-31.
fn in_old_shape(webhook: &Value) -> Value {
    let mut webhook = webhook.clone();
    webhook["api_version"] = json!("2024-06-20");
    let object = &mut webhook["data"]["object"];
    if object["object"] == "subscription" {
        for field in ["current_period_start", "current_period_end"] {
            let moment = object["items"]["data"][0].as_object_mut().unwrap().remove(field);
            object[field] = moment.unwrap();
        }
    }
    if object["object"] == "invoice" {
        let parent = object.as_object_mut().unwrap().remove("parent").unwrap();
        let details = &parent["subscription_details"];
        object["subscription"] = details["subscription"].clone();
        object["subscription_details"] = json!({"metadata": details["metadata"]});
        object["paid"] = json!(object["status"] == "paid");
        for line in object["lines"]["data"].as_array_mut().unwrap() {
            let line = line.as_object_mut().unwrap();
            line.remove("parent");
            line.remove("pricing");
            line.insert("price".into(), json!({"recurring": {"interval": "month"}}));
        }
    }
    if object["object"] == "refund" {
        object.as_object_mut().unwrap().remove("customer");
    }
    webhook
}

#[tokio::test]
async fn payloads_of_older_api_versions_give_the_same_events() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let page = env.start(&ada, Month).await;
        env.stripe.complete_checkout(&page, None).await;
        for days in 0..36 {
            if days == 1 {
                env.give_card(&ada, GOOD_CARD).await;
            }
            if days == 5 {
                let customer = env.customer(&ada).await;
                env.stripe.refund(&customer, None).await;
            }
            env.advance(24 * 60 * MINUTE);
            for webhook in env.new_webhooks().await {
                env.receive(&in_old_shape(&webhook)).await.unwrap();
                env.worker.drain().await.unwrap();
            }
        }
        assert_eq!(
            env.names(&ada).await,
            [
                "Trial started",
                "Trial converted",
                "Subscription refund",
                "Subscription renewal",
            ],
            "{engine:?}"
        );
        let counts = env.billing.inbox_counts().await.unwrap();
        assert_eq!((counts.pending, counts.parked), (0, 0), "{engine:?}");
    }
}

#[tokio::test]
async fn old_payloads_are_deleted() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.trial(&ada).await;
        let events = env.stripe.all("/v1/events").await;
        let with_payload = "stripe_inbox WHERE payload IS NOT NULL";
        let rows = env.store.count(with_payload).await;
        assert!(rows > 0);
        env.advance(30 * 24 * 60 * MINUTE - SECOND);
        env.store.sweep().await;
        assert_eq!(env.store.count(with_payload).await, rows, "{engine:?}");
        env.advance(2 * SECOND);
        env.store.sweep().await;
        let kept = env.billing.inbox(None, 100).await.unwrap();
        assert!(kept.iter().all(|row| row.payload.is_none()), "{engine:?}");
        // Pruned webhooks are still recognized.
        for webhook in events {
            let received = env.receive(&webhook).await.unwrap();
            let is_known = matches!(
                received,
                Received::Duplicate | Received::NotOurs(NotOursReason::NoEffect)
            );
            assert!(is_known, "{engine:?}: {received:?}");
        }
    }
}
