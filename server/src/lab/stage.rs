//! Where the lives are lived: the app under its own address, both stand-ins, and the workers behind the requests.

use std::time::Duration;

use backend::Backend;
use backend::config::Config;
use reqwest::Client;
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tracking::UserId;
use url::Url;

use crate::workers::Workers;

/// How long any single request may take: an upload that hangs is given up by the app after ten seconds.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Everything that a life needs. Cheap to clone.
#[derive(Clone)]
pub struct Stage {
    /// Follows no redirect, and keeps no cookie: each pretend browser has its own.
    pub(super) client: Client,
    /// The app, as browsers see it.
    pub(super) site: Url,
    /// The key in the page.
    pub(super) public_key: String,
    /// The stand-in for Stripe.
    pub(super) stripe: Url,
    /// Its key.
    pub(super) stripe_key: SecretString,
    /// The stand-in for Amplitude.
    pub(super) amplitude: Url,
    /// For the verdict, the facts and the time. What the scripted person does goes over HTTP.
    pub(super) backend: Backend,
    /// What can be killed.
    pub(super) workers: Workers,
}

/// Why a life was not lived to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Somebody is not reached, or says nothing that can be read.
    #[error("{who} does not answer: {error}")]
    Unreachable {
        who: &'static str,
        error: reqwest::Error,
    },
    /// An answer that the script has no use for.
    #[error("{what} was answered {status}")]
    Answer { what: String, status: u16 },
    /// A page without what the script looks for.
    #[error("{0}")]
    Page(String),
    /// Something did not happen in time.
    #[error("waited in vain until {0}")]
    InVain(String),
    /// The browser's events were refused.
    #[error("an upload of browser events was refused: {0}")]
    Refused(String),
    /// The events could not be read back.
    #[error(transparent)]
    Read(#[from] backend::timeline::ReadError),
    /// An event that should be there once.
    #[error("{name} stands {times} times in the story, and should once")]
    Count { name: &'static str, times: usize },
}

impl Stage {
    /// The stage of this server; `None` outside local mode.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(
        config: &Config,
        backend: &Backend,
        workers: &Workers,
    ) -> Result<Option<Self>, reqwest::Error> {
        let Some(stripe) = config.stripe.api_url.clone().filter(|_| config.is_local_mode()) else {
            return Ok(None);
        };
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .build()?;
        Ok(Some(Self {
            client,
            site: config.http.public_url.clone(),
            public_key: config.amplitude.public_key.clone(),
            stripe,
            stripe_key: config.stripe.secret_key.expose_secret().into(),
            amplitude: config.amplitude.read_url.clone(),
            backend: backend.clone(),
            workers: workers.clone(),
        }))
    }

    /// Asks a stand-in for something.
    pub(super) async fn read(&self, who: &'static str, url: Url) -> Result<Value, Trouble> {
        json(who, self.client.get(url)).await
    }

    /// Tells a stand-in something.
    pub(super) async fn tell(&self, who: &'static str, url: Url, body: &Value) -> Result<Value, Trouble> {
        json(who, self.client.post(url).json(body)).await
    }

    /// Whether an event of that name has arrived for a user.
    pub(super) async fn has_arrived(&self, user: UserId, name: &str) -> Result<bool, Trouble> {
        let mut url = at(&self.amplitude, "/local/events");
        url.query_pairs_mut()
            .append_pair("user", &user.to_string())
            .append_pair("event_type", name);
        let found = self.read(AMPLITUDE, url).await?;
        Ok(found["events"]
            .as_array()
            .is_some_and(|events| !events.is_empty()))
    }
}

/// What the stand-ins are called in sentences.
pub(super) const AMPLITUDE: &str = "the stand-in for Amplitude";
pub(super) const STRIPE: &str = "the stand-in for Stripe";
/// And the app itself.
pub(super) const APP: &str = "the app";

/// The same host at another path.
pub(super) fn at(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(path);
    url.set_query(None);
    url
}

/// Sends a request, and reads JSON from an answer that is a success.
pub(super) async fn json(who: &'static str, request: reqwest::RequestBuilder) -> Result<Value, Trouble> {
    let unreachable = |error: reqwest::Error| Trouble::Unreachable {
        who,
        error: error.without_url(),
    };
    let answer = request.send().await.map_err(unreachable)?;
    let status = answer.status();
    if !status.is_success() {
        return Err(Trouble::Answer {
            what: format!("a request to {who}"),
            status: status.as_u16(),
        });
    }
    answer.json().await.map_err(unreachable)
}
