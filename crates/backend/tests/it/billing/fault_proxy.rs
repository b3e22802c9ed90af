//! A proxy between billing and Stripe that fails or delays single requests.

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

/// A proxy to the stand-in.
pub struct FaultProxy {
    pub url: String,
    upstream: Arc<Upstream>,
}

struct Upstream {
    url: String,
    client: Client,
    faults: Mutex<Vec<Fault>>,
    /// Paths of the received requests.
    requests: Mutex<Vec<String>>,
    /// Counts delayed responses.
    delayed: Semaphore,
    released: Semaphore,
}

/// A fault for the next request whose path starts with `path`.
struct Fault {
    path: &'static str,
    kind: FaultKind,
}

#[derive(Clone, Copy)]
enum FaultKind {
    /// The request is not forwarded, and this response is returned.
    Respond(u16, &'static str),
    /// The request is forwarded, and this response is returned instead of its own.
    Lose(u16, &'static str),
    /// The request is forwarded, and its response waits for [`FaultProxy::release`].
    Delay,
}

impl FaultProxy {
    pub async fn to(url: &str) -> Self {
        let upstream = Arc::new(Upstream {
            url: url.to_owned(),
            client: client(),
            faults: Mutex::default(),
            requests: Mutex::default(),
            delayed: Semaphore::new(0),
            released: Semaphore::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(handle).with_state(upstream.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { url, upstream }
    }

    fn add(&self, path: &'static str, kind: FaultKind) {
        self.upstream.faults.lock().unwrap().push(Fault { path, kind });
    }

    /// Makes the next request to `path` fail with this response.
    pub fn respond(&self, path: &'static str, status: u16, body: &'static str) {
        self.add(path, FaultKind::Respond(status, body));
    }

    /// Forwards the next request to `path` and loses its response.
    pub fn lose(&self, path: &'static str) {
        self.add(path, FaultKind::Lose(502, "<html>Bad Gateway</html>"));
    }

    /// Delays the response to the next request to `path`.
    pub fn delay(&self, path: &'static str) {
        self.add(path, FaultKind::Delay);
    }

    /// Waits until a response is delayed.
    pub async fn wait_until_delayed(&self) {
        self.upstream.delayed.acquire().await.unwrap().forget();
    }

    /// The paths of the requests since the last call.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.upstream.requests.lock().unwrap())
    }

    /// Releases a delayed response.
    pub fn release(&self) {
        self.upstream.released.add_permits(1);
    }
}

async fn handle(State(upstream): State<Arc<Upstream>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    upstream.requests.lock().unwrap().push(path.clone());
    let kind = {
        let mut faults = upstream.faults.lock().unwrap();
        let found = faults.iter().position(|fault| path.starts_with(fault.path));
        found.map(|at| faults.remove(at).kind)
    };
    if let Some(FaultKind::Respond(status, body)) = kind {
        return (StatusCode::from_u16(status).unwrap(), body).into_response();
    }
    let response_from_stripe = upstream.forward(request).await;
    if let Some(FaultKind::Lose(status, body)) = kind {
        return (StatusCode::from_u16(status).unwrap(), body).into_response();
    }
    if matches!(kind, Some(FaultKind::Delay)) {
        upstream.delayed.add_permits(1);
        upstream.released.acquire().await.unwrap().forget();
    }
    response_from_stripe
}

impl Upstream {
    async fn forward(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body: Bytes = to_bytes(body, usize::MAX).await.unwrap();
        let url = format!("{}{}", self.url, parts.uri);
        let mut headers = parts.headers;
        headers.remove(header::HOST);
        let response_from_stripe = self
            .client
            .request(parts.method, url)
            .headers(headers)
            .body(body)
            .send()
            .await
            .unwrap();
        let status = response_from_stripe.status();
        let kind = response_from_stripe.headers().get(header::CONTENT_TYPE).cloned();
        let body = response_from_stripe.bytes().await.unwrap();
        let mut response = (status, body).into_response();
        let kind = kind.unwrap_or_else(|| HeaderValue::from_static("application/json"));
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}
