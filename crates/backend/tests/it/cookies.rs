//! Tests of the session store of login cookies.

use backend::accounts::{CookieLogin, LoginCookies};
use db::testing::engines;
use serde_json::json;
use time::{Duration, OffsetDateTime};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use uuid::Uuid;

use crate::support::{DAY, NOW, Store, visitor};

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

#[tokio::test]
async fn a_cookie_leads_to_its_login() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let cookies = LoginCookies::new(store.test.db.clone(), store.clock.clone());
        let login = store.sign_up("ada@example.com").await;
        let named = |id: i128, data: serde_json::Value| {
            let mut record = record(id, Duration::days(1));
            record.data = [(LoginCookies::LOGIN.to_owned(), data)].into();
            record
        };
        for mut stored in [
            named(1, json!(login.id)),
            named(2, json!(Uuid::nil())),
            Record {
                data: [("theme".to_owned(), json!("dark"))].into(),
                ..record(3, Duration::days(1))
            },
        ] {
            cookies.create(&mut stored).await.unwrap();
        }
        let open = CookieLogin {
            id: login.id,
            open: Some(login.clone()),
        };
        let ended = CookieLogin {
            id: login.id,
            open: None,
        };
        let unknown = CookieLogin {
            id: Uuid::nil(),
            open: None,
        };
        let found = async |id| store.accounts.login_of_cookie(&Id(id)).await.unwrap();
        assert_eq!(found(1).await, Some(open), "{engine:?}");
        assert_eq!(found(2).await, Some(unknown), "{engine:?}");
        assert_eq!(found(3).await, None, "{engine:?}");
        assert_eq!(found(4).await, None, "{engine:?}");

        store.accounts.sign_out(&login, &visitor()).await.unwrap();
        assert_eq!(found(1).await, Some(ended), "{engine:?}");
        store.clock.advance(DAY);
        assert_eq!(found(1).await, None, "{engine:?}");
    }
}
