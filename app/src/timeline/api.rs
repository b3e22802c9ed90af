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
    Ok(read(&visit, find.as_deref()).await)
}

/// Whose story a visitor gets: the one they ask for, if they may. In local mode everybody may read everybody; elsewhere a
/// person reads the story of their own account and device.
#[cfg(feature = "ssr")]
pub fn may_read(visit: &crate::visit::Visit, find: Option<&str>) -> Result<String, Found> {
    let user = visit.login.as_ref().map(|login| login.user.id.to_string());
    let device = visit.boot.device.clone();
    match find.map(str::trim).filter(|find| !find.is_empty()) {
        None => user.or(device).ok_or(Found::NoIdentity),
        Some(find) if find.len() > 200 => Err(Found::Nobody {
            by: find.chars().take(40).collect(),
        }),
        Some(find) if visit.backend.collector_page.is_some() => Ok(find.to_owned()),
        Some(find) if [user, device].iter().flatten().any(|own| own == find) => Ok(find.to_owned()),
        Some(_) => Err(Found::NotYours),
    }
}

#[cfg(feature = "ssr")]
async fn read(visit: &crate::visit::Visit, find: Option<&str>) -> Found {
    let by = match may_read(visit, find) {
        Ok(by) => by,
        Err(refused) => return refused,
    };
    let reader = &visit.backend.timeline;
    let story = async {
        let Some(person) = reader.find(&by).await? else {
            return Ok(None);
        };
        reader.activity(person).await.map(Some)
    };
    match story.await {
        Ok(Some(activity)) => Found::Story {
            by,
            person: activity.person,
            events: activity.events,
        },
        Ok(None) => Found::Nobody { by },
        Err(error) => {
            let sentence = match error {
                backend::timeline::ReadError::NoSecretKey | backend::timeline::ReadError::RateLimited => {
                    error.to_string()
                }
                _ => "Amplitude does not answer right now".to_owned(),
            };
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot read a story");
            Found::Unreadable(sentence)
        }
    }
}
