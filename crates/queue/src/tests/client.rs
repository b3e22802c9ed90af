//! A generic client: a queue of numbered jobs in tables of its own.

use crate::{Claim, ClaimLimits, NewRow, NextRowState, Queue, RowUpdate};
use db::testing::TestDb;
use db::{Db, Engine};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

pub(crate) const NOW: i64 = 1_795_435_200_000;
pub(crate) const LEASE: i64 = 60_000;

pub(crate) const JOBS: Queue = Queue {
    table: "jobs",
    columns: "queued.number",
    on_done: "done_ms = $1",
    on_parked: "note = 'parked',",
};

/// The tables of a queue, as the README prescribes them.
fn schema(engine: Engine) -> String {
    let sequence = match engine {
        Engine::Sqlite => "INTEGER PRIMARY KEY AUTOINCREMENT",
        Engine::Postgres => "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    };
    format!(
        "CREATE TABLE jobs (
            sequence {sequence},
            lane TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'parked', 'done')),
            next_attempt_ms BIGINT NOT NULL,
            attempts BIGINT NOT NULL DEFAULT 0,
            panics BIGINT NOT NULL DEFAULT 0,
            first_unknown_ms BIGINT,
            last_error TEXT,
            enqueued_ms BIGINT NOT NULL,
            parked_ms BIGINT,
            parked_reason TEXT,
            number BIGINT,
            done_ms BIGINT,
            note TEXT
        );
        CREATE INDEX jobs_by_lane ON jobs (lane, state, sequence);
        CREATE INDEX jobs_pending ON jobs (sequence) WHERE state = 'pending';
        CREATE INDEX jobs_parked ON jobs (parked_ms) WHERE state = 'parked';
        CREATE TABLE jobs_lanes (
            lane TEXT NOT NULL PRIMARY KEY,
            next_due_ms BIGINT NOT NULL,
            lease_owner TEXT,
            leased_ms BIGINT,
            leased_to BIGINT
        );
        CREATE INDEX jobs_lanes_due ON jobs_lanes (next_due_ms, lane);
        CREATE INDEX jobs_lanes_leased ON jobs_lanes (lane) WHERE lease_owner IS NOT NULL;"
    )
}

/// A database with an empty queue.
pub(crate) async fn empty(engine: Engine) -> TestDb {
    let test = TestDb::new(engine).await;
    execute(&test.db, &schema(engine)).await;
    test
}

/// A database with one job per listed lane, numbered from 1.
pub(crate) async fn filled(engine: Engine, lanes: &[&str]) -> TestDb {
    let test = empty(engine).await;
    for (number, lane) in (1..).zip(lanes) {
        write(&test.db, lane, number, NOW).await;
    }
    test
}

/// Executes statements, which end in a semicolon, in one transaction.
pub(crate) async fn execute(db: &Db, sql: &str) {
    let mut tx = db.write().await.unwrap();
    for statement in sql.split(';').filter(|text| !text.trim().is_empty()) {
        sqlx::query(AssertSqlSafe(statement.to_owned()))
            .execute(&mut *tx)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    tx.commit().await.unwrap();
}

pub(crate) async fn insert(connection: &mut db::Connection, lane: &str, number: i64, now_ms: i64) {
    let row = NewRow::new(lane, now_ms).with("number", number);
    assert!(JOBS.insert(connection, row).await.unwrap());
}

pub(crate) async fn write(db: &Db, lane: &str, number: i64, now_ms: i64) {
    let mut tx = db.write().await.unwrap();
    insert(&mut tx, lane, number, now_ms).await;
    tx.commit().await.unwrap();
}

pub(crate) fn read(row: &AnyRow) -> Result<i64, sqlx::Error> {
    row.try_get("number")
}

pub(crate) async fn claim(db: &Db, now_ms: i64, rows: usize, per_lane: usize) -> Option<Claim<i64>> {
    let limits = ClaimLimits {
        lanes: rows,
        rows,
        per_lane,
        lease_ms: LEASE,
    };
    let mut tx = db.write().await.unwrap();
    let claim = JOBS
        .claim(&mut tx, db.engine(), limits, now_ms, read)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    claim
}

pub(crate) async fn claim_all(db: &Db, now_ms: i64) -> Option<Claim<i64>> {
    claim(db, now_ms, 100, 10).await
}

pub(crate) fn jobs(claim: &Option<Claim<i64>>) -> Vec<i64> {
    claim
        .iter()
        .flat_map(|claim| &claim.rows)
        .map(|row| row.job)
        .collect()
}

/// Settles rows of the claim. Returns the number of updates that were not made.
pub(crate) async fn settle(db: &Db, claim: &Claim<i64>, updates: &[RowUpdate], now_ms: i64) -> usize {
    let mut tx = db.write().await.unwrap();
    let lost = JOBS
        .settle(&mut tx, db.engine(), &claim.lease, updates, now_ms)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    lost
}

/// Settles all rows of the claim as done.
pub(crate) async fn finish(db: &Db, claim: &Claim<i64>, now_ms: i64) -> usize {
    let updates: Vec<_> = claim.rows.iter().map(|row| row.update(done())).collect();
    settle(db, claim, &updates, now_ms).await
}

pub(crate) fn done() -> NextRowState {
    NextRowState::Done("done")
}

pub(crate) fn park(reason: &str) -> NextRowState {
    NextRowState::Park(reason.to_owned())
}

pub(crate) fn retry_at(at_ms: i64) -> NextRowState {
    NextRowState::Retry {
        at_ms,
        attempts: 1,
        panics: 0,
        first_unknown_ms: None,
        error: Some("refused".to_owned()),
    }
}

/// The state of a job, with its reason or error.
pub(crate) async fn state_of(db: &Db, number: i64) -> (String, Option<String>) {
    sqlx::query_as("SELECT state, COALESCE(parked_reason, last_error) FROM jobs WHERE number = $1")
        .bind(number)
        .fetch_one(db.pool())
        .await
        .unwrap()
}

pub(crate) async fn number(db: &Db, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db.pool()).await.unwrap()
}
