//! A trial from sign-up to renewal, walked by a browser with an SDK while Stripe's webhooks misbehave: the verdict on the
//! story stays clean.

use serde_json::{Value, json};
use tracking::sdk_cookie::cookie_name;

use crate::browser::{Browser, HTML, sdk_cookie_name};
use crate::sdk;
use crate::support::TestApp;

/// Local mode's key: it opens the stand-in and nothing else.
const KEY: &str = "sk_test_seamline_local";
const EMAIL: &str = "ada@example.com";

/// A browser in which Amplitude's SDK runs, as far as the server can tell.
struct Visitor {
    browser: Browser,
    key: String,
    events: u32,
}

impl Visitor {
    /// Opens a page; its SDK tells of the view.
    async fn open(&mut self, path: &str) -> String {
        let page = self.browser.open(path).await;
        assert_eq!(page.status, 200, "{path}");
        let boot = page.boot();
        self.tell(&boot, "[Amplitude] Page Viewed", None, json!({})).await;
        page.text()
    }

    async fn tell(&mut self, boot: &Value, name: &str, insert_id: Option<&str>, properties: Value) {
        self.events += 1;
        let own = format!("view-{}-{}", boot["device"], self.events);
        let (device, session) = (
            boot["device"].as_str().unwrap(),
            boot["session"].as_i64().unwrap(),
        );
        let now = boot["now"].as_i64().unwrap();
        let mut event = sdk::event(name, insert_id.unwrap_or(&own));
        for (key, value) in [
            ("device_id", json!(device)),
            ("session_id", json!(session)),
            ("time", json!(now)),
            ("event_properties", properties),
        ] {
            event = sdk::with(event, key, value);
        }
        if let Some(user) = boot["user"].as_str() {
            event = sdk::with(event, "user_id", json!(user));
        }
        self.browser.set_sdk_cookie(&self.key, device, session, now);
        let mut batch = sdk::batch(&self.key, &[event]);
        // Without it the stand-in takes the sample's date for the browser's clock and corrects it.
        batch.as_object_mut().unwrap().remove("client_upload_time");
        let answer = self.browser.ingest(&batch).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    async fn act(&mut self, action: &str) {
        self.open("/billing").await;
        let answer = self.browser.submit("/billing", &[("action", action)]).await;
        assert_eq!(answer.status, 303, "{action}: {}", answer.text());
        self.open("/billing").await;
    }
}

/// The stand-in for Stripe.
struct StripeAt(String, reqwest::Client);

impl StripeAt {
    async fn control(&self, path: &str, body: Value) {
        let answer = self.1.post(format!("{}/_sim/{path}", self.0)).json(&body).send();
        assert!(answer.await.unwrap().status().is_success(), "{path} {body}");
    }

    async fn give_card(&self) {
        let url = format!("{}/v1/customers?email={EMAIL}", self.0);
        let found: Value = self
            .1
            .get(url)
            .bearer_auth(KEY)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let customer = found["data"][0]["id"].as_str().unwrap();
        let url = format!("{}/v1/payment_methods/pm_card_visa/attach", self.0);
        let form = [("customer", customer)];
        let card = self
            .1
            .post(url)
            .bearer_auth(KEY)
            .form(&form)
            .send()
            .await
            .unwrap();
        let card: Value = card.json().await.unwrap();
        let form = [(
            "invoice_settings[default_payment_method]",
            card["id"].as_str().unwrap(),
        )];
        let url = format!("{}/v1/customers/{customer}", self.0);
        let set = self
            .1
            .post(url)
            .bearer_auth(KEY)
            .form(&form)
            .send()
            .await
            .unwrap();
        assert!(set.status().is_success());
    }
}

async fn walk(switches: Value) {
    let app = TestApp::start().await;
    assert_eq!(cookie_name(&app.public_key), sdk_cookie_name(&app.public_key));
    let mut ada = Visitor {
        browser: app.browser(),
        key: app.public_key.clone(),
        events: 0,
    };
    ada.open("/").await;
    assert_eq!(ada.browser.sign_up(EMAIL).await.status, 303);
    let user = app.user(EMAIL).await;
    let page = ada.browser.open("/pricing").await;
    let boot = page.boot();
    ada.tell(&boot, "[Amplitude] Page Viewed", None, json!({})).await;
    let text = page.text();
    let form = text
        .split("name=\"form\"")
        .nth(1)
        .and_then(|rest| rest.split("value=\"").nth(1));
    let form = form.and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let clicked = json!({"interval": "month", "surface": "pricing"});
    ada.tell(&boot, "Trial checkout clicked", Some(&form), clicked)
        .await;
    let led_to = ada
        .browser
        .submit("/pricing", &[("form", &form), ("interval", "month")])
        .await;
    let (_, checkout) = led_to.redirect();
    let checkout = checkout.replace("localhost", "127.0.0.1");
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none());
    let stripe = StripeAt(
        checkout.split("/c/pay/").next().unwrap().to_owned(),
        client.build().unwrap(),
    );

    stripe.control("webhooks", switches.clone()).await;
    let done = stripe
        .1
        .post(&checkout)
        .header("accept", HTML)
        .form(&[("x", "")])
        .send()
        .await
        .unwrap();
    let back = done.headers()["location"]
        .to_str()
        .unwrap()
        .strip_prefix(&app.url)
        .unwrap()
        .to_owned();
    ada.open(&back).await;
    // What a switch holds back until somebody has returned goes now, and no later than here.
    stripe.control("webhooks/release", json!({})).await;
    if switches["hold"] == true {
        stripe.control("webhooks", json!({})).await;
    }
    app.collector.event(&user, "Trial started").await;
    stripe.give_card().await;
    for (action, name) in [
        ("cancel", "Trial canceled"),
        ("resume", "Trial resumed"),
        ("jump_trial_end", "Trial converted"),
        ("jump_renewal", "Subscription renewal"),
    ] {
        ada.act(action).await;
        app.collector.event(&user, name).await;
    }
    let verdict = ada.browser.open("/timeline/verdict").await.json();
    let rulings = verdict["rulings"].as_array().unwrap();
    let broken: Vec<&Value> = rulings
        .iter()
        .filter(|ruling| ruling["standing"] == "broken")
        .collect();
    assert!(
        verdict["clean"] == true && broken.is_empty(),
        "{switches}: {broken:#?}"
    );
    app.stop().await;
}

#[tokio::test]
async fn webhooks_as_usual() {
    walk(json!({})).await;
}

#[tokio::test]
async fn webhooks_delayed() {
    walk(json!({"delay_ms": 300})).await;
}

#[tokio::test]
async fn webhooks_doubled() {
    walk(json!({"duplicate": 100})).await;
}

#[tokio::test]
async fn webhooks_shuffled() {
    walk(json!({"reorder": 3})).await;
}

#[tokio::test]
async fn webhooks_after_the_return() {
    walk(json!({"hold": true})).await;
}

#[tokio::test]
async fn webhooks_whose_answer_is_lost() {
    walk(json!({"lose_answer": 2})).await;
}
