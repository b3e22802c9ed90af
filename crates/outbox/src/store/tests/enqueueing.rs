//! Tests of enqueueing: content, uniqueness and order of the rows.

use super::*;

#[tokio::test]
async fn an_event_is_stored_in_its_wire_form() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let event = sign_in(user_id(1), 1);
        assert_eq!(write(&test.db, &event).await, Enqueued::New);
        let stored = entry_of(&test.db, 1, 1).await;
        assert_eq!(
            stored.payload,
            Some(serde_json::to_string(&event.wire()).unwrap())
        );
        assert_eq!(
            stored.device_id.as_deref(),
            event.device().map(|device| device.as_str())
        );
        assert_eq!(
            (stored.event_type.as_str(), stored.time_ms),
            ("Sign-in completed", NOW)
        );
        assert_eq!(
            (stored.state, stored.attempts, stored.next_attempt_ms),
            (OutboxState::Pending, 0, NOW)
        );

        let expiration = PollExpiration {
            poll_id: Uuid::from_u128(9),
            vote_count: 3,
            closes_at_ms: NOW,
        };
        write(&test.db, &ServerEvent::system(user_id(1), &expiration, NOW)).await;
        let system = events_of(&test.db, user_id(1), 1).await.unwrap().remove(0);
        assert_eq!(
            (system.event_type.as_str(), system.device_id),
            ("Poll expiration", None)
        );
    }
}

#[tokio::test]
async fn a_rollback_removes_the_event() {
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let mut tx = test.db.write().await.unwrap();
        enqueue(&mut tx, &sign_in(user_id(1), 1), NOW).await.unwrap();
        drop(tx);
        assert_eq!(counts(&test.db).await.unwrap(), OutboxCounts::default());
    }
}

#[tokio::test]
async fn an_insert_id_stays_unique_after_sending_and_pruning() {
    for engine in engines() {
        let test = filled(engine, &[1]).await;
        let again = sign_in(user_id(1), 1);
        assert_eq!(
            write(&test.db, &again).await,
            Enqueued::Duplicate,
            "while pending"
        );
        let claim = claim_all(&test.db, NOW).await.unwrap();
        settle_all(&test.db, &claim, sent()).await;
        assert_eq!(
            write(&test.db, &again).await,
            Enqueued::Duplicate,
            "after sending"
        );
        assert_eq!(prune(&test.db, NOW + 1_000 * DAY).await.unwrap(), 0);
        assert_eq!(
            write(&test.db, &again).await,
            Enqueued::Duplicate,
            "after pruning"
        );
        assert_eq!(entry_of(&test.db, 1, 1).await.payload, None);
        assert!(claim_all(&test.db, NOW).await.is_none());
        assert_eq!(lanes(&test.db).await, 0, "{engine:?}: a duplicate leaves no lane");
    }
}

#[tokio::test]
async fn a_users_rows_are_numbered_in_commit_order() {
    for engine in engines().into_iter().filter(|engine| *engine == Engine::Postgres) {
        let test = TestDb::new(engine).await;
        let mut first = test.db.write().await.unwrap();
        enqueue(&mut first, &sign_in(user_id(1), 1), NOW).await.unwrap();
        let db = test.db.clone();
        let second = tokio::spawn(async move { write(&db, &sign_in(user_id(1), 2)).await });
        wait_for_lock_contention(&test.db).await;
        enqueue(&mut first, &sign_in(user_id(1), 3), NOW).await.unwrap();
        first.commit().await.unwrap();
        second.await.unwrap();
        assert_eq!(ids(&claim_all(&test.db, NOW).await), numbered(&[1, 3, 2]));
    }
}

#[tokio::test]
async fn the_table_rejects_invalid_states() {
    for engine in engines() {
        let test = filled(engine, &[1]).await;
        let invalid_changes = [
            "state = 'lost'",
            "state = 'leased'",
            "state = 'sent'",
            "sent_ms = 1",
            "state = 'parked', parked_ms = 1",
            "parked_reason = 'reason'",
            "payload = NULL",
            "attempts = -1",
            "lane = NULL",
            "insert_id = NULL",
        ];
        let invalid_lanes = [
            "lease_owner = 'owner'",
            "leased_ms = 1",
            "leased_to = 1",
            "next_due_ms = NULL",
        ];
        let of_rows = invalid_changes.map(|change| format!("UPDATE outbox SET {change}"));
        let of_lanes = invalid_lanes.map(|change| format!("UPDATE outbox_lanes SET {change}"));
        for sql in of_rows.into_iter().chain(of_lanes) {
            let mut tx = test.db.write().await.unwrap();
            let changed = sqlx::query(AssertSqlSafe(sql.clone())).execute(&mut *tx).await;
            let error = changed.expect_err(&sql).to_string();
            assert!(
                error.to_lowercase().contains("constraint"),
                "{engine:?}: {sql}: {error}"
            );
        }
    }
}
