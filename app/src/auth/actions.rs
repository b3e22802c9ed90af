//! The actions of the forms of `auth`. Each returns the path to load next.

use backend::accounts::Login;
use forms::{Field, FieldError, FieldErrors, ForgotForm, ResetForm, SignInForm, SignOutForm, SignUpForm};

use super::links::LinkPage;
use super::sign_in::SIGNED_IN;
use crate::document::NoInput;
use crate::redirect::{safe_next, safe_path, with_next};
use crate::request::{self, RequestContext};

/// Makes an account and signs it in.
pub async fn sign_up(context: RequestContext, form: SignUpForm) -> Result<String, FieldErrors> {
    signed_out(&context)?;
    let input = form.check()?;
    let login = context.backend.accounts.sign_up(input, &context.visitor).await;
    begin(&context, login.map_err(request::errors)?, &form.next).await
}

/// Signs in.
pub async fn sign_in(context: RequestContext, form: SignInForm) -> Result<String, FieldErrors> {
    signed_out(&context)?;
    let input = form.check()?;
    let login = context.backend.accounts.sign_in(input, &context.visitor).await;
    begin(&context, login.map_err(request::errors)?, &form.next).await
}

/// Signs out. A visitor who is signed out already stays so.
pub async fn sign_out(context: RequestContext, form: SignOutForm) -> Result<String, FieldErrors> {
    if let Some(login) = &context.login {
        let ended = context.backend.accounts.sign_out(login, &context.visitor).await;
        ended.map_err(request::errors)?;
        context.finish_login(login).await?;
    }
    Ok(safe_path(Some(&form.next)).unwrap_or("/").to_owned())
}

/// Sends a link that sets a new password, if the address has an account.
pub async fn forgot(context: RequestContext, form: ForgotForm) -> Result<String, FieldErrors> {
    let email = form.check()?;
    let accounts = &context.backend.accounts;
    let requested = accounts.request_password_reset(&email, &context.visitor).await;
    requested.map_err(request::errors)?;
    Ok("/forgot?done=sent".to_owned())
}

/// Sets a new password through the link that this browser has opened.
pub async fn reset(context: RequestContext, form: ResetForm) -> Result<String, FieldErrors> {
    let password = form.check()?;
    let secret = context.links.of(LinkPage::Reset).ok_or_else(link_spent)?;
    let user = context
        .backend
        .accounts
        .reset_password(secret, &password, context.login.as_ref(), &context.visitor)
        .await
        .map_err(request::errors)?;
    context.link_used(LinkPage::Reset);
    if let Some(login) = context.login.as_ref().filter(|login| login.user.id == user) {
        context.finish_login(login).await?;
    }
    Ok("/sign-in?done=reset".to_owned())
}

/// Confirms an address through the link that this browser has opened, in a browser that is signed in to the link's account.
pub async fn verify(context: RequestContext, _: NoInput) -> Result<String, FieldErrors> {
    let login = context.signed_in()?;
    let secret = context.links.of(LinkPage::Verify).ok_or_else(link_spent)?;
    let accounts = &context.backend.accounts;
    let verified = accounts.verify_email(secret, login, &context.visitor).await;
    let new_login = verified.map_err(request::errors)?;
    context.link_used(LinkPage::Verify);
    context.begin_login(&new_login).await?;
    Ok("/settings?done=verified".to_owned())
}

fn link_spent() -> FieldErrors {
    FieldErrors::one(Field::FORM, FieldError::LinkExpired)
}

/// A login is not opened over another one: its events would carry the device of the user before.
fn signed_out(context: &RequestContext) -> Result<(), FieldErrors> {
    match context.login {
        None => Ok(()),
        Some(_) => Err(FieldErrors::one(Field::FORM, FieldError::SignedInAlready)),
    }
}

/// A browser that has sent no cookie may refuse them: the sign-in page then finds out whether it has kept the login's.
async fn begin(context: &RequestContext, login: Login, next: &str) -> Result<String, FieldErrors> {
    context.begin_login(&login).await?;
    let next = safe_next(Some(next));
    Ok(match context.has_cookies {
        true => next.to_owned(),
        false => format!("{}&{SIGNED_IN}", with_next("/sign-in", Some(next))),
    })
}
