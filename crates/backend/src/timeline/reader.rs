//! Client of Amplitude's Dashboard REST API, which the stand-in implements too.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tracking::received::ReceivedEvent;
use url::Url;

use crate::config::AmplitudeConfig;

/// Longer than for other calls, because the API reads a user's whole history.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Events in a batch: the API's page size.
pub const BATCH: usize = 1_000;

/// The most users that a search returns.
const MOST_PEOPLE: usize = 50;

/// What to search users by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search<'a> {
    /// Part of a user ID or device ID.
    Part(&'a str),
    /// A user property with any value, or with this one.
    Property {
        /// Its name.
        name: &'a str,
        /// Its value as text.
        value: Option<&'a str>,
    },
}

/// A user found in Amplitude.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct AmplitudeUser {
    /// Amplitude's ID of the user.
    pub amplitude_id: i64,
    /// The user ID; `None` if the user has never signed in.
    pub user_id: Option<String>,
    /// Number of events.
    pub num_events: u64,
    /// Time of the last event, UTC.
    pub last_used: Option<String>,
    /// Latest user properties.
    #[serde(default)]
    pub properties: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
struct SearchResponse {
    people: Vec<AmplitudeUser>,
}

#[derive(Deserialize)]
struct EventsResponse {
    events: Vec<Value>,
}

/// A batch of a user's events.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    /// `userData` of the response: IDs, counts, latest properties.
    pub person: Arc<Value>,
    /// Events, newest first. One that cannot be read is left out.
    pub events: Vec<ReceivedEvent>,
    /// Whether the batch is full, so that there may be older events.
    pub is_full: bool,
}

/// Why events could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The secret key is not set.
    #[error("AMPLITUDE_SECRET_KEY is not set, so events cannot be read back")]
    NoSecretKey,
    /// The limit of 360 queries an hour is reached (Dashboard REST API, "Rate limits").
    #[error("Amplitude's query limit is reached")]
    RateLimited,
    /// The visitor's network has used its part of that limit.
    #[error(
        "Your network has read many timelines within the last hour. Please try again in {minutes} min; a timeline that was \
         read within the last minute opens at once"
    )]
    NetworkLimited {
        /// The time until the next query, in minutes.
        minutes: u32,
    },
    /// Another error status.
    #[error("Amplitude responded with {0}")]
    Status(StatusCode),
    /// The API did not respond, or its response could not be read.
    #[error("cannot read events: {0}")]
    Transport(#[from] reqwest::Error),
    /// The facts in our database could not be read.
    #[error("cannot read facts: {0}")]
    Database(#[from] sqlx::Error),
}

/// The API client. Cheap to clone.
#[derive(Clone)]
pub struct AmplitudeReader {
    client: Client,
    base: Url,
    api_key: SecretString,
    secret_key: Option<SecretString>,
}

#[derive(Deserialize)]
struct MatchesResponse {
    matches: Vec<Match>,
}

#[derive(Deserialize)]
struct Match {
    amplitude_id: i64,
}

#[derive(Deserialize)]
struct ActivityResponse {
    #[serde(rename = "userData")]
    user_data: Value,
    events: Vec<Value>,
}

impl AmplitudeReader {
    /// Creates a client for the configured project.
    ///
    /// # Errors
    /// When the HTTP client cannot be created.
    pub fn new(amplitude: &AmplitudeConfig) -> Result<Self, ReadError> {
        Ok(Self {
            client: amplitude.http_client().timeout(TIMEOUT).build()?,
            base: amplitude.read_url.clone(),
            api_key: amplitude.api_key.clone(),
            secret_key: amplitude.secret_key.clone(),
        })
    }

    /// The Amplitude ID for a user ID, device ID or Amplitude ID (`usersearch`).
    pub async fn find(&self, query: &str) -> Result<Option<i64>, ReadError> {
        let found: MatchesResponse = self.get("api/2/usersearch", &[("user", query)]).await?;
        Ok(found.matches.first().map(|person| person.amplitude_id))
    }

    /// Up to 1,000 events of a user from `offset` on, newest first, and the rest of the last session (`useractivity`).
    pub async fn activity(&self, amplitude_id: i64, offset: usize) -> Result<Activity, ReadError> {
        let query = [
            ("user", amplitude_id.to_string()),
            ("offset", offset.to_string()),
            ("limit", BATCH.to_string()),
        ];
        let found: ActivityResponse = self.get("api/2/useractivity", &query).await?;
        Ok(Activity {
            is_full: found.events.len() >= BATCH,
            person: Arc::new(found.user_data),
            events: found
                .events
                .into_iter()
                .filter_map(ReceivedEvent::from_export)
                .collect(),
        })
    }

    /// Searches users by part of an ID or by a property. Only the stand-in supports it; Amplitude responds with 404.
    pub async fn people(&self, search: &Search<'_>) -> Result<Vec<AmplitudeUser>, ReadError> {
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
        let found: SearchResponse = self.get("local/people", &query).await?;
        Ok(found.people)
    }

    /// The newest events of a type, of all users, newest first. Only the stand-in supports it; Amplitude responds with
    /// 404.
    pub async fn newest_named(&self, name: &str, limit: u32) -> Result<Vec<Value>, ReadError> {
        let limit = limit.to_string();
        let query = [("event_type", name), ("newest", "true"), ("limit", &limit)];
        let found: EventsResponse = self.get("local/events", &query).await?;
        Ok(found.events)
    }

    /// Opens a live feed of all users' events as server-sent events; `data` is an exported event. `after` is the number
    /// of the last known message. Only the stand-in supports it; Amplitude responds with 404.
    pub async fn live(&self, after: Option<i64>) -> Result<reqwest::Response, ReadError> {
        // The client's timeout would end the feed. The feed sends heartbeats while it is idle.
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

fn checked(response: reqwest::Response) -> Result<reqwest::Response, ReadError> {
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS => Err(ReadError::RateLimited),
        status if status.is_success() => Ok(response),
        status => Err(ReadError::Status(status)),
    }
}
