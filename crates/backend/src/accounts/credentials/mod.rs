//! Changes of password and email address. Both require the current password, because another person may use a signed-in
//! browser.

mod store;

use forms::{
    ChangeEmail, ChangeEmailForm, ChangePassword, ChangePasswordForm, Email, Field, FieldError, FieldErrors,
    Secret,
};

use super::password::PasswordMatch;
use super::{AccountError, Accounts, EndedBy, Login, browser_name, links};
use crate::NetworkKey;
use crate::mail::{self, MailKind};
use crate::visitor::Visitor;

impl Accounts {
    /// Changes the password and ends every login of the account. Returns a new login for this browser, so that a copy of
    /// its cookie no longer works.
    pub async fn change_password(
        &self,
        input: ChangePassword,
        login: &Login,
        visitor: &Visitor,
    ) -> Result<Login, AccountError> {
        let current_hash = self
            .check_password(&input.current_password, login, visitor)
            .await?;
        self.count_account_change(login).await?;
        let place = self.hasher.place(NetworkKey::of(visitor.address))?;
        let hash = place.hash(&input.password).await?;

        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        if !super::store::lock_account_if_password(&mut tx, login.user.id, &current_hash).await? {
            return Err(wrong_password());
        }
        super::store::set_password(&mut tx, login.user.id, &hash).await?;
        super::store::end_logins(&mut tx, login.user.id, None, EndedBy::Revoked, now_ms).await?;
        let new_login = Login::new(login.user.clone(), now_ms);
        super::store::insert_login(&new_login, &visitor.user_agent)
            .execute(&mut tx)
            .await?;
        links::revoke_all(&mut tx, login.user.id, now_ms).await?;
        let browser = browser_name(&visitor.user_agent);
        let (user, email) = (login.user.id, &login.user.email);
        // An address that is not confirmed may be another person's.
        if login.user.verified {
            let notice = MailKind::PasswordChanged;
            mail::enqueue(&mut tx, notice, Some(user), email, Some(&browser), now_ms).await?;
        }
        tx.commit().await?;
        self.mail_wakeup.wake();
        Ok(new_login)
    }

    /// Sends a confirmation link to the new address and a notice to the current one. The address changes when the link
    /// is used. The response and its time do not depend on whether the new address has an account.
    pub async fn change_email(
        &self,
        input: ChangeEmail,
        login: &Login,
        visitor: &Visitor,
    ) -> Result<(), AccountError> {
        if input.email.keys().contains(&login.user.email.to_lowercase()) {
            return Err(FieldErrors::one(ChangeEmailForm::email, FieldError::SameEmail).into());
        }
        let current_hash = self
            .check_password(&input.current_password, login, visitor)
            .await?;
        self.count_mail(&input.email, visitor).await?;
        self.count_account_change(login).await?;

        let now_ms = self.clock.now_ms();
        let (user, old, new) = (login.user.id, &login.user.email, input.email.as_str());
        let mut tx = self.db.write().await?;
        if !super::store::lock_account_if_password(&mut tx, user, &current_hash).await? {
            return Err(wrong_password());
        }
        if login.user.verified {
            let notice = MailKind::ChangeEmailNotice;
            mail::enqueue(&mut tx, notice, Some(user), old, Some(new), now_ms).await?;
        }
        mail::enqueue(&mut tx, MailKind::ChangeEmail, Some(user), new, None, now_ms).await?;
        tx.commit().await?;
        self.mail_wakeup.wake();
        Ok(())
    }

    /// Checks the password and returns its hash. Wrong passwords count towards the sign-in limits, as those of a
    /// known browser.
    pub(super) async fn check_password(
        &self,
        password: &Secret,
        login: &Login,
        visitor: &Visitor,
    ) -> Result<String, AccountError> {
        let email =
            Email::parse_known(&login.user.email).map_err(|error| FieldErrors::one(Field::FORM, error))?;
        let place = self.hasher.place(NetworkKey::of(visitor.address))?;
        let attempt = self.password_check(&email, visitor, true);
        self.count_password_check(&attempt).await?;
        let hash = store::password_hash(self.db.pool(), login.user.id).await?;
        let (Some(hash), PasswordMatch::Correct { .. }) = (hash.clone(), place.verify(password, hash).await?)
        else {
            return Err(wrong_password());
        };
        let mut tx = self.db.write().await?;
        attempt.refund(&mut tx).await?;
        tx.commit().await?;
        Ok(hash)
    }
}

/// The error of a wrong current password.
pub(super) fn wrong_password() -> AccountError {
    FieldErrors::one(ChangePasswordForm::current_password, FieldError::WrongPassword).into()
}
