//! A webhook endpoint that keeps what it gets and answers as told. async-stripe opens every letter.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use serde_json::Value;
use stripe_local::WallClock;
use stripe_webhook::{EventObject, Webhook};
use tokio::{net::TcpListener, sync::watch, time::timeout};

use crate::schema::reasons;

pub(crate) const SECRET: &str = "whsec_test";

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    clock: WallClock,
    inbox: Arc<Mutex<Vec<Value>>>,
    /// Bodies as they came, with their signatures.
    letters: Arc<Mutex<Vec<(String, String)>>>,
    /// What a receiver in Rust would have refused, and why.
    refused: Arc<Mutex<Vec<String>>>,
    count: watch::Sender<usize>,
    answers: Arc<Mutex<Vec<u16>>>,
}

impl Receiver {
    /// `clock`: the wall clock by which signatures are too old.
    pub(crate) async fn start(clock: WallClock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let receiver = Self {
            url: format!("http://{}/hook", listener.local_addr().expect("an address")),
            clock,
            inbox: Arc::default(),
            letters: Arc::default(),
            refused: Arc::default(),
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

    /// Waits for an event of this name and answers the first as it came: body and signature.
    pub(crate) async fn letter(&self, name: &str) -> (String, String) {
        self.wait_for_name(name).await;
        let place = self.names().iter().position(|known| known == name);
        let letters = self.letters.lock().expect("letters");
        letters[place.expect("it arrived")].clone()
    }

    /// Panics if anything that arrived was not as Stripe sends it.
    pub(crate) fn check(&self) {
        let refused = self.refused.lock().expect("refused");
        assert!(refused.is_empty(), "webhooks refused: {refused:#?}");
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
    let event: Value = serde_json::from_str(&body).unwrap_or_default();
    let mut refusals = reasons(&event);
    refusals.extend(refusal(&body, signed, receiver.clock.now_ms().div_euclid(1000)));
    let refusals = refusals
        .into_iter()
        .map(|reason| format!("{}: {reason}", event["type"]));
    receiver.refused.lock().expect("refused").extend(refusals);
    let letter = (body, signed.to_owned());
    receiver.letters.lock().expect("letters").push(letter);
    receiver.inbox.lock().expect("inbox").push(event);
    receiver.count.send_modify(|count| *count += 1);
    let status = receiver.answers.lock().expect("answers").pop().unwrap_or(200);
    StatusCode::from_u16(status).expect("a status")
}

/// Why async-stripe does not take a webhook: its signature, its age, or an object that it cannot read or does not know.
fn refusal(body: &str, signed: &str, now: i64) -> Option<String> {
    match Webhook::construct_event_with_timestamp(body, signed, SECRET, now) {
        Ok(event) => matches!(event.data.object, EventObject::Unknown(_))
            .then(|| "async-stripe does not know the type".to_owned()),
        Err(error) => Some(format!("async-stripe: {error}")),
    }
}
