//! A local HTTP receiver with scripted responses. It records its requests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;

/// A scripted response.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Responds with status and body.
    Respond(u16, String),
    /// Redirects to another URL.
    Redirect,
    /// Never responds.
    Hang,
}

impl Reply {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self::Respond(status, body.to_string())
    }
}

#[derive(Default)]
struct Inner {
    replies: VecDeque<Reply>,
    bodies: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct ScriptedReceiver {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
}

impl ScriptedReceiver {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = Router::new()
            .route("/2/httpapi", post(receive))
            .with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inner }
    }

    /// Scripts the next responses. Later requests are accepted.
    pub(crate) fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.inner.lock().unwrap().replies.extend(replies);
    }

    /// The bodies of all requests.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.inner.lock().unwrap().bodies.clone()
    }

    /// The insert IDs of each request.
    pub(crate) fn requests(&self) -> Vec<Vec<String>> {
        let ids = |body: &String| {
            let body: Value = serde_json::from_str(body).unwrap();
            let events = body["events"].as_array().unwrap();
            events
                .iter()
                .map(|event| event["insert_id"].as_str().unwrap().to_owned())
                .collect()
        };
        self.bodies().iter().map(ids).collect()
    }
}

async fn receive(State(inner): State<Arc<Mutex<Inner>>>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers.get(header::CONTENT_TYPE).unwrap(), "application/json");
    let reply = {
        let mut inner = inner.lock().unwrap();
        inner.bodies.push(String::from_utf8(body.to_vec()).unwrap());
        inner.replies.pop_front()
    };
    match reply {
        None => r#"{"code":200,"events_ingested":1}"#.into_response(),
        Some(Reply::Respond(status, body)) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Some(Reply::Redirect) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/2/httpapi")]).into_response()
        }
        Some(Reply::Hang) => std::future::pending().await,
    }
}
