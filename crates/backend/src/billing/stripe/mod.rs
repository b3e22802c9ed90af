//! The client of Stripe's API. It sends async-stripe's requests, and reads responses with the same readers as webhooks. It
//! has no access to the database, so no call can be part of a transaction.

mod calls;
mod catalog;
mod checkout;
mod error;
mod events;
mod listing;
mod transport;

pub(super) use calls::InvoiceOwner;
pub use catalog::{Catalog, MONTHLY, YEARLY, plan_price};
pub(super) use catalog::{lookup_key, lookup_keys};
pub(super) use checkout::{CheckoutRequest, CheckoutSession};
pub use error::StripeCallError;
pub use events::WebhookEndpoint;

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use stripe_client_core::{IdempotencyKey, RequestBuilder, StripeRequest};
use transport::Transport;

use crate::config::StripeConfig;

/// How often, and after which wait, a change is sent again while an identical request is in progress (409).
const SAME_CHANGE_TRIES: u32 = 5;
const SAME_CHANGE_WAIT: Duration = Duration::from_millis(300);

/// Objects in a page of a list: Stripe's maximum (API reference, "Pagination").
const PAGE: i64 = 100;

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct StripeClient {
    transport: Transport,
    live: bool,
}

impl fmt::Debug for StripeClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeClient")
            .field("live", &self.live)
            .finish_non_exhaustive()
    }
}

impl StripeClient {
    /// Creates a client for Stripe, or for the stand-in.
    ///
    /// # Errors
    /// When the key or the URL is not valid in an HTTP request.
    pub fn new(config: &StripeConfig) -> Result<Self, StripeCallError> {
        Ok(Self {
            transport: Transport::new(config)?,
            live: config.is_live(),
        })
    }

    /// Whether the key is live, so that real money moves.
    pub const fn is_live(&self) -> bool {
        self.live
    }

    /// Sends a read request.
    async fn get(&self, request: &impl StripeRequest) -> Result<Value, StripeCallError> {
        self.send(|| request.build(), None).await
    }

    /// Sends a change with an idempotency key (API reference, "Idempotent requests").
    async fn change(&self, key: &str, request: &impl StripeRequest) -> Result<Value, StripeCallError> {
        self.change_built(key, || request.build()).await
    }

    /// Like [`Self::change`], for requests that async-stripe's builder cannot express.
    async fn change_built(
        &self,
        key: &str,
        build: impl Fn() -> RequestBuilder,
    ) -> Result<Value, StripeCallError> {
        let key =
            IdempotencyKey::new(key).map_err(|error| StripeCallError::InvalidRequest(error.to_string()))?;
        let mut tries = 1;
        loop {
            match self.send(&build, Some(&key)).await {
                // An identical request is in progress. Wait for its result.
                Err(StripeCallError::Busy { status: 409, .. }) if tries < SAME_CHANGE_TRIES => {
                    tries += 1;
                    tokio::time::sleep(SAME_CHANGE_WAIT).await;
                }
                result => return result,
            }
        }
    }

    /// Sends a request, and repeats it once if the connection fails: Stripe may close a kept connection while a request is being
    /// sent. A repeated read changes nothing, and Stripe answers a repeated key with the first result.
    async fn send(
        &self,
        build: impl Fn() -> RequestBuilder,
        key: Option<&IdempotencyKey>,
    ) -> Result<Value, StripeCallError> {
        match self.transport.send(build(), key).await {
            Err(StripeCallError::ConnectionLost(_)) => self.transport.send(build(), key).await,
            result => result,
        }
    }

    /// All objects of a list. `page` builds the request for the objects after an ID.
    async fn all<R: StripeRequest>(
        &self,
        page: impl Fn(Option<String>) -> R,
    ) -> Result<Vec<Value>, StripeCallError> {
        Ok(self.newest(usize::MAX, page).await?.0)
    }

    /// The first objects of a list, in whole pages until there are `most`; and whether there are more.
    async fn newest<R: StripeRequest>(
        &self,
        most: usize,
        page: impl Fn(Option<String>) -> R,
    ) -> Result<(Vec<Value>, bool), StripeCallError> {
        let mut all = Vec::new();
        loop {
            let after = all
                .last()
                .and_then(|last: &Value| last["id"].as_str())
                .map(str::to_owned);
            let mut response = self.get(&page(after)).await?;
            let more = response["has_more"] == true;
            match response["data"].take() {
                Value::Array(objects) if !objects.is_empty() => all.extend(objects),
                _ => return Ok((all, false)),
            }
            if !more || all.len() >= most {
                return Ok((all, more));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use stripe_client_core::StripeMethod;
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::*;
    use crate::config::Config;

    /// Answers the first request of each connection, and closes the connection after the second one. Sends the headers of each
    /// request to `received`.
    async fn close_after_each_second(
        listener: TcpListener,
        received: mpsc::UnboundedSender<BTreeMap<String, String>>,
    ) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            for is_answered in [true, false] {
                let mut headers = BTreeMap::new();
                let mut line = String::new();
                while stream.read_line(&mut line).await.unwrap() > 0 && line != "\r\n" {
                    if let Some((name, value)) = line.trim().split_once(": ") {
                        headers.insert(name.to_owned(), value.to_owned());
                    }
                    line.clear();
                }
                if headers.is_empty() {
                    break;
                }
                received.send(headers).unwrap();
                if is_answered {
                    let response = b"HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{\"deleted\":true}";
                    stream.write_all(&response[..]).await.unwrap();
                }
            }
        }
    }

    #[tokio::test]
    async fn a_request_is_repeated_if_stripe_closes_the_connection_while_it_is_sent() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (received, mut requests) = mpsc::unbounded_channel();
        tokio::spawn(close_after_each_second(listener, received));
        let mut config = Config::read(|name| (name == "SEAMLINE_LOCAL").then(|| "1".to_owned())).unwrap();
        config.stripe.api_url = Some(url.parse().unwrap());
        let client = StripeClient::new(&config.stripe).unwrap();

        client.is_customer_deleted("cus_1").await.unwrap();
        let request = RequestBuilder::new(StripeMethod::Get, "/customers/cus_1");
        let once = client.transport.send(request, None).await;
        assert!(
            matches!(once, Err(StripeCallError::ConnectionLost(_))),
            "{once:?}"
        );

        for customer in ["cus_1", "cus_2", "cus_3"] {
            client.delete_customer(customer).await.unwrap();
            assert!(client.is_customer_deleted(customer).await.unwrap());
        }
        requests.close();
        let mut keys = BTreeMap::new();
        while let Some(mut headers) = requests.recv().await {
            let key = headers.remove("idempotency-key");
            *keys.entry(key.unwrap_or_default()).or_insert(0) += 1;
        }
        let of = |key: &str| keys.get(key).copied().unwrap_or_default();
        let sent = [of(""), of("delete:cus_1"), of("delete:cus_2"), of("delete:cus_3")];
        assert_eq!(sent, [8, 1, 2, 2], "the repeated request has the same key");
    }
}
