//! Cancellation and resumption, in the app and in the portal, and changes of the interval.

use backend::billing::BillingError;
use backend::billing::inbox::Received;
use db::testing::engines;
use serde_json::{Value, json};
use tracking::PlanInterval::Month;
use tracking::SubscriptionStatus;

use super::environment::{Environment, SECOND, click, names, revenue, session_of};
use super::stand_in::text;
use crate::support::{DAY, MINUTE};

/// The origin of an event: session, device, click, portal visit, and `stitched_by`.
fn origin(event: &Value) -> [Value; 5] {
    let properties = &event["event_properties"];
    [
        event["session_id"].clone(),
        event["device_id"].clone(),
        properties["click"].clone(),
        properties["portal_visit"].clone(),
        properties["stitched_by"].clone(),
    ]
}

#[tokio::test]
async fn cancel_and_resume_events_are_in_the_sessions_of_their_clicks() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let subscription = env.trial(&ada).await;
        let mut expected = Vec::new();
        for round in [
            "Trial canceled",
            "Trial resumed",
            "Trial canceled",
            "Trial resumed",
        ] {
            env.advance(3 * 60 * MINUTE);
            let (visitor, click) = (env.visitor(&ada), click());
            if round == "Trial canceled" {
                env.billing.cancel(&ada.user, click, &visitor).await.unwrap();
            } else {
                env.billing.resume(&ada.user, click, &visitor).await.unwrap();
            }
            env.deliver().await;
            let event = env.last(&ada).await;
            assert_eq!(event["event_type"], round, "{engine:?}");
            assert_eq!(
                origin(&event),
                [
                    json!(session_of(&visitor)),
                    json!(ada.device.as_str()),
                    // The browser sends no event for this button.
                    json!(null),
                    json!(null),
                    json!("checkout handoff"),
                ],
                "{engine:?} {round}: a later session than the checkout's"
            );
            expected.push(round);
            let subscription = env.overview(&ada).await.subscription.unwrap();
            let (state, ends) = match round {
                "Trial canceled" => (SubscriptionStatus::TrialCanceled, true),
                _ => (SubscriptionStatus::Trialing, false),
            };
            assert_eq!(
                (subscription.status, subscription.cancel_at_secs.is_some()),
                (state, ends),
                "{engine:?} {round}"
            );
            assert_eq!(env.account_type(&ada).await, "pro", "{engine:?}: until it ends");
        }
        assert_eq!(env.names(&ada).await[1..], expected, "{engine:?}");
        let metadata = &env.stripe.subscription(&subscription).await["metadata"];
        assert_eq!(metadata["seam_user"], ada.user.id.to_string(), "{engine:?}");
    }
}

#[tokio::test]
async fn a_repeated_click_makes_one_change() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.trial(&ada).await;
        let (visitor, cancel, resume) = (env.visitor(&ada), click(), click());
        let send = || env.billing.cancel(&ada.user, cancel, &visitor);
        let (one, two) = tokio::join!(send(), send());
        one.unwrap();
        two.unwrap();
        send().await.unwrap();
        let webhooks = env.new_webhooks().await;
        assert_eq!(
            names_of(&webhooks),
            ["customer.subscription.updated"],
            "{engine:?}"
        );
        env.advance(SECOND);
        let reused = env.billing.cancel(&ada.user, resume, &visitor).await;
        reused.unwrap();
        assert_eq!(
            names_of(&env.new_webhooks().await),
            ["customer.subscription.updated"],
            "{engine:?}: another click, before the webhook of the first"
        );
        for webhook in webhooks {
            assert_eq!(env.receive(&webhook).await.unwrap(), Received::New, "{engine:?}");
            assert_eq!(
                env.receive(&webhook).await.unwrap(),
                Received::Duplicate,
                "{engine:?}"
            );
        }
        env.worker.drain().await.unwrap();
        assert_eq!(
            env.names(&ada).await,
            ["Trial started", "Trial canceled"],
            "{engine:?}"
        );

        // The applied webhooks already show the scheduled end.
        let done = env.billing.cancel(&ada.user, click(), &visitor).await;
        done.unwrap();
        assert_eq!(names_of(&env.new_webhooks().await), [""; 0], "{engine:?}");
    }
}

fn names_of(webhooks: &[Value]) -> Vec<&str> {
    webhooks.iter().map(|webhook| text(webhook, "type")).collect()
}

#[tokio::test]
async fn a_cancellation_in_the_portal_is_undone_in_the_app() {
    for engine in engines() {
        for mode in ["flexible", "classic"] {
            let mut env = Environment::new(engine).await;
            let ada = env.person("ada@example.com").await;
            // A subscription from Stripe's dashboard, without a click in the app.
            env.start(&ada, Month).await;
            let customer = env.customer(&ada).await;
            let price = env
                .stripe
                .all("/v1/prices?lookup_keys[0]=seamline_pro_month")
                .await;
            let form = [
                ("customer", customer.as_str()),
                ("items[0][price]", text(&price[0], "id")),
                ("trial_period_days", "3"),
                ("billing_mode[type]", mode),
            ];
            let made = env.stripe.post("/v1/subscriptions", &form).await;
            let subscription = text(&made, "id");
            env.deliver().await;
            let event = env.last(&ada).await;
            let no_handoff = [
                json!(null),
                json!(null),
                json!(null),
                json!(null),
                json!("none known"),
            ];
            assert_eq!(origin(&event), no_handoff, "{engine:?} {mode}");

            env.advance(60 * MINUTE);
            let (visitor, visit) = (env.visitor(&ada), click());
            let portal = env.billing.open_portal(&ada.user, visit, false, &visitor);
            let portal = portal.await.unwrap();
            env.advance(MINUTE);
            env.stripe
                .submit(&portal, &format!("/cancel/{subscription}"), &[])
                .await;
            let object = env.stripe.subscription(subscription).await;
            assert_eq!(object["cancel_at_period_end"], mode == "classic", "{engine:?}");
            assert!(object["cancel_at"].is_i64(), "{engine:?} {mode}");
            env.deliver().await;
            let event = env.last(&ada).await;
            assert_eq!(event["event_type"], "Trial canceled", "{engine:?} {mode}");
            let portal_visit = [
                json!(session_of(&visitor)),
                json!(ada.device.as_str()),
                json!(null),
                json!(visit.to_string()),
                json!("portal visit"),
            ];
            assert_eq!(origin(&event), portal_visit, "{engine:?} {mode}");

            env.advance(20 * MINUTE);
            let (visitor, resume) = (env.visitor(&ada), click());
            env.billing.resume(&ada.user, resume, &visitor).await.unwrap();
            env.billing.resume(&ada.user, resume, &visitor).await.unwrap();
            let object = env.stripe.subscription(subscription).await;
            assert_eq!(
                (&object["cancel_at"], &object["cancel_at_period_end"]),
                (&json!(null), &json!(false)),
                "{engine:?} {mode}"
            );
            env.deliver().await;
            let event = env.last(&ada).await;
            assert_eq!(event["event_type"], "Trial resumed", "{engine:?} {mode}");
            assert_eq!(
                event["event_properties"]["stitched_by"], "checkout handoff",
                "{engine:?} {mode}: newer than the visit"
            );

            // In a later session the same portal page is used to cancel. The IDs of the click before are used already.
            env.advance(25 * MINUTE);
            env.stripe
                .submit(&portal, &format!("/cancel/{subscription}"), &[])
                .await;
            env.deliver().await;
            let stale = [
                json!(null),
                json!(ada.device.as_str()),
                json!(null),
                json!(null),
                json!("stale handoff"),
            ];
            assert_eq!(origin(&env.last(&ada).await), stale, "{engine:?} {mode}");
            assert_eq!(
                env.names(&ada).await,
                [
                    "Trial started",
                    "Trial canceled",
                    "Trial resumed",
                    "Trial canceled"
                ],
                "{engine:?} {mode}"
            );
        }
    }
}

#[tokio::test]
async fn from_month_to_year() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.paid(&ada).await;
        let subscription = env.overview(&ada).await.subscription.unwrap();
        assert!(subscription.may_change_to_yearly, "{engine:?}");

        env.advance(2 * DAY);
        let (visitor, change) = (env.visitor(&ada), click());
        let send = || env.billing.change_to_yearly(&ada.user, change, &visitor);
        let (one, two) = tokio::join!(send(), send());
        one.unwrap();
        two.unwrap();
        env.deliver().await;
        let events = env.events(&ada).await;
        assert_eq!(
            names(&events),
            ["Trial started", "Trial converted", "Subscription changed"],
            "{engine:?}"
        );
        let event = &events[2];
        assert_eq!(revenue(event), 12_000, "{engine:?}");
        assert_eq!(event["session_id"], session_of(&visitor), "{engine:?}");
        let properties = &event["event_properties"];
        assert_eq!(
            (&properties["previous_interval"], &properties["interval"]),
            (&json!("month"), &json!("year")),
            "{engine:?}"
        );
        assert_eq!(properties["stitched_by"], "checkout handoff", "{engine:?}");

        let again = env.billing.change_to_yearly(&ada.user, click(), &visitor).await;
        assert!(matches!(again, Err(BillingError::ChangeNotAllowed)), "{engine:?}");
        let invoices = env.overview(&ada).await.invoices;
        let amounts: Vec<_> = invoices.iter().map(|invoice| invoice.amount.minor).collect();
        assert_eq!(amounts, [12_000, 1_200], "{engine:?}: newest first");
    }
}

#[tokio::test]
async fn changing_the_interval_during_a_trial_costs_nothing() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.trial(&ada).await;
        env.advance(10 * SECOND);
        let visitor = env.visitor(&ada);
        let change = env.billing.change_to_yearly(&ada.user, click(), &visitor);
        change.await.unwrap();
        env.deliver().await;
        let event = env.last(&ada).await;
        assert_eq!(event["event_type"], "Subscription changed", "{engine:?}");
        assert_eq!(event["revenue"], Value::Null, "{engine:?}");
        assert_eq!(event["session_id"], session_of(&visitor), "{engine:?}");

        // A subscription that is scheduled to end cannot be changed.
        let bob = env.person("bob@example.com").await;
        env.trial(&bob).await;
        let visitor = env.visitor(&bob);
        env.billing.cancel(&bob.user, click(), &visitor).await.unwrap();
        env.deliver().await;
        let change = env.billing.change_to_yearly(&bob.user, click(), &visitor).await;
        assert!(
            matches!(change, Err(BillingError::ChangeNotAllowed)),
            "{engine:?}"
        );
    }
}
