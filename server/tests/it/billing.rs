//! Billing at the border: what the webhook's route takes and refuses, and the way of a trial by forms alone.

use db::Engine;
use db::testing::engines;
use http::Method;
use serde_json::{Value, json};
use stripe_webhook::Webhook;

use crate::browser::Browser;
use crate::support::{TestApp, until};

const SECRET: &str = "whsec_now";
const OLD_SECRET: &str = "whsec_before";

/// A server whose webhooks the test signs. Stripe itself does not answer: nothing listens there.
async fn app_with_unreachable_stripe(engine: Engine) -> TestApp {
    let variables = [
        ("STRIPE_API_URL", "http://127.0.0.1:9"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_now,whsec_before"),
    ];
    TestApp::with(engine, &variables).await
}

fn event(id: &str, kind: &str, object: &Value) -> String {
    json!({
        "id": id,
        "object": "event",
        "api_version": "2026-09-30.endive",
        "created": 1_795_000_000,
        "livemode": false,
        "pending_webhooks": 1,
        "request": {"id": null, "idempotency_key": null},
        "type": kind,
        "data": {"object": object},
    })
    .to_string()
}

fn subscription(customer: &str) -> Value {
    json!({
        "id": "sub_1", "object": "subscription", "customer": customer, "status": "trialing", "created": 1,
        "cancel_at_period_end": false, "metadata": {},
        "items": {"object": "list", "data": [{"id": "si_1", "price": {"lookup_key": "seamline_pro_month"}}]},
    })
}

async fn deliver(browser: &mut Browser, body: &str, secret: &str) -> (u16, bool) {
    let signature = Webhook::generate_test_header(body, secret, None);
    let request = browser
        .request(Method::POST, "/webhooks/stripe")
        .header("stripe-signature", signature)
        .body(body.to_owned());
    let answer = browser.send(request).await;
    (answer.status, answer.cookies.is_empty())
}

#[tokio::test]
async fn a_webhook_is_stored_once_under_any_of_the_secrets() {
    for engine in engines() {
        let app = app_with_unreachable_stripe(engine).await;
        let mut stripe = app.browser();
        let body = event("evt_1", "customer.subscription.created", &subscription("cus_1"));
        for secret in [SECRET, OLD_SECRET, SECRET] {
            assert_eq!(
                deliver(&mut stripe, &body, secret).await,
                (200, true),
                "{engine:?}"
            );
        }
        assert_eq!(app.count("stripe_inbox").await, 1);
        let stored = app.texts("SELECT payload FROM stripe_inbox").await;
        assert_eq!(stored, [body], "byte for byte");
        app.stop().await;
    }
}

#[tokio::test]
async fn invalid_webhooks_change_nothing() {
    let app = app_with_unreachable_stripe(Engine::Sqlite).await;
    let mut stranger = app.browser();
    let body = event(
        "evt_1",
        "invoice.paid",
        &json!({"id": "in_1", "object": "invoice"}),
    );
    assert_eq!(deliver(&mut stranger, &body, "whsec_guessed").await.0, 400);
    assert_eq!(deliver(&mut stranger, "no event", SECRET).await.0, 400);
    let unsigned = stranger
        .request(Method::POST, "/webhooks/stripe")
        .body(body.clone());
    assert_eq!(stranger.send(unsigned).await.status, 400);
    let old = Webhook::generate_test_header(&body, SECRET, Some(1_795_000_000));
    let replayed = stranger
        .request(Method::POST, "/webhooks/stripe")
        .header("stripe-signature", old)
        .body(body.clone());
    assert_eq!(stranger.send(replayed).await.status, 400);
    let huge = "x".repeat(1024 * 1024 + 1);
    assert_eq!(deliver(&mut stranger, &huge, SECRET).await.0, 413);
    let asked = stranger.request(Method::GET, "/webhooks/stripe");
    assert_eq!(stranger.send(asked).await.status, 405);
    assert_eq!(app.count("stripe_inbox").await, 0);
    app.assert_untouched().await;
}

#[tokio::test]
async fn an_unknown_webhook_type_is_accepted_and_counted() {
    let app = app_with_unreachable_stripe(Engine::Sqlite).await;
    let mut stripe = app.browser();
    let body = event(
        "evt_1",
        "wormhole.opened",
        &json!({"id": "wh_1", "customer": "cus_1"}),
    );
    assert_eq!(deliver(&mut stripe, &body, SECRET).await.0, 200);
    assert_eq!(app.count("stripe_inbox").await, 0);
    assert_eq!(app.count("outbox").await, 0);
    let page = app.browser().open("/operations").await.text();
    assert!(
        page.contains("wormhole.opened") && page.contains("no effect"),
        "{page}"
    );
    assert_eq!(
        app.texts("SELECT event_type FROM stripe_not_ours").await,
        ["wormhole.opened"]
    );
}

#[tokio::test]
async fn a_webhook_of_an_unknown_customer_is_shown_and_blocks_no_other() {
    let app = app_with_unreachable_stripe(Engine::Sqlite).await;
    let mut stripe = app.browser();
    let body = event(
        "evt_1",
        "customer.subscription.created",
        &subscription("cus_nobody"),
    );
    assert_eq!(deliver(&mut stripe, &body, SECRET).await.0, 200);
    until("it was tried", async || {
        let tried = app
            .texts("SELECT last_error FROM stripe_inbox WHERE attempts > 0")
            .await;
        (tried == ["unknown customer"]).then_some(())
    })
    .await;
    // A customer of another product is not shown, and not kept.
    let mut foreign = subscription("cus_foreign");
    foreign["items"]["data"] = json!([]);
    let body = event("evt_2", "customer.subscription.created", &foreign);
    assert_eq!(deliver(&mut stripe, &body, SECRET).await.0, 200);
    assert_eq!(app.texts("SELECT lane FROM stripe_inbox").await, ["cus_nobody"]);
}

#[tokio::test]
async fn a_trial_works_without_script() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut browser = app.browser();
        let signed_up = browser.sign_up("ada@example.com").await;
        assert_eq!(signed_up.status, 303);
        let page = browser.open("/pricing").await;
        let form = value_of(&page.text(), "form");
        let policy = page.header("content-security-policy").unwrap();
        let stand_in = policy
            .split("form-action 'self' ")
            .nth(1)
            .and_then(|rest| rest.split(';').next())
            .unwrap();

        // Sent twice, it is one Checkout.
        let fields = [("form", form.as_str()), ("interval", "year")];
        let led_to = browser.submit("/pricing", &fields).await;
        let (status, url) = led_to.redirect();
        assert_eq!(status, 303);
        assert!(
            url.starts_with(&format!("{stand_in}/c/pay/cs_")),
            "{url} {stand_in}"
        );
        let again = browser.submit("/pricing", &fields).await;
        assert_eq!(again.redirect(), (303, url));

        let back = pay(url).await;
        let user = app.user("ada@example.com").await;
        let started = app.collector.event(&user, "Trial started").await;
        assert_eq!(started["event_properties"]["interval"], "year");
        assert_eq!(started["event_properties"]["click"], *form);
        assert_eq!(started["session_id"], page.boot()["session"]);

        let back = back.strip_prefix(&app.url).unwrap().to_owned();
        assert!(browser.open(&back).await.text().contains("Welcome to Pro"));
        let billing = browser.open("/billing").await.text();
        assert!(
            billing.contains("Pro trial") && billing.contains("3 days left"),
            "{billing}"
        );
        app.stop().await;
    }
}

#[tokio::test]
async fn billing_forms_of_a_signed_out_visitor_are_refused_with_a_reason() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.open("/pricing").await;
    let answer = browser
        .submit("/pricing", &[("interval", "year"), ("form", "no uuid")])
        .await;
    assert_eq!(answer.status, 422);
    assert!(answer.text().contains("You are signed out."));
    let answer = browser.submit("/billing", &[("action", "cancel")]).await;
    assert_eq!(answer.redirect(), (302, "/sign-in?next=/billing"));
    assert_eq!(browser.open("/billing/live").await.status, 204);
    assert_eq!(app.count("handoffs").await, 0);
}

#[tokio::test]
async fn with_stripe_unreachable_the_page_shows_it_and_keeps_the_choice() {
    let app = app_with_unreachable_stripe(Engine::Sqlite).await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let answer = browser.submit("/pricing", &[("interval", "year")]).await;
    assert_eq!(answer.status, 422);
    let page = answer.text();
    assert!(page.contains("Stripe does not answer right now"), "{page}");
    let year = page.split("value=\"year\"").nth(1).unwrap();
    assert!(
        year.split('>').next().unwrap().contains("checked"),
        "still yearly"
    );
    // Nothing to cancel is no fault of Stripe's.
    let answer = browser.submit("/billing", &[("action", "cancel")]).await;
    assert!(
        answer
            .text()
            .contains("There is no running subscription to change.")
    );
}

/// Completes the stand-in's Checkout page. Returns the URL that it leads back to.
pub async fn pay(checkout: &str) -> String {
    let port = checkout
        .split(':')
        .nth(2)
        .and_then(|rest| rest.split('/').next())
        .unwrap();
    let path = checkout.split_once("/c/pay/").unwrap().1;
    let completed = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
        .post(format!("http://127.0.0.1:{port}/c/pay/{path}"))
        .form(&[("x", "")])
        .send()
        .await
        .unwrap();
    completed.headers()["location"].to_str().unwrap().to_owned()
}

fn value_of(page: &str, name: &str) -> String {
    let input = page.split(&format!("name=\"{name}\"")).nth(1).unwrap();
    let value = input.split("value=\"").nth(1).unwrap();
    value.split('"').next().unwrap().to_owned()
}
