//! Operations: outbox counts, replays, webhooks, duplicate subscriptions.

use backend::billing::Billing;
use backend::billing::inbox::InboxState;
use backend::config::Config;
use backend::operations::{Operations, ReplayOutcome};
use db::testing::engines;
use outbox::Wakeup;

use crate::support::{DAY, MINUTE, NOW, Store};

fn operations(store: &Store) -> Operations {
    Operations::new(store.test.db.clone(), store.clock.clone(), Wakeup::new())
}

async fn park(store: &Store, reason: &str) {
    let sql = format!("UPDATE outbox SET state = 'parked', parked_ms = {NOW}, parked_reason = '{reason}'");
    store.execute(&sql).await;
}

#[tokio::test]
async fn the_last_hour_is_counted_minute_by_minute() {
    for engine in engines() {
        let store = Store::new(engine).await;
        // The clock is 40 s into its minute.
        for (number, before_ms) in [
            (1, 0),
            (2, 39_999),
            (3, 40_001),
            (4, 59 * MINUTE),
            (5, 60 * MINUTE),
            (6, DAY),
        ] {
            store.sign_up(&format!("ada{number}@example.com")).await;
            let sent = NOW - before_ms;
            store
                .execute(&format!(
                    "UPDATE outbox SET state = 'sent', sent_ms = {sent} WHERE state = 'pending'"
                ))
                .await;
        }
        store.sign_up("waiting@example.com").await;
        store.clock.advance(5_000);
        let found = operations(&store).deliveries().await.unwrap();
        let hour = found.hour.by_minute;
        assert_eq!(
            (hour.len(), hour[59], hour[58], hour[0]),
            (60, 2, 1, 1),
            "{engine:?}"
        );
        assert_eq!(hour.iter().sum::<i64>(), 4, "{engine:?}");
        assert_eq!(found.hour.from_ms % MINUTE, 0);
        assert_eq!((found.counts.sent, found.counts.pending), (6, 1));
        assert_eq!(found.counts.lag_ms(NOW + 5_000), Some(5_000));
        assert_eq!(found.health, None, "no dispatcher runs here");
    }
}

#[tokio::test]
async fn parked_events_are_replayed_unless_consent_was_withdrawn() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let operations = operations(&store);
        let ada = store.sign_up("ada@example.com").await.user.id;
        let insert_id = format!("sign-up:{ada}");
        for (reason, expected, waiting) in [
            ("consent withdrawn", ReplayOutcome::ConsentWithdrawn, 0),
            ("too large", ReplayOutcome::Replayed, 1),
            ("too large", ReplayOutcome::Replayed, 1),
        ] {
            park(&store, reason).await;
            let parked = operations.deliveries().await.unwrap().parked;
            assert_eq!(parked[0].parked_reason.as_deref(), Some(reason), "{engine:?}");
            assert_eq!(
                operations.replay(&insert_id).await.unwrap(),
                expected,
                "{engine:?}"
            );
            let counts = operations.deliveries().await.unwrap().counts;
            assert_eq!(counts.pending, waiting, "{engine:?}: {reason}");
        }
        for unknown in [insert_id.as_str(), "", "'; DROP TABLE outbox; --"] {
            assert_eq!(
                operations.replay(unknown).await.unwrap(),
                ReplayOutcome::NotParked
            );
        }
    }
}

fn billing(store: &Store) -> Billing {
    let config = Config::read(|_| None).unwrap();
    Billing::new(&config, store.test.db.clone(), store.clock.clone(), Wakeup::new()).unwrap()
}

#[tokio::test]
async fn webhooks_are_listed_by_state_newest_first_and_replayed() {
    for engine in engines() {
        let store = Store::new(engine).await;
        for (id, state, applied, parked, reason) in [
            ("evt_1", "parked", "NULL", "1", "'unknown customer'"),
            ("evt_2", "pending", "NULL", "NULL", "NULL"),
            ("evt_3", "applied", "1", "NULL", "NULL"),
            ("evt_4", "parked", "NULL", "1", "'unreadable'"),
        ] {
            let came = NOW + id[4..].parse::<i64>().unwrap();
            store
                .execute(&format!(
                    "INSERT INTO stripe_inbox (event_id, lane, event_type, payload, enqueued_ms, state, attempts,
                                               next_attempt_ms, applied_ms, parked_ms, parked_reason)
                     VALUES ('{id}', 'cus_1', 'invoice.paid', '{{}}', {came}, '{state}', 6, {NOW}, {applied}, {parked},
                             {reason})"
                ))
                .await;
        }
        let billing = billing(&store);
        let ids = async |state| {
            let rows = billing.inbox(state, 3).await.unwrap();
            rows.into_iter().map(|row| row.event_id).collect::<Vec<_>>()
        };
        assert_eq!(ids(None).await, ["evt_4", "evt_3", "evt_2"], "{engine:?}");
        assert_eq!(
            ids(Some(InboxState::Parked)).await,
            ["evt_4", "evt_1"],
            "{engine:?}"
        );
        assert!(billing.replay("evt_1").await.unwrap(), "{engine:?}");
        assert!(
            !billing.replay("evt_1").await.unwrap(),
            "it is not parked any more"
        );
        assert!(!billing.replay("evt_3").await.unwrap(), "it is applied");
        assert_eq!(
            ids(Some(InboxState::Pending)).await,
            ["evt_2", "evt_1"],
            "{engine:?}"
        );
        let counts = billing.inbox_counts().await.unwrap();
        assert_eq!((counts.pending, counts.applied, counts.parked), (2, 1, 1));
        assert_eq!(counts.oldest_pending_ms, Some(NOW + 1));
    }
}

#[tokio::test]
async fn duplicate_subscriptions_are_listed_with_their_account() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = store.sign_up("ada@example.com").await.user.id;
        for sql in [
            format!(
                "INSERT INTO stripe_customers (id, user_id, created_at) VALUES ('cus_1', '{ada}', {NOW})"
            ),
            format!("INSERT INTO stripe_customers (id, user_id, created_at) VALUES ('cus_2', NULL, {NOW})"),
            format!(
                "INSERT INTO subscriptions (id, customer_id, status, object, fetched_at, turned_away)
                 VALUES ('sub_1', 'cus_1', 'active', '{{}}', {NOW}, 0),
                        ('sub_2', 'cus_1', 'canceled', '{{}}', {NOW}, 1),
                        ('sub_3', 'cus_2', 'canceled', '{{}}', {}, 1)",
                NOW + 1
            ),
        ] {
            store.execute(&sql).await;
        }
        let found = billing(&store).duplicate_subscriptions(10).await.unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|second| (second.id.as_str(), second.account))
            .collect();
        assert_eq!(found, [("sub_3", None), ("sub_2", Some(ada))], "{engine:?}");
    }
}
