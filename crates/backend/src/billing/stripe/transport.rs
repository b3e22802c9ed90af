//! Sends async-stripe's requests over connections that are kept open, and reads the answers as JSON. async-stripe's own client
//! opens a connection for each request, with a TLS handshake, and its types reject a whole object for one unknown field. This
//! module does not know what a request is for. It repeats no request that Stripe may have received. The caller decides on retries.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use secrecy::ExposeSecret;
use serde_json::Value;
use stripe_client_core::{IdempotencyKey, RequestBuilder, StripeMethod, VERSION};

use super::StripeCallError;
use crate::config::StripeConfig;

const API: &str = "https://api.stripe.com/";
/// Stripe responds to most calls within a second.
const TIMEOUT: Duration = Duration::from_secs(15);
/// A connection that is idle for longer is closed here, before Stripe closes it while a request is being sent.
const MAX_IDLE: Duration = Duration::from_secs(30);

const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const USER_AGENT: &str = concat!("Seamline/", env!("CARGO_PKG_VERSION"));

/// The HTTP client. Cheap to clone.
#[derive(Clone)]
pub(super) struct Transport {
    client: Client,
    /// Ends with a slash.
    api: String,
}

impl Transport {
    /// Fails if the key cannot be a header.
    pub(super) fn new(config: &StripeConfig) -> Result<Self, StripeCallError> {
        let mut key = HeaderValue::try_from(format!("Bearer {}", config.secret_key.expose_secret()))
            .map_err(|_| StripeCallError::InvalidRequest("the key has invalid characters".to_owned()))?;
        key.set_sensitive(true);
        let version = HeaderValue::try_from(VERSION.as_str())
            .map_err(|error| StripeCallError::InvalidRequest(error.to_string()))?;
        let mut client = Client::builder()
            .default_headers(HeaderMap::from_iter([
                (AUTHORIZATION, key),
                (STRIPE_VERSION, version),
            ]))
            .user_agent(USER_AGENT)
            .timeout(TIMEOUT)
            .pool_idle_timeout(MAX_IDLE)
            .redirect(Policy::none());
        if config.is_local() {
            // The stand-in has a loopback address, which a proxy of the environment cannot reach.
            client = client.no_proxy();
        }
        let client = client
            .build()
            .map_err(|error| StripeCallError::InvalidRequest(error.to_string()))?;
        Ok(Self {
            client,
            api: config.api_url.as_ref().map_or(API, |url| url.as_str()).to_owned(),
        })
    }

    /// Sends a request once, and returns the object of a successful answer.
    #[tracing::instrument(name = "call Stripe", skip_all, fields(otel.kind = "client"))]
    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        key: Option<&IdempotencyKey>,
    ) -> Result<Value, StripeCallError> {
        let method = match request.method {
            StripeMethod::Get => Method::GET,
            StripeMethod::Post => Method::POST,
            StripeMethod::Delete => Method::DELETE,
        };
        let mut url = format!("{}v1{}", self.api, request.path);
        if let Some(query) = request.query {
            url.push('?');
            url.push_str(&query);
        }
        let mut http = self.client.request(method, url);
        if let Some(key) = key {
            http = http.header(IDEMPOTENCY_KEY, key.as_str());
        }
        if let Some(body) = request.body {
            http = http.header(CONTENT_TYPE, FORM).body(body);
        }
        let response = http.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(unreachable)?;
        read(status, &body)
    }
}

/// The error says what failed last. It omits the URL, which has IDs, as the span of the request does.
fn unreachable(error: reqwest::Error) -> StripeCallError {
    if error.is_timeout() {
        return StripeCallError::Unreachable("timeout".to_owned());
    }
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    StripeCallError::ConnectionLost(text)
}

/// Reads an answer. An answer of another server, and a truncated body, are `Unreachable`.
fn read(status: u16, body: &[u8]) -> Result<Value, StripeCallError> {
    let not_stripe = || StripeCallError::Unreachable(format!("an answer with {status} that is not Stripe's"));
    let answer: Value = serde_json::from_slice(body).map_err(|_| not_stripe())?;
    if (200..300).contains(&status) {
        return Ok(answer);
    }
    let error = answer["error"].as_object().ok_or_else(not_stripe)?;
    let text = |name: &str| {
        error
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let message = text("message");
    Err(match status {
        409 | 424 | 429 | 500.. => StripeCallError::Busy { status, message },
        _ => StripeCallError::Rejected {
            status,
            code: text("code"),
            message,
        },
    })
}

#[cfg(test)]
mod tests {
    use std::future::IntoFuture as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::serve::ListenerExt as _;
    use serde_json::json;
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::Config;

    #[tokio::test]
    async fn requests_share_a_connection() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        let listener = listener.tap_io(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        let stripe = axum::Router::new().fallback(async || axum::Json(json!({"id": "cus_1"})));
        tokio::spawn(axum::serve(listener, stripe).into_future());
        let mut config = Config::read(|name| (name == "SEAMLINE_LOCAL").then(|| "1".to_owned())).unwrap();
        config.stripe.api_url = Some(url.parse().unwrap());
        let transport = Transport::new(&config.stripe).unwrap();
        for _ in 0..3 {
            let request = RequestBuilder::new(StripeMethod::Get, "/customers/cus_1");
            assert_eq!(transport.send(request, None).await.unwrap()["id"], "cus_1");
        }
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    }

    fn response(status: u16, error: &str) -> StripeCallError {
        let body = format!(r#"{{"error":{{"type":"invalid_request_error","message":"m"{error}}}}}"#);
        read(status, body.as_bytes()).unwrap_err()
    }

    #[test]
    fn answers_say_whether_a_retry_may_succeed() {
        let rows = [
            (response(409, ""), true),
            (response(429, ""), true),
            (response(500, ""), true),
            (response(503, ""), true),
            (response(400, ""), false),
            (response(401, ""), false),
            (response(402, ""), false),
            (response(404, r#","code":"resource_missing""#), false),
            (read(200, b"<html>").unwrap_err(), true),
            (read(404, b"<html>").unwrap_err(), true),
            (read(400, b"{}").unwrap_err(), true),
            (read(200, b"{\"id\":").unwrap_err(), true),
        ];
        for (error, transient) in rows {
            assert_eq!(error.is_transient(), transient, "{error}");
        }
        assert_eq!(
            read(200, br#"{"id":"cus_1"}"#).unwrap()["id"],
            "cus_1",
            "unknown fields and types are kept"
        );
    }

    #[test]
    fn a_missing_object_is_distinguished_from_other_errors() {
        assert!(response(404, r#","code":"resource_missing""#).is_missing());
        assert!(!response(400, r#","code":"parameter_unknown""#).is_missing());
        assert!(!response(404, "").is_missing());
    }
}
