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
        let rows = claim_all(&test.db, "owner", NOW).await;
        settle_all(&test.db, "owner", &rows, NextState::Sent).await;
        assert_eq!(
            write(&test.db, &again).await,
            Enqueued::Duplicate,
            "after sending"
        );
        assert_eq!(prune(&test.db, NOW + 31 * DAY, 30).await.unwrap(), 1);
        assert_eq!(
            write(&test.db, &again).await,
            Enqueued::Duplicate,
            "after pruning"
        );
        assert_eq!(entry_of(&test.db, 1, 1).await.payload, None);
        assert_eq!(claim_all(&test.db, "owner", NOW).await, []);
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
        assert_eq!(
            ids(&claim_all(&test.db, "owner", NOW).await),
            numbered(&[1, 3, 2])
        );
    }
}

#[tokio::test]
async fn the_table_rejects_invalid_states() {
    for engine in engines() {
        let test = filled(engine, &[1]).await;
        let invalid_changes = [
            "state = 'lost'",
            "state = 'leased'",
            "state = 'leased', lease_owner = 'owner'",
            "lease_owner = 'owner', lease_until_ms = 1",
            "state = 'sent'",
            "sent_ms = 1",
            "state = 'parked', parked_ms = 1",
            "parked_reason = 'reason'",
            "payload = NULL",
            "attempts = -1",
            "lane = 'unknown'",
            "insert_id = NULL",
        ];
        for change in invalid_changes {
            let changed = sqlx::query(AssertSqlSafe(format!("UPDATE outbox SET {change}")))
                .execute(test.db.pool())
                .await;
            assert!(changed.is_err(), "{engine:?} accepted: {change}");
        }
    }
}
