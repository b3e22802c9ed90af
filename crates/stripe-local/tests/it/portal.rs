//! The customer portal, used without JavaScript.

use reqwest::Method;
use serde_json::{Value, json};

use crate::test_server::{DAY_SECS, Form, START_SECS, TestServer, id, send};

async fn create_session(server: &TestServer, customer: &str, more: Form<'_>) -> String {
    let mut form = vec![
        ("customer", customer),
        ("return_url", "http://127.0.0.1:3000/billing"),
    ];
    form.extend_from_slice(more);
    let session = server.post("/v1/billing_portal/sessions", &form).await;
    assert!(
        session["url"]
            .as_str()
            .expect("a URL")
            .starts_with("http://localhost:")
    );
    format!("/p/session/{}", id(&session))
}

/// Returns the status, and the redirect location or the page.
async fn request(server: &TestServer, method: Method, path: &str, form: Form<'_>) -> (u16, String) {
    let response = server
        .request(method, path, form)
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

async fn trial(server: &TestServer, mode: &str) -> (String, Value) {
    let customer = server.customer().await;
    let form = [("trial_period_days", "10"), ("billing_mode[type]", mode)];
    let subscription = server.subscribe(&customer, &form).await;
    assert_eq!(subscription["billing_mode"]["type"], mode);
    (customer, subscription)
}

#[tokio::test]
async fn a_subscription_is_canceled_and_renewed_in_both_billing_modes() {
    for (mode, flag) in [("classic", true), ("flexible", false)] {
        let server = TestServer::start().await;
        let (customer, subscription) = trial(&server, mode).await;
        let portal = create_session(&server, &customer, &[]).await;
        let (status, html) = request(&server, Method::GET, &portal, &[]).await;
        assert_eq!(status, 200);
        assert!(
            html.contains("Your trial ends on November 24, 2023.") && html.contains("$0.00"),
            "{html}"
        );
        let cancel = format!("{portal}/cancel/{}", id(&subscription));
        assert!(
            request(&server, Method::GET, &cancel, &[])
                .await
                .1
                .contains("Confirm cancellation")
        );
        assert_eq!(
            request(&server, Method::POST, &cancel, &[]).await,
            (303, portal.clone())
        );
        let canceled = server.subscription(id(&subscription)).await;
        assert_eq!(canceled["cancel_at_period_end"], flag, "{mode}");
        assert_eq!(canceled["cancel_at"], START_SECS + 10 * DAY_SECS, "{mode}");
        let event = server.get("/v1/events?type=customer.subscription.updated").await["data"][0].clone();
        assert_eq!(event["request"], json!({"id": null, "idempotency_key": null}));
        let (_, html) = request(&server, Method::GET, &portal, &[]).await;
        assert!(
            html.contains("will be canceled on") && html.contains("Don’t cancel"),
            "{html}"
        );
        let renew = format!("{portal}/renew/{}", id(&subscription));
        assert_eq!(request(&server, Method::POST, &renew, &[]).await.0, 303);
        let renewed = server.subscription(id(&subscription)).await;
        assert_eq!(
            (&renewed["cancel_at"], &renewed["cancel_at_period_end"]),
            (&json!(null), &json!(false))
        );
        request(&server, Method::POST, &cancel, &[]).await;
        server.advance_until(id(&subscription), "trial_end").await;
        assert_eq!(
            server.subscription(id(&subscription)).await["status"],
            "canceled",
            "{mode}"
        );
        server.stop().await;
    }
}

#[tokio::test]
async fn a_card_is_added_during_the_trial() {
    let server = TestServer::start().await;
    let (customer, subscription) = trial(&server, "flexible").await;
    let flow = [
        ("flow_data[type]", "payment_method_update"),
        ("flow_data[after_completion][type]", "redirect"),
        (
            "flow_data[after_completion][redirect][return_url]",
            "http://127.0.0.1:3000/done",
        ),
    ];
    let portal = create_session(&server, &customer, &flow).await;
    let path = format!("{portal}/card");
    assert_eq!(
        request(&server, Method::GET, &portal, &[]).await,
        (303, path.clone())
    );
    let card = |number| {
        [
            ("cardNumber", number),
            ("cardExpiry", "12/34"),
            ("cardCvc", "123"),
        ]
    };
    let (status, html) = request(&server, Method::POST, &path, &card("4000000000000002")).await;
    assert!(
        status == 200 && html.contains("Your card was declined."),
        "{html}"
    );
    let (status, location) = request(&server, Method::POST, &path, &card("4242424242424242")).await;
    assert_eq!((status, location.as_str()), (303, "http://127.0.0.1:3000/done"));
    let known = server.get(&format!("/v1/customers/{customer}")).await;
    assert!(known["invoice_settings"]["default_payment_method"].is_string());
    server.advance_until(id(&subscription), "payment").await;
    assert_eq!(server.get("/v1/charges").await["data"][0]["amount"], 1200);
    let (_, html) = request(&server, Method::GET, &portal, &[]).await;
    assert!(html.contains("•••• 4242") && html.contains("$12.00"), "{html}");
    server.stop().await;
}

#[tokio::test]
async fn other_customers_and_disabled_features_are_rejected() {
    let server = TestServer::start().await;
    let (_, other_subscription) = trial(&server, "flexible").await;
    let (customer, own_subscription) = trial(&server, "flexible").await;
    let configuration = server
        .post(
            "/v1/billing_portal/configurations",
            &[
                ("features[invoice_history][enabled]", "true"),
                ("business_profile[headline]", "Ours"),
            ],
        )
        .await;
    let portal = create_session(&server, &customer, &[]).await;
    let path = format!("{portal}/cancel/{}", id(&other_subscription));
    assert_eq!(request(&server, Method::POST, &path, &[]).await.0, 404);
    let limited = create_session(&server, &customer, &[("configuration", id(&configuration))]).await;
    let path = format!("{limited}/cancel/{}", id(&own_subscription));
    assert_eq!(request(&server, Method::POST, &path, &[]).await.0, 400);
    let (_, html) = request(&server, Method::GET, &limited, &[]).await;
    assert!(
        html.contains("Ours") && !html.contains("Cancel subscription"),
        "{html}"
    );

    // A cross-site request is rejected.
    let path = format!("{portal}/cancel/{}", id(&own_subscription));
    let foreign = server
        .request(Method::POST, &path, &[])
        .header("origin", "http://127.0.0.1:3000");
    assert_eq!(send(foreign).await.0, 403);
    let renamed = server
        .request(Method::GET, &portal, &[])
        .header("host", "example.com");
    assert_eq!(send(renamed).await.0, 403);
    server.stop().await;
}
