//! Reads Stripe's list of events, and the webhook endpoints that are registered there.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use stripe_client_core::{RequestBuilder, StripeMethod};
use stripe_core::event::ListEvent;
use stripe_types::RangeQueryTs;

use super::{PAGE, StripeCallError, StripeClient};
use crate::billing::mapping::WEBHOOK_TYPES;
use crate::billing::payload::PayloadError;

/// A webhook endpoint of the Stripe account, for events of the key's mode.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WebhookEndpoint {
    /// Where Stripe sends events.
    pub url: String,
    /// `enabled` or `disabled`.
    pub status: String,
    /// Names of types, or `*` for all of them.
    pub enabled_events: Vec<String>,
}

impl StripeClient {
    /// A page of the events since `since_secs` (seconds since the epoch) that have an effect here, newest first: those before
    /// the event `after`. Also returns whether there are more.
    pub(in crate::billing) async fn events(
        &self,
        since_secs: i64,
        after: Option<&str>,
    ) -> Result<(Vec<Value>, bool), StripeCallError> {
        self.newest(1, |_| {
            let request = ListEvent::new()
                .created(RangeQueryTs::gte(since_secs))
                .types(WEBHOOK_TYPES.map(str::to_owned).to_vec())
                .limit(PAGE);
            match after {
                Some(after) => request.starting_after(after),
                None => request,
            }
        })
        .await
    }

    /// The webhook endpoints of the account. Stripe allows fewer than a page has.
    ///
    /// # Errors
    /// When Stripe cannot be reached or refuses the request. A restricted key may lack the permission.
    pub async fn webhook_endpoints(&self) -> Result<Vec<WebhookEndpoint>, StripeCallError> {
        // async-stripe has this request in one more crate, which has little else.
        let request = RequestBuilder::new(StripeMethod::Get, "/webhook_endpoints")
            .query(&BTreeMap::from([("limit", PAGE)]));
        let mut response = self.transport.send(request, None).await?;
        serde_json::from_value(response["data"].take()).map_err(|_| {
            StripeCallError::Payload(PayloadError {
                object: "list of webhook endpoints",
                field: "data",
            })
        })
    }
}
