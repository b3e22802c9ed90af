//! A webhook endpoint that keeps what it gets and answers as told.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::{net::TcpListener, sync::watch, time::timeout};

use crate::schema::check;

pub(crate) const SECRET: &str = "whsec_test";

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    inbox: Arc<Mutex<Vec<Value>>>,
    count: watch::Sender<usize>,
    answers: Arc<Mutex<Vec<u16>>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let receiver = Self {
            url: format!("http://{}/hook", listener.local_addr().expect("an address")),
            inbox: Arc::default(),
            count: watch::Sender::new(0),
            answers: Arc::default(),
        };
        let router = Router::new()
            .route("/hook", post(receive))
            .with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// The statuses of the next answers; after them 200.
    pub(crate) fn answer_with(&self, statuses: &[u16]) {
        *self.answers.lock().expect("answers") = statuses.iter().rev().copied().collect();
    }

    /// Everything that arrived, in order.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.inbox.lock().expect("inbox").clone()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        names(&self.events())
    }

    /// Waits until so many events arrived.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Value> {
        let mut counted = self.count.subscribe();
        let arrived = timeout(PATIENCE, counted.wait_for(|now| *now >= count)).await;
        assert!(
            arrived.is_ok_and(|seen| seen.is_ok()),
            "{count} webhooks expected: {:?}",
            self.names()
        );
        self.events()
    }

    /// Waits for an event of this name and answers the first.
    pub(crate) async fn wait_for_name(&self, name: &str) -> Value {
        let mut counted = self.count.subscribe();
        let arrived = timeout(
            PATIENCE,
            counted.wait_for(|_| self.names().iter().any(|known| known == name)),
        )
        .await;
        assert!(
            arrived.is_ok_and(|seen| seen.is_ok()),
            "{name} expected: {:?}",
            self.names()
        );
        self.events()
            .into_iter()
            .find(|event| event["type"] == name)
            .expect("it arrived")
    }
}

pub(crate) fn names(events: &[Value]) -> Vec<String> {
    events
        .iter()
        .filter_map(|event| event["type"].as_str().map(str::to_owned))
        .collect()
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> StatusCode {
    let signed = headers
        .get("stripe-signature")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    assert!(is_signed(signed, &body), "{signed}");
    let event: Value = serde_json::from_str(&body).expect("JSON");
    check(&event);
    receiver.inbox.lock().expect("inbox").push(event);
    receiver.count.send_modify(|count| *count += 1);
    let status = receiver.answers.lock().expect("answers").pop().unwrap_or(200);
    StatusCode::from_u16(status).expect("a status")
}

/// Stripe's own check: HMAC-SHA256 over time and body, in constant time.
fn is_signed(header: &str, body: &str) -> bool {
    let part = |name: &str| header.split(',').find_map(|part| part.strip_prefix(name));
    let (Some(time), Some(signature)) = (part("t="), part("v1=")) else {
        return false;
    };
    let bytes: Vec<u8> = (0..signature.len() / 2)
        .filter_map(|n| u8::from_str_radix(signature.get(n * 2..n * 2 + 2)?, 16).ok())
        .collect();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key");
    mac.update(format!("{time}.{body}").as_bytes());
    mac.verify_slice(&bytes).is_ok()
}
