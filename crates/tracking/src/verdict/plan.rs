//! The rule "plan valid".

use super::RuleReport;
use super::event_index::EventIndex;

/// Each event is valid by the tracking plan. Only the stand-in validates events; with Amplitude nothing is checked.
pub(super) fn plan_valid(index: &EventIndex<'_>) -> RuleReport {
    let mut report = RuleReport::default();
    for event in &index.events {
        let Some(plan) = event.plan.as_deref() else {
            continue;
        };
        match plan {
            // The SDK's own events, which the plan does not contain.
            "unchecked" => {}
            "valid" => report.checked += 1,
            invalid => {
                report.checked += 1;
                report.broken(event, format!("By the tracking plan this event is {invalid}."));
            }
        }
    }
    report
}
