//! Tests of the store. They run on both engines.

use std::collections::HashSet;

use db::testing::{TestDb, engines};
use db::{Db, Engine};
use sqlx::{AssertSqlSafe, Row};
use tracking::server::{PollExpiration, SignInCompleted};
use tracking::{DeviceId, IdSource, PresentIds, ServerEvent, SessionId, UserId};
use uuid::Uuid;

mod claiming;
mod enqueueing;
mod maintenance;
mod settling;

use super::*;
use crate::ParkReason;
use crate::retry::NextState;

const NOW: i64 = 1_795_435_200_000;
const LEASE: i64 = 60_000;
const DAY: i64 = 24 * 60 * 60_000;

fn user_id(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

/// The event `sign-in:<number>` of a user.
fn sign_in(user: UserId, number: u128) -> ServerEvent {
    let ids = PresentIds::Live {
        device: DeviceId::minted(Uuid::from_u128(7)),
        session: SessionId::starting_at(NOW),
        source: IdSource::ServerSession,
    };
    let event = SignInCompleted {
        login: Uuid::from_u128(number),
        signed_in_at: "2026-11-23T12:00:00Z".to_owned(),
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

async fn claim_all(db: &Db, owner: &str, now_ms: i64) -> Vec<ClaimedRow> {
    let request = ClaimRequest {
        owner,
        now_ms,
        lease_until_ms: now_ms + LEASE,
        rows: 100,
        per_user: 10,
    };
    claim(db, &request).await.unwrap()
}

fn ids(rows: &[ClaimedRow]) -> Vec<String> {
    rows.iter().map(|row| row.delivery.insert_id.clone()).collect()
}

fn numbered(numbers: &[u128]) -> Vec<String> {
    numbers.iter().map(|number| insert_id(*number)).collect()
}

fn settlement(row: &ClaimedRow, next: &NextState) -> Settlement {
    Settlement {
        sequence: row.sequence,
        next: next.clone(),
    }
}

async fn settle_all(db: &Db, owner: &str, rows: &[ClaimedRow], next: NextState) -> usize {
    let settlements: Vec<_> = rows.iter().map(|row| settlement(row, &next)).collect();
    settle(db, owner, &settlements, NOW).await.unwrap()
}

fn retry_at(at_ms: i64) -> NextState {
    NextState::Retry {
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
