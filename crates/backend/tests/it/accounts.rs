//! Tests of sign-up and sign-out.

use backend::Visitor;
use db::Engine;
use db::testing::engines;
use forms::{Field, FieldError, SignUpForm};
use outbox::OutboxState;
use serde_json::json;
use tracking::{Choice, PresentIds};

use crate::support::{
    DAY, MINUTE, NOW, PASSWORD, Store, denying_visitor, device, form_errors, payload, sign_in, sign_up,
    visitor,
};

#[tokio::test]
async fn sign_up_creates_account_login_and_event_in_one_transaction() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up(" Ada@Example.com ").await;
        assert_eq!(login.user.email, "Ada@Example.com", "{engine:?}");
        assert_eq!((login.user.consent, login.last_seen_at_ms), (Choice::Unset, NOW));
        assert_eq!(store.login(login.id).await, Some(login.clone()));
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
            (NOW, NOW, OutboxState::Pending)
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
async fn a_taken_address_is_reported_and_counted_and_writes_nothing_else() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        let second = store
            .accounts
            .sign_up(sign_up("ADA@example.com"), &visitor())
            .await;
        assert_eq!(
            form_errors(second).at(SignUpForm::email),
            Some(&FieldError::EmailTaken),
            "{engine:?}"
        );
        for table in ["users", "logins", "outbox"] {
            assert_eq!(store.count(table).await, 1, "{engine:?} {table}");
        }
        assert_eq!(
            store.number("SELECT failures FROM throttles").await,
            2,
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn concurrent_sign_ups_with_one_address_create_one_account() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let accounts = store.accounts.clone();
                tokio::spawn(async move { accounts.sign_up(sign_up("ada@example.com"), &visitor()).await })
            })
            .collect();
        let mut created = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => created += 1,
                refused => assert_eq!(
                    form_errors(refused).at(SignUpForm::email),
                    Some(&FieldError::EmailTaken)
                ),
            }
        }
        assert_eq!(
            (created, store.count("users").await, store.count("outbox").await),
            (1, 1, 1),
            "{engine:?}"
        );
        assert_eq!(
            store.number("SELECT failures FROM throttles").await,
            4,
            "{engine:?}: each is counted"
        );
    }
}

/// Webhooks are tracked only from the time of the consent on, so that time must be recorded.
#[tokio::test]
async fn a_sign_up_records_the_time_of_its_consent() {
    for engine in engines() {
        let store = Store::new(engine).await;
        for (number, choice) in [Choice::Unset, Choice::Granted, Choice::Denied]
            .into_iter()
            .enumerate()
        {
            let visitor = Visitor { choice, ..visitor() };
            let form = sign_up(&format!("{number}@example.com"));
            store.accounts.sign_up(form, &visitor).await.unwrap();
        }
        let changes = "SELECT choice || ' ' || changed_at FROM consent_changes ORDER BY choice";
        let expected = [format!("denied {NOW}"), format!("granted {NOW}")];
        assert_eq!(store.texts(changes).await, expected, "{engine:?}");
    }
}

#[tokio::test]
async fn a_visitor_who_denied_consent_writes_no_event() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store
            .accounts
            .sign_up(sign_up("ada@example.com"), &denying_visitor())
            .await
            .unwrap();
        assert_eq!(
            login.user.consent,
            Choice::Denied,
            "{engine:?}: stored for webhooks, which have no browser"
        );
        store.accounts.sign_out(&login, &denying_visitor()).await.unwrap();
        store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &denying_visitor())
            .await
            .unwrap();
        assert_eq!(store.count("outbox").await, 0, "{engine:?}");
        assert_eq!(store.count("logins").await, 2);
    }
}

#[tokio::test]
async fn an_event_without_known_ids_says_so() {
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

        assert_eq!(store.login(laptop.id).await, None, "{engine:?}");
        assert_eq!(store.login(phone.id).await, Some(phone.clone()));
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
        let id_of = |kind: &str, login: &backend::accounts::Login| format!("{kind}:{}", login.id);
        let user = format!("sign-up:{}", laptop.user.id);
        let expected = [
            user,
            id_of("sign-in", &phone),
            id_of("sign-out", &laptop),
            id_of("sign-out", &phone),
        ];
        assert_eq!(ids, expected, "{engine:?}");
        let is_logged_in =
            |index: usize| payload(&events[index])["user_properties"]["$set"]["is_logged_in"].clone();
        assert_eq!(
            (is_logged_in(2), is_logged_in(3)),
            (json!(null), json!(false)),
            "only the last sign-out changes the property"
        );
    }
}

#[tokio::test]
async fn activity_of_a_login_is_recorded_every_5_minutes() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up("ada@example.com").await;
        store.clock.advance(5 * MINUTE);
        assert!(
            !store.accounts.record_activity(&login).await.unwrap(),
            "{engine:?}: too soon"
        );
        store.clock.advance(1);
        assert!(
            store.accounts.record_activity(&login).await.unwrap(),
            "{engine:?}"
        );
        let login = store.login(login.id).await.unwrap();
        assert_eq!(login.last_seen_at_ms, NOW + 5 * MINUTE + 1);
        assert!(!store.accounts.record_activity(&login).await.unwrap());
    }
}

/// Makes every commit with an outbox row fail: a deferred foreign key is violated at the commit.
async fn make_commits_fail(store: &Store, engine: Engine) {
    store.execute("CREATE TABLE missing (id TEXT PRIMARY KEY)").await;
    let violations =
        "CREATE TABLE violations (id TEXT REFERENCES missing (id) DEFERRABLE INITIALLY DEFERRED)";
    store.execute(violations).await;
    match engine {
        Engine::Sqlite => {
            let trigger = "CREATE TRIGGER violate AFTER INSERT ON outbox BEGIN INSERT INTO violations VALUES ('x'); END";
            store.execute(trigger).await;
        }
        Engine::Postgres => {
            let body = "BEGIN INSERT INTO violations VALUES ('x'); RETURN NEW; END";
            store
                .execute(&format!(
                    "CREATE FUNCTION violate() RETURNS trigger LANGUAGE plpgsql AS '{}'",
                    body.replace('\'', "''")
                ))
                .await;
            store
                .execute(
                    "CREATE TRIGGER violate AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION violate()",
                )
                .await;
        }
    }
}

#[tokio::test]
async fn a_failed_commit_writes_neither_change_nor_event() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = store.sign_up("ada@example.com").await;
        make_commits_fail(&store, engine).await;

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
            store.login(ada.id).await,
            Some(ada.clone()),
            "{engine:?}: still signed in"
        );

        store.execute("DELETE FROM violations").await;
        store
            .execute(match engine {
                Engine::Sqlite => "DROP TRIGGER violate",
                Engine::Postgres => "DROP TRIGGER violate ON outbox",
            })
            .await;
        store.accounts.sign_out(&ada, &visitor()).await.unwrap();
        assert_eq!(
            store.events_of(ada.user.id).await.len(),
            2,
            "{engine:?}: the next commit succeeds"
        );
    }
}

#[tokio::test]
async fn sign_ups_are_limited_by_network() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        form_errors(
            store
                .accounts
                .sign_up(sign_up("ada@example.com"), &visitor())
                .await,
        );
        store.execute("UPDATE throttles SET failures = 20").await;
        let refused = form_errors(
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
