//! Whether our record of the money is Stripe's own.
//!
//! Our record is what webhooks told, and so are the revenue events: a webhook that never came is missing from both, and
//! neither could tell. So Stripe itself is asked what it has collected and given back.

mod check;

pub use check::{
    Kind, LedgerCheck, LedgerDifference, LedgerTotal, Listed, Movement, Surroundings, Why, check,
};

use std::collections::HashSet;

use super::store;
use super::{Billing, BillingError};

/// Most payments, and most refunds, that Stripe is asked for: 10 pages of its lists each.
pub const MOST_LISTED: usize = 1_000;

impl Billing {
    /// Asks Stripe for its newest payments and refunds, at most [`MOST_LISTED`] of each, and holds our record against them.
    pub async fn check_ledger(&self) -> Result<LedgerCheck, BillingError> {
        let listed = self.stripe.ledger(MOST_LISTED).await?;
        let pool = self.db.pool();
        let recorded = store::recorded(pool).await?;
        let known: HashSet<(Kind, &str)> = recorded
            .iter()
            .map(|note| (note.kind, note.id.as_str()))
            .collect();
        let unrecorded: HashSet<&str> = listed
            .movements
            .iter()
            .filter(|movement| !known.contains(&(movement.kind, movement.id.as_str())))
            .filter_map(|movement| movement.customer.as_deref())
            .collect();
        let around = store::surroundings(pool, &unrecorded).await?;
        Ok(check(&listed, &recorded, &around))
    }

    /// Accounts that have paid, whoever paid last first, and how many there are in all.
    pub async fn payers(&self, most: i64) -> Result<(Vec<tracking::UserId>, i64), sqlx::Error> {
        store::payers(self.db.pool(), most).await
    }
}
