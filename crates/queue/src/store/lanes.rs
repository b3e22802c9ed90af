//! Changes by the client: inserting a row, locking lanes, parking a lane, and replaying a row.

use db::{Connection, Engine, Statement};
use sqlx::AssertSqlSafe;

use super::{PENDING, placeholders};
use crate::{NewRow, Queue};

impl Queue {
    /// The statements that lock the row's lane until the transaction ends, make it due if it has no pending row, and insert the
    /// row. So rows of a lane are numbered in commit order. For a row without a conflict; for others use [`Self::insert`].
    ///
    /// Execute them with [`db::execute_together`], at most one row of a queue in a call. A transaction with rows of several lanes
    /// inserts them in several calls, in the order of the lanes' names: Postgres does not keep the order of statements that are
    /// executed together, and two transactions could wait for each other.
    pub fn insert_statements(&self, engine: Engine, row: NewRow) -> [Statement; 2] {
        let lane = row.lane.clone();
        self.insert_all_statements(engine, &[&lane], vec![row])
    }

    /// [`Self::insert_statements`] for one or more rows with the same columns. Their `lanes` are locked in the given order; none is
    /// named twice. The second statement returns the values of the unique column of the rows that are new. A queue that
    /// locks lanes in another order than that of their names claims one lane at a time: a claim of several would wait for them
    /// in that order.
    pub fn insert_all_statements(&self, engine: Engine, lanes: &[&str], rows: Vec<NewRow>) -> [Statement; 2] {
        let now_ms = rows.last().map_or(0, |row| row.at_ms);
        let sql = AssertSqlSafe(self.insert_sql(engine, &rows));
        let insert = match rows.len() {
            1 => Statement::new(sql),
            _ => Statement::once(sql),
        };
        let values = rows.into_iter().flat_map(|row| row.values);
        [
            self.lock_statement(engine, lanes, now_ms),
            values.fold(insert, Statement::bind),
        ]
    }

    /// On Postgres the rows are inserted, and so numbered, after the statement before has locked all lanes: `COUNT(*)` reads all
    /// of its rows.
    fn insert_sql(&self, engine: Engine, rows: &[NewRow]) -> String {
        let Some(first) = rows.first() else {
            return String::new();
        };
        let width = first.columns.len();
        let values: Vec<String> = (0..rows.len())
            .map(|row| format!("({})", placeholders(1 + row * width, width)))
            .collect();
        let (table, columns, values) = (self.table, first.columns.join(", "), values.join(","));
        let values = match engine {
            Engine::Sqlite => format!("VALUES {values}"),
            Engine::Postgres => {
                format!("SELECT * FROM (VALUES {values}) AS new WHERE (SELECT COUNT(*) FROM $previous) > 0")
            }
        };
        let conflict = first
            .unique
            .map(|unique| format!("ON CONFLICT ({unique}) DO NOTHING RETURNING {unique}"))
            .unwrap_or_default();
        format!("INSERT INTO {table} ({columns}) {values} {conflict}")
    }

    /// Executes [`Self::insert_statements`]. Returns false if they insert no row, because of a conflict.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert(&self, connection: &mut Connection, row: NewRow) -> Result<bool, sqlx::Error> {
        let lane = row.lane.clone();
        let statements = self.insert_statements(db::engine_of(connection), row);
        let is_inserted = db::execute_together(connection, statements).await? == 1;
        if !is_inserted {
            self.remove_lane_if_empty(connection, &lane).await?;
        }
        Ok(is_inserted)
    }

    /// Locks the lane as [`Self::insert`] does, for a transaction that changes other rows of the lane before an insert.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lock_lane(
        &self,
        connection: &mut Connection,
        lane: &str,
        now_ms: i64,
    ) -> Result<(), sqlx::Error> {
        let engine = db::engine_of(connection);
        self.lock_statement(engine, &[lane], now_ms)
            .execute(connection)
            .await
            .map(drop)
    }

    /// On Postgres it returns a row for each lane.
    fn lock_statement(&self, engine: Engine, lanes: &[&str], now_ms: i64) -> Statement {
        let mut sql = self.lock_lanes_sql(lanes.len());
        if engine == Engine::Postgres {
            sql.push_str(" RETURNING lane");
        }
        let statement = match lanes {
            [_] => Statement::new(AssertSqlSafe(sql)),
            _ => Statement::once(AssertSqlSafe(sql)),
        };
        lanes
            .iter()
            .copied()
            .fold(statement.bind(now_ms), Statement::bind)
    }

    pub(crate) fn lock_lanes_sql(&self, lanes: usize) -> String {
        let table = self.table;
        let rows: Vec<String> = (2..2 + lanes).map(|number| format!("(${number},$1)")).collect();
        // The first pending row decides when a lane is due. A new row is the last one of its lane.
        format!(
            "INSERT INTO {table}_lanes (lane, next_due_ms) VALUES {}
             ON CONFLICT (lane) DO UPDATE SET next_due_ms = {table}_lanes.next_due_ms",
            rows.join(",")
        )
    }

    /// Deletes the lane if it has no pending row and no lease. A claim does this too, but only when the lane is due: call it
    /// after rows were deleted whose lane may get new ones.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_lane_if_empty(
        &self,
        connection: &mut Connection,
        lane: &str,
    ) -> Result<(), sqlx::Error> {
        let table = self.table;
        let sql = format!(
            "DELETE FROM {table}_lanes WHERE lane = $1 AND lease_owner IS NULL
               AND NOT EXISTS (SELECT 1 FROM {table} WHERE lane = $1 AND state = {PENDING})"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(lane.to_owned())
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Parks all pending rows of a lane. Returns their number. Work in progress is not stopped, but its rows are not
    /// retried.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn park_lane(
        &self,
        connection: &mut Connection,
        lane: &str,
        reason: &str,
        now_ms: i64,
    ) -> Result<u64, sqlx::Error> {
        self.lock_lane(connection, lane, now_ms).await?;
        let sql = format!(
            "UPDATE {} SET {} state = 'parked', parked_ms = $1, parked_reason = $2
             WHERE lane = $3 AND state = {PENDING}",
            self.table, self.on_parked
        );
        let parked = sqlx::query(AssertSqlSafe(sql))
            .bind(now_ms)
            .bind(reason.to_owned())
            .bind(lane.to_owned())
            .execute(&mut *connection)
            .await?;
        self.remove_lane_if_empty(connection, lane).await?;
        Ok(parked.rows_affected())
    }

    /// Makes a parked row pending again, with no attempts. Returns false if it is not parked for this reason. The row
    /// keeps its number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replay(
        &self,
        connection: &mut Connection,
        lane: &str,
        sequence: i64,
        reason: &str,
        now_ms: i64,
    ) -> Result<bool, sqlx::Error> {
        let table = self.table;
        // A lane with a later due time may become due too early here. The claim then corrects the time.
        let make_due = format!(
            "INSERT INTO {table}_lanes (lane, next_due_ms) VALUES ($1, $2)
             ON CONFLICT (lane) DO UPDATE SET next_due_ms = CASE
                 WHEN {table}_lanes.lease_owner IS NULL AND {table}_lanes.next_due_ms > excluded.next_due_ms
                 THEN excluded.next_due_ms ELSE {table}_lanes.next_due_ms END"
        );
        sqlx::query(AssertSqlSafe(make_due))
            .bind(lane.to_owned())
            .bind(now_ms)
            .execute(&mut *connection)
            .await?;
        let replay = format!(
            "UPDATE {table} SET state = 'pending', parked_ms = NULL, parked_reason = NULL, attempts = 0, panics = 0,
                    next_attempt_ms = $1, first_unknown_ms = NULL
             WHERE sequence = $2 AND state = 'parked' AND parked_reason = $3"
        );
        let replayed = sqlx::query(AssertSqlSafe(replay))
            .bind(now_ms)
            .bind(sequence)
            .bind(reason.to_owned())
            .execute(connection)
            .await?;
        Ok(replayed.rows_affected() == 1)
    }
}
