//! A collector on a free port, with a clock that the test controls.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use amplitude_local::{CollectorSettings, WallClock, open, serve};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// An API key of the required form.
pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Where the test clock starts: 2023-11-14 22:13:20 UTC.
pub(crate) const START_MS: i64 = 1_700_000_000_000;

pub(crate) struct TestCollector {
    pub(crate) url: String,
    pub(crate) client: Client,
    clock: Arc<AtomicI64>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl TestCollector {
    pub(crate) async fn start() -> Self {
        Self::with(CollectorSettings::default()).await
    }

    /// Serves a collector. The test's clock replaces the one in `settings`.
    pub(crate) async fn with(settings: CollectorSettings) -> Self {
        let clock = Arc::new(AtomicI64::new(START_MS));
        let now = clock.clone();
        let settings = CollectorSettings {
            clock: WallClock::from_fn(move || now.load(Ordering::SeqCst)),
            ..settings
        };
        let collector = open(settings).await.expect("the collector opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let stopped = async {
                // A dropped sender stops the server too.
                let _ = stopped.await;
            };
            serve(listener, collector, stopped)
                .await
                .expect("the server stops without an error");
        });
        Self {
            url,
            client: client(),
            clock,
            stop,
            task,
        }
    }

    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.task.await.expect("the server's task");
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    /// Uploads events to HTTP V2. Returns status and body.
    pub(crate) async fn upload(&self, events: Value) -> (u16, Value) {
        send(
            self.post("/2/httpapi")
                .json(&json!({"api_key": KEY, "events": events})),
        )
        .await
    }

    /// Uploads events that must be accepted.
    pub(crate) async fn accept(&self, events: Value) {
        let (status, body) = self.upload(events).await;
        assert_eq!((status, &body["code"]), (200, &json!(200)), "{body}");
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let (status, body) = send(self.get(path)).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The Amplitude ID of the only person that a search finds.
    pub(crate) async fn find(&self, text: &str) -> i64 {
        let found = self.json(&format!("/api/2/usersearch?user={text}")).await;
        assert_eq!(
            found["matches"].as_array().map(Vec::len),
            Some(1),
            "{text}: {found}"
        );
        found["matches"][0]["amplitude_id"]
            .as_i64()
            .expect("an Amplitude ID")
    }

    pub(crate) async fn activity(&self, amplitude_id: i64) -> Value {
        self.json(&format!("/api/2/useractivity?user={amplitude_id}"))
            .await
    }
}

/// Sends a request. Returns status and body: a body that is not JSON as a string, an empty one as null.
pub(crate) async fn send(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("a response");
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    let body = serde_json::from_str(&text)
        .unwrap_or_else(|_| if text.is_empty() { Value::Null } else { text.into() });
    (status, body)
}

/// The event types of a list of events.
pub(crate) fn names(events: &Value) -> Vec<&str> {
    events
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|event| event["event_type"].as_str())
        .collect()
}

pub(crate) fn client() -> Client {
    // Another test of this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().expect("a client")
}
