//! How much memory a process holds, once a second (`/proc`, so on Linux only; elsewhere there are no samples).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::interval;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(1);

/// Samples of a process, in KiB.
pub(super) struct Memory(Arc<Mutex<Vec<u64>>>);

impl Memory {
    /// Watches the process until `stop`.
    pub(super) fn watch(process: Option<u32>, stop: CancellationToken) -> Self {
        let samples: Arc<Mutex<Vec<u64>>> = Arc::default();
        let memory = Self(samples.clone());
        tokio::spawn(async move {
            let mut every = interval(EVERY);
            while stop.run_until_cancelled(every.tick()).await.is_some() {
                let now = process.and_then(resident_kib);
                let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
                samples.extend(now);
            }
        });
        memory
    }

    /// What was seen so far, a second apart.
    pub(super) fn samples(&self) -> Vec<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn resident_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
