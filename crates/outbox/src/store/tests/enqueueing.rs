//! Writing events: what is kept, once, and in which order.

use super::*;

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
