//! The rules "present events inside a browser session" and "system events without device and session".

use super::RuleReport;
use super::event_index::{EventIndex, knows_session};
use crate::presence::StitchedBy;
use crate::received::{ReceivedEvent, Source};

/// A present event with a known session is in a session with browser events. A session without browser events is explained
/// if the SDK never ran there.
pub(super) fn present_in_session(index: &EventIndex<'_>) -> RuleReport {
    let mut report = RuleReport::default();
    for event in index.present() {
        let Some(by) = event.stitched_by else {
            report.checked += 1;
            report.broken(event, "This event has no `stitched_by`.");
            continue;
        };
        if !knows_session(by) {
            continue;
        }
        report.checked += 1;
        let (Some(device), Some(session)) = (index.own_device(event), event.session) else {
            report.broken(
                event,
                "The browser is known by `stitched_by`, but device or session is missing.",
            );
            continue;
        };
        let has_browser_events = index.sessions[&session]
            .iter()
            .any(|event| event.source == Source::Browser);
        if has_browser_events {
            continue;
        }
        let other = index.browser_session_at(device, event.time_ms);
        if let Some(other) = other {
            let reason = format!(
                "This event is in session {session}, but its browser was in session {other} at that time."
            );
            report.broken(event, reason);
        } else if index.sdk_ran(device, session) {
            let reason = format!("The SDK ran in session {session}, but no browser event arrived.");
            report.broken(event, reason);
        } else {
            let reason = format!("The SDK never ran in session {session}: no script, or a blocker.");
            report.explained(event, reason);
        }
    }
    report
}

/// A system event has no device and no session. A device ID that Amplitude derived from the user ID is ignored.
pub(super) fn system_without_ids(index: &EventIndex<'_>) -> RuleReport {
    let mut report = RuleReport::default();
    for event in index.system() {
        report.checked += 1;
        if let Some(reason) = unexpected_ids(index, event) {
            report.broken(event, reason);
        }
    }
    report
}

fn unexpected_ids<'a>(index: &EventIndex<'a>, event: &'a ReceivedEvent) -> Option<String> {
    if let Some(session) = event.session {
        return Some(format!("This is a system event, but it has session {session}."));
    }
    if let Some(device) = index.own_device(event) {
        return Some(format!("This is a system event, but it has device {device}."));
    }
    (event.stitched_by != Some(StitchedBy::NoneByRule))
        .then(|| "This is a system event, but its `stitched_by` is not \"none by rule\".".to_owned())
}
