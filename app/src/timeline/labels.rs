//! Texts of the timeline: counts, durations and sentences.

use tracking::StitchedBy;
use tracking::received::Source;

/// `1 event`, `50,000 events`.
pub(super) fn counted(count: u64, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{} {one}s", grouped(count)),
    }
}

/// `50,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1:04 min`, `2:10 h`, `3 days`.
pub(super) fn duration(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..3_600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        3_600..172_800 => format!("{}:{:02} h", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// How a server event got its device and session.
pub(super) const fn stitching(by: StitchedBy) -> &'static str {
    match by {
        StitchedBy::SdkCookie => {
            "Device from our cookie, session from the cookie of Amplitude's SDK in the same request."
        }
        StitchedBy::ServerSession => {
            "Device and session from our own cookies: the SDK has not run in this session."
        }
        StitchedBy::CheckoutHandoff => "Device and session of the click, carried through Stripe in metadata.",
        StitchedBy::PortalVisit => {
            "Device and session of the visit to Stripe's portal, stored before the redirect."
        }
        StitchedBy::StaleHandoff => {
            "The click is older than the session timeout: its device, without its session."
        }
        StitchedBy::NoneKnown => "A user caused this event, but the browser is not known: user ID only.",
        StitchedBy::NoneByRule => "No user was present, so the event has no device and no session, by rule.",
    }
}

/// Where the context of an event comes from.
pub(super) const fn context_source(source: Source, by: Option<StitchedBy>) -> &'static str {
    match (source, by) {
        (Source::Browser, _) => "Context collected by the SDK",
        (_, Some(StitchedBy::CheckoutHandoff | StitchedBy::PortalVisit)) => {
            "Context of the click, recorded before the redirect to Stripe"
        }
        _ => "Context of the request",
    }
}

/// Why an event has no context.
pub(super) const fn no_context(by: Option<StitchedBy>) -> &'static str {
    match by {
        Some(StitchedBy::NoneByRule) => "No context, by rule: no user was present.",
        Some(StitchedBy::StaleHandoff) => "No context: the click is older than the session timeout.",
        Some(StitchedBy::NoneKnown) => "No context: the browser is not known.",
        _ => "No context was recorded.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        let texts = [0, 7, 999, 1_000, 50_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "7", "999", "1,000", "50,000", "1,234,567"]);
        assert_eq!(counted(1, "event"), "1 event");
        assert_eq!(counted(1_000, "event"), "1,000 events");
    }

    #[test]
    fn durations_have_the_unit_that_fits() {
        for (ms, text) in [
            (0, "0:00 min"),
            (64_999, "1:04 min"),
            (7_800_000, "2:10 h"),
            (300_000_000, "3 days"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }
}
