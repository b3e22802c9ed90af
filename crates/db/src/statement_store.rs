//! Statements with their values, which are executed together.

use std::fmt::Write as _;

use futures::TryStreamExt;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Either, Executor as _, SqlSafeStr, SqlStr};

use crate::{Connection, Engine};

/// A statement with its values.
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
    /// A statement without values. A `$` before a number is a placeholder, also in quotes. For `$previous` see [`execute_together`].
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

    /// [`Self::new`] for a text with a list of `count` values. The connection keeps it prepared only if `count` is 1.
    pub fn sized(sql: impl SqlSafeStr, count: usize) -> Self {
        Self {
            is_persistent: count == 1,
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

    /// Executes the statement and returns its rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fetch(self, connection: &mut Connection) -> Result<Vec<AnyRow>, sqlx::Error> {
        let [rows] = fetch_all(connection, [self]).await?;
        Ok(rows)
    }

    /// Takes the values of another statement, and appends its text to `sql`, with the numbers of its placeholders raised to follow
    /// this one's. `previous` is the number of the statement that `$previous` names.
    fn append(&mut self, other: Self, previous: Option<usize>, sql: &mut String) {
        let mut parts = other.sql.as_str().split('$');
        sql.push_str(parts.next().unwrap_or_default());
        for part in parts {
            // Writing to a string does not fail.
            let _ = match (part.strip_prefix("previous"), previous) {
                (Some(rest), Some(previous)) => write!(sql, "s{previous}{rest}"),
                _ => {
                    let digits = part
                        .find(|char: char| !char.is_ascii_digit())
                        .unwrap_or(part.len());
                    let (number, rest) = part.split_at(digits);
                    match number.parse::<usize>() {
                        Ok(number) => write!(sql, "${}{rest}", number + self.values.len()),
                        // It is part of a text in quotes.
                        Err(_) => write!(sql, "${part}"),
                    }
                }
            };
        }
        self.values.extend(other.values);
        self.is_persistent &= other.is_persistent;
    }

    fn with_text(self, sql: String) -> Option<Self> {
        let is_empty = sql.is_empty();
        let sql = AssertSqlSafe(sql).into_sql_str();
        (!is_empty).then_some(Self { sql, ..self })
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

/// The engine of a connection.
pub fn engine_of(connection: &Connection) -> Engine {
    match connection.backend_name() {
        "SQLite" => Engine::Sqlite,
        _ => Engine::Postgres,
    }
}

/// The SQL of the text at `key` in a column with a JSON object; NULL if the object has none.
pub fn json_text(engine: Engine, column: &str, key: &str) -> String {
    match engine {
        Engine::Sqlite => format!("{column} ->> '{key}'"),
        Engine::Postgres => format!("{column}::json ->> '{key}'"),
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
    let mut results = Vec::new();
    execute_each(connection, statements, &mut results).await?;
    Ok(results.into_iter().map(|result| result.changed).collect())
}

/// Reads the rows of each statement. The round trips are those of [`execute_all`].
///
/// # Errors
/// When a statement fails.
pub async fn fetch_all<const N: usize>(
    connection: &mut Connection,
    statements: [Statement; N],
) -> Result<[Vec<AnyRow>; N], sqlx::Error> {
    let mut results = Vec::with_capacity(N);
    execute_each(connection, statements, &mut results).await?;
    let mut rows = results.into_iter().map(|result| result.rows);
    Ok(std::array::from_fn(|_| rows.next().unwrap_or_default()))
}

/// Executes statements that are independent of each other, in one round trip on both engines. On Postgres they are one
/// statement: each sees the tables as they were before it, and no row is changed twice. Foreign keys between them are allowed: they
/// are checked at the end. Their order is kept only with `$previous`, which on Postgres names the rows that the statement
/// before returns: a statement that reads all of these rows runs after it. Returns the number of rows that the last one changed.
///
/// # Errors
/// When a statement fails. The caller must roll back the transaction.
pub async fn execute_together(
    connection: &mut Connection,
    statements: impl IntoIterator<Item = Statement>,
) -> Result<u64, sqlx::Error> {
    Ok(together(connection, statements).await?.changed)
}

/// [`execute_together`] with a last statement that returns rows.
///
/// # Errors
/// As [`execute_together`].
pub async fn fetch_together(
    connection: &mut Connection,
    statements: impl IntoIterator<Item = Statement>,
) -> Result<Vec<AnyRow>, sqlx::Error> {
    Ok(together(connection, statements).await?.rows)
}

/// Returns the result of the last statement.
async fn together(
    connection: &mut Connection,
    statements: impl IntoIterator<Item = Statement>,
) -> Result<StatementResult, sqlx::Error> {
    let statement = match engine_of(connection) {
        Engine::Sqlite => join(statements),
        Engine::Postgres => combine(statements),
    };
    let mut results = Vec::new();
    if let Some(statement) = statement {
        execute(connection, statement, &mut results).await?;
    }
    Ok(results.pop().unwrap_or_default())
}

/// What a statement did.
#[derive(Default)]
pub(crate) struct StatementResult {
    /// The number of rows that it changed.
    pub(crate) changed: u64,
    rows: Vec<AnyRow>,
}

/// Executes the statements in their order. `results` has an element for each one that has succeeded, also after an error.
pub(crate) async fn execute_each(
    connection: &mut Connection,
    statements: impl IntoIterator<Item = Statement>,
    results: &mut Vec<StatementResult>,
) -> Result<(), sqlx::Error> {
    match engine_of(connection) {
        Engine::Sqlite => {
            if let Some(joined) = join(statements) {
                execute(connection, joined, results).await?;
            }
        }
        Engine::Postgres => {
            for statement in statements {
                execute(connection, statement, results).await?;
            }
        }
    }
    Ok(())
}

/// Appends the result of each statement in the text.
async fn execute(
    connection: &mut Connection,
    statement: Statement,
    results: &mut Vec<StatementResult>,
) -> Result<(), sqlx::Error> {
    let query = sqlx::query(statement.sql).persistent(statement.is_persistent);
    let query = statement
        .values
        .into_iter()
        .fold(query, |query, value| match value {
            StatementValue::Text(text) => query.bind(text),
            StatementValue::Number(number) => query.bind(number),
        });
    let mut rows = Vec::new();
    let mut stream = connection.fetch_many(query);
    while let Some(item) = stream.try_next().await? {
        match item {
            Either::Right(row) => rows.push(row),
            Either::Left(result) => results.push(StatementResult {
                changed: result.rows_affected(),
                rows: std::mem::take(&mut rows),
            }),
        }
    }
    Ok(())
}

/// Several statements after each other. SQLite numbers the placeholders of a text as one sequence. `None` without statements.
fn join(statements: impl IntoIterator<Item = Statement>) -> Option<Statement> {
    let mut joined = Statement::new("");
    let mut sql = String::new();
    for statement in statements {
        joined.append(statement, None, &mut sql);
        sql.push(';');
    }
    joined.with_text(sql)
}

/// One Postgres statement that executes several: all but the last are in its `WITH`, as `s0`, `s1`, …. `None` without
/// statements.
fn combine(statements: impl IntoIterator<Item = Statement>) -> Option<Statement> {
    let mut combined = Statement::new("");
    let mut sql = String::new();
    let mut statements = statements.into_iter().peekable();
    let mut number = 0_usize;
    while let Some(statement) = statements.next() {
        let is_last = statements.peek().is_none();
        // Writing to a string does not fail.
        let _ = match (number, is_last) {
            (0, true) => Ok(()),
            (0, false) => write!(sql, "WITH s0 AS ("),
            (_, true) => write!(sql, ") "),
            (_, false) => write!(sql, "), s{number} AS ("),
        };
        combined.append(statement, number.checked_sub(1), &mut sql);
        number += 1;
    }
    combined.with_text(sql)
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;

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
    async fn statements_that_are_executed_together_name_the_rows_of_the_previous_one() {
        for engine in engines() {
            let test = TestDb::new(engine).await;
            let mut tx = test.db.write().await.unwrap();
            Statement::new("CREATE TABLE pairs (name TEXT PRIMARY KEY, number BIGINT)")
                .execute(&mut tx)
                .await
                .unwrap();
            let insert = |name: &str, number: i64| {
                Statement::new("INSERT INTO pairs (name, number) VALUES ($1, $2) RETURNING name, number")
                    .bind(name)
                    .bind(number)
            };
            let last = match engine {
                Engine::Sqlite => {
                    "INSERT INTO pairs SELECT $1, number FROM pairs WHERE name = 'b' RETURNING number"
                }
                Engine::Postgres => "INSERT INTO pairs SELECT $1, number FROM $previous RETURNING number",
            };
            let statements = [insert("a", 1), insert("b", 2), Statement::new(last).bind("c")];
            let rows = fetch_together(&mut tx, statements).await.unwrap();
            let numbers: Vec<i64> = rows.iter().map(|row| row.try_get("number").unwrap()).collect();
            assert_eq!(numbers, [2], "{engine:?}: the rows of the last statement");
            let alone = execute_together(&mut tx, [insert("d", 4)]).await.unwrap();
            let nothing = execute_together(&mut tx, []).await.unwrap();
            assert_eq!((alone, nothing), (1, 0), "{engine:?}");

            let select = |name: &str| Statement::new("SELECT number FROM pairs WHERE name = $1").bind(name);
            let [first, none, second] = fetch_all(&mut tx, [select("d"), select("e"), select("c")])
                .await
                .unwrap();
            let number = |rows: &[AnyRow]| rows[0].try_get::<i64, _>("number").unwrap();
            assert_eq!(
                (number(&first), none.len(), number(&second)),
                (4, 0, 2),
                "{engine:?}"
            );
        }
    }

    #[tokio::test]
    async fn statements_that_are_executed_together_change_all_or_nothing() {
        for engine in engines() {
            let test = TestDb::new(engine).await;
            let lane = |lane: Option<&str>| {
                Statement::new("INSERT INTO outbox_lanes (lane, next_due_ms) VALUES ($1, 1)")
                    .bind(lane.map(str::to_owned))
            };
            let failed = test.db.execute(vec![lane(Some("a")), lane(None)]).await;
            assert!(matches!(failed, Err(sqlx::Error::Database(_))), "{engine:?}");
            test.db
                .execute(vec![lane(Some("b")), lane(Some("c"))])
                .await
                .unwrap();
            let lanes: Vec<String> = sqlx::query_scalar("SELECT lane FROM outbox_lanes ORDER BY lane")
                .fetch_all(test.db.pool())
                .await
                .unwrap();
            assert_eq!(lanes, ["b", "c"], "{engine:?}");
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
