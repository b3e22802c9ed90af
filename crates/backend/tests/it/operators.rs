//! Tests of operators: who can become one, and what ends the right.

use backend::accounts::Login;
use backend::accounts::operators::{Operator, OperatorError};
use db::testing::engines;
use forms::{ChangeEmailForm, ChangePasswordForm, Secret};

use crate::support::{MINUTE, NOW, PASSWORD, Store, email, sign_in, visitor};

const NEW: &str = "another horse battery";

/// An operator's login.
async fn operator(store: &Store, address: &str) -> Login {
    let login = store.sign_up(address).await;
    let secret = store.link_in(address, "Confirm your email address").await;
    let login = store
        .accounts
        .verify_email(&secret, &login, &visitor())
        .await
        .unwrap();
    assert!(!login.user.operator, "a confirmed address alone grants nothing");
    store.accounts.add_operator(&email(address)).await.unwrap();
    store.login(login.id).await.unwrap()
}

async fn is_operator(store: &Store, login: &Login) -> bool {
    store.login(login.id).await.unwrap().user.operator
}

#[tokio::test]
async fn only_confirmed_accounts_become_operators() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let unknown = store.accounts.add_operator(&email("ada@example.com")).await;
        assert!(
            matches!(unknown, Err(OperatorError::UnknownAddress)),
            "{engine:?}: {unknown:?}"
        );
        store.sign_up("bob@example.com").await;
        let unconfirmed = store.accounts.add_operator(&email("bob@example.com")).await;
        assert!(
            matches!(unconfirmed, Err(OperatorError::UnconfirmedAddress)),
            "{engine:?}: {unconfirmed:?}"
        );
        assert_eq!(store.accounts.operators().await.unwrap(), [], "{engine:?}");

        let login = operator(&store, "Ada@example.com").await;
        assert!(login.user.operator, "{engine:?}");
        store.clock.advance(MINUTE);
        store
            .accounts
            .add_operator(&email("ADA@example.com"))
            .await
            .unwrap();
        let listed = Operator {
            email: "Ada@example.com".to_owned(),
            since_ms: NOW,
        };
        assert_eq!(
            store.accounts.operators().await.unwrap(),
            [listed],
            "{engine:?}: once"
        );

        for (address, expected) in [
            ("ada@example.com", None),
            (
                "ada@example.com",
                Some("The account with this address is no operator."),
            ),
            (
                "eve@example.com",
                Some("No account has this address. Its owner has to sign up first."),
            ),
        ] {
            let removed = store.accounts.remove_operator(&email(address)).await;
            let error = removed.err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), expected, "{engine:?}: {address}");
        }
        assert!(!is_operator(&store, &login).await, "{engine:?}");
    }
}

#[tokio::test]
async fn a_new_address_and_a_reset_by_mail_end_the_right_and_a_new_password_keeps_it() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = operator(&store, "ada@example.com").await;
        let form = ChangePasswordForm {
            current_password: Secret::new(PASSWORD),
            password: Secret::new(NEW),
        };
        let login = store
            .accounts
            .change_password(form.check().unwrap(), &login, &visitor())
            .await
            .unwrap();
        assert!(
            is_operator(&store, &login).await,
            "{engine:?}: the password was typed"
        );

        let form = ChangeEmailForm {
            email: "new@example.com".to_owned(),
            current_password: Secret::new(NEW),
        };
        store
            .accounts
            .change_email(form.check().unwrap(), &login, &visitor())
            .await
            .unwrap();
        assert!(is_operator(&store, &login).await, "{engine:?}: not yet");
        let secret = store
            .link_in("new@example.com", "Confirm your new email address")
            .await;
        let login = store
            .accounts
            .verify_email(&secret, &login, &visitor())
            .await
            .unwrap();
        assert!(!login.user.operator, "{engine:?}: a new address");
        assert!(!is_operator(&store, &login).await, "{engine:?}: a new address");

        store
            .accounts
            .add_operator(&email("new@example.com"))
            .await
            .unwrap();
        store.request_reset("new@example.com").await;
        let secret = store.link_in("new@example.com", "Set a new password").await;
        store
            .accounts
            .reset_password(&secret, &Secret::new(PASSWORD), None, &visitor())
            .await
            .unwrap();
        let login = store
            .accounts
            .sign_in(sign_in("new@example.com", PASSWORD), &visitor())
            .await
            .unwrap();
        assert!(!login.user.operator, "{engine:?}: a reset by mail");
    }
}
