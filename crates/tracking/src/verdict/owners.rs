//! Each event has one owner.

use super::Report;
use super::case::Case;
use crate::client::ClientEvent;
use crate::received::{ReceivedEvent, Source};
use crate::server;

/// Names that belong to the SDK and to Amplitude.
const SDKS_OWN: [&str; 3] = ["[Amplitude]", "$", "session_"];

/// Client names come from the browser, server names from the server, and revenue from the server alone.
pub(super) fn one_owner(case: &Case<'_>) -> Report {
    let mut report = Report {
        checked: case.events.len(),
        ..Report::default()
    };
    for event in &case.events {
        if let Some(reason) = wrong_owner(event) {
            report.broken(event, reason);
        }
    }
    report
}

fn wrong_owner(event: &ReceivedEvent) -> Option<&'static str> {
    let name = event.name.as_str();
    let of_sdk = SDKS_OWN.iter().any(|prefix| name.starts_with(prefix));
    let of_browser = of_sdk || ClientEvent::NAMES.contains(&name);
    let of_server = server::NAMES.contains(&name);
    match event.source {
        _ if !of_browser && !of_server => Some("Nobody owns an event of this name."),
        Source::Browser if of_server => Some("The server owns this event, and the browser sent it."),
        Source::Browser if event.properties.contains_key("$revenue") => {
            Some("It carries revenue, which the server alone may say.")
        }
        Source::Server | Source::Stripe if !of_server => {
            Some("The browser owns this event, and the server sent it.")
        }
        _ => None,
    }
}
