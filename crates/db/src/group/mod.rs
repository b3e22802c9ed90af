//! Group commit on SQLite. One task owns the writing connection and lends it to one caller after another. Callers that
//! wait join the open group: each can be rolled back alone, and one `COMMIT`, so one fsync, makes them all durable.
//!
//! Only the task executes `BEGIN`, `SAVEPOINT` and `COMMIT`, and nothing cancels it. A caller that is dropped or canceled while it has
//! the connection returns it by its `Drop`, and its changes are rolled back before the next caller runs. Statements that the
//! task executes for a caller are committed even if the caller is gone. It knows no SQL of a feature.

mod store;

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{AnyConnection, Connection as _};
use tokio::sync::{mpsc, oneshot};

use crate::open;
use crate::statement_store::Statement;
use store::{BeginError, EndedMember};

/// How large a group becomes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupLimits {
    /// A failed `COMMIT` fails no more than these.
    members: usize,
    /// How long a group admits callers at most. It limits how long the first one waits for its commit.
    open: Duration,
    /// How long a group admits callers, as a multiple of the time of the last `COMMIT`.
    commits: u32,
}

/// A `COMMIT` takes 0.1 to 5 ms, most of it for the fsync. A group that is open eight times as long spends a ninth of its time
/// on the commit. On a fast disk it is open for about 1 ms, so its first caller does not wait long for the others.
const LIMITS: GroupLimits = GroupLimits {
    members: 1_000,
    open: Duration::from_millis(10),
    commits: 8,
};

type Reply<T> = oneshot::Sender<Result<T, sqlx::Error>>;

/// The queue of callers that wait for the writing connection, in order of arrival. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct WriteQueue {
    requests: mpsc::UnboundedSender<Request>,
}

#[derive(Debug)]
enum Request {
    Begin(Caller),
    /// Commits what is queued, and closes the connection.
    Close(oneshot::Sender<()>),
}

/// A caller that waits for the writing connection.
#[derive(Debug)]
struct Caller {
    /// The first statements of its transaction.
    statements: Vec<Statement>,
    completion: Completion,
}

/// How a transaction ends after its first statements.
#[derive(Debug)]
enum Completion {
    /// The caller gets the connection, and decides.
    Lend(Reply<Lease>),
    /// The statements are the whole transaction.
    Commit(Reply<u64>),
}

impl Completion {
    fn is_canceled(&self) -> bool {
        match self {
            Self::Lend(reply) => reply.is_closed(),
            Self::Commit(reply) => reply.is_closed(),
        }
    }

    fn fail(self, error: sqlx::Error) {
        // An error means that the caller was canceled.
        match self {
            Self::Lend(reply) => drop(reply.send(Err(error))),
            Self::Commit(reply) => drop(reply.send(Err(error))),
        }
    }
}

/// The writing connection, lent to one caller. Dropping it rolls back the caller's changes.
#[derive(Debug)]
pub(crate) struct Lease {
    /// `None` after it was returned.
    lent: Option<(AnyConnection, oneshot::Sender<Returned>)>,
}

#[derive(Debug)]
struct Returned {
    connection: AnyConnection,
    /// Receives the result of the group's `COMMIT`. `None`: the caller rolls back.
    commit: Option<Reply<u64>>,
}

impl WriteQueue {
    /// Starts the task that owns `connection`. If a group fails, the task opens another connection to `url`.
    pub(crate) fn start(url: String, connection: AnyConnection) -> Self {
        Self::start_with(url, connection, LIMITS)
    }

    fn start_with(url: String, connection: AnyConnection, limits: GroupLimits) -> Self {
        let (requests, queue) = mpsc::unbounded_channel();
        let writer = Writer {
            url,
            limits,
            last_commit: limits.open,
            queue,
            closing: Vec::new(),
        };
        tokio::spawn(writer.serve(connection));
        Self { requests }
    }

    /// Waits for the writing connection, on which `statements` are executed. Fails after [`Self::close`], if the
    /// transaction cannot begin, or if one of the statements fails.
    pub(crate) async fn begin(&self, statements: Vec<Statement>) -> Result<Lease, sqlx::Error> {
        self.request(statements, Completion::Lend).await
    }

    /// Executes `statements` in a transaction of their own. Returns after the group's `COMMIT`, with the number of rows that the
    /// last statement changed. Fails as [`Self::begin`] does, and if the commit fails.
    pub(crate) async fn execute(&self, statements: Vec<Statement>) -> Result<u64, sqlx::Error> {
        self.request(statements, Completion::Commit).await
    }

    async fn request<T>(
        &self,
        statements: Vec<Statement>,
        completion: impl FnOnce(Reply<T>) -> Completion,
    ) -> Result<T, sqlx::Error> {
        let (reply, result) = oneshot::channel();
        let completion = completion(reply);
        self.requests
            .send(Request::Begin(Caller {
                statements,
                completion,
            }))
            .map_err(|_| sqlx::Error::PoolClosed)?;
        result.await.unwrap_or(Err(sqlx::Error::PoolClosed))
    }

    /// Waits until the queued callers have finished, and closes the connection.
    pub(crate) async fn close(&self) {
        let (closed, is_closed) = oneshot::channel();
        if self.requests.send(Request::Close(closed)).is_ok() {
            // An error means that the task has already ended.
            let _ = is_closed.await;
        }
    }
}

impl Lease {
    pub(crate) fn connection(&mut self) -> &mut AnyConnection {
        let (connection, _) = self.lent.as_mut().expect(IS_LENT);
        connection
    }

    pub(crate) fn connection_ref(&self) -> &AnyConnection {
        let (connection, _) = self.lent.as_ref().expect(IS_LENT);
        connection
    }

    /// Returns after the group's `COMMIT`. The caller's changes are committed even if this future is dropped.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        let (reply, committed) = oneshot::channel();
        self.give_back(Some(reply));
        committed.await.unwrap_or(Err(sqlx::Error::PoolClosed)).map(drop)
    }

    fn give_back(&mut self, commit: Option<Reply<u64>>) {
        if let Some((connection, returned)) = self.lent.take() {
            // An error means that the runtime is shutting down.
            let _ = returned.send(Returned { connection, commit });
        }
    }
}

const IS_LENT: &str = "only `commit` and `drop` return the connection, and both consume the lease";

impl Drop for Lease {
    fn drop(&mut self) {
        self.give_back(None);
    }
}

/// The task that owns the writing connection.
struct Writer {
    url: String,
    limits: GroupLimits,
    /// The duration of the last `COMMIT`.
    last_commit: Duration,
    queue: mpsc::UnboundedReceiver<Request>,
    /// Calls of [`WriteQueue::close`]. With the first one the queue accepts no more requests.
    closing: Vec<oneshot::Sender<()>>,
}

impl Writer {
    async fn serve(mut self, connection: AnyConnection) {
        let mut connection = Some(connection);
        while let Some(request) = self.queue.recv().await {
            let Some(caller) = self.admit(request) else {
                continue;
            };
            let writer = match connection.take() {
                Some(writer) => Ok(writer),
                None => open::connect_writer(&self.url).await,
            };
            match writer {
                Ok(writer) => connection = self.run_group(writer, caller).await,
                Err(error) => caller.completion.fail(error),
            }
        }
        if let Some(connection) = connection {
            // All commits are in the file already: closing only moves them out of the WAL.
            let _ = connection.close().await;
        }
        for closed in self.closing {
            let _ = closed.send(());
        }
    }

    /// Returns the caller that begins next. `None` if it was canceled, or if the request is another one.
    fn admit(&mut self, request: Request) -> Option<Caller> {
        match request {
            Request::Begin(caller) => (!caller.completion.is_canceled()).then_some(caller),
            Request::Close(closed) => {
                self.queue.close();
                self.closing.push(closed);
                None
            }
        }
    }

    /// Returns the first waiting caller that was not canceled.
    fn next_caller(&mut self) -> Option<Caller> {
        loop {
            let request = self.queue.try_recv().ok()?;
            if let Some(caller) = self.admit(request) {
                return Some(caller);
            }
        }
    }

    /// Runs the transactions of `caller` and of the callers that wait when their predecessor ends. Returns the connection,
    /// or `None` if the group failed: closing the connection has rolled it back.
    async fn run_group(
        &mut self,
        mut connection: AnyConnection,
        mut caller: Caller,
    ) -> Option<AnyConnection> {
        let opened = Instant::now();
        let open_for = self
            .limits
            .open
            .min(self.last_commit.saturating_mul(self.limits.commits));
        let mut commits = Vec::new();
        let mut members = 0;
        let mut last = None;
        loop {
            let had_savepoint = !commits.is_empty();
            let commit = match store::begin(&mut connection, last, caller.statements).await {
                Ok(changed) => match caller.completion {
                    Completion::Commit(reply) => Some(WaitingMember { reply, changed }),
                    Completion::Lend(reply) => {
                        let returned = lend(connection, reply).await?;
                        connection = returned.connection;
                        returned.commit.map(|reply| WaitingMember { reply, changed })
                    }
                },
                Err(BeginError::Member(error)) => {
                    caller.completion.fail(error);
                    None
                }
                Err(BeginError::Group(error)) => {
                    caller.completion.fail(fail(commits, error));
                    let _ = connection.close().await;
                    return None;
                }
            };
            members += 1;
            let ended = EndedMember {
                had_savepoint,
                is_committed: commit.is_some(),
            };
            commits.extend(commit);
            let is_open = members < self.limits.members && opened.elapsed() < open_for;
            let Some(next) = is_open.then(|| self.next_caller()).flatten() else {
                let (ending, has_commits) = (Instant::now(), !commits.is_empty());
                let result = store::end(&mut connection, ended).await;
                if has_commits {
                    self.last_commit = ending.elapsed();
                }
                return answer(result, connection, commits).await;
            };
            (caller, last) = (next, Some(ended));
        }
    }
}

/// A member that waits for the group's `COMMIT`.
struct WaitingMember {
    reply: Reply<u64>,
    /// The rows that the last of its first statements changed.
    changed: u64,
}

/// Lends the connection until the caller returns it. `None` if the caller leaked it.
async fn lend(connection: AnyConnection, caller: Reply<Lease>) -> Option<Returned> {
    let (returned, is_returned) = oneshot::channel();
    let lease = Lease {
        lent: Some((connection, returned)),
    };
    // If the caller was canceled, the lease is dropped here, which returns the connection.
    drop(caller.send(Ok(lease)));
    is_returned.await.ok()
}

/// Answers the members of a group with the `result` of its `COMMIT`. Returns the connection unless the group failed.
async fn answer(
    result: Result<(), sqlx::Error>,
    connection: AnyConnection,
    commits: Vec<WaitingMember>,
) -> Option<AnyConnection> {
    match result {
        Ok(()) => {
            for WaitingMember { reply, changed } in commits {
                let _ = reply.send(Ok(changed));
            }
            Some(connection)
        }
        Err(error) => {
            fail(commits, error);
            let _ = connection.close().await;
            None
        }
    }
}

/// Answers each member of a failed group with the group's error, and returns the error for one more caller.
fn fail(commits: Vec<WaitingMember>, error: sqlx::Error) -> sqlx::Error {
    let error = Arc::new(error);
    for commit in commits {
        let _ = commit.reply.send(Err(GroupError(error.clone()).into()));
    }
    GroupError(error).into()
}

/// Why a group of transactions was not committed. All of its members get the same error.
#[derive(Debug, thiserror::Error)]
#[error("the group of transactions was rolled back: {0}")]
struct GroupError(#[source] Arc<sqlx::Error>);

impl From<GroupError> for sqlx::Error {
    fn from(error: GroupError) -> Self {
        Self::AnyDriverError(Box::new(error))
    }
}

#[cfg(test)]
mod tests;
