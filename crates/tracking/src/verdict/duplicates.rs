//! The rule "no duplicates".

use super::RuleReport;
use super::event_index::EventIndex;
use crate::received::Source;

/// No two events have the same insert ID, and every server event has one. Amplitude drops a repeated event of the same
/// device for seven days; a later repeat, or one of another device, is counted again.
pub(super) fn no_duplicates(index: &EventIndex<'_>) -> RuleReport {
    let mut report = RuleReport {
        checked: index.events.len(),
        ..RuleReport::default()
    };
    for events in index.by_insert_id.values() {
        let [first, repeats @ ..] = events.as_slice() else {
            continue;
        };
        for repeat in repeats {
            let reason = match repeat.device == first.device {
                true => "This event was counted before, on the same device.".to_owned(),
                false => "This event was counted before, on another device.".to_owned(),
            };
            report.broken(repeat, reason);
        }
    }
    for event in &index.events {
        if event.source != Source::Browser && event.insert_id.is_none() {
            report.broken(
                event,
                "This event has no insert ID, so a repeat would be counted again.",
            );
        }
    }
    report
}
