//! The data of the timeline page.

use std::sync::Arc;

use serde_json::Value;
use tracking::analysis::Analysis;
use tracking::loss::Loss;
use tracking::received::ReceivedEvent;
use tracking::timeline_page::Filter;

use super::card::TimelineCard;

/// The query of the page's URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimelineQuery {
    /// A user ID, device ID or Amplitude ID, or a text to search people by. `None`: the visitor's own ID.
    pub find: Option<String>,
    /// Which events.
    pub filter: Filter,
    /// Cursor of the page's first event, from the link of the page before.
    pub older: Option<String>,
    /// UUID of an event that must be on the page. It is shown open.
    pub event: Option<String>,
    /// The cards whose content is rendered.
    pub open: Vec<TimelineCard>,
}

impl TimelineQuery {
    /// The first page of the same events: the newest.
    pub(super) fn first_page(&self) -> Self {
        Self {
            older: None,
            event: None,
            open: Vec::new(),
            ..self.clone()
        }
    }
}

/// The result of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum TimelineResult {
    /// One person, with a page of their events.
    Events(Box<EventPage>),
    /// Several people match.
    People {
        /// The searched text.
        query: String,
        /// Most recently active first.
        people: Vec<PersonFound>,
    },
    /// No event has arrived under this ID.
    NotFound {
        /// The ID.
        by: String,
    },
    /// No user is signed in, and this browser has no device ID: tracking is off.
    NoIdentity,
    /// The visitor may not read this timeline.
    NotYours,
}

/// A page of a person's events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventPage {
    /// The query that this page answers.
    pub query: TimelineQuery,
    /// The ID that led to the person.
    pub by: String,
    /// `userData` of Amplitude's answer.
    pub person: Arc<Value>,
    /// Newest first.
    pub events: Vec<ReceivedEvent>,
    /// Cursor of the next page.
    pub older: Option<String>,
    /// The page does not start with the newest event.
    pub skipped: bool,
    /// The analysis of the newest events; `None` on later pages.
    pub analysis: Option<Arc<Analysis>>,
    /// Events that the person's browsers fired, and how many arrived; zero on later pages.
    pub loss: Loss,
}

/// A person in a list of search results.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonFound {
    /// The ID that leads to their timeline: user ID, else Amplitude ID.
    pub find: String,
    /// User ID.
    pub user: Option<String>,
    /// How many events.
    pub events: u64,
    /// Time of the last event, UTC.
    pub last_used: Option<String>,
    /// The searched property first, then those that distinguish people.
    pub properties: Vec<(String, String)>,
}
