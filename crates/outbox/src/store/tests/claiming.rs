//! Tests of claims: which rows are claimed, in which order, and by which dispatcher.

use super::*;

#[tokio::test]
async fn a_claim_takes_due_rows_in_order_and_excludes_other_claims() {
    for engine in engines() {
        let test = filled(engine, &[1, 2, 1, 2]).await;
        assert_eq!(claim_all(&test.db, "owner", NOW - 1).await, [], "not due yet");
        let rows = claim_all(&test.db, "owner", NOW).await;
        assert_eq!(ids(&rows), numbered(&[1, 2, 3, 4]));
        assert!(
            rows.iter()
                .all(|row| row.attempts == 1 && row.first_unknown_ms.is_none())
        );
        assert_eq!(claim_all(&test.db, "other", NOW).await, []);
        // A new row waits while an earlier row of the same user is leased. Other users' rows do not wait.
        write(&test.db, &sign_in(user_id(1), 5)).await;
        write(&test.db, &sign_in(user_id(3), 6)).await;
        assert_eq!(ids(&claim_all(&test.db, "other", NOW).await), numbered(&[6]));
        settle_all(&test.db, "owner", &rows, NextState::Sent).await;
        assert_eq!(ids(&claim_all(&test.db, "other", NOW).await), numbered(&[5]));
    }
}

#[tokio::test]
async fn a_claim_is_limited_per_batch_and_per_user() {
    for engine in engines() {
        let test = filled(engine, &[1, 1, 1, 2, 3, 3]).await;
        let request = ClaimRequest {
            owner: "owner",
            now_ms: NOW,
            lease_until_ms: NOW + LEASE,
            rows: 4,
            per_user: 2,
        };
        let rows = claim(&test.db, &request).await.unwrap();
        assert_eq!(
            ids(&rows),
            numbered(&[1, 2, 4, 5]),
            "the other rows of users 1 and 3 wait for these"
        );
        assert_eq!(
            claim(
                &test.db,
                &ClaimRequest {
                    owner: "other",
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
async fn a_waiting_row_blocks_its_user_and_a_parked_row_does_not() {
    for engine in engines() {
        let test = filled(engine, &[1, 1, 2, 2]).await;
        let rows = claim_all(&test.db, "owner", NOW).await;
        let [ann, ann_next, bob, bob_next] = rows.as_slice() else {
            panic!("{rows:?}")
        };
        let held = NextState::Retry {
            at_ms: NOW,
            attempts: 0,
            panics: 0,
            first_unknown_ms: None,
            error: None,
        };
        let settlements = [
            settlement(ann, &retry_at(NOW + 5_000)),
            settlement(ann_next, &held),
            settlement(bob, &NextState::Park(ParkReason::TooLarge)),
            settlement(bob_next, &held),
        ];
        assert_eq!(settle(&test.db, "owner", &settlements, NOW).await.unwrap(), 0);
        assert_eq!(
            ids(&claim_all(&test.db, "owner", NOW + 4_999).await),
            numbered(&[4])
        );
        assert_eq!(
            ids(&claim_all(&test.db, "owner", NOW + 5_000).await),
            numbered(&[1, 2])
        );
    }
}

#[tokio::test]
async fn concurrent_claims_never_share_a_user() {
    for engine in engines() {
        let users: Vec<u128> = (0..60).map(|number| number % 20 + 1).collect();
        let test = filled(engine, &users).await;
        let claims = (0..8).map(|claimer| {
            let db = test.db.clone();
            tokio::spawn(async move {
                let owner = format!("claimer {claimer}");
                let request = ClaimRequest {
                    owner: &owner,
                    now_ms: NOW,
                    lease_until_ms: NOW + LEASE,
                    rows: 9,
                    per_user: 2,
                };
                claim(&db, &request).await.unwrap()
            })
        });
        let (mut claimed_users, mut claimed_rows) = (HashSet::new(), HashSet::new());
        for claimed in claims.collect::<Vec<_>>() {
            let rows = claimed.await.unwrap();
            let lanes: HashSet<_> = rows.iter().map(|row| row.delivery.user_id.clone()).collect();
            assert!(claimed_users.is_disjoint(&lanes), "{engine:?}");
            claimed_users.extend(lanes);
            assert!(
                rows.iter().all(|row| claimed_rows.insert(row.sequence)),
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
        assert_eq!(ids(&claim_all(&test.db, "owner", NOW).await), numbered(&[2]));
        tx.commit().await.unwrap();
        assert_eq!(ids(&claim_all(&test.db, "owner", NOW).await), numbered(&[1, 3]));
    }
}

#[tokio::test]
async fn a_claim_that_races_a_late_settlement_claims_nothing() {
    for engine in engines().into_iter().filter(|engine| *engine == Engine::Postgres) {
        let test = filled(engine, &[1, 1]).await;
        claim_all(&test.db, "late", NOW).await;
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
        let claiming = tokio::spawn(async move { claim_all(&db, "owner", NOW + LEASE).await });
        wait_for_lock_contention(&test.db).await;
        late.commit().await.unwrap();
        // The first event is now due tomorrow. The second must not be sent before it.
        assert_eq!(claiming.await.unwrap(), []);
        assert_eq!(claim_all(&test.db, "owner", NOW + LEASE).await, []);
        assert_eq!(
            ids(&claim_all(&test.db, "owner", NOW + DAY).await),
            numbered(&[1, 2])
        );
    }
}

#[tokio::test]
async fn the_claim_queries_use_the_indexes_of_unsettled_rows() {
    let test = filled(Engine::Sqlite, &[1]).await;
    let plans = [
        (
            claim::due_lanes_sql("", ""),
            vec![
                "INDEX outbox_unsettled",
                "outbox_unsettled_by_lane (lane=? AND sequence<?)",
            ],
        ),
        (
            claim::unsettled_rows_sql(2),
            vec!["outbox_unsettled_by_lane (lane=?)"],
        ),
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
