//! The line between billing and Stripe, which a test cuts, disturbs and holds up.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::Client;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::stand_in::client;

/// Another way to the same stand-in.
pub struct Line {
    pub url: String,
    wire: Arc<Wire>,
}

struct Wire {
    to: String,
    client: Client,
    faults: Mutex<Vec<Fault>>,
    /// Answers that are held up.
    held: Semaphore,
    released: Semaphore,
}

/// What happens to the next request whose path begins so.
struct Fault {
    path: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// It does not get there, and this is answered in its place.
    Answered(u16, &'static str),
    /// It gets there, and the answer comes when the test says so.
    Held,
}

impl Line {
    pub async fn to(url: &str) -> Self {
        let wire = Arc::new(Wire {
            to: url.to_owned(),
            client: client(),
            faults: Mutex::default(),
            held: Semaphore::new(0),
            released: Semaphore::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(wire.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { url, wire }
    }

    fn add(&self, path: &'static str, kind: Kind) {
        self.wire.faults.lock().unwrap().push(Fault { path, kind });
    }

    /// The next request there is answered so, and does not get to Stripe.
    pub fn answer(&self, path: &'static str, status: u16, body: &'static str) {
        self.add(path, Kind::Answered(status, body));
    }

    /// The next answer from there is held up.
    pub fn hold(&self, path: &'static str) {
        self.add(path, Kind::Held);
    }

    /// Until an answer is being held.
    pub async fn is_holding(&self) {
        self.wire.held.acquire().await.unwrap().forget();
    }

    /// Lets it go.
    pub fn release(&self) {
        self.wire.released.add_permits(1);
    }
}

async fn pass(State(wire): State<Arc<Wire>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let kind = {
        let mut faults = wire.faults.lock().unwrap();
        let found = faults.iter().position(|fault| path.starts_with(fault.path));
        found.map(|at| faults.remove(at).kind)
    };
    if let Some(Kind::Answered(status, body)) = kind {
        return (StatusCode::from_u16(status).unwrap(), body).into_response();
    }
    let answer = wire.forward(request).await;
    if matches!(kind, Some(Kind::Held)) {
        wire.held.add_permits(1);
        wire.released.acquire().await.unwrap().forget();
    }
    answer
}

impl Wire {
    async fn forward(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body: Bytes = to_bytes(body, usize::MAX).await.unwrap();
        let url = format!("{}{}", self.to, parts.uri);
        let mut headers = parts.headers;
        headers.remove(header::HOST);
        let answer = self
            .client
            .request(parts.method, url)
            .headers(headers)
            .body(body)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
        let body = answer.bytes().await.unwrap();
        let mut response = (status, body).into_response();
        let kind = kind.unwrap_or_else(|| HeaderValue::from_static("application/json"));
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}
