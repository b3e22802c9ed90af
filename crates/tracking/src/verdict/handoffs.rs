//! IDs that travelled through Stripe: as far as they were known, and no others.

use super::case::Case;
use super::{NotedHandoff, Report, Way};
use crate::client::TrialCheckoutClicked;
use crate::presence::StitchedBy;
use crate::received::{ReceivedEvent, Source};
use crate::server::{
    Fact, SubscriptionCanceled, SubscriptionChanged, SubscriptionResumed, SubscriptionStarted, TrialCanceled,
    TrialResumed, TrialStarted,
};
use crate::session::TIMEOUT_MS;

/// `stale handoff` and `none known` only where neither the facts nor the browser's own events know better, and IDs of a
/// handoff exactly as it was noted.
pub(super) fn stitched_as_known(case: &Case<'_>) -> Report {
    let mut report = Report::default();
    for event in case.present() {
        match event.stitched_by {
            Some(StitchedBy::NoneKnown | StitchedBy::StaleHandoff) => {
                report.checked += 1;
                match better_known(case, event) {
                    Some(reason) => report.broken(event, reason),
                    None => report.explained(event, why_unknown(event)),
                }
            }
            Some(StitchedBy::CheckoutHandoff | StitchedBy::PortalVisit) => {
                report.checked += 1;
                if let Some(reason) = unlike_handoff(case, event) {
                    report.broken(event, reason);
                }
            }
            _ => {}
        }
    }
    report
}

fn why_unknown(event: &ReceivedEvent) -> &'static str {
    match (event.source, event.stitched_by) {
        (_, Some(StitchedBy::StaleHandoff)) => {
            "The newest click is older than a session lasts: its device is known, a session is not."
        }
        (Source::Stripe, _) => "Nobody clicked for it here: it was changed at Stripe, or without cookies.",
        _ => "The browser had not shown a device yet, or refuses cookies.",
    }
}

/// By which ways somebody brings such an event about; none: not through Stripe.
fn ways(name: &str) -> &'static [Way] {
    const STARTED: &[&str] = &[TrialStarted::NAME, SubscriptionStarted::NAME];
    const CANCELED: &[&str] = &[TrialCanceled::NAME, SubscriptionCanceled::NAME];
    const RESUMED: &[&str] = &[TrialResumed::NAME, SubscriptionResumed::NAME];
    match () {
        () if STARTED.contains(&name) => &[Way::Checkout],
        () if CANCELED.contains(&name) => &[Way::Cancel, Way::Portal],
        () if RESUMED.contains(&name) => &[Way::Resume, Way::Portal],
        () if name == SubscriptionChanged::NAME => &[Way::Change],
        () => &[],
    }
}

fn better_known(case: &Case<'_>, event: &ReceivedEvent) -> Option<String> {
    let user = event.user.as_deref()?;
    let ways = ways(&event.name);
    if let Some(handoff) = case.facts.usable_handoff(user, event.time_ms, ways) {
        let session = handoff.session?;
        return Some(format!(
            "A click of session {session} was noted ({}), and is not in it.",
            handoff.id
        ));
    }
    if ways.contains(&Way::Checkout) {
        let young = event.time_ms.saturating_sub(TIMEOUT_MS)..=event.time_ms;
        let click = case.of_browser().find(|click| {
            click.name == TrialCheckoutClicked::NAME
                && click.user.as_deref() == Some(user)
                && young.contains(&click.time_ms)
        });
        if let Some(click) = click {
            let session = click.session?;
            return Some(format!(
                "The browser tells of its click in session {session}, and its IDs are not in it."
            ));
        }
    }
    // Signing up, in and out needs no handoff: the browser was in the very request.
    if event.source == Source::Server {
        let around = case.sessions.iter().find(|(_, events)| {
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
            "The browser was in session {session} then, and it is not in it."
        ));
    }
    None
}

fn unlike_handoff<'a>(case: &Case<'a>, event: &'a ReceivedEvent) -> Option<String> {
    let text = |key: &str| event.properties.get(key).and_then(serde_json::Value::as_str);
    let id = text("click").or_else(|| text("portal_visit"))?;
    let noted: &NotedHandoff = case.facts.handoff(id)?;
    let device = noted.device.as_ref().map(|device| device.as_str());
    let session = noted.session.map(|session| session.ms());
    if event.user.as_ref() != Some(&noted.account.to_string()) {
        return Some(format!("{id} was noted for the user {}.", noted.account));
    }
    if case.own_device(event) != device || event.session != session {
        let session = session.map_or_else(|| "none".to_owned(), |session| session.to_string());
        let device = device.unwrap_or("none");
        return Some(format!(
            "{id} was noted on device {device} in session {session}, and it says otherwise."
        ));
    }
    None
}
