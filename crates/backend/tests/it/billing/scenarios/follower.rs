//! A second database that receives the same webhooks late, repeated, and in random order.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backend::billing::Billing;
use backend::billing::inbox::{InboxSettings, Worker};
use backend::clock::Clock;
use db::testing::TestDb;
use db::{Engine, Statement};
use fastrand::Rng;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row};
use tokio::task::JoinSet;

use super::super::environment::{Environment, billing_over, receive};
use crate::support::visitor;

/// How a follower receives webhooks.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryMode {
    pub engine: Engine,
    /// Number of concurrent workers.
    pub workers: usize,
    /// Probability that a webhook is delayed to another day. The last day delivers all.
    pub delay_probability: f64,
}

pub struct Follower {
    pub mode: DeliveryMode,
    pub test: TestDb,
    billing: Billing,
    clock: Clock,
    /// IDs of copied rows.
    copied: HashSet<String>,
    backlog: Vec<Value>,
    rng: Rng,
}

/// Rows that webhooks do not create: users, customers, clicks, portal visits. The first column is the key.
const COPIED: [(&str, &[&str], &[&str]); 4] = [
    (
        "users",
        &[
            "id",
            "email",
            "email_key",
            "password_hash",
            "account_type",
            "consent",
        ],
        &["created_at"],
    ),
    ("stripe_customers", &["id", "user_id"], &["created_at"]),
    (
        "handoffs",
        &["click", "user_id", "action", "device_id", "context", "address"],
        &["session_id", "consented", "created_at"],
    ),
    (
        "portal_visits",
        &["id", "user_id", "device_id", "context"],
        &["session_id", "created_at"],
    ),
];

impl Follower {
    pub async fn new(mode: DeliveryMode, env: &Environment, seed: u64) -> Self {
        let test = TestDb::new(mode.engine).await;
        let clock = env.store.clock.clone();
        let mut follower = Self {
            mode,
            billing: billing_over(&test.db, &clock, &env.stripe.url),
            test,
            clock,
            copied: HashSet::new(),
            backlog: Vec::new(),
            rng: Rng::with_seed(seed),
        };
        follower.copy(env).await;
        follower
    }

    /// Copies new rows before the webhooks about them.
    async fn copy(&mut self, env: &Environment) {
        for (table, texts, numbers) in COPIED {
            let columns = [texts, numbers].concat();
            let names = columns.join(", ");
            let select = AssertSqlSafe(format!("SELECT {names} FROM {table}"));
            let holders: Vec<_> = (1..=columns.len()).map(|number| format!("${number}")).collect();
            let insert = format!("INSERT INTO {table} ({names}) VALUES ({})", holders.join(", "));
            for row in sqlx::query(select)
                .fetch_all(env.store.test.db.pool())
                .await
                .unwrap()
            {
                if !self.copied.insert(row.get(0)) {
                    continue;
                }
                let mut copy = Statement::new(AssertSqlSafe(insert.clone()));
                for name in texts {
                    copy = match *name {
                        "account_type" => copy.bind("free"),
                        // The webhooks of the first database have cleared it.
                        "address" => copy.bind(visitor().address.to_string()),
                        name => copy.bind(row.get::<Option<String>, _>(name)),
                    };
                }
                for name in numbers {
                    copy = copy.bind(row.get::<Option<i64>, _>(*name));
                }
                self.test.db.execute([copy]).await.unwrap();
            }
        }
    }

    /// Delivers a day's webhooks; with `last`, all delayed ones too.
    pub async fn day(&mut self, env: &Environment, webhooks: &[Value], last: bool) {
        self.copy(env).await;
        self.backlog.extend_from_slice(webhooks);
        let (delayed, mut due): (Vec<_>, Vec<_>) = std::mem::take(&mut self.backlog)
            .into_iter()
            .partition(|_| !last && self.rng.f64() < self.mode.delay_probability);
        self.backlog = delayed;
        // Some are repeated on the same or on a later day.
        for webhook in due.clone() {
            match self.rng.u8(0..8) {
                0 => due.push(webhook),
                1 if !last => self.backlog.push(webhook),
                _ => {}
            }
        }
        self.rng.shuffle(&mut due);
        if due.is_empty() {
            return;
        }

        let all_received = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for _ in 0..self.mode.workers {
            let worker = Worker::new(self.billing.clone(), InboxSettings::default());
            let (billing, all_received) = (self.billing.clone(), all_received.clone());
            tasks.spawn(async move {
                // Works until all webhooks are received and none is pending.
                while !all_received.load(Ordering::SeqCst)
                    || billing.inbox_counts().await.unwrap().pending > 0
                {
                    worker.drain().await.unwrap();
                    tokio::task::yield_now().await;
                }
            });
        }
        for webhook in &due {
            let body = webhook.to_string();
            receive(&self.billing, &body, self.clock.now_ms()).await.unwrap();
        }
        all_received.store(true, Ordering::SeqCst);
        tasks.join_all().await;
        let counts = self.billing.inbox_counts().await.unwrap();
        assert_eq!((counts.pending, counts.parked), (0, 0), "{:?}", self.mode);
    }
}
