//! The rule "no stretched session".

use super::RuleReport;
use super::event_index::EventIndex;
use crate::received::{ReceivedEvent, Source};
use crate::session::TIMEOUT_MS;

/// A server event comes at most the session timeout after an earlier activity of its session: the session's start, an
/// event or a handoff. A later event makes the session longer than it was, and Amplitude excludes sessions of more than a
/// day from its session charts.
pub(super) fn no_stretched_session(index: &EventIndex<'_>) -> RuleReport {
    let mut report = RuleReport::default();
    for (&session, events) in &index.sessions {
        for (place, event) in events.iter().enumerate() {
            if event.source == Source::Browser {
                continue;
            }
            report.checked += 1;
            let idle_ms = event.time_ms - last_activity(index, session, &events[..place], event);
            if idle_ms <= TIMEOUT_MS {
                continue;
            }
            let minutes = idle_ms / 60_000;
            let sdk_ran = event
                .device
                .as_deref()
                .is_some_and(|device| index.sdk_ran(device, session));
            if sdk_ran {
                let reason = format!(
                    "This event extends session {session}, {minutes} minutes after its last activity."
                );
                report.broken(event, reason);
            } else {
                let reason = format!(
                    "This event comes {minutes} minutes after the last event of session {session}. The SDK never ran there, so page views are missing."
                );
                report.explained(event, reason);
            }
        }
    }
    report
}

/// Time of the last known activity in the session before the event, in ms since the epoch.
fn last_activity(
    index: &EventIndex<'_>,
    session: i64,
    earlier: &[&ReceivedEvent],
    event: &ReceivedEvent,
) -> i64 {
    let handoffs = index.facts.handoffs.iter();
    let handoffs = handoffs
        .filter(|handoff| handoff.session.is_some_and(|own| own.ms() == session))
        .map(|handoff| handoff.at_ms);
    earlier
        .iter()
        .map(|earlier| earlier.time_ms)
        .chain(handoffs)
        .filter(|&at_ms| at_ms <= event.time_ms)
        .max()
        // Without an earlier activity, use the session's start.
        .unwrap_or(session.min(event.time_ms))
}
