//! Sign-ups and webhooks after power failures. A program of its own: the VFS applies to all databases of the process.

#![expect(
    clippy::unwrap_used,
    reason = "also in helpers of the tests, where clippy does not allow it by default"
)]

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use backend::accounts::Accounts;
use backend::billing::Billing;
use backend::billing::inbox::Received;
use backend::clock::Clock;
use backend::config::Config;
use backend::{RequestOrigin, Visitor};
use db::{Db, Statement};
use forms::{Secret, SignUpForm};
use outbox::Wakeup;
use serde_json::json;
use stripe_webhook::Webhook;
use tracking::{Choice, IdSource, PresentIds, SessionId};

const SECRET: &str = "whsec_test";
const CUSTOMER: &str = "cus_1";
/// Sign-ups of one writer; a password hash takes tens of milliseconds.
const SIGN_UPS: usize = 8;
const WEBHOOKS: usize = 150;
const WRITERS: usize = 8;

/// What was acknowledged: email keys, and IDs of webhooks.
#[derive(Clone, Debug, Default)]
struct Acknowledged {
    sign_ups: HashSet<String>,
    webhooks: HashSet<String>,
}

fn visitor(now_ms: i64, address: [u8; 4]) -> Visitor {
    Visitor {
        tracking: Some(PresentIds::Live {
            device: backend::ids::device(),
            session: SessionId::starting_at(now_ms),
            source: IdSource::ServerSession,
            context: Box::default(),
        }),
        choice: Choice::Unset,
        privacy_control: false,
        voter: None,
        address: address.into(),
        known_accounts: Vec::new(),
        user_agent: "Browser/1.0".to_owned(),
        origin: RequestOrigin::default(),
    }
}

fn billing(db: &Db, clock: &Clock) -> Billing {
    let config = Config::read(|name| match name {
        "STRIPE_API_URL" => Some("http://127.0.0.1:9".to_owned()),
        "STRIPE_WEBHOOK_SECRETS" => Some(SECRET.to_owned()),
        _ => None,
    });
    let _ = rustls::crypto::ring::default_provider().install_default();
    Billing::new(&config.unwrap(), db.clone(), clock.clone(), Wakeup::new()).unwrap()
}

/// Stores a webhook about a customer of ours, as the route does, and returns its ID.
async fn receive(billing: &Billing, id: String, now_ms: i64) -> String {
    let body = json!({
        "id": id, "object": "event", "type": "customer.subscription.updated", "created": now_ms / 1_000, "livemode": false,
        "data": {"object": {"id": "sub_1", "object": "subscription", "customer": CUSTOMER}},
    })
    .to_string();
    let signature = Webhook::generate_test_header(&body, SECRET, Some(now_ms / 1_000));
    assert_eq!(
        billing.receive(body.as_bytes(), &signature).await.unwrap(),
        Received::New
    );
    id
}

async fn texts(db: &Db, sql: &'static str) -> HashSet<String> {
    let texts: Vec<String> = sqlx::query_scalar(sql).fetch_all(db.pool()).await.unwrap();
    texts.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_sign_up_and_webhook_survives() {
    power_failure::install();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let db = Db::open(&format!("sqlite:{}", file.display())).await.unwrap();
    let clock = Clock::system();
    let accounts = Accounts::new(db.clone(), clock.clone(), Wakeup::new(), false);
    let billing = billing(&db, &clock);
    let customer = Statement::new("INSERT INTO stripe_customers (id, created_at) VALUES ($1, $2)");
    db.execute([customer.bind(CUSTOMER).bind(clock.now_ms())])
        .await
        .unwrap();

    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let (accounts, now, done) = (accounts.clone(), clock.clone(), acknowledged.clone());
        writers.push(tokio::spawn(async move {
            for n in 0..SIGN_UPS {
                let email = format!("writer{writer}.{n}@example.com");
                let form = SignUpForm {
                    email: email.clone(),
                    password: Secret::new("correct horse battery"),
                    ..SignUpForm::default()
                };
                // One network for each sign-up: the limits of a network are not what is tested.
                let address = [192, u8::try_from(writer).unwrap(), u8::try_from(n).unwrap(), 1];
                let visitor = visitor(now.now_ms(), address);
                accounts.sign_up(form.check().unwrap(), &visitor).await.unwrap();
                done.lock().unwrap().sign_ups.insert(email);
            }
        }));
        let (billing, now, done) = (billing.clone(), clock.clone(), acknowledged.clone());
        writers.push(tokio::spawn(async move {
            for n in 0..WEBHOOKS {
                let id = receive(&billing, format!("evt_{writer}_{n}"), now.now_ms()).await;
                done.lock().unwrap().webhooks.insert(id);
            }
        }));
    }
    let mut failures = 0;
    loop {
        let is_last = writers.iter().all(tokio::task::JoinHandle::is_finished);
        // First what was acknowledged, then the disk.
        let expected = acknowledged.lock().unwrap().clone();
        let into = tempfile::tempdir().unwrap();
        let left = power_failure::fail(&file, into.path(), || failures % 2 == 0).unwrap();
        failures += 1;
        let after = Db::open(&format!("sqlite:{}", left.display())).await.unwrap();
        let accounts = texts(&after, "SELECT email_key FROM users").await;
        let with_event = "SELECT email_key FROM users JOIN outbox ON outbox.lane = users.id
                          WHERE event_type = 'Sign-up completed'";
        let with_event = texts(&after, with_event).await;
        let webhooks = texts(&after, "SELECT event_id FROM stripe_inbox").await;
        assert!(expected.sign_ups.is_subset(&accounts), "after failure {failures}");
        assert_eq!(accounts, with_event, "each account has its event");
        assert!(expected.webhooks.is_subset(&webhooks), "after failure {failures}");
        after.close().await;
        if is_last {
            assert_eq!(expected.sign_ups.len(), WRITERS * SIGN_UPS);
            assert_eq!(expected.webhooks.len(), WRITERS * WEBHOOKS);
            break;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(failures > 3, "only {failures} failures");
}
