//! Waiting pages share one query, and are woken by changes of this process and of others.

use db::Statement;
use db::testing::{TestDb, engines};

use super::*;

const ITEMS: &str = "SELECT id, revision FROM items WHERE id IN ({keys})";

async fn items(engine: db::Engine) -> TestDb {
    let test = TestDb::new(engine).await;
    let create = "CREATE TABLE items (id TEXT PRIMARY KEY, revision BIGINT NOT NULL)";
    test.db.execute([Statement::new(create)]).await.unwrap();
    test
}

async fn set(db: &Db, id: &str, revision: i64) {
    let statement = Statement::new(
        "INSERT INTO items (id, revision) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET revision = excluded.revision",
    );
    db.execute([statement.bind(id).bind(revision)]).await.unwrap();
}

async fn next(receiver: &mut watch::Receiver<Revision>) -> Revision {
    tokio::time::timeout(Duration::from_secs(30), receiver.changed())
        .await
        .expect("a change within 30 s")
        .unwrap();
    *receiver.borrow_and_update()
}

#[tokio::test]
async fn rows_are_read_at_once_and_after_changes() {
    for engine in engines() {
        let test = items(engine).await;
        for n in 0..1_000 {
            set(&test.db, &n.to_string(), n).await;
        }
        let revisions = Revisions::new(test.db.clone(), ITEMS);
        let mut receivers: Vec<_> = (0..1_000).map(|n| revisions.watch(&n.to_string())).collect();
        for (n, receiver) in (0..).zip(&mut receivers) {
            assert_eq!(next(receiver).await, Revision::At(n), "{engine:?}");
        }
        let mut missing = revisions.watch("missing");
        assert_eq!(next(&mut missing).await, Revision::Missing);
        // A change of another process: no call of `changed`.
        set(&test.db, "7", 2_000).await;
        set(&test.db, "missing", 1).await;
        assert_eq!(next(&mut receivers[7]).await, Revision::At(2_000));
        assert_eq!(next(&mut missing).await, Revision::At(1));
        assert!(
            !receivers[8].has_changed().unwrap(),
            "only the changed row wakes its page"
        );
    }
}

#[tokio::test]
async fn a_change_of_this_process_is_read_before_the_next_round() {
    for engine in engines() {
        let test = items(engine).await;
        set(&test.db, "a", 1).await;
        let revisions = Revisions::new(test.db.clone(), ITEMS);
        let mut receiver = revisions.watch("a");
        assert_eq!(next(&mut receiver).await, Revision::At(1));
        let started = Instant::now();
        for revision in 2..=20 {
            set(&test.db, "a", revision).await;
            revisions.changed("a");
            assert_eq!(next(&mut receiver).await, Revision::At(revision), "{engine:?}");
        }
        // 19 rounds take 19 s.
        assert!(started.elapsed() < 10 * INTERVAL);
    }
}

#[tokio::test]
async fn the_task_ends_with_the_last_page_and_starts_again() {
    let test = items(db::Engine::Sqlite).await;
    set(&test.db, "a", 1).await;
    let revisions = Revisions::new(test.db.clone(), ITEMS);
    for _ in 0..2 {
        let mut receiver = revisions.watch("a");
        assert_eq!(next(&mut receiver).await, Revision::At(1));
        drop(receiver);
        let ended = async {
            while revisions.watched().is_task_running {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ended)
            .await
            .unwrap();
        assert!(revisions.watched().rows.is_empty());
    }
}
