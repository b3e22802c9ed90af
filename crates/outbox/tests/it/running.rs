//! The loop: it wakes on a nudge, polls without one, and finishes the batch in hand on shutdown.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use db::Engine;
use outbox::{Delivery, Dispatcher, Outcome, Settings, Sink, State, counts};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::support::{Outbox, person, settings, write};

/// Far longer than anything here takes: only a defect waits for it.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("it hangs")
}

/// Says what came, and answers when it is let.
struct Gate {
    came: mpsc::UnboundedSender<usize>,
    open: Arc<Semaphore>,
}

#[async_trait]
impl Sink for Gate {
    async fn deliver(&self, batch: &[Delivery], _sent_at_ms: i64) -> Vec<Outcome> {
        self.came.send(batch.len()).unwrap();
        self.open.acquire().await.unwrap().forget();
        vec![Outcome::Sent; batch.len()]
    }

    fn longest_delivery(&self) -> Duration {
        Duration::ZERO
    }
}

fn gated(
    outbox: &Outbox,
    open: usize,
    settings: Settings,
) -> (Dispatcher, mpsc::UnboundedReceiver<usize>, Arc<Semaphore>) {
    let (sender, came) = mpsc::unbounded_channel();
    let open = Arc::new(Semaphore::new(open));
    let sink = Arc::new(Gate {
        came: sender,
        open: open.clone(),
    });
    (
        Dispatcher::new(outbox.test.db.clone(), sink, outbox.clock.clock(), settings),
        came,
        open,
    )
}

#[tokio::test]
async fn a_nudge_wakes_it_at_once() {
    let outbox = Outbox::new(Engine::Sqlite).await;
    let settings = Settings {
        poll: Duration::from_secs(24 * 60 * 60),
        ..settings()
    };
    let (dispatcher, mut came, _open) = gated(&outbox, 10, settings);
    let (nudge, shutdown) = (dispatcher.nudge(), CancellationToken::new());
    let running = tokio::spawn(dispatcher.run(shutdown.clone()));
    for number in 1..=3 {
        write(outbox.db(), person(1), number).await;
        nudge.wake();
        assert_eq!(soon(came.recv()).await, Some(1));
    }
    shutdown.cancel();
    soon(running).await.unwrap();
    assert_eq!(counts(outbox.db()).await.unwrap().sent, 3);
}

#[tokio::test]
async fn without_a_nudge_it_polls() {
    let outbox = Outbox::new(Engine::Sqlite).await;
    let settings = Settings {
        poll: Duration::from_millis(5),
        ..settings()
    };
    let (dispatcher, mut came, _open) = gated(&outbox, 10, settings);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(dispatcher.run(shutdown.clone()));
    for number in 1..=2 {
        write(outbox.db(), person(1), number).await;
        assert_eq!(soon(came.recv()).await, Some(1));
    }
    shutdown.cancel();
    soon(running).await.unwrap();
}

#[tokio::test]
async fn shutdown_finishes_the_batch_in_hand_and_claims_no_other() {
    let outbox = Outbox::new(Engine::Sqlite).await;
    outbox.fill(&[1, 2]).await;
    let settings = Settings {
        batch: 1,
        ..settings()
    };
    let (dispatcher, mut came, open) = gated(&outbox, 0, settings);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(dispatcher.run(shutdown.clone()));
    assert_eq!(soon(came.recv()).await, Some(1));
    shutdown.cancel();
    open.add_permits(10);
    soon(running).await.unwrap();
    assert_eq!(
        outbox.entry(1, 1).await.state,
        State::Sent,
        "the batch in hand is settled"
    );
    assert_eq!(
        outbox.entry(2, 2).await.state,
        State::Pending,
        "the next one was never claimed"
    );
    assert_eq!(came.recv().await, None);
}
