//! Subscriptions from the first second to the last renewal.

use reqwest::Method;
use serde_json::json;

use crate::test_server::{DAY_SECS, START_SECS, TestServer, id};

const TRIAL: [(&str, &str); 1] = [("trial_period_days", "10")];

#[tokio::test]
async fn a_trial_converts_and_renews() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
    let created = server.subscribe(&customer, &TRIAL).await;
    let subscription = id(&created);
    assert_eq!(created["status"], "trialing");
    assert_eq!(created["trial_end"], START_SECS + 10 * DAY_SECS);
    assert_eq!(
        created["items"]["data"][0]["current_period_end"],
        START_SECS + 10 * DAY_SECS
    );
    let first = server
        .get(&format!("/v1/invoices?subscription={subscription}"))
        .await;
    assert_eq!(first["data"][0]["billing_reason"], "subscription_create");
    assert_eq!(
        (&first["data"][0]["status"], &first["data"][0]["amount_paid"]),
        (&json!("paid"), &json!(0))
    );

    server.advance_days(7).await;
    assert!(
        server
            .history()
            .await
            .contains(&"customer.subscription.trial_will_end".to_owned())
    );

    // The subscription is active at the trial's end. The invoice remains a draft for an hour.
    server.advance_until(subscription, "trial_end").await;
    let active = server.subscription(subscription).await;
    assert_eq!(active["status"], "active");
    let draft = server
        .get(&format!(
            "/v1/invoices/{}",
            active["latest_invoice"].as_str().unwrap()
        ))
        .await;
    assert_eq!(
        (&draft["status"], &draft["billing_reason"]),
        (&json!("draft"), &json!("subscription_cycle"))
    );
    assert_eq!(
        draft["automatically_finalizes_at"],
        START_SECS + 10 * DAY_SECS + 3600
    );
    let events = server.get("/v1/events?limit=2").await;
    let updated = &events["data"][1];
    assert_eq!(updated["type"], "customer.subscription.updated");
    let previous = &updated["data"]["previous_attributes"];
    assert_eq!(previous["status"], "trialing");
    assert_eq!(
        previous["items"]["data"][0]["current_period_end"],
        START_SECS + 10 * DAY_SECS
    );
    assert_eq!(previous["latest_invoice"], first["data"][0]["id"]);
    assert_eq!(
        updated["created"], START_SECS,
        "events have the time of the wall clock"
    );
    assert_eq!(updated["request"], json!({"id": null, "idempotency_key": null}));

    let before = server.history().await.len();
    server.advance_until(subscription, "payment").await;
    assert_eq!(
        server.history().await[before..],
        [
            "invoice.finalized",
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice_payment.paid",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
        ]
    );
    let paid = server
        .get(&format!("/v1/invoices/{}?expand[]=payments", id(&draft)))
        .await;
    assert_eq!(
        (&paid["status"], &paid["amount_paid"]),
        (&json!("paid"), &json!(1200))
    );
    let payment = &paid["payments"]["data"][0];
    let intent = payment["payment"]["payment_intent"].as_str().unwrap();
    let found = server
        .get(&format!(
            "/v1/invoice_payments?payment[type]=payment_intent&payment[payment_intent]={intent}"
        ))
        .await;
    assert_eq!(found["data"][0]["invoice"], paid["id"]);

    server.advance_until(subscription, "period_end").await;
    server.advance_until(subscription, "payment").await;
    let history = server.history().await;
    assert!(history.contains(&"invoice.upcoming".to_owned()));
    let charges = server.get("/v1/charges").await;
    assert_eq!(charges["data"].as_array().map(Vec::len), Some(2));
    server.stop().await;
}

#[tokio::test]
async fn a_trial_without_a_card_ends_as_configured() {
    // Setting, final status, last event.
    let cases = [
        ("cancel", "canceled", "customer.subscription.deleted"),
        ("pause", "paused", "customer.subscription.paused"),
        ("create_invoice", "active", "invoice.created"),
    ];
    for (behavior, status, event) in cases {
        let server = TestServer::start().await;
        let customer = server.customer().await;
        let created = server
            .subscribe(
                &customer,
                &[
                    ("trial_period_days", "3"),
                    ("trial_settings[end_behavior][missing_payment_method]", behavior),
                ],
            )
            .await;
        assert!(
            server
                .history()
                .await
                .contains(&"customer.subscription.trial_will_end".to_owned()),
            "the notice of a short trial is sent immediately"
        );
        server.advance_until(id(&created), "trial_end").await;
        assert_eq!(
            server.subscription(id(&created)).await["status"],
            status,
            "{behavior}"
        );
        assert_eq!(
            server.history().await.last().map(String::as_str),
            Some(event),
            "{behavior}"
        );
        if behavior == "pause" {
            server.set_default_card(&customer, "pm_card_visa").await;
            let resumed = server
                .post(&format!("/v1/subscriptions/{}/resume", id(&created)), &[])
                .await;
            assert_eq!(resumed["status"], "active");
            let history = server.history().await;
            assert!(history.contains(&"customer.subscription.resumed".to_owned()));
            assert!(history.contains(&"charge.succeeded".to_owned()));
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn a_cancellation_is_undone_twice() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
    let created = server.subscribe(&customer, &TRIAL).await;
    let path = format!("/v1/subscriptions/{}", id(&created));
    let mut seconds = Vec::new();
    for _ in 0..2 {
        let canceled = server
            .post(
                &path,
                &[("cancel_at_period_end", "true"), ("metadata[click]", "1")],
            )
            .await;
        assert_eq!(canceled["cancel_at_period_end"], true);
        assert_eq!(canceled["cancel_at"], START_SECS + 10 * DAY_SECS);
        assert_eq!(
            canceled["cancellation_details"]["reason"],
            "cancellation_requested"
        );
        seconds.push(canceled["canceled_at"].as_i64().unwrap());
        let resumed = server
            .post(
                &path,
                &[("cancel_at_period_end", "false"), ("metadata[click]", "2")],
            )
            .await;
        assert_eq!(resumed["cancel_at"], json!(null));
        assert_eq!(resumed["canceled_at"], json!(null));
    }
    assert!(
        seconds[0] < seconds[1],
        "no two changes share a second: {seconds:?}"
    );
    let events = server.get("/v1/events?type=customer.subscription.updated").await;
    let previous = &events["data"][1]["data"]["previous_attributes"];
    assert_eq!(previous["cancel_at_period_end"], false);
    assert_eq!(previous["cancel_at"], json!(null));
    assert_eq!(previous["metadata"], json!({"click": "2"}));

    server.post(&path, &[("cancel_at_period_end", "true")]).await;
    server.advance_until(id(&created), "trial_end").await;
    let ended = server.get(&path).await;
    assert_eq!(
        (&ended["status"], &ended["ended_at"]),
        (&json!("canceled"), &json!(START_SECS + 10 * DAY_SECS))
    );
    assert!(!server.history().await.contains(&"charge.succeeded".to_owned()));
    let (status, _) = server
        .expect_error(Method::POST, &path, &[("cancel_at_period_end", "true")])
        .await;
    assert_eq!(status, 400);
    server.stop().await;
}

#[tokio::test]
async fn a_change_from_monthly_to_yearly_is_billed_immediately() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
    let created = server.subscribe(&customer, &[]).await;
    let item = &created["items"]["data"][0];
    let product = item["price"]["product"].as_str().unwrap();
    let yearly = server
        .post(
            "/v1/prices",
            &[
                ("product", product),
                ("currency", "usd"),
                ("unit_amount", "12000"),
                ("recurring[interval]", "year"),
            ],
        )
        .await;
    server.advance_days(5).await;
    let changed = server
        .post(
            &format!("/v1/subscriptions/{}", id(&created)),
            &[
                ("items[0][id]", id(item)),
                ("items[0][price]", id(&yearly)),
                ("proration_behavior", "none"),
                ("metadata[click]", "2"),
                ("expand[0]", "latest_invoice"),
            ],
        )
        .await;
    let invoice = &changed["latest_invoice"];
    assert_eq!(
        (&invoice["status"], &invoice["amount_paid"]),
        (&json!("paid"), &json!(12000))
    );
    assert_eq!(invoice["billing_reason"], "subscription_update");
    assert_eq!(
        invoice["parent"]["subscription_details"]["metadata"],
        json!({"click": "2"}),
        "the invoice has the metadata of the change"
    );
    let start = changed["items"]["data"][0]["current_period_start"]
        .as_i64()
        .unwrap();
    let end = changed["items"]["data"][0]["current_period_end"]
        .as_i64()
        .unwrap();
    assert_eq!(end - start, 366 * DAY_SECS, "the year has a leap day");
    let events = server.get("/v1/events?type=customer.subscription.updated").await;
    assert_eq!(
        events["data"].as_array().map(Vec::len),
        Some(1),
        "one change, one event"
    );
    server.stop().await;
}
