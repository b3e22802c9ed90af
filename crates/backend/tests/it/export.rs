//! Tests of the data export.

use backend::Backend;
use backend::config::Config;
use db::testing::engines;
use forms::PollForm;
use outbox::Wakeup;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{PASSWORD, Store, sign_in, visitor};

#[tokio::test]
async fn the_export_contains_all_data_of_the_user_and_no_other_data() {
    for engine in engines() {
        let store = Store::new(engine).await;
        // The backend creates HTTP clients, which need a TLS provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = Config::read(|_| None).unwrap();
        let backend = Backend::new(&config, &store.test.db, &store.clock, Wakeup::new()).unwrap();
        let login = store.sign_up("ada@example.com").await;
        let other = store.sign_up("bob@example.com").await;
        let phone = store
            .accounts
            .sign_in(sign_in("ada@example.com", PASSWORD), &visitor())
            .await
            .unwrap();
        store.accounts.sign_out(&phone, &visitor()).await.unwrap();
        let draft = |question: &str| {
            let form = PollForm {
                question: question.to_owned(),
                option: vec!["Soup".to_owned(), "<b>Salad</b>".to_owned()],
                multiple_choice: true,
                ..PollForm::default()
            };
            form.check().unwrap()
        };
        for (user, question, form) in [
            (login.user.id, "Lunch?", 1),
            (login.user.id, "Dinner?", 2),
            (other.user.id, "Bob's?", 3),
        ] {
            store.clock.advance(1);
            store
                .polls
                .create(user, &draft(question), Uuid::from_u128(form))
                .await
                .unwrap();
        }

        // A vote for the second option of bob's poll.
        let bobs = format!("(SELECT id FROM polls WHERE user_id = '{}')", other.user.id);
        store
            .execute(&format!(
                "INSERT INTO votes (id, poll_id, user_id, cast_at, changed_at)
                 VALUES ('{}', {bobs}, '{}', 0, 1000)",
                Uuid::nil(),
                login.user.id
            ))
            .await;
        store
            .execute(&format!(
                "INSERT INTO vote_choices (vote_id, position) VALUES ('{}', 1)",
                Uuid::nil()
            ))
            .await;

        let user = login.user.id;
        for sql in [
            format!("INSERT INTO stripe_customers (id, user_id, created_at) VALUES ('cus_1', '{user}', 0)"),
            "INSERT INTO paid_invoices (id, customer_id, subscription_id, currency, amount_paid, paid_at)
             VALUES ('in_1', 'cus_1', 'sub_1', 'usd', 1200, 1)"
                .to_owned(),
            "INSERT INTO refunds (id, customer_id, invoice_id, currency, amount, status)
             VALUES ('re_1', 'cus_1', 'in_1', 'usd', 500, 'succeeded')"
                .to_owned(),
            "INSERT INTO disputes (id, customer_id, invoice_id, currency, amount, status)
             VALUES ('du_1', 'cus_1', 'in_1', 'usd', 700, 'lost')"
                .to_owned(),
            format!(
                "INSERT INTO handoffs (click, user_id, action, device_id, session_id, consented, created_at, context, address)
                 VALUES ('c', '{user}', 'checkout', 'd-1', 7, 1, 1000, '{{\"page_path\":\"/pricing\"}}', '192.0.2.7')"
            ),
            format!("INSERT INTO portal_visits (id, user_id, created_at) VALUES ('v', '{user}', 2000)"),
            format!(
                "INSERT INTO sdk_sightings (device_id, session_id, user_id, seen_at) VALUES ('d-1', 7, '{user}', 1)"
            ),
            format!(
                "INSERT INTO browser_counts (device_id, session_id, user_id, fired_events, fired_pages,
                                             arrived_events, arrived_pages, updated_at)
                 VALUES ('d-1', 7, '{user}', 2, 3, 1, 3, 1), ('d-2', 9, '{}', 1, 1, 0, 0, 1)",
                other.user.id
            ),
        ] {
            store.execute(&sql).await;
        }

        let export = serde_json::to_value(backend.export(&login).await.unwrap()).unwrap();
        assert_eq!(export["exported_at"], "2026-11-18T11:06:40.003Z", "{engine:?}");
        assert_eq!(
            export["account"],
            json!({
                "id": login.user.id.to_string(),
                "email": "ada@example.com",
                "email_verified_at": null,
                "account_type": "free",
                "tracking_consent": "unset",
                "created_at": "2026-11-18T11:06:40Z",
            }),
            "{engine:?}"
        );
        let logins = export["logins"].as_array().unwrap();
        let ended: Vec<_> = logins.iter().map(|login| login["ended_by"].clone()).collect();
        assert_eq!(ended, [Value::Null, json!("sign_out")], "{engine:?}");
        assert_eq!(logins[0]["browser"], "Browser/1.0");
        let polls = export["polls"].as_array().unwrap();
        let questions: Vec<_> = polls.iter().map(|poll| poll["question"].clone()).collect();
        assert_eq!(questions, ["Lunch?", "Dinner?"], "{engine:?}");
        assert_eq!(polls[0]["options"], json!(["Soup", "<b>Salad</b>"]));
        let [vote] = &export["votes"].as_array().unwrap()[..] else {
            panic!("{engine:?}: one vote")
        };
        assert_eq!(
            (&vote["question"], &vote["choices"], &vote["changed_at"]),
            (
                &json!("Bob's?"),
                &json!(["<b>Salad</b>"]),
                &json!("1970-01-01T00:00:01Z")
            ),
            "{engine:?}"
        );
        assert_eq!(
            export["stripe"],
            json!({
                "customers": ["cus_1"],
                "payments": [{
                    "invoice": "in_1", "subscription": "sub_1", "currency": "usd", "amount_minor": 1200,
                    "paid_at": "1970-01-01T00:00:01Z",
                }],
                "refunds": [{
                    "refund": "re_1", "invoice": "in_1", "currency": "usd", "amount_minor": 500, "status": "succeeded",
                }],
                "disputes": [{
                    "dispute": "du_1", "invoice": "in_1", "currency": "usd", "amount_minor": 700, "status": "lost",
                }],
                "clicks": [
                    {"action": "checkout", "device": "d-1", "session": 7, "at": "1970-01-01T00:00:01Z",
                     "context": {"page_path": "/pricing"}, "address": "192.0.2.7"},
                    {"action": "portal", "device": null, "session": null, "at": "1970-01-01T00:00:02Z",
                     "context": null, "address": null},
                ],
            }),
            "{engine:?}"
        );
        assert_eq!(
            export["tracking"]["browser_sessions"],
            json!([{"device": "d-1", "session": 7, "sdk_ran": true, "fired": 5, "arrived": 4}]),
            "{engine:?}"
        );
        let text = export.to_string();
        assert!(!text.contains("argon2") && !text.contains("bob@"), "{text}");
    }
}
