//! Stores received webhooks. Those that arrive while others are inserted wait, and are stored together: with one read of their
//! customers, one insert and one commit. Each request gets its answer after the commit. It does not apply webhooks.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::slice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use db::WriteTx;
use futures::future::try_join_all;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tracing::Instrument;

use super::ownership::NamedCustomer;
use super::signature::InvalidWebhookError;
use super::store::{self, NewWebhook};
use super::{ReceiveError, Received};
use crate::billing::Billing;
use crate::billing::payload::StripeEvent;

/// The most webhooks that are stored together. It limits the parameters of a statement.
const MAX_TOGETHER: usize = 128;

/// With more unanswered webhooks than this, workers wait: Stripe repeats a webhook whose answer is slow.
const MAX_UNANSWERED: usize = 16;
/// How long a worker waits at most before each customer, so that no burst stops it.
const MAX_WORKER_WAIT: Duration = Duration::from_millis(100);
/// How often a worker that waits looks again.
const WORKER_CHECK: Duration = Duration::from_millis(5);

/// The webhooks that wait to be stored.
#[derive(Default)]
pub(in crate::billing) struct Arrivals {
    /// In order of arrival.
    waiting: Mutex<VecDeque<Arrival>>,
    /// Held while some are inserted.
    writer: tokio::sync::Mutex<()>,
    /// Each webhook without an answer has a clone.
    unanswered_token: Arc<()>,
}

/// Webhooks that were inserted but are not committed.
struct Insertion {
    /// The result of each, if they are committed.
    results: Vec<Received>,
    /// `None` if none of them is ours.
    tx: Option<WriteTx>,
}

struct Arrival {
    event: StripeEvent,
    payload: String,
    received_ms: i64,
    answer: oneshot::Sender<Result<Received, Arc<sqlx::Error>>>,
    _unanswered: Arc<()>,
}

impl Arrivals {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Arrival>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unanswered(&self) -> usize {
        Arc::strong_count(&self.unanswered_token) - 1
    }

    /// Waits until a burst of webhooks has its answers, at most [`MAX_WORKER_WAIT`]. Workers call it before each customer.
    pub(super) async fn wait_for_burst(&self) {
        let until = Instant::now() + MAX_WORKER_WAIT;
        while self.unanswered() > MAX_UNANSWERED && Instant::now() < until {
            sleep(WORKER_CHECK).await;
        }
    }

    fn take_first(&self) -> Vec<Arrival> {
        let mut waiting = self.waiting();
        let count = waiting.len().min(MAX_TOGETHER);
        waiting.drain(..count).collect()
    }
}

impl Billing {
    /// Stores an event that is known to come from Stripe, by a signature or from its event list, if it is ours. It is stored
    /// even if this future is dropped.
    pub(in crate::billing) async fn accept(&self, payload: String) -> Result<Received, ReceiveError> {
        let event = StripeEvent::parse(&payload).map_err(|_| InvalidWebhookError::NotAnEvent)?;
        let (answer, answered) = oneshot::channel();
        self.arrivals.waiting().push_back(Arrival {
            event,
            payload,
            received_ms: self.clock.now_ms(),
            answer,
            _unanswered: Arc::clone(&self.arrivals.unanswered_token),
        });
        // There are as many tasks as webhooks, so each webhook is taken. A canceled request cancels no task.
        let billing = self.clone();
        tokio::spawn(async move { billing.store_arrivals().await }.in_current_span());
        // There is no answer if the task panicked or the runtime shuts down.
        let answer = answered.await;
        Ok(answer.unwrap_or_else(|_| Err(Arc::new(sqlx::Error::WorkerCrashed)))?)
    }

    /// Stores the webhooks that have waited longest. The next ones are inserted while these are committed.
    async fn store_arrivals(&self) {
        let writer = self.arrivals.writer.lock().await;
        let arrivals = self.arrivals.take_first();
        // Another task has stored this task's webhook.
        if arrivals.is_empty() {
            return;
        }
        match self.insert_arrivals(&arrivals).await {
            // The others must not fail with the one that the database refuses.
            Err(error) if arrivals.len() > 1 && db::is_refusal(&error) => {
                for arrival in arrivals {
                    match self.insert_arrivals(slice::from_ref(&arrival)).await {
                        Ok(insertion) => self.commit_arrivals(vec![arrival], insertion).await,
                        Err(error) => self.fail_arrivals(vec![arrival], error),
                    }
                }
            }
            Err(error) => self.fail_arrivals(arrivals, error),
            Ok(insertion) => {
                drop(writer);
                self.commit_arrivals(arrivals, insertion).await;
            }
        }
    }

    /// Inserts those of the webhooks that are ours, with one statement.
    async fn insert_arrivals(&self, arrivals: &[Arrival]) -> Result<Insertion, sqlx::Error> {
        let customers = try_join_all(arrivals.iter().map(|arrival| self.customer_of(&arrival.event))).await?;
        let named: BTreeSet<&str> = customers.iter().flatten().map(String::as_str).collect();
        let known = store::known_customers(self.db.pool(), &named).await?;
        let product = self.read_plan_product();
        let reasons = try_join_all(arrivals.iter().zip(&customers).map(|(arrival, customer)| {
            let customer = match customer {
                None => NamedCustomer::None,
                Some(customer) if known.contains(customer) => NamedCustomer::Ours,
                Some(_) => NamedCustomer::Unknown,
            };
            self.why_not_ours(&arrival.event, customer, product.as_ref())
        }))
        .await?;

        let lanes: Vec<String> = arrivals
            .iter()
            .zip(customers)
            .map(|(arrival, customer)| customer.unwrap_or_else(|| format!("event:{}", arrival.event.id)))
            .collect();
        let decided = arrivals.iter().zip(&lanes).zip(&reasons);
        let ours: Vec<NewWebhook<'_>> = decided
            .filter(|(_, reason)| reason.is_none())
            .map(|((arrival, lane), _)| NewWebhook {
                event_id: &arrival.event.id,
                lane,
                event_type: &arrival.event.kind,
                payload: &arrival.payload,
                received_ms: arrival.received_ms,
            })
            .collect();
        let (mut tx, mut new) = (None, HashSet::new());
        if !ours.is_empty() {
            let mut writing = self.db.write().await?;
            new = store::insert(&mut writing, &ours).await?;
            tx = Some(writing);
        }
        let results = arrivals
            .iter()
            .zip(reasons)
            .map(|(arrival, reason)| match reason {
                Some(reason) => Received::NotOurs(reason),
                // The second of two in this group is a duplicate.
                None if new.remove(&arrival.event.id) => Received::New,
                None => Received::Duplicate,
            });
        Ok(Insertion {
            results: results.collect(),
            tx,
        })
    }

    /// Commits the webhooks and answers their requests.
    async fn commit_arrivals(&self, arrivals: Vec<Arrival>, insertion: Insertion) {
        let Insertion { results, tx } = insertion;
        if let Some(tx) = tx
            && let Err(error) = tx.commit().await
        {
            return self.fail_arrivals(arrivals, error);
        }
        for (arrival, received) in arrivals.into_iter().zip(results) {
            self.answer(arrival, received);
        }
    }

    /// Answers requests whose webhooks were not stored. If the database fails, all that wait fail too, so that none waits longer
    /// than for one attempt.
    fn fail_arrivals(&self, arrivals: Vec<Arrival>, error: sqlx::Error) {
        let waiting: Vec<Arrival> = match db::is_refusal(&error) {
            true => Vec::new(),
            false => self.arrivals.waiting().drain(..).collect(),
        };
        let error = Arc::new(error);
        for arrival in arrivals.into_iter().chain(waiting) {
            // An error means that the request was canceled.
            let _ = arrival.answer.send(Err(error.clone()));
        }
    }

    fn answer(&self, arrival: Arrival, received: Received) {
        let Arrival {
            event,
            received_ms,
            answer,
            ..
        } = arrival;
        match received {
            Received::New => {
                self.observer
                    .received(&event.kind, event.created_ms(), received_ms);
                self.parsed.keep(event);
                self.arrived.wake();
            }
            Received::NotOurs(reason) => self.not_ours.lock().add(event.kind, reason, 1, received_ms),
            Received::Duplicate => {}
        }
        // An error means that the request was canceled.
        let _ = answer.send(Ok(received));
    }
}

#[cfg(test)]
mod tests;
