//! The store that tower-sessions rides on. It keeps the hash of a cookie's value, never the value: whoever reads the
//! database cannot sign in as anybody.

use std::fmt;

use async_trait::async_trait;
use db::Db;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use super::store;
use crate::clock::Clock;
use crate::hex;

/// A login ends when nobody came for 30 days.
pub(super) const IDLE_MS: i64 = 30 * 24 * 3_600_000;

/// How long a cookie that was given up is still known.
const LATE_MS: i64 = 60_000;

/// Cookies of logins, on the database of everything else.
#[derive(Clone)]
pub struct LoginCookies {
    db: Db,
    clock: Clock,
}

impl LoginCookies {
    /// How long a cookie lives after it was last used.
    pub const IDLE: time::Duration = time::Duration::milliseconds(IDLE_MS);

    /// Over this database.
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock }
    }
}

impl fmt::Debug for LoginCookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginCookies")
    }
}

#[async_trait]
impl SessionStore for LoginCookies {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let (data, expires_at) = columns(record)?;
        while !store::insert_cookie(self.db.pool(), &hash(&record.id), &data, expires_at)
            .await
            .map_err(backend)?
        {
            // 128 random bits have met their like; try the next.
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let (data, expires_at) = columns(record)?;
        store::save_cookie(self.db.pool(), &hash(&record.id), &data, expires_at)
            .await
            .map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = store::cookie(self.db.pool(), &hash(id), self.clock.now_ms())
            .await
            .map_err(backend)?;
        let Some((data, expires_at)) = found else {
            return Ok(None);
        };
        let data = serde_json::from_str(&data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(expires_at) * 1_000_000)
            .map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date,
        }))
    }

    /// It opens nothing any more: its login has ended. For a minute it still says which one that was, to uploads that left
    /// the browser before a sign-out and are read after it.
    async fn delete(&self, id: &Id) -> Result<()> {
        store::give_up_cookie(self.db.pool(), &hash(id), self.clock.now_ms() + LATE_MS)
            .await
            .map_err(backend)
    }
}

fn columns(record: &Record) -> Result<(String, i64)> {
    let data = serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
    let expires_at = record.expiry_date.unix_timestamp_nanos() / 1_000_000;
    Ok((data, i64::try_from(expires_at).unwrap_or(i64::MAX)))
}

fn hash(id: &Id) -> String {
    hex::encode(&Sha256::digest(id.to_string()))
}

fn backend(error: sqlx::Error) -> Error {
    Error::Backend(error.to_string())
}
