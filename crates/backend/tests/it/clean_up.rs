//! Tests of the clean-up: it removes expired data only.

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
        store.accounts.clean_up().await.unwrap();
        assert_eq!(
            (store.count("login_cookies").await, store.count("throttles").await),
            (2, 2),
            "{engine:?}: too soon"
        );

        store.clock.advance(5 * MINUTE);
        assert!(store.accounts.record_activity(&used).await.unwrap());
        store.clock.advance(30 * DAY - 6 * MINUTE + 1);
        store.accounts.clean_up().await.unwrap();
        assert_eq!(
            (store.count("login_cookies").await, store.count("throttles").await),
            (1, 0),
            "{engine:?}"
        );
        assert!(cookies.load(&Id(2)).await.unwrap().is_some());
        assert_eq!(
            store.accounts.login(idle.id).await.unwrap(),
            None,
            "{engine:?}: unused for 30 days"
        );
        assert!(
            store.accounts.login(used.id).await.unwrap().is_some(),
            "{engine:?}"
        );
        assert_eq!(store.count("logins WHERE ended_by = 'expired'").await, 1);
        assert_eq!(
            store.count("outbox").await,
            2,
            "an expired login writes no sign-out event"
        );
    }
}
