//! The timeline: one person's events, read back from Amplitude or its stand-in, with the verdict on them.
//!
//! The page is rendered completely from its URL. Its live parts are fetched again when an event arrives.

mod access;
mod card;
mod comparison;
mod event;
mod event_details;
mod labels;
mod ledger;
mod links;
mod loss;
mod model;
mod page;
mod person;
mod proof;
mod queries;
mod recent_events;
mod session_group;
mod stitching_report;
mod tools;
mod verdict;
mod view;

pub use access::may_read;
pub(crate) use comparison::ComparisonTable;
pub(crate) use links::event_url;
pub use model::{TimelineQuery, TimelineResult};
pub use page::TimelinePage;
pub(crate) use queries::recent_events;
pub use queries::{TimelineError, WholeTimeline, read_whole};
pub(crate) use recent_events::RecentEvents;
