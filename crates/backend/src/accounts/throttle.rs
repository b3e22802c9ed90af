//! Limits failed attempts per account and per network address. The counts are in the database, so that all app servers
//! share them.

use std::net::IpAddr;

use db::Db;
use forms::{Email, Field, FieldError, FieldErrors};
use sha2::{Digest, Sha256};

use super::{AccountError, store};
use crate::hex;

const WINDOW_MS: i64 = 15 * 60_000;

/// The subject of a limit. The table stores its hash, so it contains no address.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) hash: String,
    limit: i64,
}

impl Key {
    /// Sign-in attempts for one account: 10 per window.
    pub(super) fn sign_in_account(email: &Email) -> Self {
        Self::new("sign-in account", &email.key(), 10)
    }

    /// Failed sign-ins from one network: 50 per window, because an office shares one network address.
    pub(super) fn sign_in_network(address: IpAddr) -> Self {
        Self::new("sign-in address", &network(address), 50)
    }

    /// "This address is taken" responses to one network: 20 per window.
    pub(super) fn email_taken(address: IpAddr) -> Self {
        Self::new("sign-up taken", &network(address), 20)
    }

    /// Requested mails to one recipient: 5 per window.
    pub(super) fn mail_recipient(email: &Email) -> Self {
        Self::new("mail to", &email.key(), 5)
    }

    /// Mails requested from one network: 50 per window.
    pub(super) fn mail_network(address: IpAddr) -> Self {
        Self::new("mail from", &network(address), 50)
    }

    fn new(kind: &str, of: &str, limit: i64) -> Self {
        let hash = hex::encode(
            &Sha256::new()
                .chain_update(kind)
                .chain_update([0])
                .chain_update(of)
                .finalize(),
        );
        Self { hash, limit }
    }
}

/// The network of an address. An IPv6 user controls a whole /64.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => v6.segments()[..4]
            .iter()
            .map(|part| format!("{part:x}:"))
            .collect(),
    }
}

/// Fails if the limit of the key is reached. The error contains the waiting time.
pub(super) async fn check(db: &Db, key: &Key, now_ms: i64) -> Result<(), AccountError> {
    match store::failures(db.pool(), &key.hash, now_ms).await? {
        Some((failures, window_end_ms)) if failures >= key.limit => Err(too_many(now_ms, window_end_ms)),
        _ => Ok(()),
    }
}

/// Counts an attempt before it is made. Fails if it exceeds the limit. A successful attempt resets the count.
pub(super) async fn count_attempt(db: &Db, key: &Key, now_ms: i64) -> Result<(), AccountError> {
    let mut tx = db.write().await?;
    let (attempts, window_end_ms) =
        store::count_failure(&mut tx, &key.hash, now_ms, now_ms + WINDOW_MS).await?;
    if attempts > key.limit {
        // Rolls back: a refused attempt is not counted.
        return Err(too_many(now_ms, window_end_ms));
    }
    Ok(tx.commit().await?)
}

/// Counts a failed attempt.
pub(super) async fn record_failure(db: &Db, key: &Key, now_ms: i64) -> Result<(), AccountError> {
    let mut tx = db.write().await?;
    store::count_failure(&mut tx, &key.hash, now_ms, now_ms + WINDOW_MS).await?;
    Ok(tx.commit().await?)
}

fn too_many(now_ms: i64, window_end_ms: i64) -> AccountError {
    let minutes = u32::try_from((window_end_ms - now_ms).div_euclid(60_000) + 1).unwrap_or(1);
    FieldErrors::one(Field::FORM, FieldError::TooManyAttempts { minutes }).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_prefix_of_64_bits_is_one_network() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
    }

    #[test]
    fn the_table_contains_no_address() {
        let key = [
            Key::sign_in_account(&Email::parse("ada@example.com").unwrap()),
            Key::sign_in_network("192.0.2.7".parse().unwrap()),
        ];
        assert!(
            key.iter()
                .all(|key| key.hash.len() == 64 && !key.hash.contains("ada"))
        );
        assert_ne!(key[0].hash, key[1].hash);
    }
}
