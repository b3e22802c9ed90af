//! Attribution: where accounts came from, and which revenue followed.
//!
//! An account has one first touch, which the first sign-up or sign-in with consent records and which later ones do not change,
//! as with Amplitude's `$setOnce`. The last touch of a payment is that of the session in which it was ordered. This module
//! does not read cookies: the request's middleware does.

mod report;
mod store;

use db::Statement;
use tracking::{EventContext, FirstTouch, PresentIds, SessionId, Touch, UserId};

use crate::visitor::Visitor;

pub use report::{CampaignReport, CampaignRow};
pub(crate) use store::{erase, first_touch_of, insert_first_touch, read_first_touch, record_sdk_campaign};

/// The first touch of the visitor's browser. `None` without consent, or if it has none.
pub(crate) fn first_touch_of_browser(visitor: &Visitor) -> Option<&FirstTouch> {
    let is_known_browser = matches!(visitor.tracking, Some(PresentIds::Live { .. }));
    visitor.origin.first_touch.as_ref().filter(|_| is_known_browser)
}

/// Records the first touch of the account that has just signed in. Returns it if the account had none: the event then sets
/// it on the person. `None` without consent, or if the browser has no touch.
pub(crate) async fn record_first_touch(
    connection: &mut db::Connection,
    user: UserId,
    visitor: &Visitor,
) -> Result<Option<Touch>, sqlx::Error> {
    let Some(first) = first_touch_of_browser(visitor) else {
        return Ok(None);
    };
    let inserted = insert_first_touch(user, first).execute(connection).await?;
    Ok((inserted == 1).then(|| first.touch.clone()))
}

/// The statement that records the touch of a session at `now_ms` (ms since the epoch), when the account signs up or orders.
/// `None` for a session without a touch.
pub(crate) fn insert_session_touch(
    user: UserId,
    session: SessionId,
    context: &EventContext,
    now_ms: i64,
) -> Option<Statement> {
    let touch = context.touch.as_ref()?;
    Some(store::insert_session_touch(user, session, touch, now_ms))
}

/// Executes [`insert_session_touch`].
pub(crate) async fn record_session_touch(
    connection: &mut db::Connection,
    user: UserId,
    session: SessionId,
    context: &EventContext,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    db::execute_all(connection, insert_session_touch(user, session, context, now_ms)).await?;
    Ok(())
}
