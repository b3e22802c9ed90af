//! From a click on "Start trial" to what the webhooks make of it.

use backend::billing::{BillingError, CheckoutState, Order};
use db::testing::engines;
use serde_json::{Value, json};
use tracking::Interval::{Month, Year};
use tracking::SubscriptionStatus;

use super::stage::{SECOND, Stage, click, names, revenue, session_of};
use super::stand_in::{GOOD_CARD, text};
use crate::support::{MINUTE, NOW};

/// What stands behind `checkout=` in the URL that Stripe's page leads back to.
fn checkout_in(location: &str) -> &str {
    location
        .strip_prefix("http://127.0.0.1:3000/billing/return?checkout=")
        .unwrap()
}

#[tokio::test]
async fn a_trial_is_in_the_session_of_its_click() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        let bob = stage.person("bob@example.com").await;
        let visitor = stage.visitor(&ada);
        let order = Order {
            interval: Month,
            click: click(),
        };
        let page = stage
            .billing
            .start_checkout(&ada.user, order, &visitor)
            .await
            .unwrap();
        stage.pass(30 * SECOND);
        let location = stage.stripe.complete_checkout(&page, None).await;
        let checkout = checkout_in(&location);

        let state = async |person: &super::stage::Person| {
            let state = stage.billing.checkout_state(&person.user, checkout);
            state.await.unwrap()
        };
        assert_eq!(state(&ada).await, Some(CheckoutState::Waiting), "{engine:?}");
        assert_eq!(state(&bob).await, None, "{engine:?}: somebody else's");
        assert_eq!(
            stage.account_type(&ada).await,
            "free",
            "{engine:?}: the return from Checkout grants nothing"
        );
        assert_eq!(stage.overview(&ada).await.standing, None, "{engine:?}");

        stage.pass(10 * SECOND);
        stage.deliver().await;
        let told = stage.told(&ada).await;
        assert_eq!(names(&told), ["Trial started"], "{engine:?}");
        let event = &told[0];
        assert_eq!(event["device_id"], ada.device.as_str(), "{engine:?}");
        assert_eq!(event["session_id"], session_of(&visitor), "{engine:?}");
        assert_eq!(
            event["time"],
            NOW + 30 * SECOND,
            "{engine:?}: when it began, not when we heard of it"
        );
        let properties = &event["event_properties"];
        assert_eq!(properties["click"], order.click.to_string(), "{engine:?}");
        assert_eq!(properties["stitched_by"], "checkout handoff", "{engine:?}");
        assert_eq!(properties["trial_days"], 3, "{engine:?}");
        assert_eq!(properties["interval"], "month", "{engine:?}");
        assert_eq!(properties["subscription_status"], "trialing", "{engine:?}");
        assert_eq!(event["revenue"], Value::Null, "{engine:?}");
        let customer = stage.customer(&ada).await;
        assert_eq!(
            event["user_properties"]["$set"],
            json!({
                "account_type": "pro",
                "subscription_status": "trialing",
                "stripe_customer_id": customer,
            }),
            "{engine:?}"
        );

        let state = stage.billing.checkout_state(&ada.user, checkout).await.unwrap();
        assert_eq!(state, Some(CheckoutState::Done), "{engine:?}");
        assert_eq!(stage.account_type(&ada).await, "pro", "{engine:?}");
        assert_eq!(stage.account_type(&bob).await, "free", "{engine:?}");
        let overview = stage.overview(&ada).await;
        let standing = overview.standing.unwrap();
        assert_eq!(standing.state, SubscriptionStatus::Trialing, "{engine:?}");
        assert!(overview.had_trial && !standing.has_card, "{engine:?}");
        assert_eq!(overview.invoices, [], "{engine:?}: nothing was paid");
        assert_eq!(
            stage.billing.revision(ada.user.id).await.unwrap(),
            overview.revision,
            "{engine:?}"
        );

        let again = Order {
            click: click(),
            ..order
        };
        let again = stage.billing.start_checkout(&ada.user, again, &visitor).await;
        assert!(
            matches!(again, Err(BillingError::AlreadySubscribed)),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn an_event_is_never_before_its_click() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        // Stripe tells whole seconds, so its page seems to have been completed before the click.
        stage.pass(999);
        let page = stage.start(&ada, Month).await;
        stage.stripe.complete_checkout(&page, None).await;
        stage.deliver().await;
        let event = stage.last(&ada).await;
        assert_eq!(event["time"], NOW + 999 + 1, "{engine:?}");
        assert_eq!(
            event["event_properties"]["stitched_by"], "checkout handoff",
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn whoever_takes_longer_than_a_session_lasts_is_not_in_it() {
    let rows = [
        (30 * MINUTE, "checkout handoff", true),
        (30 * MINUTE + SECOND, "stale handoff", false),
        (5 * 60 * MINUTE, "stale handoff", false),
    ];
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        for (after, stitched_by, in_session) in rows {
            let ada = stage.person(&format!("ada{after}@example.com")).await;
            let page = stage.start(&ada, Month).await;
            stage.pass(after);
            stage.stripe.complete_checkout(&page, None).await;
            stage.deliver().await;
            let event = stage.last(&ada).await;
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
        let stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        let order = Order {
            interval: Month,
            click: click(),
        };
        let visitor = stage.visitor(&ada);
        let send = || stage.billing.start_checkout(&ada.user, order, &visitor);
        let (one, two, three) = tokio::join!(send(), send(), send());
        let page = one.unwrap();
        assert_eq!(
            (two.unwrap(), three.unwrap()),
            (page.clone(), page.clone()),
            "{engine:?}"
        );
        // Later, in another session, with another choice: the form is what it was.
        stage.pass(45 * MINUTE);
        let late = Order {
            interval: Year,
            ..order
        };
        let late = stage
            .billing
            .start_checkout(&ada.user, late, &stage.visitor(&ada))
            .await;
        assert_eq!(late.unwrap(), page, "{engine:?}");
        let sessions = stage.stripe.all("/v1/checkout/sessions").await;
        assert_eq!(sessions.len(), 1, "{engine:?}");
        assert_eq!(stage.stripe.all("/v1/customers").await.len(), 1, "{engine:?}");
        assert_eq!(stage.store.count("handoffs").await, 1, "{engine:?}");
    }
}

#[tokio::test]
async fn a_click_is_its_account_s_and_its_button_s() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        let bob = stage.person("bob@example.com").await;
        let order = Order {
            interval: Month,
            click: click(),
        };
        let visitor = stage.visitor(&ada);
        let page = stage
            .billing
            .start_checkout(&ada.user, order, &visitor)
            .await
            .unwrap();
        let stolen = stage.billing.start_checkout(&bob.user, order, &visitor).await;
        assert!(matches!(stolen, Err(BillingError::StalePage)), "{engine:?}");
        assert_eq!(stage.stripe.all("/v1/customers").await.len(), 1, "{engine:?}");

        stage.stripe.complete_checkout(&page, None).await;
        stage.deliver().await;
        let reused = stage.billing.cancel(&ada.user, order.click, &visitor).await;
        assert!(matches!(reused, Err(BillingError::StalePage)), "{engine:?}");
        let nothing = stage.billing.cancel(&bob.user, click(), &visitor).await;
        assert!(matches!(nothing, Err(BillingError::NotSubscribed)), "{engine:?}");
        let nowhere = stage
            .billing
            .open_portal(&bob.user, click(), false, &visitor)
            .await;
        assert!(matches!(nowhere, Err(BillingError::NotSubscribed)), "{engine:?}");
        stage.deliver().await;
        assert_eq!(stage.names(&ada).await, ["Trial started"], "{engine:?}");
        assert_eq!(stage.names(&bob).await, [""; 0], "{engine:?}");
    }
}

#[tokio::test]
async fn a_new_checkout_closes_the_open_one() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        stage.start(&ada, Month).await;
        let page = stage.start(&ada, Year).await;
        let sessions = stage.stripe.all("/v1/checkout/sessions").await;
        let states: Vec<_> = sessions.iter().map(|session| text(session, "status")).collect();
        assert_eq!(states, ["open", "expired"], "{engine:?}");
        let state = stage.billing.checkout_state(&ada.user, text(&sessions[1], "id"));
        assert_eq!(state.await.unwrap(), Some(CheckoutState::Expired), "{engine:?}");
        let state = stage.billing.checkout_state(&ada.user, text(&sessions[0], "id"));
        let open = CheckoutState::Open { url: page.clone() };
        assert_eq!(state.await.unwrap(), Some(open), "{engine:?}");
        stage.stripe.complete_checkout(&page, None).await;
        stage.deliver().await;
        let event = stage.last(&ada).await;
        assert_eq!(event["event_properties"]["interval"], "year", "{engine:?}");
    }
}

#[tokio::test]
async fn a_checkout_that_was_left_can_be_had_again() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        let order = Order {
            interval: Month,
            click: click(),
        };
        let send = async |stage: &Stage| {
            let visitor = stage.visitor(&ada);
            stage.billing.start_checkout(&ada.user, order, &visitor).await
        };
        let left = send(&stage).await.unwrap();
        assert_eq!(
            send(&stage).await.unwrap(),
            left,
            "{engine:?}: back, and once more"
        );
        // A day later Stripe has closed its page.
        stage.pass_days(2).await;
        let page = stage.start(&ada, Month).await;
        assert_ne!(page, left, "{engine:?}");
        stage.stripe.complete_checkout(&page, None).await;
        stage.deliver().await;
        assert_eq!(stage.names(&ada).await, ["Trial started"], "{engine:?}");
    }
}

#[tokio::test]
async fn a_page_completed_elsewhere_is_not_bought_again() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        let page = stage.start(&ada, Month).await;
        let location = stage.stripe.complete_checkout(&page, None).await;
        let order = Order {
            interval: Month,
            click: click(),
        };
        let visitor = stage.visitor(&ada);
        let second = stage.billing.start_checkout(&ada.user, order, &visitor).await;
        let Err(BillingError::CheckoutCompleted { checkout }) = second else {
            panic!("{engine:?}: {second:?}");
        };
        assert_eq!(checkout, checkout_in(&location), "{engine:?}");
        assert_eq!(
            stage.stripe.all("/v1/checkout/sessions").await.len(),
            1,
            "{engine:?}"
        );
        stage.deliver().await;
        let third = stage.billing.start_checkout(&ada.user, order, &visitor).await;
        assert!(
            matches!(third, Err(BillingError::AlreadySubscribed)),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn a_trial_is_had_once() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        stage.trial(&ada).await;
        // Nobody came back from Checkout, and no card was given.
        stage.pass_days(4).await;
        assert_eq!(
            stage.names(&ada).await,
            ["Trial started", "Trial expiration"],
            "{engine:?}"
        );
        assert_eq!(stage.account_type(&ada).await, "free", "{engine:?}");

        let visitor = stage.visitor(&ada);
        let order = Order {
            interval: Month,
            click: click(),
        };
        let page = stage
            .billing
            .start_checkout(&ada.user, order, &visitor)
            .await
            .unwrap();
        stage.pass(20 * SECOND);
        stage.stripe.complete_checkout(&page, Some(GOOD_CARD)).await;
        stage.deliver().await;
        let event = stage.last(&ada).await;
        assert_eq!(event["event_type"], "Subscription started", "{engine:?}");
        assert_eq!(revenue(&event), 1200, "{engine:?}");
        assert_eq!(event["session_id"], session_of(&visitor), "{engine:?}");
        assert_eq!(
            event["event_properties"]["click"],
            order.click.to_string(),
            "{engine:?}"
        );
        assert_eq!(stage.account_type(&ada).await, "pro", "{engine:?}");
        let overview = stage.overview(&ada).await;
        assert_eq!(
            overview.standing.unwrap().state,
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
async fn a_second_subscription_that_slips_through_is_ended() {
    for engine in engines() {
        let mut stage = Stage::new(engine).await;
        let ada = stage.person("ada@example.com").await;
        let first = stage.trial(&ada).await;
        let customer = stage.customer(&ada).await;
        let mut prices = stage.stripe.all("/v1/prices").await;
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
        let session = stage.stripe.post("/v1/checkout/sessions", &form).await;
        stage.pass(SECOND);
        stage.stripe.complete_checkout(text(&session, "url"), None).await;
        stage.deliver().await;
        // Ending it makes webhooks of its own.
        stage.deliver().await;

        let all = stage.stripe.all("/v1/subscriptions?status=all").await;
        let states: Vec<_> = all.iter().map(|one| text(one, "status")).collect();
        assert_eq!(states, ["canceled", "trialing"], "{engine:?}");
        let turned_away = stage
            .store
            .texts("SELECT id FROM subscriptions WHERE turned_away = 1")
            .await;
        assert_eq!(turned_away, [text(&all[0], "id")], "{engine:?}");
        assert_eq!(stage.standing(&ada).await, first, "{engine:?}");
        assert_eq!(stage.account_type(&ada).await, "pro", "{engine:?}");
        let event = stage.last(&ada).await;
        assert_eq!(
            event["user_properties"]["$set"]["subscription_status"], "trialing",
            "{engine:?}: whatever is told last, the account is what it was"
        );
    }
}
