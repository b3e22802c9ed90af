//! Reads what the delivery page shows.

use std::error::Error;

use backend::billing::TurnedAway;
use backend::billing::inbox::{Counts, InboxRow, InboxState};
use backend::loss::Whose;
use backend::operations::Deliveries;
use tracking::loss::Loss;

use crate::visit::Visit;

/// Most webhooks and duplicate subscriptions that are listed.
const MOST_LISTED: i64 = 25;

/// Everything on the delivery page.
pub(super) struct Overview {
    /// The outbox.
    pub(super) deliveries: Deliveries,
    /// Browser events that were fired and did not arrive, of all browsers.
    pub(super) loss: Loss,
    /// Counts of the inbox.
    pub(super) inbox: Counts,
    /// The newest webhooks that the filter selects.
    pub(super) webhooks: Vec<InboxRow>,
    /// Duplicate subscriptions that were ended.
    pub(super) duplicates: Vec<TurnedAway>,
    /// The time of reading, in ms since the epoch.
    pub(super) now_ms: i64,
}

/// Reads the database only. `filter` selects the webhooks of one state; `None` selects the newest of all states.
pub(super) async fn overview(
    visit: &Visit,
    filter: Option<InboxState>,
) -> Result<Overview, Box<dyn Error + Send + Sync>> {
    let (backend, billing) = (&visit.backend, &visit.backend.billing);
    Ok(Overview {
        deliveries: backend.operations.deliveries().await?,
        inbox: billing.inbox_counts().await?,
        webhooks: billing.inbox(filter, MOST_LISTED).await?,
        duplicates: billing.turned_away(MOST_LISTED).await?,
        loss: backend.loss.of(&Whose::All).await?,
        now_ms: backend.clock.now_ms(),
    })
}
