//! Links in mails. Using a link proves access to the mailbox. Each link works once and expires. Only the hash of its
//! secret is stored.

mod event_ids;
mod secret;
mod store;

pub use secret::LinkSecret;

use db::Connection;
use forms::{Email, Field, FieldError, FieldErrors, Secret};
use tracking::{EmailVerified, PasswordResetCompleted, ServerEvent, UserId};
use uuid::Uuid;

use super::event_store::enqueue_after_sign_up;
use super::{AccountError, Accounts, EndedBy, Login, browser_name, operators};
use crate::NetworkKey;
use crate::mail::{self, MailKind};
use crate::visitor::Visitor;
use crate::{billing, ids};
use event_ids::present_ids;

const HOUR_MS: i64 = 3_600_000;

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
    /// The account that the link belongs to.
    pub user: UserId,
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

    /// Uses a link that confirms the account's address or a new address. `login` is the browser's login, which must be of
    /// that account: a link proves the mailbox, and the login proves that the reader of the mailbox owns the account.
    /// Without this check a person could sign up with another person's address and wait for that person's click.
    ///
    /// Returns a new login for this browser, because the account has gained a proven address; the old login ends.
    ///
    /// # Errors
    /// When the link is used, expired or unknown, belongs to another account, or the new address has an account by now.
    pub async fn verify_email(
        &self,
        secret: &LinkSecret,
        login: &Login,
        visitor: &Visitor,
    ) -> Result<Login, AccountError> {
        let now_ms = self.clock.now_ms();
        let found = self.link(secret).await?.ok_or_else(link_expired)?;
        if found.user != login.user.id {
            return Err(FieldErrors::one(Field::FORM, FieldError::LinkOfOtherAccount).into());
        }
        let mut tx = self.db.write().await?;
        let link = store::consume(&mut tx, &secret.hash(), "verify", now_ms)
            .await?
            .ok_or_else(link_expired)?;
        let user = store::account(&mut tx, link.user)
            .await?
            .ok_or_else(link_expired)?;
        // The login may have ended since the request began, for example by a password reset.
        if !super::store::end_login(&mut tx, login.id, EndedBy::Revoked, now_ms).await? {
            return Err(FieldErrors::one(Field::FORM, FieldError::SignedOut).into());
        }
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
                // The new address may be another person's.
                operators::end(&mut tx, user.id).await?;
                billing::customer_email::enqueue(&mut tx, user.id, now_ms).await?;
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
        if let Some(ids) = present_ids(&user, Some(login), visitor).filter(|_| is_new) {
            let event = ServerEvent::present(user.id, &EmailVerified { token: link.id }, ids, now_ms);
            enqueue_after_sign_up(&mut tx, event, now_ms).await?;
        }
        let user = store::account(&mut tx, user.id).await?.ok_or_else(link_expired)?;
        // No password was typed, so the time of the sign-in stays.
        let new_login = Login {
            signed_in_at_ms: login.signed_in_at_ms,
            ..Login::new(user, now_ms)
        };
        super::store::insert_login(&new_login, &visitor.user_agent)
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        self.outbox_wakeup.wake();
        self.mail_wakeup.wake();
        self.customer_email_wakeup.wake();
        Ok(new_login)
    }

    /// Requests a mail with a link that sets a new password. The response and its time do not depend on whether the
    /// address has an account: the mail sender looks that up later.
    pub async fn request_password_reset(&self, email: &Email, visitor: &Visitor) -> Result<(), AccountError> {
        let now_ms = self.clock.now_ms();
        self.count_mail(email, visitor).await?;
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

    /// Uses a link that sets a new password. It proves the mailbox, so it confirms the address, and it ends every login of
    /// the account, also those of a person who signed up with this address before its owner. It ends the operator's
    /// right. Returns the user, who then signs in.
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
        let place = self.hasher.place(NetworkKey::of(visitor.address))?;
        let hash = place.hash(password).await?;

        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let link = store::consume(&mut tx, &secret.hash(), "reset", now_ms)
            .await?
            .ok_or_else(link_expired)?;
        let user = store::account(&mut tx, link.user)
            .await?
            .ok_or_else(link_expired)?;
        if key(&user.email) != key(&link.email) {
            return Err(link_expired());
        }
        super::store::set_password(&mut tx, user.id, &hash).await?;
        let is_newly_confirmed = store::confirm_email(&mut tx, user.id, now_ms).await?;
        // A mailbox can be handed on, so the right needs the command again.
        operators::end(&mut tx, user.id).await?;
        super::store::end_logins(&mut tx, user.id, None, EndedBy::PasswordReset, now_ms).await?;
        revoke_all(&mut tx, user.id, now_ms).await?;
        if let Ok(email) = Email::parse_known(&user.email) {
            self.password_check(&email, visitor, true)
                .forget_failures(&mut tx)
                .await?;
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
            if is_newly_confirmed {
                let event =
                    ServerEvent::present(user.id, &EmailVerified { token: link.id }, ids.clone(), now_ms);
                enqueue_after_sign_up(&mut tx, event, now_ms).await?;
            }
            let event =
                ServerEvent::present(user.id, &PasswordResetCompleted { token: link.id }, ids, now_ms);
            enqueue_after_sign_up(&mut tx, event, now_ms).await?;
        }
        tx.commit().await?;
        self.outbox_wakeup.wake();
        self.mail_wakeup.wake();
        Ok(user.id)
    }

    /// Sends the confirmation link of the account's address again.
    pub async fn send_verification(&self, login: &Login, visitor: &Visitor) -> Result<(), AccountError> {
        let email =
            Email::parse_known(&login.user.email).map_err(|error| FieldErrors::one(Field::FORM, error))?;
        self.count_mail(&email, visitor).await?;
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
}

/// The error of a link that is used, expired or unknown.
fn link_expired() -> AccountError {
    FieldErrors::one(Field::FORM, FieldError::LinkExpired).into()
}

/// The key of an address that a link was sent to.
fn key(address: &str) -> String {
    Email::parse_known(address).map_or_else(|_| address.to_lowercase(), |email| email.key())
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
