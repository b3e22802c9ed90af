//! Sign-up and sign-out.

use backend::Visitor;
use db::Engine;
use db::testing::engines;
use forms::{Field, FieldError, SignUpForm};
use outbox::State;
use serde_json::json;
use tracking::{Choice, PresentIds};

use crate::support::{
    DAY, MINUTE, NOW, PASSWORD, Store, device, faults, payload, refusing, sign_in, sign_up, visitor,
};

#[tokio::test]
async fn sign_up_makes_account_login_and_event_together() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up(" Ada@Example.com ").await;
        assert_eq!(login.user.email, "Ada@Example.com", "{engine:?}");
        assert_eq!((login.user.consent, login.last_seen_at), (Choice::Unset, NOW));
        assert_eq!(store.accounts.login(login.id).await.unwrap(), Some(login.clone()));
        assert_eq!(
            store.accounts.owner_of_login(login.id).await.unwrap(),
            Some(login.user.id)
        );

        let columns = "email_key || ' ' || account_type || ' ' || consent || ' ' || created_at";
        let [user] = &store.texts(&format!("SELECT {columns} FROM users")).await[..] else {
            panic!("one user")
        };
        assert_eq!(*user, format!("ada@example.com free unset {NOW}"));
        let [hash] = &store.texts("SELECT password_hash FROM users").await[..] else {
            panic!("one user")
        };
        assert!(
            hash.starts_with("$argon2id$") && !hash.contains(PASSWORD),
            "{hash}"
        );
        assert_eq!(
            store.texts("SELECT user_agent FROM logins").await,
            ["Browser/1.0"]
        );

        let [event] = &store.events_of(login.user.id).await[..] else {
            panic!("one event")
        };
        assert_eq!(event.insert_id, format!("sign-up:{}", login.user.id));
        assert_eq!(event.event_type, "Sign-up completed");
        assert_eq!(event.device_id.as_deref(), Some(device().as_str()));
        assert_eq!(
            (event.time_ms, event.enqueued_ms, event.state),
            (NOW, NOW, State::Pending)
        );
        let wire = payload(event);
        assert_eq!(wire["session_id"], NOW - MINUTE);
        assert_eq!(wire["user_properties"]["$set"]["email_domain"], "example.com");
        assert_eq!(
            wire["user_properties"]["$setOnce"]["initial_signup_date"],
            "2026-11-18"
        );
        assert!(!wire.to_string().contains("Ada@"), "{wire}");
    }
}

#[tokio::test]
async fn a_taken_address_is_told_and_counted_and_nothing_else() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        let second = store
            .accounts
            .sign_up(sign_up("ADA@example.com"), &visitor())
            .await;
        assert_eq!(
            faults(second).at(SignUpForm::email),
            Some(&FieldError::EmailTaken),
            "{engine:?}"
        );
        for table in ["users", "logins", "outbox"] {
            assert_eq!(store.count(table).await, 1, "{engine:?} {table}");
        }
        assert_eq!(store.number("SELECT failures FROM throttles").await, 1);
    }
}

#[tokio::test]
async fn of_many_who_want_one_address_one_gets_it() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let accounts = store.accounts.clone();
                tokio::spawn(async move { accounts.sign_up(sign_up("ada@example.com"), &visitor()).await })
            })
            .collect();
        let mut made = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => made += 1,
                refused => assert_eq!(faults(refused).at(SignUpForm::email), Some(&FieldError::EmailTaken)),
            }
        }
        assert_eq!(
            (made, store.count("users").await, store.count("outbox").await),
            (1, 1, 1),
            "{engine:?}"
        );
        assert_eq!(
            store.number("SELECT failures FROM throttles").await,
            3,
            "{engine:?}: each is counted"
        );
    }
}

#[tokio::test]
async fn a_visitor_who_said_no_leaves_no_event() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store
            .accounts
            .sign_up(sign_up("ada@example.com"), &refusing())
            .await
            .unwrap();
        assert_eq!(
            login.user.consent,
            Choice::Denied,
            "{engine:?}: webhooks see no browser"
        );
        store.accounts.sign_out(&login, &refusing()).await.unwrap();
        store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &refusing())
            .await
            .unwrap();
        assert_eq!(store.count("outbox").await, 0, "{engine:?}");
        assert_eq!(store.count("logins").await, 2);
    }
}

#[tokio::test]
async fn unknown_ids_are_said_to_be_unknown() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let unknown = Visitor {
            tracking: Some(PresentIds::Unknown),
            ..visitor()
        };
        let login = store
            .accounts
            .sign_up(sign_up("ada@example.com"), &unknown)
            .await
            .unwrap();
        let [event] = &store.events_of(login.user.id).await[..] else {
            panic!("one event")
        };
        assert_eq!(event.device_id, None, "{engine:?}");
        let wire = payload(event);
        assert_eq!(wire["event_properties"]["stitched_by"], "none known");
        assert!(
            wire.get("device_id").is_none() && wire.get("session_id").is_none(),
            "{wire}"
        );
    }
}

#[tokio::test]
async fn sign_out_ends_the_login_once() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let laptop = store.sign_up("ada@example.com").await;
        let phone = store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
            .await
            .unwrap();
        store.clock.advance(MINUTE);
        store.accounts.sign_out(&laptop, &visitor()).await.unwrap();
        store.clock.advance(MINUTE);
        store.accounts.sign_out(&laptop, &visitor()).await.unwrap();

        assert_eq!(store.accounts.login(laptop.id).await.unwrap(), None, "{engine:?}");
        assert_eq!(store.accounts.login(phone.id).await.unwrap(), Some(phone.clone()));
        assert_eq!(
            store.accounts.owner_of_login(laptop.id).await.unwrap(),
            Some(laptop.user.id),
            "for late events"
        );
        let ended = format!(
            "logins WHERE ended_by = 'sign_out' AND ended_at = {}",
            NOW + MINUTE
        );
        assert_eq!(store.count(&ended).await, 1, "{engine:?}");

        store.accounts.sign_out(&phone, &visitor()).await.unwrap();
        let events = store.events_of(laptop.user.id).await;
        let ids: Vec<&str> = events.iter().map(|event| event.insert_id.as_str()).collect();
        let of = |what: &str, login: &backend::accounts::Login| format!("{what}:{}", login.id);
        let user = format!("sign-up:{}", laptop.user.id);
        let expected = [
            user,
            of("sign-in", &phone),
            of("sign-out", &laptop),
            of("sign-out", &phone),
        ];
        assert_eq!(ids, expected, "{engine:?}");
        let still = |index: usize| payload(&events[index])["user_properties"]["$set"]["is_logged_in"].clone();
        assert_eq!(
            (still(2), still(3)),
            (json!(null), json!(false)),
            "only the last to end says so"
        );
    }
}

#[tokio::test]
async fn a_login_is_noted_as_seen_now_and_then() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up("ada@example.com").await;
        store.clock.advance(5 * MINUTE);
        assert!(
            !store.accounts.seen(&login).await.unwrap(),
            "{engine:?}: too soon"
        );
        store.clock.advance(1);
        assert!(store.accounts.seen(&login).await.unwrap(), "{engine:?}");
        let login = store.accounts.login(login.id).await.unwrap().unwrap();
        assert_eq!(login.last_seen_at, NOW + 5 * MINUTE + 1);
        assert!(!store.accounts.seen(&login).await.unwrap());
    }
}

/// A transaction that everything agrees to and whose commit fails: a foreign key that is looked at only then.
async fn doom(store: &Store, engine: Engine) {
    store.execute("CREATE TABLE nowhere (id TEXT PRIMARY KEY)").await;
    let doomed = "CREATE TABLE doomed (id TEXT REFERENCES nowhere (id) DEFERRABLE INITIALLY DEFERRED)";
    store.execute(doomed).await;
    match engine {
        Engine::Sqlite => {
            let trigger =
                "CREATE TRIGGER doom AFTER INSERT ON outbox BEGIN INSERT INTO doomed VALUES ('x'); END";
            store.execute(trigger).await;
        }
        Engine::Postgres => {
            let body = "BEGIN INSERT INTO doomed VALUES ('x'); RETURN NEW; END";
            store
                .execute(&format!(
                    "CREATE FUNCTION doom() RETURNS trigger LANGUAGE plpgsql AS '{}'",
                    body.replace('\'', "''")
                ))
                .await;
            store
                .execute("CREATE TRIGGER doom AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION doom()")
                .await;
        }
    }
}

#[tokio::test]
async fn a_commit_that_fails_leaves_neither_change_nor_event() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = store.sign_up("ada@example.com").await;
        doom(&store, engine).await;

        store
            .accounts
            .sign_up(sign_up("bob@example.com"), &visitor())
            .await
            .unwrap_err();
        store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
            .await
            .unwrap_err();
        store.accounts.sign_out(&ada, &visitor()).await.unwrap_err();
        for table in ["users", "logins", "outbox", "outbox_lanes"] {
            assert_eq!(store.count(table).await, 1, "{engine:?} {table}");
        }
        assert_eq!(
            store.accounts.login(ada.id).await.unwrap(),
            Some(ada.clone()),
            "{engine:?}: still signed in"
        );

        store.execute("DELETE FROM doomed").await;
        store
            .execute(match engine {
                Engine::Sqlite => "DROP TRIGGER doom",
                Engine::Postgres => "DROP TRIGGER doom ON outbox",
            })
            .await;
        store.accounts.sign_out(&ada, &visitor()).await.unwrap();
        assert_eq!(
            store.events_of(ada.user.id).await.len(),
            2,
            "{engine:?}: the next one goes through"
        );
    }
}

#[tokio::test]
async fn answers_that_an_address_is_taken_run_out() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        faults(
            store
                .accounts
                .sign_up(sign_up("ada@example.com"), &visitor())
                .await,
        );
        store.execute("UPDATE throttles SET failures = 20").await;
        let refused = faults(
            store
                .accounts
                .sign_up(sign_up("bob@example.com"), &visitor())
                .await,
        );
        assert_eq!(
            refused.at(Field::FORM),
            Some(&FieldError::TooManyAttempts { minutes: 16 }),
            "{engine:?}"
        );
        store.clock.advance(DAY);
        store.sign_up("bob@example.com").await;
        assert_eq!(store.count("users").await, 2, "{engine:?}");
    }
}
