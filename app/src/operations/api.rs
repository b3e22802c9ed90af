//! Server functions of the operator's pages: they read. What changes something is a form post.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use super::facts::{Asked, Operations};
use super::revenue::Revenue;
use super::sessions::Sessions;
use crate::tracking::SeamClient;

/// How things stand.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn read_operations(asked: Asked) -> Result<Operations, ServerFnError> {
    let visit = super::access::operator()?;
    super::reading::operations(&visit, asked).await
}

/// Whether the money adds up.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn read_revenue() -> Result<Revenue, ServerFnError> {
    let visit = super::access::operator()?;
    Ok(super::revenue::reading::revenue(&visit).await)
}

/// What session charts say of the newest people.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn read_sessions() -> Result<Sessions, ServerFnError> {
    let visit = super::access::operator()?;
    Ok(super::sessions::reading::sessions(&visit).await)
}
