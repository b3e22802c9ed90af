//! Claims: what is taken, in which order, and by whom.

use super::*;

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
