//! Parking a lane, replay, and counts.

use crate::{COUNT_LIMIT, QueueCounts};
use db::testing::engines;

use super::client::{
    JOBS, NOW, claim_all, empty, execute, filled, finish, jobs, number, park, retry_at, settle, state_of,
    write,
};

async fn replay(db: &db::Db, lane: &str, sequence: i64, reason: &str) -> bool {
    let mut tx = db.write().await.unwrap();
    let replayed = JOBS
        .replay(&mut tx, lane, sequence, reason, NOW + 5)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    replayed
}

#[tokio::test]
async fn a_parked_lane_is_not_claimed_and_its_work_in_progress_is_not_repeated() {
    for engine in engines() {
        let test = filled(engine, &["ann", "bob", "ann"]).await;
        let claimed = claim_all(&test.db, NOW).await.unwrap();
        write(&test.db, "ann", 4, NOW).await;
        write(&test.db, "cid", 5, NOW).await;
        let mut tx = test.db.write().await.unwrap();
        assert_eq!(JOBS.park_lane(&mut tx, "ann", "withdrawn", NOW).await.unwrap(), 3);
        assert_eq!(JOBS.park_lane(&mut tx, "cid", "withdrawn", NOW).await.unwrap(), 1);
        assert_eq!(JOBS.park_lane(&mut tx, "eve", "withdrawn", NOW).await.unwrap(), 0);
        tx.commit().await.unwrap();
        assert_eq!(
            number(&test.db, "SELECT COUNT(*) FROM jobs_lanes").await,
            2,
            "{engine:?}: only the leased lanes"
        );
        assert_eq!(finish(&test.db, &claimed, NOW).await, 2, "{engine:?}");
        assert_eq!(state_of(&test.db, 1).await.0, "parked");
        assert_eq!(state_of(&test.db, 2).await.0, "done");
        assert!(claim_all(&test.db, NOW + 100_000).await.is_none(), "{engine:?}");
        assert_eq!(
            number(&test.db, "SELECT COUNT(*) FROM jobs_lanes").await,
            0,
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn a_replayed_row_is_due_at_once_with_no_attempts() {
    for engine in engines() {
        let test = filled(engine, &["ann", "ann"]).await;
        let claimed = claim_all(&test.db, NOW).await.unwrap();
        let updates = [
            claimed.rows[0].update(park("refused")),
            claimed.rows[1].update(retry_at(NOW + 60_000)),
        ];
        settle(&test.db, &claimed, &updates, NOW).await;
        let sequence = claimed.rows[0].sequence;
        assert!(
            !replay(&test.db, "ann", sequence, "withdrawn").await,
            "another reason"
        );
        assert!(replay(&test.db, "ann", sequence, "refused").await);
        assert!(
            !replay(&test.db, "ann", sequence, "refused").await,
            "not parked any more"
        );
        let again = claim_all(&test.db, NOW + 5).await.unwrap();
        assert_eq!(
            again
                .rows
                .iter()
                .map(|row| (row.job, row.attempts))
                .collect::<Vec<_>>(),
            [(1, 1)],
            "{engine:?}: the row after it waits for its own time"
        );
        finish(&test.db, &again, NOW + 6).await;
        assert_eq!(jobs(&claim_all(&test.db, NOW + 60_000).await), [2], "{engine:?}");
    }
}

#[tokio::test]
async fn a_replay_during_a_lease_waits_for_the_settlement() {
    for engine in engines() {
        let test = filled(engine, &["ann", "ann"]).await;
        let first = claim_all(&test.db, NOW).await.unwrap();
        settle(&test.db, &first, &[first.rows[0].update(park("refused"))], NOW).await;
        let second = claim_all(&test.db, NOW).await.unwrap();
        assert!(replay(&test.db, "ann", first.rows[0].sequence, "refused").await);
        assert!(claim_all(&test.db, NOW + 5).await.is_none(), "{engine:?}");
        finish(&test.db, &second, NOW + 5).await;
        assert_eq!(jobs(&claim_all(&test.db, NOW + 5).await), [1], "{engine:?}");
    }
}

#[tokio::test]
async fn counts_are_bounded() {
    for engine in engines() {
        let test = empty(engine).await;
        assert_eq!(JOBS.counts(&test.db).await.unwrap(), QueueCounts::default());
        write(&test.db, "ann", 1, NOW - 9).await;
        write(&test.db, "bob", 2, NOW - 5).await;
        let claimed = claim_all(&test.db, NOW - 9).await;
        assert_eq!(jobs(&claimed), [1]);
        let expected = QueueCounts {
            pending: 2,
            leased: 1,
            parked: 0,
            oldest_pending_ms: Some(NOW - 9),
        };
        assert_eq!(JOBS.counts(&test.db).await.unwrap(), expected, "{engine:?}");
        execute(
            &test.db,
            "INSERT INTO jobs (lane, number, next_attempt_ms, enqueued_ms)
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10100)
             SELECT 'cid', i, 0, 0 FROM n",
        )
        .await;
        assert_eq!(
            JOBS.counts(&test.db).await.unwrap().pending,
            COUNT_LIMIT + 1,
            "{engine:?}"
        );
    }
}
