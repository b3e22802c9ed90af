//! Reads people and their events back, through Amplitude's Dashboard REST API or the stand-in that speaks it.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::config::Amplitude;

/// The API reads a whole person; it is slower than the rest.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Newest events that are read at once: the API's own page size.
const NEWEST: usize = 1_000;

/// A person's story as Amplitude tells it.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    /// `userData` of the answer: IDs, counts, latest properties.
    pub person: Value,
    /// Exported events, newest first.
    pub events: Vec<Value>,
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No secret key: this project cannot be read back.
    #[error("AMPLITUDE_SECRET_KEY is not set, so events cannot be read back")]
    NoSecretKey,
    /// The 360 queries of an hour are used up (Dashboard REST API, "Rate limits").
    #[error("Amplitude's limit of queries is reached")]
    RateLimited,
    /// Anything else that was answered.
    #[error("Amplitude answered {0}")]
    Status(StatusCode),
    /// Not reached, or not understood.
    #[error("cannot read events: {0}")]
    Transport(#[from] reqwest::Error),
}

/// The reader. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    client: Client,
    base: Url,
    api_key: SecretString,
    secret_key: Option<SecretString>,
}

#[derive(Deserialize)]
struct Matches {
    matches: Vec<Match>,
}

#[derive(Deserialize)]
struct Match {
    amplitude_id: i64,
}

#[derive(Deserialize)]
struct UserActivity {
    #[serde(rename = "userData")]
    user_data: Value,
    events: Vec<Value>,
}

impl Reader {
    /// For the project of this configuration.
    pub fn new(amplitude: &Amplitude) -> Result<Self, ReadError> {
        Ok(Self {
            client: Client::builder().timeout(TIMEOUT).build()?,
            base: amplitude.read_url.clone(),
            api_key: amplitude.api_key.clone(),
            secret_key: amplitude.secret_key.clone(),
        })
    }

    /// The Amplitude ID of the person whose user ID, device ID or Amplitude ID this is (`usersearch`).
    pub async fn find(&self, query: &str) -> Result<Option<i64>, ReadError> {
        let found: Matches = self.get("api/2/usersearch", &[("user", query)]).await?;
        Ok(found.matches.first().map(|person| person.amplitude_id))
    }

    /// The newest 1,000 events of a person (`useractivity`), whole sessions at a time.
    pub async fn activity(&self, amplitude_id: i64) -> Result<Activity, ReadError> {
        let query = [("user", amplitude_id.to_string()), ("limit", NEWEST.to_string())];
        let found: UserActivity = self.get("api/2/useractivity", &query).await?;
        Ok(Activity {
            person: found.user_data,
            events: found.events,
        })
    }

    /// A live feed of everybody's events, as the stand-in gives it: server-sent events, `data` an exported event.
    /// Amplitude itself has none; its answer is a 404.
    pub async fn live(&self) -> Result<reqwest::Response, ReadError> {
        // Without the client's timeout, which would end the feed; a feed that says nothing sends heartbeats.
        let request = self
            .client
            .get(self.url("live"))
            .timeout(Duration::from_secs(24 * 3_600));
        checked(request.send().await?)
    }

    async fn get<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        query: &(impl serde::Serialize + ?Sized),
    ) -> Result<T, ReadError> {
        let secret = self.secret_key.as_ref().ok_or(ReadError::NoSecretKey)?;
        let request = self
            .client
            .get(self.url(path))
            .basic_auth(self.api_key.expose_secret(), Some(secret.expose_secret()))
            .query(query);
        Ok(checked(request.send().await?)?.json().await?)
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }
}

fn checked(answer: reqwest::Response) -> Result<reqwest::Response, ReadError> {
    match answer.status() {
        StatusCode::TOO_MANY_REQUESTS => Err(ReadError::RateLimited),
        status if status.is_success() => Ok(answer),
        status => Err(ReadError::Status(status)),
    }
}
