//! Attribution: where accounts came from, and which revenue followed.
//!
//! An account has one first touch, which the first sign-up or sign-in with consent records and which later ones do not change,
//! as with Amplitude's `$setOnce`. The last touch of a payment is that of the session in which it was ordered. This module
//! does not read cookies: the request's middleware does.

mod report;
mod store;

use tracking::{EventContext, PresentIds, SessionId, Touch, UserId};

use crate::visitor::Visitor;

pub use report::{CampaignReport, CampaignRow};
pub(crate) use store::{erase, first_touch, record_sdk_campaign};

/// Records the first touch of the account that has just signed up or in. Returns it if the account had none: the event then
/// sets it on the person. `None` without consent, or if the browser has no touch.
pub(crate) async fn record_first_touch(
    connection: &mut db::Connection,
    user: UserId,
    visitor: &Visitor,
) -> Result<Option<Touch>, sqlx::Error> {
    let is_known_browser = matches!(visitor.tracking, Some(PresentIds::Live { .. }));
    let Some(first) = visitor.origin.first_touch.as_ref().filter(|_| is_known_browser) else {
        return Ok(None);
    };
    let is_new = store::insert_first_touch(connection, user, first).await?;
    Ok(is_new.then(|| first.touch.clone()))
}

/// Records the touch of a session at `now_ms` (ms since the epoch), when the account signs up or orders. A session without a
/// touch records nothing.
pub(crate) async fn record_session_touch(
    connection: &mut db::Connection,
    user: UserId,
    session: SessionId,
    context: &EventContext,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    match &context.touch {
        Some(touch) => store::insert_session_touch(connection, user, session, touch, now_ms).await,
        None => Ok(()),
    }
}
