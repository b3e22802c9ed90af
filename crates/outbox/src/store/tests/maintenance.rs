//! Tests of changes to rows outside delivery.

use super::*;

#[tokio::test]
async fn withdrawn_consent_parks_unsent_rows_permanently() {
    for engine in engines() {
        let test = filled(engine, &[1, 2]).await;
        let claim = claim_all(&test.db, NOW).await.unwrap();
        write(&test.db, &sign_in(user_id(1), 3)).await;
        let mut tx = test.db.write().await.unwrap();
        assert_eq!(
            park_unsent(&mut tx, user_id(1), ParkReason::ConsentWithdrawn, NOW)
                .await
                .unwrap(),
            2
        );
        assert_eq!(
            replay(&mut tx, &insert_id(1), NOW).await.unwrap(),
            ReplayOutcome::ConsentWithdrawn
        );
        tx.commit().await.unwrap();
        assert_eq!(
            settle_all(&test.db, &claim, sent()).await,
            1,
            "user 1's row was parked, user 2's was not"
        );
        let withdrawn = entry_of(&test.db, 1, 1).await;
        assert_eq!(withdrawn.parked_reason.as_deref(), Some("consent withdrawn"));
        assert_eq!(entry_of(&test.db, 2, 2).await.state, OutboxState::Sent);
        assert!(claim_all(&test.db, NOW + LEASE).await.is_none());
    }
}

#[tokio::test]
async fn account_deletion_leaves_no_unsent_row_and_no_payload() {
    for engine in engines() {
        let test = filled(engine, &[1, 1, 2]).await;
        let claim = claim_all(&test.db, NOW).await.unwrap();
        settle(&test.db, &claim, &[sent(), park(ParkReason::Silenced)], NOW).await;
        write(&test.db, &sign_in(user_id(1), 4)).await;
        let mut tx = test.db.write().await.unwrap();
        assert_eq!(delete_unsent(&mut tx, user_id(1), NOW).await.unwrap(), 2);
        tx.commit().await.unwrap();
        let remaining = events_of(&test.db, user_id(1), 10).await.unwrap();
        let remaining: Vec<_> = remaining
            .into_iter()
            .map(|entry| (entry.insert_id, entry.payload, entry.device_id))
            .collect();
        assert_eq!(remaining, [(insert_id(1), None, None)]);
        assert!(
            entry_of(&test.db, 2, 3).await.payload.is_some(),
            "user 2's row is unchanged"
        );
    }
}

#[tokio::test]
async fn a_replayed_row_has_no_attempts() {
    for engine in engines() {
        let test = filled(engine, &[1]).await;
        let claim = claim_all(&test.db, NOW).await.unwrap();
        settle_all(&test.db, &claim, park(ParkReason::DedupWindowPassed)).await;
        let mut tx = test.db.write().await.unwrap();
        assert_eq!(
            replay(&mut tx, "sign-in:unknown", NOW).await.unwrap(),
            ReplayOutcome::NotParked
        );
        assert_eq!(
            replay(&mut tx, &insert_id(1), NOW + 5).await.unwrap(),
            ReplayOutcome::Replayed
        );
        assert_eq!(
            replay(&mut tx, &insert_id(1), NOW + 5).await.unwrap(),
            ReplayOutcome::NotParked
        );
        tx.commit().await.unwrap();
        let again = claim_all(&test.db, NOW + 5).await.unwrap();
        assert_eq!(
            (again.rows[0].attempts, again.rows[0].first_unknown_ms),
            (1, None)
        );
    }
}

#[tokio::test]
async fn a_sent_row_has_no_payload_and_no_device() {
    for engine in engines() {
        let test = filled(engine, &[1, 2]).await;
        let claim = claim_all(&test.db, NOW).await.unwrap();
        settle(&test.db, &claim, &[sent()], NOW).await;
        let entry = entry_of(&test.db, 1, 1).await;
        assert_eq!((entry.payload, entry.device_id), (None, None), "{engine:?}");
        assert!(entry_of(&test.db, 2, 2).await.payload.is_some(), "{engine:?}");
    }
}

#[tokio::test]
async fn parked_rows_are_deleted_after_90_days() {
    for engine in engines() {
        let test = filled(engine, &[1, 2]).await;
        let claim = claim_all(&test.db, NOW).await.unwrap();
        settle(&test.db, &claim, &[park(ParkReason::ConsentWithdrawn)], NOW).await;
        assert_eq!(
            prune(&test.db, NOW + 90 * DAY).await.unwrap(),
            0,
            "kept for 90 days"
        );
        assert_eq!(prune(&test.db, NOW + 90 * DAY + 1).await.unwrap(), 1);
        assert_eq!(events_of(&test.db, user_id(1), 10).await.unwrap(), []);
        assert!(
            entry_of(&test.db, 2, 2).await.payload.is_some(),
            "{engine:?}: it is still to be sent"
        );
    }
}

#[tokio::test]
async fn recent_users_are_ordered_by_their_latest_row() {
    for engine in engines() {
        let test = filled(engine, &[1, 2, 3, 1]).await;
        let users = recent_users(&test.db, 2).await.unwrap();
        assert_eq!(users, [user_id(1), user_id(3)], "{engine:?}");
        assert_eq!(recent_users(&test.db, 10).await.unwrap().len(), 3, "{engine:?}");
    }
}
