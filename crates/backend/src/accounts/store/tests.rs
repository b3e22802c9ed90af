use db::testing::{TestDb, engines};

use super::*;

#[tokio::test]
async fn an_account_without_a_recorded_change_has_had_its_choice_from_the_beginning() {
    use Choice::{Denied, Granted, Unset};
    let user = UserId::parse("019aa5c4-0000-7000-8000-000000000001").unwrap();
    for engine in engines() {
        let test = TestDb::new(engine).await;
        let mut tx = test.db.write().await.unwrap();
        let insert =
            "INSERT INTO users (id, email, email_key, password_hash, account_type, consent, created_at)
                      VALUES ($1, 'a', 'a', '', 'free', 'granted', 100)";
        let insert = sqlx::query(insert).bind(user.to_string());
        insert.execute(&mut *tx).await.unwrap();
        // Stripe's times are whole seconds: a change may seem to be older than the account.
        let choices = consent_now_and_at(&mut tx, user, 50).await.unwrap();
        assert_eq!(choices, [Granted, Granted], "{engine:?}");
        set_consent(&mut tx, user, Denied, 200).await.unwrap();
        set_consent(&mut tx, user, Granted, 300).await.unwrap();
        for (at_ms, then) in [(150, Unset), (250, Denied), (300, Granted)] {
            let choices = consent_now_and_at(&mut tx, user, at_ms).await.unwrap();
            assert_eq!(choices, [Granted, then], "{engine:?} {at_ms}");
        }
    }
}
