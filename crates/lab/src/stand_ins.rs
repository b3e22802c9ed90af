//! Requests to the stand-ins' own routes.

use serde_json::Value;
use tracking::UserId;
use url::Url;

use crate::environment::LabEnvironment;
use crate::error::ScenarioError;

/// The stand-ins' names in error messages.
pub(crate) const AMPLITUDE: &str = "the stand-in for Amplitude";
pub(crate) const STRIPE: &str = "the stand-in for Stripe";

/// The same host with another path.
pub(crate) fn at(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(path);
    url.set_query(None);
    url
}

/// Sends a request, and reads JSON from a successful response.
pub(crate) async fn json(
    service: &'static str,
    request: reqwest::RequestBuilder,
) -> Result<Value, ScenarioError> {
    let unreachable = |error: reqwest::Error| ScenarioError::Unreachable {
        service,
        error: error.without_url(),
    };
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    if !status.is_success() {
        return Err(ScenarioError::UnexpectedStatus {
            request: format!("a request to {service}"),
            status: status.as_u16(),
        });
    }
    response.json().await.map_err(unreachable)
}

impl LabEnvironment {
    /// Reads from a stand-in.
    pub(crate) async fn get(&self, service: &'static str, url: Url) -> Result<Value, ScenarioError> {
        json(service, self.client.get(url)).await
    }

    /// Posts JSON to a stand-in.
    pub(crate) async fn post(
        &self,
        service: &'static str,
        url: Url,
        body: &Value,
    ) -> Result<Value, ScenarioError> {
        json(service, self.client.post(url).json(body)).await
    }

    /// How many events of that name the stand-in for Amplitude has of a user.
    pub(crate) async fn count_arrived(&self, user: UserId, name: &str) -> Result<usize, ScenarioError> {
        let mut url = at(&self.amplitude, "/local/events");
        url.query_pairs_mut()
            .append_pair("user", &user.to_string())
            .append_pair("event_type", name);
        let found = self.get(AMPLITUDE, url).await?;
        Ok(found["events"].as_array().map_or(0, Vec::len))
    }
}
