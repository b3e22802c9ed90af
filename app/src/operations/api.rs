//! Server functions of the operator's pages: they read. What changes something is a form post.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use super::facts::{Asked, Operations};
use crate::tracking::SeamClient;

/// How things stand.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn read_operations(asked: Asked) -> Result<Operations, ServerFnError> {
    let visit = super::access::operator()?;
    super::reading::operations(&visit, asked).await
}
