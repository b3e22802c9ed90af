//! Mails: a durable queue, and what they say.
//!
//! A verb calls [`enqueue`] inside its transaction: a row says what is to be told to whom. A [`Sender`] claims it under a
//! lease, writes the letter, and hands it to a [`Carrier`]: SMTP, or the mailbox of local mode. Only then is the secret
//! of a link made, so it is in no table but as a hash, and whether an address has an account is looked up when nobody
//! waits for the answer any more. What is settled forgets its addresses.
//!
//! No log says an address, a secret, or what an SMTP server answered, which often repeats the address.

mod carrier;
mod letter;
mod mailbox;
mod sender;
pub mod settings;
mod smtp;
mod store;

pub use carrier::{Carrier, Outgoing, Refusal};
pub use letter::{Action, Letter};
pub use mailbox::{KeptMail, Mailbox};
pub use sender::{MAX_ATTEMPTS, Sender};
pub use smtp::{Smtp, SmtpError};

use db::{Connection, Db};
use tracking::UserId;

use crate::ids;

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A link that proves the address.
    VerifyEmail,
    /// A link that proves a new address and makes it the account's.
    ChangeEmail,
    /// To the present address: somebody wants to change it. The detail is the new one.
    ChangeEmailNotice,
    /// To the address before: it is no longer the account's. The detail is the new one.
    EmailChanged,
    /// A link that sets a new password; nothing where the address has no account.
    ResetPassword,
    /// The password is another one now. The detail is the browser in words.
    PasswordChanged,
    /// The account is being deleted.
    AccountDeleted,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::VerifyEmail,
        Self::ChangeEmail,
        Self::ChangeEmailNotice,
        Self::EmailChanged,
        Self::ResetPassword,
        Self::PasswordChanged,
        Self::AccountDeleted,
    ];

    /// As it stands in the table, and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ChangeEmail => "change_email",
            Self::ChangeEmailNotice => "change_email_notice",
            Self::EmailChanged => "email_changed",
            Self::ResetPassword => "reset_password",
            Self::PasswordChanged => "password_changed",
            Self::AccountDeleted => "account_deleted",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Writes a mail on the caller's transaction; it leaves once that is committed. `user`: whose account it is about; `None`
/// for an address that somebody typed, and for an account that is about to go.
pub(crate) async fn enqueue(
    connection: &mut Connection,
    kind: Kind,
    user: Option<UserId>,
    recipient: &str,
    detail: Option<&str>,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let mail = store::NewMail {
        id: ids::row(),
        kind,
        user,
        recipient,
        detail,
    };
    store::insert(connection, &mail, now_ms).await
}

/// Takes a mail back that has not left.
pub(crate) async fn withdraw(
    connection: &mut Connection,
    user: UserId,
    kind: Kind,
) -> Result<(), sqlx::Error> {
    store::withdraw(connection, user, kind).await
}

/// Forgets the mails to a person that have not left.
pub(crate) async fn drop_unsent(connection: &mut Connection, user: UserId) -> Result<(), sqlx::Error> {
    store::drop_unsent(connection, user).await
}

const DAY_MS: i64 = 24 * 3_600_000;
/// How long it is known that a mail was sent, or why it was not.
const KEEP_MS: i64 = 30 * DAY_MS;

/// Removes mails that were settled long ago.
pub(crate) async fn clean_up(db: &Db, now_ms: i64) -> Result<(), sqlx::Error> {
    store::delete_settled(db.pool(), now_ms - KEEP_MS).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_they_are_written() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(Kind::parse("advertisement"), None);
    }
}
