//! Field cases 10 to 12 on the pages: deleted customers, second subscriptions, suspended subscriptions. Stripe does not
//! answer, because the pages read our record only.

use db::Engine;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::support::TestApp;

/// A signed-in user with a Stripe customer.
async fn customer() -> (TestApp, Browser) {
    let variables = [
        ("STRIPE_API_URL", "http://127.0.0.1:9"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_now"),
    ];
    let app = TestApp::with(Engine::Sqlite, &variables).await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let user = app.user("ada@example.com").await;
    app.execute(&format!(
        "INSERT INTO stripe_customers (id, user_id, created_at) VALUES ('cus_1', '{user}', 1)"
    ))
    .await;
    (app, browser)
}

/// Records a monthly subscription of this status, with other values of Stripe's object.
async fn record_subscription(app: &TestApp, id: &str, status: &str, other: &Value) {
    let mut object = json!({
        "id": id, "object": "subscription", "customer": "cus_1", "status": status, "created": 1,
        "cancel_at_period_end": false, "metadata": {},
        "items": {"object": "list", "data": [{
            "id": "si_1", "quantity": 1, "current_period_start": 1_795_000_000, "current_period_end": 1_797_592_000,
            "price": {
                "id": "price_1", "currency": "usd", "unit_amount": 1_200, "lookup_key": "seamline_pro_month",
                "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
            },
        }]},
    });
    for (key, value) in other.as_object().unwrap() {
        object[key] = value.clone();
    }
    app.execute(&format!(
        "INSERT INTO subscriptions (id, customer_id, status, object, fetched_at)
         VALUES ('{id}', 'cus_1', '{status}', '{object}', 1)
         ON CONFLICT (id) DO UPDATE SET status = excluded.status, object = excluded.object"
    ))
    .await;
}

#[tokio::test]
async fn case_12_a_suspended_subscription_is_shown_with_the_way_to_continue() {
    let (app, mut browser) = customer().await;
    for (status, other, state, texts) in [
        (
            "paused",
            json!({}),
            "paused",
            ["is paused: Pro is off", "Add a card"],
        ),
        (
            "paused",
            json!({"default_payment_method": "pm_1"}),
            "paused",
            [
                "the first payment is made, at $12.00 a month",
                "Resume subscription",
            ],
        ),
        (
            "unpaid",
            json!({"default_payment_method": "pm_1"}),
            "unpaid",
            ["pay the open invoice", "Change the card"],
        ),
        (
            "incomplete",
            json!({}),
            "incomplete",
            ["The first payment is not complete", "Add a card"],
        ),
    ] {
        record_subscription(&app, "sub_1", status, &other).await;
        let page = browser.open("/billing").await.text();
        assert!(
            page.contains(&format!("data-state=\"{state}\"")),
            "{status}: {page}"
        );
        for text in texts.into_iter().chain(["End subscription", "Card and invoices"]) {
            assert!(page.contains(text), "{status} {text}: {page}");
        }
        for text in ["Start again", "subscription has ended", "next payment"] {
            assert!(!page.contains(text), "{status} {text}: {page}");
        }
        let pricing = browser.open("/pricing").await.text();
        assert!(
            pricing.contains("Your subscription is not running"),
            "{status}: {pricing}"
        );
        let refused = browser.submit("/pricing", &[("interval", "year")]).await;
        assert_eq!(refused.status, 422, "{status}");
        assert!(
            refused
                .text()
                .contains("Continue or end it on the billing page first."),
            "{status}"
        );
    }
}

#[tokio::test]
async fn case_12_a_paused_collection_announces_no_payment() {
    let (app, mut browser) = customer().await;
    record_subscription(&app, "sub_1", "active", &json!({})).await;
    let page = browser.open("/billing").await.text();
    assert!(page.contains("The next payment is on"), "{page}");
    let paused = json!({"pause_collection": {"behavior": "void", "resumes_at": null}});
    record_subscription(&app, "sub_1", "active", &paused).await;
    let page = browser.open("/billing").await.text();
    assert!(
        page.contains("Payments are paused, so nothing is charged for now."),
        "{page}"
    );
    assert!(!page.contains("next payment"), "{page}");
}

#[tokio::test]
async fn case_10_the_page_of_a_deleted_customer_leads_to_checkout() {
    let (app, mut browser) = customer().await;
    record_subscription(&app, "sub_1", "active", &json!({})).await;
    app.execute("UPDATE stripe_customers SET deleted_ms = 1").await;
    let page = browser.open("/billing").await.text();
    assert!(
        page.contains("Start again") && page.contains("has ended"),
        "{page}"
    );
    assert!(!page.contains("Card and invoices"), "there is no portal: {page}");
}

#[tokio::test]
async fn case_11_a_second_subscription_is_a_task_with_the_amount() {
    let (app, mut browser) = customer().await;
    record_subscription(&app, "sub_1", "active", &json!({})).await;
    record_subscription(&app, "sub_2", "active", &json!({"created": 2})).await;
    for sql in [
        "UPDATE subscriptions SET is_second = 1 WHERE id = 'sub_2'",
        "INSERT INTO paid_invoices (id, customer_id, subscription_id, currency, amount_paid, paid_at)
         VALUES ('in_2', 'cus_1', 'sub_2', 'usd', 12000, 1)",
    ] {
        app.execute(sql).await;
    }
    let page = browser.open("/operations").await.text();
    for text in [
        "data-duplicate=\"sub_2\"",
        "data-task",
        "paid and not refunded: 120.00 USD",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let page = browser.open("/billing").await.text();
    assert!(page.contains("A second subscription is running"), "{page}");
}
