//! The rule "one person".

use super::RuleReport;
use super::event_index::EventIndex;

/// All events with a user ID have the same one. Events from before the first sign-in have none.
pub(super) fn one_person(index: &EventIndex<'_>) -> RuleReport {
    let mut report = RuleReport {
        checked: index.events.len(),
        ..RuleReport::default()
    };
    let Some(first) = index.events.iter().find_map(|event| event.user.as_deref()) else {
        return report;
    };
    for event in &index.events {
        if let Some(user) = event.user.as_deref().filter(|&user| user != first) {
            report.broken(
                event,
                format!("This event belongs to user {user}; the timeline is that of user {first}."),
            );
        }
    }
    report
}
