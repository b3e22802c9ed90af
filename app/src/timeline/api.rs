//! Reading a story: whose, and who may.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::tracking::SeamClient;

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Found {
    /// A person and their newest events as Amplitude gives them, newest first.
    Story {
        /// The ID by which they were found.
        by: String,
        /// `userData`.
        person: Value,
        /// Exported events.
        events: Vec<Value>,
    },
    /// Nothing has arrived under this ID.
    Nobody {
        /// The ID.
        by: String,
    },
    /// Nobody is signed in, and this browser has no device ID: tracking is off.
    NoIdentity,
    /// Somebody else's story.
    NotYours,
    /// It cannot be read; why.
    Unreadable(String),
}

/// The story of `find` (a user ID, device ID or Amplitude ID), or the visitor's own.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn read_story(find: Option<String>) -> Result<Found, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(super::reading::read(&visit, find.as_deref()).await)
}
