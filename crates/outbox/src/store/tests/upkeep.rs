//! Rows outside of delivery.

use super::*;

#[tokio::test]
async fn withdrawn_consent_parks_what_was_not_sent_for_good() {
    for engine in engines() {
        let test = filled(engine, &[1, 2]).await;
        let rows = take(&test.db, "us", NOW).await;
        write(&test.db, &sign_in(person(1), 3)).await;
        let mut tx = test.db.write().await.unwrap();
        assert_eq!(
            park_unsent(&mut tx, person(1), ParkReason::ConsentWithdrawn, NOW)
                .await
                .unwrap(),
            2
        );
        assert_eq!(
            replay(&mut tx, &insert_id(1), NOW).await.unwrap(),
            Replayed::Withheld
        );
        tx.commit().await.unwrap();
        assert_eq!(
            settle_all(&test.db, "us", &rows, Next::Sent).await,
            1,
            "Ann's was called back, Bob's was not"
        );
        let called_back = entry(&test.db, 1, 1).await;
        assert_eq!(called_back.parked_reason.as_deref(), Some("consent withdrawn"));
        assert_eq!(entry(&test.db, 2, 2).await.state, State::Sent);
        assert_eq!(take(&test.db, "us", NOW + LEASE).await, []);
    }
}

#[tokio::test]
async fn a_deleted_account_leaves_no_unsent_row_and_no_payload() {
    for engine in engines() {
        let test = filled(engine, &[1, 1, 2]).await;
        let rows = take(&test.db, "us", NOW).await;
        settle_all(&test.db, "us", &rows[..1], Next::Sent).await;
        settle_all(&test.db, "us", &rows[1..2], Next::Park(ParkReason::Silenced)).await;
        write(&test.db, &sign_in(person(1), 4)).await;
        let mut tx = test.db.write().await.unwrap();
        assert_eq!(drop_unsent(&mut tx, person(1), NOW).await.unwrap(), 2);
        assert_eq!(forget_sent(&mut tx, person(1)).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let left = events_of(&test.db, person(1), 10).await.unwrap();
        let left: Vec<_> = left
            .into_iter()
            .map(|entry| (entry.insert_id, entry.payload, entry.device_id))
            .collect();
        assert_eq!(left, [(insert_id(1), None, None)]);
        assert!(
            entry(&test.db, 2, 3).await.payload.is_some(),
            "Bob's is untouched"
        );
    }
}

#[tokio::test]
async fn a_parked_row_is_replayed_with_a_clean_slate() {
    for engine in engines() {
        let test = filled(engine, &[1]).await;
        let rows = take(&test.db, "us", NOW).await;
        settle_all(&test.db, "us", &rows, Next::Park(ParkReason::DedupWindowPassed)).await;
        let mut tx = test.db.write().await.unwrap();
        assert_eq!(
            replay(&mut tx, "sign-in:nobody", NOW).await.unwrap(),
            Replayed::NotParked
        );
        assert_eq!(
            replay(&mut tx, &insert_id(1), NOW + 5).await.unwrap(),
            Replayed::Yes
        );
        assert_eq!(
            replay(&mut tx, &insert_id(1), NOW + 5).await.unwrap(),
            Replayed::NotParked
        );
        tx.commit().await.unwrap();
        let again = take(&test.db, "us", NOW + 5).await;
        assert_eq!(
            again.first().map(|row| (row.attempts, row.first_unknown_ms)),
            Some((1, None))
        );
    }
}

#[tokio::test]
async fn pruning_takes_old_payloads_of_sent_rows_alone() {
    for engine in engines() {
        let test = filled(engine, &[1, 2]).await;
        let rows = take(&test.db, "us", NOW).await;
        settle_all(&test.db, "us", &rows[..1], Next::Sent).await;
        assert_eq!(
            prune(&test.db, NOW + 30 * DAY, 30).await.unwrap(),
            0,
            "kept for thirty days"
        );
        assert_eq!(prune(&test.db, NOW + 30 * DAY + 1, 30).await.unwrap(), 1);
        assert_eq!(entry(&test.db, 1, 1).await.payload, None);
        assert!(entry(&test.db, 2, 2).await.payload.is_some());
    }
}

#[tokio::test]
async fn the_newest_people_come_first() {
    for engine in engines() {
        let test = filled(engine, &[1, 2, 3, 1]).await;
        let people = newest_people(&test.db, 2).await.unwrap();
        assert_eq!(people, [person(1), person(3)], "{engine:?}");
        assert_eq!(newest_people(&test.db, 10).await.unwrap().len(), 3, "{engine:?}");
    }
}
