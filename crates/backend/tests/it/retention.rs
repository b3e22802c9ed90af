//! Tests of retention: the sweeps remove expired rows only.

use backend::accounts::LoginCookies;
use db::testing::engines;
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};

use crate::support::{DAY, MINUTE, NOW, Store, form_errors, sign_in, visitor};

#[tokio::test]
async fn expired_data_is_removed_and_valid_data_is_kept() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let idle = store.sign_up("ada@example.com").await;
        let used = store.sign_up("bob@example.com").await;
        form_errors(
            store
                .accounts
                .sign_in(sign_in("ada@example.com", "a wrong one"), &visitor())
                .await,
        );
        let cookies = LoginCookies::new(store.test.db.clone(), store.clock.clone());
        for (id, days) in [(1, 30), (2, 31)] {
            let at =
                OffsetDateTime::from_unix_timestamp_nanos(i128::from(NOW + days * DAY) * 1_000_000).unwrap();
            cookies
                .create(&mut Record {
                    id: Id(id),
                    data: Default::default(),
                    expiry_date: at,
                })
                .await
                .unwrap();
        }

        store.clock.advance(MINUTE);
        store.sweep().await;
        assert_eq!(
            (store.count("login_cookies").await, store.count("throttles").await),
            (2, 6),
            "{engine:?}: too soon"
        );

        store.clock.advance(5 * MINUTE);
        assert!(store.accounts.record_activity(&used).await.unwrap());
        store.clock.advance(30 * DAY - 6 * MINUTE + 1);
        store.sweep().await;
        assert_eq!(
            (store.count("login_cookies").await, store.count("throttles").await),
            (1, 0),
            "{engine:?}"
        );
        assert!(cookies.load(&Id(2)).await.unwrap().is_some());
        assert_eq!(store.login(idle.id).await, None, "{engine:?}: unused for 30 days");
        assert!(store.login(used.id).await.is_some(), "{engine:?}");
        assert_eq!(store.count("logins WHERE ended_by = 'expired'").await, 1);
        assert_eq!(
            store.count("outbox").await,
            2,
            "an expired login writes no sign-out event"
        );
    }
}

const OLD: i64 = NOW - 91 * DAY;

/// Rows of every table with a sweep: the old ones expired, the others did not. Each `{at}` is a time in ms since the
/// epoch, each `{id}` is unique.
const ROWS: [(&str, &str); 8] = [
    (
        "logins",
        "INSERT INTO logins (id, user_id, created_at, last_seen_at, user_agent, ended_at, ended_by)
         VALUES ('{id}', '{user}', {at}, {at}, 'Browser/1.0', {at}, 'sign_out')",
    ),
    (
        "handoffs",
        "INSERT INTO handoffs (click, user_id, action, consented, created_at)
         VALUES ('{id}', '{user}', 'cancel', 1, {at})",
    ),
    (
        "portal_visits",
        "INSERT INTO portal_visits (id, user_id, created_at) VALUES ('{id}', '{user}', {at})",
    ),
    (
        "sdk_sightings",
        "INSERT INTO sdk_sightings (device_id, session_id, user_id, seen_at) VALUES ('{id}', {at}, '{user}', {at})",
    ),
    (
        "browser_counts",
        "INSERT INTO browser_counts (device_id, session_id, fired_events, fired_pages, updated_at)
         VALUES ('{id}', {at}, 1, 1, {at})",
    ),
    (
        "stripe_inbox",
        "INSERT INTO stripe_inbox (event_id, lane, event_type, payload, enqueued_ms, state, next_attempt_ms, parked_ms,
                                   parked_reason)
         VALUES ('{id}', 'cus_{id}', 'customer.updated', '{}', {at}, 'parked', {at}, {at}, 'unknown customer')",
    ),
    (
        "stripe_customers",
        "INSERT INTO stripe_customers (id, created_at, erased_ms) VALUES ('{id}', {at}, {at})",
    ),
    (
        "account_deletions",
        "INSERT INTO account_deletions (lane, enqueued_ms, state, step, next_attempt_ms, finished_ms)
         VALUES ('{id}', {at}, 'done', 'done', {at}, {at})",
    ),
];

async fn insert_rows(store: &Store, user: &str, prefix: &str, rows: usize, at_ms: i64) {
    for row in 0..rows {
        for (_, sql) in ROWS {
            let sql = sql
                .replace("{id}", &format!("{prefix}-{row}"))
                .replace("{user}", user)
                .replace("{at}", &at_ms.to_string());
            store.execute(&sql).await;
        }
    }
}

#[tokio::test]
async fn rows_older_than_90_days_are_removed_and_newer_ones_are_kept() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let user = store.sign_up("ada@example.com").await.user.id.to_string();
        insert_rows(&store, &user, "old", 3, OLD).await;
        insert_rows(&store, &user, "new", 2, NOW - DAY).await;
        store.sweep().await;
        for (table, _) in ROWS {
            let new = match table {
                // One more is of the sign-up.
                "logins" => 3,
                _ => 2,
            };
            assert_eq!(store.count(table).await, new, "{engine:?}: {table}");
        }
        assert_eq!(store.sweep().await, 0, "{engine:?}: nothing is left to do");
    }
}

#[tokio::test]
async fn a_pending_webhook_stays_and_an_applied_one_does_not() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store
            .execute(&format!(
                "INSERT INTO stripe_inbox (event_id, lane, event_type, payload, enqueued_ms, state, next_attempt_ms,
                                           applied_ms)
                 VALUES ('evt_1', 'cus_1', 'customer.updated', '{{}}', {OLD}, 'pending', {OLD}, NULL),
                        ('evt_2', 'cus_1', 'customer.updated', NULL, {OLD}, 'applied', {OLD}, {OLD})"
            ))
            .await;
        assert_eq!(store.sweep().await, 1, "{engine:?}");
        assert_eq!(store.texts("SELECT event_id FROM stripe_inbox").await, ["evt_1"]);
    }
}

#[tokio::test]
async fn nothing_of_a_deleted_account_is_left_after_90_days() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let user = store.sign_up("ada@example.com").await.user.id;
        let other = store.sign_up("bob@example.com").await.user.id;
        store
            .execute("UPDATE outbox SET state = 'sent', sent_ms = 1, payload = NULL")
            .await;
        store
            .execute(&format!("DELETE FROM users WHERE id = '{user}'"))
            .await;
        store
            .execute(&format!(
                "INSERT INTO account_deletions (lane, enqueued_ms, state, step, next_attempt_ms, finished_ms)
                 VALUES ('{user}', {OLD}, 'done', 'done', {OLD}, {OLD})"
            ))
            .await;
        store.sweep().await;
        assert_eq!(store.texts("SELECT lane FROM outbox").await, [other.to_string()]);
        assert_eq!(store.count("account_deletions").await, 0, "{engine:?}");
    }
}

#[tokio::test]
async fn more_rows_than_one_batch_are_removed() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let rows: Vec<String> = (0..1_201).map(|row| format!("('key-{row}', 1, 1)")).collect();
        store
            .execute(&format!(
                "INSERT INTO throttles (key, failures, window_end) VALUES {}",
                rows.join(", ")
            ))
            .await;
        assert_eq!(store.sweep().await, 1_201, "{engine:?}");
        assert_eq!(store.count("throttles").await, 0, "{engine:?}");
    }
}

#[tokio::test]
async fn votes_of_a_deleted_poll_go_with_it() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let user = store.sign_up("ada@example.com").await.user.id;
        for (poll, deleted_ms) in [("old", Some(OLD)), ("kept", None)] {
            let deleted = deleted_ms.map_or_else(|| "NULL".to_owned(), |ms: i64| ms.to_string());
            store
                .execute(&format!(
                    "INSERT INTO polls (id, user_id, question, multiple_choice, created_at, form_id, deleted_at)
                     VALUES ('{poll}', '{user}', 'Lunch?', 0, 1, '{poll}', {deleted})"
                ))
                .await;
            store
                .execute(&format!(
                    "INSERT INTO votes (id, poll_id, token_hash, cast_at, changed_at) VALUES ('{poll}', '{poll}', 'x', 1, 1)"
                ))
                .await;
        }
        assert_eq!(store.sweep().await, 2, "{engine:?}: the poll and its vote");
        assert_eq!(store.texts("SELECT poll_id FROM votes").await, ["kept"]);
        assert_eq!(store.texts("SELECT id FROM polls").await, ["kept"]);
    }
}
