//! Each endpoint succeeds, and rejects an unknown parameter without any effect.

use reqwest::Method;
use serde_json::{Value, json};

use crate::test_server::{DAY_SECS, START_SECS, TestServer, id, send};

/// Method, path after `/v1/`, and a valid form. `{name}` is replaced by the ID of an object of the account.
const ENDPOINTS: [(&str, &str, &str); 68] = [
    ("GET", "account", ""),
    ("POST", "products", "name=Max"),
    ("GET", "products", "active=true&limit=3"),
    ("GET", "products/{product}", ""),
    ("POST", "products/{product}", "name=Pro&metadata[a]=1"),
    (
        "POST",
        "prices",
        "product={product}&currency=usd&unit_amount=500&recurring[interval]=month&lookup_key=small",
    ),
    (
        "GET",
        "prices",
        "lookup_keys[]=small&product={product}&active=true",
    ),
    ("GET", "prices/{price}", "expand[]=product"),
    ("POST", "prices/{price}", "nickname=Monthly"),
    ("POST", "customers", "email=b@example.com&name=B"),
    ("GET", "customers", "email=zoe@example.com"),
    ("GET", "customers/{customer}", ""),
    ("POST", "customers/{customer}", "name=Zoe"),
    ("GET", "customers/{customer}/payment_methods", "type=card"),
    ("POST", "payment_methods", "type=card&card[token]=tok_visa"),
    ("GET", "payment_methods", "customer={customer}&type=card"),
    ("GET", "payment_methods/{method}", ""),
    ("POST", "payment_methods/{loose}/attach", "customer={customer}"),
    ("POST", "payment_methods/{loose}/detach", ""),
    (
        "POST",
        "setup_intents",
        "customer={customer}&payment_method=pm_card_visa&confirm=true",
    ),
    ("GET", "setup_intents/{setup}", ""),
    (
        "POST",
        "checkout/sessions",
        "mode=subscription&line_items[0][price]={price}&success_url=http://127.0.0.1/done",
    ),
    ("GET", "checkout/sessions", "status=open"),
    ("GET", "checkout/sessions/{session}", "expand[]=line_items"),
    ("GET", "checkout/sessions/{session}/line_items", "limit=3"),
    ("POST", "checkout/sessions/{session}/expire", ""),
    (
        "POST",
        "subscriptions",
        "customer={customer}&items[0][price]={price}&trial_period_days=3",
    ),
    (
        "GET",
        "subscriptions",
        "customer={customer}&status=all&price={price}",
    ),
    ("GET", "subscriptions/{subscription}", "expand[0]=latest_invoice"),
    ("POST", "subscriptions/{subscription}", "metadata[a]=1"),
    ("GET", "subscription_items", "subscription={subscription}"),
    ("POST", "subscriptions/{subscription}/pause", "type=subscription"),
    (
        "POST",
        "subscriptions/{subscription}/resume",
        "billing_cycle_anchor[type]=unchanged",
    ),
    (
        "DELETE",
        "subscriptions/{subscription}",
        "cancellation_details[comment]=Enough&expand[0]=customer",
    ),
    (
        "GET",
        "invoices",
        "customer={customer}&subscription={subscription}&status=paid",
    ),
    ("GET", "invoices/{invoice}", "expand[]=payments"),
    ("GET", "invoices/{invoice}/lines", ""),
    ("POST", "invoices/create_preview", "subscription={other}"),
    ("POST", "invoices/{draft}/finalize", "auto_advance=false"),
    ("POST", "invoices/{draft}/pay", ""),
    ("POST", "invoices/{open}/void", ""),
    (
        "GET",
        "invoice_payments",
        "payment[type]=payment_intent&payment[payment_intent]={intent}",
    ),
    ("GET", "invoice_payments/{payment}", "expand[]=invoice"),
    ("GET", "payment_intents", "customer={customer}"),
    ("GET", "payment_intents/{intent}", "expand[]=latest_charge"),
    ("GET", "charges", "customer={customer}"),
    ("GET", "charges/{charge}", "expand[]=refunds"),
    (
        "POST",
        "refunds",
        "charge={charge}&amount=100&reason=requested_by_customer",
    ),
    ("GET", "refunds", "charge={charge}"),
    (
        "POST",
        "billing_portal/sessions",
        "customer={customer}&return_url=http://127.0.0.1/billing",
    ),
    (
        "POST",
        "billing_portal/configurations",
        "features[invoice_history][enabled]=true",
    ),
    ("GET", "billing_portal/configurations", "active=true"),
    ("GET", "billing_portal/configurations/{configuration}", ""),
    (
        "POST",
        "billing_portal/configurations/{configuration}",
        "name=Ours",
    ),
    ("POST", "test_helpers/test_clocks", "frozen_time=1700000000"),
    ("GET", "test_helpers/test_clocks", ""),
    ("GET", "test_helpers/test_clocks/{clock}", ""),
    (
        "POST",
        "test_helpers/test_clocks/{clock}/advance",
        "frozen_time=1700000009",
    ),
    ("DELETE", "test_helpers/test_clocks/{clock}", ""),
    (
        "GET",
        "events",
        "types[]=invoice.paid&types[]=charge.succeeded&created[gte]=1&delivery_success=true",
    ),
    ("GET", "events/{event}", ""),
    (
        "POST",
        "webhook_endpoints",
        "url=http://127.0.0.1:9/hook&enabled_events[]=product.created",
    ),
    ("GET", "webhook_endpoints", ""),
    ("GET", "webhook_endpoints/{endpoint}", ""),
    ("POST", "webhook_endpoints/{endpoint}", "description=Ours"),
    ("DELETE", "webhook_endpoints/{endpoint}", ""),
    ("GET", "refunds/{refund}", ""),
    ("DELETE", "customers/{customer}", ""),
];

/// Creates an account with an object for every `{name}`. Returns names and IDs.
async fn account(server: &TestServer) -> Vec<(&'static str, String)> {
    let price = server.price().await;
    let product = server.get(&format!("/v1/prices/{price}")).await["product"].clone();
    let customer = server.customer().await;
    let method = server.set_default_card(&customer, "pm_card_visa").await;
    let subscribe = async |more: &[(&str, &str)]| {
        let base = [
            ("customer", customer.as_str()),
            ("items[0][price]", price.as_str()),
        ];
        server.post("/v1/subscriptions", &[&base, more].concat()).await
    };
    let subscription = subscribe(&[]).await;
    let other = subscribe(&[]).await;
    // A draft invoice, and an open one.
    let trial = subscribe(&[("trial_end", &(START_SECS + DAY_SECS).to_string())]).await;
    server.advance_until(id(&trial), "trial_end").await;
    let trial = server.subscription(id(&trial)).await;
    let open = subscribe(&[("payment_behavior", "default_incomplete")]).await;
    let invoice = subscription["latest_invoice"]
        .as_str()
        .expect("a subscription has an invoice");
    let payment = server
        .get(&format!("/v1/invoice_payments?invoice={invoice}"))
        .await["data"][0]
        .clone();
    let intent = payment["payment"]["payment_intent"]
        .as_str()
        .expect("the invoice was paid by card");
    let charge = server.get(&format!("/v1/charges?payment_intent={intent}")).await["data"][0].clone();
    let created = async |path: &str, form: &[(&str, &str)]| server.post(path, form).await["id"].clone();
    let loose = created(
        "/v1/payment_methods",
        &[("type", "card"), ("card[token]", "tok_visa")],
    )
    .await;
    let setup = created("/v1/setup_intents", &[("customer", &customer)]).await;
    let session = created(
        "/v1/checkout/sessions",
        &[
            ("mode", "subscription"),
            ("line_items[0][price]", &price),
            ("success_url", "http://127.0.0.1/done"),
        ],
    )
    .await;
    let configuration = created(
        "/v1/billing_portal/configurations",
        &[("features[invoice_history][enabled]", "true")],
    )
    .await;
    let clock = created(
        "/v1/test_helpers/test_clocks",
        &[("frozen_time", &START_SECS.to_string())],
    )
    .await;
    let refund = created("/v1/refunds", &[("charge", id(&charge)), ("amount", "10")]).await;
    let endpoint = created(
        "/v1/webhook_endpoints",
        &[
            ("url", "http://127.0.0.1:9/hook"),
            ("enabled_events[]", "product.created"),
        ],
    )
    .await;
    server
        .post(
            &format!("/v1/webhook_endpoints/{}", endpoint.as_str().expect("an ID")),
            &[("disabled", "true")],
        )
        .await;
    let event = server.get("/v1/events?limit=1").await["data"][0]["id"].clone();
    [
        ("product", product),
        ("price", json!(price)),
        ("customer", json!(customer)),
        ("method", json!(method)),
        ("loose", loose),
        ("setup", setup),
        ("session", session),
        ("subscription", subscription["id"].clone()),
        ("other", other["id"].clone()),
        ("invoice", json!(invoice)),
        ("draft", trial["latest_invoice"].clone()),
        ("open", open["latest_invoice"].clone()),
        ("payment", payment["id"].clone()),
        ("intent", json!(intent)),
        ("charge", charge["id"].clone()),
        ("refund", refund),
        ("configuration", configuration),
        ("clock", clock),
        ("event", event),
        ("endpoint", endpoint),
    ]
    .into_iter()
    .map(|(name, id)| (name, id.as_str().expect("an ID").to_owned()))
    .collect()
}

/// The state without the clock.
async fn state(server: &TestServer) -> Value {
    let mut state = server.get("/_sim/state").await;
    state["clock"].take();
    state
}

#[tokio::test]
async fn every_endpoint_succeeds_and_rejects_unknown_parameters() {
    let server = TestServer::start().await;
    let ids = account(&server).await;
    for (method, path, form) in ENDPOINTS {
        let (mut path, mut form) = (format!("/v1/{path}"), form.to_owned());
        for (name, id) in &ids {
            let name = format!("{{{name}}}");
            path = path.replace(&name, id);
            form = form.replace(&name, id);
        }
        assert!(!path.contains('{') && !form.contains('{'), "{path} {form}");
        let call = async |form: &str| {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let request = if method == Method::GET {
                server.request(method, &format!("{path}?{form}"), &[])
            } else {
                // DELETE requests have a body too, as async-stripe sends them.
                server
                    .request(method, &path, &[])
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(form.to_owned())
            };
            let (status, body) = send(request).await;
            crate::schema::check(&body);
            (status, body)
        };
        let before = state(&server).await;
        let (status, body) = call(&format!("{form}&nonsense=1")).await;
        assert_eq!(
            (status, &body["error"]["code"], &body["error"]["param"]),
            (400, &json!("parameter_unknown"), &json!("nonsense")),
            "{method} {path}: {body:#}"
        );
        assert_eq!(state(&server).await, before, "{method} {path}");
        let (status, body) = call(&form).await;
        assert_eq!(status, 200, "{method} {path} {form}: {body:#}");
    }
    server.stop_without_delivery().await;
}

#[tokio::test]
async fn unknown_routes_get_stripes_error() {
    let server = TestServer::start().await;
    for (method, path) in [
        (Method::GET, "coupons"),
        (Method::POST, "invoiceitems"),
        (Method::POST, "payment_intents"),
        (Method::POST, "subscriptions/sub_1/migrate"),
        (Method::PUT, "customers"),
        (Method::DELETE, "events/evt_1"),
        (Method::GET, "subscriptions/sub_1/pause"),
        (Method::GET, "billing_portal/sessions"),
    ] {
        let (status, error) = server
            .expect_error(method.clone(), &format!("/v1/{path}"), &[])
            .await;
        assert_eq!(status, 404, "{method} {path}");
        assert_eq!(error["type"], "invalid_request_error");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("Unrecognized request URL ({method}: /v1/{path}).")),
            "{message}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_cancellation_by_delete_reads_the_form_in_the_body() {
    let server = TestServer::start().await;
    let customer = server.customer_with_card("pm_card_visa").await;
    for key in ["expand[0]", "expand[]"] {
        let created = server.subscribe(&customer, &[]).await;
        let ended = server
            .delete(
                &format!("/v1/subscriptions/{}", id(&created)),
                &[
                    (key, "latest_invoice"),
                    ("cancellation_details[comment]", "Enough"),
                ],
            )
            .await;
        assert_eq!(ended["cancellation_details"]["comment"], "Enough");
        assert_eq!(ended["latest_invoice"]["object"], "invoice", "{key}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_decline_is_replayed_and_an_invalid_request_is_not() {
    let server = TestServer::start().await;
    let price = server.price().await;
    let customer = server.customer_with_card("pm_card_chargeCustomerFail").await;
    let call = async |more: &[(&str, &str)]| {
        let base = [
            ("customer", customer.as_str()),
            ("items[0][price]", price.as_str()),
            ("payment_behavior", "error_if_incomplete"),
        ];
        let request = server
            .request(Method::POST, "/v1/subscriptions", &[&base, more].concat())
            .header("idempotency-key", "key-1");
        send(request).await
    };
    // Stripe stores no response for a request with invalid parameters.
    assert_eq!(call(&[("nonsense", "1")]).await.0, 400);
    let (status, first) = call(&[]).await;
    assert_eq!(status, 402);
    server.set_default_card(&customer, "pm_card_visa").await;
    assert_eq!(call(&[]).await, (402, first));
    let (status, body) = call(&[("metadata[a]", "1")]).await;
    assert_eq!(
        (status, &body["error"]["type"]),
        (400, &json!("idempotency_error"))
    );
    // The same form on another path is another request.
    let elsewhere = server
        .request(Method::POST, "/v1/customers", &[])
        .header("idempotency-key", "key-1");
    assert_eq!(send(elsewhere).await.1["error"]["type"], "idempotency_error");
    server.stop().await;
}
