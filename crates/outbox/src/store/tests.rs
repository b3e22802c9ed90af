//! The store's suite, the same on both engines.

use std::collections::HashSet;

use db::testing::{TestDb, engines};
use db::{Db, Engine};
use sqlx::{AssertSqlSafe, Row};
use tracking::server::{PollExpiration, SignInCompleted};
use tracking::{DeviceId, Found, PresentIds, ServerEvent, SessionId, UserId};
use uuid::Uuid;

use super::*;
use crate::ParkReason;
use crate::retry::Next;

const NOW: i64 = 1_795_435_200_000;
const LEASE: i64 = 60_000;
const DAY: i64 = 24 * 60 * 60_000;

fn person(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

/// The event `sign-in:<number>` of a person.
fn sign_in(user: UserId, number: u128) -> ServerEvent {
    let ids = PresentIds::Live {
        device: DeviceId::minted(Uuid::from_u128(7)),
        session: SessionId::starting_at(NOW),
        found: Found::ServerSession,
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

/// Ann is 1, Bob is 2; their events are numbered in the order given.
async fn filled(engine: Engine, people: &[u128]) -> TestDb {
    let test = TestDb::new(engine).await;
    for (number, user) in (1..).zip(people) {
        write(&test.db, &sign_in(person(*user), number)).await;
    }
    test
}

async fn take(db: &Db, owner: &str, now_ms: i64) -> Vec<Claimed> {
    let request = Claim {
        owner,
        now_ms,
        lease_until_ms: now_ms + LEASE,
        rows: 100,
        per_person: 10,
    };
    claim(db, &request).await.unwrap()
}

fn ids(rows: &[Claimed]) -> Vec<String> {
    rows.iter().map(|row| row.delivery.insert_id.clone()).collect()
}

fn numbered(numbers: &[u128]) -> Vec<String> {
    numbers.iter().map(|number| insert_id(*number)).collect()
}

fn settlement(row: &Claimed, next: &Next) -> Settlement {
    Settlement {
        sequence: row.sequence,
        next: next.clone(),
    }
}

async fn settle_all(db: &Db, owner: &str, rows: &[Claimed], next: Next) -> usize {
    let settlements: Vec<_> = rows.iter().map(|row| settlement(row, &next)).collect();
    settle(db, owner, &settlements, NOW).await.unwrap()
}

fn retry_at(at_ms: i64) -> Next {
    Next::Retry {
        at_ms,
        attempts: 1,
        first_unknown_ms: None,
        error: Some("503".to_owned()),
    }
}

async fn entry(db: &Db, user: u128, number: u128) -> Entry {
    let entries = events_of(db, person(user), 100).await.unwrap();
    entries
        .into_iter()
        .find(|entry| entry.insert_id == insert_id(number))
        .unwrap()
}

#[tokio::test]
async fn an_event_is_kept_as_it_stands_on_the_wire() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let event = sign_in(person(1), 1);
        assert_eq!(write(&test.db, &event).await, Enqueued::New);
        let kept = entry(&test.db, 1, 1).await;
        assert_eq!(kept.payload, Some(serde_json::to_string(&event.wire()).unwrap()));
        assert_eq!(
            kept.device_id.as_deref(),
            event.device().map(|device| device.as_str())
        );
        assert_eq!(
            (kept.event_type.as_str(), kept.time_ms),
            ("Sign-in completed", NOW)
        );
        assert_eq!(
            (kept.state, kept.attempts, kept.next_attempt_ms),
            (State::Pending, 0, NOW)
        );

        let nobody_there = PollExpiration {
            poll_id: Uuid::from_u128(9),
            vote_count: 3,
            closes_at_ms: NOW,
        };
        write(&test.db, &ServerEvent::system(person(1), &nobody_there, NOW)).await;
        let system = events_of(&test.db, person(1), 1).await.unwrap().remove(0);
        assert_eq!(
            (system.event_type.as_str(), system.device_id),
            ("Poll expiration", None)
        );
    }
}

#[tokio::test]
async fn an_event_goes_with_the_transaction_that_reports_it() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let mut tx = test.db.write().await.unwrap();
        enqueue(&mut tx, &sign_in(person(1), 1), NOW).await.unwrap();
        drop(tx);
        assert_eq!(counts(&test.db).await.unwrap(), Counts::default());
    }
}

#[tokio::test]
async fn an_insert_id_is_taken_for_ever() {
    for engine in engines() {
        let test = filled(engine, &[1]).await;
        let again = sign_in(person(1), 1);
        assert_eq!(write(&test.db, &again).await, Enqueued::Already, "while it waits");
        let rows = take(&test.db, "us", NOW).await;
        settle_all(&test.db, "us", &rows, Next::Sent).await;
        assert_eq!(
            write(&test.db, &again).await,
            Enqueued::Already,
            "after it was sent"
        );
        assert_eq!(prune(&test.db, NOW + 31 * DAY, 30).await.unwrap(), 1);
        assert_eq!(
            write(&test.db, &again).await,
            Enqueued::Already,
            "after its payload is gone"
        );
        assert_eq!(entry(&test.db, 1, 1).await.payload, None);
        assert_eq!(take(&test.db, "us", NOW).await, []);
    }
}

#[tokio::test]
async fn a_claim_takes_what_is_due_in_order_and_nobody_else_gets_it() {
    for engine in engines() {
        let test = filled(engine, &[1, 2, 1, 2]).await;
        assert_eq!(take(&test.db, "us", NOW - 1).await, [], "not due yet");
        let rows = take(&test.db, "us", NOW).await;
        assert_eq!(ids(&rows), numbered(&[1, 2, 3, 4]));
        assert!(
            rows.iter()
                .all(|row| row.attempts == 1 && row.first_unknown_ms.is_none())
        );
        assert_eq!(take(&test.db, "them", NOW).await, []);
        // A new row of a person whose earlier one is out waits for it; another person's does not.
        write(&test.db, &sign_in(person(1), 5)).await;
        write(&test.db, &sign_in(person(3), 6)).await;
        assert_eq!(ids(&take(&test.db, "them", NOW).await), numbered(&[6]));
        settle_all(&test.db, "us", &rows, Next::Sent).await;
        assert_eq!(ids(&take(&test.db, "them", NOW).await), numbered(&[5]));
    }
}

#[tokio::test]
async fn a_claim_is_bounded_per_batch_and_per_person() {
    for engine in engines() {
        let test = filled(engine, &[1, 1, 1, 2, 3, 3]).await;
        let request = Claim {
            owner: "us",
            now_ms: NOW,
            lease_until_ms: NOW + LEASE,
            rows: 4,
            per_person: 2,
        };
        let rows = claim(&test.db, &request).await.unwrap();
        assert_eq!(
            ids(&rows),
            numbered(&[1, 2, 4, 5]),
            "the rest of 1 and of 3 waits behind these"
        );
        assert_eq!(
            claim(
                &test.db,
                &Claim {
                    owner: "them",
                    ..request
                }
            )
            .await
            .unwrap(),
            []
        );
    }
}

#[tokio::test]
async fn a_row_that_waits_blocks_its_person_and_a_parked_one_does_not() {
    for engine in engines() {
        let test = filled(engine, &[1, 1, 2, 2]).await;
        let rows = take(&test.db, "us", NOW).await;
        let [ann, ann_next, bob, bob_next] = rows.as_slice() else {
            panic!("{rows:?}")
        };
        let held = Next::Retry {
            at_ms: NOW,
            attempts: 0,
            first_unknown_ms: None,
            error: None,
        };
        let settlements = [
            settlement(ann, &retry_at(NOW + 5_000)),
            settlement(ann_next, &held),
            settlement(bob, &Next::Park(ParkReason::TooLarge)),
            settlement(bob_next, &held),
        ];
        assert_eq!(settle(&test.db, "us", &settlements, NOW).await.unwrap(), 0);
        assert_eq!(ids(&take(&test.db, "us", NOW + 4_999).await), numbered(&[4]));
        assert_eq!(ids(&take(&test.db, "us", NOW + 5_000).await), numbered(&[1, 2]));
    }
}

#[tokio::test]
async fn a_lease_that_ran_out_is_taken_over_as_an_attempt_of_unknown_outcome() {
    for engine in engines() {
        let test = filled(engine, &[1, 1]).await;
        let lost = take(&test.db, "crashed", NOW).await;
        assert_eq!(take(&test.db, "us", NOW + LEASE - 1).await, []);
        let rows = take(&test.db, "us", NOW + LEASE).await;
        assert_eq!(ids(&rows), ids(&lost));
        assert!(
            rows.iter()
                .all(|row| row.attempts == 2 && row.first_unknown_ms == Some(NOW)),
            "{rows:?}"
        );
        // The one that was thought dead comes back: its word no longer counts.
        assert_eq!(settle_all(&test.db, "crashed", &lost, retry_at(NOW)).await, 2);
        assert_eq!(entry(&test.db, 1, 1).await.state, State::Leased);
        assert_eq!(settle_all(&test.db, "us", &rows, Next::Sent).await, 0);
        assert_eq!(entry(&test.db, 1, 1).await.state, State::Sent);
    }
}

#[tokio::test]
async fn settling_writes_what_became_of_a_row() {
    for engine in engines() {
        let test = filled(engine, &[1, 2, 3]).await;
        let rows = take(&test.db, "us", NOW).await;
        let unknown = Next::Retry {
            at_ms: NOW + 1_000,
            attempts: 1,
            first_unknown_ms: Some(NOW - 1),
            error: Some("no answer in time".to_owned()),
        };
        let nexts = [
            Next::Sent,
            Next::Park(ParkReason::InvalidField("time".to_owned())),
            unknown,
        ];
        let settlements: Vec<_> = rows
            .iter()
            .zip(&nexts)
            .map(|(row, next)| settlement(row, next))
            .collect();
        settle(&test.db, "us", &settlements, NOW + 9).await.unwrap();

        let sent = entry(&test.db, 1, 1).await;
        assert_eq!((sent.state, sent.sent_ms), (State::Sent, Some(NOW + 9)));
        let parked_row = entry(&test.db, 2, 2).await;
        assert_eq!(
            (parked_row.state, parked_row.parked_reason.as_deref()),
            (State::Parked, Some("invalid field: time"))
        );
        let waiting = entry(&test.db, 3, 3).await;
        assert_eq!(
            (waiting.state, waiting.next_attempt_ms),
            (State::Pending, NOW + 1_000)
        );
        assert_eq!(waiting.last_error.as_deref(), Some("no answer in time"));
        let again = take(&test.db, "us", NOW + 1_000).await;
        assert_eq!(
            again.first().map(|row| (row.attempts, row.first_unknown_ms)),
            Some((2, Some(NOW - 1)))
        );

        assert_eq!(
            counts(&test.db).await.unwrap(),
            Counts {
                pending: 0,
                leased: 1,
                sent: 1,
                parked: 1,
                oldest_unsettled_ms: Some(NOW)
            }
        );
        assert_eq!(parked(&test.db, 10).await.unwrap(), [parked_row]);
    }
}

#[tokio::test]
async fn claims_at_once_never_share_a_person() {
    for engine in engines() {
        let people: Vec<u128> = (0..60).map(|number| number % 20 + 1).collect();
        let test = filled(engine, &people).await;
        let claims = (0..8).map(|claimer| {
            let db = test.db.clone();
            tokio::spawn(async move {
                let owner = format!("claimer {claimer}");
                let request = Claim {
                    owner: &owner,
                    now_ms: NOW,
                    lease_until_ms: NOW + LEASE,
                    rows: 9,
                    per_person: 2,
                };
                claim(&db, &request).await.unwrap()
            })
        });
        let (mut people_taken, mut rows_taken) = (HashSet::new(), HashSet::new());
        for claimed in claims.collect::<Vec<_>>() {
            let rows = claimed.await.unwrap();
            let lanes: HashSet<_> = rows.iter().map(|row| row.delivery.user_id.clone()).collect();
            assert!(people_taken.is_disjoint(&lanes), "{engine:?}");
            people_taken.extend(lanes);
            assert!(
                rows.iter().all(|row| rows_taken.insert(row.sequence)),
                "{engine:?}"
            );
        }
        assert!(!rows_taken.is_empty());
    }
}

#[tokio::test]
async fn a_person_with_an_event_being_written_is_left_alone() {
    // On SQLite nobody can write beside a writer.
    for engine in engines().into_iter().filter(|engine| *engine == Engine::Postgres) {
        let test = filled(engine, &[1, 2]).await;
        let mut tx = test.db.write().await.unwrap();
        enqueue(&mut tx, &sign_in(person(1), 3), NOW).await.unwrap();
        assert_eq!(ids(&take(&test.db, "us", NOW).await), numbered(&[2]));
        tx.commit().await.unwrap();
        assert_eq!(ids(&take(&test.db, "us", NOW).await), numbered(&[1, 3]));
    }
}

/// Until somebody in this Postgres database waits for a lock.
async fn until_somebody_waits(db: &Db) {
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

#[tokio::test]
async fn a_claim_that_meets_a_late_settlement_takes_nothing_of_what_it_read() {
    for engine in engines().into_iter().filter(|engine| *engine == Engine::Postgres) {
        let test = filled(engine, &[1, 1]).await;
        take(&test.db, "late", NOW).await;
        let mut late = test.db.write().await.unwrap();
        sqlx::query(
            "UPDATE outbox SET state = 'pending', lease_owner = NULL, lease_until_ms = NULL, next_attempt_ms = $1
             WHERE insert_id = $2",
        )
        .bind(NOW + DAY)
        .bind(insert_id(1))
        .execute(&mut *late)
        .await
        .unwrap();
        let db = test.db.clone();
        let claiming = tokio::spawn(async move { take(&db, "us", NOW + LEASE).await });
        until_somebody_waits(&test.db).await;
        late.commit().await.unwrap();
        // The first event waits for tomorrow now: the second must not go without it.
        assert_eq!(claiming.await.unwrap(), []);
        assert_eq!(take(&test.db, "us", NOW + LEASE).await, []);
        assert_eq!(ids(&take(&test.db, "us", NOW + DAY).await), numbered(&[1, 2]));
    }
}

#[tokio::test]
async fn a_persons_rows_are_numbered_in_the_order_of_their_commits() {
    for engine in engines().into_iter().filter(|engine| *engine == Engine::Postgres) {
        let test = TestDb::new(engine).await;
        let mut first = test.db.write().await.unwrap();
        enqueue(&mut first, &sign_in(person(1), 1), NOW).await.unwrap();
        let db = test.db.clone();
        let second = tokio::spawn(async move { write(&db, &sign_in(person(1), 2)).await });
        until_somebody_waits(&test.db).await;
        enqueue(&mut first, &sign_in(person(1), 3), NOW).await.unwrap();
        first.commit().await.unwrap();
        second.await.unwrap();
        assert_eq!(ids(&take(&test.db, "us", NOW).await), numbered(&[1, 3, 2]));
    }
}

#[tokio::test]
async fn withdrawn_consent_parks_what_was_not_sent_for_good() {
    for engine in engines() {
        let test = filled(engine, &[1, 2]).await;
        let rows = take(&test.db, "us", NOW).await;
        write(&test.db, &sign_in(person(1), 3)).await;
        let mut tx = test.db.write().await.unwrap();
        assert_eq!(
            park_unsent(&mut tx, person(1), ParkReason::ConsentWithdrawn, NOW)
                .await
                .unwrap(),
            2
        );
        assert_eq!(
            replay(&mut tx, &insert_id(1), NOW).await.unwrap(),
            Replayed::Withheld
        );
        tx.commit().await.unwrap();
        assert_eq!(
            settle_all(&test.db, "us", &rows, Next::Sent).await,
            1,
            "Ann's was called back, Bob's was not"
        );
        let called_back = entry(&test.db, 1, 1).await;
        assert_eq!(called_back.parked_reason.as_deref(), Some("consent withdrawn"));
        assert_eq!(entry(&test.db, 2, 2).await.state, State::Sent);
        assert_eq!(take(&test.db, "us", NOW + LEASE).await, []);
    }
}

#[tokio::test]
async fn a_deleted_account_leaves_no_unsent_row_and_no_payload() {
    for engine in engines() {
        let test = filled(engine, &[1, 1, 2]).await;
        let rows = take(&test.db, "us", NOW).await;
        settle_all(&test.db, "us", &rows[..1], Next::Sent).await;
        settle_all(&test.db, "us", &rows[1..2], Next::Park(ParkReason::Silenced)).await;
        write(&test.db, &sign_in(person(1), 4)).await;
        let mut tx = test.db.write().await.unwrap();
        assert_eq!(drop_unsent(&mut tx, person(1), NOW).await.unwrap(), 2);
        assert_eq!(forget_sent(&mut tx, person(1)).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let left = events_of(&test.db, person(1), 10).await.unwrap();
        let left: Vec<_> = left
            .into_iter()
            .map(|entry| (entry.insert_id, entry.payload, entry.device_id))
            .collect();
        assert_eq!(left, [(insert_id(1), None, None)]);
        assert!(
            entry(&test.db, 2, 3).await.payload.is_some(),
            "Bob's is untouched"
        );
    }
}

#[tokio::test]
async fn a_parked_row_is_replayed_with_a_clean_slate() {
    for engine in engines() {
        let test = filled(engine, &[1]).await;
        let rows = take(&test.db, "us", NOW).await;
        settle_all(&test.db, "us", &rows, Next::Park(ParkReason::DedupWindowPassed)).await;
        let mut tx = test.db.write().await.unwrap();
        assert_eq!(
            replay(&mut tx, "sign-in:nobody", NOW).await.unwrap(),
            Replayed::NotParked
        );
        assert_eq!(
            replay(&mut tx, &insert_id(1), NOW + 5).await.unwrap(),
            Replayed::Yes
        );
        assert_eq!(
            replay(&mut tx, &insert_id(1), NOW + 5).await.unwrap(),
            Replayed::NotParked
        );
        tx.commit().await.unwrap();
        let again = take(&test.db, "us", NOW + 5).await;
        assert_eq!(
            again.first().map(|row| (row.attempts, row.first_unknown_ms)),
            Some((1, None))
        );
    }
}

#[tokio::test]
async fn pruning_takes_old_payloads_of_sent_rows_alone() {
    for engine in engines() {
        let test = filled(engine, &[1, 2]).await;
        let rows = take(&test.db, "us", NOW).await;
        settle_all(&test.db, "us", &rows[..1], Next::Sent).await;
        assert_eq!(
            prune(&test.db, NOW + 30 * DAY, 30).await.unwrap(),
            0,
            "kept for thirty days"
        );
        assert_eq!(prune(&test.db, NOW + 30 * DAY + 1, 30).await.unwrap(), 1);
        assert_eq!(entry(&test.db, 1, 1).await.payload, None);
        assert!(entry(&test.db, 2, 2).await.payload.is_some());
    }
}

#[tokio::test]
async fn the_table_refuses_states_that_cannot_be() {
    for engine in engines() {
        let test = filled(engine, &[1]).await;
        let impossible = [
            "state = 'lost'",
            "state = 'leased'",
            "state = 'leased', lease_owner = 'us'",
            "lease_owner = 'us', lease_until_ms = 1",
            "state = 'sent'",
            "sent_ms = 1",
            "state = 'parked', parked_ms = 1",
            "parked_reason = 'why'",
            "payload = NULL",
            "attempts = -1",
            "lane = 'nobody'",
            "insert_id = NULL",
        ];
        for change in impossible {
            let changed = sqlx::query(AssertSqlSafe(format!("UPDATE outbox SET {change}")))
                .execute(test.db.pool())
                .await;
            assert!(changed.is_err(), "{engine:?} took: {change}");
        }
    }
}

#[tokio::test]
async fn the_claim_reads_unsettled_rows_through_their_indexes() {
    let test = filled(Engine::Sqlite, &[1]).await;
    let plans = [
        (
            claim::due_lanes_sql("", ""),
            vec![
                "INDEX outbox_unsettled",
                "outbox_unsettled_by_lane (lane=? AND sequence<?)",
            ],
        ),
        (claim::unsettled_sql(2), vec!["outbox_unsettled_by_lane (lane=?)"]),
    ];
    for (sql, indexes) in plans {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let steps = sqlx::query(explain)
            .bind(NOW)
            .bind(1_i64)
            .fetch_all(test.db.pool())
            .await
            .unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
        for index in indexes {
            assert!(
                steps.iter().any(|step| step.contains(index)),
                "{index} is not used: {steps:?}"
            );
        }
    }
}
