//! Reads the revenue report: from Stripe, from the database, and from Amplitude.

use std::error::Error;

use backend::billing::BillingError;
use backend::timeline::ReadError;
use tracking::reconcile::{Books, reconcile};

use super::labels;
use super::model::{LedgerReport, RevenueEvents, RevenueReport};
use crate::visit::Visit;

/// Both comparisons. A comparison that fails is logged, and its part of the report has the reason.
pub(super) async fn revenue(visit: &Visit) -> RevenueReport {
    let (ledger, events) = futures::join!(ledger(visit), events(visit));
    RevenueReport { ledger, events }
}

async fn ledger(visit: &Visit) -> Result<LedgerReport, String> {
    let check = visit.backend.billing.check_ledger().await;
    check.map(labels::ledger).map_err(|error| {
        tracing::warn!(error = &error as &dyn Error, "cannot read Stripe's ledger");
        match error {
            BillingError::Database(_) => "Our record cannot be read right now.",
            _ => "Stripe does not answer right now.",
        }
        .to_owned()
    })
}

async fn events(visit: &Visit) -> Result<RevenueEvents, String> {
    read_events(visit).await.map_err(|error| {
        tracing::warn!(error = &error as &dyn Error, "cannot read revenue events");
        match error {
            ReadError::NoSecretKey | ReadError::RateLimited => format!("{error}."),
            _ => "The revenue events cannot be read right now.".to_owned(),
        }
    })
}

async fn read_events(visit: &Visit) -> Result<RevenueEvents, ReadError> {
    let timeline = &visit.backend.timeline;
    let (users, payers) = visit.backend.billing.payers(timeline.most_people()).await?;
    let timelines = timeline.stories(users).await?;
    let books = timelines
        .iter()
        .map(|timeline| reconcile(&timeline.events, &timeline.facts));
    Ok(RevenueEvents {
        books: Books::of_all(books),
        payers,
    })
}
