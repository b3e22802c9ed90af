//! The hosted Checkout page, as a browser without scripts uses it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{DAY, Form, START, Server, answer, id};

async fn session(server: &Server, more: Form<'_>) -> Value {
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

async fn page(server: &Server, session: &Value) -> String {
    let url = session["url"].as_str().expect("a URL");
    let path = url.split_once("/c/").expect("a path").1;
    let (status, body) = answer(server.request(Method::GET, &format!("/c/{path}"), &[])).await;
    assert_eq!(status, 200);
    body.as_str().expect("a page").to_owned()
}

/// Submits the page: status, and where it leads or what it says.
async fn submit(server: &Server, session: &Value, form: Form<'_>) -> (u16, String) {
    let path = format!("/c/pay/{}", id(session));
    let form: Form<'_> = if form.is_empty() { &[("x", "")] } else { form };
    let response = server
        .request(Method::POST, &path, form)
        .send()
        .await
        .expect("an answer");
    let status = response.status().as_u16();
    let location = response
        .headers()
        .get("location")
        .map(|url| url.to_str().expect("text").to_owned());
    (status, location.unwrap_or(response.text().await.expect("a page")))
}

#[tokio::test]
async fn a_trial_without_a_card() {
    let server = Server::start().await;
    let customer = server.customer().await;
    let mut form = TRIAL.to_vec();
    form.push(("customer", &customer));
    let made = session(&server, &form).await;
    assert_eq!(
        (&made["status"], &made["payment_status"]),
        (&json!("open"), &json!("unpaid"))
    );
    let html = page(&server, &made).await;
    assert!(
        html.contains("3 days free")
            && html.contains("zoe@example.com")
            && !html.contains("id=\"cardNumber\""),
        "{html}"
    );
    assert!(html.contains("href=\"http://127.0.0.1:3000/pricing\""));

    let before = server.history().await.len();
    let (status, location) = submit(&server, &made, &[]).await;
    assert_eq!(status, 303);
    assert_eq!(
        location,
        format!("http://127.0.0.1:3000/return?session={}", id(&made))
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
    let done = server
        .get(&format!(
            "/v1/checkout/sessions/{}?expand[]=subscription&expand[]=line_items",
            id(&made)
        ))
        .await;
    assert_eq!(
        (&done["status"], &done["payment_status"]),
        (&json!("complete"), &json!("no_payment_required"))
    );
    assert_eq!(done["url"], json!(null));
    assert_eq!(done["client_reference_id"], "user-1");
    assert_eq!(done["line_items"]["data"][0]["amount_total"], 0);
    let subscription = &done["subscription"];
    assert_eq!(
        (&subscription["status"], &subscription["customer"]),
        (&json!("trialing"), &json!(customer))
    );
    assert_eq!(subscription["metadata"], json!({"seam_user": "user-1"}));
    assert_eq!(subscription["trial_end"], START + 3 * DAY);
    assert_eq!(
        subscription["trial_settings"]["end_behavior"]["missing_payment_method"],
        "cancel"
    );
    let created = server.hooks.wait_for_name("customer.subscription.created").await;
    assert_eq!(created["data"]["object"]["metadata"]["seam_user"], "user-1");
    assert_eq!(created["created"], START);

    let (status, location) = submit(&server, &made, &[]).await;
    assert_eq!(
        (status, location.contains("/return?")),
        (303, true),
        "a second submit leads there too"
    );
    let all = server.get("/v1/subscriptions?status=all").await;
    assert_eq!(all["data"].as_array().map(Vec::len), Some(1));
    assert!(page(&server, &made).await.contains("all done"));
    server.stop().await;
}

#[tokio::test]
async fn a_visitor_types_everything() {
    let server = Server::start().await;
    let made = session(&server, &[("subscription_data[trial_period_days]", "3")]).await;
    let html = page(&server, &made).await;
    assert!(
        html.contains("name=\"cardNumber\"") && html.contains("name=\"email\""),
        "{html}"
    );

    let before = server.history().await;
    for (number, email, said) in [
        ("4000 0000 0000 0002", "a@example.com", "Your card was declined."),
        ("4000000000009995", "a@example.com", "insufficient funds"),
        ("1234", "a@example.com", "test cards"),
        ("4242424242424242", "a b@example.com", "Your email is invalid."),
    ] {
        let mut form = card(number).to_vec();
        form.push(("email", email));
        let (status, html) = submit(&server, &made, &form).await;
        assert_eq!(status, 402, "{number}");
        assert!(html.contains(said) && html.contains("Zoë &lt;b&gt;"), "{html}");
    }
    assert_eq!(
        server.history().await,
        before,
        "a refused card leaves nothing behind"
    );

    let mut form = card("4242424242424242").to_vec();
    form.push(("email", "new@example.com"));
    assert_eq!(submit(&server, &made, &form).await.0, 303);
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
async fn paying_at_once_with_a_confirmation() {
    let server = Server::start().await;
    let made = session(&server, &[("customer_email", "zoe@example.com")]).await;
    let form = card("4000 0025 0000 3155");
    let (status, html) = submit(&server, &made, &form).await;
    assert_eq!(status, 200);
    assert!(html.contains("Complete authentication"), "{html}");
    let mut confirmed = form.to_vec();
    confirmed.push(("confirmed", "yes"));
    assert_eq!(submit(&server, &made, &confirmed).await.0, 303);
    let done = server
        .get(&format!("/v1/checkout/sessions/{}?expand[]=invoice", id(&made)))
        .await;
    assert_eq!(done["payment_status"], "paid");
    assert_eq!(done["invoice"]["amount_paid"], 1200);
    assert_eq!(
        server.get("/v1/subscriptions").await["data"][0]["status"],
        "active"
    );
    server.stop().await;
}

#[tokio::test]
async fn sessions_expire() {
    let server = Server::start().await;
    let late = session(&server, &[("expires_at", &(START + 3600).to_string())]).await;
    let ended = session(&server, &[]).await;
    let path = format!("/v1/checkout/sessions/{}/expire", id(&ended));
    assert_eq!(server.post(&path, &[]).await["status"], "expired");
    assert_eq!(server.refused(Method::POST, &path, &[]).await.0, 400);
    server.jump_days(2).await;
    assert_eq!(
        server.get(&format!("/v1/checkout/sessions/{}", id(&late))).await["status"],
        "open",
        "pages do not travel with the billing clock"
    );
    server.pass(3600);
    assert_eq!(
        server.get(&format!("/v1/checkout/sessions/{}", id(&late))).await["status"],
        "expired"
    );
    let expired = server.get("/v1/events?type=checkout.session.expired").await;
    assert_eq!(expired["data"].as_array().map(Vec::len), Some(2));
    assert!(page_of(&server, &late).await.contains("expired"));
    server.stop().await;
}

async fn page_of(server: &Server, session: &Value) -> String {
    let (_, body) = answer(server.request(Method::GET, &format!("/c/pay/{}", id(session)), &[])).await;
    body.as_str().expect("a page").to_owned()
}

#[tokio::test]
async fn what_a_session_refuses() {
    let server = Server::start().await;
    let price = server.price().await;
    let base = [
        ("mode", "subscription"),
        ("line_items[0][price]", price.as_str()),
        ("success_url", "http://127.0.0.1/"),
    ];
    let soon = (START + 60).to_string();
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
        let (status, error) = server.refused(Method::POST, "/v1/checkout/sessions", &form).await;
        assert_eq!((status, &error["param"]), (400, &json!(param)), "{error}");
    }
    server.stop().await;
}
