//! Reads the two comparisons of revenue. They are read independently, so that one that fails does not hide the other.

use std::error::Error;

use backend::billing::BillingError;
use backend::billing::ledger::LedgerCheck;
use backend::timeline::ReadError;
use tracking::reconcile::Reconciliation;

use crate::request::RequestContext;

/// Stripe's ledger against our record; or the reason why it cannot be read. The error is logged.
pub(super) async fn ledger(context: &RequestContext) -> Result<LedgerCheck, String> {
    context.backend.billing.check_ledger().await.map_err(|error| {
        tracing::warn!(error = &error as &dyn Error, "cannot read Stripe's ledger");
        match error {
            BillingError::Database(_) => "Our record cannot be read right now.",
            _ => "Stripe does not answer right now.",
        }
        .to_owned()
    })
}

/// Our record against the revenue events of the customers who paid last, and how many customers have paid.
pub(super) async fn events(context: &RequestContext) -> Result<(Reconciliation, i64), ReadError> {
    let timeline = context.timeline();
    let (users, payers) = context.backend.billing.payers(timeline.user_limit()).await?;
    let analyses = timeline.user_analyses(users).await?;
    let customers = analyses.iter().map(|analysis| analysis.reconciliation.clone());
    Ok((Reconciliation::of_all(customers), payers))
}
