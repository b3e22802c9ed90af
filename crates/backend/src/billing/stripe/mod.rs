//! Stripe over the network: async-stripe's requests, with a timeout each, and answers read by the same lenient readers as
//! webhooks. Nothing here touches the database, so nothing of it can end up inside a transaction.

mod calls;
mod catalog;
mod fault;
mod listing;

pub(super) use calls::Offer;
pub use catalog::{Catalog, MONTHLY, YEARLY};
pub use fault::StripeFault;

use std::fmt;
use std::time::Duration;

use miniserde::json::Value as Answer;
use secrecy::ExposeSecret;
use serde_json::Value;
use stripe::{Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeRequest};
use stripe_client_core::RequestBuilder;

use crate::config;

/// Stripe answers most calls within a second; what takes longer than this is tried again.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How often, and after how long, a change is sent again while the same change is being made (409).
const SAME_CHANGE_TRIES: u32 = 5;
const SAME_CHANGE_WAIT: Duration = Duration::from_millis(300);

/// Objects a page of a list, the most that Stripe gives (API reference, "Pagination").
const PAGE: i64 = 100;

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Stripe {
    client: Client,
    live: bool,
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe")
            .field("live", &self.live)
            .finish_non_exhaustive()
    }
}

impl Stripe {
    /// For the account of this configuration, or the stand-in.
    ///
    /// # Errors
    /// A key or a URL that no request can carry.
    pub fn new(config: &config::Stripe) -> Result<Self, StripeFault> {
        let mut builder = ClientBuilder::new(config.secret_key.expose_secret())
            .timeout(TIMEOUT)
            .app_info("Seamline", Some(env!("CARGO_PKG_VERSION").to_owned()), None);
        if let Some(url) = &config.api_url {
            builder = builder.url(url.as_str());
        }
        Ok(Self {
            client: builder.build()?,
            live: config.is_live(),
        })
    }

    /// Whether real money moves.
    pub const fn is_live(&self) -> bool {
        self.live
    }

    /// Asks; asking twice changes nothing.
    async fn get(&self, request: &impl StripeRequest) -> Result<Value, StripeFault> {
        self.send(request.build(), RequestStrategy::Once).await
    }

    /// Changes something, once for each key, however often it is sent (API reference, "Idempotent requests").
    async fn change(&self, key: &str, request: &impl StripeRequest) -> Result<Value, StripeFault> {
        self.change_built(key, || request.build()).await
    }

    /// The same for a request that async-stripe's builder cannot say whole.
    async fn change_built(
        &self,
        key: &str,
        build: impl Fn() -> RequestBuilder,
    ) -> Result<Value, StripeFault> {
        let key = IdempotencyKey::new(key).map_err(|error| StripeFault::Misuse(error.to_string()))?;
        let mut tries = 1;
        loop {
            match self.send(build(), RequestStrategy::Idempotent(key.clone())).await {
                // A form sent twice at once: the second waits for what the first came to.
                Err(StripeFault::Busy { status: 409, .. }) if tries < SAME_CHANGE_TRIES => {
                    tries += 1;
                    tokio::time::sleep(SAME_CHANGE_WAIT).await;
                }
                answered => return answered,
            }
        }
    }

    /// async-stripe's own types refuse a whole object for one field that they do not know, and they would make a second
    /// reader of what webhooks hold already. So it sends the request, and the answer stays JSON.
    async fn send(&self, request: RequestBuilder, strategy: RequestStrategy) -> Result<Value, StripeFault> {
        let answer: Answer = request
            .customize()
            .request_strategy(strategy)
            .send(&self.client)
            .await?;
        serde_json::from_str(&miniserde::json::to_string(&answer))
            .map_err(|error| StripeFault::Misuse(error.to_string()))
    }

    /// Every object of a list. `page` makes the request for what comes after an ID.
    async fn all<R: StripeRequest>(
        &self,
        page: impl Fn(Option<String>) -> R,
    ) -> Result<Vec<Value>, StripeFault> {
        Ok(self.newest(usize::MAX, page).await?.0)
    }

    /// The first objects of a list, in whole pages until there are `most`; and whether there are more.
    async fn newest<R: StripeRequest>(
        &self,
        most: usize,
        page: impl Fn(Option<String>) -> R,
    ) -> Result<(Vec<Value>, bool), StripeFault> {
        let mut all = Vec::new();
        loop {
            let after = all
                .last()
                .and_then(|last: &Value| last["id"].as_str())
                .map(str::to_owned);
            let mut answer = self.get(&page(after)).await?;
            let more = answer["has_more"] == true;
            match answer["data"].take() {
                Value::Array(objects) if !objects.is_empty() => all.extend(objects),
                _ => return Ok((all, false)),
            }
            if !more || all.len() >= most {
                return Ok((all, more));
            }
        }
    }
}
