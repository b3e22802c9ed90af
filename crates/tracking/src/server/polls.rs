//! Poll events without a user's action. The browser sends the events of user actions on polls, after the server confirmed
//! them.

use serde::Serialize;
use uuid::Uuid;

use super::EventPayload;
use crate::ids::{InsertId, UserId};

/// A poll reached its closing time. Shows how many votes polls with a deadline get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct PollExpiration {
    /// The poll.
    pub poll_id: Uuid,
    /// Number of people who voted.
    pub vote_count: u32,
    /// The closing time, in ms since the epoch. A poll with a new closing time expires again, with another insert ID.
    #[serde(skip)]
    pub closes_at_ms: i64,
}

impl EventPayload for PollExpiration {
    const NAME: &'static str = "Poll expiration";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of(
            "poll-expiration",
            format_args!("{}:{}", self.poll_id, self.closes_at_ms),
        )
    }
}
