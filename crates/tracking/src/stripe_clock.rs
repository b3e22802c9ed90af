//! Stripe's clock, where it was moved: a test clock, or the stand-in's. Pure.
//!
//! A webhook's event has the moment at which Stripe made it, by everybody's clock. What it reports has a moment of its own, by
//! the clock that moves the subscription. Where the two are days apart, that clock was moved.

use serde_json::Value;

use crate::received::{ReceivedEvent, Source};
use crate::verdict::Facts;

const DAY_MS: i64 = 86_400_000;

/// The nearest of what is taken for a moved clock, in ms: a webhook may be late by hours, and a day is the shortest jump that
/// tells something.
const MOVED_MS: i64 = DAY_MS / 2;

/// How many days ahead of everybody's the clock stood that moves the subscription, when it brought this event about. `None`: it
/// was not moved, or it is not known: payments and ends of subscriptions are.
pub fn days_ahead(event: &ReceivedEvent, facts: &Facts) -> Option<i64> {
    if event.source != Source::Stripe {
        return None;
    }
    let invoice = event.properties.get("invoice").and_then(Value::as_str);
    let payment =
        invoice.and_then(|invoice| facts.payments.iter().find(|payment| payment.invoice == invoice));
    let ended = || {
        let (what, subscription) = event.insert_id.as_deref()?.split_once(':')?;
        let end = facts.ends.iter().find(|end| end.subscription == subscription)?;
        what.ends_with("-expiration").then_some(end.ended_at_ms)
    };
    let at_ms = payment.map(|payment| payment.paid_at_ms).or_else(ended)?;
    let ahead = at_ms - event.time_ms;
    (ahead >= MOVED_MS).then_some((ahead + MOVED_MS) / DAY_MS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::verdict::{Ended, Payment};
    use crate::{Currency, Money, UserId};

    /// `2026-11-18 11:06:40`.
    const NOON: i64 = 1_795_000_000_000;

    fn event(name: &str, insert_id: &str, properties: Value) -> ReceivedEvent {
        let raw = json!({
            "uuid": name,
            "event_type": name,
            "event_time": "2026-11-18 11:06:40.000000",
            "$insert_id": insert_id,
            "event_properties": properties,
            "library": "seamline-server/0.1.0",
        });
        ReceivedEvent::from_export(&raw).unwrap()
    }

    fn facts(paid_at_ms: i64, ended_at_ms: i64) -> Facts {
        Facts {
            payments: vec![Payment {
                invoice: "in_1".into(),
                account: UserId::new(uuid::Uuid::nil()),
                amount: Money::new(1_200, Currency::parse("usd").unwrap()),
                paid_at_ms,
            }],
            ends: vec![Ended {
                subscription: "sub_1".into(),
                ended_at_ms,
            }],
            ..Facts::default()
        }
    }

    #[test]
    fn a_clock_that_was_moved_tells_its_day() {
        let paid = event(
            "Trial converted",
            "trial-converted:sub_1",
            json!({"stripe_event": "evt_1", "invoice": "in_1"}),
        );
        let ended = event(
            "Trial expiration",
            "trial-expiration:sub_1",
            json!({"stripe_event": "evt_2"}),
        );
        let other = event(
            "Trial canceled",
            "trial-canceled:sub_1:1",
            json!({"stripe_event": "evt_3"}),
        );
        let browser = event("Page", "page", json!({"invoice": "in_1"}));
        let hours = |hours: i64| NOON + hours * 3_600_000;
        for (what, event, paid_at, ended_at, expected) in [
            ("a trial's end", &paid, hours(72), NOON, Some(3)),
            ("a second late", &paid, NOON - 1_000, NOON, None),
            ("not moved", &paid, hours(1), hours(72), None),
            ("a renewal", &paid, hours(33 * 24 + 1), NOON, Some(33)),
            ("an end", &ended, NOON, hours(73), Some(3)),
            ("an end that was not moved", &ended, NOON, NOON, None),
            ("something else of it", &other, hours(72), hours(72), None),
            ("no event of Stripe's", &browser, hours(72), hours(72), None),
        ] {
            assert_eq!(days_ahead(event, &facts(paid_at, ended_at)), expected, "{what}");
        }
        assert_eq!(days_ahead(&paid, &Facts::default()), None, "nothing is known");
    }
}
