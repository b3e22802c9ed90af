//! Writes a changed address of an account to its customer at Stripe, so that receipts go to the new address.
//!
//! [`enqueue`] writes a row in the transaction that changes the address. A [`CustomerEmailUpdater`] sends the account's
//! current address until Stripe has accepted it, on any number of servers; no transaction is open during the call. An
//! address that Stripe rejects several times, or whose attempts panic, is parked until an operator replays it or the account
//! changes it again.

mod store;

use std::time::Duration;

use async_trait::async_trait;
use db::Connection;
use queue::{
    AttemptError, JobFailure, JobHandler, JobPolicy, JobWorker, NextRowState, QueueCounts, QueuedRow,
    RetrySchedule, Wakeup,
};
use sqlx::any::AnyRow;
use tokio_util::sync::CancellationToken;

use store::CUSTOMER_EMAILS;
pub use store::ParkedCustomerEmail;
pub(crate) use store::enqueue;
pub(super) use store::{delete, lock_email};

use super::{Billing, StripeCallError};
use crate::ids;

const POLICY: JobPolicy = JobPolicy {
    schedule: RetrySchedule {
        base_ms: 5_000,
        cap_ms: 3_600_000,
    },
    max_refusals: 6,
};
/// Longer than the call to Stripe, which takes at most a minute with its repeats.
const LEASE: Duration = Duration::from_secs(5 * 60);
/// The poll interval, for due retries and for changes on other servers.
const POLL: Duration = Duration::from_secs(10);

/// Sends changed addresses to Stripe.
pub struct CustomerEmailUpdater {
    worker: JobWorker<EmailWriter>,
    wakeup: Wakeup,
}

impl CustomerEmailUpdater {
    /// Creates an updater. `wakeup` wakes it after a commit.
    pub fn new(billing: Billing, wakeup: Wakeup) -> Self {
        let (db, clock) = (billing.db.clone(), billing.clock.clone().into_millis());
        let writer = EmailWriter(billing);
        Self {
            worker: JobWorker::new(db, CUSTOMER_EMAILS, writer, clock, POLICY, LEASE),
            wakeup,
        }
    }

    /// Calls `observer` after each attempt with the next state of the row.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Fn(&NextRowState) + Send + Sync + 'static) -> Self {
        self.worker = self.worker.observed_by(move |_, next| observer(next));
        self
    }

    /// Runs until `stop`, then finishes the current update. Database errors are logged and retried.
    pub async fn run(&self, stop: CancellationToken) {
        self.worker.run(&self.wakeup, POLL, &stop).await;
    }

    /// Sends all addresses that are due now. Tests call it instead of [`Self::run`].
    pub async fn drain(&self) -> Result<(), sqlx::Error> {
        self.worker.drain().await
    }
}

/// Makes one attempt to send an address.
struct EmailWriter(Billing);

#[async_trait]
impl JobHandler for EmailWriter {
    /// The account's address when the row was claimed; `None` if the account is being deleted, and its customer with it,
    /// or if Stripe has deleted the customer. A later change has a row of its own.
    type Job = Option<String>;
    type Success = ();

    fn read(row: &AnyRow) -> Result<Option<String>, sqlx::Error> {
        store::read_email(row)
    }

    async fn attempt(&self, customer: &str, row: &QueuedRow<Option<String>>) -> Result<(), AttemptError> {
        if let Some(email) = &row.job {
            // Stripe would repeat its answer to a key that it knows.
            let key = format!("email:{}", ids::random());
            let sent = self.0.stripe.set_customer_email(customer, email, &key).await;
            sent.map_err(|error| failure(&error))?;
        }
        Ok(())
    }

    async fn complete(
        &self,
        _connection: &mut Connection,
        _customer: &str,
        _row: &QueuedRow<Option<String>>,
        (): &(),
    ) -> Result<NextRowState, sqlx::Error> {
        Ok(NextRowState::Done("sent"))
    }
}

impl Billing {
    /// The number of changed addresses that Stripe does not have.
    pub async fn customer_email_counts(&self) -> Result<QueueCounts, sqlx::Error> {
        CUSTOMER_EMAILS.counts(&self.db).await
    }

    /// The changed addresses that were parked last, newest first, at most `most`.
    pub async fn parked_customer_emails(&self, most: i64) -> Result<Vec<ParkedCustomerEmail>, sqlx::Error> {
        store::parked(self.db.pool(), most).await
    }

    /// Makes a parked address due again. Returns false if it is not parked.
    pub async fn replay_customer_email(&self, customer: &str) -> Result<bool, sqlx::Error> {
        store::replay(&self.db, customer, self.clock.now_ms()).await
    }
}

/// What the error means for the next attempt. The text is without Stripe's message, which may repeat the address.
fn failure(error: &StripeCallError) -> JobFailure {
    let text = match error {
        StripeCallError::Rejected { status, code, .. } => format!("Stripe rejected it with {status} {code}"),
        StripeCallError::Busy { status, .. } => format!("Stripe responded with {status}"),
        error => error.to_string(),
    };
    match error.is_transient() {
        true => JobFailure::Transient(text),
        false => JobFailure::Refused(text),
    }
}
