//! Server functions of the settings, and the verbs that they share with the form posts.

use forms::{ChangeEmailForm, ChangePasswordForm, DeleteAccountForm};
use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::forms::Answer;
use crate::tracking::SeamClient;

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The account's address.
    pub email: String,
    /// It is proven.
    pub verified: bool,
    /// Where the account is signed in, the one used last first.
    pub logins: Vec<LoginSummary>,
}

/// A login in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginSummary {
    /// The login.
    pub id: Uuid,
    /// This browser's.
    pub current: bool,
    /// `Firefox on Linux`.
    pub browser: String,
    /// `Signed in 3 days ago, last used just now`.
    pub when: String,
}

/// The settings; `None` when nobody is signed in.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn my_settings() -> Result<Option<Settings>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    verbs::mine(&visit).await
}

/// Has a link sent to the new address. Answers with the path to load.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn change_email(form: ChangeEmailForm) -> Result<Answer<String>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(verbs::change_email(&visit, &form).await.map(str::to_owned).into())
}

/// Sets another password. Answers with the path to load.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn change_password(form: ChangePasswordForm) -> Result<Answer<String>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(verbs::change_password(&visit, &form)
        .await
        .map(str::to_owned)
        .into())
}

/// Ends the account. Answers with the path to load.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn delete_account(form: DeleteAccountForm) -> Result<Answer<String>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(verbs::delete_account(&visit, &form)
        .await
        .map(str::to_owned)
        .into())
}

/// The same for a server function and for a form post.
#[cfg(feature = "ssr")]
pub mod verbs {
    use backend::Export;
    use backend::accounts::{Login, OpenLogin, browser_in_words};
    use forms::{ChangeEmailForm, ChangePasswordForm, DeleteAccountForm, Faults, Field, Problem};
    use leptos::prelude::ServerFnError;
    use uuid::Uuid;

    use super::{LoginSummary, Settings};
    use crate::moments::ago;
    use crate::visit::{self, Visit};

    pub(super) async fn mine(visit: &Visit) -> Result<Option<Settings>, ServerFnError> {
        let Some(login) = &visit.login else {
            return Ok(None);
        };
        let open = visit.backend.accounts.open_logins(login).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot list logins");
            ServerFnError::new("The settings cannot be read right now.")
        })?;
        let now_ms = visit.backend.clock.now_ms();
        let summary = |open: OpenLogin| LoginSummary {
            id: open.id,
            current: open.id == login.id,
            browser: browser_in_words(&open.user_agent),
            when: format!(
                "Signed in {}, last used {}",
                ago(open.created_at, now_ms),
                ago(open.last_seen_at, now_ms)
            ),
        };
        Ok(Some(Settings {
            email: login.user.email.clone(),
            verified: login.user.verified,
            logins: open.into_iter().map(summary).collect(),
        }))
    }

    /// Has a link sent to the new address; the path to load.
    pub async fn change_email(visit: &Visit, form: &ChangeEmailForm) -> Result<&'static str, Faults> {
        let login = signed_in(visit)?;
        let input = form.check()?;
        let accounts = &visit.backend.accounts;
        let done = accounts.change_email(input, login, &visit.visitor).await;
        done.map_err(visit::faults)?;
        Ok("/settings?done=email")
    }

    /// Sets another password; the path to load.
    pub async fn change_password(visit: &Visit, form: &ChangePasswordForm) -> Result<&'static str, Faults> {
        let login = signed_in(visit)?;
        let input = form.check()?;
        let accounts = &visit.backend.accounts;
        let done = accounts.change_password(input, login, &visit.visitor).await;
        done.map_err(visit::faults)?;
        Ok("/settings?done=password")
    }

    /// Ends the account; the path to load.
    pub async fn delete_account(visit: &Visit, form: &DeleteAccountForm) -> Result<&'static str, Faults> {
        let login = signed_in(visit)?;
        let password = form.check()?;
        let done = visit.backend.accounts.delete_account(&password, login).await;
        done.map_err(visit::faults)?;
        let left = visit.finish_login(login).await;
        left.map_err(|error| visit::internal(&error))?;
        Ok("/goodbye")
    }

    /// Has the link that proves the address sent once more; the path to load.
    pub async fn send_verification(visit: &Visit) -> Result<&'static str, Faults> {
        let login = signed_in(visit)?;
        let sent = visit
            .backend
            .accounts
            .send_verification(login, &visit.visitor)
            .await;
        sent.map_err(visit::faults)?;
        Ok("/settings?done=mail")
    }

    /// Ends one other login, or all of them; the path to load.
    pub async fn end_logins(visit: &Visit, which: Option<Uuid>) -> Result<&'static str, Faults> {
        let login = signed_in(visit)?;
        let accounts = &visit.backend.accounts;
        let ended = match which {
            Some(other) => accounts.end_other_login(login, other).await,
            None => accounts.end_other_logins(login).await.map(drop),
        };
        ended.map_err(visit::faults)?;
        Ok("/settings?done=ended")
    }

    /// What we hold of the person; `None` when nobody is signed in.
    pub async fn export(visit: &Visit) -> Result<Option<Export>, Faults> {
        let Some(login) = &visit.login else {
            return Ok(None);
        };
        let export = visit.backend.export(login).await;
        export.map(Some).map_err(|error| visit::internal(&error))
    }

    fn signed_in(visit: &Visit) -> Result<&Login, Faults> {
        let nobody = || Faults::one(Field::Form, Problem::SignedOut);
        visit.login.as_ref().ok_or_else(nobody)
    }
}
