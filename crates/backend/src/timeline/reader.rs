//! Amplitude's Dashboard REST API, or the stand-in that speaks it.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::config::Amplitude;

/// The API reads a whole person; it is slower than the rest.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Events that are read at once: the API's own page size.
pub const BATCH: usize = 1_000;

/// Most people that a search lists.
const MOST_PEOPLE: usize = 50;

/// What people are searched by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search<'a> {
    /// Part of a user or device ID.
    Part(&'a str),
    /// A user property that they have, with any value or this one.
    Property {
        /// Its name.
        name: &'a str,
        /// Its value, as text.
        value: Option<&'a str>,
    },
}

/// Somebody who was found.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Person {
    /// Amplitude's own ID of them.
    pub amplitude_id: i64,
    /// User ID, unless they never signed in.
    pub user_id: Option<String>,
    /// How many events they have.
    pub num_events: u64,
    /// When the last of them happened, UTC.
    pub last_used: Option<String>,
    /// Their latest properties.
    #[serde(default)]
    pub properties: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
struct People {
    people: Vec<Person>,
}

#[derive(Deserialize)]
struct Named {
    events: Vec<Value>,
}

/// Events of a person as Amplitude tells them.
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
    /// The facts that go with the events could not be read.
    #[error("cannot read facts: {0}")]
    Database(#[from] sqlx::Error),
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

    /// 1,000 events of a person from `offset` on, the newest first, and after them the rest of their sessions
    /// (`useractivity`).
    pub async fn activity(&self, amplitude_id: i64, offset: usize) -> Result<Activity, ReadError> {
        let query = [
            ("user", amplitude_id.to_string()),
            ("offset", offset.to_string()),
            ("limit", BATCH.to_string()),
        ];
        let found: UserActivity = self.get("api/2/useractivity", &query).await?;
        Ok(Activity {
            person: found.user_data,
            events: found.events,
        })
    }

    /// People by part of a user or device ID, or by a user property: the stand-in's own search. Amplitude itself has none;
    /// its answer is a 404.
    pub async fn people(&self, search: &Search<'_>) -> Result<Vec<Person>, ReadError> {
        let limit = MOST_PEOPLE.to_string();
        let mut query = match *search {
            Search::Part(part) => vec![("query", part)],
            Search::Property { name, value: None } => vec![("property", name)],
            Search::Property {
                name,
                value: Some(value),
            } => vec![("property", name), ("value", value)],
        };
        query.push(("limit", &limit));
        let found: People = self.get("local/people", &query).await?;
        Ok(found.people)
    }

    /// Everybody's newest events of a name, newest first: the stand-in's own search. Amplitude itself has none; its answer
    /// is a 404.
    pub async fn newest_named(&self, name: &str, limit: u32) -> Result<Vec<Value>, ReadError> {
        let limit = limit.to_string();
        let query = [("event_type", name), ("newest", "true"), ("limit", &limit)];
        let found: Named = self.get("local/events", &query).await?;
        Ok(found.events)
    }

    /// A live feed of everybody's events, as the stand-in gives it: server-sent events, `data` an exported event.
    /// `after`: the number of the last message that is known. Amplitude itself has no such feed; its answer is a 404.
    pub async fn live(&self, after: Option<i64>) -> Result<reqwest::Response, ReadError> {
        // Without the client's timeout, which would end the feed; a feed that says nothing sends heartbeats.
        let request = self
            .client
            .get(self.url("live"))
            .query(&[("after", after)])
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
