//! Which click a change is matched to, by its age, by earlier changes, and by clocks that differ.

use backend::billing::inbox::{InvalidWebhookError, ReceiveError};
use db::testing::engines;
use serde_json::Value;
use stripe_webhook::Webhook;
use tracking::PlanInterval::Month;

use super::environment::{Environment, SECOND, SECRETS, click};
use crate::support::DAY;

fn stitched_by(event: &Value) -> &str {
    event["event_properties"]["stitched_by"].as_str().unwrap()
}

/// Case 15.
#[tokio::test]
async fn case_15_a_change_by_staff_does_not_use_the_click_of_an_earlier_change() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let subscription = env.trial(&ada).await;
        let visitor = env.visitor(&ada);
        env.billing.cancel(&ada.user, click(), &visitor).await.unwrap();
        env.deliver().await;
        let canceled = env.last(&ada).await;
        assert_eq!(stitched_by(&canceled), "checkout handoff", "{engine:?}");
        assert_eq!(canceled["device_id"], ada.device.as_str(), "{engine:?}");

        // Staff undo it a minute later, and schedule it again weeks later. The click's metadata is still there.
        let path = format!("/v1/subscriptions/{subscription}");
        let schedule = async |env: &mut Environment, value: &str, after_ms: i64| {
            env.advance(after_ms);
            env.stripe.post(&path, &[("cancel_at_period_end", value)]).await;
            env.deliver().await;
            env.last(&ada).await
        };
        for (value, after_ms, name) in [
            ("false", 60 * SECOND, "Trial resumed"),
            ("true", DAY, "Trial canceled"),
        ] {
            let event = schedule(&mut env, value, after_ms).await;
            assert_eq!(event["event_type"], name, "{engine:?}");
            assert_eq!(stitched_by(&event), "none known", "{engine:?} {name}");
            assert_ne!(event["device_id"], ada.device.as_str(), "{engine:?} {name}");
        }
    }
}

/// Case 17: the time of a click and of a portal visit is ours, the time of a change is Stripe's.
#[tokio::test]
async fn case_17_a_clock_that_is_seconds_ahead_misses_no_handoff() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let subscription = env.trial(&ada).await;
        let visitor = env.visitor(&ada);
        let ahead = |mut webhooks: Vec<Value>| {
            for webhook in &mut webhooks {
                webhook["created"] = (webhook["created"].as_i64().unwrap() - 3).into();
            }
            webhooks
        };
        env.billing.cancel(&ada.user, click(), &visitor).await.unwrap();
        for webhook in ahead(env.new_webhooks().await) {
            env.receive(&webhook).await.unwrap();
        }
        env.worker.drain().await.unwrap();
        let event = env.last(&ada).await;
        assert_eq!(
            (event["event_type"].as_str(), stitched_by(&event)),
            (Some("Trial canceled"), "checkout handoff"),
            "{engine:?}"
        );

        env.advance(60 * SECOND);
        env.billing.resume(&ada.user, click(), &visitor).await.unwrap();
        env.deliver().await;
        env.advance(60 * SECOND);
        let page = env
            .billing
            .open_portal(&ada.user, click(), false, &visitor)
            .await
            .unwrap();
        env.stripe
            .submit(&page, &format!("/cancel/{subscription}"), &[])
            .await;
        for webhook in ahead(env.new_webhooks().await) {
            env.receive(&webhook).await.unwrap();
        }
        env.worker.drain().await.unwrap();
        let event = env.last(&ada).await;
        assert_eq!(
            (event["event_type"].as_str(), stitched_by(&event)),
            (Some("Trial canceled"), "portal visit"),
            "{engine:?}"
        );
    }
}

/// Case 17: a clock that is minutes off refuses every webhook, so operators must see it.
#[tokio::test]
async fn case_17_a_wrong_clock_is_measured_also_by_refused_webhooks() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let page = env.start(&ada, Month).await;
        env.stripe.complete_checkout(&page, None).await;
        let body = env.new_webhooks().await[0].to_string();
        assert_eq!(env.billing.clock_skew(), None, "{engine:?}");
        let now_ms = env.store.clock.now_ms();
        let send = async |secret: &str, seconds_ago: i64| {
            let header = Webhook::generate_test_header(&body, secret, Some(now_ms / 1000 - seconds_ago));
            env.billing.receive(body.as_bytes(), &header).await
        };
        let refused = send("whsec_other", 900).await;
        assert!(
            matches!(
                refused,
                Err(ReceiveError::Invalid(InvalidWebhookError::Signature))
            ),
            "{engine:?}: {refused:?}"
        );
        assert_eq!(env.billing.clock_skew(), None, "{engine:?}: not Stripe's time");
        for (seconds_ago, is_accepted, is_excessive) in [
            (0, true, false),
            (3, true, false),
            (-3, true, false),
            (60, true, true),
            (312, false, true),
            (-312, false, true),
        ] {
            let received = send(SECRETS[0], seconds_ago).await;
            assert_eq!(
                received.is_ok(),
                is_accepted,
                "{engine:?} {seconds_ago}: {received:?}"
            );
            let skew = env.billing.clock_skew().unwrap();
            assert_eq!(
                skew.is_excessive(),
                is_excessive,
                "{engine:?} {seconds_ago}: {skew:?}"
            );
            let ahead_secs = seconds_ago * SECOND;
            assert!(
                (skew.ahead_ms - ahead_secs).abs() < SECOND,
                "{engine:?} {seconds_ago}: {skew:?}"
            );
        }
    }
}
