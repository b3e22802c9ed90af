//! The rule "one owner per event".

use super::RuleReport;
use super::event_index::EventIndex;
use crate::client::ClientEvent;
use crate::received::{ReceivedEvent, Source};
use crate::server;

/// Prefixes of event names that belong to the SDK and to Amplitude.
const SDK_PREFIXES: [&str; 3] = ["[Amplitude]", "$", "session_"];

/// The browser sends only browser events, the server sends only server events, and only server events have revenue.
pub(super) fn one_owner(index: &EventIndex<'_>) -> RuleReport {
    let mut report = RuleReport {
        checked: index.events.len(),
        ..RuleReport::default()
    };
    for event in &index.events {
        if let Some(reason) = wrong_owner(event) {
            report.broken(event, reason);
        }
    }
    report
}

fn wrong_owner(event: &ReceivedEvent) -> Option<&'static str> {
    let name = event.name.as_str();
    let of_sdk = SDK_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    let of_browser = of_sdk || ClientEvent::NAMES.contains(&name);
    let of_server = server::NAMES.contains(&name);
    match event.source {
        _ if !of_browser && !of_server => Some("No event of the tracking plan has this name."),
        Source::Browser if of_server => Some("The browser sent this server event."),
        Source::Browser if event.properties.contains_key("$revenue") => {
            Some("The browser sent revenue, which only server events may have.")
        }
        Source::Server | Source::Stripe if !of_server => Some("The server sent this browser event."),
        _ => None,
    }
}
