//! The pool of connections, on both engines.
//!
//! The pool of sqlx 0.9 asks the database after each use, in a task of its own, whether the connection still works. This round
//! trip takes as long as that of a short query. Here only a connection is asked whose last statement may not have ended.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{
    self, BuildError, Manager, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult, Timeouts,
    WeakPool,
};
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{Any, AnyConnection, Connection as _, Describe, Either, Execute, Executor, SqlStr};
use tokio::runtime::Handle;

use crate::{Engine, engine_of};

/// How long a caller waits for a connection, and how long the pool waits for the end of a statement whose caller was dropped.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Interval between attempts to open a connection to a Postgres server that is starting.
const CONNECT_INTERVAL: Duration = Duration::from_millis(200);
/// A Postgres connection that was not used for this long is tested before its use: a restart of the server or a firewall may
/// have closed it.
const TEST_AFTER: Duration = Duration::from_secs(1);
/// How long a test takes at most.
const TEST_TIMEOUT: Duration = Duration::from_secs(1);
/// A Postgres connection that is older is replaced: the server keeps memory for it, which grows with its use.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);
/// A connection that is not used for this long is closed.
const MAX_IDLE: Duration = Duration::from_secs(10 * 60);
/// Interval between searches for idle connections.
const IDLE_INTERVAL: Duration = Duration::from_secs(60);
/// A connection to SQLite that was lent for longer may have a statement under way whose caller was dropped.
const LONG_USE: Duration = Duration::from_millis(20);

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

impl Manager for Connector {
    type Type = AnyConnection;
    type Error = sqlx::Error;

    /// A server that is starting refuses connections: the attempts go on until the timeout.
    async fn create(&self) -> Result<AnyConnection, sqlx::Error> {
        let mut connection = loop {
            match AnyConnection::connect(&self.url).await {
                Err(error) if is_starting(&error) => tokio::time::sleep(CONNECT_INTERVAL).await,
                connected => break connected?,
            }
        };
        connection.execute(self.settings).await?;
        Ok(connection)
    }

    /// A connection to a file does not break.
    async fn recycle(&self, connection: &mut AnyConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if self.engine == Engine::Postgres {
            if metrics.age() > MAX_AGE {
                return Err(RecycleError::message("too old"));
            }
            if metrics.last_used() >= TEST_AFTER {
                connection.ping().await?;
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
            recycle: Some(TEST_TIMEOUT),
            ..Timeouts::default()
        };
        // The connection that was used last has the warmest caches.
        let connections = managed::Pool::builder(connector)
            .max_size(usize::try_from(max_size).unwrap_or(usize::MAX))
            .timeouts(timeouts)
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|BuildError::NoRuntimeSpecified| sqlx::Error::PoolClosed)?;
        tokio::spawn(close_idle(connections.weak()));
        let pool = Self(connections);
        pool.acquire().await?;
        Ok(pool)
    }

    /// Takes a connection. Waits up to 10 s until one is free, tested or opened.
    ///
    /// # Errors
    /// When there is none in time, a new one is refused, or the pool is closed.
    pub async fn acquire(&self) -> Result<PooledConnection, sqlx::Error> {
        match tokio::time::timeout(TIMEOUT, self.0.get()).await {
            Ok(Ok(lent)) => Ok(PooledConnection(Some(lent))),
            Ok(Err(PoolError::Backend(error))) => Err(error),
            Ok(Err(PoolError::Closed)) => Err(sqlx::Error::PoolClosed),
            Ok(Err(_)) | Err(_) => Err(sqlx::Error::PoolTimedOut),
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
            let _ = idle.close().await;
        }
        self.0.close();
    }
}

/// Closes connections that were not used for long, as long as the pool exists.
async fn close_idle(pool: WeakPool<Connector>) {
    loop {
        tokio::time::sleep(IDLE_INTERVAL).await;
        let Some(pool) = pool.upgrade() else { return };
        for idle in pool.retain(|_, metrics| metrics.last_used() < MAX_IDLE).removed {
            // It is closed anyway.
            let _ = idle.close().await;
        }
    }
}

const IS_LENT: &str = "only `drop` and `roll_back` take the connection, and both consume it";

impl Deref for PooledConnection {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        self.0.as_ref().expect(IS_LENT)
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        self.0.as_mut().expect(IS_LENT)
    }
}

impl PooledConnection {
    /// Rolls back the open transaction in a task, and returns the connection after it.
    pub(crate) fn roll_back(mut self) {
        if let Some(lent) = self.0.take() {
            settle(lent, Some("ROLLBACK"));
        }
    }
}

/// If a statement may be under way, the connection is returned after its end: the next caller would wait for it, and on Postgres
/// get its error.
impl Drop for PooledConnection {
    fn drop(&mut self) {
        let Some(mut lent) = self.0.take() else { return };
        let settled = match engine_of(&lent) {
            // Does nothing if all statements have ended, and fails if the connection is broken.
            Engine::Postgres => lent.flush().now_or_never(),
            Engine::Sqlite => (Object::metrics(&lent).last_used() < LONG_USE).then_some(Ok(())),
        };
        match settled {
            Some(Ok(())) => {}
            Some(Err(_)) => drop(Object::take(lent)),
            None => settle(lent, None),
        }
    }
}

/// Executes `last` after the statement that is under way, in a task, and returns the connection. If this fails, takes too long, or the
/// runtime ends, the connection is closed.
fn settle(lent: Object<Connector>, last: Option<&'static str>) {
    let mut unsettled = Unsettled(Some(lent));
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    runtime.spawn(async move {
        let Some(connection) = &mut unsettled.0 else {
            return;
        };
        let settled = tokio::time::timeout(TIMEOUT, async {
            match last {
                Some(statement) => connection.execute(statement).await.map(drop),
                None => connection.ping().await,
            }
        });
        if let Ok(Ok(())) = settled.await {
            drop(unsettled.0.take());
        }
    });
}

/// A connection that is closed unless it is taken.
struct Unsettled(Option<Object<Connector>>);

impl Drop for Unsettled {
    fn drop(&mut self) {
        drop(self.0.take().map(Object::take));
    }
}

/// Each query takes a connection, reads all rows, and returns the connection.
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
