//! Failing payments, retries and refunds.

use reqwest::Method;
use serde_json::json;

use crate::test_server::{DAY_SECS, START_SECS, TestServer, id};

const TRIAL: [(&str, &str); 1] = [("trial_period_days", "10")];

#[tokio::test]
async fn a_failed_payment_recovers_with_a_new_card() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_chargeCustomerFail").await;
    let created = server.subscribe(&customer, &TRIAL).await;
    server.advance_until(id(&created), "trial_end").await;
    server.advance_until(id(&created), "payment").await;
    let failed = server.subscription(id(&created)).await;
    assert_eq!(failed["status"], "past_due");
    let invoice = server
        .get(&format!(
            "/v1/invoices/{}",
            failed["latest_invoice"].as_str().unwrap()
        ))
        .await;
    assert_eq!(
        (&invoice["status"], &invoice["attempt_count"]),
        (&json!("open"), &json!(1))
    );
    assert_eq!(invoice["next_payment_attempt"], START_SECS + 13 * DAY_SECS + 3600);
    let history = server.history().await;
    let tail: Vec<&str> = history.iter().rev().take(5).rev().map(String::as_str).collect();
    assert_eq!(
        tail,
        [
            "charge.failed",
            "payment_intent.payment_failed",
            "invoice.payment_failed",
            "invoice.updated",
            "customer.subscription.updated",
        ]
    );
    let (status, error) = server
        .expect_error(Method::POST, &format!("/v1/invoices/{}/pay", id(&invoice)), &[])
        .await;
    assert_eq!((status, &error["code"]), (402, &json!("card_declined")));
    let again = server.get(&format!("/v1/invoices/{}", id(&invoice))).await;
    assert_eq!(again["attempt_count"], 2, "a failed attempt is saved");

    server.set_default_card(&customer, "pm_card_visa").await;
    server.advance_days(10).await;
    let recovered = server.subscription(id(&created)).await;
    assert_eq!(recovered["status"], "active");
    assert_eq!(
        server.get("/v1/events?type=customer.subscription.updated").await["data"][0]["data"]["previous_attributes"]
            ["status"],
        "past_due"
    );
    server.stop().await;
}

#[tokio::test]
async fn the_last_failed_retry_cancels_the_subscription() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_chargeCustomerFail").await;
    let created = server.subscribe(&customer, &TRIAL).await;
    server.advance_days(10 + 3 + 5 + 7 + 1).await;
    let ended = server.subscription(id(&created)).await;
    assert_eq!(ended["status"], "canceled");
    assert_eq!(ended["cancellation_details"]["reason"], "payment_failed");
    let failures = server.get("/v1/events?type=invoice.payment_failed").await;
    assert_eq!(failures["data"].as_array().map(Vec::len), Some(4));
    let invoice = server
        .get(&format!(
            "/v1/invoices/{}",
            ended["latest_invoice"].as_str().unwrap()
        ))
        .await;
    assert_eq!(
        (&invoice["attempt_count"], &invoice["next_payment_attempt"]),
        (&json!(4), &json!(null))
    );
    server.advance_days(60).await;
    assert_eq!(server.subscription(id(&created)).await["status"], "canceled");
    server.stop().await;
}

#[tokio::test]
async fn a_failed_first_payment_expires_or_is_rejected() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_chargeCustomerFail").await;
    let created = server.subscribe(&customer, &[]).await;
    assert_eq!(created["status"], "incomplete");
    server.advance_days(1).await;
    assert_eq!(
        server.subscription(id(&created)).await["status"],
        "incomplete_expired"
    );
    assert!(server.history().await.contains(&"invoice.voided".to_owned()));

    let price = server.price().await;
    let form = [
        ("customer", customer.as_str()),
        ("items[0][price]", &price),
        ("payment_behavior", "error_if_incomplete"),
    ];
    let (status, error) = server
        .expect_error(Method::POST, "/v1/subscriptions", &form)
        .await;
    assert_eq!((status, &error["type"]), (402, &json!("card_error")));
    let all = server.get("/v1/subscriptions?status=all").await;
    assert_eq!(
        all["data"].as_array().map(Vec::len),
        Some(1),
        "the rejected subscription does not exist"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_payment_is_disputed_and_lost_or_won() {
    for won in [false, true] {
        let server = TestServer::start().await;
        let customer = server.customer_with_card("pm_card_visa").await;
        server.subscribe(&customer, &[]).await;
        let charge = server.get("/v1/charges").await["data"][0].clone();
        server
            .control(
                &format!("charges/{}/dispute", id(&charge)),
                json!({"amount": 700}),
            )
            .await;
        let dispute = server.get("/v1/disputes?expand[]=data.charge").await["data"][0].clone();
        assert_eq!(
            (
                &dispute["amount"],
                &dispute["status"],
                &dispute["charge"]["customer"]
            ),
            (&json!(700), &json!("needs_response"), &json!(customer))
        );
        server
            .control(&format!("disputes/{}/close", id(&dispute)), json!({"won": won}))
            .await;
        let closed = server.get(&format!("/v1/disputes/{}", id(&dispute))).await;
        assert_eq!(closed["status"], if won { "won" } else { "lost" });
        let history = server.history().await;
        for (name, is_sent) in [
            ("charge.dispute.created", true),
            ("charge.dispute.funds_withdrawn", true),
            ("charge.dispute.funds_reinstated", won),
            ("charge.dispute.closed", true),
        ] {
            assert_eq!(history.contains(&name.to_owned()), is_sent, "{name}, won: {won}");
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn a_refund_can_fail_afterwards() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
    server.subscribe(&customer, &[]).await;
    let charge = server.get("/v1/charges").await["data"][0].clone();
    assert_eq!(charge["amount"], 1200);
    let refund = server
        .post(
            "/v1/refunds",
            &[
                ("charge", id(&charge)),
                ("amount", "500"),
                ("reason", "requested_by_customer"),
            ],
        )
        .await;
    assert_eq!(
        (&refund["status"], &refund["amount"]),
        (&json!("succeeded"), &json!(500))
    );
    let events = server.get("/v1/events?limit=2").await;
    assert_eq!(events["data"][1]["type"], "refund.created");
    assert!(
        refund["balance_transaction"].is_string(),
        "a refund has a balance transaction"
    );
    assert_eq!(events["data"][0]["type"], "charge.refunded");
    assert_eq!(
        events["data"][0]["data"]["previous_attributes"],
        json!({"amount_refunded": 0})
    );
    let intent = charge["payment_intent"].as_str().unwrap();
    let rest = server.post("/v1/refunds", &[("payment_intent", intent)]).await;
    assert_eq!(rest["amount"], 700);
    let (_, error) = server
        .expect_error(Method::POST, "/v1/refunds", &[("charge", id(&charge))])
        .await;
    assert_eq!(error["code"], "charge_already_refunded");

    server
        .control(&format!("refunds/{}/fail", id(&refund)), json!({}))
        .await;
    let failed = server.get(&format!("/v1/refunds/{}", id(&refund))).await;
    assert_eq!(failed["balance_transaction"], refund["balance_transaction"]);
    assert!(
        failed["failure_balance_transaction"].is_string(),
        "a failed refund has a second balance transaction"
    );
    assert_eq!(failed["status"], "failed");
    assert_eq!(
        server.get(&format!("/v1/charges/{}", id(&charge))).await["amount_refunded"],
        700
    );
    assert!(server.history().await.contains(&"refund.failed".to_owned()));
    server.stop().await;
}
