//! The statements between the transactions of a group. Each function is one round trip to the connection's thread.
//!
//! The first member that is to be committed has no savepoint: to roll it back, the group is rolled back. Each later member has one.
//! A savepoint costs a copy of each page that the member changes.

use sqlx::{AnyConnection, Executor as _};

use crate::statement_store::{Statement, execute_each};

/// How a member ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndedMember {
    pub(super) had_savepoint: bool,
    pub(super) is_committed: bool,
}

/// Ends the `last` member of the group, or begins the group, and begins the next member with its first statements. The outer
/// error is the group's, the inner one the next member's.
pub(super) async fn begin(
    connection: &mut AnyConnection,
    last: Option<EndedMember>,
    first: Vec<Statement>,
) -> Result<Result<(), sqlx::Error>, sqlx::Error> {
    let between: &'static [&'static str] = match last.map(|last| (last.had_savepoint, last.is_committed)) {
        None => &["BEGIN IMMEDIATE"],
        Some((true, true)) => &["RELEASE member", "SAVEPOINT member"],
        // The savepoint remains, for the next member.
        Some((true, false)) => &["ROLLBACK TO member"],
        Some((false, true)) => &["SAVEPOINT member"],
        Some((false, false)) => &["ROLLBACK", "BEGIN IMMEDIATE"],
    };
    let mut statements: Vec<_> = between.iter().copied().map(Statement::new).collect();
    statements.extend(first);
    let mut changed = Vec::new();
    match execute_each(connection, statements, &mut changed).await {
        Err(error) if changed.len() < between.len() => Err(error),
        executed => Ok(executed),
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
