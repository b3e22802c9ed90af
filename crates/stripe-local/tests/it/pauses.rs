//! Subscriptions set aside by request, and taken up again.

use reqwest::Method;
use serde_json::json;

use crate::support::{DAY, START, Server, id};

/// The current period of a subscription: 30 days from the start.
const MONTH: i64 = 30 * DAY;

#[tokio::test]
async fn a_paused_subscription_is_not_billed_and_its_rest_is_given_back() {
    let server = Server::start().await;
    let customer = server.customer_with("pm_card_visa").await;
    let made = server.subscribe(&customer, &[]).await;
    let path = format!("/v1/subscriptions/{}", id(&made));
    server.jump_days(15).await;
    let paused = server.post(&format!("{path}/pause"), &[]).await;
    assert_eq!(paused["status"], "paused");
    assert_eq!(
        paused["status_details"]["paused"],
        json!({
            "subscription": {"type": "pause_requested"},
            "transitioned_at": START + 15 * DAY,
            "type": "subscription",
        })
    );
    // A change of something else leaves the moment of the pause alone.
    server.pass(60);
    let noted = server.post(&path, &[("metadata[a]", "1")]).await;
    assert_eq!(
        noted["status_details"]["paused"]["transitioned_at"],
        START + 15 * DAY
    );

    server.jump_days(100).await;
    assert_eq!(
        server.get("/v1/invoices").await["data"].as_array().map(Vec::len),
        Some(1),
        "no period begins in a pause"
    );
    let resumed = server.post(&format!("{path}/resume"), &[]).await;
    assert_eq!(resumed["status"], "active");
    assert_eq!(resumed.get("status_details"), None);
    let start = START + 115 * DAY + 60;
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
        "a month, less the half of one"
    );
    let names = server.history().await;
    for name in ["customer.subscription.paused", "customer.subscription.resumed"] {
        assert_eq!(names.iter().filter(|known| *known == name).count(), 1, "{name}");
    }

    // The credit is used up.
    server.jump_until(id(&made), "payment").await;
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
async fn a_resumption_in_step_keeps_the_periods_where_they_were() {
    // What is billed for the rest of the running period, and whether at once.
    for (behavior, at_once, next) in [
        ("none", None, 1200),
        ("create_prorations", None, 1800),
        ("always_invoice", Some(600), 1200),
    ] {
        let server = Server::start().await;
        let customer = server.customer_with("pm_card_visa").await;
        let made = server.subscribe(&customer, &[]).await;
        let path = format!("/v1/subscriptions/{}", id(&made));
        server
            .post(
                &format!("{path}/pause"),
                &[("bill_for[unused_time_from][type]", "none")],
            )
            .await;
        // Into the second period: December 14 to January 14.
        server.jump_days(30).await;
        server.control("clock", json!({"advance": 31 * DAY / 2})).await;
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
            (&json!(START + MONTH), &json!(START + MONTH + 31 * DAY)),
            "{behavior}"
        );
        assert_eq!(resumed["billing_cycle_anchor"], START);
        let newest = async || server.get("/v1/charges").await["data"][0]["amount"].clone();
        assert_eq!(newest().await, at_once.unwrap_or(1200), "{behavior}");
        server.jump_until(id(&made), "payment").await;
        assert_eq!(newest().await, next, "{behavior}");
        server.stop().await;
    }
}

#[tokio::test]
async fn what_cannot_be_paused() {
    let server = Server::start().await;
    let customer = server.customer_with("pm_card_visa").await;
    for form in [("trial_period_days", "3"), ("billing_mode[type]", "classic")] {
        let made = server.subscribe(&customer, &[form]).await;
        let path = format!("/v1/subscriptions/{}/pause", id(&made));
        assert_eq!(server.refused(Method::POST, &path, &[]).await.0, 400, "{form:?}");
    }
    let made = server.subscribe(&customer, &[]).await;
    let path = format!("/v1/subscriptions/{}", id(&made));
    // A credit cannot be paid out here.
    let (status, error) = server
        .refused(
            Method::POST,
            &format!("{path}/pause"),
            &[("invoicing_behavior", "invoice")],
        )
        .await;
    assert_eq!((status, &error["param"]), (400, &json!("invoicing_behavior")));
    assert_eq!(
        server
            .refused(Method::POST, &format!("{path}/resume"), &[])
            .await
            .0,
        400
    );
    server.post(&format!("{path}/pause"), &[]).await;
    assert_eq!(
        server
            .refused(Method::POST, &format!("{path}/pause"), &[])
            .await
            .0,
        400
    );
    server.stop().await;
}

#[tokio::test]
async fn a_planned_end_comes_in_a_pause_too() {
    let server = Server::start().await;
    let customer = server.customer_with("pm_card_visa").await;
    let made = server
        .subscribe(&customer, &[("cancel_at_period_end", "true")])
        .await;
    let path = format!("/v1/subscriptions/{}", id(&made));
    server.post(&format!("{path}/pause"), &[]).await;
    server.jump_days(31).await;
    let ended = server.get(&path).await;
    assert_eq!(
        (&ended["status"], &ended["ended_at"]),
        (&json!("canceled"), &json!(START + MONTH))
    );
    assert_eq!(ended.get("status_details"), None);
    server.stop().await;
}
