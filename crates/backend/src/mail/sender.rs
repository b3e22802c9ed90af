//! Claims due mails, writes their content, sends them and settles them, in a loop, on any number of servers.
//!
//! No transaction is open while a mail is sent. After a crash the row stays leased. When the lease ends, any sender
//! sends the mail again, with the same message ID and a new link.

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use forms::Email;
use outbox::{MAX_PANICS, PANICKED, Wakeup, catch_panic};
use tokio_util::sync::CancellationToken;
use tracking::UserId;
use url::Url;

use super::store::{self, ClaimedMail, MailSettlement};
use super::{MailContent, MailKind, MailTransport, OutgoingMail, SendError};
use crate::accounts::links::{self, Purpose};
use crate::backoff::wait_ms;
use crate::clock::Clock;
use crate::ids;

/// Attempts before a mail is parked: about 4 hours.
pub const MAX_ATTEMPTS: i64 = 12;

const LEASE_MS: i64 = 3 * 60_000;
/// The poll interval, for due retries and for mails of other servers.
const POLL: Duration = Duration::from_secs(5);
const BASE_MS: i64 = 15_000;
const CAP_MS: i64 = 3_600_000;

/// Sends the queued mails.
pub struct Sender {
    db: Db,
    clock: Clock,
    transport: Arc<dyn MailTransport>,
    site: Url,
    wakeup: Wakeup,
    /// Identifies this sender's leases.
    owner: String,
}

/// The result of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum QueueStep {
    /// No mail was due.
    Empty,
    /// A due mail was settled, or another sender claimed it.
    Processed,
}

impl Sender {
    /// Creates a sender. Links in mails start with `site`; `wakeup` wakes the sender after a commit.
    pub fn new(db: Db, clock: Clock, transport: Arc<dyn MailTransport>, site: Url, wakeup: Wakeup) -> Self {
        Self {
            db,
            clock,
            transport,
            site,
            wakeup,
            owner: ids::row().to_string(),
        }
    }

    /// Runs until `stop`, then finishes the current mail. Database errors are logged and retried.
    pub async fn run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.send_next().await {
                Ok(QueueStep::Processed) => continue,
                Ok(QueueStep::Empty) => {}
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "cannot read the mail queue; retrying"
                    );
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wakeup.wait() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Sends all mails that are due now. Tests call it instead of [`Self::run`].
    pub async fn drain(&self) -> Result<(), sqlx::Error> {
        while self.send_next().await? == QueueStep::Processed {}
        Ok(())
    }

    async fn send_next(&self) -> Result<QueueStep, sqlx::Error> {
        let now_ms = self.clock.now_ms();
        let Some(id) = store::due(self.db.pool(), now_ms).await? else {
            return Ok(QueueStep::Empty);
        };
        let Some(claimed) = store::lease(self.db.pool(), &id, &self.owner, now_ms, now_ms + LEASE_MS).await?
        else {
            return Ok(QueueStep::Processed);
        };
        let settlement = match catch_panic(self.attempt(&claimed)).await {
            Ok(attempted) => attempted?,
            Err(_) => after_panic(&claimed, self.clock.now_ms()),
        };
        match &settlement {
            MailSettlement::Parked(error) => {
                tracing::error!(
                    mail.id = %claimed.id,
                    mail.kind = claimed.kind.as_str(),
                    attempts = claimed.attempts,
                    error,
                    "a mail was parked; it is not sent"
                );
            }
            MailSettlement::Retry { error, .. } => {
                tracing::warn!(
                    mail.id = %claimed.id,
                    mail.kind = claimed.kind.as_str(),
                    attempts = claimed.attempts,
                    error,
                    "a mail was not sent; it will be retried"
                );
            }
            MailSettlement::Sent | MailSettlement::Dropped => {}
        }
        let now_ms = self.clock.now_ms();
        if !store::settle(self.db.pool(), claimed.id, &self.owner, &settlement, now_ms).await? {
            tracing::info!(mail.id = %claimed.id, "a mail was no longer leased to this sender");
        }
        Ok(QueueStep::Processed)
    }

    /// Writes the mail and sends it.
    async fn attempt(&self, claimed: &ClaimedMail) -> Result<MailSettlement, sqlx::Error> {
        let Some(mail) = self.compose(claimed).await? else {
            return Ok(MailSettlement::Dropped);
        };
        let sent = self.transport.send(&mail).await;
        Ok(settlement(sent, claimed, self.clock.now_ms()))
    }

    /// Writes the mail; `None` if it is no longer needed.
    async fn compose(&self, claimed: &ClaimedMail) -> Result<Option<OutgoingMail>, sqlx::Error> {
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
            // The account was deleted.
            (MailKind::VerifyEmail | MailKind::ChangeEmail, None) => None,
        };
        Ok(content.map(|content| outgoing(claimed, claimed.recipient.clone(), content)))
    }

    async fn verify_email(&self, user: UserId, recipient: &str) -> Result<Option<MailContent>, sqlx::Error> {
        let mut tx = self.db.write().await?;
        if !store::is_unverified(&mut tx, user, &key(recipient)).await? {
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
        claimed: &ClaimedMail,
        user: UserId,
    ) -> Result<Option<MailContent>, sqlx::Error> {
        let mut tx = self.db.write().await?;
        if !store::is_pending(&mut tx, claimed.id).await? {
            return Ok(None);
        }
        match store::account_of(&mut tx, &key(&claimed.recipient)).await? {
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
    async fn reset_password(&self, claimed: &ClaimedMail) -> Result<Option<OutgoingMail>, sqlx::Error> {
        let mut tx = self.db.write().await?;
        let Some((user, email)) = store::account_of(&mut tx, &key(&claimed.recipient)).await? else {
            return Ok(None);
        };
        let url = self.link(&mut tx, user, Purpose::ResetPassword, &email).await?;
        tx.commit().await?;
        Ok(Some(outgoing(claimed, email, MailContent::reset_password(url))))
    }

    async fn link(
        &self,
        connection: &mut db::Connection,
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

fn outgoing(claimed: &ClaimedMail, recipient: String, content: MailContent) -> OutgoingMail {
    OutgoingMail {
        id: claimed.id,
        recipient,
        content,
    }
}

/// The key by which an account is found; empty for an invalid address.
fn key(address: &str) -> String {
    Email::parse(address).map(|email| email.key()).unwrap_or_default()
}

/// The settlement after an attempt.
fn settlement(outcome: Result<(), SendError>, claimed: &ClaimedMail, now_ms: i64) -> MailSettlement {
    match outcome {
        Ok(()) => MailSettlement::Sent,
        Err(SendError::Permanent(error)) => MailSettlement::Parked(error),
        Err(SendError::Temporary(error)) if claimed.attempts >= MAX_ATTEMPTS => MailSettlement::Parked(error),
        Err(SendError::Temporary(error)) => MailSettlement::Retry {
            at_ms: now_ms + wait_ms(BASE_MS, CAP_MS, claimed.attempts),
            panics: claimed.panics,
            error,
        },
    }
}

/// The settlement after an attempt that panicked.
fn after_panic(claimed: &ClaimedMail, now_ms: i64) -> MailSettlement {
    let panics = claimed.panics + 1;
    if panics >= MAX_PANICS {
        return MailSettlement::Parked(PANICKED.to_owned());
    }
    MailSettlement::Retry {
        at_ms: now_ms + wait_ms(BASE_MS, CAP_MS, claimed.attempts),
        panics,
        error: PANICKED.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;

    fn claimed(attempts: i64, panics: i64) -> ClaimedMail {
        ClaimedMail {
            id: uuid::Uuid::nil(),
            kind: MailKind::VerifyEmail,
            user: None,
            recipient: "ada@example.com".to_owned(),
            detail: String::new(),
            attempts,
            panics,
        }
    }

    #[test]
    fn the_third_panic_parks_a_mail() {
        for (earlier, expected) in [(0, Some(1)), (1, Some(2)), (2, None)] {
            let panics = match after_panic(&claimed(4, earlier), NOW) {
                MailSettlement::Retry { panics, .. } => Some(panics),
                MailSettlement::Parked(reason) => {
                    assert_eq!(reason, "panicked");
                    None
                }
                MailSettlement::Sent | MailSettlement::Dropped => panic!("{earlier}"),
            };
            assert_eq!(panics, expected, "{earlier}");
        }
    }

    #[test]
    fn settlement_after_each_outcome() {
        let temporary = || Err(SendError::Temporary("busy".to_owned()));
        #[rustfmt::skip]
        let table = [
            // outcome,                                 attempts,         state,     retried in
            (Ok(()),                                    1,                "sent",    None),
            (Err(SendError::Permanent("unknown".to_owned())),  1,                "parked",  None),
            (temporary(),                                   1,                "pending", Some(15_000)),
            (temporary(),                                   3,                "pending", Some(60_000)),
            (temporary(),                                   MAX_ATTEMPTS - 1, "pending", Some(CAP_MS)),
            (temporary(),                                   MAX_ATTEMPTS,     "parked",  None),
        ];
        for (outcome, attempts, state, retried_in) in table {
            let (found, at_ms) = match settlement(outcome.clone(), &claimed(attempts, 0), NOW) {
                MailSettlement::Sent => ("sent", None),
                MailSettlement::Dropped => ("dropped", None),
                MailSettlement::Parked(_) => ("parked", None),
                MailSettlement::Retry { at_ms, .. } => ("pending", Some(at_ms - NOW)),
            };
            assert_eq!(
                (found, at_ms),
                (state, retried_in),
                "{outcome:?} after {attempts}"
            );
        }
    }
}
