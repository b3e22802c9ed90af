//! The worker of single rows: outcomes, panics, renewal, wake-up and stop.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::{
    AttemptError, JobFailure, JobHandler, JobPolicy, JobWorker, MillisClock, NextRowState, QueuedRow,
    RetrySchedule, Wakeup,
};
use async_trait::async_trait;
use db::testing::engines;
use db::{Connection, Db};
use sqlx::any::AnyRow;
use tokio_util::sync::CancellationToken;

use super::client::{JOBS, NOW, claim, empty, execute, filled, number, read, state_of, write};

/// Fails as scripted, by job number. Records successes. The transaction of a result fails `database_failures` times.
#[derive(Clone, Default)]
struct Scripted {
    failures: Arc<Mutex<Vec<(i64, JobFailure)>>>,
    completed: Arc<Mutex<Vec<i64>>>,
    attempts: Arc<AtomicUsize>,
    database_failures: Arc<AtomicUsize>,
}

#[async_trait]
impl JobHandler for Scripted {
    type Job = i64;
    type Success = i64;

    fn read(row: &AnyRow) -> Result<i64, sqlx::Error> {
        read(row)
    }

    async fn attempt(&self, _lane: &str, row: &QueuedRow<i64>) -> Result<i64, AttemptError> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        let failure = {
            let mut failures = self.failures.lock().unwrap();
            let position = failures.iter().position(|(number, _)| *number == row.job);
            position.map(|position| failures.remove(position).1)
        };
        match failure {
            None => Ok(row.job * 10),
            Some(JobFailure::Panicked) => panic!("expected in this test"),
            Some(failure) => Err(failure.into()),
        }
    }

    async fn complete(
        &self,
        connection: &mut Connection,
        _lane: &str,
        row: &QueuedRow<i64>,
        success: &i64,
    ) -> Result<NextRowState, sqlx::Error> {
        sqlx::query("UPDATE jobs SET note = 'completed' WHERE sequence = $1")
            .bind(row.sequence)
            .execute(&mut *connection)
            .await?;
        let left = self.database_failures.load(Ordering::SeqCst);
        if left > 0 {
            self.database_failures.store(left - 1, Ordering::SeqCst);
            sqlx::query("SELECT missing").execute(connection).await?;
        }
        self.completed.lock().unwrap().push(*success);
        Ok(NextRowState::Done("done"))
    }
}

const POLICY: JobPolicy = JobPolicy {
    schedule: RetrySchedule {
        base_ms: 1_000,
        cap_ms: 60_000,
    },
    max_refusals: 2,
};

fn worker(db: &Db, handler: Scripted) -> (JobWorker<Scripted>, Arc<AtomicI64>) {
    worker_with_lease(db, handler, Duration::from_secs(30))
}

fn worker_with_lease(db: &Db, handler: Scripted, lease: Duration) -> (JobWorker<Scripted>, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(NOW));
    let shown = now.clone();
    let clock: MillisClock = Arc::new(move || shown.load(Ordering::SeqCst));
    (
        JobWorker::new(db.clone(), JOBS, handler, clock, POLICY, lease),
        now,
    )
}

#[tokio::test]
async fn rows_are_completed_retried_or_parked() {
    for engine in engines() {
        let test = filled(engine, &["ann", "bob", "cid", "dan", "eve"]).await;
        let handler = Scripted::default();
        handler.failures.lock().unwrap().extend([
            (2, JobFailure::Transient("500".to_owned())),
            (3, JobFailure::Permanent("no key".to_owned())),
            (4, JobFailure::Refused("401".to_owned())),
            (4, JobFailure::Refused("401".to_owned())),
            (5, JobFailure::Panicked),
            (5, JobFailure::Panicked),
            (5, JobFailure::Panicked),
        ]);
        let (worker, now) = worker(&test.db, handler.clone());
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let observed = outcomes.clone();
        let worker = worker.observed_by(move |number, next| {
            observed.lock().unwrap().push((*number, next.outcome()));
        });
        worker.drain().await.unwrap();
        assert_eq!(*handler.completed.lock().unwrap(), [10], "{engine:?}");
        assert_eq!(
            state_of(&test.db, 2).await,
            ("pending".to_owned(), Some("500".to_owned()))
        );
        assert_eq!(
            state_of(&test.db, 3).await,
            ("parked".to_owned(), Some("no key".to_owned()))
        );
        for _ in 0..3 {
            now.fetch_add(60_000, Ordering::SeqCst);
            worker.drain().await.unwrap();
        }
        assert_eq!(*handler.completed.lock().unwrap(), [10, 20], "{engine:?}");
        assert_eq!(
            state_of(&test.db, 4).await,
            ("parked".to_owned(), Some("401".to_owned()))
        );
        assert_eq!(
            state_of(&test.db, 5).await,
            ("parked".to_owned(), Some("panicked".to_owned()))
        );
        let completed = "SELECT COUNT(*) FROM jobs WHERE note = 'completed' AND state = 'done'";
        assert_eq!(number(&test.db, completed).await, 2, "{engine:?}");
        let mut outcomes = outcomes.lock().unwrap().clone();
        outcomes.sort_unstable();
        let expected = [
            (1, "done"),
            (2, "done"),
            (2, "retried"),
            (3, "parked"),
            (4, "parked"),
            (4, "retried"),
            (5, "parked"),
            (5, "retried"),
            (5, "retried"),
        ];
        assert_eq!(outcomes, expected, "{engine:?}");
    }
}

#[tokio::test]
async fn work_that_was_done_is_not_repeated_while_its_result_cannot_be_written() {
    for engine in engines() {
        let test = filled(engine, &["ann"]).await;
        let handler = Scripted::default();
        handler.database_failures.store(2, Ordering::SeqCst);
        worker(&test.db, handler.clone()).0.drain().await.unwrap();
        assert_eq!(handler.attempts.load(Ordering::SeqCst), 1, "{engine:?}");
        assert_eq!(*handler.completed.lock().unwrap(), [10], "{engine:?}");
        assert_eq!(state_of(&test.db, 1).await.0, "done", "{engine:?}");
    }
}

#[tokio::test]
async fn a_result_that_cannot_be_written_stops_no_other_row_and_is_repeated_after_the_lease() {
    for engine in engines() {
        let test = filled(engine, &["ann", "bob"]).await;
        let handler = Scripted::default();
        handler.database_failures.store(1, Ordering::SeqCst);
        let (worker, now) = worker_with_lease(&test.db, handler.clone(), Duration::from_millis(50));
        assert!(worker.drain().await.is_err(), "{engine:?}");
        worker.drain().await.unwrap();
        assert_eq!(*handler.completed.lock().unwrap(), [20], "{engine:?}");
        now.fetch_add(50, Ordering::SeqCst);
        worker.drain().await.unwrap();
        assert_eq!(*handler.completed.lock().unwrap(), [20, 10], "{engine:?}");
        assert_eq!(handler.attempts.load(Ordering::SeqCst), 3, "{engine:?}");
    }
}

/// Takes over the lane of its row during the attempt, as another worker after the end of the lease.
struct Overtaken(Db);

#[async_trait]
impl JobHandler for Overtaken {
    type Job = i64;
    type Success = ();

    fn read(row: &AnyRow) -> Result<i64, sqlx::Error> {
        read(row)
    }

    async fn attempt(&self, _lane: &str, _row: &QueuedRow<i64>) -> Result<(), AttemptError> {
        claim(&self.0, NOW + 10 * 60_000, 1, 1)
            .await
            .expect("the lease has ended");
        Ok(())
    }

    async fn complete(
        &self,
        _connection: &mut Connection,
        _lane: &str,
        _row: &QueuedRow<i64>,
        (): &(),
    ) -> Result<NextRowState, sqlx::Error> {
        panic!("not called after a lost lease")
    }
}

#[tokio::test]
async fn a_result_is_not_written_when_another_worker_has_the_row() {
    for engine in engines() {
        let test = filled(engine, &["ann"]).await;
        let clock: MillisClock = Arc::new(|| NOW);
        let handler = Overtaken(test.db.clone());
        let worker = JobWorker::new(
            test.db.clone(),
            JOBS,
            handler,
            clock,
            POLICY,
            Duration::from_secs(30),
        );
        worker.drain().await.unwrap();
        assert_eq!(
            state_of(&test.db, 1).await,
            ("pending".to_owned(), None),
            "{engine:?}"
        );
        assert_eq!(number(&test.db, "SELECT panics FROM jobs").await, 0, "{engine:?}");
    }
}

/// Waits until the lease has been renewed twice.
struct Slow(Db);

#[async_trait]
impl JobHandler for Slow {
    type Job = i64;
    type Success = ();

    fn read(row: &AnyRow) -> Result<i64, sqlx::Error> {
        read(row)
    }

    async fn attempt(&self, _lane: &str, _row: &QueuedRow<i64>) -> Result<(), AttemptError> {
        for _ in 0..2 {
            execute(&self.0, "UPDATE jobs_lanes SET next_due_ms = 1").await;
            while number(&self.0, "SELECT next_due_ms FROM jobs_lanes").await == 1 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Ok(())
    }

    async fn complete(
        &self,
        _connection: &mut Connection,
        _lane: &str,
        _row: &QueuedRow<i64>,
        (): &(),
    ) -> Result<NextRowState, sqlx::Error> {
        Ok(NextRowState::Done("done"))
    }
}

#[tokio::test]
async fn a_lease_is_renewed_while_the_work_takes_long() {
    for engine in engines() {
        let test = filled(engine, &["ann"]).await;
        let clock: MillisClock = Arc::new(|| NOW);
        let lease = Duration::from_millis(30);
        let worker = JobWorker::new(test.db.clone(), JOBS, Slow(test.db.clone()), clock, POLICY, lease);
        tokio::time::timeout(Duration::from_secs(60), worker.drain())
            .await
            .expect("renewed in time")
            .unwrap();
        assert_eq!(state_of(&test.db, 1).await.0, "done", "{engine:?}");
    }
}

#[tokio::test]
async fn a_wakeup_starts_the_work_and_stop_ends_it() {
    for engine in engines() {
        let test = empty(engine).await;
        let handler = Scripted::default();
        let (worker, _) = worker(&test.db, handler.clone());
        let (wakeup, stop) = (Wakeup::new(), CancellationToken::new());
        let (woken, stopped) = (wakeup.clone(), stop.clone());
        let running = tokio::spawn(async move {
            worker
                .run(&woken, Duration::from_secs(24 * 60 * 60), &stopped)
                .await;
        });
        for number in 1..=3 {
            write(&test.db, "ann", number, NOW).await;
            wakeup.wake();
            while handler.completed.lock().unwrap().len() < usize::try_from(number).unwrap() {
                tokio::task::yield_now().await;
            }
        }
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(60), running)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(handler.attempts.load(Ordering::SeqCst), 3, "{engine:?}");
    }
}
