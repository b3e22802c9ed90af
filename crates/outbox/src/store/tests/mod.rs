//! Tests of the store. They run on both engines.

use std::collections::HashSet;

use db::testing::{TestDb, engines};
use db::{Db, Engine};
use sqlx::AssertSqlSafe;
use tracking::server::{PollExpiration, SignInCompleted};
use tracking::{DeviceId, IdSource, PresentIds, ServerEvent, SessionId, UserId};
use uuid::Uuid;

mod claiming;
mod enqueueing;
mod maintenance;

mod settling;

use queue::{Claim, ClaimLimits, NextRowState};

use super::*;
use crate::ParkReason;

const NOW: i64 = 1_795_435_200_000;
const LEASE: i64 = 60_000;
const DAY: i64 = 24 * 60 * 60_000;

fn user_id(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

/// The event `sign-in:<number>` of a user.
fn sign_in(user: UserId, number: u128) -> ServerEvent {
    let ids = PresentIds::Live {
        device: DeviceId::from_uuid(Uuid::from_u128(7)),
        session: SessionId::starting_at(NOW),
        source: IdSource::ServerSession,
        context: Box::default(),
    };
    let event = SignInCompleted {
        login: Uuid::from_u128(number),
        signed_in_at: "2026-11-23T12:00:00Z".to_owned(),
        first_touch: None,
    };
    ServerEvent::present(user, &event, ids, NOW)
}

fn insert_id(number: u128) -> String {
    format!("sign-in:{}", Uuid::from_u128(number))
}

async fn write(db: &Db, event: &ServerEvent) -> Enqueued {
    let mut tx = db.write().await.unwrap();
    let enqueued = enqueue(&mut tx, event, NOW).await.unwrap();
    tx.commit().await.unwrap();
    enqueued
}

/// A database with one event per listed user, numbered from 1.
async fn filled(engine: Engine, users: &[u128]) -> TestDb {
    let test = TestDb::new(engine).await;
    for (number, user) in (1..).zip(users) {
        write(&test.db, &sign_in(user_id(*user), number)).await;
    }
    test
}

/// Claims all due rows, at most 10 of each user.
async fn claim_all(db: &Db, now_ms: i64) -> Option<Claim<OutboundEvent>> {
    claim(db, now_ms, 100, 10).await
}

async fn claim(db: &Db, now_ms: i64, rows: usize, per_lane: usize) -> Option<Claim<OutboundEvent>> {
    let limits = ClaimLimits {
        lanes: rows,
        rows,
        per_lane,
        lease_ms: LEASE,
    };
    let mut tx = db.write().await.unwrap();
    let claim = OUTBOX
        .claim(&mut tx, db.engine(), limits, now_ms, read_event)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    claim
}

fn ids(claim: &Option<Claim<OutboundEvent>>) -> Vec<String> {
    let rows = claim.iter().flat_map(|claim| &claim.rows);
    rows.map(|row| row.job.insert_id.clone()).collect()
}

fn numbered(numbers: &[u128]) -> Vec<String> {
    numbers.iter().map(|number| insert_id(*number)).collect()
}

/// Settles the claim: its first rows get these states, in order. Returns the number of rows that were not settled.
async fn settle(db: &Db, claim: &Claim<OutboundEvent>, states: &[NextRowState], now_ms: i64) -> usize {
    let updates: Vec<_> = claim
        .rows
        .iter()
        .zip(states)
        .map(|(row, next)| row.update(next.clone()))
        .collect();
    let mut tx = db.write().await.unwrap();
    let lost = OUTBOX
        .settle(&mut tx, db.engine(), &claim.lease, &updates, now_ms)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    lost
}

/// Settles all rows of the claim in the same way.
async fn settle_all(db: &Db, claim: &Claim<OutboundEvent>, next: NextRowState) -> usize {
    settle(db, claim, &vec![next; claim.rows.len()], NOW).await
}

fn sent() -> NextRowState {
    NextRowState::Done(SENT)
}

fn park(reason: ParkReason) -> NextRowState {
    NextRowState::Park(reason.to_string())
}

fn retry_at(at_ms: i64) -> NextRowState {
    NextRowState::Retry {
        at_ms,
        attempts: 1,
        panics: 0,
        first_unknown_ms: None,
        error: Some("503".to_owned()),
    }
}

async fn entry_of(db: &Db, user: u128, number: u128) -> OutboxEntry {
    let entries = events_of(db, user_id(user), 100).await.unwrap();
    entries
        .into_iter()
        .find(|entry| entry.insert_id == insert_id(number))
        .unwrap()
}

/// Waits until a connection to this Postgres database waits for a lock.
async fn wait_for_lock_contention(db: &Db) {
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting)
        .fetch_one(db.pool())
        .await
        .unwrap()
        == 0
    {
        tokio::task::yield_now().await;
    }
}

/// The number of lanes.
async fn lanes(db: &Db) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM outbox_lanes")
        .fetch_one(db.pool())
        .await
        .unwrap()
}
