//! What follows on what, where lives take a less usual turn.

use serde_json::{Value, json};
use stripe_local::{AfterLastRetry, Rules, Settings};

use crate::support::{DAY, START, Server, id};

const TRIAL: [(&str, &str); 1] = [("trial_period_days", "10")];

/// What happened since `before` events.
async fn since(server: &Server, before: usize) -> Vec<String> {
    server.history().await.split_off(before)
}

#[tokio::test]
async fn a_planned_end_moves_with_the_period_that_it_ends() {
    let server = Server::start().await;
    let customer = server.customer_with("pm_card_visa").await;
    let made = server.subscribe(&customer, &TRIAL).await;
    let path = format!("/v1/subscriptions/{}", id(&made));
    server.post(&path, &[("cancel_at_period_end", "true")]).await;
    let later = (START + 20 * DAY).to_string();
    let moved = server.post(&path, &[("trial_end", &later)]).await;
    assert_eq!(
        (&moved["cancel_at"], &moved["cancel_at_period_end"]),
        (&json!(START + 20 * DAY), &json!(true))
    );
    server.jump_until(id(&made), "trial_end").await;
    let ended = server.get(&path).await;
    assert_eq!(
        (&ended["status"], &ended["ended_at"]),
        (&json!("canceled"), &json!(START + 20 * DAY))
    );
    assert_eq!(server.get("/v1/charges").await["data"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn a_trial_that_is_billed_without_a_card_goes_past_due_an_hour_later() {
    let server = Server::start().await;
    let customer = server.customer().await;
    let made = server.subscribe(&customer, &TRIAL).await;
    server.jump_until(id(&made), "trial_end").await;
    let before = server.history().await.len();
    server.jump_until(id(&made), "payment").await;
    assert_eq!(
        since(&server, before).await,
        [
            "invoice.finalized",
            "payment_intent.created",
            "payment_intent.payment_failed",
            "invoice.payment_failed",
            "invoice.updated",
            "customer.subscription.updated",
        ]
    );
    assert_eq!(server.subscription(id(&made)).await["status"], "past_due");
    server.stop().await;
}

#[tokio::test]
async fn a_renewal_that_asks_for_the_cards_owner_waits_past_due() {
    let server = Server::start().await;
    let customer = server.customer_with("pm_card_threeDSecure2Required").await;
    let made = server.subscribe(&customer, &TRIAL).await;
    server.jump_until(id(&made), "trial_end").await;
    let before = server.history().await.len();
    server.jump_until(id(&made), "payment").await;
    assert_eq!(
        since(&server, before).await,
        [
            "invoice.finalized",
            "payment_intent.created",
            "payment_intent.requires_action",
            "invoice.payment_action_required",
            "invoice.payment_failed",
            "invoice.updated",
            "customer.subscription.updated",
        ]
    );
    let owing = server.subscription(id(&made)).await;
    assert_eq!(owing["status"], "past_due");
    server.stop().await;
}

#[tokio::test]
async fn the_last_failure_does_what_the_account_says() {
    for (rule, status) in [
        (AfterLastRetry::Cancel, "canceled"),
        (AfterLastRetry::MarkUnpaid, "unpaid"),
        (AfterLastRetry::LeavePastDue, "past_due"),
    ] {
        let server = Server::with(Settings {
            rules: Rules {
                after_last_retry: rule,
                ..Rules::default()
            },
            ..Settings::default()
        })
        .await;
        let customer = server.customer_with("pm_card_chargeCustomerFail").await;
        let made = server.subscribe(&customer, &TRIAL).await;
        server.jump_days(10 + 3 + 5 + 7 + 1).await;
        let after = server.subscription(id(&made)).await;
        assert_eq!(after["status"], status);
        if rule != AfterLastRetry::Cancel {
            // A card that works and a payment by hand bring it back.
            server.give(&customer, "pm_card_visa").await;
            let invoice = after["latest_invoice"].as_str().unwrap();
            server.post(&format!("/v1/invoices/{invoice}/pay"), &[]).await;
            assert_eq!(
                server.subscription(id(&made)).await["status"],
                "active",
                "{rule:?}"
            );
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn a_first_payment_made_within_a_day_saves_the_subscription() {
    let server = Server::start().await;
    let customer = server.customer_with("pm_card_chargeCustomerFail").await;
    let made = server.subscribe(&customer, &[]).await;
    assert_eq!(made["status"], "incomplete");
    server.give(&customer, "pm_card_visa").await;
    let before = server.history().await.len();
    let invoice = made["latest_invoice"].as_str().unwrap();
    server.post(&format!("/v1/invoices/{invoice}/pay"), &[]).await;
    assert_eq!(
        since(&server, before).await,
        [
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice_payment.paid",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
            "customer.subscription.updated",
        ]
    );
    server.jump_days(2).await;
    assert_eq!(server.subscription(id(&made)).await["status"], "active");
    server.stop().await;
}

#[tokio::test]
async fn a_trial_ended_by_hand_says_so_and_is_paid_at_once() {
    let server = Server::start().await;
    let customer = server.customer_with("pm_card_visa").await;
    let made = server.subscribe(&customer, &TRIAL).await;
    let before = server.history().await.len();
    let path = format!("/v1/subscriptions/{}", id(&made));
    let ended = server
        .post(&path, &[("trial_end", "now"), ("expand[]", "latest_invoice")])
        .await;
    assert_eq!(
        (&ended["status"], &ended["latest_invoice"]["status"]),
        (&json!("active"), &json!("paid"))
    );
    let names = since(&server, before).await;
    assert!(
        names.contains(&"customer.subscription.trial_will_end".to_owned()),
        "{names:?}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_whole_refund_says_what_it_was_before() {
    let server = Server::start().await;
    let customer = server.customer_with("pm_card_visa").await;
    server.subscribe(&customer, &[]).await;
    let charge = server.get("/v1/charges").await["data"][0].clone();
    server.post("/v1/refunds", &[("charge", id(&charge))]).await;
    let event = server.get("/v1/events?type=charge.refunded").await["data"][0].clone();
    assert_eq!(
        event["data"]["previous_attributes"],
        json!({"amount_refunded": 0, "refunded": false})
    );
    server.stop().await;
}

#[tokio::test]
async fn a_test_clock_that_goes_takes_its_people_with_it() {
    let server = Server::start().await;
    let frozen = START.to_string();
    let clock = server
        .post("/v1/test_helpers/test_clocks", &[("frozen_time", &frozen)])
        .await;
    let customer = server.post("/v1/customers", &[("test_clock", id(&clock))]).await;
    let made = server.subscribe(id(&customer), &TRIAL).await;
    let before = server.history().await.len();
    server
        .delete(&format!("/v1/test_helpers/test_clocks/{}", id(&clock)), &[])
        .await;
    assert_eq!(
        since(&server, before).await,
        [
            "customer.subscription.deleted",
            "customer.deleted",
            "test_helpers.test_clock.deleted",
        ]
    );
    let (status, _) = server
        .refused(
            reqwest::Method::POST,
            &format!("/v1/subscriptions/{}", id(&made)),
            &[("metadata[a]", "1")],
        )
        .await;
    assert_eq!(status, 400);
    server.stop().await;
}

#[tokio::test]
async fn a_change_names_only_what_changed() {
    let server = Server::start().await;
    let customer = server.customer_with("pm_card_visa").await;
    let made = server.subscribe(&customer, &TRIAL).await;
    let path = format!("/v1/subscriptions/{}", id(&made));
    server.post(&path, &[("cancel_at_period_end", "true")]).await;
    let keys = async || {
        let event = server.get("/v1/events?type=customer.subscription.updated").await["data"][0].clone();
        let previous: Vec<String> = match &event["data"]["previous_attributes"] {
            Value::Object(map) => map.keys().cloned().collect(),
            other => panic!("{other}"),
        };
        previous
    };
    assert_eq!(
        keys().await,
        [
            "cancel_at",
            "cancel_at_period_end",
            "canceled_at",
            "cancellation_details"
        ]
    );
    server.post(&path, &[("cancel_at_period_end", "false")]).await;
    server.jump_until(id(&made), "trial_end").await;
    assert_eq!(keys().await, ["items", "latest_invoice", "status"]);
    server.stop().await;
}
