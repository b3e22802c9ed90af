//! All endpoints: keys, errors, idempotency, lists and expansion.

use reqwest::Method;
use serde_json::{Value, json};

use crate::test_server::{Form, KEY, TestServer, id, send};

#[tokio::test]
async fn requests_need_a_test_key() {
    let server = TestServer::start().await;
    let url = format!("{}/v1/account", server.url);
    let cases = [
        (server.client.get(&url), 401),
        (server.client.get(&url).bearer_auth("sk_live_123"), 401),
        (server.client.get(&url).bearer_auth("pk_test_123"), 401),
        (server.client.get(&url).bearer_auth(KEY), 200),
        (server.client.get(&url).basic_auth(KEY, Some("")), 200),
    ];
    for (request, expected) in cases {
        let (status, body) = send(request).await;
        assert_eq!(status, expected, "{body}");
    }
    server.stop().await;
}

#[tokio::test]
async fn case_24_the_error_for_another_key_names_the_accepted_one() {
    let server = TestServer::start_with(stripe_local::StripeStandInSettings {
        secret_key: Some("sk_test_seamline_local".to_owned()),
        ..stripe_local::StripeStandInSettings::default()
    })
    .await;
    let request = server.client.get(format!("{}/v1/account", server.url));
    let (status, body) = send(request.bearer_auth("sk_test_abc123")).await;
    assert_eq!(status, 401);
    let message = body["error"]["message"].as_str().expect("a message");
    assert!(message.contains("accepts one key, sk_test_seaml…,"), "{message}");
    server.stop().await;
}

#[tokio::test]
async fn errors_have_stripes_format() {
    let server = TestServer::start().await;
    let cases: [(Method, &str, Form<'_>, u16, &str, Value); 6] = [
        (
            Method::GET,
            "/v1/customers/cus_none",
            &[],
            404,
            "resource_missing",
            json!("id"),
        ),
        (Method::GET, "/v1/nothing", &[], 404, "", Value::Null),
        (
            Method::POST,
            "/v1/customers",
            &[("emial", "x")],
            400,
            "parameter_unknown",
            json!("emial"),
        ),
        (
            Method::POST,
            "/v1/products",
            &[],
            400,
            "parameter_missing",
            json!("name"),
        ),
        (
            Method::GET,
            "/v1/customers?expand[]=nothing",
            &[],
            400,
            "",
            json!("expand"),
        ),
        (
            Method::POST,
            "/v1/prices",
            &[("currency", "usd")],
            400,
            "parameter_missing",
            json!("product"),
        ),
    ];
    for (method, path, form, expected, code, param) in cases {
        let (status, body) = server.call(method, path, form).await;
        assert_eq!(status, expected, "{path}: {body}");
        if status >= 400 {
            assert_eq!(body["error"]["type"], "invalid_request_error");
            assert_eq!(body["error"]["code"].as_str().unwrap_or_default(), code, "{body}");
            assert_eq!(body["error"]["param"], param, "{body}");
        }
    }
    let json = server
        .client
        .post(format!("{}/v1/customers", server.url))
        .bearer_auth(KEY)
        .json(&json!({}));
    assert_eq!(send(json).await.0, 400);
    let customer = server.customer().await;
    let (status, error) = server
        .expect_error(
            Method::GET,
            &format!("/v1/customers/{customer}?expand[]=nothing"),
            &[],
        )
        .await;
    assert_eq!((status, &error["param"]), (400, &json!("expand")));
    server.stop().await;
}

#[tokio::test]
async fn numbers_out_of_range_are_rejected() {
    let server = TestServer::start().await;
    let customer = server.customer().await;
    let price = server.price().await;
    let huge = i64::MAX.to_string();
    for (key, value) in [
        ("items[0][quantity]", "0"),
        ("items[0][quantity]", &huge),
        ("trial_period_days", &huge),
        ("trial_end", &huge),
        ("trial_end", "-1"),
        ("cancel_at", &huge),
    ] {
        let form = [
            ("customer", customer.as_str()),
            ("items[0][price]", &price),
            (key, value),
        ];
        let (status, error) = server
            .expect_error(Method::POST, "/v1/subscriptions", &form)
            .await;
        assert_eq!((status, &error["param"]), (400, &json!(key)), "{value}: {error}");
    }
    let clock = [("frozen_time", huge.as_str())];
    assert_eq!(
        server
            .expect_error(Method::POST, "/v1/test_helpers/test_clocks", &clock)
            .await
            .0,
        400
    );
    server.stop().await;
}

#[tokio::test]
async fn an_idempotency_key_replays_the_first_response() {
    let server = TestServer::start().await;
    let call = |path: &str, form: &[(&str, &str)]| {
        server
            .request(Method::POST, path, form)
            .header("idempotency-key", "key-1")
    };
    let first = call("/v1/customers", &[("email", "a@example.com")])
        .send()
        .await
        .unwrap();
    assert_eq!(first.headers().get("idempotent-replayed"), None);
    assert_eq!(first.headers()["idempotency-key"], "key-1");
    let first: Value = first.json().await.unwrap();
    let second = call("/v1/customers", &[("email", "a@example.com")])
        .send()
        .await
        .unwrap();
    assert_eq!(second.headers()["idempotent-replayed"], "true");
    assert_eq!(second.json::<Value>().await.unwrap(), first);
    let (status, body) = send(call("/v1/customers", &[("email", "b@example.com")])).await;
    assert_eq!(
        (status, &body["error"]["type"]),
        (400, &json!("idempotency_error"))
    );
    let event = server.get("/v1/events").await["data"][0].clone();
    assert_eq!(event["request"]["idempotency_key"], "key-1");
    assert_eq!(
        server.get("/v1/customers").await["data"].as_array().map(Vec::len),
        Some(1)
    );
    server.stop().await;
}

#[tokio::test]
async fn lists_are_paged_and_expanded() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
    let one = server.subscribe(&customer, &[("trial_period_days", "3")]).await;
    let two = server.subscribe(&customer, &[]).await;
    let list = server
        .get(&format!("/v1/subscriptions?limit=1&customer={customer}&expand[]=data.latest_invoice.payments&expand[]=data.customer"))
        .await;
    assert_eq!(
        (&list["has_more"], &list["url"]),
        (&json!(true), &json!("/v1/subscriptions"))
    );
    assert_eq!(list["data"][0]["id"], two["id"]);
    assert_eq!(list["data"][0]["customer"]["email"], "zoe@example.com");
    assert_eq!(
        list["data"][0]["latest_invoice"]["payments"]["data"][0]["status"],
        "paid"
    );
    let next = server
        .get(&format!("/v1/subscriptions?limit=1&starting_after={}", id(&two)))
        .await;
    assert_eq!(
        (&next["data"][0]["id"], &next["has_more"]),
        (&one["id"], &json!(false))
    );
    let trialing = server.get("/v1/subscriptions?status=trialing").await;
    assert_eq!(trialing["data"].as_array().map(Vec::len), Some(1));
    let items = server
        .get(&format!("/v1/subscription_items?subscription={}", id(&two)))
        .await;
    assert_eq!(items["data"], two["items"]["data"]);
    let invoice = two["latest_invoice"].as_str().unwrap();
    let lines = server.get(&format!("/v1/invoices/{invoice}/lines")).await;
    assert_eq!(lines["data"][0]["amount"], 1200);
    let charge = &server.get("/v1/charges?expand[]=data.payment_intent").await["data"][0];
    assert_eq!(charge["payment_intent"]["latest_charge"], charge["id"]);
    server.stop().await;
}

#[tokio::test]
async fn lookup_keys_are_unique_and_transferable() {
    let server = TestServer::start().await;
    let product = server
        .post("/v1/products", &[("name", "Pro"), ("metadata[a]", "1")])
        .await;
    let form = [
        ("product", id(&product)),
        ("currency", "USD"),
        ("unit_amount", "1200"),
        ("recurring[interval]", "month"),
        ("lookup_key", "pro_monthly"),
    ];
    let first = server.post("/v1/prices", &form).await;
    assert_eq!(
        server.expect_error(Method::POST, "/v1/prices", &form).await.0,
        400
    );
    let mut transfer = form.to_vec();
    transfer.push(("transfer_lookup_key", "true"));
    let second = server.post("/v1/prices", &transfer).await;
    let found = server
        .get("/v1/prices?lookup_keys[]=pro_monthly&active=true&expand[]=data.product")
        .await;
    assert_eq!(found["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&found["data"][0]["id"], &found["data"][0]["product"]["name"]),
        (&second["id"], &json!("Pro"))
    );
    assert_eq!(
        server.get(&format!("/v1/prices/{}", id(&first))).await["lookup_key"],
        json!(null)
    );
    let renamed = server
        .post(
            &format!("/v1/products/{}", id(&product)),
            &[("name", "Max"), ("metadata[a]", "")],
        )
        .await;
    assert_eq!(
        (&renamed["name"], &renamed["metadata"]),
        (&json!("Max"), &json!({}))
    );
    server.stop().await;
}

#[tokio::test]
async fn cards_are_attached_by_setup_intents() {
    let server = TestServer::start().await;
    let customer = server.customer().await;
    let (status, error) = server
        .expect_error(
            Method::POST,
            "/v1/payment_methods/pm_card_chargeDeclined/attach",
            &[("customer", &customer)],
        )
        .await;
    assert_eq!((status, &error["decline_code"]), (402, &json!("generic_decline")));
    let typed = server
        .post(
            "/v1/payment_methods",
            &[
                ("type", "card"),
                ("card[number]", "5555555555554444"),
                ("card[exp_month]", "1"),
                ("card[exp_year]", "2040"),
            ],
        )
        .await;
    assert_eq!(typed["card"]["brand"], "mastercard");
    for (card, expected) in [
        ("pm_card_visa", "succeeded"),
        ("pm_card_threeDSecure2Required", "requires_action"),
        ("pm_card_chargeDeclined", "requires_payment_method"),
    ] {
        let form = [
            ("customer", customer.as_str()),
            ("payment_method", card),
            ("confirm", "true"),
        ];
        let intent = server.post("/v1/setup_intents", &form).await;
        assert_eq!(intent["status"], expected, "{card}");
        assert_eq!(
            server.get(&format!("/v1/setup_intents/{}", id(&intent))).await,
            intent
        );
    }
    let cards = server
        .get(&format!("/v1/customers/{customer}/payment_methods?type=card"))
        .await;
    assert_eq!(cards["data"].as_array().map(Vec::len), Some(1));
    let detached = server
        .post(
            &format!("/v1/payment_methods/{}/detach", id(&cards["data"][0])),
            &[],
        )
        .await;
    assert_eq!(detached["customer"], json!(null));
    server.stop().await;
}

#[tokio::test]
async fn a_preview_is_not_stored() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
    let created = server.subscribe(&customer, &[("trial_period_days", "3")]).await;
    let preview = server
        .post("/v1/invoices/create_preview", &[("subscription", id(&created))])
        .await;
    assert_eq!(
        (&preview["total"], &preview["billing_reason"]),
        (&json!(1200), &json!("upcoming"))
    );
    let invoices = server.get("/v1/invoices").await;
    assert_eq!(
        invoices["data"].as_array().map(Vec::len),
        Some(1),
        "a preview is not stored"
    );
    let ended = server
        .delete(
            &format!("/v1/subscriptions/{}", id(&created)),
            &[("cancellation_details[feedback]", "unused")],
        )
        .await;
    assert_eq!(
        (&ended["status"], &ended["cancellation_details"]["feedback"]),
        (&json!("canceled"), &json!("unused"))
    );
    server.stop().await;
}
