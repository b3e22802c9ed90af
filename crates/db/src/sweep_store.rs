//! Removes expired rows in batches. The statements belong to the crates that own the tables.

use crate::{Db, Statement};

/// Rows per statement. It limits how long a sweep holds SQLite's write lock.
const ROWS_PER_STATEMENT: i64 = 500;
/// Statements per call. The rest waits for the next call.
const MAX_STATEMENTS: usize = 200;

impl Db {
    /// Executes `sql`, each time in its own transaction, until it changes fewer than 500 rows, and at most 200 times.
    /// The statement changes rows that expired before `$1` (ms since the epoch), at most `$2` rows. Returns the number
    /// of changed rows.
    ///
    /// # Errors
    /// When the database fails. Earlier batches stay committed.
    pub async fn sweep(&self, sql: &'static str, before_ms: i64) -> Result<u64, sqlx::Error> {
        let mut swept = 0;
        for _ in 0..MAX_STATEMENTS {
            let statement = Statement::new(sql).bind(before_ms).bind(ROWS_PER_STATEMENT);
            let changed = self.execute([statement]).await?;
            swept += changed;
            if changed < ROWS_PER_STATEMENT.unsigned_abs() {
                break;
            }
        }
        Ok(swept)
    }
}
