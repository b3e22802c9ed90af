//! The door, and what stands behind it: webhooks of strangers, of other versions, of no concern.

use backend::billing::inbox::{BadWebhook, Counts, InboxState, NotReceived, Received};
use db::testing::engines;
use serde_json::{Value, json};
use stripe_webhook::Webhook;
use tracking::Interval::Month;

use super::stage::{SECOND, SECRETS, Stage, names};
use super::stand_in::GOOD_CARD;
use crate::support::{MINUTE, NOW};

#[tokio::test]
async fn a_bad_signature_changes_nothing() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        let page = stage.start(&ada, Month).await;
        stage.stripe.complete_checkout(&page, None).await;
        let news = stage.news().await;
        let began = news
            .iter()
            .find(|webhook| webhook["type"] == "customer.subscription.created");
        let body = began.unwrap().to_string();
        let now = stage.store.clock.now_ms() / 1000;
        let signed = |secret, at| Webhook::generate_test_header(&body, secret, Some(at));
        let forged = body.replace("trialing", "active");
        let rows = [
            ("none", body.as_str(), String::new(), BadWebhook::Signature),
            (
                "another's",
                &body,
                signed("whsec_other", now),
                BadWebhook::Signature,
            ),
            (
                "another body",
                &forged,
                signed(SECRETS[0], now),
                BadWebhook::Signature,
            ),
            ("old", &body, signed(SECRETS[0], now - 301), BadWebhook::TooOld),
        ];
        for (why, body, header, expected) in rows {
            let received = stage.billing.receive(body.as_bytes(), &header).await;
            let Err(NotReceived::Bad(bad)) = received else {
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
            let received = stage.billing.receive(body.as_bytes(), &header).await;
            assert!(
                matches!(received, Err(NotReceived::Bad(BadWebhook::NoEvent))),
                "{engine:?} {why}: {received:?}"
            );
        }
        assert_eq!(stage.store.count("stripe_inbox").await, 0, "{engine:?}");
        assert_eq!(stage.store.count("stripe_lanes").await, 0, "{engine:?}");

        // Either of our own secrets will do.
        for (secret, webhook) in SECRETS.into_iter().zip(&news) {
            let body = webhook.to_string();
            let header = Webhook::generate_test_header(&body, secret, Some(now));
            let received = stage.billing.receive(body.as_bytes(), &header).await;
            assert!(received.is_ok(), "{engine:?} {secret}: {received:?}");
        }
    }
}

#[tokio::test]
async fn what_is_of_no_concern_is_kept_and_answered() {
    for engine in engines() {
        let stage = Stage::new(engine).await;
        let unknown = json!({
            "id": "evt_next_year", "type": "subscription.dreamt_of", "created": NOW / 1000,
            "data": {"object": {"id": "dream_1", "object": "dream"}},
        });
        for received in [Received::OfNoConcern, Received::Again] {
            assert_eq!(stage.receive(&unknown).await.unwrap(), received, "{engine:?}");
        }
        // Ours by name, and not to be understood: a person has to look.
        let broken = json!({
            "id": "evt_broken", "type": "customer.subscription.updated", "created": NOW / 1000,
            "data": {"object": {"id": "sub_1", "object": "subscription", "status": 7}},
        });
        assert_eq!(stage.receive(&broken).await.unwrap(), Received::New, "{engine:?}");
        let worked = stage.worker.drain().await.unwrap();
        assert_eq!((worked.applied, worked.parked), (0, 1), "{engine:?}");
        let counts = stage.billing.inbox_counts().await.unwrap();
        let expected = Counts {
            pending: 0,
            applied: 1,
            parked: 1,
            oldest_pending_ms: None,
        };
        assert_eq!(counts, expected, "{engine:?}");
        let parked = stage.billing.inbox(Some(InboxState::Parked), 10).await.unwrap();
        assert_eq!(parked[0].event_id, "evt_broken", "{engine:?}");
        let reason = parked[0].parked_reason.as_deref().unwrap();
        assert!(reason.contains("subscription"), "{engine:?}: {reason}");
    }
}

#[tokio::test]
async fn a_stranger_s_webhook_waits_is_seen_and_blocks_nobody() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        let page = stage.start(&ada, Month).await;
        // As when Stripe is quicker than our own record of the customer.
        let customer = stage.customer(&ada).await;
        let record = stage
            .store
            .texts("SELECT CAST(created_at AS TEXT) FROM stripe_customers")
            .await;
        stage.store.execute("DELETE FROM stripe_customers").await;
        stage.stripe.complete_checkout(&page, None).await;
        let strange = stage.news().await;
        for webhook in &strange {
            stage.receive(webhook).await.unwrap();
        }
        let bob = stage.person("bob@example.com").await;
        stage.trial(&bob).await;
        assert_eq!(
            stage.names(&bob).await,
            ["Trial started"],
            "{engine:?}: nobody waits for her"
        );

        for _ in 0..10 {
            stage.pass(MINUTE);
            stage.worker.drain().await.unwrap();
        }
        let parked = stage.billing.inbox(Some(InboxState::Parked), 100).await.unwrap();
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
        assert_eq!(
            stage.billing.inbox_counts().await.unwrap().pending,
            0,
            "{engine:?}"
        );
        assert_eq!(stage.names(&ada).await, [""; 0], "{engine:?}");

        stage
            .store
            .execute(&format!(
                "INSERT INTO stripe_customers (id, user_id, created_at) VALUES ('{customer}', '{}', {})",
                ada.user.id, record[0]
            ))
            .await;
        for row in &parked {
            assert!(stage.billing.replay(&row.event_id).await.unwrap(), "{engine:?}");
            assert!(
                !stage.billing.replay(&row.event_id).await.unwrap(),
                "{engine:?}: once"
            );
        }
        stage.worker.drain().await.unwrap();
        let told = stage.told(&ada).await;
        assert_eq!(names(&told), ["Trial started"], "{engine:?}");
        assert_eq!(
            told[0]["event_properties"]["stitched_by"], "checkout handoff",
            "{engine:?}: however late, by the moment of the change"
        );
        assert_eq!(stage.account_type(&ada).await, "pro", "{engine:?}");
    }
}

/// A payload as endpoints of before 2025-03-31 get it.
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
async fn payloads_of_older_versions_say_the_same() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        let page = stage.start(&ada, Month).await;
        stage.stripe.complete_checkout(&page, None).await;
        for days in 0..36 {
            if days == 1 {
                stage.give_card(&ada, GOOD_CARD).await;
            }
            if days == 5 {
                let customer = stage.customer(&ada).await;
                stage.stripe.refund(&customer, None).await;
            }
            stage.pass(24 * 60 * MINUTE);
            for webhook in stage.news().await {
                stage.receive(&in_old_shape(&webhook)).await.unwrap();
                stage.worker.drain().await.unwrap();
            }
        }
        assert_eq!(
            stage.names(&ada).await,
            [
                "Trial started",
                "Trial converted",
                "Subscription refund",
                "Subscription renewal",
            ],
            "{engine:?}"
        );
        let counts = stage.billing.inbox_counts().await.unwrap();
        assert_eq!((counts.pending, counts.parked), (0, 0), "{engine:?}");
    }
}

#[tokio::test]
async fn payloads_go_when_they_are_old() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        stage.trial(&ada).await;
        stage.pass(2 * 24 * 60 * MINUTE - SECOND);
        assert_eq!(stage.billing.prune(2).await.unwrap(), 0, "{engine:?}");
        stage.pass(2 * SECOND);
        let rows = stage.store.count("stripe_inbox").await;
        assert_eq!(
            stage.billing.prune(2).await.unwrap(),
            u64::try_from(rows).unwrap(),
            "{engine:?}"
        );
        let kept = stage.billing.inbox(None, 100).await.unwrap();
        assert!(kept.iter().all(|row| row.payload.is_none()), "{engine:?}");
        // What has been applied stays known.
        for webhook in stage.stripe.all("/v1/events").await {
            assert_eq!(
                stage.receive(&webhook).await.unwrap(),
                Received::Again,
                "{engine:?}"
            );
        }
    }
}
