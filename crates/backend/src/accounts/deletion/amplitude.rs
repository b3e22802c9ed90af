//! Client of Amplitude's User Privacy API, which deletes all data of a user. Amplitude deletes it within 30 days, the
//! stand-in at once.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tracking::UserId;
use url::Url;

use crate::config::AmplitudeConfig;

const TIMEOUT: Duration = Duration::from_secs(15);

/// Why a deletion request failed.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Amplitude responded with an error status.
    #[error("Amplitude responded {0}")]
    Status(StatusCode),
    /// Amplitude could not be reached.
    #[error("Amplitude was not reached")]
    Transport(#[source] reqwest::Error),
}

/// Requests deletions from Amplitude. Cheap to clone.
#[derive(Clone)]
pub struct AmplitudeEraser {
    client: Client,
    endpoint: Url,
    api_key: SecretString,
    secret_key: Option<SecretString>,
}

impl AmplitudeEraser {
    /// Creates a client for the configured project.
    ///
    /// # Errors
    /// When the HTTP client cannot be created.
    pub fn new(amplitude: &AmplitudeConfig) -> Result<Self, reqwest::Error> {
        let mut endpoint = amplitude.read_url.clone();
        endpoint.set_path("api/2/deletions/users");
        Ok(Self {
            client: Client::builder().timeout(TIMEOUT).build()?,
            endpoint,
            api_key: amplitude.api_key.clone(),
            secret_key: amplitude.secret_key.clone(),
        })
    }

    /// Requests the deletion of a user. Returns false if no secret key is configured, so that no request was sent. A
    /// user unknown to Amplitude, for example one who denied consent, is not an error.
    ///
    /// # Errors
    /// When Amplitude cannot be reached or responds with an error.
    pub async fn erase(&self, user: UserId) -> Result<bool, EraseError> {
        let Some(secret_key) = &self.secret_key else {
            return Ok(false);
        };
        let request = json!({
            "user_ids": [user.to_string()],
            "requester": "Seamline",
            "ignore_invalid_id": "True",
            "delete_from_org": "False",
        });
        let response = self
            .client
            .post(self.endpoint.clone())
            .basic_auth(self.api_key.expose_secret(), Some(secret_key.expose_secret()))
            .json(&request)
            .send()
            .await
            .map_err(EraseError::Transport)?;
        if response.status().is_success() {
            Ok(true)
        } else {
            Err(EraseError::Status(response.status()))
        }
    }
}
