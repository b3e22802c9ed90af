//! Checkout: from a click on "Start trial" to the effects of its webhooks.

use backend::billing::{BillingError, CheckoutState, Order};
use db::testing::engines;
use serde_json::{Value, json};
use tracking::PlanInterval::{Month, Year};
use tracking::SubscriptionStatus;

use super::environment::{Environment, SECOND, click, names, revenue, session_of};
use super::stand_in::{GOOD_CARD, text};
use crate::support::{MINUTE, NOW};

/// The value of `checkout` in the return URL.
fn checkout_in(location: &str) -> &str {
    location
        .strip_prefix("http://127.0.0.1:3000/billing/return?checkout=")
        .unwrap()
}

#[tokio::test]
async fn a_trial_is_in_the_session_of_its_click() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let bob = env.person("bob@example.com").await;
        let visitor = env.visitor(&ada);
        let order = Order {
            interval: Month,
            click: click(),
        };
        let page = env
            .billing
            .start_checkout(&ada.user, order, &visitor)
            .await
            .unwrap();
        env.advance(30 * SECOND);
        let location = env.stripe.complete_checkout(&page, None).await;
        let checkout = checkout_in(&location);

        let state = async |person: &super::environment::Person| {
            let state = env.billing.checkout_state(&person.user, checkout);
            state.await.unwrap()
        };
        assert_eq!(
            state(&ada).await,
            Some(CheckoutState::AwaitingWebhook),
            "{engine:?}"
        );
        assert_eq!(state(&bob).await, None, "{engine:?}: another account");
        assert_eq!(
            env.account_type(&ada).await,
            "free",
            "{engine:?}: the return from Checkout grants nothing"
        );
        assert_eq!(env.overview(&ada).await.subscription, None, "{engine:?}");

        env.advance(10 * SECOND);
        env.deliver().await;
        let events = env.events(&ada).await;
        assert_eq!(names(&events), ["Trial started"], "{engine:?}");
        let event = &events[0];
        assert_eq!(event["device_id"], ada.device.as_str(), "{engine:?}");
        assert_eq!(event["session_id"], session_of(&visitor), "{engine:?}");
        assert_eq!(
            event["time"],
            NOW + 30 * SECOND,
            "{engine:?}: the time of the start, not of the webhook"
        );
        let properties = &event["event_properties"];
        assert_eq!(properties["click"], order.click.to_string(), "{engine:?}");
        assert_eq!(properties["stitched_by"], "checkout handoff", "{engine:?}");
        assert_eq!(properties["trial_days"], 3, "{engine:?}");
        assert_eq!(properties["interval"], "month", "{engine:?}");
        assert_eq!(properties["subscription_status"], "trialing", "{engine:?}");
        assert_eq!(event["revenue"], Value::Null, "{engine:?}");
        let customer = env.customer(&ada).await;
        assert_eq!(
            event["user_properties"]["$set"],
            json!({
                "account_type": "pro",
                "subscription_status": "trialing",
                "stripe_customer_id": customer,
            }),
            "{engine:?}"
        );

        let state = env.billing.checkout_state(&ada.user, checkout).await.unwrap();
        assert_eq!(state, Some(CheckoutState::Done), "{engine:?}");
        assert_eq!(env.account_type(&ada).await, "pro", "{engine:?}");
        assert_eq!(env.account_type(&bob).await, "free", "{engine:?}");
        let overview = env.overview(&ada).await;
        let subscription = overview.subscription.unwrap();
        assert_eq!(subscription.status, SubscriptionStatus::Trialing, "{engine:?}");
        assert!(overview.had_trial && !subscription.has_card, "{engine:?}");
        assert_eq!(overview.invoices, [], "{engine:?}: nothing was paid");
        assert_eq!(
            env.billing.revision(ada.user.id).await.unwrap(),
            overview.revision,
            "{engine:?}"
        );

        let again = Order {
            click: click(),
            ..order
        };
        let again = env.billing.start_checkout(&ada.user, again, &visitor).await;
        assert!(
            matches!(again, Err(BillingError::AlreadySubscribed)),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn an_event_is_later_than_its_click() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        // Stripe's times are whole seconds, so the page seems to be completed before the click.
        env.advance(999);
        let page = env.start(&ada, Month).await;
        env.stripe.complete_checkout(&page, None).await;
        env.deliver().await;
        let event = env.last(&ada).await;
        assert_eq!(event["time"], NOW + 999 + 1, "{engine:?}");
        assert_eq!(
            event["event_properties"]["stitched_by"], "checkout handoff",
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn a_checkout_completed_after_the_session_timeout_is_not_in_the_session() {
    let rows = [
        (30 * MINUTE, "checkout handoff", true),
        (30 * MINUTE + SECOND, "stale handoff", false),
        (5 * 60 * MINUTE, "stale handoff", false),
    ];
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        for (after, stitched_by, in_session) in rows {
            let ada = env.person(&format!("ada{after}@example.com")).await;
            let page = env.start(&ada, Month).await;
            env.advance(after);
            env.stripe.complete_checkout(&page, None).await;
            env.deliver().await;
            let event = env.last(&ada).await;
            assert_eq!(event["event_type"], "Trial started", "{engine:?} {after}");
            assert_eq!(event["device_id"], ada.device.as_str(), "{engine:?} {after}");
            assert_eq!(event["session_id"].is_i64(), in_session, "{engine:?} {after}");
            let properties = &event["event_properties"];
            assert_eq!(properties["stitched_by"], stitched_by, "{engine:?} {after}");
            assert_eq!(properties["click"].is_string(), in_session, "{engine:?} {after}");
        }
    }
}

#[tokio::test]
async fn a_form_sent_twice_is_one_call() {
    for engine in engines() {
        let env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let order = Order {
            interval: Month,
            click: click(),
        };
        let visitor = env.visitor(&ada);
        let send = || env.billing.start_checkout(&ada.user, order, &visitor);
        let (one, two, three) = tokio::join!(send(), send(), send());
        let page = one.unwrap();
        assert_eq!(
            (two.unwrap(), three.unwrap()),
            (page.clone(), page.clone()),
            "{engine:?}"
        );
        // The same form with other values, in a later session. The first record counts.
        env.advance(45 * MINUTE);
        let late = Order {
            interval: Year,
            ..order
        };
        let late = env
            .billing
            .start_checkout(&ada.user, late, &env.visitor(&ada))
            .await;
        assert_eq!(late.unwrap(), page, "{engine:?}");
        let sessions = env.stripe.all("/v1/checkout/sessions").await;
        assert_eq!(sessions.len(), 1, "{engine:?}");
        assert_eq!(env.stripe.all("/v1/customers").await.len(), 1, "{engine:?}");
        assert_eq!(env.store.count("handoffs").await, 1, "{engine:?}");
    }
}

#[tokio::test]
async fn a_click_id_belongs_to_one_account_and_one_action() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let bob = env.person("bob@example.com").await;
        let order = Order {
            interval: Month,
            click: click(),
        };
        let visitor = env.visitor(&ada);
        let page = env
            .billing
            .start_checkout(&ada.user, order, &visitor)
            .await
            .unwrap();
        let stolen = env.billing.start_checkout(&bob.user, order, &visitor).await;
        assert!(matches!(stolen, Err(BillingError::StalePage)), "{engine:?}");
        assert_eq!(env.stripe.all("/v1/customers").await.len(), 1, "{engine:?}");

        env.stripe.complete_checkout(&page, None).await;
        env.deliver().await;
        let reused = env.billing.cancel(&ada.user, order.click, &visitor).await;
        assert!(matches!(reused, Err(BillingError::StalePage)), "{engine:?}");
        let nothing = env.billing.cancel(&bob.user, click(), &visitor).await;
        assert!(matches!(nothing, Err(BillingError::NotSubscribed)), "{engine:?}");
        let nowhere = env.billing.open_portal(&bob.user, click(), false, &visitor).await;
        assert!(matches!(nowhere, Err(BillingError::NotSubscribed)), "{engine:?}");
        env.deliver().await;
        assert_eq!(env.names(&ada).await, ["Trial started"], "{engine:?}");
        assert_eq!(env.names(&bob).await, [""; 0], "{engine:?}");
    }
}

#[tokio::test]
async fn a_new_checkout_closes_the_open_one() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.start(&ada, Month).await;
        let page = env.start(&ada, Year).await;
        let sessions = env.stripe.all("/v1/checkout/sessions").await;
        let states: Vec<_> = sessions.iter().map(|session| text(session, "status")).collect();
        assert_eq!(states, ["open", "expired"], "{engine:?}");
        let state = env.billing.checkout_state(&ada.user, text(&sessions[1], "id"));
        assert_eq!(state.await.unwrap(), Some(CheckoutState::Expired), "{engine:?}");
        let state = env.billing.checkout_state(&ada.user, text(&sessions[0], "id"));
        let open = CheckoutState::Open { url: page.clone() };
        assert_eq!(state.await.unwrap(), Some(open), "{engine:?}");
        env.stripe.complete_checkout(&page, None).await;
        env.deliver().await;
        let event = env.last(&ada).await;
        assert_eq!(event["event_properties"]["interval"], "year", "{engine:?}");
    }
}

#[tokio::test]
async fn an_abandoned_checkout_can_be_reopened() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let order = Order {
            interval: Month,
            click: click(),
        };
        let send = async |env: &Environment| {
            let visitor = env.visitor(&ada);
            env.billing.start_checkout(&ada.user, order, &visitor).await
        };
        let left = send(&env).await.unwrap();
        assert_eq!(
            send(&env).await.unwrap(),
            left,
            "{engine:?}: the same click again"
        );
        // Stripe expires a page after a day.
        env.advance_days(2).await;
        let page = env.start(&ada, Month).await;
        assert_ne!(page, left, "{engine:?}");
        env.stripe.complete_checkout(&page, None).await;
        env.deliver().await;
        assert_eq!(env.names(&ada).await, ["Trial started"], "{engine:?}");
    }
}

#[tokio::test]
async fn a_completed_checkout_blocks_a_second_one() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let page = env.start(&ada, Month).await;
        let location = env.stripe.complete_checkout(&page, None).await;
        let order = Order {
            interval: Month,
            click: click(),
        };
        let visitor = env.visitor(&ada);
        let second = env.billing.start_checkout(&ada.user, order, &visitor).await;
        let Err(BillingError::CheckoutCompleted { checkout }) = second else {
            panic!("{engine:?}: {second:?}");
        };
        assert_eq!(checkout, checkout_in(&location), "{engine:?}");
        assert_eq!(
            env.stripe.all("/v1/checkout/sessions").await.len(),
            1,
            "{engine:?}"
        );
        env.deliver().await;
        let third = env.billing.start_checkout(&ada.user, order, &visitor).await;
        assert!(
            matches!(third, Err(BillingError::AlreadySubscribed)),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn an_account_has_one_trial() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        env.trial(&ada).await;
        // The browser did not return from Checkout, and no card was given.
        env.advance_days(4).await;
        assert_eq!(
            env.names(&ada).await,
            ["Trial started", "Trial expiration"],
            "{engine:?}"
        );
        assert_eq!(env.account_type(&ada).await, "free", "{engine:?}");

        let visitor = env.visitor(&ada);
        let order = Order {
            interval: Month,
            click: click(),
        };
        let page = env
            .billing
            .start_checkout(&ada.user, order, &visitor)
            .await
            .unwrap();
        env.advance(20 * SECOND);
        env.stripe.complete_checkout(&page, Some(GOOD_CARD)).await;
        env.deliver().await;
        let event = env.last(&ada).await;
        assert_eq!(event["event_type"], "Subscription started", "{engine:?}");
        assert_eq!(revenue(&event), 1200, "{engine:?}");
        assert_eq!(event["session_id"], session_of(&visitor), "{engine:?}");
        assert_eq!(
            event["event_properties"]["click"],
            order.click.to_string(),
            "{engine:?}"
        );
        assert_eq!(env.account_type(&ada).await, "pro", "{engine:?}");
        let overview = env.overview(&ada).await;
        assert_eq!(
            overview.subscription.unwrap().status,
            SubscriptionStatus::Active,
            "{engine:?}"
        );
        let amounts: Vec<_> = overview
            .invoices
            .iter()
            .map(|invoice| invoice.amount.minor)
            .collect();
        assert_eq!(amounts, [1200], "{engine:?}");
    }
}

#[tokio::test]
async fn a_duplicate_subscription_is_canceled() {
    for engine in engines() {
        let mut env = Environment::new(engine).await;
        let ada = env.person("ada@example.com").await;
        let first = env.trial(&ada).await;
        let customer = env.customer(&ada).await;
        let mut prices = env.stripe.all("/v1/prices").await;
        let price = prices.remove(0);
        let form = [
            ("mode", "subscription"),
            ("customer", customer.as_str()),
            ("line_items[0][price]", text(&price, "id")),
            ("line_items[0][quantity]", "1"),
            ("success_url", "http://127.0.0.1:3000/"),
            ("payment_method_collection", "if_required"),
            ("subscription_data[trial_period_days]", "3"),
        ];
        let session = env.stripe.post("/v1/checkout/sessions", &form).await;
        env.advance(SECOND);
        env.stripe.complete_checkout(text(&session, "url"), None).await;
        env.deliver().await;
        // The cancellation sends webhooks too.
        env.deliver().await;

        let all = env.stripe.all("/v1/subscriptions?status=all").await;
        let states: Vec<_> = all.iter().map(|one| text(one, "status")).collect();
        assert_eq!(states, ["canceled", "trialing"], "{engine:?}");
        let turned_away = env
            .store
            .texts("SELECT id FROM subscriptions WHERE turned_away = 1")
            .await;
        assert_eq!(turned_away, [text(&all[0], "id")], "{engine:?}");
        assert_eq!(env.subscription_id(&ada).await, first, "{engine:?}");
        assert_eq!(env.account_type(&ada).await, "pro", "{engine:?}");
        let event = env.last(&ada).await;
        assert_eq!(
            event["user_properties"]["$set"]["subscription_status"], "trialing",
            "{engine:?}: the account keeps its status"
        );
    }
}
