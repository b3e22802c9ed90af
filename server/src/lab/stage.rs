//! Where the lives are lived: the app under its own address, both stand-ins, and the workers behind the requests.

use std::time::{Duration, Instant};

use backend::Backend;
use backend::config::Config;
use reqwest::Client;
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tracking::UserId;
use url::Url;

use super::life::Step;
use crate::jobs::workers::Workers;

/// How long anything may take that a life waits for: an upload that hung is tried again in less.
pub(super) const PATIENCE: Duration = Duration::from_secs(100);

/// How often it looks.
pub(super) const LOOK: Duration = Duration::from_millis(50);

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
pub enum Trouble {
    /// Somebody is not reached, or says nothing that can be read.
    #[error("{who} does not answer: {error}")]
    Unreachable {
        /// Who.
        who: &'static str,
        /// Why.
        error: reqwest::Error,
    },
    /// An answer that the script has no use for.
    #[error("{what} was answered {status}")]
    Answer {
        /// What was asked.
        what: String,
        /// The answer.
        status: u16,
    },
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
    /// An event that should be there another number of times.
    #[error("{name} stands {times} times in the story, and should {owed} times")]
    Count {
        /// The event.
        name: &'static str,
        /// So often it is there.
        times: usize,
        /// So often it should.
        owed: usize,
    },
    /// A step that makes no sense after those before it.
    #[error("{} makes no sense there", step.doing())]
    Senseless {
        /// Which.
        step: Step,
    },
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

    /// How many events of that name have arrived for a user.
    pub(super) async fn arrived(&self, user: UserId, name: &str) -> Result<usize, Trouble> {
        let mut url = at(&self.amplitude, "/local/events");
        url.query_pairs_mut()
            .append_pair("user", &user.to_string())
            .append_pair("event_type", name);
        let found = self.read(AMPLITUDE, url).await?;
        Ok(found["events"].as_array().map_or(0, Vec::len))
    }

    /// Sleeps until that moment, in ms since the epoch.
    pub(super) async fn sleep_until(&self, moment_ms: i64) {
        let wait = moment_ms - self.backend.clock.now_ms();
        tokio::time::sleep(Duration::from_millis(u64::try_from(wait).unwrap_or(0))).await;
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

/// Looks until there is something to see.
pub(super) async fn until<T, Looked>(what: String, mut look: impl FnMut() -> Looked) -> Result<T, Trouble>
where
    Looked: Future<Output = Result<Option<T>, Trouble>>,
{
    let began = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if began.elapsed() > PATIENCE {
            return Err(Trouble::InVain(what));
        }
        tokio::time::sleep(LOOK).await;
    }
}
