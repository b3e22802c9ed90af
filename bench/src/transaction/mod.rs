//! The cost of the transaction of a sign-up: with its event and without, beside a bare commit of one row, alone and
//! 32 at a time. No password hash, no HTTP, no dispatcher.

mod report;
mod store;

use std::net::IpAddr;

use backend::{clock::Clock, ids};
use db::{Db, Engine};
use tokio::time::Instant;
use tracking::{EventContext, IdSource, PresentIds, ServerEvent, SessionId, SignUpCompleted};

use crate::compare::Quad;
use crate::database;
use crate::machine::commits::BareCommits;
use crate::table::ComparisonTable;
pub use report::TransactionReport;

/// Transactions in one block.
const BLOCK: usize = 25;
/// Concurrent transactions in the last part.
const PARALLEL: usize = 32;
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
pub async fn run(settings: &TransactionSettings) -> Result<TransactionReport, TransactionError> {
    let folder = tempfile::tempdir()?;
    let db = Db::open(&database::fresh(settings.engine, folder.path()).await).await?;
    let quads = settings.transactions.div_ceil(2 * BLOCK).max(1);
    let mut bare = BareCommits::new(settings.engine, folder.path()).await?;
    let mut bare_us = Vec::new();
    let mut measured = Vec::with_capacity(quads);
    for number in 0..WARM_UP + quads {
        let first = block(&db, true).await?;
        let second = block(&db, false).await?;
        let third = block(&db, false).await?;
        let fourth = block(&db, true).await?;
        for _ in 0..BLOCK {
            let commit_us = bare.commit().await?;
            if number >= WARM_UP {
                bare_us.push(commit_us);
            }
        }
        if number >= WARM_UP {
            measured.push(Quad {
                with: [first, fourth],
                without: [second, third],
            });
        }
    }
    let each = settings.transactions.div_ceil(PARALLEL);
    let in_parallel = each * PARALLEL;
    let started = Instant::now();
    parallel(&db, each).await?;
    let parallel_time = started.elapsed();
    let written = database::count_events(&db, "pending").await?;
    db.close().await;
    let expected = (WARM_UP + quads) * 2 * BLOCK + in_parallel;
    if usize::try_from(written) != Ok(expected) {
        return Err(TransactionError::Events { written, expected });
    }
    let transactions = quads * 2 * BLOCK;
    let engine = database::name(settings.engine);
    let title = format!(
        "transaction of a sign-up on {engine}: {transactions} with its event and {transactions} without"
    );
    let with_event = measured
        .iter()
        .flat_map(|quad| quad.with.iter().flatten().copied());
    Ok(TransactionReport {
        alone_us: with_event.collect(),
        bare_us,
        parallel_per_second: in_parallel as f64 / parallel_time.as_secs_f64(),
        is_durable: bare.is_durable,
        table: ComparisonTable::new(title, &measured),
    })
}

/// Runs [`PARALLEL`] loops of sign-ups with their events.
async fn parallel(db: &Db, each: usize) -> Result<(), sqlx::Error> {
    let loops = (0..PARALLEL).map(|_| {
        let db = db.clone();
        tokio::spawn(async move {
            for _ in 0..each {
                sign_up(&db, true).await?;
            }
            Ok::<_, sqlx::Error>(())
        })
    });
    for joined in loops.collect::<Vec<_>>() {
        // A task of this runtime ends early only by a panic, which is passed on.
        joined
            .await
            .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
    }
    Ok(())
}

async fn block(db: &Db, is_tracked: bool) -> Result<Vec<f64>, sqlx::Error> {
    let mut samples = Vec::with_capacity(BLOCK);
    for _ in 0..BLOCK {
        samples.push(sign_up(db, is_tracked).await?);
    }
    Ok(samples)
}

/// Returns the µs of one transaction, from before its beginning to after its commit. They include building the event.
async fn sign_up(db: &Db, is_tracked: bool) -> Result<f64, sqlx::Error> {
    let (user, login, device) = (ids::user(), ids::row().to_string(), ids::device());
    let now_ms = Clock::system().now_ms();
    let started = Instant::now();
    let mut writes = store::insert_account(db.engine(), &user.to_string(), &login, now_ms);
    if is_tracked {
        let event = SignUpCompleted {
            email_domain: "example.com".to_owned(),
            email: None,
            signed_up_on: "2026-11-23".to_owned(),
            first_touch: None,
        };
        let session = SessionId::starting_at(now_ms);
        let ids = PresentIds::Live {
            device,
            session,
            source: IdSource::ServerSession,
            context: Box::new(EventContext {
                address: Some(IpAddr::from([127, 0, 0, 1])),
                ..EventContext::default()
            }),
        };
        let event = ServerEvent::present(user, &event, ids, now_ms);
        writes.extend(outbox::insert_statements(db.engine(), &event, now_ms)?);
    }
    db.execute(writes).await?;
    Ok(started.elapsed().as_secs_f64() * 1e6)
}

#[cfg(test)]
mod tests;
