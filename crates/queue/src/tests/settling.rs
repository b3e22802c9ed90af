//! Settling: the new state of each row, and when its lane is due again.

use crate::NextRowState;
use db::testing::engines;

use super::client::{
    JOBS, NOW, claim, claim_all, done, filled, jobs, number, park, retry_at, settle, state_of, write,
};

#[tokio::test]
async fn each_row_gets_its_state_and_a_row_without_an_update_is_due_again() {
    for engine in engines() {
        let test = filled(engine, &["ann", "bob", "cid", "dan"]).await;
        let claimed = claim_all(&test.db, NOW).await.unwrap();
        let next = [done(), park("too large"), retry_at(NOW + 1_000)];
        let updates: Vec<_> = claimed
            .rows
            .iter()
            .zip(next)
            .map(|(row, next)| row.update(next))
            .collect();
        assert_eq!(
            settle(&test.db, &claimed, &updates, NOW + 9).await,
            0,
            "{engine:?}"
        );
        assert_eq!(state_of(&test.db, 1).await, ("done".to_owned(), None));
        assert_eq!(
            state_of(&test.db, 2).await,
            ("parked".to_owned(), Some("too large".to_owned()))
        );
        assert_eq!(
            state_of(&test.db, 3).await,
            ("pending".to_owned(), Some("refused".to_owned()))
        );
        assert_eq!(
            number(&test.db, "SELECT done_ms FROM jobs WHERE number = 1").await,
            NOW + 9
        );
        assert_eq!(
            number(&test.db, "SELECT attempts FROM jobs WHERE number = 1").await,
            1
        );
        assert_eq!(
            number(&test.db, "SELECT parked_ms FROM jobs WHERE note = 'parked'").await,
            NOW + 9
        );
        let again = claim_all(&test.db, NOW + 9).await.unwrap();
        assert_eq!(
            again
                .rows
                .iter()
                .map(|row| (row.job, row.attempts))
                .collect::<Vec<_>>(),
            [(4, 1)],
            "{engine:?}: no attempt was counted"
        );
        assert_eq!(jobs(&claim_all(&test.db, NOW + 1_000).await), [3], "{engine:?}");
        assert_eq!(
            number(&test.db, "SELECT COUNT(*) FROM jobs_lanes").await,
            2,
            "empty lanes are removed"
        );
    }
}

#[tokio::test]
async fn a_waiting_row_blocks_its_lane_and_a_parked_row_does_not() {
    for engine in engines() {
        let test = filled(engine, &["ann", "ann", "bob", "bob"]).await;
        let claimed = claim(&test.db, NOW, 10, 1).await.unwrap();
        let updates = [
            claimed.rows[0].update(retry_at(NOW + 5_000)),
            claimed.rows[1].update(park("refused")),
        ];
        settle(&test.db, &claimed, &updates, NOW).await;
        write(&test.db, "ann", 5, NOW + 1).await;
        assert_eq!(jobs(&claim_all(&test.db, NOW + 4_999).await), [4], "{engine:?}");
        assert_eq!(
            jobs(&claim_all(&test.db, NOW + 5_000).await),
            [1, 2, 5],
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn many_rows_of_each_kind_are_settled_together() {
    for engine in engines() {
        let lanes: Vec<String> = (0..900).map(|number| format!("lane {number}")).collect();
        let lanes: Vec<&str> = lanes.iter().map(String::as_str).collect();
        let test = filled(engine, &lanes).await;
        let claimed = claim(&test.db, NOW, 1_000, 10).await.unwrap();
        assert_eq!(claimed.rows.len(), 900);
        let updates: Vec<_> = claimed
            .rows
            .iter()
            .map(|row| {
                row.update(match row.job % 3 {
                    0 => done(),
                    1 => park("refused"),
                    _ => NextRowState::Retry {
                        at_ms: NOW + row.job,
                        attempts: 1,
                        panics: 0,
                        first_unknown_ms: (row.job % 2 == 0).then_some(NOW),
                        error: None,
                    },
                })
            })
            .collect();
        assert_eq!(settle(&test.db, &claimed, &updates, NOW).await, 0, "{engine:?}");
        let counts = JOBS.counts(&test.db).await.unwrap();
        assert_eq!(
            (counts.pending, counts.leased, counts.parked),
            (300, 0, 300),
            "{engine:?}"
        );
        let due = "SELECT COUNT(*) FROM jobs_lanes JOIN jobs ON jobs.lane = jobs_lanes.lane
                   WHERE next_due_ms = next_attempt_ms AND lease_owner IS NULL AND state = 'pending'";
        assert_eq!(number(&test.db, due).await, 300, "{engine:?}");
    }
}

#[tokio::test]
async fn settling_and_the_next_claim_share_a_transaction() {
    for engine in engines() {
        let test = filled(engine, &["ann", "ann"]).await;
        let claimed = claim(&test.db, NOW, 1, 1).await.unwrap();
        let limits = crate::ClaimLimits {
            lanes: 1,
            rows: 1,
            per_lane: 1,
            lease_ms: 1,
        };
        let mut tx = test.db.write().await.unwrap();
        let updates = [claimed.rows[0].update(done())];
        JOBS.settle(&mut tx, engine, &claimed.lease, &updates, NOW)
            .await
            .unwrap();
        let next = JOBS
            .claim(&mut tx, engine, limits, NOW, super::client::read)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(jobs(&next), [2], "{engine:?}");
    }
}
