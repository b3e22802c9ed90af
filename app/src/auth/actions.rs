//! What the forms of auth do. Each returns the path to load next.

use backend::accounts::Login;
use forms::{Field, FieldError, FieldErrors, ForgotForm, ResetForm, SignInForm, SignUpForm};

use super::links::LinkPage;
use crate::document::NoInput;
use crate::next::safe_next;
use crate::visit::{self, Visit};

/// Makes an account and signs it in.
pub async fn sign_up(visit: Visit, form: SignUpForm) -> Result<String, FieldErrors> {
    signed_out(&visit)?;
    let input = form.check()?;
    let login = visit.backend.accounts.sign_up(input, &visit.visitor).await;
    begin(&visit, login.map_err(visit::errors)?, &form.next).await
}

/// Signs in.
pub async fn sign_in(visit: Visit, form: SignInForm) -> Result<String, FieldErrors> {
    signed_out(&visit)?;
    let input = form.check()?;
    let login = visit.backend.accounts.sign_in(input, &visit.visitor).await;
    begin(&visit, login.map_err(visit::errors)?, &form.next).await
}

/// Signs out. A visitor who is signed out already stays so.
pub async fn sign_out(visit: Visit, _: NoInput) -> Result<String, FieldErrors> {
    if let Some(login) = &visit.login {
        let ended = visit.backend.accounts.sign_out(login, &visit.visitor).await;
        ended.map_err(visit::errors)?;
        visit.finish_login(login).await?;
    }
    Ok("/".to_owned())
}

/// Sends a link that sets a new password, if the address has an account.
pub async fn forgot(visit: Visit, form: ForgotForm) -> Result<String, FieldErrors> {
    let email = form.check()?;
    let accounts = &visit.backend.accounts;
    let requested = accounts.request_password_reset(&email, &visit.visitor).await;
    requested.map_err(visit::errors)?;
    Ok("/forgot?done=sent".to_owned())
}

/// Sets a new password through the link that this browser has opened.
pub async fn reset(visit: Visit, form: ResetForm) -> Result<String, FieldErrors> {
    let password = form.check()?;
    let secret = visit.links.of(LinkPage::Reset).ok_or_else(link_spent)?;
    let user = visit
        .backend
        .accounts
        .reset_password(secret, &password, visit.login.as_ref(), &visit.visitor)
        .await
        .map_err(visit::errors)?;
    visit.link_spent(LinkPage::Reset);
    if let Some(login) = visit.login.as_ref().filter(|login| login.user.id == user) {
        visit.finish_login(login).await?;
    }
    Ok("/sign-in?done=reset".to_owned())
}

/// Confirms an address through the link that this browser has opened.
pub async fn verify(visit: Visit, _: NoInput) -> Result<String, FieldErrors> {
    let secret = visit.links.of(LinkPage::Verify).ok_or_else(link_spent)?;
    visit
        .backend
        .accounts
        .verify_email(secret, visit.login.as_ref(), &visit.visitor)
        .await
        .map_err(visit::errors)?;
    visit.link_spent(LinkPage::Verify);
    let page = match visit.login {
        Some(_) => "/settings?done=verified",
        None => "/sign-in?done=verified",
    };
    Ok(page.to_owned())
}

fn link_spent() -> FieldErrors {
    FieldErrors::one(Field::FORM, FieldError::LinkSpent)
}

/// A login is not opened over another one: its events would carry the device of the user before.
fn signed_out(visit: &Visit) -> Result<(), FieldErrors> {
    match visit.login {
        None => Ok(()),
        Some(_) => Err(FieldErrors::one(Field::FORM, FieldError::SignedInAlready)),
    }
}

async fn begin(visit: &Visit, login: Login, next: &str) -> Result<String, FieldErrors> {
    visit.begin_login(&login).await?;
    Ok(safe_next(Some(next)).to_owned())
}
