//! Mails: a durable queue, the content, and the transport.
//!
//! A domain action calls [`enqueue`] inside its transaction, which writes a row with the kind and the recipient. A
//! [`Sender`] claims the row under a lease, writes the content, and passes it to a [`MailTransport`]: SMTP, or the
//! mailbox of local mode. The sender also creates the secret of a link, so that tables store only its hash. It looks up
//! whether an address has an account outside the request, so that response times do not reveal it. Settling a mail
//! erases its addresses.
//!
//! Logs contain no address, no secret, and no text of an SMTP server, which often repeats the address.

mod content;
mod mailbox;
mod sender;
mod smtp;
mod store;
mod transport;

pub use content::{CallToAction, MailContent};
pub use mailbox::{Mailbox, StoredMail};
pub use sender::{MAX_ATTEMPTS, Sender};
pub use smtp::{SmtpError, SmtpTransport};
pub use transport::{MailTransport, OutgoingMail, SendError};

use db::{Connection, Db, Engine, Statement};
use queue::QueueCounts;
use tracking::UserId;

use crate::ids;

/// The kind of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailKind {
    /// A link that confirms the address.
    VerifyEmail,
    /// A link that confirms a new address and makes it the account's.
    ChangeEmail,
    /// To the current address: a change was requested. The detail is the new address.
    ChangeEmailNotice,
    /// To the previous address: it was changed. The detail is the new address.
    EmailChanged,
    /// A link that sets a new password. Dropped if the address has no account.
    ResetPassword,
    /// The password was changed. The detail is the name of the browser.
    PasswordChanged,
    /// The account is being deleted.
    AccountDeleted,
    /// A trial ends soon, and a card will be charged. The detail is the date.
    TrialEnding,
    /// A trial ends soon, and there is no card. The detail is the date.
    TrialEndingWithoutCard,
    /// A payment failed. The detail is the amount.
    PaymentFailed,
}

impl MailKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::VerifyEmail,
        Self::ChangeEmail,
        Self::ChangeEmailNotice,
        Self::EmailChanged,
        Self::ResetPassword,
        Self::PasswordChanged,
        Self::AccountDeleted,
        Self::TrialEnding,
        Self::TrialEndingWithoutCard,
        Self::PaymentFailed,
    ];

    /// The name in the table and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ChangeEmail => "change_email",
            Self::ChangeEmailNotice => "change_email_notice",
            Self::EmailChanged => "email_changed",
            Self::ResetPassword => "reset_password",
            Self::PasswordChanged => "password_changed",
            Self::AccountDeleted => "account_deleted",
            Self::TrialEnding => "trial_ending",
            Self::TrialEndingWithoutCard => "trial_ending_without_card",
            Self::PaymentFailed => "payment_failed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Returns the statements that write a mail in the caller's transaction. It is sent after the commit. `user` is the account
/// that the mail is about; `None` for a password reset, whose address may have no account, and for an account that is being
/// deleted.
pub(crate) fn insert_statements(
    engine: Engine,
    kind: MailKind,
    user: Option<UserId>,
    recipient: &str,
    detail: Option<&str>,
    now_ms: i64,
) -> [Statement; 2] {
    let mail = store::NewMail {
        id: ids::row(),
        kind,
        user,
        recipient,
        detail,
    };
    store::insert_statements(engine, &mail, now_ms)
}

/// Executes [`insert_statements`].
pub(crate) async fn enqueue(
    connection: &mut Connection,
    kind: MailKind,
    user: Option<UserId>,
    recipient: &str,
    detail: Option<&str>,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let engine = db::engine_of(connection);
    let statements = insert_statements(engine, kind, user, recipient, detail, now_ms);
    db::execute_together(connection, statements).await?;
    Ok(())
}

/// Writes a mail to the account's address in the caller's transaction, once for each `fact`: a later call for the same fact
/// writes nothing. Nothing is written to an address that is not confirmed, which may be another person's. Calls for one fact
/// must not run at the same time.
pub(crate) async fn enqueue_once(
    connection: &mut Connection,
    kind: MailKind,
    user: UserId,
    fact: &str,
    detail: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let id = ids::of_fact(fact);
    if store::exists(connection, id).await? {
        return Ok(());
    }
    let Some(recipient) = store::confirmed_address(connection, user).await? else {
        return Ok(());
    };
    let mail = store::NewMail {
        id,
        kind,
        user: Some(user),
        recipient: &recipient,
        detail: Some(detail),
    };
    let statements = store::insert_statements(db::engine_of(connection), &mail, now_ms);
    db::execute_together(connection, statements).await?;
    Ok(())
}

/// Deletes the user's unsent mails of this kind.
pub(crate) async fn withdraw(
    connection: &mut Connection,
    user: UserId,
    kind: MailKind,
) -> Result<(), sqlx::Error> {
    store::withdraw(connection, user, kind).await
}

/// The number of mails that are not sent.
pub async fn counts(db: &Db) -> Result<QueueCounts, sqlx::Error> {
    store::MAILS.counts(db).await
}

/// Deletes the user's unsent mails.
pub(crate) async fn delete_unsent(connection: &mut Connection, user: UserId) -> Result<(), sqlx::Error> {
    store::delete_unsent(connection, user).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_round_trip() {
        for kind in MailKind::ALL {
            assert_eq!(MailKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(MailKind::parse("advertisement"), None);
    }
}
