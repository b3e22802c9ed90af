//! Tests of the text policy where the database takes part: addresses that are one account, accounts from before the
//! policy, password hashes from before normalization, and questions.

use argon2::{Argon2, PasswordHasher};
use backend::polls::PollFilter;
use db::Statement;
use db::testing::engines;
use forms::{Field, FieldError, FieldErrors, PollForm, SignUpForm};

use crate::support::{PASSWORD, Store, email, form_errors, sign_in, sign_up, visitor};

#[tokio::test]
async fn case_18_spellings_of_an_address_are_one_account() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = store.sign_up("ada@example.com").await.user.id;
        let bea = store.sign_up("bea@bücher.example").await.user.id;
        for (text, user) in [
            ("ada\u{200b}@example.com", ada),
            ("\u{feff}ADA@exam\u{ad}ple.com", ada),
            ("bea@xn--bcher-kva.example", bea),
            ("Bea@BU\u{308}CHER.example", bea),
        ] {
            let taken = form_errors(store.accounts.sign_up(sign_up(text), &visitor()).await);
            assert_eq!(
                taken,
                FieldErrors::one(SignUpForm::email, FieldError::EmailTaken),
                "{engine:?} {text:?}"
            );
            let login = store
                .accounts
                .sign_in(sign_in(text, PASSWORD), &visitor())
                .await
                .unwrap();
            assert_eq!(login.user.id, user, "{engine:?} {text:?}");
        }
        assert_eq!(store.count("users").await, 2);
    }
}

#[tokio::test]
async fn case_18_accounts_from_before_the_policy_still_sign_in() {
    for engine in engines() {
        let store = Store::new(engine).await;
        for (old, typed) in [
            (
                "ada@bücher.example",
                ["ada@bücher.example", "ada@xn--bcher-kva.example"],
            ),
            (
                "b\u{202e}ea@example.com",
                ["b\u{202e}ea@example.com", "B\u{202e}ea@example.com"],
            ),
            (
                "cy\u{200b}@example.com",
                ["cy\u{200b}@example.com", "CY\u{200b}@example.com"],
            ),
        ] {
            let user = store.sign_up("old@example.com").await.user.id;
            store
                .execute(&format!(
                    "UPDATE users SET email = '{old}', email_key = '{old}' WHERE id = '{user}'"
                ))
                .await;
            for typed in typed {
                let login = store
                    .accounts
                    .sign_in(sign_in(typed, PASSWORD), &visitor())
                    .await
                    .unwrap();
                assert_eq!(login.user.id, user, "{engine:?} {typed:?}");
                // Actions that ask for the current password find the account's own address.
                store
                    .accounts
                    .send_verification(&login, &visitor())
                    .await
                    .unwrap();
            }
        }
        // Its new spelling is no second account.
        let taken = store
            .accounts
            .sign_up(sign_up("ada@xn--bcher-kva.example"), &visitor())
            .await;
        assert_eq!(
            form_errors(taken),
            FieldErrors::one(SignUpForm::email, FieldError::EmailTaken)
        );
        // The reset mail goes to the account, by each spelling.
        for typed in ["ada@bücher.example", "ada@xn--bcher-kva.example"] {
            store
                .accounts
                .request_password_reset(&email(typed), &visitor())
                .await
                .unwrap();
        }
        let subjects = store.subjects_to("ada@bücher.example").await;
        let resets = subjects.iter().filter(|subject| subject.contains("password"));
        assert_eq!(resets.count(), 2, "{engine:?} {subjects:?}");
    }
}

#[tokio::test]
async fn case_19_a_password_works_in_composed_and_decomposed_form() {
    let composed = "r\u{e9}sum\u{e9} battery";
    let decomposed = "re\u{301}sume\u{301} battery";
    for engine in engines() {
        let store = Store::new(engine).await;
        let mut input = sign_up("ada@example.com");
        input.password = forms::Secret::new(composed);
        let login = store.accounts.sign_up(input, &visitor()).await.unwrap();
        for typed in [composed, decomposed] {
            let input = sign_in("ada@example.com", typed);
            let again = store.accounts.sign_in(input, &visitor()).await.unwrap();
            assert_eq!(again.user.id, login.user.id, "{engine:?}");
        }

        // A hash of the decomposed bytes, from before passwords were normalized.
        let old = Argon2::default()
            .hash_password(decomposed.as_bytes())
            .unwrap()
            .to_string();
        let update = Statement::new("UPDATE users SET password_hash = $1").bind(old.as_str());
        store.test.db.execute([update]).await.unwrap();
        store
            .accounts
            .sign_in(sign_in("ada@example.com", decomposed), &visitor())
            .await
            .unwrap();
        let current: String = sqlx::query_scalar("SELECT password_hash FROM users")
            .fetch_one(store.test.db.pool())
            .await
            .unwrap();
        assert_ne!(
            current, old,
            "{engine:?}: it is replaced by a hash of the normal form"
        );
        store
            .accounts
            .sign_in(sign_in("ada@example.com", composed), &visitor())
            .await
            .unwrap();
        let wrong = store
            .accounts
            .sign_in(sign_in("ada@example.com", "resume battery"), &visitor())
            .await;
        let error = FieldErrors::one(Field::FORM, FieldError::WrongCredentials);
        assert_eq!(form_errors(wrong), error, "{engine:?}");
    }
}

#[tokio::test]
async fn case_18_a_question_is_kept_and_found_in_one_spelling() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let user = store.sign_up("ada@example.com").await.user.id;
        let form = |question: &str| PollForm {
            question: question.to_owned(),
            option: vec!["a".to_owned(), "b".to_owned()],
            ..PollForm::default()
        };
        let refused = form("\u{3164}").check().unwrap_err();
        assert_eq!(
            refused.at(PollForm::question),
            Some(&FieldError::InvisibleCharacter { code: 0x3164 })
        );
        let draft = form("  Cafe\u{301}\u{200b}  👨\u{200d}👩\u{200d}👧? ")
            .check()
            .unwrap();
        store
            .polls
            .create(user, &draft, uuid::Uuid::from_u128(172))
            .await
            .unwrap();
        for find in [
            "café",
            "CAFE\u{301}",
            "cafe\u{301}\u{feff}",
            "👨\u{200d}👩\u{200d}👧",
        ] {
            let found = store.polls.list(user, PollFilter::All, find).await.unwrap().polls;
            let questions: Vec<&str> = found.iter().map(|poll| poll.question.as_str()).collect();
            assert_eq!(questions, ["Café 👨\u{200d}👩\u{200d}👧?"], "{engine:?} {find:?}");
        }
    }
}
