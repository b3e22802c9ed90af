//! Test clocks, and moving the clock of a subscription.

use reqwest::Method;
use serde_json::json;

use crate::test_server::{DAY_SECS, START_SECS, TestServer, id, send};

const TRIAL: [(&str, &str); 1] = [("trial_period_days", "10")];

#[tokio::test]
async fn a_test_clock_is_independent_of_the_global_clock() {
    let server = TestServer::start().await;
    let frozen = (START_SECS - 100 * DAY_SECS).to_string();
    let clock = server
        .post("/v1/test_helpers/test_clocks", &[("frozen_time", &frozen)])
        .await;
    let customer = server
        .post(
            "/v1/customers",
            &[("test_clock", id(&clock)), ("email", "a@example.com")],
        )
        .await;
    server.set_default_card(id(&customer), "pm_card_visa").await;
    let created = server
        .subscribe(id(&customer), &[("trial_period_days", "3")])
        .await;
    assert_eq!(created["created"], START_SECS - 100 * DAY_SECS);
    server.advance_days(30).await;
    assert_eq!(
        server.subscription(id(&created)).await["status"],
        "trialing",
        "the global clock does not affect test clocks"
    );
    let path = format!("/v1/test_helpers/test_clocks/{}", id(&clock));
    let target = START_SECS - 97 * DAY_SECS + 3600;
    let advanced = server
        .post(
            &format!("{path}/advance"),
            &[("frozen_time", &target.to_string())],
        )
        .await;
    assert_eq!(advanced["status"], "advancing");
    let ready = server.get(&path).await;
    assert_eq!(
        (&ready["status"], &ready["frozen_time"]),
        (&json!("ready"), &json!(target))
    );
    assert_eq!(server.subscription(id(&created)).await["status"], "active");
    let charges = server
        .get(&format!("/v1/charges?customer={}", id(&customer)))
        .await;
    assert_eq!(charges["data"][0]["created"], target);

    // The test clock advances if two changes would have the same second.
    let subscription = format!("/v1/subscriptions/{}", id(&created));
    let one = server
        .post(&subscription, &[("cancel_at_period_end", "true")])
        .await;
    server
        .post(&subscription, &[("cancel_at_period_end", "false")])
        .await;
    let two = server
        .post(&subscription, &[("cancel_at_period_end", "true")])
        .await;
    assert!(one["canceled_at"].as_i64() < two["canceled_at"].as_i64());

    let far = (target + 200 * DAY_SECS).to_string();
    let (status, _) = server
        .expect_error(Method::POST, &format!("{path}/advance"), &[("frozen_time", &far)])
        .await;
    assert_eq!(status, 400, "two intervals at most");
    server.delete(&path, &[]).await;
    assert_eq!(
        server.get(&format!("/v1/customers/{}", id(&customer))).await["deleted"],
        true
    );
    server.stop().await;
}

#[tokio::test]
async fn moving_to_the_next_payment_completes_a_trial_and_renewals() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
    let created = server.subscribe(&customer, &TRIAL).await;
    for paid in 1..=3 {
        server.advance_until(id(&created), "payment").await;
        let now = server.subscription(id(&created)).await;
        let invoice = server
            .get(&format!(
                "/v1/invoices/{}",
                now["latest_invoice"].as_str().unwrap()
            ))
            .await;
        assert_eq!(
            (&now["status"], &invoice["status"]),
            (&json!("active"), &json!("paid"))
        );
        let charges = server.get("/v1/charges").await;
        assert_eq!(charges["data"].as_array().map(Vec::len), Some(paid));
    }
    server.stop().await;
}

#[tokio::test]
async fn moving_to_a_payment_that_is_not_due_is_rejected() {
    let server = TestServer::start().await;
    let behavior = "trial_settings[end_behavior][missing_payment_method]";
    let without_card = server.customer().await;
    let trial = server
        .subscribe(&without_card, &[TRIAL[0], (behavior, "cancel")])
        .await;
    let with_card = server.customer_with_card("pm_card_visa").await;
    let ending = server
        .subscribe(&with_card, &[("cancel_at_period_end", "true")])
        .await;
    for subscription in [&trial, &ending] {
        let body = json!({"subscription": id(subscription), "until": "payment"});
        let request = server
            .client
            .post(format!("{}/_sim/clock", server.url))
            .json(&body);
        assert_eq!(send(request).await.0, 400);
    }
    server.advance_until(id(&trial), "trial_end").await;
    assert_eq!(server.subscription(id(&trial)).await["status"], "canceled");
    server.stop().await;
}
