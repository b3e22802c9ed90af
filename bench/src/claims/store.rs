//! The SQL of this measurement: many rows of the outbox, written in bulk on a connection without the app's time limits.

use db::Engine;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

/// Rows of one transaction.
const GROUP: u64 = 100_000;
/// Pending rows of one user, and sent rows of one user.
const PENDING_OF_USER: u64 = 2;
const SENT_OF_USER: u64 = 20;
/// A payload of 150 bytes: that of an event has about 700, and the size does not change which pages a claim reads.
const PAYLOAD: &str = r#"{"event_type":"Sign-in completed","user_id":"00000000-0000-4000-8000-000000000000","insert_id":"event:00000000","time":1795435200000,"event_properties":{}}"#;

/// Writes rows to the outbox.
pub(super) struct OutboxFiller {
    connection: AnyConnection,
    engine: Engine,
    /// The number of the next row.
    next: u64,
}

impl OutboxFiller {
    /// Connects to a migrated database.
    pub(super) async fn connect(engine: Engine, url: &str) -> Result<Self, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(url).await?;
        // The rows may be lost with the machine.
        let settings = match engine {
            Engine::Sqlite => "PRAGMA synchronous = OFF; PRAGMA busy_timeout = 10000;",
            Engine::Postgres => "SET synchronous_commit = off",
        };
        connection.execute(settings).await?;
        Ok(Self {
            connection,
            engine,
            next: 1,
        })
    }

    /// Adds rows that were sent.
    pub(super) async fn add_sent(&mut self, rows: u64) -> Result<(), sqlx::Error> {
        self.add(rows, SENT_OF_USER, "'sent', 1, NULL").await
    }

    /// Adds pending rows that are due, with their lanes.
    pub(super) async fn add_pending(&mut self, rows: u64) -> Result<(), sqlx::Error> {
        self.add(rows, PENDING_OF_USER, &format!("'pending', NULL, '{PAYLOAD}'"))
            .await?;
        let lanes = "INSERT INTO outbox_lanes (lane, next_due_ms)
                     SELECT lane, MIN(next_attempt_ms) FROM outbox WHERE state = 'pending' GROUP BY lane
                     ON CONFLICT (lane) DO NOTHING";
        self.connection.execute(lanes).await.map(drop)
    }

    /// Updates the statistics that the planner uses, as the server's own maintenance does.
    pub(super) async fn analyze(&mut self) -> Result<(), sqlx::Error> {
        let statements: &[&'static str] = match self.engine {
            // The app's maintenance does not run ANALYZE on SQLite.
            Engine::Sqlite => &["PRAGMA wal_checkpoint(TRUNCATE)"],
            Engine::Postgres => &[
                "VACUUM (ANALYZE) outbox",
                "VACUUM (ANALYZE) outbox_lanes",
                "CHECKPOINT",
            ],
        };
        for &statement in statements {
            self.connection.execute(statement).await?;
        }
        Ok(())
    }

    /// `state_columns`: the values of `state`, `sent_ms` and `payload`.
    async fn add(&mut self, rows: u64, of_user: u64, state_columns: &str) -> Result<(), sqlx::Error> {
        let end = self.next + rows;
        while self.next < end {
            let last = end.min(self.next + GROUP) - 1;
            let first = self.next;
            let insert = format!(
                "INSERT INTO outbox (lane, insert_id, event_type, time_ms, next_attempt_ms, enqueued_ms, state, sent_ms, payload)
                 WITH RECURSIVE numbers (number) AS (
                     SELECT {first} UNION ALL SELECT number + 1 FROM numbers WHERE number < {last})
                 SELECT 'user-' || (number / {of_user}), 'event:' || number, 'Sign-in completed', 1, number / 10, 1, {state_columns}
                 FROM numbers"
            );
            self.connection.execute(AssertSqlSafe(insert)).await?;
            self.next = last + 1;
        }
        Ok(())
    }
}
