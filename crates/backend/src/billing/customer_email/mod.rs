//! Writes a changed address of an account to its customer at Stripe, so that receipts go to the new address.
//!
//! [`enqueue`] marks the customer in the transaction that changes the address. A [`CustomerEmailUpdater`] sends the
//! account's current address until Stripe has accepted it, on any number of servers. A claim moves the due time ahead,
//! so that one server at a time updates a customer; no transaction is open during the call. An address that Stripe rejects
//! several times, or whose attempts panic, is parked until an operator replays it.

mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use outbox::{MAX_PANICS, Wakeup, catch_panic};
use tokio_util::sync::CancellationToken;

use store::ClaimedEmail;
pub use store::ParkedCustomerEmail;
pub(crate) use store::enqueue;
pub(super) use store::lock_email;

use super::{Billing, StripeCallError};
use crate::backoff::wait_ms;

/// Longer than the call to Stripe, which takes at most a minute with its repeats.
const LEASE_MS: i64 = 5 * 60_000;
/// The poll interval, for due retries and for changes on other servers.
const POLL: Duration = Duration::from_secs(10);
const BASE_MS: i64 = 5_000;
const CAP_MS: i64 = 3_600_000;
/// Attempts that Stripe rejects before the address is parked.
const ATTEMPTS: i64 = 6;

/// Sends changed addresses to Stripe.
pub struct CustomerEmailUpdater {
    billing: Billing,
    wakeup: Wakeup,
}

impl CustomerEmailUpdater {
    /// Creates an updater. `wakeup` wakes it after a commit.
    pub const fn new(billing: Billing, wakeup: Wakeup) -> Self {
        Self { billing, wakeup }
    }

    /// Runs until `stop`, then finishes the current update. Database errors are logged and retried.
    pub async fn run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.update_next().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "cannot read the changed addresses; retrying"
                    );
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wakeup.wait() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Sends all addresses that are due now. Tests call it instead of [`Self::run`].
    pub async fn drain(&self) -> Result<(), sqlx::Error> {
        while self.update_next().await? {}
        Ok(())
    }

    /// Sends the address that has been due longest. Returns false if none is due.
    async fn update_next(&self) -> Result<bool, sqlx::Error> {
        let Billing {
            db, clock, stripe, ..
        } = &self.billing;
        let now_ms = clock.now_ms();
        let Some(customer) = store::due(db.pool(), now_ms).await? else {
            return Ok(false);
        };
        let Some(claimed) = store::claim(db, &customer, now_ms, now_ms + LEASE_MS).await? else {
            return Ok(true);
        };
        let send = async {
            match &claimed.email {
                Some(email) => stripe.set_customer_email(&customer, email, &claimed.key()).await,
                // The account is being deleted, and its customer with it.
                None => Ok(()),
            }
        };
        self.attempt(&claimed, send).await?;
        Ok(true)
    }

    /// Makes one attempt and records its result. A panic is a failed attempt: it delays this customer only.
    async fn attempt(
        &self,
        claimed: &ClaimedEmail,
        send: impl Future<Output = Result<(), StripeCallError>>,
    ) -> Result<(), sqlx::Error> {
        let Billing { db, clock, .. } = &self.billing;
        let sent = catch_panic(send).await;
        let now_ms = clock.now_ms();
        let (failures, mut panics) = (claimed.failures + 1, claimed.panics);
        let (error, is_final) = match sent {
            Ok(Ok(())) => return store::finish(db, claimed, now_ms).await,
            Ok(Err(error)) => {
                let is_final = !error.is_transient() && failures >= ATTEMPTS;
                (without_message(&error), is_final)
            }
            Err(panic) => {
                panics += 1;
                (panic.to_string(), panics >= MAX_PANICS)
            }
        };
        if is_final {
            tracing::error!(
                stripe.customer = claimed.customer,
                failures,
                error,
                "a changed address was parked; an operator can replay it"
            );
            return store::park(db, claimed, &error, now_ms).await;
        }
        tracing::warn!(
            stripe.customer = claimed.customer,
            failures,
            error,
            "a changed address was not written to Stripe's customer; it will be retried"
        );
        let at_ms = now_ms + wait_ms(BASE_MS, CAP_MS, failures);
        store::record_failure(db, claimed, panics, at_ms).await
    }
}

impl Billing {
    /// The changed addresses that were parked last, newest first, at most `most`.
    pub async fn parked_customer_emails(&self, most: i64) -> Result<Vec<ParkedCustomerEmail>, sqlx::Error> {
        store::parked(self.db.pool(), most).await
    }

    /// Makes a parked address due again. Returns false if it is not parked.
    pub async fn replay_customer_email(&self, customer: &str) -> Result<bool, sqlx::Error> {
        store::replay(&self.db, customer, self.clock.now_ms()).await
    }
}

/// The error without Stripe's message, which may repeat the address.
fn without_message(error: &StripeCallError) -> String {
    match error {
        StripeCallError::Rejected { status, code, .. } => format!("Stripe rejected it with {status} {code}"),
        StripeCallError::Busy { status, .. } => format!("Stripe responded with {status}"),
        error => error.to_string(),
    }
}
