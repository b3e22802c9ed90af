//! The rule "stitched as far as known".

use super::event_index::EventIndex;
use super::{HandoffKind, NotedHandoff, RuleReport};
use crate::client::TrialCheckoutClicked;
use crate::presence::StitchedBy;
use crate::received::{ReceivedEvent, Source};
use crate::server::{
    EventPayload, SubscriptionCanceled, SubscriptionChanged, SubscriptionResumed, SubscriptionStarted,
    TrialCanceled, TrialResumed, TrialStarted,
};
use crate::session::TIMEOUT_MS;

/// An event is `stale handoff` or `none known` only if neither facts nor browser events have the missing IDs. An event with
/// the IDs of a handoff has exactly the IDs that were noted.
pub(super) fn stitched_as_known(index: &EventIndex<'_>) -> RuleReport {
    let mut report = RuleReport::default();
    for event in index.present() {
        match event.stitched_by {
            Some(StitchedBy::NoneKnown | StitchedBy::StaleHandoff) => {
                report.checked += 1;
                match missed_ids(index, event) {
                    Some(reason) => report.broken(event, reason),
                    None => report.explained(event, why_unknown(event)),
                }
            }
            Some(StitchedBy::CheckoutHandoff | StitchedBy::PortalVisit) => {
                report.checked += 1;
                if let Some(reason) = difference_from_handoff(index, event) {
                    report.broken(event, reason);
                }
            }
            _ => {}
        }
    }
    report
}

/// Why the event's device or session is unknown.
fn why_unknown(event: &ReceivedEvent) -> &'static str {
    match (event.source, event.stitched_by) {
        (_, Some(StitchedBy::StaleHandoff)) => {
            "The newest click is older than the session timeout: the device is known, the session has ended."
        }
        (Source::Stripe, _) => {
            "There is no click on this site: the change was made at Stripe, or without cookies."
        }
        _ => "The browser had not sent a device cookie yet, or rejects cookies.",
    }
}

/// The kinds of handoffs that can cause this event; empty if it is not caused through Stripe.
fn kinds(name: &str) -> &'static [HandoffKind] {
    const STARTED: &[&str] = &[TrialStarted::NAME, SubscriptionStarted::NAME];
    const CANCELED: &[&str] = &[TrialCanceled::NAME, SubscriptionCanceled::NAME];
    const RESUMED: &[&str] = &[TrialResumed::NAME, SubscriptionResumed::NAME];
    match () {
        () if STARTED.contains(&name) => &[HandoffKind::Checkout],
        () if CANCELED.contains(&name) => &[HandoffKind::Cancel, HandoffKind::Portal],
        () if RESUMED.contains(&name) => &[HandoffKind::Resume, HandoffKind::Portal],
        () if name == SubscriptionChanged::NAME => &[HandoffKind::Change],
        () => &[],
    }
}

/// Why the event should have more IDs; `None` if they were unknown.
fn missed_ids(index: &EventIndex<'_>, event: &ReceivedEvent) -> Option<String> {
    let user = event.user.as_deref()?;
    let kinds = kinds(&event.name);
    let handoff = index.facts.usable_handoff(user, event.time_ms, kinds);
    if handoff.is_some_and(|handoff| is_used_by_another(index, event, handoff)) {
        return None;
    }
    if let Some(handoff) = handoff {
        let session = handoff.session?;
        return Some(format!(
            "A handoff was noted in session {session} ({}), but the event does not have its IDs.",
            handoff.id
        ));
    }
    if kinds.contains(&HandoffKind::Checkout) {
        let recent = event.time_ms.saturating_sub(TIMEOUT_MS)..=event.time_ms;
        let click = index.of_browser().find(|click| {
            click.name == TrialCheckoutClicked::NAME
                && click.user.as_deref() == Some(user)
                && recent.contains(&click.time_ms)
        });
        if let Some(click) = click {
            let session = click.session?;
            return Some(format!(
                "The browser sent the click in session {session}, but the event does not have its IDs."
            ));
        }
    }
    // Sign-up, sign-in and sign-out need no handoff: the request itself has the browser's cookies.
    if event.source == Source::Server {
        let around = index.sessions.iter().find(|(_, events)| {
            let own = |other: &&&ReceivedEvent| {
                other.source == Source::Browser && other.user.as_deref() == Some(user)
            };
            let before = events
                .iter()
                .filter(own)
                .any(|other| other.time_ms <= event.time_ms);
            let after = events
                .iter()
                .filter(own)
                .any(|other| other.time_ms >= event.time_ms);
            before && after
        });
        let (session, _) = around?;
        return Some(format!(
            "The browser was in session {session} at that time, but the event does not have its IDs."
        ));
    }
    None
}

/// Whether another event has the handoff's IDs. A click causes one change, so staff who repeat the change do not use its IDs
/// again. A visit to the portal can cause several changes.
fn is_used_by_another(index: &EventIndex<'_>, event: &ReceivedEvent, handoff: &NotedHandoff) -> bool {
    let uses = |other: &ReceivedEvent| {
        let user = other.user.as_deref().unwrap_or_default();
        let newest = index
            .facts
            .usable_handoff(user, other.time_ms, kinds(&other.name));
        newest.is_some_and(|newest| newest.id == handoff.id)
    };
    handoff.kind != HandoffKind::Portal
        && index.present().any(|other| {
            other.insert_id != event.insert_id
                && other.stitched_by == Some(StitchedBy::CheckoutHandoff)
                && uses(other)
        })
}

/// How the event differs from its handoff; `None` if it does not, or if the handoff is unknown.
fn difference_from_handoff<'a>(index: &EventIndex<'a>, event: &'a ReceivedEvent) -> Option<String> {
    let text = |key: &str| event.properties.get(key).and_then(serde_json::Value::as_str);
    let id = text("click").or_else(|| text("portal_visit"))?;
    let handoff: &NotedHandoff = index.facts.handoff(id)?;
    let device = handoff.device.as_ref().map(|device| device.as_str());
    let session = handoff.session.map(|session| session.ms());
    if event.user.as_ref() != Some(&handoff.account.to_string()) {
        return Some(format!("Handoff {id} was noted for user {}.", handoff.account));
    }
    if index.own_device(event) != device || event.session != session {
        let session = session.map_or_else(|| "none".to_owned(), |session| session.to_string());
        let device = device.unwrap_or("none");
        return Some(format!(
            "Handoff {id} was noted on device {device} in session {session}, but the event has other IDs."
        ));
    }
    None
}
