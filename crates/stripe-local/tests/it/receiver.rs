//! A webhook endpoint that stores requests and responds with given statuses. async-stripe parses every request.

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

/// For slow machines.
const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    clock: WallClock,
    inbox: Arc<Mutex<Vec<Value>>>,
    /// Bodies and signatures, in order of arrival.
    deliveries: Arc<Mutex<Vec<(String, String)>>>,
    /// Reasons why async-stripe rejects a webhook.
    rejections: Arc<Mutex<Vec<String>>>,
    count: watch::Sender<usize>,
    statuses: Arc<Mutex<Vec<u16>>>,
}

impl Receiver {
    /// Signatures are checked against `clock`.
    pub(crate) async fn start(clock: WallClock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let receiver = Self {
            url: format!("http://{}/hook", listener.local_addr().expect("an address")),
            clock,
            inbox: Arc::default(),
            deliveries: Arc::default(),
            rejections: Arc::default(),
            count: watch::Sender::new(0),
            statuses: Arc::default(),
        };
        let router = Router::new()
            .route("/hook", post(receive))
            .with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// Sets the statuses of the next responses. After them the status is 200.
    pub(crate) fn respond_with(&self, statuses: &[u16]) {
        *self.statuses.lock().expect("statuses") = statuses.iter().rev().copied().collect();
    }

    /// All received events, in order.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.inbox.lock().expect("inbox").clone()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        names(&self.events())
    }

    /// Waits for an event with this name. Returns the body and signature of the first one.
    pub(crate) async fn first_delivery(&self, name: &str) -> (String, String) {
        self.wait_for_name(name).await;
        let index = self.names().iter().position(|known| known == name);
        let deliveries = self.deliveries.lock().expect("deliveries");
        deliveries[index.expect("the event arrived")].clone()
    }

    /// Panics if async-stripe rejects a received webhook.
    pub(crate) fn check(&self) {
        let rejections = self.rejections.lock().expect("rejections");
        assert!(rejections.is_empty(), "webhooks rejected: {rejections:#?}");
    }

    /// Waits until `count` events arrived. Returns all events.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Value> {
        let mut counted = self.count.subscribe();
        let arrived = timeout(TIMEOUT, counted.wait_for(|now| *now >= count)).await;
        assert!(
            arrived.is_ok_and(|seen| seen.is_ok()),
            "{count} webhooks expected: {:?}",
            self.names()
        );
        self.events()
    }

    /// Waits for an event with this name. Returns the first one.
    pub(crate) async fn wait_for_name(&self, name: &str) -> Value {
        let mut counted = self.count.subscribe();
        let arrived = timeout(
            TIMEOUT,
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
            .expect("the event arrived")
    }
}

pub(crate) fn names(events: &[Value]) -> Vec<String> {
    events
        .iter()
        .filter_map(|event| event["type"].as_str().map(str::to_owned))
        .collect()
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> StatusCode {
    let signature = headers
        .get("stripe-signature")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let event: Value = serde_json::from_str(&body).unwrap_or_default();
    let mut reasons_of_event = reasons(&event);
    reasons_of_event.extend(rejection(
        &body,
        signature,
        receiver.clock.now_ms().div_euclid(1000),
    ));
    let reasons_of_event = reasons_of_event
        .into_iter()
        .map(|reason| format!("{}: {reason}", event["type"]));
    receiver
        .rejections
        .lock()
        .expect("rejections")
        .extend(reasons_of_event);
    let delivery = (body, signature.to_owned());
    receiver.deliveries.lock().expect("deliveries").push(delivery);
    receiver.inbox.lock().expect("inbox").push(event);
    receiver.count.send_modify(|count| *count += 1);
    let status = receiver.statuses.lock().expect("statuses").pop().unwrap_or(200);
    StatusCode::from_u16(status).expect("a status")
}

/// Why async-stripe rejects a webhook: signature, age, or an object that it cannot parse or does not know.
fn rejection(body: &str, signature: &str, now: i64) -> Option<String> {
    match Webhook::construct_event_with_timestamp(body, signature, SECRET, now) {
        Ok(event) => matches!(event.data.object, EventObject::Unknown(_))
            .then(|| "async-stripe does not know the event type".to_owned()),
        Err(error) => Some(format!("async-stripe: {error}")),
    }
}
