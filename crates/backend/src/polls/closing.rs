//! Closes polls at their closing time, on any number of servers.

use tracking::{PollExpiration, ServerEvent};
use uuid::Uuid;

use super::poll::ClosedBy;
use super::{Polls, store};
use crate::accounts::is_tracked_at;

/// Polls that one call closes at most.
const MAX_PER_CALL: i64 = 100;

impl Polls {
    /// Closes the polls whose closing time has passed. Each poll is closed in its own transaction, which includes its
    /// `Poll expiration` event if the owner consented. Returns the number of polls that this call closed; another
    /// server may have closed some of them.
    ///
    /// # Errors
    /// When a poll could not be closed; returns the last error. The other polls are closed. The next call retries.
    pub async fn close_due(&self) -> Result<u32, sqlx::Error> {
        let now_ms = self.clock.now_ms();
        let mut closed = 0;
        let mut failed = None;
        for poll in store::due(self.db.pool(), now_ms, MAX_PER_CALL).await? {
            match self.close_if_due(poll, now_ms).await {
                Ok(true) => closed += 1,
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        }
        if closed > 0 {
            self.wakeup.wake();
        }
        failed.map_or(Ok(closed), Err)
    }

    /// Returns false if the poll is no longer due: it was closed, deleted, or its closing time was changed.
    async fn close_if_due(&self, id: Uuid, now_ms: i64) -> Result<bool, sqlx::Error> {
        let mut tx = self.db.write().await?;
        let Some(closes_at_ms) = store::close_due(&mut tx, id, ClosedBy::Time, now_ms).await? else {
            return Ok(false);
        };
        let Some(found) = store::poll(&mut tx, id).await? else {
            return Ok(false);
        };
        // There is no browser, so only the account's consent choice counts.
        if is_tracked_at(&mut tx, found.owner, closes_at_ms, self.consent_default).await? {
            let event = PollExpiration {
                poll_id: id,
                vote_count: found.poll.voters,
                closes_at_ms,
            };
            // The event's time is the closing time, not the time of this call: the poll took no votes since then.
            let event = ServerEvent::system(found.owner, &event, closes_at_ms);
            outbox::enqueue(&mut tx, &event, now_ms).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}
