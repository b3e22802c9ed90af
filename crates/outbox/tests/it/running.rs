//! Tests of the dispatcher's loop: wake-up, polling and shutdown.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use db::Engine;
use db::testing::engines;
use outbox::{
    DeliveryFailure, DeliveryOutcome, Dispatcher, DispatcherSettings, FailureKind, OutboundEvent,
    OutboxState, Sink, counts,
};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::support::{Outbox, settings, user_id, write};

/// Fails if the future takes longer than 60 seconds.
async fn with_timeout<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("finished in time")
}

/// Reports each batch, and accepts it when a permit is available.
struct GatedSink {
    batch_sizes: mpsc::UnboundedSender<usize>,
    permits: Arc<Semaphore>,
}

#[async_trait]
impl Sink for GatedSink {
    async fn deliver(&self, batch: &[OutboundEvent], _sent_at_ms: i64) -> Vec<DeliveryOutcome> {
        self.batch_sizes.send(batch.len()).unwrap();
        self.permits.acquire().await.unwrap().forget();
        vec![DeliveryOutcome::Sent; batch.len()]
    }

    fn longest_delivery(&self) -> Duration {
        Duration::ZERO
    }
}

fn gated_dispatcher(
    outbox: &Outbox,
    permits: usize,
    settings: DispatcherSettings,
) -> (Dispatcher, mpsc::UnboundedReceiver<usize>, Arc<Semaphore>) {
    let (sender, batch_sizes) = mpsc::unbounded_channel();
    let permits = Arc::new(Semaphore::new(permits));
    let sink = Arc::new(GatedSink {
        batch_sizes: sender,
        permits: permits.clone(),
    });
    (
        Dispatcher::new(outbox.test.db.clone(), sink, outbox.clock.clock(), settings),
        batch_sizes,
        permits,
    )
}

#[tokio::test]
async fn a_wakeup_starts_a_batch() {
    let outbox = Outbox::new(Engine::Sqlite).await;
    let settings = DispatcherSettings {
        poll: Duration::from_secs(24 * 60 * 60),
        ..settings()
    };
    let (dispatcher, mut batch_sizes, _permits) = gated_dispatcher(&outbox, 10, settings);
    let (wakeup, shutdown) = (dispatcher.wakeup(), CancellationToken::new());
    let running = tokio::spawn(dispatcher.run(shutdown.clone()));
    for number in 1..=3 {
        write(outbox.db(), user_id(1), number).await;
        wakeup.wake();
        assert_eq!(with_timeout(batch_sizes.recv()).await, Some(1));
    }
    shutdown.cancel();
    with_timeout(running).await.unwrap();
    assert_eq!(counts(outbox.db()).await.unwrap().sent, 3);
}

#[tokio::test]
async fn events_that_follow_a_wakeup_share_its_batch() {
    let outbox = Outbox::new(Engine::Sqlite).await;
    let settings = DispatcherSettings {
        poll: Duration::from_secs(24 * 60 * 60),
        linger: Duration::from_secs(2),
        ..settings()
    };
    outbox.fill(&[1]).await;
    let (dispatcher, mut batch_sizes, _permits) = gated_dispatcher(&outbox, 10, settings);
    let (wakeup, shutdown) = (dispatcher.wakeup(), CancellationToken::new());
    let running = tokio::spawn(dispatcher.run(shutdown.clone()));
    assert_eq!(with_timeout(batch_sizes.recv()).await, Some(1), "the first claim");
    for number in 2..=4 {
        write(outbox.db(), user_id(number), number).await;
        wakeup.wake();
    }
    assert_eq!(with_timeout(batch_sizes.recv()).await, Some(3));
    shutdown.cancel();
    with_timeout(running).await.unwrap();
    assert_eq!(counts(outbox.db()).await.unwrap().sent, 4);
}

#[tokio::test]
async fn without_a_wakeup_the_dispatcher_polls() {
    let outbox = Outbox::new(Engine::Sqlite).await;
    let settings = DispatcherSettings {
        poll: Duration::from_millis(5),
        ..settings()
    };
    let (dispatcher, mut batch_sizes, _permits) = gated_dispatcher(&outbox, 10, settings);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(dispatcher.run(shutdown.clone()));
    for number in 1..=2 {
        write(outbox.db(), user_id(1), number).await;
        assert_eq!(with_timeout(batch_sizes.recv()).await, Some(1));
    }
    shutdown.cancel();
    with_timeout(running).await.unwrap();
}

#[tokio::test]
async fn shutdown_finishes_the_current_batch_and_claims_no_other() {
    let outbox = Outbox::new(Engine::Sqlite).await;
    outbox.fill(&[1, 2]).await;
    let settings = DispatcherSettings {
        batch: 1,
        in_flight: 1,
        ..settings()
    };
    let (dispatcher, mut batch_sizes, permits) = gated_dispatcher(&outbox, 0, settings);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(dispatcher.run(shutdown.clone()));
    assert_eq!(with_timeout(batch_sizes.recv()).await, Some(1));
    shutdown.cancel();
    permits.add_permits(10);
    with_timeout(running).await.unwrap();
    assert_eq!(
        outbox.entry(1, 1).await.state,
        OutboxState::Sent,
        "the current batch is settled"
    );
    assert_eq!(
        outbox.entry(2, 2).await.state,
        OutboxState::Pending,
        "the next row was not claimed"
    );
    assert_eq!(batch_sizes.recv().await, None);
}

#[tokio::test]
async fn several_batches_are_in_flight_and_each_users_order_is_kept() {
    for engine in engines() {
        let outbox = Outbox::new(engine).await;
        outbox.fill(&[1, 2, 3, 4, 1]).await;
        let settings = DispatcherSettings {
            batch: 1,
            in_flight: 3,
            ..settings()
        };
        let (dispatcher, mut batch_sizes, permits) = gated_dispatcher(&outbox, 0, settings);
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(dispatcher.run(shutdown.clone()));
        for _ in 0..3 {
            assert_eq!(with_timeout(batch_sizes.recv()).await, Some(1));
        }
        assert_eq!(counts(outbox.db()).await.unwrap().leased, 3, "{engine:?}");
        // The transaction that settles a batch claims the next one: user 4, then user 1's second event.
        permits.add_permits(1);
        assert_eq!(with_timeout(batch_sizes.recv()).await, Some(1));
        permits.add_permits(10);
        assert_eq!(with_timeout(batch_sizes.recv()).await, Some(1));
        while counts(outbox.db()).await.unwrap().sent < 5 {
            tokio::task::yield_now().await;
        }
        shutdown.cancel();
        with_timeout(running).await.unwrap();
        let states = [outbox.entry(1, 1).await.state, outbox.entry(1, 5).await.state];
        assert_eq!(states, [OutboxState::Sent; 2], "{engine:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_fails_gets_one_batch_at_a_time_and_one_failure_is_counted() {
    let outbox = Outbox::new(Engine::Sqlite).await;
    outbox.fill(&[1, 2, 3, 4]).await;
    let settings = DispatcherSettings {
        batch: 1,
        in_flight: 4,
        poll: Duration::from_millis(1),
        ..settings()
    };
    let failed = DeliveryFailure::new(FailureKind::NotAccepted, "503");
    let (sender, mut batch_sizes) = mpsc::unbounded_channel();
    let permits = Arc::new(Semaphore::new(0));
    let sink = FailingSink {
        batch_sizes: sender,
        permits: permits.clone(),
        outcome: DeliveryOutcome::Retry(failed),
    };
    let dispatcher = Dispatcher::new(
        outbox.test.db.clone(),
        Arc::new(sink),
        outbox.clock.clock(),
        settings,
    );
    let (mut health, shutdown) = (dispatcher.health(), CancellationToken::new());
    let running = tokio::spawn(dispatcher.run(shutdown.clone()));
    for _ in 0..4 {
        assert_eq!(with_timeout(batch_sizes.recv()).await, Some(1));
    }
    permits.add_permits(4);
    with_timeout(health.wait_for(|health| health.failures == 1))
        .await
        .unwrap();
    while counts(outbox.db()).await.unwrap().leased > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(health.borrow().failures, 1, "they were in flight together");
    outbox.clock.advance(60_000);
    assert_eq!(with_timeout(batch_sizes.recv()).await, Some(1));
    assert!(batch_sizes.try_recv().is_err(), "one batch finds out");
    assert_eq!(counts(outbox.db()).await.unwrap().leased, 1);
    permits.add_permits(10);
    shutdown.cancel();
    with_timeout(running).await.unwrap();
}

/// Reports each batch, and fails it when a permit is available.
struct FailingSink {
    batch_sizes: mpsc::UnboundedSender<usize>,
    permits: Arc<Semaphore>,
    outcome: DeliveryOutcome,
}

#[async_trait]
impl Sink for FailingSink {
    async fn deliver(&self, batch: &[OutboundEvent], _sent_at_ms: i64) -> Vec<DeliveryOutcome> {
        self.batch_sizes.send(batch.len()).unwrap();
        self.permits.acquire().await.unwrap().forget();
        vec![self.outcome.clone(); batch.len()]
    }

    fn longest_delivery(&self) -> Duration {
        Duration::ZERO
    }
}
