//! The clock of the stand-in for Stripe, which a demo can move forward. A real key has no such clock.

use std::time::Duration;

use reqwest::Client;
use serde::Deserialize;
use serde_json::json;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A time to move the clock to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockTarget {
    /// Past the end of the trial, and past its payment if there is one.
    TrialEnd,
    /// Past the next renewal.
    Renewal,
    /// The next payment attempt.
    Payment,
}

/// Why the clock was not moved or read.
#[derive(Debug, thiserror::Error)]
pub enum StripeClockError {
    /// The stand-in did not respond, or its response could not be read.
    #[error("the stand-in for Stripe did not respond: {0}")]
    Transport(#[from] reqwest::Error),
    /// The stand-in rejected the request.
    #[error("the stand-in for Stripe rejected the request: {0}")]
    Refused(String),
}

/// A client for the stand-in's clock. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StripeClock {
    client: Client,
    url: Url,
}

#[derive(Deserialize)]
struct Time {
    /// In seconds.
    ahead: i64,
}

impl StripeClock {
    /// Creates a client for the stand-in with this API URL.
    pub(super) fn new(api: &Url) -> Result<Self, reqwest::Error> {
        let mut url = api.clone();
        url.set_path("/_sim/clock");
        Ok(Self {
            client: Client::builder().timeout(TIMEOUT).no_proxy().build()?,
            url,
        })
    }

    /// By how many seconds the stand-in's clock is ahead of the wall clock.
    pub async fn ahead_secs(&self) -> Result<i64, StripeClockError> {
        let response = self.client.get(self.url.clone()).send().await?;
        let time: Time = response.error_for_status()?.json().await?;
        Ok(time.ahead)
    }

    /// Moves the clock to `target`. The stand-in runs everything that is due until then, including webhooks.
    pub async fn advance_to(&self, subscription: &str, target: ClockTarget) -> Result<(), StripeClockError> {
        let until = match target {
            ClockTarget::TrialEnd => "trial_end",
            ClockTarget::Renewal => "period_end",
            ClockTarget::Payment => return self.until(subscription, "payment").await,
        };
        self.until(subscription, until).await?;
        // Stripe finalizes an invoice after an hour. If no payment is due, the stand-in rejects this step.
        match self.until(subscription, "payment").await {
            Err(StripeClockError::Refused(_)) => Ok(()),
            result => result,
        }
    }

    async fn until(&self, subscription: &str, until: &str) -> Result<(), StripeClockError> {
        let body = json!({"subscription": subscription, "until": until});
        let response = self.client.post(self.url.clone()).json(&body).send().await?;
        if response.status().is_success() {
            Ok(())
        } else {
            Err(StripeClockError::Refused(response.text().await?))
        }
    }
}
