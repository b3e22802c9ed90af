//! A served stand-in with a wall clock that the test moves, and a receiver for its webhooks.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use reqwest::{Client, Method, RequestBuilder, redirect::Policy};
use serde_json::{Value, json};
use stripe_local::{Rules, Settings, WallClock, WebhookTarget, open, serve};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{
    receiver::{Receiver, SECRET},
    schema::check,
};

pub(crate) const KEY: &str = "sk_test_local";

/// Where the wall clock starts: 2023-11-14 22:13:20 UTC.
pub(crate) const START: i64 = 1_700_000_000;

pub(crate) const DAY: i64 = 86_400;

pub(crate) type Form<'a> = &'a [(&'a str, &'a str)];

pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) hooks: Receiver,
    pub(crate) client: Client,
    now_ms: Arc<AtomicI64>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    /// Serves a stand-in; its clock is the test's, and webhooks are tried again at once.
    pub(crate) async fn with(settings: Settings) -> Self {
        let now_ms = Arc::new(AtomicI64::new(START * 1000));
        let now = now_ms.clone();
        let clock = WallClock::from_fn(move || now.load(Ordering::SeqCst));
        Self::serve(settings, clock, now_ms).await
    }

    /// Serves a stand-in by the system's clock, as programs meet it that check signatures by it.
    pub(crate) async fn today() -> Self {
        Self::serve(Settings::default(), WallClock::system(), Arc::default()).await
    }

    async fn serve(settings: Settings, clock: WallClock, now_ms: Arc<AtomicI64>) -> Self {
        let hooks = Receiver::start(clock.clone()).await;
        let settings = Settings {
            clock,
            webhooks: vec![WebhookTarget {
                url: hooks.url.clone(),
                secret: SECRET.to_owned(),
            }],
            rules: Rules {
                webhook_retry_ms: vec![0, 0, 0],
                ..settings.rules
            },
            ..settings
        };
        let stripe = open(settings).await.expect("it opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let stopped = async {
                // A dropped sender stops the server too.
                let _ = stopped.await;
            };
            serve(listener, stripe, stopped)
                .await
                .expect("the server ends well");
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

    /// Waits until everything is delivered, checks that a receiver in Rust would have taken it, and ends.
    pub(crate) async fn stop(self) {
        let log = self.get("/_sim/webhooks").await;
        let sent = log["deliveries"].as_array().expect("a list").len();
        self.hooks.wait_for(sent).await;
        self.abandon().await;
    }

    /// Ends with webhooks that are still on their way.
    pub(crate) async fn abandon(self) {
        drop(self.stop);
        self.task.await.expect("the server's task");
        self.hooks.check();
    }

    /// Moves the wall clock.
    pub(crate) fn pass(&self, seconds: i64) {
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

    /// A call that may be refused; the body is checked against Stripe's types.
    pub(crate) async fn call(&self, method: Method, path: &str, form: Form<'_>) -> (u16, Value) {
        let (status, body) = answer(self.request(method, path, form)).await;
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

    /// A call that must be refused: its status and `error`.
    pub(crate) async fn refused(&self, method: Method, path: &str, form: Form<'_>) -> (u16, Value) {
        let (status, mut body) = self.call(method, path, form).await;
        assert!(status >= 400, "{path}: {body:#}");
        (status, body["error"].take())
    }

    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let request = self.client.post(format!("{}/_sim/{path}", self.url)).json(&body);
        let (status, body) = answer(request).await;
        assert_eq!(status, 200, "{path}: {body:#}");
        body
    }

    /// Moves the billing clock by days.
    pub(crate) async fn jump_days(&self, days: i64) {
        self.control("clock", json!({"days": days})).await;
    }

    pub(crate) async fn jump_until(&self, subscription: &str, until: &str) {
        self.control("clock", json!({"subscription": subscription, "until": until}))
            .await;
    }

    /// A monthly price of 12 USD.
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

    /// A customer whose invoices go to a card of this name.
    pub(crate) async fn customer_with(&self, card: &str) -> String {
        let customer = self.customer().await;
        self.give(&customer, card).await;
        customer
    }

    /// Makes a card a customer's default.
    pub(crate) async fn give(&self, customer: &str, card: &str) -> String {
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

    /// A subscription to a new monthly price.
    pub(crate) async fn subscribe(&self, customer: &str, more: Form<'_>) -> Value {
        let price = self.price().await;
        let mut form = vec![("customer", customer), ("items[0][price]", price.as_str())];
        form.extend_from_slice(more);
        self.post("/v1/subscriptions", &form).await
    }

    pub(crate) async fn subscription(&self, id: &str) -> Value {
        self.get(&format!("/v1/subscriptions/{id}")).await
    }

    /// Names of all events that are about a subscription or its invoices, oldest first.
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

/// Status and body; a body that is no JSON comes as text, an empty one as null.
pub(crate) async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    let body = serde_json::from_str(&text)
        .unwrap_or_else(|_| if text.is_empty() { Value::Null } else { text.into() });
    (status, body)
}

pub(crate) fn client() -> Client {
    // Another test of this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .build()
        .expect("a client")
}
