//! Links in mails. Using a link proves access to the mailbox. Each link works once and expires. Only the hash of its
//! secret is stored.

mod event_ids;
mod secret;
mod store;

pub use secret::LinkSecret;

use db::{Connection, Db};
use forms::{Email, Field, FieldError, FieldErrors, Secret};
use tracking::{EmailVerified, PasswordResetCompleted, ServerEvent, UserId};
use uuid::Uuid;

use super::{AccountError, Accounts, EndedBy, Login, browser_name, throttle};
use crate::ids;
use crate::mail::{self, MailKind};
use crate::visitor::Visitor;
use event_ids::present_ids;

const HOUR_MS: i64 = 3_600_000;
/// Used and expired links are kept for 30 days, to investigate complaints.
const KEEP_MS: i64 = 30 * 24 * HOUR_MS;

/// The purpose of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Confirms the account's address.
    VerifyEmail,
    /// Confirms a new address and makes it the account's.
    ChangeEmail,
    /// Sets a new password.
    ResetPassword,
}

impl Purpose {
    const ALL: [Self; 3] = [Self::VerifyEmail, Self::ChangeEmail, Self::ResetPassword];

    /// The first path segment of the page that the link opens.
    pub fn page(self) -> &'static str {
        match self {
            Self::VerifyEmail | Self::ChangeEmail => "verify",
            Self::ResetPassword => "reset",
        }
    }

    fn lifetime_ms(self) -> i64 {
        match self {
            Self::VerifyEmail => 72 * HOUR_MS,
            Self::ChangeEmail => 24 * HOUR_MS,
            Self::ResetPassword => HOUR_MS,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ChangeEmail => "change_email",
            Self::ResetPassword => "reset_password",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// A link that is neither used nor expired.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailLink {
    id: Uuid,
    user: UserId,
    /// The purpose of the link.
    pub purpose: Purpose,
    /// The address that the link was sent to.
    pub email: String,
}

/// Creates a link in the caller's transaction. Returns its secret, which is not stored.
pub(crate) async fn create(
    connection: &mut Connection,
    user: UserId,
    purpose: Purpose,
    email: &str,
    now_ms: i64,
) -> Result<LinkSecret, sqlx::Error> {
    let secret = LinkSecret::random();
    let link = EmailLink {
        id: ids::row(),
        user,
        purpose,
        email: email.to_owned(),
    };
    store::insert(
        connection,
        &link,
        &secret.hash(),
        now_ms,
        now_ms + purpose.lifetime_ms(),
    )
    .await?;
    Ok(secret)
}

/// Deletes links that expired more than 30 days ago.
pub(super) async fn clean_up(db: &Db, now_ms: i64) -> Result<(), sqlx::Error> {
    store::delete_expired(db.pool(), now_ms - KEEP_MS).await
}

/// Revokes every link of the account in the caller's transaction. Deletes unsent mails that would change its address.
pub(super) async fn revoke_all(
    connection: &mut Connection,
    user: UserId,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    mail::withdraw(connection, user, MailKind::ChangeEmail).await?;
    store::revoke_all(connection, user, now_ms).await
}

impl Accounts {
    /// Returns the link if it is valid. Does not use it up.
    pub async fn link(&self, secret: &LinkSecret) -> Result<Option<EmailLink>, AccountError> {
        Ok(store::find(self.db.pool(), &secret.hash(), self.clock.now_ms()).await?)
    }

    /// Uses a link that confirms the account's address or a new address. `login` is the browser's login; it may be
    /// `None` or of another account.
    ///
    /// # Errors
    /// When the link is used, expired or unknown, or when the new address has an account by now.
    pub async fn verify_email(
        &self,
        secret: &LinkSecret,
        login: Option<&Login>,
        visitor: &Visitor,
    ) -> Result<(), AccountError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let link = store::consume(&mut tx, &secret.hash(), "verify", now_ms)
            .await?
            .ok_or_else(link_expired)?;
        let user = store::account(&mut tx, link.user)
            .await?
            .ok_or_else(link_expired)?;
        let is_new = match link.purpose {
            Purpose::ChangeEmail => {
                store::change_email(&mut tx, user.id, &link.email, &key(&link.email), now_ms)
                    .await
                    .map_err(|error| match error.as_database_error() {
                        // The address got an account after the link was sent.
                        Some(error) if error.is_unique_violation() => {
                            FieldErrors::one(Field::FORM, FieldError::EmailTaken).into()
                        }
                        _ => AccountError::from(error),
                    })?;
                // Links that were sent to the old address must no longer work.
                revoke_all(&mut tx, user.id, now_ms).await?;
                mail::enqueue(
                    &mut tx,
                    MailKind::EmailChanged,
                    Some(user.id),
                    &user.email,
                    Some(&link.email),
                    now_ms,
                )
                .await?;
                true
            }
            _ if key(&user.email) != key(&link.email) => return Err(link_expired()),
            _ => store::confirm_email(&mut tx, user.id, now_ms).await?,
        };
        if let Some(ids) = present_ids(&user, login, visitor).filter(|_| is_new) {
            let event = ServerEvent::present(user.id, &EmailVerified { token: link.id }, ids, now_ms);
            outbox::enqueue(&mut tx, &event, now_ms).await?;
        }
        tx.commit().await?;
        self.outbox_wakeup.wake();
        self.mail_wakeup.wake();
        Ok(())
    }

    /// Requests a mail with a link that sets a new password. The response and its time do not depend on whether the
    /// address has an account: the mail sender looks that up later.
    pub async fn request_password_reset(&self, email: &Email, visitor: &Visitor) -> Result<(), AccountError> {
        let now_ms = self.clock.now_ms();
        self.check_mail_throttle(email, visitor).await?;
        let mut tx = self.db.write().await?;
        mail::enqueue(
            &mut tx,
            MailKind::ResetPassword,
            None,
            email.as_str(),
            None,
            now_ms,
        )
        .await?;
        tx.commit().await?;
        self.mail_wakeup.wake();
        Ok(())
    }

    /// Uses a link that sets a new password, and ends every login of the account. Returns the user.
    ///
    /// # Errors
    /// When the link is used, expired or unknown.
    pub async fn reset_password(
        &self,
        secret: &LinkSecret,
        password: &Secret,
        login: Option<&Login>,
        visitor: &Visitor,
    ) -> Result<UserId, AccountError> {
        // Checked before hashing, so that invalid links cause no expensive work.
        self.link(secret).await?.ok_or_else(link_expired)?;
        let hash = self.hasher.hash(password).await?;

        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let link = store::consume(&mut tx, &secret.hash(), "reset", now_ms)
            .await?
            .ok_or_else(link_expired)?;
        let user = store::account(&mut tx, link.user)
            .await?
            .ok_or_else(link_expired)?;
        super::store::set_password(&mut tx, user.id, &hash).await?;
        super::store::end_logins(&mut tx, user.id, None, EndedBy::PasswordReset, now_ms).await?;
        revoke_all(&mut tx, user.id, now_ms).await?;
        if let Ok(email) = Email::parse(&user.email) {
            super::store::reset_failures(&mut tx, &throttle::Key::sign_in_account(&email).hash).await?;
        }
        let browser = browser_name(&visitor.user_agent);
        mail::enqueue(
            &mut tx,
            MailKind::PasswordChanged,
            Some(user.id),
            &user.email,
            Some(&browser),
            now_ms,
        )
        .await?;
        if let Some(ids) = present_ids(&user, login, visitor) {
            let event =
                ServerEvent::present(user.id, &PasswordResetCompleted { token: link.id }, ids, now_ms);
            outbox::enqueue(&mut tx, &event, now_ms).await?;
        }
        tx.commit().await?;
        self.outbox_wakeup.wake();
        self.mail_wakeup.wake();
        Ok(user.id)
    }

    /// Sends the confirmation link of the account's address again.
    pub async fn send_verification(&self, login: &Login, visitor: &Visitor) -> Result<(), AccountError> {
        let email = Email::parse(&login.user.email).map_err(|error| FieldErrors::one(Field::FORM, error))?;
        self.check_mail_throttle(&email, visitor).await?;
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        mail::enqueue(
            &mut tx,
            MailKind::VerifyEmail,
            Some(login.user.id),
            email.as_str(),
            None,
            now_ms,
        )
        .await?;
        tx.commit().await?;
        self.mail_wakeup.wake();
        Ok(())
    }

    /// Counts a requested mail. Fails if a limit is exceeded. The typed address is counted, whether it has an account
    /// or not, so that the limit does not reveal accounts.
    pub(super) async fn check_mail_throttle(
        &self,
        to: &Email,
        visitor: &Visitor,
    ) -> Result<(), AccountError> {
        let now_ms = self.clock.now_ms();
        throttle::count_attempt(&self.db, &throttle::Key::mail_network(visitor.address), now_ms).await?;
        throttle::count_attempt(&self.db, &throttle::Key::mail_recipient(to), now_ms).await
    }
}

/// The error of a link that is used, expired or unknown.
fn link_expired() -> AccountError {
    FieldErrors::one(Field::FORM, FieldError::LinkSpent).into()
}

fn key(address: &str) -> String {
    address.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_round_trip() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::parse(purpose.as_str()), Some(purpose));
        }
    }
}
