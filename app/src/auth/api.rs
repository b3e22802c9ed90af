//! Server functions of auth, and the verbs that they share with the form posts.

use forms::{SignInForm, SignUpForm};
use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use crate::forms::Answer;
use crate::tracking::SeamClient;

/// Makes an account and signs it in. Answers with the path to load.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn sign_up(form: SignUpForm, next: Option<String>) -> Result<Answer<String>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(verbs::sign_up(&visit, &form, next.as_deref()).await.into())
}

/// Signs in. Answers with the path to load.
#[server(input = Json, output = Json, client = SeamClient)]
pub async fn sign_in(form: SignInForm, next: Option<String>) -> Result<Answer<String>, ServerFnError> {
    let visit = crate::visit::current().ok_or_else(|| ServerFnError::new("no visit"))?;
    Ok(verbs::sign_in(&visit, &form, next.as_deref()).await.into())
}

/// The same for a server function and for a form post.
#[cfg(feature = "ssr")]
pub mod verbs {
    use backend::accounts::Login;
    use forms::{Faults, Field, Problem, SignInForm, SignUpForm};

    use crate::next::safe_next;
    use crate::visit::{self, Visit};

    /// Makes an account and signs it in; the path to load.
    pub async fn sign_up(visit: &Visit, form: &SignUpForm, next: Option<&str>) -> Result<String, Faults> {
        nobody_yet(visit)?;
        let input = form.check()?;
        let login = visit
            .backend
            .accounts
            .sign_up(input, &visit.visitor)
            .await
            .map_err(visit::faults)?;
        begin(visit, &login, next).await
    }

    /// Signs in; the path to load.
    pub async fn sign_in(visit: &Visit, form: &SignInForm, next: Option<&str>) -> Result<String, Faults> {
        nobody_yet(visit)?;
        let input = form.check()?;
        let login = visit
            .backend
            .accounts
            .sign_in(input, &visit.visitor)
            .await
            .map_err(visit::faults)?;
        begin(visit, &login, next).await
    }

    /// Signs out; the path to load. Whoever is signed out already stays so.
    pub async fn sign_out(visit: &Visit) -> Result<&'static str, Faults> {
        if let Some(login) = &visit.login {
            visit
                .backend
                .accounts
                .sign_out(login, &visit.visitor)
                .await
                .map_err(visit::faults)?;
            visit
                .finish_login(login)
                .await
                .map_err(|error| visit::internal(&error))?;
        }
        Ok("/")
    }

    /// A login is not opened over another one: its events would be the device's of the person before.
    fn nobody_yet(visit: &Visit) -> Result<(), Faults> {
        match visit.login {
            None => Ok(()),
            Some(_) => Err(Faults::one(Field::Form, Problem::SignedInAlready)),
        }
    }

    async fn begin(visit: &Visit, login: &Login, next: Option<&str>) -> Result<String, Faults> {
        visit
            .begin_login(login)
            .await
            .map_err(|error| visit::internal(&error))?;
        Ok(safe_next(next).to_owned())
    }
}
