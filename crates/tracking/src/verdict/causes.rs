//! The rule "causal order".

use std::collections::HashMap;

use serde_json::Value;

use super::RuleReport;
use super::event_index::{CLOCK_SLACK_MS, EventIndex};
use crate::causes::steps_before;
use crate::client::{
    PollClosed, PollCreated, PollDeleted, PollEdited, PollRestored, ResultsExported, TrialCheckoutClicked,
};
use crate::received::{ReceivedEvent, Source};
use crate::server::{EventPayload, SignUpCompleted, SubscriptionStarted, TrialStarted};

/// The sign-up comes before events that need an account, a click before the event that it caused, and the steps of a
/// subscription are in order.
pub(super) fn causal_order(index: &EventIndex<'_>) -> RuleReport {
    let mut report = RuleReport::default();
    sign_up_first(index, &mut report);
    clicks_first(index, &mut report);
    steps_in_order(index, &mut report);
    report
}

/// Browser events that need an account.
const NEED_ACCOUNT: [&str; 7] = [
    PollCreated::NAME,
    PollEdited::NAME,
    PollClosed::NAME,
    PollDeleted::NAME,
    PollRestored::NAME,
    ResultsExported::NAME,
    TrialCheckoutClicked::NAME,
];

/// The sign-up comes before events that need an account.
fn sign_up_first(index: &EventIndex<'_>, report: &mut RuleReport) {
    let mut sign_ups: HashMap<&str, &ReceivedEvent> = HashMap::new();
    for event in index
        .events
        .iter()
        .filter(|event| event.name == SignUpCompleted::NAME)
    {
        if let Some(user) = event.user.as_deref() {
            sign_ups.entry(user).or_insert(event);
        }
    }
    let mut reported_missing = false;
    for event in &index.events {
        let by_server = event.source != Source::Browser && event.name != SignUpCompleted::NAME;
        let Some(user) = event.user.as_deref() else {
            continue;
        };
        if !by_server && !NEED_ACCOUNT.contains(&event.name.as_str()) {
            continue;
        }
        report.checked += 1;
        match sign_ups.get(user) {
            Some(sign_up) => check_order(report, sign_up, event, "the sign-up"),
            // Report a missing sign-up once, not for every event.
            None if reported_missing => {}
            None => {
                reported_missing = true;
                report_missing(index, report, event, "a sign-up", |id| {
                    id == format!("sign-up:{user}")
                });
            }
        }
    }
}

/// A click or portal visit comes before the event that it caused.
fn clicks_first(index: &EventIndex<'_>, report: &mut RuleReport) {
    for event in index.present() {
        let text = |key: &str| event.properties.get(key).and_then(Value::as_str);
        if let Some(visit) = text("portal_visit").and_then(|id| index.facts.handoff(id)) {
            report.checked += 1;
            if visit.at_ms > event.time_ms {
                report.broken(event, "This event comes before the portal visit that caused it.");
            }
        }
        let Some(click) = text("click") else { continue };
        // Only these clicks have a browser event. Clicks on "Cancel" and others have an ID for idempotency only.
        let has_event = [TrialStarted::NAME, SubscriptionStarted::NAME].contains(&event.name.as_str());
        let clicked = index.by_insert_id.get(click).and_then(|events| events.first());
        match clicked {
            Some(clicked) => {
                report.checked += 1;
                check_order(report, clicked, event, "the click");
            }
            None if !has_event || index.is_cut_off() => {}
            None => {
                report.checked += 1;
                let sdk_ran = match (event.device.as_deref(), event.session) {
                    (Some(device), Some(session)) => index.sdk_ran(device, session),
                    _ => false,
                };
                match sdk_ran {
                    true => report.broken(
                        event,
                        format!("The click that caused this event ({click}) has not arrived."),
                    ),
                    false => report.explained(
                        event,
                        "The click that caused this event is missing: the SDK never ran there.",
                    ),
                }
            }
        }
    }
}

/// The steps of a subscription are in order.
fn steps_in_order(index: &EventIndex<'_>, report: &mut RuleReport) {
    for event in index
        .events
        .iter()
        .filter(|event| event.source != Source::Browser)
    {
        for (shared, causes) in steps_before(&event.name) {
            report.checked += 1;
            let key = shared.of(event.insert_id.as_deref());
            let cause = index.events.iter().find(|cause| {
                causes.contains(&cause.name.as_str()) && shared.of(cause.insert_id.as_deref()) == key
            });
            let what = causes.join(" or ");
            match cause {
                Some(cause) => check_order(report, cause, event, &what),
                None => report_missing(index, report, event, &what, |id| {
                    causes
                        .iter()
                        .any(|cause| id.starts_with(&insert_id_prefix(cause)))
                        && shared.of(Some(id)) == key
                }),
            }
        }
    }
}

/// The prefix of the event's insert IDs: `trial-started:` for `Trial started`.
fn insert_id_prefix(name: &str) -> String {
    format!("{}:", name.to_ascii_lowercase().replace(' ', "-"))
}

/// Reports an event that comes before its cause.
fn check_order(report: &mut RuleReport, cause: &ReceivedEvent, event: &ReceivedEvent, what: &str) {
    let early_ms = cause.time_ms - event.time_ms;
    let by = |source| [cause, event].iter().any(|event| event.source == source);
    if early_ms <= 0 {
    } else if by(Source::Browser) && early_ms <= CLOCK_SLACK_MS {
        let reason = format!(
            "This event comes {early_ms} ms before {what}; clock offsets of the browser below a second are not corrected."
        );
        report.explained(event, reason);
    } else {
        report.broken(event, format!("This event comes {early_ms} ms before {what}."));
    }
}

/// Reports a missing cause, unless it may be among events that were not read.
fn report_missing(
    index: &EventIndex<'_>,
    report: &mut RuleReport,
    event: &ReceivedEvent,
    what: &str,
    is_cause: impl Fn(&str) -> bool,
) {
    if index.is_cut_off() {
        return;
    }
    let in_outbox = index
        .facts
        .undelivered
        .iter()
        .find(|row| is_cause(&row.insert_id));
    match in_outbox.map(|row| row.parked.as_deref()) {
        Some(None) => report.explained(
            event,
            format!("This event needs {what} before it, which is in the outbox and not yet delivered."),
        ),
        Some(Some(reason)) if !index.facts.untracked_before(event.time_ms) => {
            report.broken(
                event,
                format!("This event needs {what} before it, which is parked: {reason}."),
            );
        }
        _ if index.facts.untracked_before(event.time_ms) => {
            report.explained(
                event,
                format!("This event needs {what} before it; tracking was denied at that time."),
            );
        }
        _ => report.broken(
            event,
            format!("This event needs {what} before it, and there is none."),
        ),
    }
}
