//! What leads to an event comes before it.

use std::collections::HashMap;

use serde_json::Value;

use super::Report;
use super::case::{CLOCK_SLACK_MS, Case};
use crate::client::{
    PollClosed, PollCreated, PollDeleted, PollEdited, PollRestored, ResultsExported, TrialCheckoutClicked,
};
use crate::received::{ReceivedEvent, Source};
use crate::server::{
    Fact, PaymentFailure, SignUpCompleted, SubscriptionCanceled, SubscriptionChanged, SubscriptionExpiration,
    SubscriptionRefund, SubscriptionRenewal, SubscriptionResumed, SubscriptionStarted, TrialCanceled,
    TrialConverted, TrialExpiration, TrialResumed, TrialStarted,
};

/// A sign-up before what needs an account, a click before the event of its webhook, and the steps of a subscription one
/// after another.
pub(super) fn causal_order(case: &Case<'_>) -> Report {
    let mut report = Report::default();
    sign_up_first(case, &mut report);
    clicks_first(case, &mut report);
    steps_in_order(case, &mut report);
    report
}

/// What a browser can only say for somebody who has an account.
const OF_ACCOUNTS: [&str; 7] = [
    PollCreated::NAME,
    PollEdited::NAME,
    PollClosed::NAME,
    PollDeleted::NAME,
    PollRestored::NAME,
    ResultsExported::NAME,
    TrialCheckoutClicked::NAME,
];

fn sign_up_first(case: &Case<'_>, report: &mut Report) {
    let mut sign_ups: HashMap<&str, &ReceivedEvent> = HashMap::new();
    for event in case
        .events
        .iter()
        .filter(|event| event.name == SignUpCompleted::NAME)
    {
        if let Some(user) = event.user.as_deref() {
            sign_ups.entry(user).or_insert(event);
        }
    }
    let mut told_missing = false;
    for event in &case.events {
        let by_server = event.source != Source::Browser && event.name != SignUpCompleted::NAME;
        let Some(user) = event.user.as_deref() else {
            continue;
        };
        if !by_server && !OF_ACCOUNTS.contains(&event.name.as_str()) {
            continue;
        }
        report.checked += 1;
        match sign_ups.get(user) {
            Some(sign_up) => before(report, sign_up, event, "the sign-up"),
            // Once is enough: without it, every event of the story lacks it.
            None if told_missing => {}
            None => {
                told_missing = true;
                missing(case, report, event, "a sign-up", |id| {
                    id == format!("sign-up:{user}")
                });
            }
        }
    }
}

fn clicks_first(case: &Case<'_>, report: &mut Report) {
    for event in case.present() {
        let text = |key: &str| event.properties.get(key).and_then(Value::as_str);
        if let Some(visit) = text("portal_visit").and_then(|id| case.facts.handoff(id)) {
            report.checked += 1;
            if visit.at_ms > event.time_ms {
                report.broken(event, "It comes before the visit to the portal that led to it.");
            }
        }
        let Some(click) = text("click") else { continue };
        // Canceling and the like have a click ID, to do things once, and no event of the browser's.
        let has_event = [TrialStarted::NAME, SubscriptionStarted::NAME].contains(&event.name.as_str());
        let clicked = case.by_insert_id.get(click).and_then(|events| events.first());
        match clicked {
            Some(clicked) => {
                report.checked += 1;
                before(report, clicked, event, "the click");
            }
            None if !has_event || case.cut_off() => {}
            None => {
                report.checked += 1;
                let ran = match (event.device.as_deref(), event.session) {
                    (Some(device), Some(session)) => case.sdk_ran(device, session),
                    _ => false,
                };
                match ran {
                    true => report.broken(
                        event,
                        format!("The click that led to it ({click}) has not arrived."),
                    ),
                    false => report.explained(
                        event,
                        "The click that led to it is not told of: the SDK never ran there.",
                    ),
                }
            }
        }
    }
}

/// By what an event and its cause belong together.
#[derive(Clone, Copy)]
enum By {
    /// The same subscription.
    Subscription,
    /// The same subscription and the same moment of cancellation.
    Round,
    /// The same person.
    Person,
}

/// An event, and what must have come before it: one of these.
const STEPS: [(&str, By, &[&str]); 13] = [
    (TrialCanceled::NAME, By::Subscription, &[TrialStarted::NAME]),
    (TrialResumed::NAME, By::Subscription, &[TrialStarted::NAME]),
    (TrialResumed::NAME, By::Round, &[TrialCanceled::NAME]),
    (TrialConverted::NAME, By::Subscription, &[TrialStarted::NAME]),
    (TrialExpiration::NAME, By::Subscription, &[TrialStarted::NAME]),
    // Stripe calls a subscription active for an hour before it has collected anything.
    (SubscriptionCanceled::NAME, By::Subscription, BEGINNINGS),
    (SubscriptionResumed::NAME, By::Subscription, BEGINNINGS),
    (
        SubscriptionResumed::NAME,
        By::Round,
        &[SubscriptionCanceled::NAME, TrialCanceled::NAME],
    ),
    (SubscriptionExpiration::NAME, By::Subscription, PAID),
    (SubscriptionRenewal::NAME, By::Person, PAID),
    (SubscriptionChanged::NAME, By::Person, BEGINNINGS),
    (PaymentFailure::NAME, By::Person, BEGINNINGS),
    (SubscriptionRefund::NAME, By::Person, PAID),
];
const BEGINNINGS: &[&str] = &[TrialStarted::NAME, SubscriptionStarted::NAME];
const PAID: &[&str] = &[TrialConverted::NAME, SubscriptionStarted::NAME];

fn steps_in_order(case: &Case<'_>, report: &mut Report) {
    for event in case.events.iter().filter(|event| event.source != Source::Browser) {
        for (_, by, causes) in STEPS.iter().filter(|(name, ..)| *name == event.name) {
            report.checked += 1;
            let key = key_of(event.insert_id.as_deref(), *by);
            let cause = case.events.iter().find(|cause| {
                causes.contains(&cause.name.as_str()) && key_of(cause.insert_id.as_deref(), *by) == key
            });
            let what = causes.join(" or ");
            match cause {
                Some(cause) => before(report, cause, event, &what),
                None => missing(case, report, event, &what, |id| {
                    causes.iter().any(|cause| id.starts_with(&fact_of(cause))) && key_of(Some(id), *by) == key
                }),
            }
        }
    }
}

/// The part of an insert ID that says what it is about: `trial-canceled:<subscription>:<canceled_at>`.
fn key_of(insert_id: Option<&str>, by: By) -> Option<&str> {
    let (_, subject) = insert_id?.split_once(':')?;
    match by {
        By::Subscription => Some(
            subject
                .split_once(':')
                .map_or(subject, |(subscription, _)| subscription),
        ),
        By::Round => Some(subject),
        By::Person => Some(""),
    }
}

/// `Trial started` as the beginning of its insert ID.
fn fact_of(name: &str) -> String {
    format!("{}:", name.to_ascii_lowercase().replace(' ', "-"))
}

/// Stripe's moments are cut to the second; a jump of its stand-in's clock can follow a click within one.
const STRIPE_TICK_MS: i64 = 1_000;

fn before(report: &mut Report, cause: &ReceivedEvent, event: &ReceivedEvent, what: &str) {
    let early_ms = cause.time_ms - event.time_ms;
    let by = |source| [cause, event].iter().any(|event| event.source == source);
    if early_ms <= 0 {
    } else if by(Source::Browser) && early_ms <= CLOCK_SLACK_MS {
        let reason =
            format!("{early_ms} ms before {what}: below a second the browser's clock is not corrected.");
        report.explained(event, reason);
    } else if event.source == Source::Stripe && early_ms < STRIPE_TICK_MS {
        let reason = format!("{early_ms} ms before {what}: Stripe tells its moments in whole seconds.");
        report.explained(event, reason);
    } else {
        report.broken(event, format!("It comes {early_ms} ms before {what}."));
    }
}

/// What should have come before is not there at all.
fn missing(
    case: &Case<'_>,
    report: &mut Report,
    event: &ReceivedEvent,
    what: &str,
    is_it: impl Fn(&str) -> bool,
) {
    if case.cut_off() {
        return;
    }
    let in_outbox = case.facts.undelivered.iter().find(|row| is_it(&row.insert_id));
    match in_outbox.map(|row| row.parked.as_deref()) {
        Some(None) => report.explained(event, format!("It needs {what} before it, which is on its way.")),
        Some(Some(reason)) if !case.facts.untracked_before(event.time_ms) => {
            report.broken(
                event,
                format!("It needs {what} before it, which was not sent: {reason}."),
            );
        }
        _ if case.facts.untracked_before(event.time_ms) => {
            report.explained(
                event,
                format!("It needs {what} before it; tracking was not agreed to then."),
            );
        }
        _ => report.broken(event, format!("It needs {what} before it, and there is none.")),
    }
}
