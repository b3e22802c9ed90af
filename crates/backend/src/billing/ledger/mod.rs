//! Compares our record of payments, refunds and lost disputes with Stripe's.
//!
//! Our record and the revenue events both come from webhooks, so a webhook that never arrived is missing from both.
//! This check therefore reads Stripe's own lists.

mod check;

pub use check::{
    DifferenceReason, LedgerCheck, LedgerTotal, Movement, MovementDifference, MovementKind, MovementScope,
    ReconcileContext, SeparateTotal, StripeLedger, check,
};

use std::collections::HashSet;

use super::store;
use super::{Billing, BillingError};

/// The most payments, refunds and disputes to read from Stripe: 10 pages of each list.
pub const MOST_LISTED: usize = 1_000;

impl Billing {
    /// Reads Stripe's newest payments, refunds and lost disputes, at most [`MOST_LISTED`] of each, and compares our record with them.
    pub async fn check_ledger(&self) -> Result<LedgerCheck, BillingError> {
        let listed = self
            .stripe
            .ledger(MOST_LISTED, &self.plan_product().await?)
            .await?;
        let pool = self.db.pool();
        let recorded = store::recorded(pool).await?;
        let known: HashSet<(MovementKind, &str)> = recorded
            .iter()
            .map(|note| (note.kind, note.id.as_str()))
            .collect();
        let unrecorded: HashSet<&str> = listed
            .movements
            .iter()
            .filter(|movement| !known.contains(&(movement.kind, movement.id.as_str())))
            .filter_map(|movement| movement.customer.as_deref())
            .collect();
        let context = store::reconcile_context(pool, &unrecorded).await?;
        Ok(check(&listed, &recorded, &context))
    }

    /// The accounts that have paid, latest payment first, at most `most`; and the total number of paying accounts.
    pub async fn payers(&self, most: i64) -> Result<(Vec<tracking::UserId>, i64), sqlx::Error> {
        store::payers(self.db.pool(), most).await
    }
}
