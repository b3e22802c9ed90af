//! Statements that are executed together. It reads no rows.

use std::fmt::Write as _;

use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Either, Executor as _, SqlSafeStr, SqlStr};

use crate::Connection;

/// A statement that writes, with its values.
#[derive(Debug)]
#[must_use = "a statement does nothing until it is executed"]
pub struct Statement {
    sql: SqlStr,
    values: Vec<StatementValue>,
    /// Whether the connection keeps the prepared statement.
    is_persistent: bool,
}

/// The value of a placeholder: a column is TEXT or BIGINT.
#[derive(Debug)]
pub enum StatementValue {
    /// A text or NULL.
    Text(Option<String>),
    /// A number or NULL.
    Number(Option<i64>),
}

impl Statement {
    /// A statement without values. `$` occurs in its placeholders only.
    pub fn new(sql: impl SqlSafeStr) -> Self {
        Self {
            sql: sql.into_sql_str(),
            values: Vec::new(),
            is_persistent: true,
        }
    }

    /// [`Self::new`] with a text that will hardly be executed again. The connection does not keep it prepared.
    pub fn once(sql: impl SqlSafeStr) -> Self {
        Self {
            is_persistent: false,
            ..Self::new(sql)
        }
    }

    /// Adds the value of the next placeholder.
    pub fn bind(mut self, value: impl Into<StatementValue>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Executes the statement. Returns the number of changed rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn execute(self, connection: &mut Connection) -> Result<u64, sqlx::Error> {
        Ok(execute_all(connection, [self]).await?.into_iter().sum())
    }
}

impl From<&str> for StatementValue {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for StatementValue {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for StatementValue {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for StatementValue {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for StatementValue {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

/// Executes the statements in their order. Returns the number of changed rows of each. On SQLite all of them take one round trip
/// to the connection's thread: the round trip costs more than a short statement. On Postgres each takes its own, because a
/// request to Postgres with values has one statement.
///
/// # Errors
/// When a statement fails. The later ones are not executed, and the caller must roll back the transaction.
pub async fn execute_all(
    connection: &mut Connection,
    statements: impl IntoIterator<Item = Statement>,
) -> Result<Vec<u64>, sqlx::Error> {
    let mut changed = Vec::new();
    execute_each(connection, statements, &mut changed).await?;
    Ok(changed)
}

/// [`execute_all`]. `changed` has an element for each statement that has succeeded, also after an error.
pub(crate) async fn execute_each(
    connection: &mut Connection,
    statements: impl IntoIterator<Item = Statement>,
    changed: &mut Vec<u64>,
) -> Result<(), sqlx::Error> {
    if connection.backend_name() == "SQLite" {
        if let Some(joined) = join(statements) {
            execute(connection, joined, changed).await?;
        }
    } else {
        for statement in statements {
            execute(connection, statement, changed).await?;
        }
    }
    Ok(())
}

/// Appends the number of changed rows of each statement in the text.
async fn execute(
    connection: &mut Connection,
    statement: Statement,
    changed: &mut Vec<u64>,
) -> Result<(), sqlx::Error> {
    let query = sqlx::query(statement.sql).persistent(statement.is_persistent);
    let query = statement
        .values
        .into_iter()
        .fold(query, |query, value| match value {
            StatementValue::Text(text) => query.bind(text),
            StatementValue::Number(number) => query.bind(number),
        });
    let mut results = connection.fetch_many(query);
    while let Some(result) = results.try_next().await? {
        if let Either::Left(result) = result {
            changed.push(result.rows_affected());
        }
    }
    Ok(())
}

/// One text with all statements. SQLite numbers the placeholders of a text as one sequence. `None` without statements.
fn join(statements: impl IntoIterator<Item = Statement>) -> Option<Statement> {
    let (mut sql, mut values, mut is_persistent) = (String::new(), Vec::new(), true);
    for statement in statements {
        let mut parts = statement.sql.as_str().split('$');
        sql.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let digits = part
                .find(|char: char| !char.is_ascii_digit())
                .unwrap_or(part.len());
            debug_assert!(digits > 0, "a `$` that is no placeholder");
            let (number, rest) = part.split_at(digits);
            let number: usize = number.parse().unwrap_or_default();
            // Writing to a string does not fail.
            let _ = write!(sql, "${}{rest}", number + values.len());
        }
        sql.push(';');
        values.extend(statement.values);
        is_persistent &= statement.is_persistent;
    }
    (!sql.is_empty()).then(|| Statement {
        sql: AssertSqlSafe(sql).into_sql_str(),
        values,
        is_persistent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestDb, engines};

    #[tokio::test]
    async fn statements_are_executed_in_order_with_their_own_values() {
        for engine in engines() {
            let test = TestDb::new(engine).await;
            let mut tx = test.db.write().await.unwrap();
            let changed = execute_all(
                &mut tx,
                [
                    Statement::new("CREATE TABLE pairs (name TEXT PRIMARY KEY, number BIGINT, note TEXT)"),
                    Statement::new("INSERT INTO pairs (name, number) VALUES ($1, $2), ('two', $2)")
                        .bind("one")
                        .bind(7),
                    Statement::new("INSERT INTO pairs (name) VALUES ($1) ON CONFLICT (name) DO NOTHING")
                        .bind("one"),
                    Statement::new("UPDATE pairs SET number = $2, note = $3 WHERE name = $1")
                        .bind("two".to_owned())
                        .bind(None::<i64>)
                        .bind(Some("$1 less".to_owned())),
                ],
            );
            assert_eq!(changed.await.unwrap()[1..], [2, 0, 1], "{engine:?}");
            let rows: Vec<(String, Option<i64>, Option<String>)> =
                sqlx::query_as("SELECT name, number, note FROM pairs ORDER BY name")
                    .fetch_all(&mut *tx)
                    .await
                    .unwrap();
            let expected = [
                ("one".to_owned(), Some(7), None),
                ("two".to_owned(), None, Some("$1 less".to_owned())),
            ];
            assert_eq!(rows, expected, "{engine:?}");
        }
    }

    #[tokio::test]
    async fn a_statement_after_a_failed_one_is_not_executed() {
        for engine in engines() {
            let test = TestDb::new(engine).await;
            let insert = |lane: Option<&str>| {
                Statement::new("INSERT INTO outbox_lanes (lane, next_due_ms) VALUES ($1, 1)")
                    .bind(lane.map(str::to_owned))
            };
            let mut tx = test.db.write().await.unwrap();
            let failed = execute_all(&mut tx, [insert(None), insert(Some("b"))]).await;
            assert!(
                matches!(failed, Err(sqlx::Error::Database(_))),
                "{engine:?}: {failed:?}"
            );
            drop(tx);
            let mut tx = test.db.write().await.unwrap();
            let changed = execute_all(&mut tx, [insert(Some("c"))]).await;
            assert_eq!(changed.unwrap(), [1], "{engine:?}: the connection works");
            tx.commit().await.unwrap();
            let lanes: Vec<String> = sqlx::query_scalar("SELECT lane FROM outbox_lanes")
                .fetch_all(test.db.pool())
                .await
                .unwrap();
            assert_eq!(lanes, ["c"], "{engine:?}");
        }
    }
}
