//! Samples the resident memory of a process once a second from `/proc`. Without `/proc` there are no samples.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::resources;

const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// The samples of a process, in KiB.
pub(super) struct MemorySampler(Arc<Mutex<Vec<u64>>>);

impl MemorySampler {
    /// Starts to sample the process until `stop` is cancelled.
    pub(super) fn start(process: Option<u32>, stop: CancellationToken) -> Self {
        let samples: Arc<Mutex<Vec<u64>>> = Arc::default();
        let sampler = Self(samples.clone());
        tokio::spawn(async move {
            let mut ticks = interval(SAMPLE_INTERVAL);
            while stop.run_until_cancelled(ticks.tick()).await.is_some() {
                let now = process.and_then(resources::resident_kib);
                let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
                samples.extend(now);
            }
        });
        sampler
    }

    /// Returns the samples so far in KiB, one a second.
    pub(super) fn samples(&self) -> Vec<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
