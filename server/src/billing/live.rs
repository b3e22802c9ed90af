//! `GET /billing/live`: says that something of the signed-in account's was applied, as server-sent events. The page then
//! asks anew; the feed itself says nothing of money.

use std::convert::Infallible;
use std::time::Duration;

use app::visit::Visit;
use axum::extract::{Extension, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use http::StatusCode;

use crate::state::AppState;

/// How long one wait takes before the next begins.
const WAIT: Duration = Duration::from_secs(60);

/// See the module. The first message tells where things stand, so that nothing is missed between page and feed.
pub async fn live(State(state): State<AppState>, Extension(visit): Extension<Visit>) -> Response {
    let Some(login) = visit.login else {
        // The browser stops asking.
        return StatusCode::NO_CONTENT.into_response();
    };
    let (billing, account) = (state.backend.billing, login.user.id);
    let revisions = futures::stream::unfold(None::<i64>, move |seen| {
        let billing = billing.clone();
        async move {
            if let Some(seen) = seen {
                loop {
                    match billing.wait_for_change(account, seen, WAIT).await {
                        Ok(true) => break,
                        Ok(false) => {}
                        Err(error) => {
                            tracing::warn!(%error, "a billing feed ends");
                            return None;
                        }
                    }
                }
            }
            let revision = billing.revision(account).await.ok()?;
            let message = Event::default().data(revision.to_string());
            Some((Ok::<_, Infallible>(message), Some(revision)))
        }
    });
    Sse::new(revisions.take_until(state.stop.cancelled_owned()))
        .keep_alive(KeepAlive::default())
        .into_response()
}
