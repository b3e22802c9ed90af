//! Sends a checked batch to Amplitude and returns its response.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use backend::config::AmplitudeConfig;
use http::{StatusCode, header};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::batch::Batch;
use super::response::answer;

/// The SDK waits as long for a response.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The HTTP client of Amplitude. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Forwarder {
    client: Client,
    url: Url,
    api_key: SecretString,
}

impl Forwarder {
    /// Creates the client of the configured project.
    pub fn new(amplitude: &AmplitudeConfig) -> Result<Self, reqwest::Error> {
        let mut url = amplitude.ingest_url.clone();
        url.set_path("/2/httpapi");
        Ok(Self {
            client: amplitude.http_client().timeout(TIMEOUT).build()?,
            url,
            api_key: amplitude.api_key.clone(),
        })
    }

    /// Sends the batch with the real key and returns status, type and body of the response. Without a response it returns a
    /// 500 with `code`, after which the SDK tries again.
    pub async fn send(&self, batch: Batch) -> Response {
        let batch = batch.under(self.api_key.expose_secret());
        match self.client.post(self.url.clone()).json(&batch).send().await {
            Ok(upstream) => relay(upstream),
            Err(error) => {
                tracing::warn!(
                    error = &error.without_url() as &dyn std::error::Error,
                    "cannot forward browser events"
                );
                let body = json!({"code": 500, "error": "Amplitude cannot be reached"});
                answer(StatusCode::INTERNAL_SERVER_ERROR, &body)
            }
        }
    }
}

fn relay(upstream: reqwest::Response) -> Response {
    let status = upstream.status();
    let content_type = upstream.headers().get(header::CONTENT_TYPE).cloned();
    let mut response = (status, Body::from_stream(upstream.bytes_stream())).into_response();
    if let Some(content_type) = content_type {
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    response
}
