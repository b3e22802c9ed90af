//! Amplitude's User Privacy API: deletion of everything that it knows of a user. Amplitude does it within 30 days, its
//! stand-in at once.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tracking::UserId;
use url::Url;

use crate::config::Amplitude;

const TIMEOUT: Duration = Duration::from_secs(15);

/// Why Amplitude has not taken the request.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// It said no, or was overloaded.
    #[error("Amplitude answered {0}")]
    Status(StatusCode),
    /// Not reached.
    #[error("Amplitude was not reached")]
    Transport(#[source] reqwest::Error),
}

/// Asks for deletions. Cheap to clone.
#[derive(Clone)]
pub struct AmplitudeEraser {
    client: Client,
    endpoint: Url,
    api_key: SecretString,
    secret_key: Option<SecretString>,
}

impl AmplitudeEraser {
    /// For the project of this configuration.
    pub fn new(amplitude: &Amplitude) -> Result<Self, reqwest::Error> {
        let mut endpoint = amplitude.read_url.clone();
        endpoint.set_path("api/2/deletions/users");
        Ok(Self {
            client: Client::builder().timeout(TIMEOUT).build()?,
            endpoint,
            api_key: amplitude.api_key.clone(),
            secret_key: amplitude.secret_key.clone(),
        })
    }

    /// Asks for one. `false`: there is no secret key, so nobody could be asked. A user whom Amplitude has never heard of,
    /// having said no to tracking, is no error.
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
        let answer = self
            .client
            .post(self.endpoint.clone())
            .basic_auth(self.api_key.expose_secret(), Some(secret_key.expose_secret()))
            .json(&request)
            .send()
            .await
            .map_err(EraseError::Transport)?;
        if answer.status().is_success() {
            Ok(true)
        } else {
            Err(EraseError::Status(answer.status()))
        }
    }
}
