//! Pausing and resuming subscriptions.

use reqwest::Method;
use serde_json::json;

use crate::test_server::{DAY_SECS, START_SECS, TestServer, id};

/// The first period of a subscription: November 14 to December 14.
const FIRST_PERIOD_SECS: i64 = 30 * DAY_SECS;

#[tokio::test]
async fn a_paused_subscription_is_not_billed_and_unused_time_is_credited() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
    let created = server.subscribe(&customer, &[]).await;
    let path = format!("/v1/subscriptions/{}", id(&created));
    server.advance_days(15).await;
    let paused = server.post(&format!("{path}/pause"), &[]).await;
    assert_eq!(paused["status"], "paused");
    assert_eq!(
        paused["status_details"]["paused"],
        json!({
            "subscription": {"type": "pause_requested"},
            "transitioned_at": START_SECS + 15 * DAY_SECS,
            "type": "subscription",
        })
    );
    // Other changes keep the time of the pause.
    server.advance_wall_clock(60);
    let updated = server.post(&path, &[("metadata[a]", "1")]).await;
    assert_eq!(
        updated["status_details"]["paused"]["transitioned_at"],
        START_SECS + 15 * DAY_SECS
    );

    server.advance_days(100).await;
    assert_eq!(
        server.get("/v1/invoices").await["data"].as_array().map(Vec::len),
        Some(1),
        "a paused subscription has no new period"
    );
    let resumed = server.post(&format!("{path}/resume"), &[]).await;
    assert_eq!(resumed["status"], "active");
    assert_eq!(resumed.get("status_details"), None);
    let start = START_SECS + 115 * DAY_SECS + 60;
    assert_eq!(resumed["items"]["data"][0]["current_period_start"], start);
    assert_eq!(resumed["billing_cycle_anchor"], start);
    let invoice = server
        .get(&format!(
            "/v1/invoices/{}",
            resumed["latest_invoice"].as_str().unwrap()
        ))
        .await;
    assert_eq!(
        (&invoice["status"], &invoice["amount_paid"]),
        (&json!("paid"), &json!(600)),
        "one month less half a month of credit"
    );
    let names = server.history().await;
    for name in ["customer.subscription.paused", "customer.subscription.resumed"] {
        assert_eq!(names.iter().filter(|known| *known == name).count(), 1, "{name}");
    }

    // The credit is used once.
    server.advance_until(id(&created), "payment").await;
    let charges = server.get("/v1/charges").await;
    let amounts: Vec<_> = charges["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|charge| charge["amount"].as_i64().unwrap())
        .collect();
    assert_eq!(amounts, [1200, 600, 1200]);
    server.stop().await;
}

#[tokio::test]
async fn resuming_with_an_unchanged_anchor_keeps_the_billing_cycle() {
    // Proration behavior, the amount that is billed immediately, and the amount of the next renewal.
    for (behavior, immediate, next) in [
        ("none", None, 1200),
        ("create_prorations", None, 1800),
        ("always_invoice", Some(600), 1200),
    ] {
        let server = TestServer::start().await;
        let customer = server.customer_with_card("pm_card_visa").await;
        let created = server.subscribe(&customer, &[]).await;
        let path = format!("/v1/subscriptions/{}", id(&created));
        server
            .post(
                &format!("{path}/pause"),
                &[("bill_for[unused_time_from][type]", "none")],
            )
            .await;
        // In the middle of the second period: December 14 to January 14.
        server.advance_days(30).await;
        server
            .control("clock", json!({"advance": 31 * DAY_SECS / 2}))
            .await;
        let resumed = server
            .post(
                &format!("{path}/resume"),
                &[
                    ("billing_cycle_anchor[type]", "unchanged"),
                    ("proration_behavior", behavior),
                ],
            )
            .await;
        let item = &resumed["items"]["data"][0];
        assert_eq!(
            (&item["current_period_start"], &item["current_period_end"]),
            (
                &json!(START_SECS + FIRST_PERIOD_SECS),
                &json!(START_SECS + FIRST_PERIOD_SECS + 31 * DAY_SECS)
            ),
            "{behavior}"
        );
        assert_eq!(resumed["billing_cycle_anchor"], START_SECS);
        let newest = async || server.get("/v1/charges").await["data"][0]["amount"].clone();
        assert_eq!(newest().await, immediate.unwrap_or(1200), "{behavior}");
        server.advance_until(id(&created), "payment").await;
        assert_eq!(newest().await, next, "{behavior}");
        server.stop().await;
    }
}

#[tokio::test]
async fn only_active_flexible_subscriptions_are_paused() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
    for form in [("trial_period_days", "3"), ("billing_mode[type]", "classic")] {
        let created = server.subscribe(&customer, &[form]).await;
        let path = format!("/v1/subscriptions/{}/pause", id(&created));
        assert_eq!(
            server.expect_error(Method::POST, &path, &[]).await.0,
            400,
            "{form:?}"
        );
    }
    let created = server.subscribe(&customer, &[]).await;
    let path = format!("/v1/subscriptions/{}", id(&created));
    // A credit cannot be paid out.
    let (status, error) = server
        .expect_error(
            Method::POST,
            &format!("{path}/pause"),
            &[("invoicing_behavior", "invoice")],
        )
        .await;
    assert_eq!((status, &error["param"]), (400, &json!("invoicing_behavior")));
    assert_eq!(
        server
            .expect_error(Method::POST, &format!("{path}/resume"), &[])
            .await
            .0,
        400
    );
    server.post(&format!("{path}/pause"), &[]).await;
    assert_eq!(
        server
            .expect_error(Method::POST, &format!("{path}/pause"), &[])
            .await
            .0,
        400
    );
    server.stop().await;
}

#[tokio::test]
async fn a_scheduled_cancellation_takes_effect_during_a_pause() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
    let created = server
        .subscribe(&customer, &[("cancel_at_period_end", "true")])
        .await;
    let path = format!("/v1/subscriptions/{}", id(&created));
    server.post(&format!("{path}/pause"), &[]).await;
    server.advance_days(31).await;
    let ended = server.get(&path).await;
    assert_eq!(
        (&ended["status"], &ended["ended_at"]),
        (&json!("canceled"), &json!(START_SECS + FIRST_PERIOD_SECS))
    );
    assert_eq!(ended.get("status_details"), None);
    server.stop().await;
}

#[tokio::test]
async fn invoices_of_a_collection_pause_are_not_collected() {
    for (behavior, status) in [("keep_as_draft", "draft"), ("void", "void")] {
        let server = TestServer::start().await;
        let customer = server.customer_with_card("pm_card_visa").await;
        let created = server.subscribe(&customer, &[]).await;
        let path = format!("/v1/subscriptions/{}", id(&created));
        let paused = server
            .post(&path, &[("pause_collection[behavior]", behavior)])
            .await;
        assert_eq!(
            paused["pause_collection"],
            json!({"behavior": behavior, "resumes_at": null})
        );
        server.advance_days(35).await;
        let invoices = server.get("/v1/invoices").await;
        assert_eq!(invoices["data"][0]["status"], status, "{behavior}");
        assert_eq!(
            invoices["data"][0]["billing_reason"], "subscription_cycle",
            "{behavior}"
        );
        assert_eq!(server.get(&path).await["status"], "active", "{behavior}");

        let resumed = server.post(&path, &[("pause_collection", "")]).await;
        assert_eq!(resumed["pause_collection"], json!(null));
        server.advance_days(35).await;
        let invoices = server.get("/v1/invoices").await;
        assert_eq!(invoices["data"][0]["status"], "paid", "{behavior}");
    }
}
