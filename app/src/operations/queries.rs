//! Reads what the delivery page shows.

use std::error::Error;

use backend::billing::DuplicateSubscription;
use backend::billing::inbox::{InboxCounts, InboxRow, InboxState};
use backend::loss::LossScope;
use backend::operations::Deliveries;
use tracking::loss::Loss;

use crate::request::RequestContext;

/// Most webhooks and duplicate subscriptions that are listed.
const MOST_LISTED: i64 = 25;

/// Everything on the delivery page.
pub(super) struct Overview {
    /// The outbox.
    pub(super) deliveries: Deliveries,
    /// Browser events that were fired and did not arrive, of all browsers.
    pub(super) loss: Loss,
    /// InboxCounts of the inbox.
    pub(super) inbox: InboxCounts,
    /// The newest webhooks that the filter selects.
    pub(super) webhooks: Vec<InboxRow>,
    /// Duplicate subscriptions that were ended.
    pub(super) duplicates: Vec<DuplicateSubscription>,
    /// The time of reading, in ms since the epoch.
    pub(super) now_ms: i64,
}

/// Reads the database only. `filter` selects the webhooks of one state; `None` selects the newest of all states.
pub(super) async fn overview(
    context: &RequestContext,
    filter: Option<InboxState>,
) -> Result<Overview, Box<dyn Error + Send + Sync>> {
    let (backend, billing) = (&context.backend, &context.backend.billing);
    Ok(Overview {
        deliveries: backend.operations.deliveries().await?,
        inbox: billing.inbox_counts().await?,
        webhooks: billing.inbox(filter, MOST_LISTED).await?,
        duplicates: billing.duplicate_subscriptions(MOST_LISTED).await?,
        loss: backend.loss.loss(&LossScope::All).await?,
        now_ms: backend.clock.now_ms(),
    })
}
