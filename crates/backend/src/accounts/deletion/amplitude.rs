//! Client of Amplitude's User Privacy API, which deletes all data of a user. Amplitude deletes it within 30 days, the
//! stand-in at once.

use std::time::Duration;

use queue::JobFailure;
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
    /// No request was sent, because there is no secret key.
    #[error("AMPLITUDE_SECRET_KEY is not set")]
    NoSecretKey,
}

impl From<EraseError> for JobFailure {
    fn from(error: EraseError) -> Self {
        match &error {
            EraseError::NoSecretKey => Self::Permanent(error.to_string()),
            EraseError::Status(status) if is_refusal(*status) => Self::Refused(error.to_string()),
            EraseError::Status(_) | EraseError::Transport(_) => Self::Transient(error.to_string()),
        }
    }
}

fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error()
        && status != StatusCode::TOO_MANY_REQUESTS
        && status != StatusCode::REQUEST_TIMEOUT
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
            client: amplitude.http_client().timeout(TIMEOUT).build()?,
            endpoint,
            api_key: amplitude.api_key.clone(),
            secret_key: amplitude.secret_key.clone(),
        })
    }

    /// Whether requests can be sent.
    pub const fn has_secret_key(&self) -> bool {
        self.secret_key.is_some()
    }

    /// Requests the deletion of a user. A user unknown to Amplitude, for example one who denied consent, is not an error.
    ///
    /// # Errors
    /// When there is no secret key, or Amplitude cannot be reached or responds with an error.
    pub async fn erase(&self, user: UserId) -> Result<(), EraseError> {
        let secret_key = self.secret_key.as_ref().ok_or(EraseError::NoSecretKey)?;
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
            Ok(())
        } else {
            Err(EraseError::Status(response.status()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_no_outage() {
        for (status, refused) in [
            (400, true),
            (401, true),
            (403, true),
            (408, false),
            (429, false),
            (500, false),
        ] {
            let error = EraseError::Status(StatusCode::from_u16(status).unwrap()).into();
            assert_eq!(matches!(error, JobFailure::Refused(_)), refused, "{status}");
        }
        let without_key = JobFailure::from(EraseError::NoSecretKey);
        assert!(matches!(without_key, JobFailure::Permanent(_)));
    }
}
