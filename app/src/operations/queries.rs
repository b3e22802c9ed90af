//! Reads the data of the delivery page and of the sessions page.

use std::error::Error;

use backend::accounts::deletion::{ParkedDeletion, QueueCounts};
use backend::billing::customer_email::ParkedCustomerEmail;
use backend::billing::inbox::{InboxCounts, InboxRow, InboxState, NotOursCount};
use backend::billing::{ClockSkew, DuplicateSubscription};
use backend::loss::LossScope;
use backend::operations::Deliveries;
use backend::timeline::ReadError;
use tracking::loss::Loss;
use tracking::session_metrics::StitchingComparison;

use crate::request::RequestContext;

/// Most webhooks, duplicate subscriptions, parked account deletions and parked addresses that are listed.
const MOST_LISTED: i64 = 25;

/// Everything on the delivery page.
pub(super) struct Overview {
    /// The outbox.
    pub(super) deliveries: Deliveries,
    /// Browser events that were fired and did not arrive, of all browsers.
    pub(super) loss: Loss,
    /// Counts of the inbox.
    pub(super) inbox: InboxCounts,
    /// The newest webhooks that the filter selects.
    pub(super) webhooks: Vec<InboxRow>,
    /// Counts of the webhooks that were not ours.
    pub(super) not_ours: Vec<NotOursCount>,
    /// The difference between this server's clock and Stripe's.
    pub(super) clock_skew: Option<ClockSkew>,
    /// The newest parked changes of an address.
    pub(super) parked_emails: Vec<ParkedCustomerEmail>,
    /// Duplicate subscriptions: running ones, and trials that were ended.
    pub(super) duplicates: Vec<DuplicateSubscription>,
    /// Counts of the account deletions.
    pub(super) deletions: QueueCounts,
    /// The newest parked account deletions.
    pub(super) parked_deletions: Vec<ParkedDeletion>,
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
        not_ours: billing.not_ours().await?,
        clock_skew: billing.clock_skew(),
        parked_emails: billing.parked_customer_emails(MOST_LISTED).await?,
        duplicates: billing.duplicate_subscriptions(MOST_LISTED).await?,
        loss: backend.loss.loss(&LossScope::All).await?,
        deletions: backend.accounts.deletion_counts().await?,
        parked_deletions: backend.accounts.parked_deletions(MOST_LISTED).await?,
        now_ms: backend.clock.now_ms(),
    })
}

/// The number of the newest users who have events, and the session metrics of all these events. Asks Amplitude.
pub(super) async fn session_metrics(
    context: &RequestContext,
) -> Result<(usize, StitchingComparison), ReadError> {
    let timeline = context.timeline();
    let analyses = timeline.user_analyses(timeline.recent_users().await?).await?;
    let with_events = analyses.iter().filter(|analysis| analysis.verdict.events > 0);
    let comparisons = analyses.iter().map(|analysis| analysis.comparison.clone());
    Ok((with_events.count(), StitchingComparison::of_all(comparisons)))
}
