//! Runs the background tasks. A task that panics or ends without being asked is logged and started again after a wait,
//! which doubles with each crash. What a row of a queue does to its own attempt is the queue's concern: it counts the
//! panics and parks the row.

use std::panic::AssertUnwindSafe;

use backend::operations::TaskRegistry;
use futures::FutureExt;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts tasks and keeps them running until `stop`. Cheap to clone; all clones share their tasks.
#[derive(Clone)]
pub(crate) struct Supervisor {
    pub(super) registry: TaskRegistry,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Supervisor {
    /// Creates a supervisor without tasks. `registry` shows their state.
    pub(crate) fn new(registry: TaskRegistry, stop: CancellationToken) -> Self {
        Self {
            registry,
            stop,
            tracker: TaskTracker::new(),
        }
    }

    /// Starts a task, and starts it again after a crash. `task` returns the future of one run; it gets the token that
    /// stops it. Aborting the handle ends the task and its supervision; the caller removes it from the registry then.
    pub(crate) fn spawn<F>(
        &self,
        name: &'static str,
        task: impl Fn(CancellationToken) -> F + Send + Sync + 'static,
    ) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.registry.record_start(name);
        let supervisor = self.clone();
        self.tracker
            .spawn(async move { supervisor.keep_running(name, task).await })
    }

    /// Waits until all tasks have ended, after `stop`.
    pub(crate) async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    async fn keep_running<F>(&self, name: &'static str, task: impl Fn(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        while !self.stop.is_cancelled() {
            self.registry.record_start(name);
            // A new run starts from the database, not from values of the run that crashed.
            let run = AssertUnwindSafe(async { task(self.stop.clone()).await });
            let ended = run.catch_unwind().await;
            if ended.is_ok() && self.stop.is_cancelled() {
                return;
            }
            let wait = self.registry.record_crash(name);
            tracing::error!(
                task = name,
                restart_in_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                "a background task {}; it will be restarted",
                if ended.is_ok() { "ended" } else { "panicked" }
            );
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use backend::clock::Clock;
    use backend::operations::{TaskPolicy, TaskState};
    use tokio::sync::Semaphore;

    use super::*;

    fn supervisor(first_wait: Duration) -> (Supervisor, TaskRegistry) {
        let policy = TaskPolicy {
            first_wait,
            longest_wait: first_wait,
            ..TaskPolicy::default()
        };
        let registry = TaskRegistry::new(Clock::fixed(0), policy);
        (
            Supervisor::new(registry.clone(), CancellationToken::new()),
            registry,
        )
    }

    fn states(registry: &TaskRegistry) -> Vec<(&'static str, TaskState, u32)> {
        let states = registry.statuses();
        states
            .iter()
            .map(|task| (task.name, task.state, task.crashes))
            .collect()
    }

    #[tokio::test]
    async fn a_task_that_panics_or_ends_is_started_again() {
        let (supervisor, registry) = supervisor(Duration::ZERO);
        let (starts, started) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        supervisor.spawn("crashing", {
            let started = Arc::clone(&started);
            move |stop| {
                let (start, started) = (starts.fetch_add(1, Ordering::SeqCst), Arc::clone(&started));
                async move {
                    started.add_permits(1);
                    match start {
                        0 => panic!("expected in this test"),
                        1 => {}
                        _ => stop.cancelled().await,
                    }
                }
            }
        });
        supervisor.spawn("steady", |stop| async move { stop.cancelled().await });
        let _ = started.acquire_many(3).await.unwrap();
        assert_eq!(
            states(&registry),
            [
                ("crashing", TaskState::Restarting, 2),
                ("steady", TaskState::Running, 0)
            ]
        );
        supervisor.stop.cancel();
        supervisor.ended().await;
    }

    #[tokio::test]
    async fn a_stop_ends_the_wait_for_a_restart() {
        let (supervisor, registry) = supervisor(Duration::from_secs(3_600));
        supervisor.spawn("ending", |_| async {});
        while registry.statuses().iter().all(|task| task.crashes == 0) {
            tokio::task::yield_now().await;
        }
        supervisor.stop.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(60), supervisor.ended()).await;
        assert!(ended.is_ok(), "the wait is an hour");
    }

    #[tokio::test]
    async fn an_aborted_task_is_not_started_again() {
        let (supervisor, registry) = supervisor(Duration::ZERO);
        let handle = supervisor.spawn("killed", |stop| async move { stop.cancelled().await });
        while registry.statuses().is_empty() {
            tokio::task::yield_now().await;
        }
        handle.abort();
        let _ = handle.await;
        supervisor.registry.remove("killed");
        assert_eq!(states(&registry), []);
        supervisor.ended().await;
    }
}
