//! What the settings read.

use backend::Export;
use backend::accounts::{AccountError, OpenLogin, browser_in_words};
use forms::FieldErrors;

use super::model::{LoginSummary, Settings};
use crate::moments::ago;
use crate::visit::{self, Visit};

/// The overview of the account. `None` if no user is signed in.
pub async fn settings(visit: &Visit) -> Result<Option<Settings>, AccountError> {
    let Some(login) = &visit.login else {
        return Ok(None);
    };
    let open = visit.backend.accounts.open_logins(login).await?;
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

/// The user's data, for the download. `None` if no user is signed in. A failure is logged here.
pub async fn export(visit: &Visit) -> Result<Option<Export>, FieldErrors> {
    let Some(login) = &visit.login else {
        return Ok(None);
    };
    let export = visit.backend.export(login).await;
    export.map(Some).map_err(|error| visit::internal(&error))
}
