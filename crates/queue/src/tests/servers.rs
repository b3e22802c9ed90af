//! Several servers on one database whose clocks differ.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use db::Db;
use db::testing::engines;

use super::client::{JOBS, LEASE, NOW, claim, done, empty, finish, jobs, number, retry_at, settle, write};

const LANES: i64 = 6;
const EACH: i64 = 30;
/// How far the second server's clock is ahead, in ms.
const SKEW: i64 = 20_000;

/// Writes rows by this server's clock. Job numbers are `lane * 1000 + place`.
async fn write_rows(db: Db, clock: Arc<AtomicI64>, skew: i64, places: impl Iterator<Item = i64>) {
    for place in places {
        for lane in 0..LANES {
            let now_ms = clock.load(Ordering::SeqCst) + skew;
            write(&db, &format!("lane {lane}"), lane * 1_000 + place, now_ms).await;
        }
        tokio::task::yield_now().await;
    }
}

/// Claims and settles until every row is done. One attempt in five fails, and one claim in seven crashes.
async fn process(
    db: Db,
    clock: Arc<AtomicI64>,
    skew: i64,
    seed: u64,
    received: Arc<std::sync::Mutex<Vec<i64>>>,
) {
    let mut random = fastrand::Rng::with_seed(seed);
    while number(&db, "SELECT COUNT(*) FROM jobs WHERE state = 'done'").await < LANES * EACH {
        let now_ms = clock.load(Ordering::SeqCst) + skew;
        let Some(claimed) = claim(&db, now_ms, 20, 4).await else {
            clock.fetch_add(500, Ordering::SeqCst);
            continue;
        };
        if random.u8(0..7) == 0 {
            continue;
        }
        let mut updates = Vec::new();
        let mut waiting = Vec::new();
        for row in &claimed.rows {
            let lane = row.job / 1_000;
            if waiting.contains(&lane) {
                continue;
            }
            if random.u8(0..5) == 0 {
                waiting.push(lane);
                updates.push(row.update(retry_at(now_ms + 2_000)));
            } else {
                received.lock().unwrap().push(row.job);
                updates.push(row.update(done()));
            }
        }
        settle(&db, &claimed, &updates, now_ms).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clocks_that_differ_by_20_seconds_keep_each_lanes_order_and_lose_nothing() {
    for engine in engines() {
        for seed in 1..=3 {
            let test = empty(engine).await;
            let clock = Arc::new(AtomicI64::new(NOW));
            let received = Arc::new(std::sync::Mutex::new(Vec::new()));
            // Both servers write to the same lanes, one after the other, while both process.
            let writing = async {
                for place in 1..=EACH {
                    let skew = if place % 2 == 0 { SKEW } else { 0 };
                    write_rows(test.db.clone(), clock.clone(), skew, std::iter::once(place)).await;
                }
            };
            let servers = [0, SKEW].map(|skew| {
                let work = process(
                    test.db.clone(),
                    clock.clone(),
                    skew,
                    seed + skew.unsigned_abs(),
                    received.clone(),
                );
                tokio::spawn(work)
            });
            writing.await;
            for server in servers {
                tokio::time::timeout(std::time::Duration::from_secs(120), server)
                    .await
                    .expect("all rows in time")
                    .unwrap();
            }
            let mut by_lane: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
            for job in received.lock().unwrap().iter() {
                let places = by_lane.entry(job / 1_000).or_default();
                if !places.contains(&(job % 1_000)) {
                    places.push(job % 1_000);
                }
            }
            let expected: BTreeMap<i64, Vec<i64>> =
                (0..LANES).map(|lane| (lane, (1..=EACH).collect())).collect();
            assert_eq!(by_lane, expected, "{engine:?}, seed {seed}");
        }
    }
}

/// The effect that the README documents.
#[tokio::test]
async fn a_clock_that_is_ahead_ends_leases_early_and_one_that_is_behind_ends_them_late() {
    for engine in engines() {
        let test = empty(engine).await;
        write(&test.db, "ann", 1, NOW).await;
        let slow = claim(&test.db, NOW, 1, 1).await.unwrap();
        let ahead_at = |real_ms: i64| real_ms + SKEW;
        assert!(
            claim(&test.db, ahead_at(NOW + LEASE - SKEW - 1), 1, 1)
                .await
                .is_none()
        );
        // 20 s before the end of the lease, the other server takes over. The first one's settlement is ignored.
        let early = claim(&test.db, ahead_at(NOW + LEASE - SKEW), 1, 1).await;
        assert_eq!(jobs(&early), [1], "{engine:?}");
        assert_eq!(finish(&test.db, &slow, NOW + LEASE - SKEW).await, 1, "{engine:?}");
        assert_eq!(
            finish(&test.db, &early.unwrap(), ahead_at(NOW + LEASE)).await,
            0,
            "{engine:?}"
        );
        // A row of the server that is ahead is due 20 s later for the other one.
        write(&test.db, "bob", 2, ahead_at(NOW)).await;
        assert!(
            !JOBS.is_due(&test.db, NOW + SKEW - 1).await.unwrap(),
            "{engine:?}"
        );
        assert_eq!(jobs(&claim(&test.db, NOW + SKEW, 1, 1).await), [2], "{engine:?}");
    }
}
