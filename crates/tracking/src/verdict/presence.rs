//! Who was there: present events lie in their browser's session, system events in none.

use super::Report;
use super::case::{Case, is_live};
use crate::presence::StitchedBy;
use crate::received::{ReceivedEvent, Source};

/// A present event that says that it knows its session lies in one that the browser is part of. Without a single event of
/// the browser's it may be right all the same: where the SDK never ran, nobody else has told of that session.
pub(super) fn present_in_session(case: &Case<'_>) -> Report {
    let mut report = Report::default();
    for event in case.present() {
        let Some(by) = event.stitched_by else {
            report.checked += 1;
            report.broken(event, "It does not say how it got its IDs.");
            continue;
        };
        if !is_live(by) {
            continue;
        }
        report.checked += 1;
        let (Some(device), Some(session)) = (case.own_device(event), event.session) else {
            report.broken(
                event,
                "It says that it knows its browser, and carries no device or no session.",
            );
            continue;
        };
        let browser_is_there = case.sessions[&session]
            .iter()
            .any(|event| event.source == Source::Browser);
        if browser_is_there {
            continue;
        }
        let elsewhere = case.browser_session_at(device, event.time_ms);
        if let Some(elsewhere) = elsewhere {
            let reason = format!(
                "It lies in session {session}; its browser was in session {elsewhere} at that moment."
            );
            report.broken(event, reason);
        } else if case.sdk_ran(device, session) {
            let reason =
                format!("The SDK ran in session {session}, and none of the browser's events has arrived.");
            report.broken(event, reason);
        } else {
            let reason = format!("The SDK never ran in session {session}: no script, or a blocker.");
            report.explained(event, reason);
        }
    }
    report
}

/// A system event has neither. Amplitude gives an event without a device one made of the user ID; that one is not ours.
pub(super) fn system_without_ids(case: &Case<'_>) -> Report {
    let mut report = Report::default();
    for event in case.system() {
        report.checked += 1;
        if let Some(reason) = wrong_with_system(case, event) {
            report.broken(event, reason);
        }
    }
    report
}

fn wrong_with_system<'a>(case: &Case<'a>, event: &'a ReceivedEvent) -> Option<String> {
    if let Some(session) = event.session {
        return Some(format!("Nobody was there, and it lies in session {session}."));
    }
    if let Some(device) = case.own_device(event) {
        return Some(format!("Nobody was there, and it carries the device {device}."));
    }
    (event.stitched_by != Some(StitchedBy::NoneByRule))
        .then(|| "Nobody was there, and it does not say that it has no IDs by rule.".to_owned())
}
