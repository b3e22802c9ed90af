//! `GET /billing/live`: reports that a webhook of the signed-in account was applied. The page then fetches itself again; the
//! feed carries no billing data. It ends when the login ends.

use std::time::Duration;

use app::request::RequestContext;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::http::feeds::{After, Message};
use crate::state::AppState;

/// How long one wait takes before the next begins.
const WAIT: Duration = Duration::from_secs(60);

/// Each message is the account's billing revision. The first comes at once, unless the page has it.
pub async fn live(
    State(state): State<AppState>,
    Extension(context): Extension<RequestContext>,
    After(after): After,
) -> Response {
    let (Some(login), Some(cookie)) = (context.login, context.cookie.id()) else {
        // The browser stops asking.
        return StatusCode::NO_CONTENT.into_response();
    };
    let (billing, account) = (state.backend.billing.clone(), login.user.id);
    let seen = after.and_then(|after| after.parse::<i64>().ok());
    let revisions = futures::stream::unfold(seen, move |seen| {
        let billing = billing.clone();
        async move {
            if let Some(seen) = seen {
                while !billing.wait_for_change(account, seen, WAIT).await {}
            }
            let revision = billing.revision(account).await.ok()?;
            let message = Message {
                id: Some(revision.to_string()),
                data: revision.to_string(),
            };
            Some((message, Some(revision)))
        }
    });
    let accounts = state.backend.accounts.clone();
    let messages = state.feeds.while_signed_in(revisions, accounts, cookie);
    state.feeds.respond(messages)
}
