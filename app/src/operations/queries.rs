//! Reads what the delivery page shows.

use std::error::Error;

use backend::billing::inbox::InboxState;
use backend::loss::Whose;

use super::labels;
use super::model::{OperationsOverview, WebhookState};
use crate::visit::Visit;

/// The database cannot be read.
pub(super) type QueryError = Box<dyn Error + Send + Sync>;

/// Most webhooks and duplicate subscriptions that are listed.
const MOST_LISTED: i64 = 25;

/// Everything on the delivery page. `filter` selects the webhooks of one state; `None` selects the newest of all states.
/// It reads the database only.
pub(super) async fn overview(
    visit: &Visit,
    filter: Option<WebhookState>,
) -> Result<OperationsOverview, QueryError> {
    let (backend, billing) = (&visit.backend, &visit.backend.billing);
    let state = filter.map(|state| match state {
        WebhookState::Pending => InboxState::Pending,
        WebhookState::Applied => InboxState::Applied,
        WebhookState::Parked => InboxState::Parked,
    });
    let deliveries = backend.operations.deliveries().await?;
    let counts = billing.inbox_counts().await?;
    let webhooks = billing.inbox(state, MOST_LISTED).await?;
    let duplicates = billing.turned_away(MOST_LISTED).await?;
    let loss = backend.loss.of(&Whose::All).await?;
    let now_ms = backend.clock.now_ms();
    Ok(OperationsOverview {
        outbox: labels::outbox(&deliveries, now_ms),
        parked: deliveries
            .parked
            .into_iter()
            .map(|entry| labels::parked_event(entry, now_ms))
            .collect(),
        loss,
        inbox: labels::inbox(counts, now_ms),
        webhooks: webhooks
            .into_iter()
            .map(|row| labels::webhook(row, now_ms))
            .collect(),
        duplicates: duplicates
            .into_iter()
            .map(|row| labels::duplicate_subscription(row, now_ms))
            .collect(),
    })
}
