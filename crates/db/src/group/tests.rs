//! Conformance of group commit: order, isolation, cancellation, and a commit that fails. `tests/kill.rs` kills processes.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use sqlx::Executor as _;
use sqlx::any::install_default_drivers;
use tempfile::TempDir;

use super::*;

const NO_LIMITS: GroupLimits = GroupLimits {
    members: usize::MAX,
    open: Duration::MAX,
    commits: u32::MAX,
};

/// A file with the table `items`, whose `parent` must exist when the transaction commits.
struct File {
    queue: WriteQueue,
    url: String,
    _folder: TempDir,
}

impl File {
    async fn new(limits: GroupLimits) -> Self {
        install_default_drivers();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}?mode=rwc", folder.path().join("test.db").display());
        let mut connection = open::connect_writer(&url).await.unwrap();
        connection
            .execute(
                "CREATE TABLE items (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL,
                                     parent TEXT REFERENCES items (id) DEFERRABLE INITIALLY DEFERRED)",
            )
            .await
            .unwrap();
        Self {
            queue: WriteQueue::start_with(url.clone(), connection, limits),
            url,
            _folder: folder,
        }
    }

    /// The committed items in the order of their insertion, read by another connection.
    async fn items(&self) -> Vec<String> {
        let mut reader = AnyConnection::connect(&self.url).await.unwrap();
        sqlx::query_scalar("SELECT id FROM items ORDER BY n")
            .fetch_all(&mut reader)
            .await
            .unwrap()
    }

    /// Starts a transaction that inserts `id` when its turn comes. It waits in the queue when this returns.
    async fn queue_insert(&self, id: &str, parent: Option<&str>) -> Commit {
        let (queue, id, parent) = (self.queue.clone(), id.to_owned(), parent.map(str::to_owned));
        let commit = tokio::spawn(async move {
            let mut lease = queue.begin(Vec::new()).await?;
            insert(&mut lease, &id, parent.as_deref()).await?;
            lease.commit().await
        });
        tokio::task::yield_now().await;
        commit
    }
}

type Commit = tokio::task::JoinHandle<Result<(), sqlx::Error>>;

async fn insert(lease: &mut Lease, id: &str, parent: Option<&str>) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO items (id, parent) VALUES ($1, $2)")
        .bind(id.to_owned())
        .bind(parent.map(str::to_owned))
        .execute(lease.connection())
        .await
        .map(drop)
}

/// Whether each transaction was committed.
async fn results(commits: Vec<Commit>) -> Vec<bool> {
    let mut committed = Vec::new();
    for commit in commits {
        committed.push(commit.await.unwrap().is_ok());
    }
    committed
}

#[tokio::test]
async fn waiting_callers_run_in_order_of_arrival_and_commit_together() {
    let file = File::new(NO_LIMITS).await;
    let mut first = file.queue.begin(Vec::new()).await.unwrap();
    let mut commits = Vec::new();
    let ids: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    for id in &ids {
        commits.push(file.queue_insert(id, None).await);
    }
    insert(&mut first, "first", None).await.unwrap();
    assert_eq!(
        file.items().await,
        [""; 0],
        "nothing is visible before the commit"
    );
    first.commit().await.unwrap();
    // The first commit returned after the group's: all members are visible.
    assert_eq!(file.items().await[1..], ids);
    assert_eq!(results(commits).await, [true; 20]);
}

#[tokio::test]
async fn a_member_that_fails_is_rolled_back_alone() {
    let file = File::new(NO_LIMITS).await;
    let mut first = file.queue.begin(Vec::new()).await.unwrap();
    insert(&mut first, "a", None).await.unwrap();
    let commits = vec![
        file.queue_insert("b", None).await,
        // A statement fails: the ID exists.
        file.queue_insert("a", None).await,
        file.queue_insert("c", None).await,
    ];
    let dropped = {
        let queue = file.queue.clone();
        tokio::spawn(async move {
            let mut lease = queue.begin(Vec::new()).await.unwrap();
            insert(&mut lease, "dropped", None).await.unwrap();
        })
    };
    tokio::task::yield_now().await;
    let panicking = {
        let queue = file.queue.clone();
        tokio::spawn(async move {
            let mut lease = queue.begin(Vec::new()).await.unwrap();
            insert(&mut lease, "panicking", None).await.unwrap();
            panic!("a member panics with its transaction open");
        })
    };
    tokio::task::yield_now().await;
    let last = file.queue_insert("d", None).await;
    first.commit().await.unwrap();
    assert_eq!(results(commits).await, [true, false, true]);
    assert!(last.await.unwrap().is_ok());
    dropped.await.unwrap();
    panicking.await.unwrap_err();
    assert_eq!(file.items().await, ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn any_members_of_a_group_can_be_rolled_back() {
    for rolled_back in 0..16_u32 {
        let file = File::new(NO_LIMITS).await;
        let mut members = Vec::new();
        for number in 0..4 {
            let (queue, is_rolled_back) = (file.queue.clone(), rolled_back & (1 << number) != 0);
            members.push(async move {
                let mut lease = queue.begin(Vec::new()).await.unwrap();
                insert(&mut lease, &number.to_string(), None).await.unwrap();
                if !is_rolled_back {
                    lease.commit().await.unwrap();
                }
            });
        }
        futures::future::join_all(members).await;
        let expected = (0..4).filter(|number| rolled_back & (1 << number) == 0);
        let expected: Vec<String> = expected.map(|number| number.to_string()).collect();
        assert_eq!(file.items().await, expected);
    }
}

fn statement(id: &str) -> Statement {
    Statement::new("INSERT INTO items (id) VALUES ($1)").bind(id)
}

#[tokio::test]
async fn a_member_whose_first_statements_fail_is_rolled_back_alone() {
    let file = File::new(NO_LIMITS).await;
    // The second statement of a repeated ID fails: the first one is undone too.
    let members = [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("b", "5")].map(|(id, number)| {
        let queue = file.queue.clone();
        async move {
            let mut lease = queue.begin(vec![statement(number), statement(id)]).await?;
            insert(&mut lease, &format!("after {id}"), None).await?;
            lease.commit().await
        }
    });
    let results = futures::future::join_all(members).await;
    let are_committed: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(are_committed, [true, true, false, true, false]);
    let error = results[2].as_ref().unwrap_err();
    assert!(
        error
            .as_database_error()
            .is_some_and(|error| error.is_unique_violation())
    );
    let expected = ["1", "a", "after a", "2", "b", "after b", "4", "c", "after c"];
    assert_eq!(file.items().await, expected);

    let failed = file.queue.begin(vec![statement("d"), statement("a")]).await;
    assert!(failed.is_err(), "the only member of a group");
    let lease = file.queue.begin(vec![statement("e")]).await.unwrap();
    lease.commit().await.unwrap();
    assert_eq!(file.items().await.last().unwrap(), "e");
    assert!(!file.items().await.contains(&"d".to_owned()));
}

/// What a member of a group does.
#[derive(Clone, Copy, Debug)]
enum Member {
    /// Its statements are the whole transaction.
    Executed,
    ExecutedFails,
    Lent,
    LentRollsBack,
}

impl Member {
    const ALL: [Self; 4] = [
        Self::Executed,
        Self::ExecutedFails,
        Self::Lent,
        Self::LentRollsBack,
    ];

    fn is_committed(self) -> bool {
        matches!(self, Self::Executed | Self::Lent)
    }

    /// Inserts `id` and another row, if it is committed.
    async fn run(self, queue: WriteQueue, id: String) {
        let both = vec![statement(&id), statement(&format!("{id} too"))];
        match self {
            Self::Executed => assert_eq!(queue.execute(both).await.unwrap(), 1),
            Self::ExecutedFails => {
                let error = queue
                    .execute(vec![statement(&id), statement(&id)])
                    .await
                    .unwrap_err();
                assert!(error.as_database_error().unwrap().is_unique_violation());
            }
            Self::Lent => queue.begin(both).await.unwrap().commit().await.unwrap(),
            Self::LentRollsBack => drop(queue.begin(both).await.unwrap()),
        }
    }
}

#[tokio::test]
async fn members_of_all_kinds_share_groups_in_any_order() {
    for number in 0..64 {
        let members = [number % 4, number / 4 % 4, number / 16].map(|kind| Member::ALL[kind]);
        let file = File::new(NO_LIMITS).await;
        let run = |member: Member, id: String| member.run(file.queue.clone(), id);
        let together = members.iter().enumerate();
        futures::future::join_all(together.map(|(place, member)| run(*member, place.to_string()))).await;
        for (place, member) in members.iter().enumerate() {
            run(*member, format!("alone {place}")).await;
        }
        let committed = |name: &str| {
            let places = members
                .iter()
                .enumerate()
                .filter(|(_, member)| member.is_committed());
            let rows = places.flat_map(|(place, _)| [format!("{name}{place}"), format!("{name}{place} too")]);
            rows.collect::<Vec<_>>()
        };
        assert_eq!(
            file.items().await,
            [committed(""), committed("alone ")].concat(),
            "{members:?}"
        );
    }
}

#[tokio::test]
async fn an_executed_transaction_whose_commit_fails_fails_its_group() {
    let file = File::new(NO_LIMITS).await;
    let orphan = |id: &str| Statement::new("INSERT INTO items (id, parent) VALUES ($1, 'missing')").bind(id);
    let alone = file
        .queue
        .execute(vec![orphan("a")])
        .await
        .unwrap_err()
        .to_string();
    assert!(alone.contains("FOREIGN KEY"), "{alone}");
    let together = [statement("b"), orphan("c")].map(|insert| file.queue.execute(vec![insert]));
    for result in futures::future::join_all(together).await {
        let error = result.unwrap_err().to_string();
        assert!(error.contains("FOREIGN KEY"), "{error}");
    }
    assert_eq!(file.queue.execute(vec![statement("d")]).await.unwrap(), 1);
    assert_eq!(file.queue.execute(Vec::new()).await.unwrap(), 0);
    assert_eq!(file.items().await, ["d"]);
}

#[tokio::test]
async fn a_commit_that_fails_fails_all_members_and_no_later_group() {
    let file = File::new(NO_LIMITS).await;
    let mut first = file.queue.begin(Vec::new()).await.unwrap();
    insert(&mut first, "first", None).await.unwrap();
    let commits = vec![
        file.queue_insert("child", Some("missing")).await,
        file.queue_insert("last", None).await,
    ];
    let error = first.commit().await.unwrap_err().to_string();
    assert!(error.contains("FOREIGN KEY"), "{error}");
    assert_eq!(results(commits).await, [false, false]);
    assert_eq!(file.items().await, [""; 0]);

    let next = file.queue_insert("next", None).await;
    assert!(next.await.unwrap().is_ok());
    assert_eq!(file.items().await, ["next"]);
}

#[tokio::test]
async fn a_group_ends_at_its_limits() {
    let two_members = GroupLimits {
        members: 2,
        ..NO_LIMITS
    };
    let no_time = GroupLimits {
        open: Duration::ZERO,
        ..NO_LIMITS
    };
    let no_commits = GroupLimits {
        open: Duration::from_secs(3_600),
        commits: 0,
        ..NO_LIMITS
    };
    // The third of four transactions makes its group fail.
    for (limits, expected) in [
        (NO_LIMITS, [false, false, false, false]),
        (two_members, [true, true, false, false]),
        (no_time, [true, true, false, true]),
        (no_commits, [true, true, false, true]),
    ] {
        let file = File::new(limits).await;
        let first = file.queue.begin(Vec::new()).await.unwrap();
        let commits = vec![
            file.queue_insert("b", None).await,
            file.queue_insert("c", Some("missing")).await,
            file.queue_insert("d", None).await,
        ];
        let mut committed = vec![first.commit().await.is_ok()];
        committed.extend(results(commits).await);
        assert_eq!(committed, expected, "{limits:?}");
    }
}

#[tokio::test]
async fn canceling_a_member_at_any_await_rolls_it_back_or_commits_all_of_it() {
    for is_lent in [true, false] {
        cancel_at_any_await(is_lent).await;
    }
}

async fn cancel_at_any_await(is_lent: bool) {
    let mut outcomes = [0, 0];
    for polls in 0..20 {
        let file = File::new(NO_LIMITS).await;
        let mut first = file.queue.begin(Vec::new()).await.unwrap();
        insert(&mut first, "first", None).await.unwrap();
        let first = tokio::spawn(first.commit());
        let queue = file.queue.clone();
        let canceled = cancel_after(polls, async move {
            if !is_lent {
                return queue
                    .execute(vec![statement("a"), statement("b")])
                    .await
                    .map(drop);
            }
            let mut lease = queue.begin(Vec::new()).await?;
            insert(&mut lease, "a", None).await?;
            insert(&mut lease, "b", None).await?;
            lease.commit().await
        });
        // `first` is polled after the canceled caller has joined the queue.
        let (_, last) = tokio::join!(canceled, file.queue_insert("last", None));
        assert!(first.await.unwrap().is_ok(), "after {polls} polls");
        assert!(last.await.unwrap().is_ok(), "after {polls} polls");
        file.queue.close().await;
        let items = file.items().await;
        let canceled: Vec<_> = items
            .iter()
            .filter(|id| ["a", "b"].contains(&id.as_str()))
            .collect();
        assert!([0, 2].contains(&canceled.len()), "{items:?} after {polls} polls");
        outcomes[canceled.len() / 2] += 1;
        assert_eq!(items.len(), 2 + canceled.len(), "{items:?} after {polls} polls");
    }
    assert!(outcomes.iter().all(|count| *count > 0), "{outcomes:?}");
}

/// Polls `future` up to `polls` times, then drops it. Each poll follows a wake-up.
async fn cancel_after(mut polls: usize, future: impl Future) {
    let mut future = pin!(future);
    poll_fn(|context| {
        if polls == 0 {
            return Poll::Ready(());
        }
        polls -= 1;
        future.as_mut().poll(context).map(drop)
    })
    .await;
}

#[tokio::test]
async fn closing_waits_for_the_queued_callers() {
    let file = File::new(NO_LIMITS).await;
    let mut first = file.queue.begin(Vec::new()).await.unwrap();
    insert(&mut first, "first", None).await.unwrap();
    let second = file.queue_insert("second", None).await;
    let closing = {
        let queue = file.queue.clone();
        tokio::spawn(async move { queue.close().await })
    };
    tokio::task::yield_now().await;
    first.commit().await.unwrap();
    closing.await.unwrap();
    assert!(second.await.unwrap().is_ok());
    assert!(file.queue.begin(Vec::new()).await.is_err());
    file.queue.close().await;
    assert_eq!(file.items().await, ["first", "second"]);
}

#[tokio::test]
async fn a_file_that_another_process_writes_is_an_error_and_the_next_group_succeeds() {
    let file = File::new(NO_LIMITS).await;
    let mut other = AnyConnection::connect(&file.url).await.unwrap();
    let lease = file.queue.begin(Vec::new()).await.unwrap();
    // The busy timeout of the tests' connection is short, so that the test does not wait.
    other.execute("PRAGMA busy_timeout = 1").await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap_err();
    drop(lease);
    other
        .execute("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE")
        .await
        .unwrap();
    let mut short = open::connect_writer(&file.url).await.unwrap();
    short.execute("PRAGMA busy_timeout = 1").await.unwrap();
    let queue = WriteQueue::start_with(file.url.clone(), short, NO_LIMITS);
    assert!(queue.begin(Vec::new()).await.is_err());
    other.execute("ROLLBACK").await.unwrap();
    let mut lease = queue.begin(Vec::new()).await.unwrap();
    insert(&mut lease, "a", None).await.unwrap();
    lease.commit().await.unwrap();
    assert_eq!(file.items().await, ["a"]);
}
