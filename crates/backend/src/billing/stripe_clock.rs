//! The clock of the stand-in for Stripe, for a demo that does not wait three days. There is none with a real key.

use std::time::Duration;

use reqwest::Client;
use serde::Deserialize;
use serde_json::json;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(10);

/// To which moment of a subscription's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    /// Over the end of its trial, and over the payment if there is one.
    TrialEnd,
    /// Over its next renewal.
    Renewal,
    /// To the next attempt to take money.
    Payment,
}

/// Why the clock stayed where it was.
#[derive(Debug, thiserror::Error)]
pub enum StripeClockError {
    /// Not reached, or not understood.
    #[error("the stand-in for Stripe does not answer: {0}")]
    Transport(#[from] reqwest::Error),
    /// It says no.
    #[error("the stand-in for Stripe refused: {0}")]
    Refused(String),
}

/// See the module. Cheap to clone.
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
    /// Of the stand-in whose API is there.
    pub(super) fn new(api: &Url) -> Result<Self, reqwest::Error> {
        let mut url = api.clone();
        url.set_path("/_sim/clock");
        Ok(Self {
            client: Client::builder().timeout(TIMEOUT).build()?,
            url,
        })
    }

    /// How far it is ahead of the wall clock, in seconds.
    pub async fn ahead(&self) -> Result<i64, StripeClockError> {
        let answer = self.client.get(self.url.clone()).send().await?;
        let time: Time = answer.error_for_status()?.json().await?;
        Ok(time.ahead)
    }

    /// Moves it. Whatever is due on the way happens, webhooks included.
    pub async fn jump(&self, subscription: &str, jump: Jump) -> Result<(), StripeClockError> {
        let until = match jump {
            Jump::TrialEnd => "trial_end",
            Jump::Renewal => "period_end",
            Jump::Payment => return self.until(subscription, "payment").await,
        };
        self.until(subscription, until).await?;
        // An hour later the invoice is no draft any more. Where none is due there is no such moment.
        match self.until(subscription, "payment").await {
            Err(StripeClockError::Refused(_)) => Ok(()),
            answered => answered,
        }
    }

    async fn until(&self, subscription: &str, until: &str) -> Result<(), StripeClockError> {
        let body = json!({"subscription": subscription, "until": until});
        let answer = self.client.post(self.url.clone()).json(&body).send().await?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(StripeClockError::Refused(answer.text().await?))
        }
    }
}
