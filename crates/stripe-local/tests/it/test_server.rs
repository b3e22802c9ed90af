//! A running stand-in with a wall clock that the test moves, and a receiver for its webhooks.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use reqwest::{Client, Method, RequestBuilder, redirect::Policy};
use serde_json::{Value, json};
use stripe_local::{AccountRules, StripeStandInSettings, WallClock, WebhookTarget, open, serve};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{
    receiver::{Receiver, SECRET},
    schema::check,
};

pub(crate) const KEY: &str = "sk_test_local";

/// The initial wall clock: 2023-11-14 22:13:20 UTC.
pub(crate) const START_SECS: i64 = 1_700_000_000;

pub(crate) const DAY_SECS: i64 = 86_400;

pub(crate) type Form<'a> = &'a [(&'a str, &'a str)];

pub(crate) struct TestServer {
    pub(crate) url: String,
    pub(crate) hooks: Receiver,
    pub(crate) client: Client,
    now_ms: Arc<AtomicI64>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(StripeStandInSettings::default()).await
    }

    /// Starts a stand-in with a clock that the test moves. Webhooks are retried without delay.
    pub(crate) async fn start_with(settings: StripeStandInSettings) -> Self {
        let now_ms = Arc::new(AtomicI64::new(START_SECS * 1000));
        let now = now_ms.clone();
        let clock = WallClock::from_fn(move || now.load(Ordering::SeqCst));
        Self::serve(settings, clock, now_ms).await
    }

    /// Starts a stand-in with the system clock, for clients that compare signatures with it.
    pub(crate) async fn start_with_system_clock() -> Self {
        Self::serve(
            StripeStandInSettings::default(),
            WallClock::system(),
            Arc::default(),
        )
        .await
    }

    async fn serve(settings: StripeStandInSettings, clock: WallClock, now_ms: Arc<AtomicI64>) -> Self {
        let hooks = Receiver::start(clock.clone()).await;
        let settings = StripeStandInSettings {
            clock,
            webhooks: vec![WebhookTarget {
                url: hooks.url.clone(),
                secret: SECRET.to_owned(),
            }],
            rules: AccountRules {
                webhook_retry_ms: vec![0, 0, 0],
                ..settings.rules
            },
            ..settings
        };
        let stripe = open(settings).await.expect("the stand-in opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let stopped = async {
                // Dropping the sender stops the server too.
                let _ = stopped.await;
            };
            serve(listener, stripe, stopped)
                .await
                .expect("the server ends without an error");
        });
        Self {
            url,
            hooks,
            client: client(),
            now_ms,
            stop,
            task,
        }
    }

    /// Waits for all deliveries, checks that async-stripe accepts them, and stops.
    pub(crate) async fn stop(self) {
        let log = self.get("/_sim/webhooks").await;
        let sent = log["deliveries"].as_array().expect("a list").len();
        self.hooks.wait_for(sent).await;
        self.stop_without_delivery().await;
    }

    /// Stops without waiting for deliveries.
    pub(crate) async fn stop_without_delivery(self) {
        drop(self.stop);
        self.task.await.expect("the server's task");
        self.hooks.check();
    }

    /// Moves the wall clock forward.
    pub(crate) fn advance_wall_clock(&self, seconds: i64) {
        self.now_ms.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub(crate) fn request(&self, method: Method, path: &str, form: Form<'_>) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = if path.starts_with("/v1/") {
            request.bearer_auth(KEY)
        } else {
            request
        };
        if form.is_empty() {
            request
        } else {
            request.form(form)
        }
    }

    /// Sends a request. The body is checked against Stripe's types.
    pub(crate) async fn call(&self, method: Method, path: &str, form: Form<'_>) -> (u16, Value) {
        let (status, body) = send(self.request(method, path, form)).await;
        check(&body);
        (status, body)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, &[]).await;
        assert_eq!(status, 200, "GET {path}: {body:#}");
        body
    }

    pub(crate) async fn post(&self, path: &str, form: Form<'_>) -> Value {
        let (status, body) = self.call(Method::POST, path, form).await;
        assert_eq!(status, 200, "POST {path}: {body:#}");
        body
    }

    pub(crate) async fn delete(&self, path: &str, form: Form<'_>) -> Value {
        let (status, body) = self.call(Method::DELETE, path, form).await;
        assert_eq!(status, 200, "DELETE {path}: {body:#}");
        body
    }

    /// Sends a request that must fail. Returns the status and `error`.
    pub(crate) async fn expect_error(&self, method: Method, path: &str, form: Form<'_>) -> (u16, Value) {
        let (status, mut body) = self.call(method, path, form).await;
        assert!(status >= 400, "{path}: {body:#}");
        (status, body["error"].take())
    }

    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let request = self.client.post(format!("{}/_sim/{path}", self.url)).json(&body);
        let (status, body) = send(request).await;
        assert_eq!(status, 200, "{path}: {body:#}");
        body
    }

    /// Moves the billing clock forward.
    pub(crate) async fn advance_days(&self, days: i64) {
        self.control("clock", json!({"days": days})).await;
    }

    pub(crate) async fn advance_until(&self, subscription: &str, until: &str) {
        self.control("clock", json!({"subscription": subscription, "until": until}))
            .await;
    }

    /// Creates a monthly price of 12 USD.
    pub(crate) async fn price(&self) -> String {
        let product = self.post("/v1/products", &[("name", "Pro")]).await;
        let price = self
            .post(
                "/v1/prices",
                &[
                    ("product", id(&product)),
                    ("currency", "usd"),
                    ("unit_amount", "1200"),
                    ("recurring[interval]", "month"),
                ],
            )
            .await;
        id(&price).to_owned()
    }

    pub(crate) async fn customer(&self) -> String {
        id(&self.post("/v1/customers", &[("email", "zoe@example.com")]).await).to_owned()
    }

    /// Creates a customer with a default card.
    pub(crate) async fn customer_with_card(&self, card: &str) -> String {
        let customer = self.customer().await;
        self.set_default_card(&customer, card).await;
        customer
    }

    /// Attaches a card and makes it the customer's default.
    pub(crate) async fn set_default_card(&self, customer: &str, card: &str) -> String {
        let method = self
            .post(
                &format!("/v1/payment_methods/{card}/attach"),
                &[("customer", customer)],
            )
            .await;
        let method = id(&method).to_owned();
        self.post(
            &format!("/v1/customers/{customer}"),
            &[("invoice_settings[default_payment_method]", &method)],
        )
        .await;
        method
    }

    /// Creates a subscription with a new monthly price.
    pub(crate) async fn subscribe(&self, customer: &str, more: Form<'_>) -> Value {
        let price = self.price().await;
        let mut form = vec![("customer", customer), ("items[0][price]", price.as_str())];
        form.extend_from_slice(more);
        self.post("/v1/subscriptions", &form).await
    }

    pub(crate) async fn subscription(&self, id: &str) -> Value {
        self.get(&format!("/v1/subscriptions/{id}")).await
    }

    /// The names of all events, oldest first.
    pub(crate) async fn history(&self) -> Vec<String> {
        let mut events = self.get("/v1/events?limit=100").await["data"].take();
        let events = events.as_array_mut().expect("a list");
        events.reverse();
        crate::receiver::names(events)
    }
}

pub(crate) fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an ID")
}

/// Returns status and body. A body that is not JSON is returned as text, an empty one as null.
pub(crate) async fn send(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("a response");
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    let body = serde_json::from_str(&text)
        .unwrap_or_else(|_| if text.is_empty() { Value::Null } else { text.into() });
    (status, body)
}

pub(crate) fn client() -> Client {
    // Fails if another test of this process has installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .build()
        .expect("a client")
}
