//! Links in mails, from the page's side: which link this browser has opened, asking for one, and using it.
//!
//! A link's secret reaches its page in a cookie, not in the page's address: there the SDK would read it, and tell Amplitude.

use forms::{ForgotForm, ResetForm};
use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use serde::{Deserialize, Serialize};

use crate::forms::Answer;
use crate::tracking::SeamClient;

/// The pages that links lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkPage {
    /// Proves an address.
    Verify,
    /// Sets a new password.
    Reset,
}

/// A link that works, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedLink {
    /// The address that it was sent to.
    pub email: String,
    /// It makes this address the account's.
    pub changes_address: bool,
}

/// The link that this browser has opened, if it still works. Looking uses nothing up: programs look at mails as well.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn look_at_link(page: LinkPage) -> Result<Option<OpenedLink>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    link_verbs::opened(&visit, page).await
}

/// Has a link sent that sets a new password. Answers with the path to load.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn forgot(form: ForgotForm) -> Result<Answer<String>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(link_verbs::forgot(&visit, &form).await.map(str::to_owned).into())
}

/// Sets a new password. Answers with the path to load.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn reset(form: ResetForm) -> Result<Answer<String>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(link_verbs::reset(&visit, &form).await.map(str::to_owned).into())
}

/// The same for a server function and for a form post.
#[cfg(feature = "ssr")]
pub mod link_verbs {
    use backend::accounts::links::{LinkSecret, Purpose};
    use forms::{Faults, Field, ForgotForm, Problem, ResetForm};
    use leptos::prelude::ServerFnError;

    use super::{LinkPage, OpenedLink};
    use crate::visit::{self, Visit};

    pub(super) async fn opened(visit: &Visit, page: LinkPage) -> Result<Option<OpenedLink>, ServerFnError> {
        let Some(secret) = visit.links.of(page) else {
            return Ok(None);
        };
        let link = visit.backend.accounts.link(secret).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot look a link up");
            ServerFnError::new("The link cannot be looked up right now.")
        })?;
        let fits = |purpose| (purpose == Purpose::ResetPassword) == (page == LinkPage::Reset);
        Ok(link.filter(|link| fits(link.purpose)).map(|link| OpenedLink {
            changes_address: link.purpose == Purpose::ChangeEmail,
            email: link.email,
        }))
    }

    /// Has a link sent; the path to load.
    pub async fn forgot(visit: &Visit, form: &ForgotForm) -> Result<&'static str, Faults> {
        let email = form.check()?;
        let accounts = &visit.backend.accounts;
        accounts
            .ask_for_reset(&email, &visit.visitor)
            .await
            .map_err(visit::faults)?;
        Ok("/forgot?done=sent")
    }

    /// Sets a new password; the path to load.
    pub async fn reset(visit: &Visit, form: &ResetForm) -> Result<&'static str, Faults> {
        let password = form.check()?;
        let secret = secret(visit, LinkPage::Reset)?;
        let accounts = &visit.backend.accounts;
        let user = accounts
            .reset_password(secret, &password, visit.login.as_ref(), &visit.visitor)
            .await
            .map_err(visit::faults)?;
        visit.link_spent(LinkPage::Reset);
        if let Some(login) = visit.login.as_ref().filter(|login| login.user.id == user) {
            let left = visit.finish_login(login).await;
            left.map_err(|error| visit::internal(&error))?;
        }
        Ok("/sign-in?done=reset")
    }

    /// Proves an address; the path to load.
    pub async fn verify(visit: &Visit) -> Result<&'static str, Faults> {
        let secret = secret(visit, LinkPage::Verify)?;
        let accounts = &visit.backend.accounts;
        accounts
            .verify_email(secret, visit.login.as_ref(), &visit.visitor)
            .await
            .map_err(visit::faults)?;
        visit.link_spent(LinkPage::Verify);
        Ok(match visit.login {
            Some(_) => "/settings?done=verified",
            None => "/sign-in?done=verified",
        })
    }

    fn secret(visit: &Visit, page: LinkPage) -> Result<&LinkSecret, Faults> {
        let spent = || Faults::one(Field::Form, Problem::LinkSpent);
        visit.links.of(page).ok_or_else(spent)
    }
}
