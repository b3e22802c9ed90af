//! Reading a story: whose, which part of it, and who may.

use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracking::loss::Loss;
use tracking::proof::Joined;
use tracking::reconcile::Books;
use tracking::session_metrics::Comparison;
use tracking::story_page::Filter;
use tracking::verdict::{Facts, Verdict};

use crate::tracking::SeamClient;

/// What the URL asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Whose: a user ID, device ID or Amplitude ID, or something to search people by. `None`: the visitor's own.
    pub find: Option<String>,
    /// Which events.
    pub filter: Filter,
    /// Where the page begins, as the page before it said.
    pub older: Option<String>,
    /// An event that must be on the page.
    pub event: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Found {
    /// A person and a page of their events.
    Story(Box<Story>),
    /// Several people fit.
    People {
        /// What was searched for.
        query: String,
        /// Those seen last first.
        people: Vec<PersonFound>,
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

/// A page of a story.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// The ID by which they were found.
    pub by: String,
    /// `userData`.
    pub person: Value,
    /// Exported events, newest first.
    pub events: Vec<Value>,
    /// Where the next page begins.
    pub older: Option<String>,
    /// It begins somewhere in the middle.
    pub skipped: bool,
    /// What the newest events are worth; of later pages it is not said again.
    pub judgement: Option<Judgement>,
}

/// What a story is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Rule by rule.
    pub verdict: Verdict,
    /// What it was held against.
    pub facts: Facts,
    /// Session charts with and without the stitching.
    pub comparison: Comparison,
    /// How anonymous events came to the person.
    pub joined: Vec<Joined>,
    /// Revenue against Stripe's ledger.
    pub books: Books,
    /// What the person's browsers fired and what of it arrived.
    pub loss: Loss,
    /// Events that came from the server, which no blocker sees.
    pub from_server: usize,
    /// Names of the events, for the filter.
    pub names: Vec<String>,
    /// Devices, for the filter.
    pub devices: Vec<String>,
}

/// Somebody in a list of people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PersonFound {
    /// What leads to their story: user ID, or else Amplitude's own ID.
    pub find: String,
    /// User ID.
    pub user: Option<String>,
    /// How many events.
    pub events: u64,
    /// When the last was, UTC.
    pub last_used: Option<String>,
    /// What stands out of their properties: those that were searched for, or how they pay.
    pub properties: Vec<(String, String)>,
}

/// A page of the story that the URL asks for.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn read_story(asked: Asked) -> Result<Found, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(super::reading::read(&visit, &asked).await)
}

/// What the story is worth by now. A GET, because nobody has done anything: an event that arrives is no activity of the
/// person who watches.
#[server(input = GetUrl, output = Json)]
pub async fn judge(find: Option<String>) -> Result<Option<Judgement>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(super::reading::judge(&visit, find.as_deref()).await)
}

/// The visitor's own newest events, a few, newest first. A GET for the same reason. Of a real project nothing is read.
#[server(input = GetUrl, output = Json)]
pub async fn newest() -> Result<Vec<Value>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    super::reading::newest(&visit).await.map_err(|error| {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "cannot read the newest events"
        );
        ServerFnError::new("events cannot be read right now")
    })
}
