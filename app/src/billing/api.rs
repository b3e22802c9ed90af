//! Server functions of billing: they tell how things stand. Changes are form posts.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use super::facts::{Billing, Returned};
use crate::tracking::SeamClient;

/// Prices, and how the visitor stands to them.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn read_billing() -> Result<Billing, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    super::verbs::billing(&visit).await
}

/// How a Checkout session of the visitor's stands.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn read_checkout(checkout: String) -> Result<Returned, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    super::verbs::returned(&visit, &checkout).await
}
