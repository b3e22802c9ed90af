//! Another database that hears of the same lives: late, twice, in any order.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backend::billing::Billing;
use backend::billing::inbox::{Settings, Worker};
use backend::clock::Clock;
use db::Engine;
use db::testing::TestDb;
use fastrand::Rng;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row};
use tokio::task::JoinSet;

use super::super::stage::{Stage, billing_over, receive};

/// How a follower gets its webhooks.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    pub engine: Engine,
    /// At once.
    pub workers: usize,
    /// How probable it is that a webhook waits for another day; the last day brings what is left.
    pub waits: f64,
}

pub struct Follower {
    pub manner: Manner,
    pub test: TestDb,
    billing: Billing,
    clock: Clock,
    /// IDs of rows that are here already.
    copied: HashSet<String>,
    backlog: Vec<Value>,
    rng: Rng,
}

/// Rows that no webhook makes: who is who, and visits to the portal.
const COPIED: [(&str, &[&str], &[&str]); 3] = [
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
        "portal_visits",
        &["id", "user_id", "device_id"],
        &["session_id", "created_at"],
    ),
];

impl Follower {
    pub async fn new(manner: Manner, stage: &Stage, seed: u64) -> Self {
        let test = TestDb::new(manner.engine).await;
        let clock = stage.store.clock.clone();
        let mut follower = Self {
            manner,
            billing: billing_over(&test.db, &clock, &stage.stripe.url),
            test,
            clock,
            copied: HashSet::new(),
            backlog: Vec::new(),
            rng: Rng::with_seed(seed),
        };
        follower.copy(stage).await;
        follower
    }

    /// Before any webhook that is about them, as in life.
    async fn copy(&mut self, stage: &Stage) {
        for (table, texts, numbers) in COPIED {
            let columns = [texts, numbers].concat();
            let names = columns.join(", ");
            let select = AssertSqlSafe(format!("SELECT {names} FROM {table}"));
            let holders: Vec<_> = (1..=columns.len()).map(|number| format!("${number}")).collect();
            let insert = format!("INSERT INTO {table} ({names}) VALUES ({})", holders.join(", "));
            for row in sqlx::query(select)
                .fetch_all(stage.store.test.db.pool())
                .await
                .unwrap()
            {
                if !self.copied.insert(row.get("id")) {
                    continue;
                }
                let mut query = sqlx::query(AssertSqlSafe(insert.clone()));
                for name in texts {
                    query = match *name {
                        "account_type" => query.bind("free"),
                        name => query.bind(row.get::<Option<String>, _>(name)),
                    };
                }
                for name in numbers {
                    query = query.bind(row.get::<Option<i64>, _>(*name));
                }
                query.execute(self.test.db.pool()).await.unwrap();
            }
        }
    }

    /// A day's webhooks; `last`: and all that were left.
    pub async fn day(&mut self, stage: &Stage, webhooks: &[Value], last: bool) {
        self.copy(stage).await;
        self.backlog.extend_from_slice(webhooks);
        let (waiting, mut coming): (Vec<_>, Vec<_>) = std::mem::take(&mut self.backlog)
            .into_iter()
            .partition(|_| !last && self.rng.f64() < self.manner.waits);
        self.backlog = waiting;
        // Some come twice, now or on another day.
        for webhook in coming.clone() {
            match self.rng.u8(0..8) {
                0 => coming.push(webhook),
                1 if !last => self.backlog.push(webhook),
                _ => {}
            }
        }
        self.rng.shuffle(&mut coming);
        if coming.is_empty() {
            return;
        }

        let closed = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for _ in 0..self.manner.workers {
            let worker = Worker::new(self.billing.clone(), Settings::default());
            let (billing, closed) = (self.billing.clone(), closed.clone());
            tasks.spawn(async move {
                // Until the door is closed and nothing is left.
                while !closed.load(Ordering::SeqCst) || billing.inbox_counts().await.unwrap().pending > 0 {
                    worker.drain().await.unwrap();
                    tokio::task::yield_now().await;
                }
            });
        }
        for webhook in &coming {
            let body = webhook.to_string();
            receive(&self.billing, &body, self.clock.now_ms()).await.unwrap();
        }
        closed.store(true, Ordering::SeqCst);
        tasks.join_all().await;
        let counts = self.billing.inbox_counts().await.unwrap();
        assert_eq!((counts.pending, counts.parked), (0, 0), "{:?}", self.manner);
    }
}
