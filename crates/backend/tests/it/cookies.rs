//! Tests of the session store of login cookies.

use backend::accounts::LoginCookies;
use db::testing::engines;
use serde_json::json;
use time::{Duration, OffsetDateTime};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};

use crate::support::{NOW, Store};

fn record(id: i128, lifetime: Duration) -> Record {
    let now = OffsetDateTime::from_unix_timestamp_nanos(i128::from(NOW) * 1_000_000).unwrap();
    let data = [("login".to_owned(), json!("first"))].into();
    Record {
        id: Id(id),
        data,
        expiry_date: now + lifetime,
    }
}

#[tokio::test]
async fn a_deleted_record_can_be_read_for_one_more_minute() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let cookies = LoginCookies::new(store.test.db.clone(), store.clock.clone());
        let mut stored_record = record(7, Duration::days(30));
        cookies.create(&mut stored_record).await.unwrap();
        assert_eq!(stored_record.id, Id(7), "{engine:?}");
        assert_eq!(cookies.load(&Id(7)).await.unwrap(), Some(stored_record.clone()));
        assert_eq!(cookies.load(&Id(8)).await.unwrap(), None);

        stored_record.data.insert("login".into(), json!("second"));
        stored_record.expiry_date += Duration::days(1);
        cookies.save(&stored_record).await.unwrap();
        assert_eq!(
            cookies.load(&Id(7)).await.unwrap(),
            Some(stored_record),
            "{engine:?}"
        );
        assert_eq!(store.count("login_cookies").await, 1);

        cookies.delete(&Id(7)).await.unwrap();
        store.clock.advance(59_999);
        assert!(cookies.load(&Id(7)).await.unwrap().is_some(), "{engine:?}");
        cookies.delete(&Id(7)).await.unwrap();
        store.clock.advance(1);
        assert_eq!(cookies.load(&Id(7)).await.unwrap(), None, "{engine:?}");
    }
}

#[tokio::test]
async fn two_records_never_share_an_id() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let cookies = LoginCookies::new(store.test.db.clone(), store.clock.clone());
        let (mut first, mut second) = (record(7, Duration::days(1)), record(7, Duration::days(1)));
        second.data.insert("login".into(), json!("another"));
        cookies.create(&mut first).await.unwrap();
        cookies.create(&mut second).await.unwrap();
        assert_ne!(second.id, first.id, "{engine:?}");
        assert_eq!(cookies.load(&first.id).await.unwrap(), Some(first));
        assert_eq!(cookies.load(&second.id).await.unwrap(), Some(second));
    }
}

#[tokio::test]
async fn an_expired_record_is_not_returned() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let cookies = LoginCookies::new(store.test.db.clone(), store.clock.clone());
        cookies
            .create(&mut record(7, Duration::seconds(1)))
            .await
            .unwrap();
        store.clock.advance(999);
        assert!(cookies.load(&Id(7)).await.unwrap().is_some(), "{engine:?}");
        store.clock.advance(1);
        assert_eq!(cookies.load(&Id(7)).await.unwrap(), None, "{engine:?}");
    }
}

#[tokio::test]
async fn the_table_does_not_contain_the_cookie_value() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let cookies = LoginCookies::new(store.test.db.clone(), store.clock.clone());
        let mut stored_record = record(0x1234_5678_9abc_def0_1234_5678_9abc_def0, Duration::days(1));
        cookies.create(&mut stored_record).await.unwrap();
        let stored = store
            .texts("SELECT id_hash || ' ' || data FROM login_cookies")
            .await
            .join(" ");
        assert!(stored.contains("login"), "{stored}");
        assert!(
            !stored.contains(&stored_record.id.to_string()),
            "{engine:?}: {stored}"
        );
        let (hash, _) = stored.split_once(' ').unwrap();
        assert!(
            hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{engine:?}: {hash}"
        );
    }
}
