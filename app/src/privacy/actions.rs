//! What the forms about tracking do.

use forms::FieldErrors;
use tracking::Choice;

use super::model::ChoiceForm;
use crate::next::safe_path;
use crate::visit::{self, Visit};

/// Writes the choice to this browser, and to the account that is signed in. Returns the path to load next.
pub async fn choose(visit: Visit, form: ChoiceForm) -> Result<String, FieldErrors> {
    let choice = Choice::parse(&form.choice);
    if let Some(login) = &visit.login {
        visit
            .backend
            .accounts
            .choose_consent(login.user.id, choice)
            .await
            .map_err(visit::errors)?;
    }
    visit.choose(choice);
    Ok(safe_path(Some(&form.back)).unwrap_or("/privacy").to_owned())
}
