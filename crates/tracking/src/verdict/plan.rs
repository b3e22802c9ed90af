//! Each event is as the tracking plan has it.

use super::Report;
use super::case::Case;

/// What was said of the event when it arrived. Only the stand-in checks; elsewhere there is nothing to hold.
pub(super) fn plan_valid(case: &Case<'_>) -> Report {
    let mut report = Report::default();
    for event in &case.events {
        let Some(plan) = event.plan.as_deref() else {
            continue;
        };
        match plan {
            // The SDK's own events, which the plan does not speak of.
            "unchecked" => {}
            "valid" => report.checked += 1,
            wrong => {
                report.checked += 1;
                report.broken(event, format!("Against the tracking plan it is {wrong}."));
            }
        }
    }
    report
}
