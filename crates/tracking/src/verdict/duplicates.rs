//! Everything is counted once.

use super::Report;
use super::case::Case;
use crate::received::Source;

/// No insert ID stands on two events. Amplitude drops a repeat on the same device for seven days; one that came later, or
/// on another device, is counted again. A server event without one could not be told from its repeat.
pub(super) fn no_duplicates(case: &Case<'_>) -> Report {
    let mut report = Report {
        checked: case.events.len(),
        ..Report::default()
    };
    for events in case.by_insert_id.values() {
        let [first, repeats @ ..] = events.as_slice() else {
            continue;
        };
        for repeat in repeats {
            let reason = match repeat.device == first.device {
                true => "The same event was counted before, on the same device.".to_owned(),
                false => "The same event was counted before, on another device.".to_owned(),
            };
            report.broken(repeat, reason);
        }
    }
    for event in &case.events {
        if event.source != Source::Browser && event.insert_id.is_none() {
            report.broken(event, "It has no insert ID, so a repeat would be counted again.");
        }
    }
    report
}
