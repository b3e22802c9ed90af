//! Tests of the list of logins and of ending other logins.

use backend::Visitor;
use db::testing::engines;

use crate::support::{DAY, MINUTE, NOW, PASSWORD, Store, sign_in, visitor};

#[tokio::test]
async fn only_the_owner_can_end_a_login_from_another_browser() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let laptop = store.sign_up("ada@example.com").await;
        let other_user = store.sign_up("bob@example.com").await;
        store.clock.advance(MINUTE);
        let on_phone = Visitor {
            user_agent: "Phone/1.0".to_owned(),
            ..visitor()
        };
        let phone = store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &on_phone)
            .await
            .unwrap();

        let list = store.accounts.open_logins(&laptop).await.unwrap();
        let listed: Vec<_> = list
            .iter()
            .map(|open| (open.id, open.signed_in_at_ms, open.user_agent.as_str()))
            .collect();
        let expected = [
            (phone.id, NOW + MINUTE, "Phone/1.0"),
            (laptop.id, NOW, "Browser/1.0"),
        ];
        assert_eq!(listed, expected, "{engine:?}");

        for (by, ended) in [(&other_user, &laptop), (&laptop, &laptop), (&laptop, &other_user)] {
            store.accounts.end_other_login(by, ended.id).await.unwrap();
            assert!(store.login(ended.id).await.is_some(), "{engine:?}");
        }
        store.accounts.end_other_login(&laptop, phone.id).await.unwrap();
        assert_eq!(store.login(phone.id).await, None, "{engine:?}");
        assert_eq!(store.count("logins WHERE ended_by = 'revoked'").await, 1);
        assert_eq!(store.accounts.open_logins(&laptop).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn ending_other_logins_keeps_the_current_one() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let laptop = store.sign_up("ada@example.com").await;
        let other_user = store.sign_up("bob@example.com").await;
        for _ in 0..3 {
            store
                .accounts
                .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
                .await
                .unwrap();
        }
        let events = store.count("outbox").await;
        assert_eq!(
            store.accounts.end_other_logins(&laptop).await.unwrap(),
            3,
            "{engine:?}"
        );
        assert_eq!(store.accounts.end_other_logins(&laptop).await.unwrap(), 0);
        for login in [&laptop, &other_user] {
            assert!(store.login(login.id).await.is_some(), "{engine:?}");
        }
        assert_eq!(store.count("outbox").await, events, "no sign-out event");
    }
}

#[tokio::test]
async fn a_login_ends_90_days_after_the_sign_in_however_often_it_is_used() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let used = store.sign_up("ada@example.com").await;
        let idle = store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
            .await
            .unwrap();
        let end = store.accounts.open_logins(&used).await.unwrap()[0].ends_at_ms();
        assert_eq!(end, NOW + 90 * DAY, "{engine:?}");
        let mut idle_ended_on = None;
        for day in 1..90 {
            store.clock.advance(DAY);
            let login = store.login(used.id).await.expect("it is in use");
            assert!(store.accounts.record_activity(&login).await.unwrap());
            if store.login(idle.id).await.is_none() {
                idle_ended_on.get_or_insert(day);
            }
        }
        assert_eq!(idle_ended_on, Some(30), "{engine:?}: idle");
        store.clock.advance(DAY - 1);
        assert!(store.login(used.id).await.is_some(), "{engine:?}");
        store.clock.advance(1);
        // No sweep has run: the query decides.
        assert_eq!(store.count("logins WHERE ended_at IS NOT NULL").await, 0);
        assert_eq!(store.login(used.id).await, None, "{engine:?}");
        assert_eq!(store.accounts.open_logins(&used).await.unwrap(), [], "{engine:?}");
    }
}
