//! Lives of subscriptions, from the first second to the last.

use reqwest::Method;
use serde_json::json;

use crate::support::{DAY, START, Server, answer, id};

const TRIAL: [(&str, &str); 1] = [("trial_period_days", "10")];

#[tokio::test]
async fn a_trial_converts_and_renews() {
    let server = Server::start().await;
    let customer = server.customer_with("pm_card_visa").await;
    let made = server.subscribe(&customer, &TRIAL).await;
    let subscription = id(&made);
    assert_eq!(made["status"], "trialing");
    assert_eq!(made["trial_end"], START + 10 * DAY);
    assert_eq!(made["items"]["data"][0]["current_period_end"], START + 10 * DAY);
    let first = server
        .get(&format!("/v1/invoices?subscription={subscription}"))
        .await;
    assert_eq!(first["data"][0]["billing_reason"], "subscription_create");
    assert_eq!(
        (&first["data"][0]["status"], &first["data"][0]["amount_paid"]),
        (&json!("paid"), &json!(0))
    );

    server.jump_days(7).await;
    assert!(
        server
            .history()
            .await
            .contains(&"customer.subscription.trial_will_end".to_owned())
    );

    // At the trial's end it is active, and nothing is paid for an hour.
    server.jump_until(subscription, "trial_end").await;
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
    assert_eq!(draft["automatically_finalizes_at"], START + 10 * DAY + 3600);
    let events = server.get("/v1/events?limit=2").await;
    let updated = &events["data"][1];
    assert_eq!(updated["type"], "customer.subscription.updated");
    let previous = &updated["data"]["previous_attributes"];
    assert_eq!(previous["status"], "trialing");
    assert_eq!(
        previous["items"]["data"][0]["current_period_end"],
        START + 10 * DAY
    );
    assert_eq!(previous["latest_invoice"], first["data"][0]["id"]);
    assert_eq!(updated["created"], START, "events have the wall clock's time");
    assert_eq!(updated["request"], json!({"id": null, "idempotency_key": null}));

    let before = server.history().await.len();
    server.jump_until(subscription, "payment").await;
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

    server.jump_until(subscription, "period_end").await;
    server.jump_until(subscription, "payment").await;
    let history = server.history().await;
    assert!(history.contains(&"invoice.upcoming".to_owned()));
    let charges = server.get("/v1/charges").await;
    assert_eq!(charges["data"].as_array().map(Vec::len), Some(2));
    server.stop().await;
}

#[tokio::test]
async fn a_trial_without_a_card() {
    // What to do, how it ends, the event that says so.
    let cases = [
        ("cancel", "canceled", "customer.subscription.deleted"),
        ("pause", "paused", "customer.subscription.paused"),
        ("create_invoice", "active", "invoice.created"),
    ];
    for (behavior, status, event) in cases {
        let server = Server::start().await;
        let customer = server.customer().await;
        let made = server
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
            "a short trial's notice is due at once"
        );
        server.jump_until(id(&made), "trial_end").await;
        assert_eq!(
            server.subscription(id(&made)).await["status"],
            status,
            "{behavior}"
        );
        assert_eq!(
            server.history().await.last().map(String::as_str),
            Some(event),
            "{behavior}"
        );
        if behavior == "pause" {
            server.give(&customer, "pm_card_visa").await;
            let resumed = server
                .post(&format!("/v1/subscriptions/{}/resume", id(&made)), &[])
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
async fn canceled_and_taken_back_twice() {
    let server = Server::start().await;
    let customer = server.customer_with("pm_card_visa").await;
    let made = server.subscribe(&customer, &TRIAL).await;
    let path = format!("/v1/subscriptions/{}", id(&made));
    let mut seconds = Vec::new();
    for _ in 0..2 {
        let canceled = server
            .post(
                &path,
                &[("cancel_at_period_end", "true"), ("metadata[click]", "1")],
            )
            .await;
        assert_eq!(canceled["cancel_at_period_end"], true);
        assert_eq!(canceled["cancel_at"], START + 10 * DAY);
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
        "each change has a second of its own: {seconds:?}"
    );
    let events = server.get("/v1/events?type=customer.subscription.updated").await;
    let previous = &events["data"][1]["data"]["previous_attributes"];
    assert_eq!(previous["cancel_at_period_end"], false);
    assert_eq!(previous["cancel_at"], json!(null));
    assert_eq!(previous["metadata"], json!({"click": "2"}));

    server.post(&path, &[("cancel_at_period_end", "true")]).await;
    server.jump_until(id(&made), "trial_end").await;
    let ended = server.get(&path).await;
    assert_eq!(
        (&ended["status"], &ended["ended_at"]),
        (&json!("canceled"), &json!(START + 10 * DAY))
    );
    assert!(!server.history().await.contains(&"charge.succeeded".to_owned()));
    let (status, _) = server
        .refused(Method::POST, &path, &[("cancel_at_period_end", "true")])
        .await;
    assert_eq!(status, 400);
    server.stop().await;
}

#[tokio::test]
async fn from_month_to_year() {
    let server = Server::start().await;
    let customer = server.customer_with("pm_card_visa").await;
    let made = server.subscribe(&customer, &[]).await;
    let item = &made["items"]["data"][0];
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
    server.jump_days(5).await;
    let changed = server
        .post(
            &format!("/v1/subscriptions/{}", id(&made)),
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
        "its invoice carries what came with the change"
    );
    let start = changed["items"]["data"][0]["current_period_start"]
        .as_i64()
        .unwrap();
    let end = changed["items"]["data"][0]["current_period_end"]
        .as_i64()
        .unwrap();
    assert_eq!(end - start, 366 * DAY, "the year has a leap day");
    let events = server.get("/v1/events?type=customer.subscription.updated").await;
    assert_eq!(
        events["data"].as_array().map(Vec::len),
        Some(1),
        "one change, one event"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_test_clock_has_its_own_time() {
    let server = Server::start().await;
    let frozen = (START - 100 * DAY).to_string();
    let clock = server
        .post("/v1/test_helpers/test_clocks", &[("frozen_time", &frozen)])
        .await;
    let customer = server
        .post(
            "/v1/customers",
            &[("test_clock", id(&clock)), ("email", "a@example.com")],
        )
        .await;
    server.give(id(&customer), "pm_card_visa").await;
    let made = server
        .subscribe(id(&customer), &[("trial_period_days", "3")])
        .await;
    assert_eq!(made["created"], START - 100 * DAY);
    server.jump_days(30).await;
    assert_eq!(
        server.subscription(id(&made)).await["status"],
        "trialing",
        "the global clock does not move it"
    );
    let path = format!("/v1/test_helpers/test_clocks/{}", id(&clock));
    let target = START - 97 * DAY + 3600;
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
    assert_eq!(server.subscription(id(&made)).await["status"], "active");
    let charges = server
        .get(&format!("/v1/charges?customer={}", id(&customer)))
        .await;
    assert_eq!(charges["data"][0]["created"], target);

    // A frozen clock ticks where two changes would share a second.
    let subscription = format!("/v1/subscriptions/{}", id(&made));
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

    let far = (target + 200 * DAY).to_string();
    let (status, _) = server
        .refused(Method::POST, &format!("{path}/advance"), &[("frozen_time", &far)])
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
async fn a_jump_to_the_payment_carries_a_trial_and_then_each_renewal_through() {
    let server = Server::start().await;
    let customer = server.customer_with("pm_card_visa").await;
    let made = server.subscribe(&customer, &TRIAL).await;
    for paid in 1..=3 {
        server.jump_until(id(&made), "payment").await;
        let now = server.subscription(id(&made)).await;
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
async fn there_is_no_jump_to_a_payment_that_will_not_come() {
    let server = Server::start().await;
    let behavior = "trial_settings[end_behavior][missing_payment_method]";
    let without_card = server.customer().await;
    let trial = server
        .subscribe(&without_card, &[TRIAL[0], (behavior, "cancel")])
        .await;
    let with_card = server.customer_with("pm_card_visa").await;
    let ending = server
        .subscribe(&with_card, &[("cancel_at_period_end", "true")])
        .await;
    for subscription in [&trial, &ending] {
        let body = json!({"subscription": id(subscription), "until": "payment"});
        let request = server
            .client
            .post(format!("{}/_sim/clock", server.url))
            .json(&body);
        assert_eq!(answer(request).await.0, 400);
    }
    server.jump_until(id(&trial), "trial_end").await;
    assert_eq!(server.subscription(id(&trial)).await["status"], "canceled");
    server.stop().await;
}
