//! Tests of links in mails: each works once and for its purpose, and writes its event.

use backend::accounts::links::LinkSecret;
use backend::ids;
use db::testing::engines;
use forms::{Field, FieldError, Secret};
use tracking::{Choice, PresentIds};

use crate::support::{
    DAY, MINUTE, NOW, PASSWORD, Store, denying_visitor, device, email, form_errors, payload, sign_in, visitor,
};

const VERIFY: &str = "Confirm your email address";
const RESET: &str = "Set a new password";
const NEW: &str = "another horse battery";

#[tokio::test]
async fn an_address_is_confirmed_once_with_the_ids_of_the_request() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up("ada@example.com").await;
        let secret = store.link_in("ada@example.com", VERIFY).await;
        assert_eq!(
            store.accounts.link(&secret).await.unwrap().unwrap().email,
            "ada@example.com"
        );

        let ended = login.id;
        let login = store
            .accounts
            .verify_email(&secret, &login, &visitor())
            .await
            .unwrap();
        assert_eq!(store.login(ended).await, None, "{engine:?}");
        let current = store.login(login.id).await;
        assert_eq!(current, Some(login.clone()), "{engine:?}: a new login");
        assert!(login.user.verified, "{engine:?}");
        let events = store.events_of(login.user.id).await;
        let event = events.last().unwrap();
        let [token] = &store.texts("SELECT id FROM mail_tokens").await[..] else {
            panic!("one token")
        };
        assert_eq!(event.insert_id, format!("email-verified:{token}"));
        assert_eq!(event.event_type, "Email verified");
        assert_eq!(event.device_id.as_deref(), Some(device().as_str()));
        assert_eq!(payload(event)["session_id"], NOW - MINUTE);

        assert!(
            store.accounts.link(&secret).await.unwrap().is_none(),
            "{engine:?}: the used link is not found"
        );
        let again = store.accounts.verify_email(&secret, &login, &visitor()).await;
        assert_eq!(
            form_errors(again).at(Field::FORM),
            Some(&FieldError::LinkExpired),
            "{engine:?}"
        );
        assert_eq!(store.events_of(login.user.id).await.len(), 2);
    }
}

#[tokio::test]
async fn concurrent_uses_of_a_link_succeed_once() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up("ada@example.com").await;
        store.request_reset("ada@example.com").await;
        let verify = store.link_in("ada@example.com", VERIFY).await;
        let reset = store.link_in("ada@example.com", RESET).await;
        let mut used = [0, 0];
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let (accounts, verify, reset) = (store.accounts.clone(), verify.clone(), reset.clone());
                let login = login.clone();
                tokio::spawn(async move {
                    match n % 2 {
                        0 => (
                            0,
                            accounts.verify_email(&verify, &login, &visitor()).await.is_ok(),
                        ),
                        _ => {
                            let password = Secret::new(NEW);
                            let done = accounts.reset_password(&reset, &password, None, &visitor()).await;
                            (1, done.is_ok())
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            let (which, ok) = task.await.unwrap();
            used[which] += usize::from(ok);
        }
        assert_eq!(used[1], 1, "{engine:?}");
        // A reset revokes every other link, so the confirmation may have been too late.
        assert!(used[0] <= 1, "{engine:?}");
        let events = store.events_of(login.user.id).await;
        // A reset confirms the address too, so each order writes one event of each kind.
        assert_eq!(events.len(), 3, "{engine:?}");
    }
}

#[tokio::test]
async fn a_link_has_an_expiry_and_a_purpose() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up("ada@example.com").await;
        store.request_reset("ada@example.com").await;
        let verify = store.link_in("ada@example.com", VERIFY).await;
        let reset = store.link_in("ada@example.com", RESET).await;
        let unknown_secret = LinkSecret::parse(&ids::secret()).unwrap();
        let link_expired = Some(FieldError::LinkExpired);
        for secret in [&reset, &unknown_secret] {
            let refused = store.accounts.verify_email(secret, &login, &visitor()).await;
            assert_eq!(
                form_errors(refused).at(Field::FORM).cloned(),
                link_expired,
                "{engine:?}"
            );
        }
        for secret in [&verify, &unknown_secret] {
            let password = Secret::new(NEW);
            let refused = store
                .accounts
                .reset_password(secret, &password, None, &visitor())
                .await;
            assert_eq!(
                form_errors(refused).at(Field::FORM).cloned(),
                link_expired,
                "{engine:?}"
            );
        }
        store.clock.advance(60 * MINUTE);
        assert!(
            store.accounts.link(&reset).await.unwrap().is_none(),
            "{engine:?}: an hour"
        );
        assert!(store.accounts.link(&verify).await.unwrap().is_some());
        store.clock.advance(3 * DAY);
        assert!(
            store.accounts.link(&verify).await.unwrap().is_none(),
            "{engine:?}: 3 days"
        );
        assert_eq!(store.count("users WHERE email_verified_at IS NOT NULL").await, 0);
    }
}

#[tokio::test]
async fn a_reset_sets_the_password_ends_every_login_and_writes_its_event() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let laptop = store.sign_up("ada@example.com").await;
        for _ in 0..10 {
            form_errors(
                store
                    .accounts
                    .sign_in(sign_in("ada@example.com", "a guess"), &visitor())
                    .await,
            );
        }
        store.request_reset("ADA@example.com").await;
        let secret = store.link_in("ada@example.com", RESET).await;
        let other = store.sign_up("bob@example.com").await;
        let user = store
            .accounts
            .reset_password(&secret, &Secret::new(NEW), Some(&other), &visitor())
            .await
            .unwrap();
        assert_eq!(user, laptop.user.id);
        assert_eq!(store.login(laptop.id).await, None, "{engine:?}");
        assert_eq!(store.count("logins WHERE ended_by = 'password_reset'").await, 1);
        assert!(store.login(other.id).await.is_some(), "bob's login is kept");

        let events = store.events_of(user).await;
        let event = events.last().unwrap();
        assert_eq!(event.event_type, "Password reset completed");
        assert!(event.insert_id.starts_with("password-reset-completed:"));
        assert_eq!(event.device_id, None, "{engine:?}: the device is bob's");

        let old = store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
            .await;
        assert!(form_errors(old).at(Field::FORM).is_some());
        // The reset clears the failed attempts.
        store
            .accounts
            .sign_in(sign_in("ada@example.com", NEW), &visitor())
            .await
            .unwrap();
        assert_eq!(
            store.subjects_to("ada@example.com").await[0],
            "Your password was changed"
        );
    }
}

#[tokio::test]
async fn a_reset_request_does_not_reveal_whether_an_address_has_an_account() {
    for engine in engines() {
        let store = Store::new(engine).await;
        store.sign_up("ada@example.com").await;
        store.deliver_mails().await;
        for address in ["ada@example.com", "unknown@example.com"] {
            for _ in 0..5 {
                store
                    .accounts
                    .request_password_reset(&email(address), &visitor())
                    .await
                    .unwrap();
            }
            let sixth = store
                .accounts
                .request_password_reset(&email(address), &visitor())
                .await;
            let too_many = FieldError::TooManyAttempts { minutes: 16 };
            assert_eq!(
                form_errors(sixth).at(Field::FORM),
                Some(&too_many),
                "{engine:?} {address}"
            );
        }
        assert_eq!(
            store.count("mails WHERE kind = 'reset_password'").await,
            10,
            "the same writes"
        );
        assert_eq!(store.subjects_to("ada@example.com").await.len(), 6);
        assert_eq!(store.subjects_to("unknown@example.com").await.len(), 0);
        assert_eq!(
            store
                .count("mails WHERE state = 'dropped' AND recipient IS NULL")
                .await,
            5
        );
    }
}

#[tokio::test]
async fn a_user_who_denied_consent_gets_mails_and_writes_no_event() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store
            .accounts
            .sign_up(crate::support::sign_up("ada@example.com"), &denying_visitor())
            .await
            .unwrap();
        assert_eq!(login.user.consent, Choice::Denied);
        let secret = store.link_in("ada@example.com", VERIFY).await;
        // Another browser that allows tracking.
        store
            .accounts
            .verify_email(&secret, &login, &visitor())
            .await
            .unwrap();
        store.request_reset("ada@example.com").await;
        let secret = store.link_in("ada@example.com", RESET).await;
        store
            .accounts
            .reset_password(&secret, &Secret::new(NEW), None, &visitor())
            .await
            .unwrap();
        assert_eq!(store.count("outbox").await, 0, "{engine:?}");
    }
}

#[tokio::test]
async fn a_confirmation_mail_is_resent_only_until_the_address_is_confirmed() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up("ada@example.com").await;
        let first = store.link_in("ada@example.com", VERIFY).await;
        store
            .accounts
            .send_verification(&login, &visitor())
            .await
            .unwrap();
        let second = store.link_in("ada@example.com", VERIFY).await;
        assert_ne!(first, second);
        let login = store
            .accounts
            .verify_email(&second, &login, &visitor())
            .await
            .unwrap();
        let login = store
            .accounts
            .verify_email(&first, &login, &visitor())
            .await
            .unwrap();
        assert_eq!(
            store.events_of(login.user.id).await.len(),
            2,
            "{engine:?}: only the first confirmation writes an event"
        );

        let before = store.count("mails WHERE letter IS NOT NULL").await;
        store
            .accounts
            .send_verification(&login, &visitor())
            .await
            .unwrap();
        store.deliver_mails().await;
        assert_eq!(
            store.count("mails WHERE letter IS NOT NULL").await,
            before,
            "{engine:?}: already confirmed"
        );
    }
}

#[tokio::test]
async fn only_the_links_own_account_can_confirm_an_address() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let owner = store.sign_up("ada@example.com").await;
        let other = store.sign_up("bob@example.com").await;
        let secret = store.link_in("ada@example.com", VERIFY).await;
        let refused = store.accounts.verify_email(&secret, &other, &visitor()).await;
        assert_eq!(
            form_errors(refused).at(Field::FORM),
            Some(&FieldError::LinkOfOtherAccount),
            "{engine:?}"
        );
        assert!(store.login(other.id).await.is_some());
        assert_eq!(store.count("users WHERE email_verified_at IS NOT NULL").await, 0);
        assert!(
            store.accounts.link(&secret).await.unwrap().is_some(),
            "{engine:?}: the link still works"
        );
        // A login that has ended since the request began.
        store
            .execute(&format!(
                "UPDATE logins SET ended_at = created_at + 1, ended_by = 'revoked' WHERE id = '{}'",
                owner.id
            ))
            .await;
        let ended = store.accounts.verify_email(&secret, &owner, &visitor()).await;
        assert_eq!(
            form_errors(ended).at(Field::FORM),
            Some(&FieldError::SignedOut),
            "{engine:?}"
        );
        let again = store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
            .await
            .unwrap();
        store
            .accounts
            .verify_email(&secret, &again, &visitor())
            .await
            .unwrap();
        assert_eq!(store.count("users WHERE email_verified_at IS NOT NULL").await, 1);
    }
}

#[tokio::test]
async fn a_reset_confirms_the_address_and_ends_the_logins_of_who_signed_up_with_it() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let attacker = store.sign_up("ada@example.com").await;
        store.request_reset("ada@example.com").await;
        let secret = store.link_in("ada@example.com", RESET).await;
        store
            .accounts
            .reset_password(&secret, &Secret::new(NEW), None, &visitor())
            .await
            .unwrap();
        assert_eq!(store.login(attacker.id).await, None, "{engine:?}");
        let old = store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
            .await;
        form_errors(old);
        let owner = store
            .accounts
            .sign_in(sign_in("ada@example.com", NEW), &visitor())
            .await
            .unwrap();
        assert!(owner.user.verified, "{engine:?}");
        let events = store.events_of(owner.user.id).await;
        let names: Vec<_> = events.iter().map(|event| event.event_type.as_str()).collect();
        assert_eq!(
            names,
            [
                "Sign-up completed",
                "Email verified",
                "Password reset completed",
                "Sign-in completed"
            ],
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn events_of_a_browser_without_ids_have_unknown_ids() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store.sign_up("ada@example.com").await;
        let secret = store.link_in("ada@example.com", VERIFY).await;
        let unknown = backend::Visitor {
            tracking: Some(PresentIds::Unknown),
            ..visitor()
        };
        store
            .accounts
            .verify_email(&secret, &login, &unknown)
            .await
            .unwrap();
        let events = store.events_of(login.user.id).await;
        assert_eq!(
            payload(events.last().unwrap())["event_properties"]["stitched_by"],
            "none known",
            "{engine:?}"
        );
    }
}
