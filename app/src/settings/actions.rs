//! What the forms of the settings do. Each returns the path to load next.

use forms::{ChangeEmailForm, ChangePasswordForm, DeleteAccountForm, FieldErrors};
use uuid::Uuid;

use super::model::{EndLoginForm, OTHER_LOGINS};
use crate::document::NoInput;
use crate::visit::{self, Visit};

/// Sends a link to the new address. The address changes when the link is used.
pub async fn change_email(visit: Visit, form: ChangeEmailForm) -> Result<String, FieldErrors> {
    let login = visit.signed_in()?;
    let input = form.check()?;
    let accounts = &visit.backend.accounts;
    let sent = accounts.change_email(input, login, &visit.visitor).await;
    sent.map_err(visit::errors)?;
    Ok("/settings?done=email".to_owned())
}

/// Sets another password, and signs out every other browser.
pub async fn change_password(visit: Visit, form: ChangePasswordForm) -> Result<String, FieldErrors> {
    let login = visit.signed_in()?;
    let input = form.check()?;
    let accounts = &visit.backend.accounts;
    let changed = accounts.change_password(input, login, &visit.visitor).await;
    changed.map_err(visit::errors)?;
    Ok("/settings?done=password".to_owned())
}

/// Deletes the account, and signs out this browser.
pub async fn delete_account(visit: Visit, form: DeleteAccountForm) -> Result<String, FieldErrors> {
    let login = visit.signed_in()?;
    let password = form.check()?;
    let deleted = visit.backend.accounts.delete_account(&password, login).await;
    deleted.map_err(visit::errors)?;
    visit.finish_login(login).await?;
    Ok("/goodbye".to_owned())
}

/// Sends the link that confirms the address once more.
pub async fn send_verification(visit: Visit, _: NoInput) -> Result<String, FieldErrors> {
    let login = visit.signed_in()?;
    let accounts = &visit.backend.accounts;
    let sent = accounts.send_verification(login, &visit.visitor).await;
    sent.map_err(visit::errors)?;
    Ok("/settings?done=mail".to_owned())
}

/// Ends one other login, or all others. An ID that is no login's ends nothing.
pub async fn end_logins(visit: Visit, form: EndLoginForm) -> Result<String, FieldErrors> {
    let login = visit.signed_in()?;
    let accounts = &visit.backend.accounts;
    if form.login == OTHER_LOGINS {
        accounts.end_other_logins(login).await.map_err(visit::errors)?;
    } else if let Ok(other) = Uuid::parse_str(&form.login) {
        let ended = accounts.end_other_login(login, other).await;
        ended.map_err(visit::errors)?;
    }
    Ok("/settings?done=ended".to_owned())
}
