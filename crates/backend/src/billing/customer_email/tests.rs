//! Tests of attempts that panic or are rejected.

use std::collections::HashSet;

use db::testing::{TestDb, engines};
use outbox::Wakeup;

use super::store;
use super::{ATTEMPTS, CustomerEmailUpdater, LEASE_MS, StripeCallError};
use crate::billing::Billing;
use crate::clock::Clock;
use crate::config::Config;

const CUSTOMER: &str = "cus_1";

/// An updater with one address that is due.
async fn updater(test: &TestDb, clock: &Clock) -> CustomerEmailUpdater {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config::read(|name| (name == "SEAMLINE_LOCAL").then(|| "1".to_owned())).unwrap();
    let billing = Billing::new(&config, test.db.clone(), clock.clone(), Wakeup::new()).unwrap();
    let account = crate::ids::random();
    for sql in [
        format!(
            "INSERT INTO users (id, email, email_key, password_hash, account_type, consent, created_at)
             VALUES ('{account}', 'ada@example.com', 'ada@example.com', 'x', 'free', 'granted', 0)"
        ),
        format!(
            "INSERT INTO stripe_customers (id, user_id, created_at, email_due_ms, email_changes)
             VALUES ('{CUSTOMER}', '{account}', 0, 0, 1)"
        ),
    ] {
        test.db
            .execute(sqlx::query(sqlx::AssertSqlSafe(sql)))
            .await
            .unwrap();
    }
    CustomerEmailUpdater::new(billing, Wakeup::new())
}

/// Makes one attempt every two hours until none is due, and returns their number. Each has an idempotency key of its own.
async fn attempts(
    test: &TestDb,
    updater: &CustomerEmailUpdater,
    clock: &Clock,
    keys: &mut HashSet<String>,
    send: impl AsyncFn() -> Result<(), StripeCallError>,
) -> i64 {
    let mut made = 0;
    loop {
        clock.advance(2 * 3_600_000);
        let now_ms = clock.now_ms();
        let due = store::due(test.db.pool(), now_ms).await.unwrap();
        let Some(customer) = due.filter(|_| made < 20) else {
            return made;
        };
        let claimed = store::claim(&test.db, &customer, now_ms, now_ms + LEASE_MS)
            .await
            .unwrap();
        let claimed = claimed.unwrap();
        assert!(keys.insert(claimed.key()), "{}", claimed.key());
        updater.attempt(&claimed, send()).await.unwrap();
        made += 1;
    }
}

#[tokio::test]
async fn an_address_whose_attempts_panic_or_are_rejected_is_parked_until_a_replay() {
    for engine in engines() {
        let (test, clock) = (TestDb::new(engine).await, Clock::fixed(1_000));
        let updater = updater(&test, &clock).await;
        let mut keys = HashSet::new();
        let billing = &updater.billing;
        let panics = async || panic!("expected in this test");
        assert_eq!(
            attempts(&test, &updater, &clock, &mut keys, panics).await,
            3,
            "{engine:?}"
        );
        let parked = billing.parked_customer_emails(10).await.unwrap();
        assert_eq!(
            (
                parked.len(),
                parked[0].customer.as_str(),
                parked[0].reason.as_str()
            ),
            (1, CUSTOMER, "panicked"),
            "{engine:?}"
        );

        assert!(
            billing.replay_customer_email(CUSTOMER).await.unwrap(),
            "{engine:?}"
        );
        assert!(
            !billing.replay_customer_email(CUSTOMER).await.unwrap(),
            "{engine:?}: once"
        );
        let rejected = async || {
            Err(StripeCallError::Rejected {
                status: 400,
                code: "email_invalid".to_owned(),
                message: "Invalid email address: ada@example.com".to_owned(),
            })
        };
        assert_eq!(
            attempts(&test, &updater, &clock, &mut keys, rejected).await,
            ATTEMPTS,
            "{engine:?}"
        );
        let parked = billing.parked_customer_emails(10).await.unwrap();
        assert_eq!(
            parked[0].reason, "Stripe rejected it with 400 email_invalid",
            "{engine:?}: without the address"
        );

        // The next change of the address has all attempts again. An outage never parks.
        let change = async || {
            let mut tx = test.db.write().await.unwrap();
            store::enqueue(&mut tx, parked[0].account, clock.now_ms())
                .await
                .unwrap();
            tx.commit().await.unwrap();
        };
        change().await;
        assert_eq!(
            attempts(&test, &updater, &clock, &mut keys, rejected).await,
            ATTEMPTS,
            "{engine:?}"
        );
        change().await;
        let unreachable = async || Err(StripeCallError::Unreachable("no route".to_owned()));
        assert_eq!(
            attempts(&test, &updater, &clock, &mut keys, unreachable).await,
            20,
            "{engine:?}"
        );
        assert!(
            billing.parked_customer_emails(10).await.unwrap().is_empty(),
            "{engine:?}"
        );
        let sent = async || Ok(());
        assert_eq!(
            attempts(&test, &updater, &clock, &mut keys, sent).await,
            1,
            "{engine:?}"
        );
    }
}
