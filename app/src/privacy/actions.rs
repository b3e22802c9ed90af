//! The action of the consent forms.

use forms::FieldErrors;
use tracking::Choice;

use super::model::ChoiceForm;
use super::page::CHOSEN;
use crate::redirect::{safe_path, with_next};
use crate::request::{self, RequestContext};

/// Writes the choice to this browser, and to the account that is signed in. Returns the path to load next:
/// for a browser that has sent no cookie it is the page about privacy, which finds out whether the choice was kept.
pub async fn choose(context: RequestContext, form: ChoiceForm) -> Result<String, FieldErrors> {
    let choice = Choice::parse(&form.choice);
    if let Some(login) = &context.login {
        context
            .backend
            .accounts
            .choose_consent(login.user.id, choice)
            .await
            .map_err(request::errors)?;
    }
    context.choose(choice);
    let next = safe_path(Some(&form.back)).unwrap_or("/privacy");
    Ok(match context.has_cookies {
        true => next.to_owned(),
        false => format!("{}&{CHOSEN}", with_next("/privacy", Some(next))),
    })
}
