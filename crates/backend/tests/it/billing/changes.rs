//! An end that is planned and taken back, here and in the portal, and another interval.

use backend::billing::BillingError;
use backend::billing::inbox::Received;
use db::testing::engines;
use serde_json::{Value, json};
use tracking::Interval::Month;
use tracking::SubscriptionStatus;

use super::stage::{SECOND, Stage, click, names, revenue, session_of};
use super::stand_in::text;
use crate::support::{DAY, MINUTE};

/// What an event says of where it came from: session, device, click, visit, and the word for all of it.
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
async fn cancel_and_resume_are_in_the_sessions_of_their_clicks() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        let subscription = stage.trial(&ada).await;
        let mut expected = Vec::new();
        for round in [
            "Trial canceled",
            "Trial resumed",
            "Trial canceled",
            "Trial resumed",
        ] {
            stage.pass(3 * 60 * MINUTE);
            let (visitor, click) = (stage.visitor(&ada), click());
            if round == "Trial canceled" {
                stage.billing.cancel(&ada.user, click, &visitor).await.unwrap();
            } else {
                stage.billing.resume(&ada.user, click, &visitor).await.unwrap();
            }
            stage.deliver().await;
            let event = stage.last(&ada).await;
            assert_eq!(event["event_type"], round, "{engine:?}");
            assert_eq!(
                origin(&event),
                [
                    json!(session_of(&visitor)),
                    json!(ada.device.as_str()),
                    // The browser tells no event of this button's.
                    json!(null),
                    json!(null),
                    json!("checkout handoff"),
                ],
                "{engine:?} {round}: a later session than the checkout's"
            );
            expected.push(round);
            let standing = stage.overview(&ada).await.standing.unwrap();
            let (state, ends) = match round {
                "Trial canceled" => (SubscriptionStatus::TrialCanceled, true),
                _ => (SubscriptionStatus::Trialing, false),
            };
            assert_eq!(
                (standing.state, standing.cancel_at.is_some()),
                (state, ends),
                "{engine:?} {round}"
            );
            assert_eq!(stage.account_type(&ada).await, "pro", "{engine:?}: until its end");
        }
        assert_eq!(stage.names(&ada).await[1..], expected, "{engine:?}");
        let metadata = &stage.stripe.subscription(&subscription).await["metadata"];
        assert_eq!(metadata["seam_user"], ada.user.id.to_string(), "{engine:?}");
    }
}

#[tokio::test]
async fn a_button_pressed_twice_is_one_change() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        stage.trial(&ada).await;
        let (visitor, cancel, resume) = (stage.visitor(&ada), click(), click());
        let send = || stage.billing.cancel(&ada.user, cancel, &visitor);
        let (one, two) = tokio::join!(send(), send());
        one.unwrap();
        two.unwrap();
        send().await.unwrap();
        let news = stage.news().await;
        assert_eq!(names_of(&news), ["customer.subscription.updated"], "{engine:?}");
        stage.pass(SECOND);
        let reused = stage.billing.cancel(&ada.user, resume, &visitor).await;
        reused.unwrap();
        assert_eq!(
            names_of(&stage.news().await),
            ["customer.subscription.updated"],
            "{engine:?}: another click, before the webhook of the first"
        );
        for webhook in news {
            assert_eq!(
                stage.receive(&webhook).await.unwrap(),
                Received::New,
                "{engine:?}"
            );
            assert_eq!(
                stage.receive(&webhook).await.unwrap(),
                Received::Again,
                "{engine:?}"
            );
        }
        stage.worker.drain().await.unwrap();
        assert_eq!(
            stage.names(&ada).await,
            ["Trial started", "Trial canceled"],
            "{engine:?}"
        );

        // It is to end already, as our records have it by now.
        let done = stage.billing.cancel(&ada.user, click(), &visitor).await;
        done.unwrap();
        assert_eq!(names_of(&stage.news().await), [""; 0], "{engine:?}");
    }
}

fn names_of(webhooks: &[Value]) -> Vec<&str> {
    webhooks.iter().map(|webhook| text(webhook, "type")).collect()
}

#[tokio::test]
async fn an_end_planned_in_the_portal_is_taken_back_here() {
    for engine in engines() {
        for mode in ["flexible", "classic"] {
            let mut stage = Stage::new(engine).await;
            let ada = stage.person("ada@example.com").await;
            // As from Stripe's dashboard: no click of ours made it.
            stage.start(&ada, Month).await;
            let customer = stage.customer(&ada).await;
            let price = stage
                .stripe
                .all("/v1/prices?lookup_keys[0]=seamline_pro_month")
                .await;
            let form = [
                ("customer", customer.as_str()),
                ("items[0][price]", text(&price[0], "id")),
                ("trial_period_days", "3"),
                ("billing_mode[type]", mode),
            ];
            let made = stage.stripe.post("/v1/subscriptions", &form).await;
            let subscription = text(&made, "id");
            stage.deliver().await;
            let event = stage.last(&ada).await;
            let nobody = [
                json!(null),
                json!(null),
                json!(null),
                json!(null),
                json!("none known"),
            ];
            assert_eq!(origin(&event), nobody, "{engine:?} {mode}");

            stage.pass(60 * MINUTE);
            let (visitor, visit) = (stage.visitor(&ada), click());
            let portal = stage.billing.open_portal(&ada.user, visit, false, &visitor);
            let portal = portal.await.unwrap();
            stage.pass(MINUTE);
            stage
                .stripe
                .submit(&portal, &format!("/cancel/{subscription}"), &[])
                .await;
            let object = stage.stripe.subscription(subscription).await;
            assert_eq!(object["cancel_at_period_end"], mode == "classic", "{engine:?}");
            assert!(object["cancel_at"].is_i64(), "{engine:?} {mode}");
            stage.deliver().await;
            let event = stage.last(&ada).await;
            assert_eq!(event["event_type"], "Trial canceled", "{engine:?} {mode}");
            let there = [
                json!(session_of(&visitor)),
                json!(ada.device.as_str()),
                json!(null),
                json!(visit.to_string()),
                json!("portal visit"),
            ];
            assert_eq!(origin(&event), there, "{engine:?} {mode}");

            stage.pass(60 * MINUTE);
            let (visitor, resume) = (stage.visitor(&ada), click());
            stage.billing.resume(&ada.user, resume, &visitor).await.unwrap();
            stage.billing.resume(&ada.user, resume, &visitor).await.unwrap();
            let object = stage.stripe.subscription(subscription).await;
            assert_eq!(
                (&object["cancel_at"], &object["cancel_at_period_end"]),
                (&json!(null), &json!(false)),
                "{engine:?} {mode}"
            );
            stage.deliver().await;
            let event = stage.last(&ada).await;
            assert_eq!(event["event_type"], "Trial resumed", "{engine:?} {mode}");
            assert_eq!(
                event["event_properties"]["stitched_by"], "checkout handoff",
                "{engine:?} {mode}: newer than the visit"
            );

            // Hours after a visit somebody cancels with the same portal page still open.
            stage.pass(90 * MINUTE);
            stage
                .stripe
                .submit(&portal, &format!("/cancel/{subscription}"), &[])
                .await;
            stage.deliver().await;
            let stale = [
                json!(null),
                json!(ada.device.as_str()),
                json!(null),
                json!(null),
                json!("stale handoff"),
            ];
            assert_eq!(origin(&stage.last(&ada).await), stale, "{engine:?} {mode}");
            assert_eq!(
                stage.names(&ada).await,
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
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        stage.paid(&ada).await;
        let standing = stage.overview(&ada).await.standing.unwrap();
        assert!(standing.may_change_to_yearly, "{engine:?}");

        stage.pass(2 * DAY);
        let (visitor, change) = (stage.visitor(&ada), click());
        let send = || stage.billing.change_to_yearly(&ada.user, change, &visitor);
        let (one, two) = tokio::join!(send(), send());
        one.unwrap();
        two.unwrap();
        stage.deliver().await;
        let told = stage.told(&ada).await;
        assert_eq!(
            names(&told),
            ["Trial started", "Trial converted", "Subscription changed"],
            "{engine:?}"
        );
        let event = &told[2];
        assert_eq!(revenue(event), 12_000, "{engine:?}");
        assert_eq!(event["session_id"], session_of(&visitor), "{engine:?}");
        let properties = &event["event_properties"];
        assert_eq!(
            (&properties["previous_interval"], &properties["interval"]),
            (&json!("month"), &json!("year")),
            "{engine:?}"
        );
        assert_eq!(properties["stitched_by"], "checkout handoff", "{engine:?}");

        let again = stage.billing.change_to_yearly(&ada.user, click(), &visitor).await;
        assert!(matches!(again, Err(BillingError::NotAsItStands)), "{engine:?}");
        let invoices = stage.overview(&ada).await.invoices;
        let amounts: Vec<_> = invoices.iter().map(|invoice| invoice.amount.minor).collect();
        assert_eq!(amounts, [12_000, 1_200], "{engine:?}: newest first");
    }
}

#[tokio::test]
async fn during_a_trial_another_interval_costs_nothing() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        stage.trial(&ada).await;
        stage.pass(10 * SECOND);
        let visitor = stage.visitor(&ada);
        let change = stage.billing.change_to_yearly(&ada.user, click(), &visitor);
        change.await.unwrap();
        stage.deliver().await;
        let event = stage.last(&ada).await;
        assert_eq!(event["event_type"], "Subscription changed", "{engine:?}");
        assert_eq!(event["revenue"], Value::Null, "{engine:?}");
        assert_eq!(event["session_id"], session_of(&visitor), "{engine:?}");

        // Nor can it be changed while it is to end.
        let bob = stage.person("bob@example.com").await;
        stage.trial(&bob).await;
        let visitor = stage.visitor(&bob);
        stage.billing.cancel(&bob.user, click(), &visitor).await.unwrap();
        stage.deliver().await;
        let change = stage.billing.change_to_yearly(&bob.user, click(), &visitor).await;
        assert!(matches!(change, Err(BillingError::NotAsItStands)), "{engine:?}");
    }
}
