//! Tests of changes to rows outside delivery.

use super::*;

#[tokio::test]
async fn withdrawn_consent_parks_unsent_rows_permanently() {
    for engine in engines() {
        let test = filled(engine, &[1, 2]).await;
        let rows = claim_all(&test.db, "owner", NOW).await;
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
            settle_all(&test.db, "owner", &rows, NextState::Sent).await,
            1,
            "user 1's row was parked, user 2's was not"
        );
        let withdrawn = entry_of(&test.db, 1, 1).await;
        assert_eq!(withdrawn.parked_reason.as_deref(), Some("consent withdrawn"));
        assert_eq!(entry_of(&test.db, 2, 2).await.state, OutboxState::Sent);
        assert_eq!(claim_all(&test.db, "owner", NOW + LEASE).await, []);
    }
}

#[tokio::test]
async fn account_deletion_leaves_no_unsent_row_and_no_payload() {
    for engine in engines() {
        let test = filled(engine, &[1, 1, 2]).await;
        let rows = claim_all(&test.db, "owner", NOW).await;
        settle_all(&test.db, "owner", &rows[..1], NextState::Sent).await;
        settle_all(
            &test.db,
            "owner",
            &rows[1..2],
            NextState::Park(ParkReason::Silenced),
        )
        .await;
        write(&test.db, &sign_in(user_id(1), 4)).await;
        let mut tx = test.db.write().await.unwrap();
        assert_eq!(delete_unsent(&mut tx, user_id(1), NOW).await.unwrap(), 2);
        assert_eq!(erase_sent_payloads(&mut tx, user_id(1)).await.unwrap(), 1);
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
        let rows = claim_all(&test.db, "owner", NOW).await;
        settle_all(
            &test.db,
            "owner",
            &rows,
            NextState::Park(ParkReason::DedupWindowPassed),
        )
        .await;
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
        let again = claim_all(&test.db, "owner", NOW + 5).await;
        assert_eq!(
            again.first().map(|row| (row.attempts, row.first_unknown_ms)),
            Some((1, None))
        );
    }
}

#[tokio::test]
async fn pruning_erases_old_payloads_of_sent_rows_only() {
    for engine in engines() {
        let test = filled(engine, &[1, 2]).await;
        let rows = claim_all(&test.db, "owner", NOW).await;
        settle_all(&test.db, "owner", &rows[..1], NextState::Sent).await;
        assert_eq!(
            prune(&test.db, NOW + 30 * DAY, 30).await.unwrap(),
            0,
            "kept for 30 days"
        );
        assert_eq!(prune(&test.db, NOW + 30 * DAY + 1, 30).await.unwrap(), 1);
        assert_eq!(entry_of(&test.db, 1, 1).await.payload, None);
        assert!(entry_of(&test.db, 2, 2).await.payload.is_some());
    }
}

#[tokio::test]
async fn parked_rows_are_deleted_after_90_days() {
    for engine in engines() {
        let test = filled(engine, &[1, 2]).await;
        let rows = claim_all(&test.db, "owner", NOW).await;
        settle_all(
            &test.db,
            "owner",
            &rows[..1],
            NextState::Park(ParkReason::ConsentWithdrawn),
        )
        .await;
        assert_eq!(
            prune(&test.db, NOW + 90 * DAY, 30).await.unwrap(),
            0,
            "kept for 90 days"
        );
        assert_eq!(prune(&test.db, NOW + 90 * DAY + 1, 30).await.unwrap(), 1);
        assert_eq!(events_of(&test.db, user_id(1), 10).await.unwrap(), []);
        assert!(
            entry_of(&test.db, 2, 2).await.payload.is_some(),
            "{engine:?}: it is still to be sent"
        );
    }
}

#[tokio::test]
async fn pruning_uses_the_indexes_of_sent_and_of_parked_rows() {
    let test = filled(Engine::Sqlite, &[1]).await;
    for (sql, index) in [
        (crate::store::maintenance::ERASE_SENT_PAYLOADS, "outbox_prunable"),
        (crate::store::maintenance::DELETE_PARKED, "outbox_parked"),
    ] {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let steps = sqlx::query(explain)
            .bind(NOW)
            .bind(1_i64)
            .fetch_all(test.db.pool())
            .await
            .unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
        assert!(steps.iter().any(|step| step.contains(index)), "{steps:?}");
        assert!(!steps.iter().any(|step| step.starts_with("SCAN")), "{steps:?}");
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
