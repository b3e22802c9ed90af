//! Silence where tracking was refused.

use super::Report;
use super::case::{CLOCK_SLACK_MS, Case};
use crate::consent::Consent;
use crate::received::Source;

/// No event lies between a refusal and the next agreement. What happened before may arrive after.
pub(super) fn nothing_without_consent(case: &Case<'_>) -> Report {
    let mut report = Report::default();
    if case.facts.consent.is_empty() {
        return report;
    }
    for event in &case.events {
        report.checked += 1;
        let Some(word) = case.facts.consent_at(event.time_ms) else {
            continue;
        };
        if word.consent.is_granted() {
            continue;
        }
        debug_assert_eq!(word.consent, Consent::Denied);
        let late_ms = event.time_ms - word.at_ms;
        if event.source == Source::Browser && late_ms <= CLOCK_SLACK_MS {
            report.explained(
                event,
                format!("{late_ms} ms after the refusal, by a clock that may be a second off."),
            );
        } else {
            report.broken(
                event,
                format!("It happened {} s after tracking was refused.", late_ms / 1_000),
            );
        }
    }
    report
}
