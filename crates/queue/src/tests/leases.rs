//! Leases: their end after a crash, their renewal, and their loss.

use db::testing::engines;

use super::client::{
    JOBS, LEASE, NOW, claim_all, done, execute, filled, finish, jobs, number, settle, state_of,
};

#[tokio::test]
async fn after_a_crash_the_rows_are_claimed_again_as_attempts_of_unknown_outcome() {
    for engine in engines() {
        let test = filled(engine, &["ann", "ann"]).await;
        claim_all(&test.db, NOW).await.unwrap();
        assert!(claim_all(&test.db, NOW + LEASE - 1).await.is_none());
        for crashes in 1..=3 {
            let claimed = claim_all(&test.db, NOW + crashes * LEASE).await;
            assert_eq!(jobs(&claimed), [1, 2], "{engine:?}");
            for row in claimed.unwrap().rows {
                assert_eq!(
                    (row.attempts, row.first_unknown_ms),
                    (crashes + 1, Some(NOW)),
                    "{engine:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_lost_lease_stops_its_settlement_and_changes_nothing() {
    for engine in engines() {
        let test = filled(engine, &["ann", "bob"]).await;
        let late = claim_all(&test.db, NOW).await.unwrap();
        let mut tx = test.db.write().await.unwrap();
        assert!(JOBS.holds(&mut tx, engine, &late.lease).await.unwrap());
        drop(tx);
        // Another worker takes over one of the two lanes.
        execute(
            &test.db,
            &format!(
                "UPDATE jobs_lanes SET next_due_ms = {} WHERE lane = 'bob'",
                NOW + 2 * LEASE
            ),
        )
        .await;
        let other = claim_all(&test.db, NOW + LEASE).await;
        assert_eq!(jobs(&other), [1], "{engine:?}");
        let mut tx = test.db.write().await.unwrap();
        assert!(
            !JOBS.holds(&mut tx, engine, &late.lease).await.unwrap(),
            "{engine:?}"
        );
        drop(tx);
        assert_eq!(
            finish(&test.db, &late, NOW + LEASE).await,
            1,
            "{engine:?}: ann is lost"
        );
        assert_eq!(state_of(&test.db, 1).await.0, "pending");
        assert_eq!(state_of(&test.db, 2).await.0, "done");
        assert_eq!(finish(&test.db, &other.unwrap(), NOW + LEASE).await, 0);
        assert_eq!(
            number(&test.db, "SELECT COUNT(*) FROM jobs_lanes").await,
            0,
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn a_lease_that_ended_and_was_not_taken_can_be_settled() {
    for engine in engines() {
        let test = filled(engine, &["ann"]).await;
        let claimed = claim_all(&test.db, NOW).await.unwrap();
        assert_eq!(finish(&test.db, &claimed, NOW + 9 * LEASE).await, 0);
        assert_eq!(state_of(&test.db, 1).await.0, "done", "{engine:?}");
        // A second settlement of the same claim changes nothing.
        assert_eq!(
            settle(&test.db, &claimed, &[claimed.rows[0].update(done())], NOW).await,
            1
        );
    }
}

#[tokio::test]
async fn a_renewed_lease_lasts_and_a_lost_one_is_not_renewed() {
    for engine in engines() {
        let test = filled(engine, &["ann", "bob"]).await;
        let claimed = claim_all(&test.db, NOW).await.unwrap();
        let renew = async |until_ms| JOBS.renew(&test.db, &claimed.lease, until_ms).await.unwrap();
        assert!(renew(NOW + 2 * LEASE).await);
        assert!(
            claim_all(&test.db, NOW + 2 * LEASE - 1).await.is_none(),
            "{engine:?}"
        );
        let other = claim_all(&test.db, NOW + 2 * LEASE).await;
        assert_eq!(jobs(&other), [1, 2], "{engine:?}");
        assert!(!renew(NOW + 9 * LEASE).await, "{engine:?}");
        assert_eq!(
            jobs(&claim_all(&test.db, NOW + 3 * LEASE).await),
            [1, 2],
            "{engine:?}"
        );
    }
}
