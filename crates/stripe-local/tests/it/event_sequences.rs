//! The order of events in less common cases.

use serde_json::{Value, json};
use stripe_local::{AccountRules, AfterLastRetry, StripeStandInSettings};

use crate::test_server::{DAY_SECS, START_SECS, TestServer, id};

const TRIAL: [(&str, &str); 1] = [("trial_period_days", "10")];

/// The events after the first `before` events.
async fn events_since(server: &TestServer, before: usize) -> Vec<String> {
    server.history().await.split_off(before)
}

#[tokio::test]
async fn a_cancellation_at_period_end_moves_with_the_period() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
    let created = server.subscribe(&customer, &TRIAL).await;
    let path = format!("/v1/subscriptions/{}", id(&created));
    server.post(&path, &[("cancel_at_period_end", "true")]).await;
    let later = (START_SECS + 20 * DAY_SECS).to_string();
    let moved = server.post(&path, &[("trial_end", &later)]).await;
    assert_eq!(
        (&moved["cancel_at"], &moved["cancel_at_period_end"]),
        (&json!(START_SECS + 20 * DAY_SECS), &json!(true))
    );
    server.advance_until(id(&created), "trial_end").await;
    let ended = server.get(&path).await;
    assert_eq!(
        (&ended["status"], &ended["ended_at"]),
        (&json!("canceled"), &json!(START_SECS + 20 * DAY_SECS))
    );
    assert_eq!(server.get("/v1/charges").await["data"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn a_trial_billed_without_a_card_becomes_past_due_an_hour_later() {
    let server = TestServer::start().await;
    let customer = server.customer().await;
    let created = server.subscribe(&customer, &TRIAL).await;
    server.advance_until(id(&created), "trial_end").await;
    let before = server.history().await.len();
    server.advance_until(id(&created), "payment").await;
    assert_eq!(
        events_since(&server, before).await,
        [
            "invoice.finalized",
            "payment_intent.created",
            "payment_intent.payment_failed",
            "invoice.payment_failed",
            "invoice.updated",
            "customer.subscription.updated",
        ]
    );
    assert_eq!(server.subscription(id(&created)).await["status"], "past_due");
    server.stop().await;
}

#[tokio::test]
async fn a_renewal_that_needs_confirmation_becomes_past_due() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_threeDSecure2Required").await;
    let created = server.subscribe(&customer, &TRIAL).await;
    server.advance_until(id(&created), "trial_end").await;
    let before = server.history().await.len();
    server.advance_until(id(&created), "payment").await;
    assert_eq!(
        events_since(&server, before).await,
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
    let past_due = server.subscription(id(&created)).await;
    assert_eq!(past_due["status"], "past_due");
    server.stop().await;
}

#[tokio::test]
async fn the_last_failed_retry_applies_the_account_rule() {
    for (rule, status) in [
        (AfterLastRetry::Cancel, "canceled"),
        (AfterLastRetry::MarkUnpaid, "unpaid"),
        (AfterLastRetry::LeavePastDue, "past_due"),
    ] {
        let server = TestServer::start_with(StripeStandInSettings {
            rules: AccountRules {
                after_last_retry: rule,
                ..AccountRules::default()
            },
            ..StripeStandInSettings::default()
        })
        .await;
        let customer = server.customer_with_card("pm_card_chargeCustomerFail").await;
        let created = server.subscribe(&customer, &TRIAL).await;
        server.advance_days(10 + 3 + 5 + 7 + 1).await;
        let after = server.subscription(id(&created)).await;
        assert_eq!(after["status"], status);
        if rule != AfterLastRetry::Cancel {
            // A valid card and a manual payment activate the subscription again.
            server.set_default_card(&customer, "pm_card_visa").await;
            let invoice = after["latest_invoice"].as_str().unwrap();
            server.post(&format!("/v1/invoices/{invoice}/pay"), &[]).await;
            assert_eq!(
                server.subscription(id(&created)).await["status"],
                "active",
                "{rule:?}"
            );
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn a_first_payment_within_a_day_activates_the_subscription() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_chargeCustomerFail").await;
    let created = server.subscribe(&customer, &[]).await;
    assert_eq!(created["status"], "incomplete");
    server.set_default_card(&customer, "pm_card_visa").await;
    let before = server.history().await.len();
    let invoice = created["latest_invoice"].as_str().unwrap();
    server.post(&format!("/v1/invoices/{invoice}/pay"), &[]).await;
    assert_eq!(
        events_since(&server, before).await,
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
    server.advance_days(2).await;
    assert_eq!(server.subscription(id(&created)).await["status"], "active");
    server.stop().await;
}

#[tokio::test]
async fn a_trial_ended_by_request_sends_a_notice_and_is_paid_immediately() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
    let created = server.subscribe(&customer, &TRIAL).await;
    let before = server.history().await.len();
    let path = format!("/v1/subscriptions/{}", id(&created));
    let ended = server
        .post(&path, &[("trial_end", "now"), ("expand[]", "latest_invoice")])
        .await;
    assert_eq!(
        (&ended["status"], &ended["latest_invoice"]["status"]),
        (&json!("active"), &json!("paid"))
    );
    let names = events_since(&server, before).await;
    assert!(
        names.contains(&"customer.subscription.trial_will_end".to_owned()),
        "{names:?}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_full_refund_has_previous_attributes() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
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
async fn deleting_a_test_clock_deletes_its_customers() {
    let server = TestServer::start().await;
    let frozen = START_SECS.to_string();
    let clock = server
        .post("/v1/test_helpers/test_clocks", &[("frozen_time", &frozen)])
        .await;
    let customer = server.post("/v1/customers", &[("test_clock", id(&clock))]).await;
    let created = server.subscribe(id(&customer), &TRIAL).await;
    let before = server.history().await.len();
    server
        .delete(&format!("/v1/test_helpers/test_clocks/{}", id(&clock)), &[])
        .await;
    assert_eq!(
        events_since(&server, before).await,
        [
            "customer.subscription.deleted",
            "customer.deleted",
            "test_helpers.test_clock.deleted",
        ]
    );
    let (status, _) = server
        .expect_error(
            reqwest::Method::POST,
            &format!("/v1/subscriptions/{}", id(&created)),
            &[("metadata[a]", "1")],
        )
        .await;
    assert_eq!(status, 400);
    server.stop().await;
}

#[tokio::test]
async fn previous_attributes_list_only_changes() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
    let created = server.subscribe(&customer, &TRIAL).await;
    let path = format!("/v1/subscriptions/{}", id(&created));
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
    server.advance_until(id(&created), "trial_end").await;
    assert_eq!(keys().await, ["items", "latest_invoice", "status"]);
    server.stop().await;
}
