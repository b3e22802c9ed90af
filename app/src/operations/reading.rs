//! Reading what the operator's pages show.

use backend::billing::inbox::InboxState;
use backend::loss::Whose;
use leptos::prelude::ServerFnError;

use super::facts::{Asked, Operations, WebhookState};
use super::words;
use crate::visit::Visit;

/// Most webhooks and second subscriptions that are listed.
const MOST_LISTED: i64 = 25;

/// The first page, from the database alone.
pub(super) async fn operations(visit: &Visit, asked: Asked) -> Result<Operations, ServerFnError> {
    let (backend, billing) = (&visit.backend, &visit.backend.billing);
    let state = asked.webhooks.map(|state| match state {
        WebhookState::Pending => InboxState::Pending,
        WebhookState::Applied => InboxState::Applied,
        WebhookState::Parked => InboxState::Parked,
    });
    let deliveries = backend.operations.deliveries().await.map_err(unreadable)?;
    let counts = billing.inbox_counts().await.map_err(unreadable)?;
    let webhooks = billing.inbox(state, MOST_LISTED).await.map_err(unreadable)?;
    let turned_away = billing.turned_away(MOST_LISTED).await.map_err(unreadable)?;
    let loss = backend.loss.of(&Whose::All).await.map_err(unreadable)?;
    let now_ms = backend.clock.now_ms();
    Ok(Operations {
        delivery: words::delivery(&deliveries, now_ms),
        parked: deliveries
            .parked
            .into_iter()
            .map(|entry| words::parked(entry, now_ms))
            .collect(),
        loss,
        inbox: words::inbox(counts, now_ms),
        webhooks: webhooks
            .into_iter()
            .map(|row| words::webhook(row, now_ms))
            .collect(),
        turned_away: turned_away
            .into_iter()
            .map(|row| words::turned_away(row, now_ms))
            .collect(),
    })
}

fn unreadable(error: impl std::error::Error + 'static) -> ServerFnError {
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "cannot read how operations stand"
    );
    ServerFnError::new("Operations cannot be read right now.")
}
