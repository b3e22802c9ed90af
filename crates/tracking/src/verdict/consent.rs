//! The rule "no event after consent was denied".

use super::RuleReport;
use super::event_index::{CLOCK_SLACK_MS, EventIndex};
use crate::consent::Consent;
use crate::received::Source;

/// No event happened between a denial of tracking and the next grant. Events from before the denial may arrive later.
pub(super) fn nothing_without_consent(index: &EventIndex<'_>) -> RuleReport {
    let mut report = RuleReport::default();
    if index.facts.consent.is_empty() {
        return report;
    }
    for event in &index.events {
        report.checked += 1;
        let Some(change) = index.facts.consent_at(event.time_ms) else {
            continue;
        };
        if change.consent.is_granted() {
            continue;
        }
        debug_assert_eq!(change.consent, Consent::Denied);
        let late_ms = event.time_ms - change.at_ms;
        if event.source == Source::Browser && late_ms <= CLOCK_SLACK_MS {
            report.explained(
                event,
                format!("This event happened {late_ms} ms after tracking was denied; the browser's clock can be off by a second."),
            );
        } else {
            report.broken(
                event,
                format!(
                    "This event happened {} s after tracking was denied.",
                    late_ms / 1_000
                ),
            );
        }
    }
    report
}
