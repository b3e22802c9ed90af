//! Tests of sign-in: errors, throttles and consent.

use std::net::IpAddr;

use backend::Visitor;
use db::testing::engines;
use forms::{Field, FieldError, FieldErrors};
use tracking::Choice;

use crate::support::{MINUTE, NOW, PASSWORD, Store, denying_visitor, form_errors, payload, sign_in, visitor};

#[tokio::test]
async fn sign_in_creates_a_login_and_an_event() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let first = store.sign_up("ada@example.com").await;
        store.clock.advance(MINUTE);
        let login = store
            .accounts
            .sign_in(sign_in("ADA@example.com", PASSWORD), &visitor())
            .await
            .unwrap();
        assert_ne!(login.id, first.id, "{engine:?}");
        assert_eq!(
            (login.user.clone(), login.last_seen_at_ms),
            (first.user.clone(), NOW + MINUTE)
        );
        assert_eq!(store.login(login.id).await, Some(login.clone()));

        let events = store.events_of(login.user.id).await;
        assert_eq!(events.len(), 2, "{engine:?}");
        assert_eq!(events[1].insert_id, format!("sign-in:{}", login.id));
        assert_eq!(
            (events[1].event_type.as_str(), events[1].time_ms),
            ("Sign-in completed", NOW + MINUTE)
        );
        let wire = payload(&events[1]);
        assert_eq!(wire["user_properties"]["$set"]["is_logged_in"], true);
        assert_eq!(wire["user_properties"]["$set"]["last_login_date"], "2026-11-18");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_give_the_same_error() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        for input in [
            sign_in("ada@example.com", "a wrong one"),
            sign_in("bob@example.com", PASSWORD),
        ] {
            let refused = form_errors(store.accounts.sign_in(input, &visitor()).await);
            let whole_form = FieldErrors::one(Field::FORM, FieldError::WrongCredentials);
            assert_eq!(refused, whole_form, "{engine:?}");
        }
        assert_eq!(
            (store.count("logins").await, store.count("outbox").await),
            (1, 1),
            "{engine:?}"
        );
        assert_eq!(
            store.count("throttles").await,
            7,
            "the sign-up, by network and address; one network; two accounts, existing or not, for all networks and for this one"
        );
    }
}

#[tokio::test]
async fn failures_are_counted_in_windows() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        let fail = async || {
            form_errors(
                store
                    .accounts
                    .sign_in(sign_in("ada@example.com", "a wrong one"), &visitor())
                    .await,
            )
        };
        fail().await;
        store.clock.advance(14 * MINUTE);
        fail().await;
        assert_eq!(
            store.number("SELECT MAX(failures) FROM throttles").await,
            2,
            "{engine:?}"
        );
        store.clock.advance(MINUTE);
        fail().await;
        assert_eq!(
            store.number("SELECT MAX(failures) FROM throttles").await,
            1,
            "{engine:?}: a new window"
        );

        store.execute("UPDATE throttles SET failures = 10").await;
        let refused = fail().await;
        assert_eq!(
            refused.at(Field::FORM),
            Some(&FieldError::TooManyAttempts { minutes: 16 }),
            "{engine:?}"
        );
        assert_eq!(
            store.number("SELECT MAX(failures) FROM throttles").await,
            10,
            "a refused attempt is not counted"
        );

        let other_network = Visitor {
            address: "198.51.100.9".parse().unwrap(),
            ..visitor()
        };
        store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &other_network)
            .await
            .expect("another network does not lock the user out");
        store.clock.advance(15 * MINUTE);
        store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_success_resets_only_the_failures_of_this_network_for_the_account() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        form_errors(
            store
                .accounts
                .sign_in(sign_in("ada@example.com", "a wrong one"), &visitor())
                .await,
        );
        let before = store.texts("SELECT key FROM throttles").await;
        assert_eq!(before.len(), 5, "{engine:?}");
        store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
            .await
            .unwrap();
        assert_eq!(
            store.texts("SELECT CAST(failures AS TEXT) FROM throttles").await,
            ["1"; 4],
            "{engine:?}: the sign-up by network and address, and the failure by network and by account; the success was refunded"
        );

        store.execute("UPDATE throttles SET failures = 50").await;
        let refused = form_errors(
            store
                .accounts
                .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
                .await,
        );
        assert!(
            matches!(refused.at(Field::FORM), Some(FieldError::TooManyAttempts { .. })),
            "{engine:?}"
        );
        let other_network = Visitor {
            address: "198.51.100.9".parse().unwrap(),
            ..visitor()
        };
        store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &other_network)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn the_accounts_consent_follows_the_browser_until_there_is_a_choice() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up("ada@example.com").await;
        let signal = Visitor {
            tracking: None,
            privacy_control: true,
            ..visitor()
        };
        let denied = store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &signal)
            .await
            .unwrap();
        let stored = store.login(denied.id).await.unwrap();
        assert_eq!(stored.user.consent, Choice::Denied, "{engine:?}");
        let events = store.events_of(login.user.id).await;
        assert_eq!(
            events[0].parked_reason.as_deref(),
            Some("consent withdrawn"),
            "{engine:?}: what was not sent yet"
        );

        // A browser that allows tracking applies the account's choice only after the sign-in.
        store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
            .await
            .unwrap();
        assert_eq!(
            store.events_of(login.user.id).await.len(),
            1,
            "{engine:?}: only the sign-up's event"
        );
        store
            .accounts
            .sign_out(&denied, &denying_visitor())
            .await
            .unwrap();
        assert_eq!(store.count("outbox").await, 1, "{engine:?}");
    }
}

#[tokio::test]
async fn concurrent_guesses_are_counted_before_they_are_checked() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        let guesses = (0..14).map(|_| {
            let accounts = store.accounts.clone();
            tokio::spawn(async move {
                accounts
                    .sign_in(sign_in("ada@example.com", "a wrong one"), &visitor())
                    .await
            })
        });
        let mut tried = 0;
        for guess in guesses.collect::<Vec<_>>() {
            let refused = form_errors(guess.await.unwrap());
            tried += usize::from(refused.at(Field::FORM) == Some(&FieldError::WrongCredentials));
        }
        assert_eq!(tried, 10, "{engine:?}");
    }
}

#[tokio::test]
async fn guesses_from_many_networks_end_and_do_not_lock_out_a_known_browser() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = store.sign_up("ada@example.com").await.user.id;
        let from = |network: u8| Visitor {
            address: IpAddr::from([198, 51, 100, network]),
            ..visitor()
        };
        let guess = |network: u8| {
            let accounts = store.accounts.clone();
            async move {
                let input = sign_in("ada@example.com", "a wrong one");
                form_errors(accounts.sign_in(input, &from(network)).await)
            }
        };
        // 10 networks use up their 10 attempts each. More than 68 at once would find the hash queue full.
        let mut refusals = Vec::new();
        for first in [0, 55] {
            let guesses = (first..first + 55).map(|number| guess(number / 10));
            refusals.extend(futures::future::join_all(guesses).await);
        }
        let wrong = FieldErrors::one(Field::FORM, FieldError::WrongCredentials);
        let checked = refusals.iter().filter(|refused| **refused == wrong).count();
        assert_eq!(
            checked, 100,
            "{engine:?}: concurrent attempts are counted before they are made"
        );

        let owner = from(200);
        let unknown = store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &owner)
            .await;
        assert!(
            matches!(
                form_errors(unknown).at(Field::FORM),
                Some(FieldError::TooManyAttempts { .. })
            ),
            "{engine:?}"
        );
        let known = Visitor {
            known_accounts: vec![ada],
            ..owner
        };
        store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &known)
            .await
            .expect("a browser that has signed in before");
    }
}
