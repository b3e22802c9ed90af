//! Everything that a database contains about a user, in a comparable form.

use std::collections::BTreeMap;

use db::Db;
use serde_json::{Map, Value};
use sqlx::AssertSqlSafe;
use tracking::UserId;

use super::super::environment::revenue;
use crate::support::payload;

#[derive(Debug, PartialEq)]
pub struct Record {
    /// By insert ID, without user properties, which depend on the fetched state.
    events: BTreeMap<String, Value>,
    /// The user properties after all events.
    user_properties: Map<String, Value>,
    /// Billing records, one text for each row.
    rows: Vec<String>,
}

/// Queries with the user ID as `$1` that return each row as one text, without write times.
const ROWS: [&str; 5] = [
    "SELECT 'account ' || account_type FROM users WHERE id = $1",
    "SELECT subscriptions.id || ' ' || status || ' ' || turned_away || ' ' || has_card || ' ' || object
     FROM subscriptions JOIN stripe_customers ON stripe_customers.id = customer_id
     WHERE user_id = $1 ORDER BY subscriptions.id",
    "SELECT paid_invoices.id || ' ' || subscription_id || ' ' || currency || ' ' || amount_paid || ' ' || paid_at
            || ' ' || COALESCE(hosted_url, '')
     FROM paid_invoices JOIN stripe_customers ON stripe_customers.id = customer_id
     WHERE user_id = $1 ORDER BY paid_invoices.id",
    "SELECT refunds.id || ' ' || invoice_id || ' ' || currency || ' ' || amount || ' ' || status
     FROM refunds JOIN stripe_customers ON stripe_customers.id = customer_id
     WHERE user_id = $1 ORDER BY refunds.id",
    "SELECT disputes.id || ' ' || invoice_id || ' ' || currency || ' ' || amount || ' ' || status
     FROM disputes JOIN stripe_customers ON stripe_customers.id = customer_id
     WHERE user_id = $1 ORDER BY disputes.id",
];

impl Record {
    pub async fn of(db: &Db, user: UserId) -> Self {
        let mut record = Self {
            events: BTreeMap::new(),
            user_properties: Map::new(),
            rows: Vec::new(),
        };
        for entry in outbox::events_of(db, user, 1_000).await.unwrap() {
            let mut event = payload(&entry);
            if event["event_type"] == "Sign-up completed" {
                continue;
            }
            let mut operations = event["user_properties"].take();
            if let Value::Object(set) = operations["$set"].take() {
                record.user_properties.extend(set);
            }
            assert!(operations["$setOnce"].is_null(), "billing events use no $setOnce");
            let twice = record.events.insert(entry.insert_id, event);
            assert_eq!(twice, None, "one row for each insert ID");
        }
        for sql in ROWS {
            let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(user.to_string());
            let rows: Vec<String> = query.fetch_all(db.pool()).await.unwrap();
            record.rows.extend(rows);
        }
        record
    }

    /// Sum of the events' revenue, in minor units.
    pub fn revenue(&self) -> i64 {
        self.events.values().map(revenue).sum()
    }
}
