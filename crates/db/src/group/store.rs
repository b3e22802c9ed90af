//! The statements between the transactions of a group. Each function is one round trip to the connection's thread.

use sqlx::{AnyConnection, Executor as _};

/// Begins a group and the savepoint of its first member.
pub(super) async fn begin(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    execute(connection, "BEGIN IMMEDIATE; SAVEPOINT member").await
}

/// Ends one member and begins the savepoint of the next one.
pub(super) async fn begin_next(
    connection: &mut AnyConnection,
    is_committed: bool,
) -> Result<(), sqlx::Error> {
    let statement = if is_committed {
        "RELEASE member; SAVEPOINT member"
    } else {
        // The savepoint remains, for the next member.
        "ROLLBACK TO member"
    };
    execute(connection, statement).await
}

/// Ends the last member and the group. `has_commits`: a member is to be committed.
pub(super) async fn end(
    connection: &mut AnyConnection,
    is_last_committed: bool,
    has_commits: bool,
) -> Result<(), sqlx::Error> {
    let statement = match (is_last_committed, has_commits) {
        (true, _) => "RELEASE member; COMMIT",
        (false, true) => "ROLLBACK TO member; RELEASE member; COMMIT",
        (false, false) => "ROLLBACK",
    };
    execute(connection, statement).await
}

/// Prepared once for each connection.
async fn execute(connection: &mut AnyConnection, statement: &'static str) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::query(statement)).await.map(drop)
}
