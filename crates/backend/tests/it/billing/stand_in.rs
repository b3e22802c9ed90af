//! Runs the stand-in for Stripe on the test's clock, and uses its hosted pages like a browser without scripts.

use backend::clock::Clock;
use reqwest::{Client, Method, redirect::Policy};
use serde_json::{Value, json};
use stripe_local::{AccountRules, StripeStandInSettings, open, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::Url;

pub type Form<'a> = &'a [(&'a str, &'a str)];

/// A card whose charges succeed.
pub const GOOD_CARD: &str = "4242424242424242";
/// A card that can be added but whose charges fail.
pub const BAD_CARD: &str = "4000000000000341";

pub struct StandIn {
    /// URL of its API.
    pub url: String,
    client: Client,
    _stop: oneshot::Sender<()>,
}

impl StandIn {
    /// Runs until it is dropped. Its wall clock is `clock`. Webhooks are not sent; the test reads them.
    pub async fn start(clock: &Clock, seed: Option<u64>, rules: AccountRules) -> Self {
        let clock = clock.clone();
        let settings = StripeStandInSettings {
            clock: stripe_local::WallClock::from_fn(move || clock.now_ms()),
            seed,
            rules,
            ..StripeStandInSettings::default()
        };
        let stripe = open(settings).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(serve(listener, stripe, async {
            // Dropping the sender stops the server.
            let _ = stopped.await;
        }));
        Self {
            url,
            client: client(),
            _stop: stop,
        }
    }

    async fn send(&self, method: Method, path: &str, form: Form<'_>) -> reqwest::Response {
        let request = self
            .client
            .request(method, format!("{}{path}", self.url))
            .bearer_auth("sk_test_local");
        let request = if form.is_empty() {
            request
        } else {
            request.form(form)
        };
        request.send().await.unwrap()
    }

    async fn call(&self, method: Method, path: &str, form: Form<'_>) -> Value {
        let answer = self.send(method, path, form).await;
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, &[]).await
    }

    pub async fn post(&self, path: &str, form: Form<'_>) -> Value {
        self.call(Method::POST, path, form).await
    }

    pub async fn delete(&self, path: &str) -> Value {
        self.call(Method::DELETE, path, &[]).await
    }

    /// All objects of a list, newest first.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let after = all.last().map_or(String::new(), |last| {
                format!("&starting_after={}", last["id"].as_str().unwrap())
            });
            let mut page = self.get(&format!("{path}{sign}limit=100{after}")).await;
            let more = page["has_more"] == true;
            all.append(page["data"].as_array_mut().unwrap());
            if !more {
                return all;
            }
        }
    }

    /// The objects of a list that are newer than `known`, newest first.
    pub async fn newer(&self, path: &str, known: Option<&str>) -> Vec<Value> {
        let Some(known) = known else {
            return self.all(path).await;
        };
        let mut newer: Vec<Value> = Vec::new();
        loop {
            let known = newer.first().map_or(known, |first| text(first, "id"));
            let mut page = self.get(&format!("{path}?limit=100&ending_before={known}")).await;
            let page = page["data"].as_array_mut().unwrap();
            if page.is_empty() {
                return newer;
            }
            newer.splice(0..0, page.drain(..));
        }
    }

    pub async fn subscription(&self, id: &str) -> Value {
        self.get(&format!("/v1/subscriptions/{id}")).await
    }

    /// Makes a refund fail, as a bank would.
    pub async fn fail_refund(&self, id: &str) {
        self.control(&format!("refunds/{id}/fail"), json!({})).await;
    }

    /// Disputes a charge, as its cardholder would, and returns the dispute's ID.
    pub async fn dispute(&self, charge: &str) -> String {
        self.control(&format!("charges/{charge}/dispute"), json!({}))
            .await;
        text(&self.all("/v1/disputes").await[0], "id").to_owned()
    }

    /// Closes a dispute, as the bank would.
    pub async fn close_dispute(&self, id: &str, won: bool) {
        self.control(&format!("disputes/{id}/close"), json!({"won": won}))
            .await;
    }

    /// Posts to the stand-in's control API.
    pub async fn control(&self, path: &str, body: Value) {
        let request = self.client.post(format!("{}/_sim/{path}", self.url));
        let answer = request.json(&body).send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{path}: {}",
            answer.text().await.unwrap()
        );
    }

    /// Submits a form of a hosted page and returns the redirect's location.
    pub async fn submit(&self, page: &str, beneath: &str, form: Form<'_>) -> String {
        // Hosted pages use another host name of this machine.
        let path = format!("{}{beneath}", Url::parse(page).unwrap().path());
        let form = if form.is_empty() { &[("x", "")] } else { form };
        let answer = self.send(Method::POST, &path, form).await;
        let location = answer.headers().get("location").cloned();
        let Some(location) = location else {
            panic!("{path}: {}", answer.text().await.unwrap());
        };
        location.to_str().unwrap().to_owned()
    }

    /// Completes a Checkout page and returns the redirect's location.
    pub async fn complete_checkout(&self, page: &str, number: Option<&str>) -> String {
        match number {
            Some(number) => self.submit(page, "", &card(number)).await,
            None => self.submit(page, "", &[]).await,
        }
    }

    /// A customer's charges less refunds, in minor units.
    pub async fn money_of(&self, customer: &str) -> i64 {
        let mut sum = 0;
        for charge in self.all(&format!("/v1/charges?customer={customer}")).await {
            if charge["status"] == "succeeded" {
                sum += charge["amount"].as_i64().unwrap();
            }
            let charge = charge["id"].as_str().unwrap();
            for refund in self.all(&format!("/v1/refunds?charge={charge}")).await {
                if refund["status"] == "succeeded" {
                    sum -= refund["amount"].as_i64().unwrap();
                }
            }
        }
        sum
    }

    /// Refunds the customer's last payment, or `amount` of it, and returns the refund's ID.
    pub async fn refund(&self, customer: &str, amount: Option<&str>) -> String {
        let charges = self.all(&format!("/v1/charges?customer={customer}")).await;
        let paid = charges.iter().find(|charge| charge["status"] == "succeeded");
        let mut form = vec![("charge", text(paid.unwrap(), "id"))];
        form.extend(amount.map(|amount| ("amount", amount)));
        text(&self.post("/v1/refunds", &form).await, "id").to_owned()
    }
}

pub fn card(number: &str) -> [(&str, &str); 4] {
    [
        ("cardNumber", number),
        ("cardExpiry", "12 / 34"),
        ("cardCvc", "123"),
        ("billingName", "Ada"),
    ]
}

pub fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap()
}

pub fn client() -> Client {
    install_crypto();
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .build()
        .unwrap()
}

/// Installs the TLS provider, which HTTP clients need.
pub fn install_crypto() {
    // Another test of this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
