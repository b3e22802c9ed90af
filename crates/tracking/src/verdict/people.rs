//! Whose story it is.

use super::Report;
use super::case::Case;

/// One user. Events from before anybody signed in have none; a second user is a second person, whatever they share.
pub(super) fn one_person(case: &Case<'_>) -> Report {
    let mut report = Report {
        checked: case.events.len(),
        ..Report::default()
    };
    let Some(first) = case.events.iter().find_map(|event| event.user.as_deref()) else {
        return report;
    };
    for event in &case.events {
        if let Some(user) = event.user.as_deref().filter(|&user| user != first) {
            report.broken(
                event,
                format!("It belongs to the user {user}; the story is that of {first}."),
            );
        }
    }
    report
}
