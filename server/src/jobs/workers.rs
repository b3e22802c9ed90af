//! What works behind the requests: the outbox's dispatcher, and the workers that apply Stripe's webhooks. Both can be
//! killed and started again while the server runs, which only the disturbance lab does.

use std::sync::{Arc, Mutex, PoisonError};

use backend::billing::Billing;
use backend::billing::inbox::{self, Worker};
use outbox::Dispatcher;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// One customer's webhooks are applied one at a time, mostly waiting for Stripe; so many customers' at once.
const WEBHOOK_WORKERS: usize = 4;

/// See the module. Cheap to clone; all clones are the same workers.
#[derive(Clone)]
pub struct Workers(Arc<Inner>);

struct Inner {
    /// Never runs itself: its successors do.
    dispatcher: Dispatcher,
    billing: Billing,
    inbox: inbox::InboxSettings,
    stop: CancellationToken,
    hands: Mutex<Vec<JoinHandle<()>>>,
}

impl Workers {
    /// Workers that have not started; once they have, they end with `stop`, each after what it has in hand.
    pub fn new(
        dispatcher: Dispatcher,
        billing: Billing,
        inbox: inbox::InboxSettings,
        stop: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner {
            dispatcher,
            billing,
            inbox,
            stop,
            hands: Mutex::default(),
        }))
    }

    /// Starts them, if they do not work already.
    pub fn start(&self) {
        let inner = &*self.0;
        let mut hands = inner.hands.lock().unwrap_or_else(PoisonError::into_inner);
        if !hands.is_empty() {
            return;
        }
        hands.push(tokio::spawn(inner.dispatcher.restarted().run(inner.stop.clone())));
        for _ in 0..WEBHOOK_WORKERS {
            let worker = Worker::new(inner.billing.clone(), inner.inbox);
            hands.push(tokio::spawn(worker.run(inner.stop.clone())));
        }
    }

    /// Ends them at once, wherever they are: a request under way is dropped, a transaction rolled back, and what they had
    /// taken under a lease stays taken until that runs out. As a crash does.
    pub async fn kill(&self) {
        let hands = self.take();
        for hand in &hands {
            hand.abort();
        }
        for hand in hands {
            // It was aborted, which is an error to whoever waits.
            let _ = hand.await;
        }
    }

    /// Waits until all have ended, after `stop`.
    pub async fn ended(&self) {
        for hand in self.take() {
            if let Err(error) = hand.await {
                tracing::error!(%error, "a worker did not end by itself");
            }
        }
    }

    fn take(&self) -> Vec<JoinHandle<()>> {
        let mut hands = self.0.hands.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *hands)
    }
}
