//! Order within a lane, limits of a claim, and claims at the same time.

use std::collections::HashSet;

use db::Engine;
use db::testing::engines;

use super::client::{
    JOBS, LEASE, NOW, claim, claim_all, empty, execute, filled, finish, insert, jobs, number, read, state_of,
    write,
};
use crate::{ClaimLimits, NewRow};

#[tokio::test]
async fn due_rows_are_claimed_in_order_and_once() {
    for engine in engines() {
        let test = filled(engine, &["ann", "bob", "ann"]).await;
        let db = &test.db;
        assert!(!super::client::JOBS.is_due(db, NOW - 1).await.unwrap());
        assert!(claim_all(db, NOW - 1).await.is_none(), "not due yet");
        assert!(super::client::JOBS.is_due(db, NOW).await.unwrap());
        let claimed = claim_all(db, NOW).await;
        assert_eq!(jobs(&claimed), [1, 2, 3], "{engine:?}");
        assert!(!super::client::JOBS.is_due(db, NOW).await.unwrap());
        assert!(claim_all(db, NOW).await.is_none());
        // A new row of a leased lane waits; one of another lane does not.
        write(db, "ann", 4, NOW).await;
        write(db, "cid", 5, NOW).await;
        assert_eq!(jobs(&claim_all(db, NOW).await), [5], "{engine:?}");
        assert_eq!(finish(db, &claimed.unwrap(), NOW).await, 0);
        assert_eq!(jobs(&claim_all(db, NOW).await), [4], "{engine:?}");
    }
}

#[tokio::test]
async fn a_claim_is_limited_by_rows_and_by_lane() {
    for engine in engines() {
        let test = filled(engine, &["ann", "ann", "ann", "bob", "cid", "cid"]).await;
        let claimed = claim(&test.db, NOW, 4, 2).await;
        assert_eq!(jobs(&claimed), [1, 2, 4, 5], "{engine:?}");
        assert!(claim(&test.db, NOW, 4, 2).await.is_none(), "all lanes are leased");
        finish(&test.db, &claimed.unwrap(), NOW).await;
        assert_eq!(jobs(&claim(&test.db, NOW, 4, 2).await), [3, 6], "{engine:?}");
    }
}

#[tokio::test]
async fn a_claim_of_one_lane_takes_all_its_due_rows() {
    for engine in engines() {
        let test = filled(engine, &["ann", "bob", "ann", "bob"]).await;
        let limits = ClaimLimits {
            lanes: 1,
            rows: 10,
            per_lane: 10,
            lease_ms: LEASE,
        };
        for expected in [vec![1, 3], vec![2, 4], vec![]] {
            let claimed = JOBS.claim_due(&test.db, limits, NOW, read).await.unwrap();
            assert_eq!(jobs(&claimed), expected, "{engine:?}");
        }
    }
}

#[tokio::test]
async fn lanes_that_have_been_due_longest_come_first() {
    for engine in engines() {
        let test = empty(engine).await;
        for (number, lane, due_ms) in [(1, "ann", NOW), (2, "bob", NOW - 2), (3, "cid", NOW - 1)] {
            write(&test.db, lane, number, due_ms).await;
        }
        assert_eq!(jobs(&claim(&test.db, NOW, 1, 1).await), [2], "{engine:?}");
        assert_eq!(jobs(&claim(&test.db, NOW, 1, 1).await), [3], "{engine:?}");
    }
}

#[tokio::test]
async fn claims_at_the_same_time_never_share_a_lane() {
    for engine in engines() {
        let lanes: Vec<String> = (0..60).map(|number| format!("lane {}", number % 20)).collect();
        let lanes: Vec<&str> = lanes.iter().map(String::as_str).collect();
        let test = filled(engine, &lanes).await;
        let claims = (0..8).map(|_| {
            let db = test.db.clone();
            tokio::spawn(async move { claim(&db, NOW, 9, 2).await })
        });
        let mut seen = HashSet::new();
        for claimed in claims.collect::<Vec<_>>() {
            let Some(claimed) = claimed.await.unwrap() else {
                continue;
            };
            let own: HashSet<_> = claimed
                .rows
                .iter()
                .map(|row| claimed.lease.lane_of(row).to_owned())
                .collect();
            assert!(seen.is_disjoint(&own), "{engine:?}");
            seen.extend(own);
        }
        assert!(!seen.is_empty());
    }
}

#[tokio::test]
async fn a_lane_that_is_being_written_is_skipped_and_rows_are_numbered_in_commit_order() {
    // SQLite has one writer.
    for engine in engines().into_iter().filter(|engine| *engine == Engine::Postgres) {
        let test = filled(engine, &["ann", "bob"]).await;
        let mut first = test.db.write().await.unwrap();
        insert(&mut first, "ann", 3, NOW).await;
        assert_eq!(jobs(&claim_all(&test.db, NOW).await), [2]);
        let db = test.db.clone();
        let second = tokio::spawn(async move { write(&db, "ann", 5, NOW).await });
        let waiting = "SELECT COUNT(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while number(&test.db, waiting).await == 0 {
            tokio::task::yield_now().await;
        }
        insert(&mut first, "ann", 4, NOW).await;
        first.commit().await.unwrap();
        second.await.unwrap();
        assert_eq!(jobs(&claim_all(&test.db, NOW).await), [1, 3, 4, 5]);
    }
}

#[tokio::test]
async fn rows_of_several_lanes_are_numbered_after_all_lanes_are_locked() {
    for engine in engines().into_iter().filter(|engine| *engine == Engine::Postgres) {
        let test = filled(engine, &[]).await;
        let mut first = test.db.write().await.unwrap();
        insert(&mut first, "ann", 1, NOW).await;
        let db = test.db.clone();
        // It locks bob's lane, and waits for ann's.
        let second = tokio::spawn(async move {
            let rows = [("ann", 3), ("bob", 4), ("ann", 5)]
                .map(|(lane, number)| NewRow::new(lane, NOW).with("number", number));
            let statements = JOBS.insert_all_statements(engine, &["bob", "ann"], rows.into());
            db.execute(statements).await.unwrap();
        });
        let waiting = "SELECT COUNT(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while number(&test.db, waiting).await == 0 {
            tokio::task::yield_now().await;
        }
        insert(&mut first, "ann", 2, NOW).await;
        first.commit().await.unwrap();
        second.await.unwrap();
        assert_eq!(jobs(&claim_all(&test.db, NOW).await), [1, 2, 3, 4, 5]);
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_parked_and_blocks_no_other() {
    for engine in engines() {
        let test = filled(engine, &["ann", "ann", "bob"]).await;
        execute(&test.db, "UPDATE jobs SET number = NULL WHERE number = 1").await;
        assert_eq!(jobs(&claim_all(&test.db, NOW).await), [2, 3], "{engine:?}");
        let parked =
            "SELECT COUNT(*) FROM jobs WHERE state = 'parked' AND parked_reason LIKE 'cannot be read%'";
        assert_eq!(number(&test.db, parked).await, 1, "{engine:?}");
    }
}

#[tokio::test]
async fn a_due_lane_without_due_rows_is_corrected() {
    for engine in engines() {
        let test = filled(engine, &["ann", "bob", "bob"]).await;
        // The client has deleted all rows of one lane and delayed the first row of the other.
        execute(
            &test.db,
            &format!(
                "DELETE FROM jobs WHERE number = 1; UPDATE jobs SET next_attempt_ms = {} WHERE number = 2",
                NOW + 5
            ),
        )
        .await;
        assert!(claim_all(&test.db, NOW).await.is_none(), "{engine:?}");
        assert!(
            !super::client::JOBS.is_due(&test.db, NOW + 4).await.unwrap(),
            "{engine:?}"
        );
        assert_eq!(
            number(&test.db, "SELECT COUNT(*) FROM jobs_lanes").await,
            1,
            "{engine:?}"
        );
        assert_eq!(jobs(&claim_all(&test.db, NOW + 5).await), [2, 3], "{engine:?}");
        assert_eq!(state_of(&test.db, 2).await.0, "pending");
    }
}

#[tokio::test]
async fn lanes_without_due_rows_do_not_delay_the_rows_of_others() {
    for engine in engines() {
        let test = filled(engine, &["ann", "bob", "cid", "dan"]).await;
        execute(
            &test.db,
            &format!(
                "DELETE FROM jobs WHERE number = 1; UPDATE jobs SET next_attempt_ms = {} WHERE number = 2;
                 UPDATE jobs SET number = NULL WHERE number = 3",
                NOW + 5
            ),
        )
        .await;
        assert_eq!(jobs(&claim(&test.db, NOW, 1, 1).await), [4], "{engine:?}");
        assert_eq!(
            number(&test.db, "SELECT COUNT(*) FROM jobs_lanes").await,
            2,
            "{engine:?}: the lane that waits, and the leased one"
        );
    }
}
