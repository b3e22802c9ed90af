//! Claims what is due, writes the letter, hands it on, settles; again and again, on any number of servers.
//!
//! No transaction is open while the carrier works. A crash leaves the row leased: when the lease runs out, any sender
//! sends it again, under the same message ID and with a new link.

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use forms::{Email};
use outbox::Nudge;
use tokio_util::sync::CancellationToken;
use tracking::UserId;
use url::Url;

use super::store::{self, Claimed, Settlement};
use super::{Carrier, Kind, Letter, Outgoing, Refusal};
use crate::accounts::links::{self, Purpose};
use crate::backoff::wait_ms;
use crate::clock::Clock;
use crate::ids;

/// Attempts before a mail is parked: about 4 hours.
pub const MAX_ATTEMPTS: i64 = 12;

const LEASE_MS: i64 = 3 * 60_000;
/// For retries that came due, and for what other servers wrote.
const POLL: Duration = Duration::from_secs(5);
const BASE_MS: i64 = 15_000;
const CAP_MS: i64 = 3_600_000;

/// Sends the queue.
pub struct Sender {
    db: Db,
    clock: Clock,
    carrier: Arc<dyn Carrier>,
    base: Url,
    nudge: Nudge,
    /// Names our leases.
    owner: String,
}

/// What became of one look into the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// Nothing was due.
    Idle,
    /// Something was, and was settled or taken by somebody else.
    Worked,
}

impl Sender {
    /// `base`: where the links lead; `nudge`: what verbs wake after their commit.
    pub fn new(db: Db, clock: Clock, carrier: Arc<dyn Carrier>, base: Url, nudge: Nudge) -> Self {
        Self {
            db,
            clock,
            carrier,
            base,
            nudge,
            owner: ids::row().to_string(),
        }
    }

    /// Works until `stop`, then finishes the mail in hand. An error ends one round, not the loop.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.send_next().await {
                Ok(Round::Worked) => continue,
                Ok(Round::Idle) => {}
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the mails cannot be read; trying again"
                    );
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.nudge.woken() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Sends everything that is due by the clock now. What a test calls in place of [`Self::run`].
    pub async fn drain(&self) -> Result<(), sqlx::Error> {
        while self.send_next().await? == Round::Worked {}
        Ok(())
    }

    async fn send_next(&self) -> Result<Round, sqlx::Error> {
        let now_ms = self.clock.now_ms();
        let Some(id) = store::due(self.db.pool(), now_ms).await? else {
            return Ok(Round::Idle);
        };
        let Some(claimed) = store::lease(self.db.pool(), &id, &self.owner, now_ms, now_ms + LEASE_MS).await?
        else {
            return Ok(Round::Worked);
        };
        let settlement = match self.write(&claimed).await? {
            None => Settlement::Dropped,
            Some(mail) => settlement(
                self.carrier.carry(&mail).await,
                claimed.attempts,
                self.clock.now_ms(),
            ),
        };
        match &settlement {
            Settlement::Parked(error) => {
                tracing::error!(
                    mail.id = %claimed.id,
                    mail.kind = claimed.kind.as_str(),
                    attempts = claimed.attempts,
                    error,
                    "a mail was given up"
                );
            }
            Settlement::Again { error, .. } => {
                tracing::warn!(
                    mail.id = %claimed.id,
                    mail.kind = claimed.kind.as_str(),
                    attempts = claimed.attempts,
                    error,
                    "a mail did not leave; it will be tried again"
                );
            }
            Settlement::Sent | Settlement::Dropped => {}
        }
        let now_ms = self.clock.now_ms();
        if !store::settle(self.db.pool(), claimed.id, &self.owner, &settlement, now_ms).await? {
            tracing::info!(mail.id = %claimed.id, "a mail was no longer ours to settle");
        }
        Ok(Round::Worked)
    }

    /// The mail in full; `None` where there is nobody to tell, or nothing any more.
    async fn write(&self, claimed: &Claimed) -> Result<Option<Outgoing>, sqlx::Error> {
        let letter = match (claimed.kind, claimed.user) {
            (Kind::VerifyEmail, Some(user)) => self.verify_email(user, &claimed.recipient).await?,
            (Kind::ChangeEmail, Some(user)) => self.change_email(claimed, user).await?,
            (Kind::ResetPassword, _) => return self.reset_password(claimed).await,
            (Kind::ChangeEmailNotice, _) => Some(Letter::change_email_notice(&claimed.detail)),
            (Kind::EmailChanged, _) => Some(Letter::email_changed(&claimed.detail)),
            (Kind::PasswordChanged, _) => Some(Letter::password_changed(&claimed.detail, self.url("forgot"))),
            (Kind::AccountDeleted, _) => Some(Letter::account_deleted()),
            // Their account is gone.
            (Kind::VerifyEmail | Kind::ChangeEmail, None) => None,
        };
        Ok(letter.map(|letter| outgoing(claimed, claimed.recipient.clone(), letter)))
    }

    async fn verify_email(&self, user: UserId, recipient: &str) -> Result<Option<Letter>, sqlx::Error> {
        let mut tx = self.db.write().await?;
        if !store::is_unproven(&mut tx, user, &key(recipient)).await? {
            return Ok(None);
        }
        let url = self.link(&mut tx, user, Purpose::VerifyEmail, recipient).await?;
        tx.commit().await?;
        Ok(Some(Letter::verify_email(url)))
    }

    /// The person who asked is not told whether the address has an account; the address itself is.
    async fn change_email(&self, claimed: &Claimed, user: UserId) -> Result<Option<Letter>, sqlx::Error> {
        let mut tx = self.db.write().await?;
        if !store::is_wanted(&mut tx, claimed.id).await? {
            return Ok(None);
        }
        match store::account_of(&mut tx, &key(&claimed.recipient)).await? {
            Some((other, _)) if other != user => return Ok(Some(Letter::email_in_use())),
            _ => {}
        }
        let url = self
            .link(&mut tx, user, Purpose::ChangeEmail, &claimed.recipient)
            .await?;
        tx.commit().await?;
        Ok(Some(Letter::change_email(url)))
    }

    /// To the address that the account has: of what was typed only the account is taken.
    async fn reset_password(&self, claimed: &Claimed) -> Result<Option<Outgoing>, sqlx::Error> {
        let mut tx = self.db.write().await?;
        let Some((user, email)) = store::account_of(&mut tx, &key(&claimed.recipient)).await? else {
            return Ok(None);
        };
        let url = self.link(&mut tx, user, Purpose::ResetPassword, &email).await?;
        tx.commit().await?;
        Ok(Some(outgoing(claimed, email, Letter::reset_password(url))))
    }

    async fn link(
        &self,
        connection: &mut db::Connection,
        user: UserId,
        purpose: Purpose,
        email: &str,
    ) -> Result<String, sqlx::Error> {
        let secret = links::mint(connection, user, purpose, email, self.clock.now_ms()).await?;
        Ok(self.url(&format!("{}/{}", purpose.page(), secret.expose())))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base.as_str().trim_end_matches('/'))
    }
}

fn outgoing(claimed: &Claimed, recipient: String, letter: Letter) -> Outgoing {
    Outgoing {
        id: claimed.id,
        recipient,
        letter,
    }
}

/// By which an account is found. What cannot be an address finds none.
fn key(address: &str) -> String {
    Email::parse(address).map(|email| email.key()).unwrap_or_default()
}

/// What follows from an attempt: a function of its outcome and of how many there were.
fn settlement(outcome: Result<(), Refusal>, attempts: i64, now_ms: i64) -> Settlement {
    match outcome {
        Ok(()) => Settlement::Sent,
        Err(Refusal::Never(error)) => Settlement::Parked(error),
        Err(Refusal::Later(error)) if attempts >= MAX_ATTEMPTS => Settlement::Parked(error),
        Err(Refusal::Later(error)) => Settlement::Again {
            at_ms: now_ms + wait_ms(BASE_MS, CAP_MS, attempts),
            error,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;

    #[test]
    fn what_follows_an_attempt() {
        let later = || Err(Refusal::Later("busy".to_owned()));
        #[rustfmt::skip]
        let table = [
            // outcome,                                 attempts,         state,     tried again in
            (Ok(()),                                    1,                "sent",    None),
            (Err(Refusal::Never("nobody".to_owned())),  1,                "parked",  None),
            (later(),                                   1,                "pending", Some(15_000)),
            (later(),                                   3,                "pending", Some(60_000)),
            (later(),                                   MAX_ATTEMPTS - 1, "pending", Some(CAP_MS)),
            (later(),                                   MAX_ATTEMPTS,     "parked",  None),
        ];
        for (outcome, attempts, state, again_in) in table {
            let (found, at_ms) = match settlement(outcome.clone(), attempts, NOW) {
                Settlement::Sent => ("sent", None),
                Settlement::Dropped => ("dropped", None),
                Settlement::Parked(_) => ("parked", None),
                Settlement::Again { at_ms, .. } => ("pending", Some(at_ms - NOW)),
            };
            assert_eq!((found, at_ms), (state, again_in), "{outcome:?} after {attempts}");
        }
    }
}
