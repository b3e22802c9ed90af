//! Closing polls whose time has come, on any number of servers.

use tracking::{Choice, PollExpiration, ServerEvent, consent};
use uuid::Uuid;

use super::poll::ClosedBy;
use super::{Polls, store};

/// Polls of one round. What is left is for the next.
const AT_ONCE: i64 = 100;

impl Polls {
    /// Closes polls whose time has come, each in a transaction of its own, with its `Poll expiration` in it if the owner is
    /// tracked. Answers how many this call closed: another server may have been quicker. A poll that cannot be closed
    /// keeps no other from it.
    ///
    /// # Errors
    /// The last poll's that could not be closed. The next round tries it again.
    pub async fn close_due(&self) -> Result<u32, sqlx::Error> {
        let now_ms = self.clock.now_ms();
        let mut closed = 0;
        let mut failed = None;
        for poll in store::due(self.db.pool(), now_ms, AT_ONCE).await? {
            match self.close_if_due(poll, now_ms).await {
                Ok(true) => closed += 1,
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        }
        if closed > 0 {
            self.nudge.wake();
        }
        failed.map_or(Ok(closed), Err)
    }

    /// `false`: somebody else has closed it, deleted it, or given it another time.
    async fn close_if_due(&self, id: Uuid, now_ms: i64) -> Result<bool, sqlx::Error> {
        let mut tx = self.db.write().await?;
        let Some(closes_at_ms) = store::close_due(&mut tx, id, ClosedBy::Time, now_ms).await? else {
            return Ok(false);
        };
        let Some(found) = store::poll(&mut tx, id).await? else {
            return Ok(false);
        };
        // No browser is there, so there is neither its choice nor its signal; the account knows.
        let choice = store::consent_of(&mut tx, found.owner).await?;
        if consent::effective(Choice::Unset, Some(choice), false, self.consent_default).is_granted() {
            let event = PollExpiration {
                poll_id: id,
                vote_count: found.poll.voters,
                closes_at_ms,
            };
            // It took no votes from that moment on, whenever we came by.
            let event = ServerEvent::system(found.owner, &event, closes_at_ms);
            outbox::enqueue(&mut tx, &event, now_ms).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}
