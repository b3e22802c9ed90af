//! Changing password and e-mail address. Both ask for the present password: an open laptop is no proof.

mod store;

use forms::{ChangeEmail, ChangeEmailForm, ChangePassword, ChangePasswordForm, Email, Field, FieldError, FieldErrors, Secret};

use super::{AccountError, Accounts, EndedBy, Login, browser_in_words, links, throttle};
use crate::mail::{self, Kind};
use crate::visitor::Visitor;

impl Accounts {
    /// Sets another password and ends every other login.
    pub async fn change_password(
        &self,
        input: ChangePassword,
        login: &Login,
        visitor: &Visitor,
    ) -> Result<(), AccountError> {
        let known = self.check_password(&input.current_password, login).await?;
        let hash = self.hasher.hash(&input.password).await?;

        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        if !super::store::hold_account(&mut tx, login.user.id, &known).await? {
            return Err(wrong_password());
        }
        super::store::set_password(&mut tx, login.user.id, &hash).await?;
        super::store::end_logins(&mut tx, login.user.id, Some(login.id), EndedBy::Revoked, now_ms).await?;
        links::void(&mut tx, login.user.id, now_ms).await?;
        let browser = browser_in_words(&visitor.user_agent);
        let (user, email) = (login.user.id, &login.user.email);
        mail::enqueue(
            &mut tx,
            Kind::PasswordChanged,
            Some(user),
            email,
            Some(&browser),
            now_ms,
        )
        .await?;
        tx.commit().await?;
        self.post.wake();
        Ok(())
    }

    /// Has a link sent to the new address; until it is used the old one stays, and hears of it. The answer is the same,
    /// and as fast, whether the new address has an account or not.
    pub async fn change_email(
        &self,
        input: ChangeEmail,
        login: &Login,
        visitor: &Visitor,
    ) -> Result<(), AccountError> {
        if input.email.key() == login.user.email.to_lowercase() {
            return Err(FieldErrors::one(ChangeEmailForm::email, FieldError::SameEmail).into());
        }
        let known = self.check_password(&input.current_password, login).await?;
        self.may_ask_for_mail(&input.email, visitor).await?;

        let now_ms = self.clock.now_ms();
        let (user, old, new) = (login.user.id, &login.user.email, input.email.as_str());
        let mut tx = self.db.write().await?;
        if !super::store::hold_account(&mut tx, user, &known).await? {
            return Err(wrong_password());
        }
        mail::enqueue(
            &mut tx,
            Kind::ChangeEmailNotice,
            Some(user),
            old,
            Some(new),
            now_ms,
        )
        .await?;
        mail::enqueue(&mut tx, Kind::ChangeEmail, Some(user), new, None, now_ms).await?;
        tx.commit().await?;
        self.post.wake();
        Ok(())
    }

    /// The account's password hash, if this is its password. Guesses are counted with those at sign-in.
    pub(super) async fn check_password(
        &self,
        password: &Secret,
        login: &Login,
    ) -> Result<String, AccountError> {
        let email = Email::parse(&login.user.email).map_err(|problem| FieldErrors::one(Field::FORM, problem))?;
        let guesses = throttle::Key::guesses_at(&email);
        throttle::enter(&self.db, &guesses, self.clock.now_ms()).await?;
        let hash = store::password_hash(self.db.pool(), login.user.id).await?;
        match hash {
            Some(hash) if self.hasher.verify(password, Some(hash.clone())).await? => {
                let mut tx = self.db.write().await?;
                super::store::forget_failures(&mut tx, &guesses.hash).await?;
                tx.commit().await?;
                Ok(hash)
            }
            _ => Err(wrong_password()),
        }
    }
}

pub(super) fn wrong_password() -> AccountError {
    FieldErrors::one(ChangePasswordForm::current_password, FieldError::WrongPassword).into()
}
