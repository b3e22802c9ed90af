//! The rule "one first touch".

use super::RuleReport;
use super::event_index::EventIndex;
use crate::touch::Touch;

/// How far apart the first touches of server and SDK may be, in ms, if they are of the same page: the script loads after the
/// document, and its clock is corrected to within a minute.
const SAME_PAGE_MS: i64 = 120_000;

/// The SDK's attribution sets the first touch on the person, and so does the server. Where both recorded it from the same
/// page, they agree. The first browser event of the device shows what the SDK has set.
pub(super) fn one_first_touch(index: &EventIndex<'_>) -> RuleReport {
    let mut report = RuleReport::default();
    let Some(first) = &index.facts.first_touch else {
        return report;
    };
    let of_device = |device: &Option<String>| device.as_deref() == Some(first.device.as_str());
    let mut events = index.of_browser().filter(|event| of_device(&event.device));
    let Some((event, theirs)) =
        events.find_map(|event| Some((event, Touch::of_user_properties(&event.user_properties)?)))
    else {
        return report;
    };
    report.checked += 1;
    let ours = first.touch.clone().without_landing_page();
    if theirs == ours {
        return report;
    }
    let labels = format!(
        "The server recorded “{}”, the SDK “{}”",
        ours.label(),
        theirs.label()
    );
    if index.is_cut_off() {
        report.explained(event, format!("{labels}. Older events were not read."));
    } else if event.time_ms < first.at_ms - SAME_PAGE_MS {
        report.explained(
            event,
            format!("{labels}: the SDK knew this browser before the server recorded touches."),
        );
    } else if event.time_ms > first.at_ms + SAME_PAGE_MS {
        report.explained(event, format!("{labels}: the SDK did not run on the first page."));
    } else {
        report.broken(event, format!("{labels}, both from the first page."));
    }
    report
}
