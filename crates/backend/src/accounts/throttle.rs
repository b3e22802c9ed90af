//! Counts failures per account and per network address, in the database, so that every app server sees the same count.

use std::net::IpAddr;

use db::Db;
use forms::{Email, Faults, Field, Problem};
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
    /// One account can be guessed at 10 times, one address may fail 50 times: an office shares one.
    pub(super) fn sign_in(email: &Email, address: IpAddr) -> [Self; 2] {
        [
            Self::new("sign-in account", &email.key(), 10),
            Self::new("sign-in address", &network(address), 50),
        ]
    }

    /// How often one address may hear "this address is taken".
    pub(super) fn taken_answers(address: IpAddr) -> Self {
        Self::new("sign-up taken", &network(address), 20)
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

/// Answers with the time to wait when any of the keys is used up.
pub(super) async fn refuse_if_over(db: &Db, keys: &[Key], now_ms: i64) -> Result<(), AccountError> {
    for key in keys {
        let Some((failures, window_end)) = store::failures(db.pool(), &key.hash, now_ms).await? else {
            continue;
        };
        if failures >= key.limit {
            let minutes = u32::try_from((window_end - now_ms).div_euclid(60_000) + 1).unwrap_or(1);
            return Err(Faults::one(Field::Form, Problem::TooManyAttempts { minutes }).into());
        }
    }
    Ok(())
}

/// Notes a failure under each key.
pub(super) async fn count(db: &Db, keys: &[Key], now_ms: i64) -> Result<(), AccountError> {
    let mut tx = db.write().await?;
    for key in keys {
        store::count_failure(&mut tx, &key.hash, now_ms, now_ms + WINDOW_MS).await?;
    }
    Ok(tx.commit().await?)
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
        let key = Key::sign_in(
            &Email::parse("ada@example.com").unwrap(),
            "192.0.2.7".parse().unwrap(),
        );
        assert!(
            key.iter()
                .all(|key| key.hash.len() == 64 && !key.hash.contains("ada"))
        );
        assert_ne!(key[0].hash, key[1].hash);
    }
}
