//! The time of a webhook's event. Stripe's times are whole seconds and its clock differs from ours, so an event could seem
//! to happen before its cause. The time is decided when the event is written.

use tracking::causes::{ReportedEvent, earliest_ms};
use tracking::server::{ServerEventKind, server_event_kind};
use tracking::{EventPayload as _, ServerEvent, SubscriptionExpiration, TrialExpiration};

use super::store::ClickAction;

/// Stripe's time of a change is at most this much earlier than the change, in ms.
const STRIPE_RESOLUTION_MS: i64 = 1_000;

/// The event, later than each of its causes: 1 ms after the newest of those that were reported before (`reported`), and for
/// a system event 2 ms after the clicks of the same second that may have caused it (`clicks`, with their times in ms since
/// the epoch). The event of a click comes 1 ms after it, but its webhook may arrive later: so the order does not depend on
/// the order of webhooks.
pub(super) fn after_causes(
    event: ServerEvent,
    clicks: &[(ClickAction, i64)],
    reported: &[ReportedEvent],
) -> ServerEvent {
    let is_system = server_event_kind(event.name()) == Some(ServerEventKind::System);
    let second_end_ms = event.time_ms().saturating_add(STRIPE_RESOLUTION_MS);
    let after_click_ms = clicks
        .iter()
        .filter(|(action, click_ms)| {
            is_system && may_cause(*action, event.name()) && *click_ms < second_end_ms
        })
        .map(|(_, click_ms)| click_ms)
        .max()
        .map(|click_ms| click_ms.saturating_add(2));
    let after_reported_ms = earliest_ms(event.name(), event.insert_id().as_str(), reported);
    match after_click_ms.max(after_reported_ms) {
        Some(earliest_ms) => event.not_before(earliest_ms),
        None => event,
    }
}

/// Whether a click may come before a system event of this name in one second. An order begins the subscription that the
/// event is about; a cancellation may end it at once. A cancellation in the second of a payment comes after it.
fn may_cause(action: ClickAction, event: &str) -> bool {
    match action {
        ClickAction::Checkout => true,
        ClickAction::Cancel => [SubscriptionExpiration::NAME, TrialExpiration::NAME].contains(&event),
        ClickAction::Resume | ClickAction::Change => false,
    }
}

#[cfg(test)]
mod tests {
    use tracking::{PollExpiration, SignUpCompleted, UserId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn case_25_a_system_event_is_later_than_clicks_of_its_second_and_than_its_causes() {
        let user = UserId::parse("019aa5c4-0000-7000-8000-000000000001").unwrap();
        let event = PollExpiration {
            poll_id: Uuid::nil(),
            closes_at_ms: 0,
            vote_count: 0,
        };
        let signed_up = |time_ms| ReportedEvent {
            name: SignUpCompleted::NAME.to_owned(),
            insert_id: format!("sign-up:{user}"),
            time_ms,
        };
        let rows: [(&str, &[i64], &[i64], i64); 7] = [
            ("no cause", &[], &[], 10_000),
            ("causes before it", &[9_000], &[8_000], 10_000),
            ("a click in its second", &[10_850], &[], 10_852),
            (
                "of several clicks the newest of its second",
                &[9_000, 10_999, 11_000],
                &[],
                11_001,
            ),
            ("a later click", &[11_000], &[], 10_000),
            ("a reported cause in its second", &[], &[10_800], 10_801),
            ("a reported cause by a faster clock", &[10_100], &[13_000], 13_001),
        ];
        for (why, clicks_ms, sign_ups_ms, expected_ms) in rows {
            let event = ServerEvent::system(user, &event, 10_000);
            let insert_id = event.insert_id().clone();
            let reported: Vec<_> = sign_ups_ms.iter().copied().map(signed_up).collect();
            let clicks: Vec<_> = clicks_ms.iter().map(|ms| (ClickAction::Checkout, *ms)).collect();
            let event = after_causes(event, &clicks, &reported);
            assert_eq!(event.time_ms(), expected_ms, "{why}");
            assert_eq!(event.insert_id(), &insert_id, "{why}");
        }
    }

    #[test]
    fn a_system_event_waits_only_for_clicks_that_may_cause_it() {
        for (action, event, expected) in [
            (ClickAction::Checkout, "Trial converted", true),
            (ClickAction::Cancel, "Trial converted", false),
            (ClickAction::Cancel, "Subscription renewal", false),
            (ClickAction::Cancel, "Subscription expiration", true),
            (ClickAction::Cancel, "Trial expiration", true),
            (ClickAction::Resume, "Subscription renewal", false),
            (ClickAction::Change, "Subscription renewal", false),
        ] {
            assert_eq!(may_cause(action, event), expected, "{action:?}, {event}");
        }
    }
}
