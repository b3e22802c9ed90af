//! Numbers that are read when a scrape asks for them: queues, password hashes, refused feeds, tasks, the database's
//! connections.

use std::sync::atomic::Ordering;

use backend::Backend;
use backend::accounts::HashQueueUsage;
use backend::operations::{TaskRegistry, TaskState};
use backend::slots::SlotUsage;
use db::Db;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::Label;
use super::counters::{CUSTOMER_EMAILS, DELETIONS, MAILS, OUTBOX, WEBHOOKS};
use crate::http::feeds::Feeds;

/// What the numbers are read from.
#[derive(Clone)]
pub struct Sources {
    pub backend: Backend,
    pub db: Db,
    pub tasks: TaskRegistry,
    pub feeds: Feeds,
}

#[derive(Clone, Default)]
pub(super) struct Gauges {
    rows: Family<[Label; 2], Gauge>,
    oldest: Family<[Label; 1], Gauge>,
    tasks_failed: Family<[Label; 1], Gauge>,
    task_crashes: Family<[Label; 1], Gauge>,
    connections: Family<[Label; 1], Gauge>,
    hashes: Family<[Label; 1], Gauge>,
    hashes_refused: Family<[Label; 1], Counter>,
    feeds_refused: Family<[Label; 1], Counter>,
}

impl Gauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let gauges = Self::default();
        registry.register(
            "queue_rows",
            "Rows of each queue by state; above 10000 it is 10001",
            gauges.rows.clone(),
        );
        registry.register_with_unit(
            "queue_oldest",
            "Age of the oldest row that is neither done nor parked; 0 if there is none",
            Unit::Seconds,
            gauges.oldest.clone(),
        );
        registry.register(
            "task_failed",
            "1 if the background task crashes again and again, else 0",
            gauges.tasks_failed.clone(),
        );
        registry.register(
            "task_crashes",
            "Crashes of the background task since the server was started",
            gauges.task_crashes.clone(),
        );
        registry.register(
            "database_connections",
            "Connections of the pool by state",
            gauges.connections.clone(),
        );
        registry.register(
            "password_hashes",
            "Requests in the queue for a password hash by state",
            gauges.hashes.clone(),
        );
        registry.register(
            "password_hashes_refused",
            "Requests that got no place in the queue for a password hash, by the limit that was reached",
            gauges.hashes_refused.clone(),
        );
        registry.register(
            "feeds_refused",
            "Feeds of server-sent events that were refused, by the limit that was reached",
            gauges.feeds_refused.clone(),
        );
        gauges
    }

    /// Reads all numbers. Fails if the database fails.
    pub(super) async fn read(
        &self,
        sources: &Sources,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let now_ms = sources.backend.clock.now_ms();
        let outbox = outbox::counts(&sources.db).await?;
        let inbox = sources.backend.billing.inbox_counts().await?;
        let mails = backend::mail::counts(&sources.db).await?;
        let deletions = sources.backend.accounts.deletion_counts().await?;
        let emails = sources.backend.billing.customer_email_counts().await?;
        for (queue, pending, parked, oldest_ms) in [
            (OUTBOX, outbox.pending, outbox.parked, outbox.oldest_unsettled_ms),
            (WEBHOOKS, inbox.pending, inbox.parked, inbox.oldest_pending_ms),
            (MAILS, mails.pending, mails.parked, mails.oldest_pending_ms),
            (
                DELETIONS,
                deletions.pending,
                deletions.parked,
                deletions.oldest_pending_ms,
            ),
            (
                CUSTOMER_EMAILS,
                emails.pending,
                emails.parked,
                emails.oldest_pending_ms,
            ),
        ] {
            for (state, rows) in [("pending", pending), ("parked", parked)] {
                let labels = [("queue", queue.to_owned()), ("state", state.to_owned())];
                self.rows.get_or_create(&labels).set(rows);
            }
            let age_ms = oldest_ms.map_or(0, |oldest_ms| now_ms.saturating_sub(oldest_ms).max(0));
            self.oldest
                .get_or_create(&[("queue", queue.to_owned())])
                .set(age_ms / 1000);
        }
        for task in sources.tasks.statuses() {
            let labels = [("task", task.name.to_owned())];
            self.tasks_failed
                .get_or_create(&labels)
                .set(i64::from(task.state == TaskState::Failed));
            self.task_crashes
                .get_or_create(&labels)
                .set(i64::from(task.crashes));
        }
        let HashQueueUsage {
            running,
            waiting,
            refused_by_total,
            refused_by_network,
        } = sources.backend.accounts.hash_queue();
        for (state, requests) in [("running", running), ("waiting", waiting)] {
            self.hashes
                .get_or_create(&[("state", state.to_owned())])
                .set(i64::try_from(requests).unwrap_or(i64::MAX));
        }
        set_refusals(&self.hashes_refused, refused_by_total, refused_by_network);
        let SlotUsage {
            refused_by_total,
            refused_by_network,
            ..
        } = sources.feeds.usage();
        set_refusals(&self.feeds_refused, refused_by_total, refused_by_network);
        let (open, idle) = sources.db.pool().open_and_idle();
        for (state, connections) in [("idle", idle), ("used", open.saturating_sub(idle))] {
            self.connections
                .get_or_create(&[("state", state.to_owned())])
                .set(i64::try_from(connections).unwrap_or(i64::MAX));
        }
        Ok(())
    }
}

fn set_refusals(counters: &Family<[Label; 1], Counter>, by_total: u64, by_network: u64) {
    for (limit, refusals) in [("total", by_total), ("network", by_network)] {
        let counter = counters.get_or_create(&[("limit", limit.to_owned())]);
        counter.inner().store(refusals, Ordering::Relaxed);
    }
}
