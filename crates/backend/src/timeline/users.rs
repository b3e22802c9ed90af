//! Timelines of several users, for totals over all users.
//!
//! A real project allows 360 queries an hour, and each user costs two (Dashboard REST API, "Rate limits"). There, only
//! the newest users are read.

use futures::stream::{self, StreamExt, TryStreamExt};
use tracking::UserId;
use tracking::received::ReceivedEvent;
use tracking::verdict::TimelineFacts;

use super::{ReadError, Timeline};

/// The most users to read from a real project.
const MAX_USERS_OF_PROJECT: i64 = 10;

/// The most users to read from the stand-in.
const MAX_USERS_OF_STAND_IN: i64 = 100;

/// Timelines that are read concurrently.
const CONCURRENCY: usize = 4;

/// The newest 1,000 events of a user.
#[derive(Clone, Debug)]
pub struct UserTimeline {
    /// The user.
    pub user: UserId,
    /// Events, newest first.
    pub events: Vec<ReceivedEvent>,
    /// The facts to check them against.
    pub facts: TimelineFacts,
}

impl Timeline {
    /// The most users whose timelines may be read for one page.
    pub const fn user_limit(&self) -> i64 {
        match self.project {
            Some(_) => MAX_USERS_OF_PROJECT,
            None => MAX_USERS_OF_STAND_IN,
        }
    }

    /// The users with the newest server events, newest first.
    pub async fn recent_users(&self) -> Result<Vec<UserId>, ReadError> {
        Ok(outbox::recent_users(&self.db, self.user_limit()).await?)
    }

    /// The timelines of these users, in the same order. Empty for a user without events in Amplitude.
    pub async fn user_timelines(&self, users: Vec<UserId>) -> Result<Vec<UserTimeline>, ReadError> {
        stream::iter(users)
            .map(|user| self.user_timeline(user))
            .buffered(CONCURRENCY)
            .try_collect()
            .await
    }

    async fn user_timeline(&self, user: UserId) -> Result<UserTimeline, ReadError> {
        let (events, facts) = match self.find(&user.to_string()).await? {
            Some(person) => {
                let newest = self.newest(person).await?;
                (newest.activity.events.clone(), newest.analysis.facts.clone())
            }
            None => (Vec::new(), self.facts(user).await?),
        };
        Ok(UserTimeline { user, events, facts })
    }
}
