//! The analyses of several users, for totals over all users.
//!
//! A real project allows 360 queries an hour, and each user costs two (Dashboard REST API, "Rate limits"). There, only
//! the newest users are read.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use tracking::UserId;
use tracking::analysis::Analysis;
use tracking::verdict::TimelineFacts;

use super::{ReadError, Timeline};

/// The most users to read from a real project.
const MAX_USERS_OF_PROJECT: i64 = 10;

/// The most users to read from the stand-in.
const MAX_USERS_OF_STAND_IN: i64 = 100;

/// Users that are read concurrently.
const CONCURRENCY: usize = 4;

impl Timeline {
    /// The most users that may be read for one page.
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

    /// The analyses of the newest 1,000 events of each of these users, in the same order.
    pub async fn user_analyses(&self, users: Vec<UserId>) -> Result<Vec<Arc<Analysis>>, ReadError> {
        stream::iter(users)
            .map(|user| self.user_analysis(user))
            .buffered(CONCURRENCY)
            .try_collect()
            .await
    }

    async fn user_analysis(&self, user: UserId) -> Result<Arc<Analysis>, ReadError> {
        let Some(person) = self.find(&user.to_string()).await? else {
            return Ok(Arc::new(Analysis::of(&[], self.facts(user).await?)));
        };
        let newest = self.newest(person).await?;
        if newest.user == Some(user) {
            return Ok(Arc::clone(&newest.analysis));
        }
        // No event that was read names the user, who may have payments nevertheless.
        let facts = TimelineFacts {
            read_from_ms: newest.analysis.facts.read_from_ms,
            ..self.facts(user).await?
        };
        Ok(Arc::new(Analysis::of(&newest.activity.events, facts)))
    }
}
