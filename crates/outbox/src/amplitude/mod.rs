//! Amplitude's HTTP V2 as a sink. What an answer means stands in `answer`, in what pieces a batch goes in `plan`.

mod answer;
mod plan;
mod request;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use self::answer::Answer;
use self::plan::Plan;
use crate::{Delivery, Failure, FailureKind, Outcome, Sink};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest real answer lists 2000 indexes in a few kB. More is not Amplitude's.
const ANSWER_LIMIT: usize = 256 * 1024;

/// Why a sink could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// Not an `http` or `https` URL.
    #[error("the Amplitude URL must be an http or https address")]
    BadUrl,
    /// reqwest is built without a TLS provider of its own.
    #[error("install a rustls crypto provider before making the Amplitude sink")]
    NoTlsProvider,
    /// The HTTP client could not be set up.
    #[error("cannot set up the HTTP client: {0}")]
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

impl AmplitudeSink {
    /// A sink for the host at `url`: `https://api2.amplitude.com`, `https://api.eu.amplitude.com`, or a stand-in.
    ///
    /// # Errors
    /// When the URL is none, or no TLS provider is installed.
    pub fn new(url: &str, api_key: SecretString) -> Result<Self, SinkError> {
        let endpoint = Url::parse(&format!("{}/2/httpapi", url.trim_end_matches('/')))
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or(SinkError::BadUrl)?;
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(SinkError::NoTlsProvider);
        }
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirected POST arrives as a GET without a body: a redirect means that the address is wrong.
            .redirect(Policy::none())
            .build()?;
        Ok(Self {
            client,
            endpoint,
            api_key,
            request_timeout: REQUEST_TIMEOUT,
        })
    }

    /// With another timeout than 10 seconds for one request. A batch takes at most half as long again.
    #[must_use]
    pub fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    async fn ask(&self, rows: &[&Delivery], sent_at_ms: i64, timeout: Duration) -> Answer {
        let payloads = rows.iter().map(|row| row.payload.as_str());
        let body = request::body(self.api_key.expose_secret(), payloads, sent_at_ms);
        let request = self
            .client
            .post(self.endpoint.clone())
            .header(CONTENT_TYPE, "application/json")
            .timeout(timeout)
            .body(body);
        let reply = match request.send().await {
            Ok(response) => (response.status().as_u16(), read(response).await),
            Err(error) => return Answer::Whole(failure_of(&error)),
        };
        match reply {
            (status, Ok(body)) => answer::classify(status, &body, rows),
            (_, Err(failure)) => Answer::Whole(failure),
        }
    }
}

#[async_trait]
impl Sink for AmplitudeSink {
    async fn deliver(&self, batch: &[Delivery], sent_at_ms: i64) -> Vec<Outcome> {
        let deadline = Instant::now() + self.longest_delivery();
        let mut plan = Plan::new(batch);
        while let Some(asked) = plan.next_request() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let rows: Vec<&Delivery> = asked.iter().filter_map(|&index| batch.get(index)).collect();
            let answer = self.ask(&rows, sent_at_ms, left.min(self.request_timeout)).await;
            plan.learn(&asked, answer);
        }
        plan.outcomes()
    }

    /// One request that times out ends the batch. What takes several are refusals by index and splits, which are
    /// answered quickly; what is left of them when the time is up goes next time.
    fn longest_delivery(&self) -> Duration {
        self.request_timeout.saturating_mul(3) / 2
    }
}

/// The answer's body. Broken off or endless, it leaves the outcome unknown.
async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure_of(&error))? {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(Failure::new(
                FailureKind::Unknown,
                "an answer far too long for Amplitude",
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A request without an answer. Only where no connection was made is it certain that nothing was accepted.
fn failure_of(error: &reqwest::Error) -> Failure {
    if error.is_connect() {
        Failure::new(FailureKind::NotAccepted, "no connection to Amplitude")
    } else if error.is_builder() {
        Failure::new(FailureKind::Misconfigured, "the request could not be built")
    } else if error.is_timeout() {
        Failure::new(FailureKind::Unknown, "no answer in time")
    } else {
        Failure::new(
            FailureKind::Unknown,
            "the connection broke before the answer was complete",
        )
    }
}
