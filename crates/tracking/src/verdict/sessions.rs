//! Sessions end where the visit ended.

use super::Report;
use super::case::Case;
use crate::received::{ReceivedEvent, Source};
use crate::session::TIMEOUT_MS;

/// A server event lies within the timeout after something else of its session: the session's start, an earlier event, a
/// handoff on the way to Stripe. One that comes later makes the visit longer than it was, and Amplitude leaves sessions
/// of more than a day out of its session charts.
pub(super) fn no_stretched_session(case: &Case<'_>) -> Report {
    let mut report = Report::default();
    for (&session, events) in &case.sessions {
        for (place, event) in events.iter().enumerate() {
            if event.source == Source::Browser {
                continue;
            }
            report.checked += 1;
            let idle = event.time_ms - last_activity(case, session, &events[..place], event);
            if idle <= TIMEOUT_MS {
                continue;
            }
            let minutes = idle / 60_000;
            let seen = event
                .device
                .as_deref()
                .is_some_and(|device| case.sdk_ran(device, session));
            if seen {
                let reason =
                    format!("It stretches session {session} by {minutes} minutes after its last activity.");
                report.broken(event, reason);
            } else {
                let reason = format!(
                    "{minutes} minutes after the last event of session {session}: the SDK never ran there, so nobody tells of the pages between."
                );
                report.explained(event, reason);
            }
        }
    }
    report
}

/// The last thing that is known to have happened in the session until the event.
fn last_activity(case: &Case<'_>, session: i64, earlier: &[&ReceivedEvent], event: &ReceivedEvent) -> i64 {
    let handoffs = case.facts.handoffs.iter();
    let handoffs = handoffs
        .filter(|handoff| handoff.session.is_some_and(|own| own.ms() == session))
        .map(|handoff| handoff.at_ms);
    earlier
        .iter()
        .map(|earlier| earlier.time_ms)
        .chain(handoffs)
        .filter(|&moment| moment <= event.time_ms)
        .max()
        // With nothing before it, it is the first event, and the session's start is all that is known.
        .unwrap_or(session.min(event.time_ms))
}
