//! The outbox's dispatcher and the workers that apply Stripe's webhooks. The disturbance lab kills and starts them while
//! the server runs; the other tasks always run.

use std::sync::{Arc, Mutex, PoisonError};

use backend::billing::Billing;
use backend::billing::inbox::{self, Worker};
use outbox::Dispatcher;
use tokio::task::JoinHandle;

use super::supervisor::Supervisor;

const DISPATCHER: &str = "dispatcher";

/// One customer's webhooks are applied one at a time, mostly waiting for Stripe. This many customers' are applied at once.
const WEBHOOK_WORKERS: [&str; 8] = [
    "webhooks-1",
    "webhooks-2",
    "webhooks-3",
    "webhooks-4",
    "webhooks-5",
    "webhooks-6",
    "webhooks-7",
    "webhooks-8",
];

/// Cheap to clone; all clones are the same workers.
#[derive(Clone)]
pub struct Workers(pub(super) Arc<WorkerTasks>);

pub(super) struct WorkerTasks {
    /// Does not run: each start and restart makes a new one from it.
    dispatcher: Dispatcher,
    billing: Billing,
    inbox: inbox::InboxSettings,
    pub(super) supervisor: Supervisor,
    tasks: Mutex<Vec<(&'static str, JoinHandle<()>)>>,
}

impl Workers {
    /// Creates workers that have not started. After the start they run until the supervisor stops, and finish the current
    /// batch or webhook.
    pub(crate) fn new(
        dispatcher: Dispatcher,
        billing: Billing,
        inbox: inbox::InboxSettings,
        supervisor: Supervisor,
    ) -> Self {
        Self(Arc::new(WorkerTasks {
            dispatcher,
            billing,
            inbox,
            supervisor,
            tasks: Mutex::default(),
        }))
    }

    /// Starts the workers, if they do not run.
    pub fn start(&self) {
        let inner = &self.0;
        let mut tasks = inner.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if !tasks.is_empty() {
            return;
        }
        let workers = self.clone();
        let dispatcher = inner
            .supervisor
            .spawn(DISPATCHER, move |stop| workers.0.dispatcher.restarted().run(stop));
        tasks.push((DISPATCHER, dispatcher));
        for name in WEBHOOK_WORKERS {
            let workers = self.clone();
            let worker = inner.supervisor.spawn(name, move |stop| {
                Worker::new(workers.0.billing.clone(), workers.0.inbox).run(stop)
            });
            tasks.push((name, worker));
        }
    }

    /// Waits until all workers have ended, after the stop.
    pub async fn ended(&self) {
        for (task_name, task) in self.take() {
            if let Err(error) = task.await {
                tracing::error!(%error, task = task_name, "a worker was aborted");
            }
        }
    }

    /// The tasks of the workers that run. The next start makes new ones.
    pub(super) fn take(&self) -> Vec<(&'static str, JoinHandle<()>)> {
        let mut tasks = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *tasks)
    }
}
