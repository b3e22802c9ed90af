//! The customer portal, as a browser without scripts uses it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{DAY, Form, START, Server, answer, id};

async fn open(server: &Server, customer: &str, more: Form<'_>) -> String {
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

/// Status, and where it leads or the page.
async fn visit(server: &Server, method: Method, path: &str, form: Form<'_>) -> (u16, String) {
    let response = server
        .request(method, path, form)
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

async fn trial(server: &Server, mode: &str) -> (String, Value) {
    let customer = server.customer().await;
    let form = [("trial_period_days", "10"), ("billing_mode[type]", mode)];
    let subscription = server.subscribe(&customer, &form).await;
    assert_eq!(subscription["billing_mode"]["type"], mode);
    (customer, subscription)
}

#[tokio::test]
async fn cancel_and_renew_in_both_modes() {
    for (mode, flag) in [("classic", true), ("flexible", false)] {
        let server = Server::start().await;
        let (customer, subscription) = trial(&server, mode).await;
        let portal = open(&server, &customer, &[]).await;
        let (status, html) = visit(&server, Method::GET, &portal, &[]).await;
        assert_eq!(status, 200);
        assert!(
            html.contains("Your trial ends on November 24, 2023.") && html.contains("$0.00"),
            "{html}"
        );
        let cancel = format!("{portal}/cancel/{}", id(&subscription));
        assert!(
            visit(&server, Method::GET, &cancel, &[])
                .await
                .1
                .contains("Confirm cancellation")
        );
        assert_eq!(
            visit(&server, Method::POST, &cancel, &[]).await,
            (303, portal.clone())
        );
        let canceled = server.subscription(id(&subscription)).await;
        assert_eq!(canceled["cancel_at_period_end"], flag, "{mode}");
        assert_eq!(canceled["cancel_at"], START + 10 * DAY, "{mode}");
        let event = server.get("/v1/events?type=customer.subscription.updated").await["data"][0].clone();
        assert_eq!(event["request"], json!({"id": null, "idempotency_key": null}));
        let (_, html) = visit(&server, Method::GET, &portal, &[]).await;
        assert!(
            html.contains("will be canceled on") && html.contains("Don’t cancel"),
            "{html}"
        );
        let renew = format!("{portal}/renew/{}", id(&subscription));
        assert_eq!(visit(&server, Method::POST, &renew, &[]).await.0, 303);
        let renewed = server.subscription(id(&subscription)).await;
        assert_eq!(
            (&renewed["cancel_at"], &renewed["cancel_at_period_end"]),
            (&json!(null), &json!(false))
        );
        visit(&server, Method::POST, &cancel, &[]).await;
        server.jump_until(id(&subscription), "trial_end").await;
        assert_eq!(
            server.subscription(id(&subscription)).await["status"],
            "canceled",
            "{mode}"
        );
        server.stop().await;
    }
}

#[tokio::test]
async fn a_card_for_the_rest_of_the_trial() {
    let server = Server::start().await;
    let (customer, subscription) = trial(&server, "flexible").await;
    let flow = [
        ("flow_data[type]", "payment_method_update"),
        ("flow_data[after_completion][type]", "redirect"),
        (
            "flow_data[after_completion][redirect][return_url]",
            "http://127.0.0.1:3000/done",
        ),
    ];
    let portal = open(&server, &customer, &flow).await;
    let path = format!("{portal}/card");
    assert_eq!(
        visit(&server, Method::GET, &portal, &[]).await,
        (303, path.clone())
    );
    let card = |number| {
        [
            ("cardNumber", number),
            ("cardExpiry", "12/34"),
            ("cardCvc", "123"),
        ]
    };
    let (status, html) = visit(&server, Method::POST, &path, &card("4000000000000002")).await;
    assert!(
        status == 200 && html.contains("Your card was declined."),
        "{html}"
    );
    let (status, location) = visit(&server, Method::POST, &path, &card("4242424242424242")).await;
    assert_eq!((status, location.as_str()), (303, "http://127.0.0.1:3000/done"));
    let known = server.get(&format!("/v1/customers/{customer}")).await;
    assert!(known["invoice_settings"]["default_payment_method"].is_string());
    server.jump_until(id(&subscription), "payment").await;
    assert_eq!(server.get("/v1/charges").await["data"][0]["amount"], 1200);
    let (_, html) = visit(&server, Method::GET, &portal, &[]).await;
    assert!(html.contains("•••• 4242") && html.contains("$12.00"), "{html}");
    server.stop().await;
}

#[tokio::test]
async fn strangers_and_switched_off_features() {
    let server = Server::start().await;
    let (_, theirs) = trial(&server, "flexible").await;
    let (mine, own) = trial(&server, "flexible").await;
    let configuration = server
        .post(
            "/v1/billing_portal/configurations",
            &[
                ("features[invoice_history][enabled]", "true"),
                ("business_profile[headline]", "Ours"),
            ],
        )
        .await;
    let portal = open(&server, &mine, &[]).await;
    let path = format!("{portal}/cancel/{}", id(&theirs));
    assert_eq!(visit(&server, Method::POST, &path, &[]).await.0, 404);
    let limited = open(&server, &mine, &[("configuration", id(&configuration))]).await;
    let path = format!("{limited}/cancel/{}", id(&own));
    assert_eq!(visit(&server, Method::POST, &path, &[]).await.0, 400);
    let (_, html) = visit(&server, Method::GET, &limited, &[]).await;
    assert!(
        html.contains("Ours") && !html.contains("Cancel subscription"),
        "{html}"
    );

    // A page of another site cannot use it.
    let path = format!("{portal}/cancel/{}", id(&own));
    let foreign = server
        .request(Method::POST, &path, &[])
        .header("origin", "http://127.0.0.1:3000");
    assert_eq!(answer(foreign).await.0, 403);
    let renamed = server
        .request(Method::GET, &portal, &[])
        .header("host", "example.com");
    assert_eq!(answer(renamed).await.0, 403);
    server.stop().await;
}
