//! The actions of the forms of the settings. Each returns the path to load next.

use forms::{ChangeEmailForm, ChangePasswordForm, DeleteAccountForm, FieldErrors};
use uuid::Uuid;

use super::model::{EndLoginForm, OTHER_LOGINS};
use crate::document::NoInput;
use crate::request::{self, RequestContext};

/// Sends a link to the new address. The address changes when the link is used.
pub async fn change_email(context: RequestContext, form: ChangeEmailForm) -> Result<String, FieldErrors> {
    let login = context.signed_in()?;
    let input = form.check()?;
    let accounts = &context.backend.accounts;
    let sent = accounts.change_email(input, login, &context.visitor).await;
    sent.map_err(request::errors)?;
    Ok("/settings?done=email".to_owned())
}

/// Sets another password, and signs out every other browser.
pub async fn change_password(
    context: RequestContext,
    form: ChangePasswordForm,
) -> Result<String, FieldErrors> {
    let login = context.signed_in()?;
    let input = form.check()?;
    let accounts = &context.backend.accounts;
    let changed = accounts.change_password(input, login, &context.visitor).await;
    let new_login = changed.map_err(request::errors)?;
    context.begin_login(&new_login).await?;
    Ok("/settings?done=password".to_owned())
}

/// Deletes the account, and signs out this browser.
pub async fn delete_account(context: RequestContext, form: DeleteAccountForm) -> Result<String, FieldErrors> {
    let login = context.signed_in()?;
    let password = form.check()?;
    let deleted = context
        .backend
        .accounts
        .delete_account(&password, login, &context.visitor)
        .await;
    deleted.map_err(request::errors)?;
    context.finish_login(login).await?;
    Ok("/goodbye".to_owned())
}

/// Sends the link that confirms the address once more.
pub async fn send_verification(context: RequestContext, _: NoInput) -> Result<String, FieldErrors> {
    let login = context.signed_in()?;
    let accounts = &context.backend.accounts;
    let sent = accounts.send_verification(login, &context.visitor).await;
    sent.map_err(request::errors)?;
    Ok("/settings?done=mail".to_owned())
}

/// Ends one other login, or all others. An ID that is no login's ends nothing.
pub async fn end_logins(context: RequestContext, form: EndLoginForm) -> Result<String, FieldErrors> {
    let login = context.signed_in()?;
    let accounts = &context.backend.accounts;
    if form.login == OTHER_LOGINS {
        accounts.end_other_logins(login).await.map_err(request::errors)?;
    } else if let Ok(other) = Uuid::parse_str(&form.login) {
        let ended = accounts.end_other_login(login, other).await;
        ended.map_err(request::errors)?;
    }
    Ok("/settings?done=ended".to_owned())
}
