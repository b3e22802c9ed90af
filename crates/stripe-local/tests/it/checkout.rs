//! The hosted Checkout page, used without JavaScript.

use reqwest::Method;
use serde_json::{Value, json};

use crate::test_server::{DAY_SECS, Form, START_SECS, TestServer, id, send};

async fn session(server: &TestServer, more: Form<'_>) -> Value {
    let price = server.price().await;
    let mut form = vec![
        ("mode", "subscription"),
        ("line_items[0][price]", price.as_str()),
        ("line_items[0][quantity]", "1"),
        (
            "success_url",
            "http://127.0.0.1:3000/return?session={CHECKOUT_SESSION_ID}",
        ),
        ("cancel_url", "http://127.0.0.1:3000/pricing"),
    ];
    form.extend_from_slice(more);
    server.post("/v1/checkout/sessions", &form).await
}

const TRIAL: [(&str, &str); 5] = [
    ("payment_method_collection", "if_required"),
    ("subscription_data[trial_period_days]", "3"),
    (
        "subscription_data[trial_settings][end_behavior][missing_payment_method]",
        "cancel",
    ),
    ("subscription_data[metadata][seam_user]", "user-1"),
    ("client_reference_id", "user-1"),
];

fn card(number: &str) -> [(&str, &str); 4] {
    [
        ("cardNumber", number),
        ("cardExpiry", "12 / 34"),
        ("cardCvc", "123"),
        ("billingName", "Zoë <b>"),
    ]
}

async fn page(server: &TestServer, session: &Value) -> String {
    let url = session["url"].as_str().expect("a URL");
    let path = url.split_once("/c/").expect("a path").1;
    let (status, body) = send(server.request(Method::GET, &format!("/c/{path}"), &[])).await;
    assert_eq!(status, 200);
    body.as_str().expect("a page").to_owned()
}

/// Submits the page. Returns the status, and the redirect location or the page.
async fn submit(server: &TestServer, session: &Value, form: Form<'_>) -> (u16, String) {
    let path = format!("/c/pay/{}", id(session));
    let form: Form<'_> = if form.is_empty() { &[("x", "")] } else { form };
    let response = server
        .request(Method::POST, &path, form)
        .send()
        .await
        .expect("a response");
    let status = response.status().as_u16();
    let location = response
        .headers()
        .get("location")
        .map(|url| url.to_str().expect("text").to_owned());
    (status, location.unwrap_or(response.text().await.expect("a page")))
}

#[tokio::test]
async fn a_trial_starts_without_a_card() {
    let server = TestServer::start().await;
    let customer = server.customer().await;
    let mut form = TRIAL.to_vec();
    form.push(("customer", &customer));
    let created = session(&server, &form).await;
    assert_eq!(
        (&created["status"], &created["payment_status"]),
        (&json!("open"), &json!("unpaid"))
    );
    let html = page(&server, &created).await;
    assert!(
        html.contains("3 days free")
            && html.contains("zoe@example.com")
            && !html.contains("id=\"cardNumber\""),
        "{html}"
    );
    assert!(html.contains("href=\"http://127.0.0.1:3000/pricing\""));

    let before = server.history().await.len();
    let (status, location) = submit(&server, &created, &[]).await;
    assert_eq!(status, 303);
    assert_eq!(
        location,
        format!("http://127.0.0.1:3000/return?session={}", id(&created))
    );
    assert_eq!(
        server.history().await[before..],
        [
            "customer.subscription.created",
            "invoice.created",
            "invoice.finalized",
            "invoice.paid",
            "invoice.payment_succeeded",
            "customer.updated",
            "checkout.session.completed",
            "customer.subscription.trial_will_end",
        ]
    );
    let completed = server
        .get(&format!(
            "/v1/checkout/sessions/{}?expand[]=subscription&expand[]=line_items",
            id(&created)
        ))
        .await;
    assert_eq!(
        (&completed["status"], &completed["payment_status"]),
        (&json!("complete"), &json!("no_payment_required"))
    );
    assert_eq!(completed["url"], json!(null));
    assert_eq!(completed["client_reference_id"], "user-1");
    assert_eq!(completed["line_items"]["data"][0]["amount_total"], 0);
    let subscription = &completed["subscription"];
    assert_eq!(
        (&subscription["status"], &subscription["customer"]),
        (&json!("trialing"), &json!(customer))
    );
    assert_eq!(subscription["metadata"], json!({"seam_user": "user-1"}));
    assert_eq!(subscription["trial_end"], START_SECS + 3 * DAY_SECS);
    assert_eq!(
        subscription["trial_settings"]["end_behavior"]["missing_payment_method"],
        "cancel"
    );
    let event = server.hooks.wait_for_name("customer.subscription.created").await;
    assert_eq!(event["data"]["object"]["metadata"]["seam_user"], "user-1");
    assert_eq!(event["created"], START_SECS);

    let (status, location) = submit(&server, &created, &[]).await;
    assert_eq!(
        (status, location.contains("/return?")),
        (303, true),
        "a second submission redirects too"
    );
    let all = server.get("/v1/subscriptions?status=all").await;
    assert_eq!(all["data"].as_array().map(Vec::len), Some(1));
    assert!(page(&server, &created).await.contains("all done"));
    server.stop().await;
}

#[tokio::test]
async fn a_new_customer_enters_email_and_card() {
    let server = TestServer::start().await;
    let created = session(&server, &[("subscription_data[trial_period_days]", "3")]).await;
    let html = page(&server, &created).await;
    assert!(
        html.contains("name=\"cardNumber\"") && html.contains("name=\"email\""),
        "{html}"
    );

    let before = server.history().await;
    for (number, email, message) in [
        ("4000 0000 0000 0002", "a@example.com", "Your card was declined."),
        ("4000000000009995", "a@example.com", "insufficient funds"),
        ("1234", "a@example.com", "test cards"),
        ("4242424242424242", "a b@example.com", "Your email is invalid."),
    ] {
        let mut form = card(number).to_vec();
        form.push(("email", email));
        let (status, html) = submit(&server, &created, &form).await;
        assert_eq!(status, 402, "{number}");
        assert!(html.contains(message) && html.contains("Zoë &lt;b&gt;"), "{html}");
    }
    assert_eq!(
        server.history().await,
        before,
        "a declined card leaves no objects behind"
    );

    let mut form = card("4242424242424242").to_vec();
    form.push(("email", "new@example.com"));
    assert_eq!(submit(&server, &created, &form).await.0, 303);
    let history = server.history().await;
    assert_eq!(
        history[before.len()..],
        [
            "customer.created",
            "setup_intent.created",
            "payment_method.attached",
            "setup_intent.succeeded",
            "customer.subscription.created",
            "invoice.created",
            "invoice.finalized",
            "invoice.paid",
            "invoice.payment_succeeded",
            "customer.updated",
            "checkout.session.completed",
            "customer.subscription.trial_will_end",
        ]
    );
    let found = server.get("/v1/customers?email=new@example.com").await;
    assert_eq!(found["data"].as_array().map(Vec::len), Some(1));
    let subscriptions = server.get("/v1/subscriptions").await;
    assert!(subscriptions["data"][0]["default_payment_method"].is_string());
    server.stop().await;
}

#[tokio::test]
async fn an_immediate_payment_requires_authentication() {
    let server = TestServer::start().await;
    let created = session(&server, &[("customer_email", "zoe@example.com")]).await;
    let form = card("4000 0025 0000 3155");
    let (status, html) = submit(&server, &created, &form).await;
    assert_eq!(status, 200);
    assert!(html.contains("Complete authentication"), "{html}");
    let mut confirmed = form.to_vec();
    confirmed.push(("confirmed", "yes"));
    assert_eq!(submit(&server, &created, &confirmed).await.0, 303);
    let completed = server
        .get(&format!(
            "/v1/checkout/sessions/{}?expand[]=invoice",
            id(&created)
        ))
        .await;
    assert_eq!(completed["payment_status"], "paid");
    assert_eq!(completed["invoice"]["amount_paid"], 1200);
    assert_eq!(
        server.get("/v1/subscriptions").await["data"][0]["status"],
        "active"
    );
    server.stop().await;
}

#[tokio::test]
async fn sessions_expire_by_the_wall_clock() {
    let server = TestServer::start().await;
    let late = session(&server, &[("expires_at", &(START_SECS + 3600).to_string())]).await;
    let ended = session(&server, &[]).await;
    let path = format!("/v1/checkout/sessions/{}/expire", id(&ended));
    assert_eq!(server.post(&path, &[]).await["status"], "expired");
    assert_eq!(server.expect_error(Method::POST, &path, &[]).await.0, 400);
    server.advance_days(2).await;
    assert_eq!(
        server.get(&format!("/v1/checkout/sessions/{}", id(&late))).await["status"],
        "open",
        "sessions do not expire by the billing clock"
    );
    server.advance_wall_clock(3600);
    assert_eq!(
        server.get(&format!("/v1/checkout/sessions/{}", id(&late))).await["status"],
        "expired"
    );
    let expired = server.get("/v1/events?type=checkout.session.expired").await;
    assert_eq!(expired["data"].as_array().map(Vec::len), Some(2));
    assert!(page_of_any_status(&server, &late).await.contains("expired"));
    server.stop().await;
}

async fn page_of_any_status(server: &TestServer, session: &Value) -> String {
    let (_, body) = send(server.request(Method::GET, &format!("/c/pay/{}", id(session)), &[])).await;
    body.as_str().expect("a page").to_owned()
}

#[tokio::test]
async fn invalid_session_parameters_are_rejected() {
    let server = TestServer::start().await;
    let price = server.price().await;
    let base = [
        ("mode", "subscription"),
        ("line_items[0][price]", price.as_str()),
        ("success_url", "http://127.0.0.1/"),
    ];
    let soon = (START_SECS + 60).to_string();
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[("payment_method_types[0]", "card")], "payment_method_types"),
        (&[("expires_at", &soon)], "expires_at"),
        (
            &[("subscription_data[trial_period_days]", "0")],
            "subscription_data[trial_period_days]",
        ),
        (&[("subscription_data[x]", "0")], "subscription_data[x]"),
        (&[("customer", "cus_none")], "customer"),
        (&[("cancel_url", "javascript:alert(1)")], "cancel_url"),
    ];
    for (more, param) in cases {
        let form = [&base, more].concat();
        let (status, error) = server
            .expect_error(Method::POST, "/v1/checkout/sessions", &form)
            .await;
        assert_eq!((status, &error["param"]), (400, &json!(param)), "{error}");
    }
    server.stop().await;
}
