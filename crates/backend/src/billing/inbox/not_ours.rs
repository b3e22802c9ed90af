//! Counts of webhooks that are not ours. They are kept in memory, so that the webhooks of another product cost no
//! transactions, and written every few seconds. A crash loses those of the last seconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{NotOursCount, NotOursReason, store};
use crate::billing::Billing;

/// Webhooks by type and reason, and when the last one was received, in ms since the epoch.
type Counts = BTreeMap<(String, NotOursReason), (i64, i64)>;

/// The counts that are not written yet.
#[derive(Default)]
pub(in crate::billing) struct NotOursMeter(Mutex<Counts>);

/// Counts that are taken to be written. Those that are left when it is dropped are put back: the write failed, or the request
/// that waited for it was canceled.
struct UnwrittenWebhookCounts<'a> {
    meter: &'a NotOursMeter,
    counts: Counts,
}

impl Drop for UnwrittenWebhookCounts<'_> {
    fn drop(&mut self) {
        for ((event_type, reason), (webhooks, received_ms)) in std::mem::take(&mut self.counts) {
            self.meter.count(event_type, reason, webhooks, received_ms);
        }
    }
}

impl NotOursMeter {
    pub(super) fn count(&self, event_type: String, reason: NotOursReason, webhooks: i64, received_ms: i64) {
        let mut counts = self.counts();
        let (total, last_ms) = counts.entry((event_type, reason)).or_default();
        *total += webhooks;
        *last_ms = received_ms.max(*last_ms);
    }

    fn take(&self) -> UnwrittenWebhookCounts<'_> {
        let counts = std::mem::take(&mut *self.counts());
        UnwrittenWebhookCounts { meter: self, counts }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut taken = self.not_ours.take();
        if taken.counts.is_empty() {
            return Ok(());
        }
        self.write_not_ours(&taken.counts).await?;
        taken.counts.clear();
        Ok(())
    }

    async fn write_not_ours(&self, counts: &Counts) -> Result<(), sqlx::Error> {
        let mut tx = self.db.write().await?;
        for ((event_type, reason), (webhooks, received_ms)) in counts {
            store::count_not_ours(&mut tx, event_type, *reason, *webhooks, *received_ms).await?;
        }
        tx.commit().await
    }
}
