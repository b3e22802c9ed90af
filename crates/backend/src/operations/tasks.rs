//! The state of the server's background tasks, for `/readyz` and the operations page. The server restarts the tasks; this
//! module counts their crashes and derives the state and the wait before a restart.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use queue::RetrySchedule;

use crate::clock::Clock;

/// When a crashed task is restarted, and what its crashes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskPolicy {
    /// The wait before the first restart. Each further wait is twice as long.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// A task that has run this long has recovered from its crashes.
    pub recovered_after: Duration,
    /// A task that has not recovered this long after its first crash has failed.
    pub failed_after: Duration,
}

impl Default for TaskPolicy {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
            recovered_after: Duration::from_secs(30),
            failed_after: Duration::from_secs(60),
        }
    }
}

/// The state of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// It runs, and has not crashed lately.
    Running,
    /// It crashed less than a minute ago and has been or will be restarted.
    Restarting,
    /// It has been crashing for more than a minute. It is still restarted.
    Failed,
}

impl TaskState {
    /// The name in `/readyz`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Failed => "failed",
        }
    }
}

/// A task as operators see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskStatus {
    /// Its name, also in logs.
    pub name: &'static str,
    /// Its state.
    pub state: TaskState,
    /// Its crashes since the server was started.
    pub crashes: u32,
    /// Its last crash, in ms since the epoch.
    pub last_crash_ms: Option<i64>,
}

/// The background tasks of this process. Clones are the same tasks.
#[derive(Clone, Debug)]
pub struct TaskRegistry {
    clock: Clock,
    policy: TaskPolicy,
    tasks: Arc<Mutex<BTreeMap<&'static str, TaskRecord>>>,
}

impl TaskRegistry {
    /// Creates a registry without tasks.
    pub fn new(clock: Clock, policy: TaskPolicy) -> Self {
        Self {
            clock,
            policy,
            tasks: Arc::default(),
        }
    }

    /// The task begins to run.
    pub fn record_start(&self, name: &'static str) {
        let now_ms = self.clock.now_ms();
        self.tasks().entry(name).or_default().start(now_ms);
    }

    /// The task has panicked, or has ended although it should run. Returns the wait before its restart.
    pub fn record_crash(&self, name: &'static str) -> Duration {
        let now_ms = self.clock.now_ms();
        self.tasks().entry(name).or_default().crash(now_ms, &self.policy)
    }

    /// The task was stopped on purpose. It is not listed any more.
    pub fn remove(&self, name: &'static str) {
        self.tasks().remove(name);
    }

    /// The state of each task, by name.
    pub fn statuses(&self) -> Vec<TaskStatus> {
        let now_ms = self.clock.now_ms();
        let status = |(name, record): (&&'static str, &TaskRecord)| TaskStatus {
            name,
            state: record.state(now_ms, &self.policy),
            crashes: record.crashes,
            last_crash_ms: record.last_crash_ms,
        };
        self.tasks().iter().map(status).collect()
    }

    fn tasks(&self) -> MutexGuard<'_, BTreeMap<&'static str, TaskRecord>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Times are in ms since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct TaskRecord {
    /// When it was started; `None` between a crash and the restart.
    running_since_ms: Option<i64>,
    crashes: u32,
    last_crash_ms: Option<i64>,
    /// The crashes from which it has not recovered, and the time of the first one.
    series: Option<CrashSeries>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CrashSeries {
    since_ms: i64,
    crashes: i64,
}

impl TaskRecord {
    const fn start(&mut self, now_ms: i64) {
        self.running_since_ms = Some(now_ms);
    }

    /// Returns the wait before the restart.
    fn crash(&mut self, now_ms: i64, policy: &TaskPolicy) -> Duration {
        let series = match self.series {
            Some(series) if !self.has_recovered(now_ms, policy) => CrashSeries {
                crashes: series.crashes.saturating_add(1),
                ..series
            },
            _ => CrashSeries {
                since_ms: now_ms,
                crashes: 1,
            },
        };
        *self = Self {
            running_since_ms: None,
            crashes: self.crashes.saturating_add(1),
            last_crash_ms: Some(now_ms),
            series: Some(series),
        };
        let schedule = RetrySchedule {
            base_ms: millis(policy.first_wait),
            cap_ms: millis(policy.longest_wait),
        };
        Duration::from_millis(schedule.wait_ms(series.crashes, 1.0).unsigned_abs())
    }

    fn state(&self, now_ms: i64, policy: &TaskPolicy) -> TaskState {
        match self.series {
            None => TaskState::Running,
            Some(_) if self.has_recovered(now_ms, policy) => TaskState::Running,
            Some(series) if now_ms - series.since_ms > millis(policy.failed_after) => TaskState::Failed,
            Some(_) => TaskState::Restarting,
        }
    }

    fn has_recovered(&self, now_ms: i64, policy: &TaskPolicy) -> bool {
        self.running_since_ms
            .is_some_and(|since_ms| now_ms - since_ms >= millis(policy.recovered_after))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// State and next wait of a task that is restarted at once after its wait and runs for `run_ms` each time.
    fn crash_loop(run_ms: i64, crashes: usize) -> Vec<(i64, u64, TaskState)> {
        let policy = TaskPolicy::default();
        let (mut record, mut now_ms) = (TaskRecord::default(), 0);
        let mut seen = Vec::new();
        record.start(now_ms);
        for _ in 0..crashes {
            now_ms += run_ms;
            let wait = record.crash(now_ms, &policy);
            seen.push((now_ms, wait.as_secs(), record.state(now_ms, &policy)));
            now_ms += millis(wait);
            record.start(now_ms);
        }
        seen
    }

    #[test]
    fn waits_double_and_a_task_that_crashes_for_a_minute_has_failed() {
        use TaskState::*;
        #[rustfmt::skip]
        assert_eq!(
            crash_loop(0, 8),
            [
                (0,       1, Restarting),
                (1_000,   2, Restarting),
                (3_000,   4, Restarting),
                (7_000,   8, Restarting),
                (15_000, 16, Restarting),
                (31_000, 30, Restarting),
                (61_000, 30, Failed),
                (91_000, 30, Failed),
            ]
        );
        let slow = crash_loop(30_000, 3);
        assert!(
            slow.iter()
                .all(|(_, wait, state)| (*wait, *state) == (1, Restarting)),
            "it recovers in between: {slow:?}"
        );
    }

    #[test]
    fn one_crash_is_over_after_half_a_minute() {
        let policy = TaskPolicy::default();
        let mut record = TaskRecord::default();
        record.start(0);
        assert_eq!(record.state(1, &policy), TaskState::Running);
        record.crash(5_000, &policy);
        record.start(6_000);
        for (now_ms, state) in [
            (6_000, TaskState::Restarting),
            (35_999, TaskState::Restarting),
            (36_000, TaskState::Running),
            (1_000_000, TaskState::Running),
        ] {
            assert_eq!(record.state(now_ms, &policy), state, "{now_ms}");
        }
        assert_eq!((record.crashes, record.last_crash_ms), (1, Some(5_000)));
    }

    #[test]
    fn a_task_that_is_not_restarted_fails() {
        let registry = TaskRegistry::new(Clock::fixed(0), TaskPolicy::default());
        registry.record_start("mail");
        registry.record_crash("mail");
        registry.clock.advance(60_001);
        let states: Vec<_> = registry.statuses().iter().map(|task| task.state).collect();
        assert_eq!(states, [TaskState::Failed]);
        registry.remove("mail");
        assert_eq!(registry.statuses(), []);
    }
}
