//! Hands a checked batch to Amplitude and its answer back.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use backend::config::AmplitudeConfig;
use http::{StatusCode, header};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::answer;
use super::batch::Batch;

/// The SDK waits no longer, and neither do we.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The way to Amplitude. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Forwarder {
    client: Client,
    url: Url,
    api_key: SecretString,
}

impl Forwarder {
    /// To the project of this configuration.
    pub fn new(amplitude: &AmplitudeConfig) -> Result<Self, reqwest::Error> {
        let mut url = amplitude.ingest_url.clone();
        url.set_path("/2/httpapi");
        Ok(Self {
            client: Client::builder().timeout(TIMEOUT).build()?,
            url,
            api_key: amplitude.api_key.clone(),
        })
    }

    /// Sends the batch under the real key and returns what was answered: status, type and body. When nothing was, a 500
    /// with `code`, after which the SDK tries again.
    pub async fn send(&self, batch: Batch) -> Response {
        let batch = batch.under(self.api_key.expose_secret());
        match self.client.post(self.url.clone()).json(&batch).send().await {
            Ok(upstream) => hand_back(upstream),
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

fn hand_back(upstream: reqwest::Response) -> Response {
    let status = upstream.status();
    let content_type = upstream.headers().get(header::CONTENT_TYPE).cloned();
    let mut response = (status, Body::from_stream(upstream.bytes_stream())).into_response();
    if let Some(content_type) = content_type {
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    response
}

/// The SDK asks for the place of the upload's sender, which would now be this server: the visitor's address goes along.
pub fn place(events: &mut [Value], visitor: IpAddr) {
    for event in events {
        if event.get("ip").and_then(Value::as_str) == Some("$remote") {
            event["ip"] = visitor.to_string().into();
        }
    }
}
