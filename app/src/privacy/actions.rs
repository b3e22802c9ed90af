//! The action of the consent forms.

use forms::FieldErrors;
use tracking::Choice;

use super::model::ChoiceForm;
use crate::redirect::safe_path;
use crate::request::{self, RequestContext};

/// Writes the choice to this browser, and to the account that is signed in. Returns the path to load next.
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
    Ok(safe_path(Some(&form.back)).unwrap_or("/privacy").to_owned())
}
