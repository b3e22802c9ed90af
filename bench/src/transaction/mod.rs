//! The cost of the event in the transaction of a sign-up: the same writes with `outbox::enqueue` and without. No password
//! hash, no HTTP, no dispatcher.

mod store;

use backend::{clock::Clock, ids};
use db::{Db, Engine};
use tokio::time::Instant;
use tracking::{IdSource, PresentIds, ServerEvent, SessionId, SignUpCompleted};

use crate::compare::Quad;
use crate::database;
use crate::table::ComparisonTable;

/// Transactions in one block.
const BLOCK: usize = 25;
/// Discarded quads, which warm up the database.
const WARM_UP: usize = 4;

/// What is measured, and how often.
#[derive(Clone, Debug)]
pub struct TransactionSettings {
    /// The database.
    pub engine: Engine,
    /// Transactions with an event, and as many without; rounded up to whole blocks.
    pub transactions: usize,
}

/// Why the measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// The number of events is wrong, so the figures are invalid.
    #[error("{written} events were written by {expected} transactions with an event")]
    Events {
        /// Pending outbox rows.
        written: i64,
        /// Transactions with an event.
        expected: usize,
    },
    /// A read or write of the database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// The temporary folder cannot be created.
    #[error("cannot prepare the run: {0}")]
    Prepare(#[from] std::io::Error),
}

/// Runs the measurement.
///
/// # Errors
/// When the database fails, or the events do not match the transactions.
pub async fn run(settings: &TransactionSettings) -> Result<ComparisonTable, TransactionError> {
    let folder = tempfile::tempdir()?;
    let db = Db::open(&database::fresh(settings.engine, folder.path()).await).await?;
    let quads = settings.transactions.div_ceil(2 * BLOCK).max(1);
    let mut measured = Vec::with_capacity(quads);
    for number in 0..WARM_UP + quads {
        let first = block(&db, true).await?;
        let second = block(&db, false).await?;
        let third = block(&db, false).await?;
        let fourth = block(&db, true).await?;
        if number >= WARM_UP {
            measured.push(Quad {
                with: [first, fourth],
                without: [second, third],
            });
        }
    }
    let written = outbox::counts(&db).await?.pending;
    db.close().await;
    let expected = (WARM_UP + quads) * 2 * BLOCK;
    if usize::try_from(written) != Ok(expected) {
        return Err(TransactionError::Events { written, expected });
    }
    let transactions = quads * 2 * BLOCK;
    let engine = database::name(settings.engine);
    let title = format!(
        "transaction of a sign-up on {engine}: {transactions} with its event and {transactions} without"
    );
    Ok(ComparisonTable::new(title, &measured))
}

async fn block(db: &Db, tracked: bool) -> Result<Vec<f64>, sqlx::Error> {
    let mut samples = Vec::with_capacity(BLOCK);
    for _ in 0..BLOCK {
        samples.push(sign_up(db, tracked).await?);
    }
    Ok(samples)
}

/// Returns the µs of one transaction, from before its beginning to after its commit. They include building the event.
async fn sign_up(db: &Db, tracked: bool) -> Result<f64, sqlx::Error> {
    let (user, login, device) = (ids::user(), ids::row().to_string(), ids::device());
    let now_ms = Clock::system().now_ms();
    let started = Instant::now();
    let mut tx = db.write().await?;
    store::insert_account(&mut tx, &user.to_string(), &login, now_ms).await?;
    if tracked {
        let event = SignUpCompleted {
            email_domain: "example.com".to_owned(),
            email: None,
            signed_up_on: "2026-11-23".to_owned(),
        };
        let session = SessionId::starting_at(now_ms);
        let ids = PresentIds::Live {
            device,
            session,
            source: IdSource::ServerSession,
        };
        outbox::enqueue(&mut tx, &ServerEvent::present(user, &event, ids, now_ms), now_ms).await?;
    }
    tx.commit().await?;
    Ok(started.elapsed().as_secs_f64() * 1e6)
}

#[cfg(test)]
mod tests;
