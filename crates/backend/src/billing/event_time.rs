//! The time of a webhook's event. Stripe's times are whole seconds and its clock differs from ours, so an event could seem
//! to happen before its cause. The time is decided when the event is written.

use tracking::causes::{ReportedEvent, earliest_ms};
use tracking::server::{ServerEventKind, server_event_kind};
use tracking::{EventPayload as _, ServerEvent, SubscriptionExpiration, TrialExpiration};

use super::store::ClickAction;

/// Stripe's time of a change is at most this much earlier than the change, in ms.
const STRIPE_RESOLUTION_MS: i64 = 1_000;

/// The events after which a subscription is neither canceled nor resumed.
const ENDS: [&str; 2] = [SubscriptionExpiration::NAME, TrialExpiration::NAME];

/// The event, later than each of its causes: 1 ms after the newest of those that were reported before (`reported`), and for
/// a system event 2 ms after the clicks of the same second that may have caused it (`clicks`, with their times in ms since
/// the epoch). The event of a click comes 1 ms after it, but its webhook may arrive later: so the order does not depend on
/// the order of webhooks.
pub(super) fn after_causes(
    event: ServerEvent,
    clicks: &[(ClickAction, i64)],
    reported: &[ReportedEvent],
) -> ServerEvent {
    let name = event.name();
    let after_click_ms = match server_event_kind(name) {
        Some(ServerEventKind::System) => causing_click_ms(name, event.time_ms(), clicks),
        _ => None,
    }
    .map(|click_ms| click_ms.saturating_add(2));
    let after_reported_ms = earliest_ms(name, event.insert_id().as_str(), reported);
    match after_click_ms.max(after_reported_ms) {
        Some(earliest_ms) => event.not_before(earliest_ms),
        None => event,
    }
}

/// The time of the newest click that may have caused a system event of this name, from Stripe's time `time_ms`. An order may
/// cause all of them, because it begins the subscription. A cancellation and a resumption are before the end of the
/// subscription, which is neither canceled nor resumed after it. A payment was before a cancellation of the same second,
/// because a canceled subscription has none. For the same reason it was after a resumption, unless the cancellation was in
/// that second too.
fn causing_click_ms(name: &str, time_ms: i64, clicks: &[(ClickAction, i64)]) -> Option<i64> {
    let end_ms = time_ms.saturating_add(STRIPE_RESOLUTION_MS);
    let newest_ms = |action: ClickAction, from_ms: i64| {
        let times_ms = clicks
            .iter()
            .filter(|(of, _)| *of == action)
            .map(|(_, at_ms)| *at_ms);
        times_ms.filter(|at_ms| (from_ms..end_ms).contains(at_ms)).max()
    };
    let ordered_ms = newest_ms(ClickAction::Checkout, i64::MIN);
    let canceled_ms = newest_ms(ClickAction::Cancel, time_ms);
    let resumed_ms = newest_ms(ClickAction::Resume, time_ms);
    let other_ms = match ENDS.contains(&name) {
        true => canceled_ms.max(resumed_ms),
        false => resumed_ms.filter(|resumed_ms| canceled_ms.is_none_or(|at_ms| at_ms > *resumed_ms)),
    };
    ordered_ms.max(other_ms)
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
    fn a_system_event_is_later_only_than_clicks_that_may_cause_it() {
        use ClickAction::{Cancel, Change, Checkout, Resume};
        type Row = (&'static [(ClickAction, i64)], Option<i64>, Option<i64>);
        let rows: [Row; 8] = [
            // clicks, the click before a payment, the click before the end
            (&[(Checkout, 9_000)], Some(9_000), Some(9_000)),
            (
                &[(Checkout, 10_999), (Checkout, 11_000)],
                Some(10_999),
                Some(10_999),
            ),
            (&[(Cancel, 10_500)], None, Some(10_500)),
            (&[(Resume, 10_500)], Some(10_500), Some(10_500)),
            (&[(Cancel, 9_999), (Resume, 10_500)], Some(10_500), Some(10_500)),
            (&[(Cancel, 10_300), (Resume, 10_500)], None, Some(10_500)),
            (&[(Resume, 10_300), (Cancel, 10_500)], Some(10_300), Some(10_500)),
            (&[(Change, 10_500)], None, None),
        ];
        for (clicks, payment, end) in rows {
            let click_ms = |name| causing_click_ms(name, 10_000, clicks);
            assert_eq!(click_ms("Trial converted"), payment, "{clicks:?}");
            assert_eq!(click_ms("Subscription renewal"), payment, "{clicks:?}");
            assert_eq!(click_ms("Trial expiration"), end, "{clicks:?}");
        }
    }
}
