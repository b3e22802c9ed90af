//! Tests of changing the password and the email address.

use backend::accounts::Login;
use db::testing::engines;
use forms::{ChangeEmail, ChangeEmailForm, ChangePasswordForm, Field, FieldError, Secret, SignUpForm};

use crate::support::{DAY, MINUTE, PASSWORD, Store, form_errors, sign_in, visitor};

const CONFIRM: &str = "Confirm your new email address";
const NEW: &str = "another horse battery";

fn password(current: &str, password: &str) -> forms::ChangePassword {
    ChangePasswordForm {
        current_password: Secret::new(current),
        password: Secret::new(password),
    }
    .check()
    .unwrap()
}

fn email(email: &str, current: &str) -> ChangeEmail {
    ChangeEmailForm {
        email: email.to_owned(),
        current_password: Secret::new(current),
    }
    .check()
    .unwrap()
}

async fn reload(store: &Store, login: &Login) -> Login {
    store.login(login.id).await.unwrap()
}

#[tokio::test]
async fn a_changed_password_ends_every_login_and_begins_a_new_one() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let laptop = store.sign_up_confirmed("ada@example.com").await;
        let phone = store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
            .await
            .unwrap();
        let wrong = store
            .accounts
            .change_password(password("not it", NEW), &laptop, &visitor())
            .await;
        assert_eq!(
            form_errors(wrong).at(ChangePasswordForm::current_password),
            Some(&FieldError::WrongPassword),
            "{engine:?}"
        );
        store.clock.advance(DAY);
        let changed = store
            .accounts
            .change_password(password(PASSWORD, NEW), &laptop, &visitor())
            .await
            .unwrap();
        for ended in [&phone, &laptop] {
            assert_eq!(store.login(ended.id).await, None, "{engine:?}");
        }
        let current = store.login(changed.id).await;
        assert_eq!(
            current,
            Some(changed.clone()),
            "{engine:?}: this browser has a new login"
        );
        assert_eq!(
            changed.signed_in_at_ms,
            laptop.signed_in_at_ms + DAY,
            "{engine:?}"
        );
        assert_eq!(store.count("logins WHERE ended_by = 'revoked'").await, 2);
        store
            .accounts
            .sign_in(sign_in("ada@example.com", NEW), &visitor())
            .await
            .unwrap();
        form_errors(
            store
                .accounts
                .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
                .await,
        );
        let [mail, _] = &store.mails_to("ada@example.com").await[..] else {
            panic!("two mails")
        };
        assert_eq!(mail.content.subject, "Your password was changed");
    }
}

#[tokio::test]
async fn password_checks_of_all_forms_share_one_limit() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up("ada@example.com").await;
        for _ in 0..10 {
            form_errors(
                store
                    .accounts
                    .change_password(password("a guess", NEW), &login, &visitor())
                    .await,
            );
        }
        let late = store
            .accounts
            .delete_account(&Secret::new(PASSWORD), &login, &visitor())
            .await;
        assert!(
            matches!(
                form_errors(late).at(Field::FORM),
                Some(FieldError::TooManyAttempts { .. })
            ),
            "{engine:?}: all forms count"
        );
        store.clock.advance(DAY);
        store
            .accounts
            .change_password(password(PASSWORD, NEW), &login, &visitor())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_address_changes_when_its_link_is_used() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up_confirmed("ada@example.com").await;
        store
            .accounts
            .change_email(email("New@example.com", PASSWORD), &login, &visitor())
            .await
            .unwrap();
        assert_eq!(
            store.subjects_to("ada@example.com").await[0],
            "Your email address is about to change",
            "{engine:?}"
        );
        let secret = store.link_in("new@example.com", CONFIRM).await;
        let old_link = store
            .link_in("ada@example.com", "Confirm your email address")
            .await;
        assert_eq!(
            reload(&store, &login).await.user.email,
            "ada@example.com",
            "not yet"
        );

        store.clock.advance(MINUTE);
        let changed = store
            .accounts
            .verify_email(&secret, &login, &visitor())
            .await
            .unwrap();
        assert_eq!(store.login(login.id).await, None, "{engine:?}");
        assert_eq!(
            changed.signed_in_at_ms, login.signed_in_at_ms,
            "{engine:?}: no password was typed"
        );
        let user = reload(&store, &changed).await.user;
        assert_eq!(user, changed.user);
        assert_eq!(
            (user.email.as_str(), user.verified),
            ("New@example.com", true),
            "{engine:?}"
        );
        assert_eq!(
            store.subjects_to("ada@example.com").await[0],
            "Your email address was changed"
        );
        assert!(
            store.accounts.link(&old_link).await.unwrap().is_none(),
            "links to the old address no longer work"
        );
        let events = store.events_of(login.user.id).await;
        assert_eq!(events.last().unwrap().event_type, "Email verified");
        store
            .accounts
            .sign_in(sign_in("new@example.com", PASSWORD), &visitor())
            .await
            .unwrap();
        store.sign_up("ada@example.com").await;
    }
}

#[tokio::test]
async fn a_change_to_a_taken_address_is_revealed_only_to_that_address() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("bob@example.com").await;
        let login = store.sign_up_confirmed("ada@example.com").await;
        for (target, subject) in [
            ("BOB@example.com", "This address has a Seamline account"),
            ("free@example.com", CONFIRM),
        ] {
            let before = store.count("mails").await;
            store
                .accounts
                .change_email(email(target, PASSWORD), &login, &visitor())
                .await
                .unwrap();
            assert_eq!(
                store.count("mails").await,
                before + 2,
                "{engine:?}: the same writes"
            );
            assert_eq!(store.subjects_to(target).await[0], subject, "{engine:?}");
        }
        let own = store
            .accounts
            .change_email(email("ADA@example.com", PASSWORD), &login, &visitor())
            .await;
        assert_eq!(
            form_errors(own).at(SignUpForm::email),
            Some(&FieldError::SameEmail)
        );
        let wrong = store
            .accounts
            .change_email(email("x@example.com", "no"), &login, &visitor())
            .await;
        assert_eq!(
            form_errors(wrong).at(ChangePasswordForm::current_password),
            Some(&FieldError::WrongPassword)
        );
    }
}

#[tokio::test]
async fn a_change_fails_if_the_address_got_an_account_meanwhile() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up("ada@example.com").await;
        store
            .accounts
            .change_email(email("new@example.com", PASSWORD), &login, &visitor())
            .await
            .unwrap();
        let secret = store.link_in("new@example.com", CONFIRM).await;
        store.sign_up("new@example.com").await;
        let late = store.accounts.verify_email(&secret, &login, &visitor()).await;
        assert_eq!(
            form_errors(late).at(Field::FORM),
            Some(&FieldError::EmailTaken),
            "{engine:?}"
        );
        assert_eq!(reload(&store, &login).await.user.email, "ada@example.com");
        assert_eq!(store.events_of(login.user.id).await.len(), 1);
    }
}

#[tokio::test]
async fn a_new_password_cancels_pending_address_changes() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up("ada@example.com").await;
        store
            .accounts
            .change_email(email("thief@example.com", PASSWORD), &login, &visitor())
            .await
            .unwrap();
        let sent = store.link_in("thief@example.com", CONFIRM).await;
        store
            .accounts
            .change_email(email("thief2@example.com", PASSWORD), &login, &visitor())
            .await
            .unwrap();
        store
            .accounts
            .change_password(password(PASSWORD, NEW), &login, &visitor())
            .await
            .unwrap();
        assert!(
            store.accounts.link(&sent).await.unwrap().is_none(),
            "{engine:?}: the sent link no longer works"
        );
        assert_eq!(
            store.subjects_to("thief2@example.com").await.len(),
            0,
            "{engine:?}: the pending mail is not sent"
        );
    }
}
