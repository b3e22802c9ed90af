//! Tests of claims: which rows are claimed, and in which order.

use super::*;

#[tokio::test]
async fn a_claim_takes_due_rows_in_order_and_excludes_other_claims() {
    for engine in engines() {
        let test = filled(engine, &[1, 2, 1, 2]).await;
        assert!(claim_all(&test.db, NOW - 1).await.is_none(), "not due yet");
        let claim = claim_all(&test.db, NOW).await;
        assert_eq!(ids(&claim), numbered(&[1, 2, 3, 4]));
        let claim = claim.unwrap();
        assert!(
            claim
                .rows
                .iter()
                .all(|row| row.attempts == 1 && row.first_unknown_ms.is_none())
        );
        assert!(claim_all(&test.db, NOW).await.is_none());
        // A new row waits while an earlier row of the same user is leased. Other users' rows do not wait.
        write(&test.db, &sign_in(user_id(1), 5)).await;
        write(&test.db, &sign_in(user_id(3), 6)).await;
        assert_eq!(ids(&claim_all(&test.db, NOW).await), numbered(&[6]));
        settle_all(&test.db, &claim, sent()).await;
        assert_eq!(ids(&claim_all(&test.db, NOW).await), numbered(&[5]));
    }
}

#[tokio::test]
async fn a_claim_is_limited_per_batch_and_per_user() {
    for engine in engines() {
        let test = filled(engine, &[1, 1, 1, 2, 3, 3]).await;
        let rows = claim(&test.db, NOW, 4, 2).await;
        assert_eq!(
            ids(&rows),
            numbered(&[1, 2, 4, 5]),
            "the other rows of users 1 and 3 wait for these"
        );
        assert!(claim(&test.db, NOW, 4, 2).await.is_none());
    }
}

#[tokio::test]
async fn a_waiting_row_blocks_its_user_and_a_parked_row_does_not() {
    for engine in engines() {
        let test = filled(engine, &[1, 1, 2, 2]).await;
        let claim = claim_all(&test.db, NOW).await.unwrap();
        // The second row of each user is held.
        let updates = [
            claim.rows[0].update(retry_at(NOW + 5_000)),
            claim.rows[2].update(park(ParkReason::TooLarge)),
        ];
        let mut tx = test.db.write().await.unwrap();
        let lost = OUTBOX.settle(&mut tx, engine, &claim.lease, &updates, NOW).await;
        assert_eq!(lost.unwrap(), 0);
        tx.commit().await.unwrap();
        assert_eq!(ids(&claim_all(&test.db, NOW + 4_999).await), numbered(&[4]));
        assert_eq!(ids(&claim_all(&test.db, NOW + 5_000).await), numbered(&[1, 2]));
    }
}

#[tokio::test]
async fn concurrent_claims_never_share_a_user() {
    for engine in engines() {
        let users: Vec<u128> = (0..60).map(|number| number % 20 + 1).collect();
        let test = filled(engine, &users).await;
        let claims = (0..8).map(|_| {
            let db = test.db.clone();
            tokio::spawn(async move { claim(&db, NOW, 9, 2).await })
        });
        let (mut claimed_users, mut claimed_rows) = (HashSet::new(), HashSet::new());
        for claimed in claims.collect::<Vec<_>>() {
            let Some(claim) = claimed.await.unwrap() else {
                continue;
            };
            let lanes: HashSet<_> = claim.rows.iter().map(|row| row.job.user_id.clone()).collect();
            assert!(claimed_users.is_disjoint(&lanes), "{engine:?}");
            claimed_users.extend(lanes);
            assert!(
                claim.rows.iter().all(|row| claimed_rows.insert(row.sequence)),
                "{engine:?}"
            );
        }
        assert!(!claimed_rows.is_empty());
    }
}

#[tokio::test]
async fn a_claim_skips_a_user_whose_event_is_being_written() {
    // SQLite allows only one write transaction at a time.
    for engine in engines().into_iter().filter(|engine| *engine == Engine::Postgres) {
        let test = filled(engine, &[1, 2]).await;
        let mut tx = test.db.write().await.unwrap();
        enqueue(&mut tx, &sign_in(user_id(1), 3), NOW).await.unwrap();
        assert_eq!(ids(&claim_all(&test.db, NOW).await), numbered(&[2]));
        tx.commit().await.unwrap();
        assert_eq!(ids(&claim_all(&test.db, NOW).await), numbered(&[1, 3]));
    }
}

#[tokio::test]
async fn a_claim_that_races_a_late_settlement_claims_nothing() {
    for engine in engines().into_iter().filter(|engine| *engine == Engine::Postgres) {
        let test = filled(engine, &[1, 1]).await;
        let late = claim_all(&test.db, NOW).await.unwrap();
        let mut tx = test.db.write().await.unwrap();
        let update = late.rows[0].update(retry_at(NOW + DAY));
        let settled = OUTBOX.settle(&mut tx, engine, &late.lease, &[update], NOW).await;
        assert_eq!(settled.unwrap(), 0);
        assert!(
            claim_all(&test.db, NOW + LEASE).await.is_none(),
            "the lane is locked"
        );
        tx.commit().await.unwrap();
        // The first event is now due tomorrow. The second must not be sent before it.
        assert!(claim_all(&test.db, NOW + LEASE).await.is_none());
        assert_eq!(ids(&claim_all(&test.db, NOW + DAY).await), numbered(&[1, 2]));
    }
}
