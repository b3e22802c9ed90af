//! Kills the dispatcher and the webhook workers, for the disturbance lab. Only with the feature `local`.

use async_trait::async_trait;
use lab::WorkerControl;

use super::supervisor::Supervisor;
use super::workers::Workers;

#[async_trait]
impl WorkerControl for Workers {
    /// Requests are dropped, transactions are rolled back, and leases stay until they expire.
    async fn kill(&self) {
        let tasks = self.take();
        for (name, task) in &tasks {
            task.abort();
            self.0.supervisor.forget(name);
        }
        for (_, task) in tasks {
            // The task was aborted, which is an error here.
            let _ = task.await;
        }
    }

    fn start(&self) {
        Self::start(self);
    }
}

impl Supervisor {
    /// Removes a task that was aborted on purpose from the list of tasks.
    pub(super) fn forget(&self, name: &'static str) {
        self.registry.remove(name);
    }
}
