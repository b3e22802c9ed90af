//! Counts failures per account and per network address, in the database, so that every app server sees the same count.

use std::net::IpAddr;

use db::Db;
use forms::{Email, Field, FieldError, FieldErrors};
use sha2::{Digest, Sha256};

use super::{AccountError, store};
use crate::hex;

const WINDOW_MS: i64 = 15 * 60_000;

/// What is counted. Stored as a hash: the table names nobody.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) hash: String,
    limit: i64,
}

impl Key {
    /// One account can be guessed at 10 times.
    pub(super) fn guesses_at(email: &Email) -> Self {
        Self::new("sign-in account", &email.key(), 10)
    }

    /// One address may be wrong 50 times: an office shares one.
    pub(super) fn guesses_from(address: IpAddr) -> Self {
        Self::new("sign-in address", &network(address), 50)
    }

    /// How often one address may hear "this address is taken".
    pub(super) fn taken_answers(address: IpAddr) -> Self {
        Self::new("sign-up taken", &network(address), 20)
    }

    /// How many mails one address may be sent on somebody's demand.
    pub(super) fn mails_to(email: &Email) -> Self {
        Self::new("mail to", &email.key(), 5)
    }

    /// How many mails may be demanded from one network address.
    pub(super) fn mails_from(address: IpAddr) -> Self {
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

/// One person has a whole /64 of IPv6.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => v6.segments()[..4]
            .iter()
            .map(|part| format!("{part:x}:"))
            .collect(),
    }
}

/// Answers with the time to wait when the key is used up.
pub(super) async fn refuse_if_over(db: &Db, key: &Key, now_ms: i64) -> Result<(), AccountError> {
    match store::failures(db.pool(), &key.hash, now_ms).await? {
        Some((failures, window_end)) if failures >= key.limit => Err(too_many(now_ms, window_end)),
        _ => Ok(()),
    }
}

/// Counts an attempt before it is made, and refuses it when it is one too many. A success forgets the count.
pub(super) async fn enter(db: &Db, key: &Key, now_ms: i64) -> Result<(), AccountError> {
    let mut tx = db.write().await?;
    let (attempts, window_end) = store::count_failure(&mut tx, &key.hash, now_ms, now_ms + WINDOW_MS).await?;
    if attempts > key.limit {
        // Rolled back: what is refused is not counted.
        return Err(too_many(now_ms, window_end));
    }
    Ok(tx.commit().await?)
}

/// Notes a failure.
pub(super) async fn count(db: &Db, key: &Key, now_ms: i64) -> Result<(), AccountError> {
    let mut tx = db.write().await?;
    store::count_failure(&mut tx, &key.hash, now_ms, now_ms + WINDOW_MS).await?;
    Ok(tx.commit().await?)
}

fn too_many(now_ms: i64, window_end: i64) -> AccountError {
    let minutes = u32::try_from((window_end - now_ms).div_euclid(60_000) + 1).unwrap_or(1);
    FieldErrors::one(Field::FORM, FieldError::TooManyAttempts { minutes }).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_of_ipv6_is_one_address() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
    }

    #[test]
    fn the_table_names_nobody() {
        let key = [
            Key::guesses_at(&Email::parse("ada@example.com").unwrap()),
            Key::guesses_from("192.0.2.7".parse().unwrap()),
        ];
        assert!(
            key.iter()
                .all(|key| key.hash.len() == 64 && !key.hash.contains("ada"))
        );
        assert_ne!(key[0].hash, key[1].hash);
    }
}
