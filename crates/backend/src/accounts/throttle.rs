//! Limits of password checks, sign-ups and requested mails. An attempt is counted before it is made, so that concurrent
//! attempts cannot exceed a limit; a successful one is refunded. The counts are in the database, so that all app servers
//! share them. Limits of other requests are in [`crate::limits`].

use forms::{Email, Field, FieldError, FieldErrors};
use sha2::{Digest, Sha256};

use super::{AccountError, Accounts, Login, store};
use crate::visitor::Visitor;
use crate::{NetworkKey, hex};

const WINDOW_MS: i64 = 15 * 60_000;

/// Password checks of one account by one network.
const ACCOUNT_AND_NETWORK_MAX: i64 = 10;
/// Password checks of one account: by all unknown browsers together, and again by all known ones together. It is far above what its user needs, and
/// stops guesses from many networks.
const ACCOUNT_MAX: i64 = 100;
/// Failed password checks by one network. An office shares one network.
const NETWORK_MAX: i64 = 50;
/// Sign-ups by one network, including those for addresses that have an account.
const SIGN_UPS_MAX: i64 = 20;
/// Sign-ups with one address. Each sends a mail to it.
const SIGN_UPS_OF_ADDRESS_MAX: i64 = 5;
/// Changes of one account's password or address. Each sends a notice to its address.
const ACCOUNT_CHANGES_MAX: i64 = 5;
/// Requested mails to one recipient.
const MAILS_TO_RECIPIENT_MAX: i64 = 5;
/// Requested mails by one network.
const MAILS_BY_NETWORK_MAX: i64 = 50;

/// The subject of a limit. The table stores its hash, so it contains no address.
#[derive(Clone, Debug)]
pub(super) struct Key {
    hash: String,
    limit: i64,
}

impl Key {
    fn new(kind: &str, of: &str, limit: i64) -> Self {
        let digest = Sha256::new()
            .chain_update(kind)
            .chain_update([0])
            .chain_update(of)
            .finalize();
        Self {
            hash: hex::encode(&digest),
            limit,
        }
    }
}

/// The keys that a password check is counted under.
#[derive(Clone, Debug)]
pub(super) struct PasswordCheck {
    account_and_network: Key,
    others: Vec<Key>,
}

impl PasswordCheck {
    /// After a correct password: takes the attempt back, and forgets the earlier failures of this network for this account.
    pub(super) async fn refund(&self, connection: &mut db::Connection) -> Result<(), sqlx::Error> {
        for key in &self.others {
            store::refund_attempt(connection, &key.hash).await?;
        }
        self.forget_failures(connection).await
    }

    /// Forgets the failures of this network for this account. A new password makes them meaningless.
    pub(super) async fn forget_failures(&self, connection: &mut db::Connection) -> Result<(), sqlx::Error> {
        store::delete_throttle(connection, &self.account_and_network.hash).await
    }
}

impl Accounts {
    /// The keys of a password check of the account with this address. In a browser that has signed in to the account
    /// before (`is_known`) other browsers' attempts do not count, so no other person can lock the user out.
    pub(super) fn password_check(&self, email: &Email, visitor: &Visitor, is_known: bool) -> PasswordCheck {
        let (account, network) = (email.key(), NetworkKey::of(visitor.address).to_string());
        let both = format!("{account}\0{network}");
        // Known browsers have a count of their own: a copied cookie is no way around the limit.
        let of_account = if is_known {
            "password of account by known browsers"
        } else {
            "password of account"
        };
        let others = vec![
            self.network_key("password by network", &network, NETWORK_MAX),
            Key::new(of_account, &account, ACCOUNT_MAX),
        ];
        PasswordCheck {
            account_and_network: Key::new("password of account by network", &both, ACCOUNT_AND_NETWORK_MAX),
            others,
        }
    }

    /// Counts a password check. Fails if it exceeds a limit.
    pub(super) async fn count_password_check(&self, check: &PasswordCheck) -> Result<(), AccountError> {
        let mut keys = check.others.clone();
        keys.push(check.account_and_network.clone());
        self.count_attempt(&keys).await
    }

    /// Counts a sign-up. Fails if it exceeds a limit. Sign-ups are never refunded.
    pub(super) async fn count_sign_up(&self, email: &Email, visitor: &Visitor) -> Result<(), AccountError> {
        let network = NetworkKey::of(visitor.address).to_string();
        self.count_attempt(&[
            self.network_key("sign-up by network", &network, SIGN_UPS_MAX),
            Key::new("sign-up of address", &email.key(), SIGN_UPS_OF_ADDRESS_MAX),
        ])
        .await
    }

    /// Counts a change of password or address. Fails if it exceeds the limit. It is never refunded.
    pub(super) async fn count_account_change(&self, login: &Login) -> Result<(), AccountError> {
        let account = login.user.id.to_string();
        self.count_attempt(&[Key::new("change of account", &account, ACCOUNT_CHANGES_MAX)])
            .await
    }

    /// Counts a requested mail. Fails if it exceeds a limit. The typed address is counted, whether it has an account or
    /// not, so that the limit does not reveal accounts.
    pub(super) async fn count_mail(&self, to: &Email, visitor: &Visitor) -> Result<(), AccountError> {
        let network = NetworkKey::of(visitor.address).to_string();
        self.count_attempt(&[
            self.network_key("mail by network", &network, MAILS_BY_NETWORK_MAX),
            Key::new("mail to recipient", &to.key(), MAILS_TO_RECIPIENT_MAX),
        ])
        .await
    }

    fn network_key(&self, kind: &str, network: &str, limit: i64) -> Key {
        Key::new(kind, network, limit * i64::from(self.limit_factor))
    }

    /// Counts an attempt under all keys, in the order of `keys`. If a limit is exceeded, it is counted under none, and the
    /// error contains the waiting time.
    async fn count_attempt(&self, keys: &[Key]) -> Result<(), AccountError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        for key in keys {
            let (attempts, window_end_ms) =
                store::count_attempt(&mut tx, &key.hash, now_ms, now_ms + WINDOW_MS).await?;
            if attempts > key.limit {
                return Err(too_many(now_ms, window_end_ms));
            }
        }
        Ok(tx.commit().await?)
    }
}

fn too_many(now_ms: i64, window_end_ms: i64) -> AccountError {
    let minutes = u32::try_from((window_end_ms - now_ms).div_euclid(60_000) + 1).unwrap_or(1);
    FieldErrors::one(Field::FORM, FieldError::TooManyAttempts { minutes }).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_contains_no_address() {
        let keys = [
            Key::new("password of account", "ada@example.com", 1),
            Key::new("password by network", "192.0.2.7", 1),
        ];
        assert!(
            keys.iter()
                .all(|key| key.hash.len() == 64 && !key.hash.contains("ada"))
        );
        assert_ne!(keys[0].hash, keys[1].hash);
    }
}
