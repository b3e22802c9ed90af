//! What the forms of the settings do. Each returns the path to load next.

use backend::accounts::Login;
use forms::{ChangeEmailForm, ChangePasswordForm, DeleteAccountForm, Field, FieldError, FieldErrors};
use uuid::Uuid;

use super::model::{EndLoginForm, OTHER_LOGINS};
use crate::document::NoInput;
use crate::visit::{self, Visit};

/// Sends a link to the new address. The address changes when the link is used.
pub async fn change_email(visit: Visit, form: ChangeEmailForm) -> Result<String, FieldErrors> {
    let login = signed_in(&visit)?;
    let input = form.check()?;
    visit
        .backend
        .accounts
        .change_email(input, login, &visit.visitor)
        .await
        .map_err(visit::errors)?;
    Ok("/settings?done=email".to_owned())
}

/// Sets another password, and signs out every other browser.
pub async fn change_password(visit: Visit, form: ChangePasswordForm) -> Result<String, FieldErrors> {
    let login = signed_in(&visit)?;
    let input = form.check()?;
    visit
        .backend
        .accounts
        .change_password(input, login, &visit.visitor)
        .await
        .map_err(visit::errors)?;
    Ok("/settings?done=password".to_owned())
}

/// Deletes the account, and signs out this browser.
pub async fn delete_account(visit: Visit, form: DeleteAccountForm) -> Result<String, FieldErrors> {
    let login = signed_in(&visit)?;
    let password = form.check()?;
    visit
        .backend
        .accounts
        .delete_account(&password, login)
        .await
        .map_err(visit::errors)?;
    visit
        .finish_login(login)
        .await
        .map_err(|error| visit::internal(&error))?;
    Ok("/goodbye".to_owned())
}

/// Sends the link that confirms the address once more.
pub async fn send_verification(visit: Visit, _: NoInput) -> Result<String, FieldErrors> {
    let login = signed_in(&visit)?;
    visit
        .backend
        .accounts
        .send_verification(login, &visit.visitor)
        .await
        .map_err(visit::errors)?;
    Ok("/settings?done=mail".to_owned())
}

/// Ends one other login, or all others. An ID that is no login's ends nothing.
pub async fn end_logins(visit: Visit, form: EndLoginForm) -> Result<String, FieldErrors> {
    let login = signed_in(&visit)?;
    let accounts = &visit.backend.accounts;
    if form.login == OTHER_LOGINS {
        accounts.end_other_logins(login).await.map_err(visit::errors)?;
    } else if let Ok(other) = Uuid::parse_str(&form.login) {
        accounts
            .end_other_login(login, other)
            .await
            .map_err(visit::errors)?;
    }
    Ok("/settings?done=ended".to_owned())
}

fn signed_in(visit: &Visit) -> Result<&Login, FieldErrors> {
    visit
        .login
        .as_ref()
        .ok_or_else(|| FieldErrors::one(Field::FORM, FieldError::SignedOut))
}
