//! A sink that sends events to Amplitude's HTTP V2 API. `batch_plan` splits a batch into requests, and `response`
//! classifies each response.

mod batch_plan;
mod request;
mod response;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use self::batch_plan::BatchPlan;
use self::response::RequestResult;
use crate::{DeliveryFailure, DeliveryOutcome, FailureKind, OutboundEvent, Sink};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes. The largest real response lists 2000 indexes in a few kB; a larger one is not from Amplitude.
const RESPONSE_LIMIT: usize = 256 * 1024;

/// Why a sink could not be created.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The URL is not an `http` or `https` URL.
    #[error("the Amplitude URL must be an http or https URL")]
    InvalidUrl,
    /// No TLS provider is installed. reqwest is built without a default one.
    #[error("install a rustls crypto provider before creating the Amplitude sink")]
    NoTlsProvider,
    /// The HTTP client could not be created.
    #[error("cannot create the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// Sends events to `POST {url}/2/httpapi` (`HTTP V2`).
pub struct AmplitudeSink {
    client: Client,
    endpoint: Url,
    api_key: SecretString,
    request_timeout: Duration,
}

impl fmt::Debug for AmplitudeSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AmplitudeSink")
            .field("endpoint", &self.endpoint.as_str())
            .field("api_key", &self.api_key)
            .finish_non_exhaustive()
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address: IpAddr| address.is_loopback())
}

impl AmplitudeSink {
    /// Creates a sink for the server at `url`: `https://api2.amplitude.com`, `https://api.eu.amplitude.com`, or a
    /// stand-in.
    ///
    /// # Errors
    /// When the URL is invalid, or no TLS provider is installed.
    pub fn new(url: &str, api_key: SecretString) -> Result<Self, SinkError> {
        let endpoint = Url::parse(&format!("{}/2/httpapi", url.trim_end_matches('/')))
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or(SinkError::InvalidUrl)?;
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(SinkError::NoTlsProvider);
        }
        let mut client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirected POST can arrive as a GET without a body. A redirect means that the URL is wrong.
            .redirect(Policy::none());
        if is_loopback(&endpoint) {
            // A stand-in. A proxy of the environment cannot reach it.
            client = client.no_proxy();
        }
        Ok(Self {
            client: client.build()?,
            endpoint,
            api_key,
            request_timeout: REQUEST_TIMEOUT,
        })
    }

    /// Sets the timeout of one request. The default is 10 seconds. A batch takes at most 1.5 times the timeout.
    #[must_use]
    pub fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    async fn send(&self, rows: &[&OutboundEvent], sent_at_ms: i64, timeout: Duration) -> RequestResult {
        let payloads = rows.iter().map(|row| row.payload.as_str());
        let body = request::body(self.api_key.expose_secret(), payloads, sent_at_ms);
        let request = self
            .client
            .post(self.endpoint.clone())
            .header(CONTENT_TYPE, "application/json")
            .timeout(timeout)
            .body(body);
        let response = match request.send().await {
            Ok(response) => (response.status().as_u16(), read_body(response).await),
            Err(error) => return RequestResult::Failed(failure_of(&error)),
        };
        match response {
            (status, Ok(body)) => response::classify(status, &body, rows),
            (_, Err(failure)) => RequestResult::Failed(failure),
        }
    }
}

#[async_trait]
impl Sink for AmplitudeSink {
    async fn deliver(&self, batch: &[OutboundEvent], sent_at_ms: i64) -> Vec<DeliveryOutcome> {
        let deadline = Instant::now() + self.longest_delivery();
        let mut plan = BatchPlan::new(batch);
        while let Some(request) = plan.next_request() {
            let remaining = deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                break;
            }
            let rows: Vec<&OutboundEvent> = request.iter().filter_map(|&index| batch.get(index)).collect();
            let timeout = remaining.min(self.request_timeout);
            let result = self.send(&rows, sent_at_ms, timeout).await;
            plan.record(&request, result);
        }
        plan.outcomes()
    }

    /// A request that times out ends the batch. Only rejections by index and splits need several requests, and these
    /// get fast responses. Events that remain at the deadline are sent in the next batch.
    fn longest_delivery(&self) -> Duration {
        self.request_timeout.saturating_mul(3) / 2
    }
}

/// Reads the response body. A broken or oversized body leaves the outcome unknown.
async fn read_body(mut response: Response) -> Result<Vec<u8>, DeliveryFailure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure_of(&error))? {
        if body.len() + chunk.len() > RESPONSE_LIMIT {
            return Err(DeliveryFailure::new(
                FailureKind::Unknown,
                "the response is too large to be from Amplitude",
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The failure of a request without a response. Only a failed connection proves that nothing was accepted.
fn failure_of(error: &reqwest::Error) -> DeliveryFailure {
    if error.is_connect() {
        DeliveryFailure::new(FailureKind::NotAccepted, "no connection to Amplitude")
    } else if error.is_builder() {
        DeliveryFailure::new(FailureKind::Misconfigured, "the request could not be built")
    } else if error.is_timeout() {
        DeliveryFailure::new(FailureKind::Unknown, "the request timed out")
    } else {
        DeliveryFailure::new(
            FailureKind::Unknown,
            "the connection broke before the response was complete",
        )
    }
}
