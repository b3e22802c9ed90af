//! Choosing.

use forms::Faults;
use tracking::Choice;

use crate::next::safe_path;
use crate::visit::{self, Visit};

/// Writes the choice to this browser, and to the account of whoever is signed in; the path to go on at.
pub async fn choose(visit: &Visit, choice: Choice, back: Option<&str>) -> Result<String, Faults> {
    if let Some(login) = &visit.login {
        visit
            .backend
            .accounts
            .choose_consent(login.user.id, choice)
            .await
            .map_err(visit::faults)?;
    }
    visit.choose(choice);
    Ok(safe_path(back).unwrap_or("/privacy").to_owned())
}
