//! Writes and sends the mails of the queue, on any number of servers.
//!
//! No transaction is open while a mail is sent. After a crash, any sender sends the mail again when the lease ends, with
//! the same message ID and a new link.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use db::{Connection, Db};
use forms::Email;
use queue::{
    AttemptError, JobFailure, JobHandler, JobPolicy, JobWorker, NextRowState, QueuedRow, RetrySchedule,
    Wakeup,
};
use sqlx::any::AnyRow;
use tokio_util::sync::CancellationToken;
use tracking::UserId;
use url::Url;

use super::store::{self, QueuedMail};
use super::{MailContent, MailKind, MailTransport, OutgoingMail, SendError};
use crate::accounts::links::{self, Purpose};
use crate::clock::Clock;

/// Attempts before a mail is parked: about 4 hours.
pub const MAX_ATTEMPTS: i64 = 12;

const POLICY: JobPolicy = JobPolicy {
    schedule: RetrySchedule {
        base_ms: 15_000,
        cap_ms: 3_600_000,
    },
    max_refusals: MAX_ATTEMPTS,
};
const LEASE: Duration = Duration::from_secs(3 * 60);
/// The poll interval, for due retries and for mails of other servers.
const POLL: Duration = Duration::from_secs(5);

/// Sends the queued mails.
pub struct Sender {
    worker: JobWorker<Mailer>,
    wakeup: Wakeup,
}

impl Sender {
    /// Creates a sender. Links in mails start with `site`; `wakeup` wakes the sender after a commit.
    pub fn new(db: Db, clock: Clock, transport: Arc<dyn MailTransport>, site: Url, wakeup: Wakeup) -> Self {
        let mailer = Mailer {
            db: db.clone(),
            clock: clock.clone(),
            transport,
            site,
        };
        Self {
            worker: JobWorker::new(db, store::MAILS, mailer, clock.into_millis(), POLICY, LEASE),
            wakeup,
        }
    }

    /// Calls `observer` after each attempt with the mail's kind and the next state of its row: done is `sent` or `dropped`.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Fn(MailKind, &NextRowState) + Send + Sync + 'static) -> Self {
        self.worker = self
            .worker
            .observed_by(move |mail, next| observer(mail.kind, next));
        self
    }

    /// Runs until `stop`, then finishes the current mail. Database errors are logged and retried.
    pub async fn run(&self, stop: CancellationToken) {
        self.worker.run(&self.wakeup, POLL, &stop).await;
    }

    /// Sends all mails that are due now. Tests call it instead of [`Self::run`].
    pub async fn drain(&self) -> Result<(), sqlx::Error> {
        self.worker.drain().await
    }
}

/// Writes a mail and passes it to the transport.
struct Mailer {
    db: Db,
    clock: Clock,
    transport: Arc<dyn MailTransport>,
    site: Url,
}

#[async_trait]
impl JobHandler for Mailer {
    type Job = QueuedMail;
    type Success = &'static str;

    fn read(row: &AnyRow) -> Result<QueuedMail, sqlx::Error> {
        store::read(row)
    }

    async fn attempt(&self, _lane: &str, row: &QueuedRow<QueuedMail>) -> Result<&'static str, AttemptError> {
        let Some(mail) = self.compose(&row.job).await? else {
            return Ok("dropped");
        };
        let sent = self.transport.send(&mail).await;
        Ok(sent.map(|()| "sent").map_err(JobFailure::from)?)
    }

    async fn complete(
        &self,
        _connection: &mut Connection,
        _lane: &str,
        _row: &QueuedRow<QueuedMail>,
        state: &&'static str,
    ) -> Result<NextRowState, sqlx::Error> {
        Ok(NextRowState::Done(state))
    }
}

impl Mailer {
    /// Writes the mail; `None` if it is no longer needed.
    async fn compose(&self, claimed: &QueuedMail) -> Result<Option<OutgoingMail>, sqlx::Error> {
        let content = match (claimed.kind, claimed.user) {
            (MailKind::VerifyEmail, Some(user)) => self.verify_email(user, &claimed.recipient).await?,
            (MailKind::ChangeEmail, Some(user)) => self.change_email(claimed, user).await?,
            (MailKind::ResetPassword, _) => return self.reset_password(claimed).await,
            (MailKind::ChangeEmailNotice, _) => Some(MailContent::change_email_notice(&claimed.detail)),
            (MailKind::EmailChanged, _) => Some(MailContent::email_changed(&claimed.detail)),
            (MailKind::PasswordChanged, _) => {
                Some(MailContent::password_changed(&claimed.detail, self.url("forgot")))
            }
            (MailKind::AccountDeleted, _) => Some(MailContent::account_deleted()),
            (MailKind::TrialEnding, _) => {
                Some(MailContent::trial_ending(&claimed.detail, self.url("billing")))
            }
            (MailKind::TrialEndingWithoutCard, _) => Some(MailContent::trial_ending_without_card(
                &claimed.detail,
                self.url("billing"),
            )),
            (MailKind::PaymentFailed, _) => {
                Some(MailContent::payment_failed(&claimed.detail, self.url("billing")))
            }
            // The account was deleted.
            (MailKind::VerifyEmail | MailKind::ChangeEmail, None) => None,
        };
        Ok(content.map(|content| outgoing(claimed, claimed.recipient.clone(), content)))
    }

    async fn verify_email(&self, user: UserId, recipient: &str) -> Result<Option<MailContent>, sqlx::Error> {
        let mut tx = self.db.write().await?;
        if !store::is_unverified(&mut tx, user, &keys(recipient)).await? {
            return Ok(None);
        }
        let url = self.link(&mut tx, user, Purpose::VerifyEmail, recipient).await?;
        tx.commit().await?;
        Ok(Some(MailContent::verify_email(url)))
    }

    /// The response to the request does not reveal whether the new address has an account. The mail to that address
    /// does.
    async fn change_email(
        &self,
        claimed: &QueuedMail,
        user: UserId,
    ) -> Result<Option<MailContent>, sqlx::Error> {
        let mut tx = self.db.write().await?;
        if !store::is_pending(&mut tx, claimed.id).await? {
            return Ok(None);
        }
        match store::account_of(&mut tx, &keys(&claimed.recipient)).await? {
            Some((other, _)) if other != user => return Ok(Some(MailContent::email_in_use())),
            _ => {}
        }
        let url = self
            .link(&mut tx, user, Purpose::ChangeEmail, &claimed.recipient)
            .await?;
        tx.commit().await?;
        Ok(Some(MailContent::change_email(url)))
    }

    /// Sends to the account's stored address, not to the address that was typed.
    async fn reset_password(&self, claimed: &QueuedMail) -> Result<Option<OutgoingMail>, sqlx::Error> {
        let mut tx = self.db.write().await?;
        let Some((user, email)) = store::account_of(&mut tx, &keys(&claimed.recipient)).await? else {
            return Ok(None);
        };
        let url = self.link(&mut tx, user, Purpose::ResetPassword, &email).await?;
        tx.commit().await?;
        Ok(Some(outgoing(claimed, email, MailContent::reset_password(url))))
    }

    async fn link(
        &self,
        connection: &mut Connection,
        user: UserId,
        purpose: Purpose,
        email: &str,
    ) -> Result<String, sqlx::Error> {
        let secret = links::create(connection, user, purpose, email, self.clock.now_ms()).await?;
        Ok(self.url(&format!("{}/{}", purpose.page(), secret.expose())))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.site.as_str().trim_end_matches('/'))
    }
}

fn outgoing(claimed: &QueuedMail, recipient: String, content: MailContent) -> OutgoingMail {
    OutgoingMail {
        id: claimed.id,
        recipient,
        content,
    }
}

/// The keys by which an account is found; empty for an invalid address.
fn keys(address: &str) -> [String; 3] {
    Email::parse_known(address)
        .map(|email| email.keys().clone())
        .unwrap_or_default()
}

impl From<SendError> for JobFailure {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Permanent(error) => Self::Permanent(error),
            SendError::Temporary(error) => Self::Refused(error),
        }
    }
}
