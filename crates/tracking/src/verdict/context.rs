//! The rule "context as in the browser".

use super::RuleReport;
use super::event_index::{EventIndex, knows_session};
use crate::received::context::{ADDRESS, BROWSER, LANGUAGE, VERSION, touch};
use crate::received::{ReceivedEvent, Source};
use crate::touch::Touch;

/// A present event with a session has the context of that session's browser events. An event without a session, and a system
/// event, has no context.
pub(super) fn context_as_in_browser(index: &EventIndex<'_>) -> RuleReport {
    let mut report = RuleReport::default();
    for event in index.system() {
        report.checked += 1;
        if let Some((label, value)) = event.context.first() {
            report.broken(
                event,
                format!("This is a system event, but it has a context: {label} {value}."),
            );
        }
    }
    for event in index.present() {
        let Some(by) = event.stitched_by else { continue };
        report.checked += 1;
        match (knows_session(by), event.context.first()) {
            (true, Some(_)) => compare(index, event, &mut report),
            (true, None) if was_noted_without_context(index, event) => {
                report.explained(event, "The click was recorded without its context.");
            }
            (true, None) => report.broken(event, "This event has a session, but no context."),
            (false, Some((label, value))) => {
                let reason = format!("This event has no session, but a context: {label} {value}.");
                report.broken(event, reason);
            }
            (false, None) => {}
        }
    }
    report
}

fn was_noted_without_context(index: &EventIndex<'_>, event: &ReceivedEvent) -> bool {
    let mut handoffs = index.facts.handoffs.iter();
    event.source == Source::Stripe
        && !handoffs.any(|handoff| {
            handoff.has_context
                && handoff.session.map(|session| session.ms()) == event.session
                && handoff.device.as_ref().map(|device| device.as_str()) == event.device.as_deref()
        })
}

/// Compares the event with the browser events of its session. Without any, another rule explains why.
fn compare<'a>(index: &EventIndex<'a>, event: &'a ReceivedEvent, report: &mut RuleReport) {
    let session = event.session.and_then(|session| index.sessions.get(&session));
    let browser: Vec<&ReceivedEvent> = session
        .into_iter()
        .flatten()
        .copied()
        .filter(|other| other.source == Source::Browser && other.device == event.device)
        .collect();
    for label in [BROWSER, VERSION, LANGUAGE] {
        let mut values = browser.iter().filter_map(|other| other.context_value(label));
        match (event.context_value(label), values.next()) {
            (_, None) => {}
            (Some(own), Some(first))
                if agrees(label, own, first) || values.any(|other| agrees(label, own, other)) => {}
            (Some(own), Some(first)) => {
                let reason = format!("{label} {own}: the browser's events of this session have {first}.");
                report.broken(event, reason);
            }
            (None, Some(first)) => {
                let reason = format!(
                    "The request did not say its {}; the browser's events have {first}.",
                    label.to_lowercase()
                );
                report.explained(event, reason);
            }
        }
    }
    let addresses: Vec<&str> = browser
        .iter()
        .filter_map(|other| other.context_value(ADDRESS))
        .collect();
    match event.context_value(ADDRESS) {
        _ if addresses.is_empty() => {}
        Some(own) if !addresses.contains(&own) => {
            let reason = format!("Address {own}: the browser's network changed during the session.");
            report.explained(event, reason);
        }
        Some(_) => {}
        None => report.explained(
            event,
            "The address was not recorded, or was deleted before the webhook arrived.",
        ),
    }
    if let Some(reason) = difference_of_campaign(event, &browser) {
        report.broken(event, reason);
    }
}

/// Whether two values of a part name the same. Two parsers name a browser differently: `Chrome`, `Chrome Headless`.
fn agrees(label: &str, own: &str, other: &str) -> bool {
    let (own, other) = (own.to_lowercase(), other.to_lowercase());
    match label {
        BROWSER => own.contains(&other) || other.contains(&own),
        VERSION => own.split('.').next() == other.split('.').next(),
        _ => own == other,
    }
}

/// The SDK reports the campaign parameters and the referrer of a page with the events of that page. The event must have the
/// newest campaign, or the referrer of a later page without one.
fn difference_of_campaign(event: &ReceivedEvent, browser: &[&ReceivedEvent]) -> Option<String> {
    let before = browser
        .iter()
        .filter(|other| other.time_ms <= event.time_ms && !is_own_link(other));
    let touches: Vec<Touch> = before.filter_map(|other| touch(&other.properties)).collect();
    let newest = touches
        .iter()
        .rposition(|touch| touch.campaign().next().is_some())?;
    let (landing, later) = touches[newest..].split_first()?;
    let own = touch(&event.properties).unwrap_or_default();
    let is_later = later
        .iter()
        .any(|touch| touch.event_properties().eq(own.event_properties()));
    (!is_later && !own.campaign().eq(landing.campaign())).then(|| {
        format!(
            "The browser came from “{}” in this session, the event says “{}”.",
            landing.label(),
            own.label()
        )
    })
}

/// Whether a page of this site led to the page of a browser event: such links are no campaign.
fn is_own_link(event: &ReceivedEvent) -> bool {
    let text = |key: &str| event.properties.get(key).and_then(serde_json::Value::as_str);
    let host = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
    match (text("referring_domain"), text("[Amplitude] Page Domain")) {
        (Some(from), Some(here)) => host(from) == host(here),
        _ => false,
    }
}
