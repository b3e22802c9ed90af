//! Writes a changed address of an account to its customer at Stripe, so that receipts go to the new address.
//!
//! [`enqueue`] marks the customer in the transaction that changes the address. A [`CustomerEmailUpdater`] sends the
//! account's current address until Stripe has accepted it, on any number of servers. A claim moves the due time ahead,
//! so that one server at a time updates a customer; no transaction is open during the call.

mod store;

use std::time::Duration;

use outbox::{Wakeup, catch_panic};
use tokio_util::sync::CancellationToken;

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
        let Some(claimed) = store::claim(db.pool(), &customer, now_ms, now_ms + LEASE_MS).await? else {
            return Ok(true);
        };
        let sent = catch_panic(async {
            match &claimed.email {
                Some(email) => stripe.set_customer_email(&customer, email, &claimed.key()).await,
                // The account is being deleted, and its customer with it.
                None => Ok(()),
            }
        });
        // A panic is a failed attempt: it delays this customer only.
        let error = match sent.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(without_message(&error)),
            Err(panic) => Some(panic.to_string()),
        };
        let now_ms = clock.now_ms();
        match error {
            None => store::finish(db.pool(), &claimed, now_ms).await?,
            Some(error) => {
                let failures = claimed.failures + 1;
                tracing::warn!(
                    stripe.customer = customer,
                    failures,
                    error,
                    "a changed address was not written to Stripe's customer; it will be retried"
                );
                let at_ms = now_ms + wait_ms(BASE_MS, CAP_MS, failures);
                store::record_failure(db.pool(), &claimed, at_ms).await?;
            }
        }
        Ok(true)
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
