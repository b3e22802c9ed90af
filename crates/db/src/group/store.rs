//! The statements between the transactions of a group. Each function is one round trip to the connection's thread.
//!
//! The first member that is to be committed has no savepoint: to roll it back, the group is rolled back. Each later member has one.
//! A savepoint costs a copy of each page that the member changes.

use sqlx::{AnyConnection, Executor as _};

use crate::statement_store::{Statement, execute_each};

/// Why a member could not begin.
#[derive(Debug)]
pub(super) enum BeginError {
    /// The group failed.
    Group(sqlx::Error),
    /// One of the member's own statements failed. The group continues.
    Member(sqlx::Error),
}

/// How a member ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndedMember {
    pub(super) had_savepoint: bool,
    pub(super) is_committed: bool,
}

/// Ends the `last` member of the group, or begins the group, and begins the next member with its first
/// `statements`. Returns the number of rows that the last of them changed.
pub(super) async fn begin(
    connection: &mut AnyConnection,
    last: Option<EndedMember>,
    statements: Vec<Statement>,
) -> Result<u64, BeginError> {
    let between: &'static [&'static str] = match last.map(|last| (last.had_savepoint, last.is_committed)) {
        None => &["BEGIN IMMEDIATE"],
        Some((true, true)) => &["RELEASE member", "SAVEPOINT member"],
        // The savepoint remains, for the next member.
        Some((true, false)) => &["ROLLBACK TO member"],
        Some((false, true)) => &["SAVEPOINT member"],
        Some((false, false)) => &["ROLLBACK", "BEGIN IMMEDIATE"],
    };
    let mut all: Vec<_> = between.iter().copied().map(Statement::new).collect();
    all.extend(statements);
    let mut results = Vec::new();
    match execute_each(connection, all, &mut results).await {
        Ok(()) => Ok(results[between.len()..].last().map_or(0, |result| result.changed)),
        Err(error) if results.len() < between.len() => Err(BeginError::Group(error)),
        Err(error) => Err(BeginError::Member(error)),
    }
}

/// Ends the last member and the group. `COMMIT` releases the savepoint too.
pub(super) async fn end(connection: &mut AnyConnection, last: EndedMember) -> Result<(), sqlx::Error> {
    let statement = match (last.had_savepoint, last.is_committed) {
        (_, true) => "COMMIT",
        (true, false) => "ROLLBACK TO member; COMMIT",
        (false, false) => "ROLLBACK",
    };
    // Prepared once for each connection.
    connection.execute(sqlx::query(statement)).await.map(drop)
}
