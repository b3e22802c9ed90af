//! What its event costs the transaction of a sign-up: the same writes to the same tables, with `outbox::enqueue` and
//! without. No password hash, no HTTP, no dispatcher.

mod store;

use backend::{clock::Clock, ids};
use db::{Db, Engine};
use tokio::time::Instant;
use tracking::{IdSource, PresentIds, ServerEvent, SessionId, SignUpCompleted};

use crate::compare::Quad;
use crate::database;
use crate::table::Table;

/// Transactions of one kind before the other kind's turn.
const BLOCK: usize = 25;
/// Quads that are thrown away.
const WARM_UP: usize = 4;

/// How much is measured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database.
    pub engine: Engine,
    /// Transactions of each kind, rounded up to whole blocks.
    pub transactions: usize,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// Not what is to be measured was measured.
    #[error("{written} events were written by {expected} transactions with an event")]
    Events {
        /// Rows of the outbox.
        written: i64,
        /// Transactions with an event.
        expected: usize,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Opening it.
    #[error(transparent)]
    Open(#[from] db::OpenError),
    /// The machine.
    #[error("cannot prepare the run: {0}")]
    Prepare(#[from] std::io::Error),
}

/// Measures.
///
/// # Errors
/// When the database does not do as it should.
pub async fn run(settings: &Settings) -> Result<Table, TransactionError> {
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
    Ok(Table::new(title, &measured))
}

async fn block(db: &Db, tracked: bool) -> Result<Vec<f64>, sqlx::Error> {
    let mut samples = Vec::with_capacity(BLOCK);
    for _ in 0..BLOCK {
        samples.push(sign_up(db, tracked).await?);
    }
    Ok(samples)
}

/// µs of one transaction, from before its beginning to after its commit. Making the event is part of it.
async fn sign_up(db: &Db, tracked: bool) -> Result<f64, sqlx::Error> {
    let (user, login, device) = (ids::user(), ids::row().to_string(), ids::device());
    let now_ms = Clock::system().now_ms();
    let started = Instant::now();
    let mut tx = db.write().await?;
    store::insert_account(&mut tx, &user.to_string(), &login, now_ms).await?;
    if tracked {
        let fact = SignUpCompleted {
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
        outbox::enqueue(&mut tx, &ServerEvent::present(user, &fact, ids, now_ms), now_ms).await?;
    }
    tx.commit().await?;
    Ok(started.elapsed().as_secs_f64() * 1e6)
}

#[cfg(test)]
mod tests;
