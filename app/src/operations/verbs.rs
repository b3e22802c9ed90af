//! What the forms of the operator's pages do.

use backend::operations::Replayed;
use forms::Faults;

use super::facts::{Action, Outcome, WebhookState};
use crate::visit::{self, Visit};

/// Carries it out, and tells where to go then: the page with the same view, which says what became of it.
pub async fn act(
    visit: &Visit,
    action: Option<Action>,
    id: &str,
    shown: Option<WebhookState>,
) -> Result<String, Faults> {
    let outcome = match action {
        // Postgres takes no NUL in a text, and no ID of anybody's has one.
        Some(_) if id.contains('\0') => Outcome::NotParked,
        Some(Action::ReplayEvent) => {
            let replayed = visit.backend.operations.replay(id).await;
            match replayed.map_err(|error| visit::internal(&error))? {
                Replayed::Yes => Outcome::EventReplayed,
                Replayed::NotParked => Outcome::NotParked,
                Replayed::Withheld => Outcome::Withheld,
            }
        }
        Some(Action::ReplayWebhook) => {
            let replayed = visit.backend.billing.replay(id).await;
            match replayed.map_err(|error| visit::internal(&error))? {
                true => Outcome::WebhookReplayed,
                false => Outcome::NotParked,
            }
        }
        None => Outcome::Unknown,
    };
    let view = shown.map(|state| format!("&webhooks={}", state.as_str()));
    Ok(format!(
        "/operations?done={}{}",
        outcome.as_str(),
        view.unwrap_or_default()
    ))
}
