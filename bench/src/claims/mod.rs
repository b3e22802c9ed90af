//! The cost of a claim of the outbox as the table grows: with only the rows of the claim, with many sent rows, and with many
//! pending rows as well. Each claim runs in a transaction that is rolled back, so that the next one finds the same rows.

mod report;
mod store;

use db::{Db, Engine, PoolSizes};
use queue::{ClaimLimits, NextRowState, Queue};
use sqlx::Row;
use tokio::time::Instant;

use crate::compare::Quantile;
use crate::database;
pub use report::{ClaimCost, ClaimsReport, TableSize};
use store::OutboxFiller;

/// The outbox, as its crate declares it.
const OUTBOX: Queue = Queue {
    table: "outbox",
    columns: "queued.insert_id, queued.device_id, queued.event_type, queued.payload, queued.trace_parent",
    on_done: "sent_ms = $1, payload = NULL, device_id = NULL",
    on_parked: "",
};
/// Rows of each measured claim; the largest is that of the dispatcher.
const CLAIM_ROWS: [usize; 3] = [1, 100, 500];
/// Rows of one user in a claim, as in the dispatcher.
const ROWS_OF_USER: usize = 10;
/// Pending rows of the smallest table: enough for the largest claim.
const FIRST_PENDING: u64 = 1_000;
/// Claims of each size, of which the median counts.
const CLAIMS: usize = 101;
/// Discarded claims, which read the pages from the disk and prepare the statements.
const WARM_UP: usize = 5;
/// After the time at which all rows are due.
const NOW_MS: i64 = 1_000_000_000;

/// How many rows.
#[derive(Clone, Debug)]
pub struct ClaimsSettings {
    /// The database.
    pub engine: Engine,
    /// Pending rows of the largest table.
    pub pending: u64,
    /// Sent rows of the larger tables.
    pub sent: u64,
}

/// Why the measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimsError {
    /// A claim or its settlement has the wrong number of rows, so the figures are invalid.
    #[error("a claim of {expected} rows took {claimed} and settled {settled}")]
    Rows {
        /// Rows that are due.
        expected: usize,
        /// Claimed rows.
        claimed: usize,
        /// Settled rows.
        settled: usize,
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
/// When the database fails, or a claim does not take the expected rows.
pub async fn run(settings: &ClaimsSettings) -> Result<ClaimsReport, ClaimsError> {
    let folder = tempfile::tempdir()?;
    let database = database::fresh(settings.engine, folder.path()).await;
    let result = measure(settings, &database).await;
    database::remove(settings.engine, &database).await?;
    result.map(|sizes| ClaimsReport {
        settings: settings.clone(),
        sizes,
    })
}

async fn measure(settings: &ClaimsSettings, database: &str) -> Result<Vec<TableSize>, ClaimsError> {
    // On one connection a claim begins when the one before it is rolled back.
    let sizes = PoolSizes {
        postgres: 1,
        ..PoolSizes::default()
    };
    let db = Db::open_with(database, sizes).await?;
    let mut filler = OutboxFiller::connect(settings.engine, database).await?;
    let (mut pending, mut sent) = (FIRST_PENDING, 0);
    filler.add_pending(pending).await?;
    let mut sizes = Vec::new();
    loop {
        filler.analyze().await?;
        sizes.push(TableSize {
            pending,
            sent,
            claims: claims(&db).await?,
        });
        if sent < settings.sent {
            filler.add_sent(settings.sent).await?;
            sent = settings.sent;
        } else if pending < settings.pending {
            filler.add_pending(settings.pending - pending).await?;
            pending = settings.pending;
        } else {
            break;
        }
    }
    db.close().await;
    Ok(sizes)
}

/// Measures claims of each size.
async fn claims(db: &Db) -> Result<Vec<ClaimCost>, ClaimsError> {
    let mut costs = Vec::new();
    for rows in CLAIM_ROWS {
        let (mut claims_us, mut settles_us) = (Vec::new(), Vec::new());
        for number in 0..WARM_UP + CLAIMS {
            let (claim_us, settle_us) = claim(db, rows).await?;
            if number >= WARM_UP {
                claims_us.push(claim_us);
                settles_us.push(settle_us);
            }
        }
        costs.push(ClaimCost {
            rows,
            claim_us: Quantile::P50.of(claims_us),
            settle_us: Quantile::P50.of(settles_us),
        });
    }
    Ok(costs)
}

/// Claims rows and settles them as sent, in a transaction that is rolled back. Returns the µs of both, without a commit.
async fn claim(db: &Db, rows: usize) -> Result<(f64, f64), ClaimsError> {
    let limits = ClaimLimits {
        rows,
        lanes: rows,
        per_lane: ROWS_OF_USER,
        lease_ms: 60_000,
    };
    let mut tx = db.write().await?;
    let started = Instant::now();
    let claim = OUTBOX.claim(&mut tx, db.engine(), limits, NOW_MS, |row| {
        row.try_get::<String, _>("payload")
    });
    let claim = claim.await?;
    let claim_us = started.elapsed().as_secs_f64() * 1e6;
    let wrong = |claimed, settled| ClaimsError::Rows {
        expected: rows,
        claimed,
        settled,
    };
    let Some(claim) = claim else {
        return Err(wrong(0, 0));
    };
    let updates: Vec<_> = claim
        .rows
        .iter()
        .map(|row| row.update(NextRowState::Done("sent")))
        .collect();
    let started = Instant::now();
    let lost = OUTBOX
        .settle(&mut tx, db.engine(), &claim.lease, &updates, NOW_MS)
        .await?;
    let settle_us = started.elapsed().as_secs_f64() * 1e6;
    drop(tx);
    if claim.rows.len() == rows && lost == 0 {
        Ok((claim_us, settle_us))
    } else {
        Err(wrong(claim.rows.len(), claim.rows.len() - lost))
    }
}
