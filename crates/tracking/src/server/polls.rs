//! Poll events that nobody clicks for. What people do with polls, the browser says, once the server has confirmed it.

use serde::Serialize;
use uuid::Uuid;

use super::Fact;
use crate::ids::{InsertId, UserId};

/// A poll's closing time came. Tells how many votes a poll with a deadline gathers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "catalog", derive(schemars::JsonSchema))]
pub struct PollExpiration {
    /// The poll.
    pub poll_id: Uuid,
    /// People who voted.
    pub vote_count: u32,
    /// The closing time that came, in ms since the epoch: one that is set anew expires anew.
    #[serde(skip)]
    pub closes_at_ms: i64,
}

impl Fact for PollExpiration {
    const NAME: &'static str = "Poll expiration";

    fn insert_id(&self, _user: UserId) -> InsertId {
        InsertId::of(
            "poll-expiration",
            format_args!("{}:{}", self.poll_id, self.closes_at_ms),
        )
    }
}
