//! The pool of connections, on both engines.
//!
//! The pool of sqlx 0.9 asks the database after each use, in a task of its own, whether the connection still works. This round
//! trip takes as long as that of a short query. Here a connection is tested before its use, and at most every
//! [`TEST_INTERVAL`].

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use deadpool::Runtime;
use deadpool::managed::{
    self, BuildError, Manager, Metrics, Object, PoolError, QueueMode, RecycleResult, Timeouts,
};
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{Any, AnyConnection, Connection as _, Describe, Either, Execute, Executor, SqlStr};
use tokio::runtime::Handle;

use crate::Engine;

/// How long a caller waits for a connection, and how long the pool tries to open one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// Interval between attempts to open a connection to a Postgres server that is starting.
const CONNECT_INTERVAL: Duration = Duration::from_millis(200);
/// A Postgres connection that was not tested for this long is tested before its use: a restart of the server or a firewall may
/// have closed it.
const TEST_INTERVAL: Duration = Duration::from_millis(250);
/// The longest use of a Postgres connection. The server keeps memory for each connection, which grows with its use.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// Connections to the database. Cheap to clone. A query that is executed on the pool takes a connection for itself.
#[derive(Clone, Debug)]
pub struct Pool(managed::Pool<Connector>);

/// A connection that is lent by the pool. Dropping it returns it.
#[derive(Debug)]
pub struct PooledConnection(Option<Object<Connector>>);

/// Opens and tests connections.
pub(crate) struct Connector {
    pub(crate) engine: Engine,
    pub(crate) url: String,
    /// The statements that each new connection executes.
    pub(crate) settings: &'static str,
}

/// The URL may contain a password.
impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

/// A connection, and when it last worked.
#[derive(Debug)]
pub(crate) struct TestedConnection {
    connection: AnyConnection,
    tested: Instant,
}

impl Manager for Connector {
    type Type = TestedConnection;
    type Error = sqlx::Error;

    /// A server that is starting refuses connections: the attempts go on until the timeout.
    async fn create(&self) -> Result<TestedConnection, sqlx::Error> {
        let mut connection = loop {
            match AnyConnection::connect(&self.url).await {
                Err(error) if is_starting(&error) => tokio::time::sleep(CONNECT_INTERVAL).await,
                connected => break connected?,
            }
        };
        connection.execute(self.settings).await?;
        Ok(TestedConnection {
            connection,
            tested: Instant::now(),
        })
    }

    /// A connection to a file does not break.
    async fn recycle(&self, tested: &mut TestedConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if self.engine == Engine::Postgres {
            if metrics.age() > MAX_AGE {
                return Err(managed::RecycleError::message("too old"));
            }
            if tested.tested.elapsed() >= TEST_INTERVAL {
                tested.connection.ping().await?;
                tested.tested = Instant::now();
            }
        }
        Ok(())
    }
}

/// Whether a server refuses connections only for now: nothing listens, or it starts, or all its connections are taken.
fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => {
            matches!(error.code().as_deref(), Some("57P03" | "53300"))
        }
        _ => false,
    }
}

impl Pool {
    /// Creates the pool, and opens its first connection.
    pub(crate) async fn open(connector: Connector, max_size: u32) -> Result<Self, sqlx::Error> {
        let timeouts = Timeouts {
            wait: Some(ACQUIRE_TIMEOUT),
            create: Some(ACQUIRE_TIMEOUT),
            recycle: Some(ACQUIRE_TIMEOUT),
        };
        // The connection that was used last has the warmest caches.
        let pool = managed::Pool::builder(connector)
            .max_size(usize::try_from(max_size).unwrap_or(usize::MAX))
            .timeouts(timeouts)
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|BuildError::NoRuntimeSpecified| sqlx::Error::PoolClosed)?;
        let pool = Self(pool);
        pool.acquire().await?;
        Ok(pool)
    }

    /// Takes a connection. Waits up to 10 s for one, and up to 10 s until it is open.
    ///
    /// # Errors
    /// When none is free or none can be opened in time, or the pool is closed.
    pub async fn acquire(&self) -> Result<PooledConnection, sqlx::Error> {
        match self.0.get().await {
            Ok(connection) => Ok(PooledConnection(Some(connection))),
            Err(PoolError::Backend(error)) => Err(error),
            Err(PoolError::Closed) => Err(sqlx::Error::PoolClosed),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// The number of open connections, and how many of them are not in use.
    pub fn open_and_idle(&self) -> (usize, usize) {
        let status = self.0.status();
        (status.size, status.available)
    }

    /// Closes all connections: those in use when they are returned.
    pub(crate) async fn close(&self) {
        for idle in self.0.retain(|_, _| false).removed {
            // It is closed anyway.
            let _ = idle.connection.close().await;
        }
        self.0.close();
    }
}

const IS_LENT: &str = "only `drop` returns the connection";

impl Deref for PooledConnection {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.0.as_ref().expect(IS_LENT).connection
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.0.as_mut().expect(IS_LENT).connection
    }
}

impl PooledConnection {
    /// Rolls back the open transaction in a task, and returns the connection after it. Without a runtime the connection is
    /// closed.
    pub(crate) fn roll_back(mut self) {
        let Some(mut lent) = self.0.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                if lent.connection.execute("ROLLBACK").await.is_err() {
                    drop(Object::take(lent));
                }
            })),
            Err(_) => drop(Object::take(lent)),
        }
    }
}

/// Each query takes a connection, and returns it after its last row.
impl<'c> Executor<'c> for &Pool {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<AnyQueryResult, AnyRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let pool = self.clone();
        let all = async move {
            let mut connection = pool.acquire().await?;
            let items: Vec<_> = connection.fetch_many(query).try_collect().await?;
            Ok::<_, sqlx::Error>(stream::iter(items.into_iter().map(Ok)))
        };
        stream::once(all).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let pool = self.clone();
        async move { pool.acquire().await?.fetch_optional(query).await }.boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, sqlx::Error>>
    where
        'c: 'e,
    {
        let pool = self.clone();
        async move { pool.acquire().await?.prepare_with(sql, parameters).await }.boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Any>, sqlx::Error>>
    where
        'c: 'e,
    {
        let pool = self.clone();
        async move { pool.acquire().await?.describe(sql).await }.boxed()
    }
}
