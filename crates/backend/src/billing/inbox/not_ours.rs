//! Counts of webhooks that are not ours. They are kept in memory, so that the webhooks of another product cost no
//! transactions, and written every few seconds.

use std::collections::BTreeMap;

use super::{NotOursCount, NotOursReason, store};
use crate::billing::Billing;
use crate::unwritten::MergeCounts;

/// The counts that are not written yet: webhooks by type and reason, and when the last one was received, in ms since the epoch.
#[derive(Default)]
pub(in crate::billing) struct PendingNotOurs(BTreeMap<(String, NotOursReason), (i64, i64)>);

impl PendingNotOurs {
    pub(super) fn add(&mut self, event_type: String, reason: NotOursReason, webhooks: i64, received_ms: i64) {
        let (total, last_ms) = self.0.entry((event_type, reason)).or_default();
        *total += webhooks;
        *last_ms = received_ms.max(*last_ms);
    }
}

impl MergeCounts for PendingNotOurs {
    fn put_back(&mut self, taken: Self) {
        for ((event_type, reason), (webhooks, received_ms)) in taken.0 {
            self.add(event_type, reason, webhooks, received_ms);
        }
    }
}

impl Billing {
    /// How many webhooks were not ours, by type and reason.
    pub async fn not_ours(&self) -> Result<Vec<NotOursCount>, sqlx::Error> {
        self.flush_not_ours().await?;
        store::not_ours(self.db.pool()).await
    }

    /// Writes the counts in one transaction. If it fails or is canceled, they stay in memory.
    pub async fn flush_not_ours(&self) -> Result<(), sqlx::Error> {
        let taken = self.not_ours.take();
        if taken.0.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.write().await?;
        for ((event_type, reason), (webhooks, received_ms)) in &taken.0 {
            store::count_not_ours(&mut tx, event_type, *reason, *webhooks, *received_ms).await?;
        }
        tx.commit().await?;
        taken.written();
        Ok(())
    }
}
