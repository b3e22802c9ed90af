//! The session store of tower-sessions. It stores only the hash of a cookie's value, so that a copy of the database
//! cannot be used to sign in.

use std::fmt;

use async_trait::async_trait;
use db::Db;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use super::login_lifetime::IDLE_MS;
use super::store;
use crate::clock::Clock;
use crate::hex;

/// How long a deleted cookie can still be read.
const DELETION_GRACE_MS: i64 = 60_000;

/// The login cookies in the app's database.
#[derive(Clone)]
pub struct LoginCookies {
    db: Db,
    clock: Clock,
}

impl LoginCookies {
    /// How long a cookie stays valid after its last use.
    pub const IDLE: time::Duration = time::Duration::milliseconds(IDLE_MS);
    /// The key of the login's ID in a cookie's session.
    pub const LOGIN: &str = "login";

    /// Creates a store on this database.
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
        let (data, expires_at_ms) = columns(record)?;
        while !store::insert_cookie(&self.db, &hash(&record.id), &data, expires_at_ms)
            .await
            .map_err(backend)?
        {
            // The random ID already exists; try another one.
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let (data, expires_at_ms) = columns(record)?;
        store::save_cookie(&self.db, &hash(&record.id), &data, expires_at_ms)
            .await
            .map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = store::cookie(self.db.pool(), &hash(id), self.clock.now_ms())
            .await
            .map_err(backend)?;
        let Some((data, expires_at_ms)) = found else {
            return Ok(None);
        };
        let data = serde_json::from_str(&data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(expires_at_ms) * 1_000_000)
            .map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date,
        }))
    }

    /// Deletes the cookie after a grace period of one minute. Its login has already ended. Uploads that the browser
    /// sent before the sign-out still need the cookie to identify the login.
    async fn delete(&self, id: &Id) -> Result<()> {
        store::expire_soon(&self.db, &hash(id), self.clock.now_ms() + DELETION_GRACE_MS)
            .await
            .map_err(backend)
    }
}

fn columns(record: &Record) -> Result<(String, i64)> {
    let data = serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
    let expires_at_ms = record.expiry_date.unix_timestamp_nanos() / 1_000_000;
    Ok((data, i64::try_from(expires_at_ms).unwrap_or(i64::MAX)))
}

pub(super) fn hash(id: &Id) -> String {
    hex::encode(&Sha256::digest(id.to_string()))
}

fn backend(error: sqlx::Error) -> Error {
    Error::Backend(error.to_string())
}
