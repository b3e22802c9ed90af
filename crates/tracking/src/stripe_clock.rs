//! Detects an advanced Stripe clock: a test clock, or the clock of the stand-in. Pure.
//!
//! A webhook event has the real time at which Stripe created it. The payment or the end of a subscription that it reports
//! has a time by the subscription's clock. If the two are days apart, that clock was advanced.

use serde_json::Value;

use crate::facts::TimelineFacts;
use crate::received::{ReceivedEvent, Source};

const DAY_MS: i64 = 86_400_000;

/// The smallest difference that counts as an advanced clock, in ms. Webhooks can be hours late, and clocks are advanced by
/// at least a day.
const MIN_ADVANCE_MS: i64 = DAY_MS / 2;

/// How many days the subscription's clock was ahead of real time when this event happened. `None` if it was not advanced,
/// or if the event is neither a payment nor the end of a subscription.
pub fn days_ahead(event: &ReceivedEvent, facts: &TimelineFacts) -> Option<i64> {
    if event.source != Source::Stripe {
        return None;
    }
    let invoice = event.properties.get("invoice").and_then(Value::as_str);
    let payment =
        invoice.and_then(|invoice| facts.payments.iter().find(|payment| payment.invoice == invoice));
    let ended = || {
        let (what, subscription) = event.insert_id.as_deref()?.split_once(':')?;
        let end = facts
            .ended_subscriptions
            .iter()
            .find(|end| end.subscription == subscription)?;
        what.ends_with("-expiration").then_some(end.ended_at_ms)
    };
    let at_ms = payment.map(|payment| payment.paid_at_ms).or_else(ended)?;
    let ahead = at_ms - event.time_ms;
    (ahead >= MIN_ADVANCE_MS).then_some((ahead + MIN_ADVANCE_MS) / DAY_MS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::facts::{EndedSubscription, PaymentRecord};
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
        ReceivedEvent::from_export(raw).unwrap()
    }

    fn facts(paid_at_ms: i64, ended_at_ms: i64) -> TimelineFacts {
        TimelineFacts {
            payments: vec![PaymentRecord {
                invoice: "in_1".into(),
                account: UserId::new(uuid::Uuid::nil()),
                amount: Money::new(1_200, Currency::parse("usd").unwrap()),
                paid_at_ms,
            }],
            ended_subscriptions: vec![EndedSubscription {
                subscription: "sub_1".into(),
                ended_at_ms,
            }],
            ..TimelineFacts::default()
        }
    }

    #[test]
    fn an_advanced_clock_is_detected_from_payments_and_ends() {
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
            ("a trial conversion", &paid, hours(72), NOON, Some(3)),
            ("a second late", &paid, NOON - 1_000, NOON, None),
            ("clock not advanced", &paid, hours(1), hours(72), None),
            ("a renewal", &paid, hours(33 * 24 + 1), NOON, Some(33)),
            ("an expiration", &ended, NOON, hours(73), Some(3)),
            ("an expiration, clock not advanced", &ended, NOON, NOON, None),
            (
                "another event of the subscription",
                &other,
                hours(72),
                hours(72),
                None,
            ),
            ("a browser event", &browser, hours(72), hours(72), None),
        ] {
            assert_eq!(days_ahead(event, &facts(paid_at, ended_at)), expected, "{what}");
        }
        assert_eq!(days_ahead(&paid, &TimelineFacts::default()), None, "no facts");
    }
}
