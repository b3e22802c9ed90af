//! Generates the events of a user with many sessions: page views, polls and sign-ins on several devices. Pure.

use serde_json::{Value, json};
use tracking::server::SignInCompleted;
use tracking::{DeviceId, IdSource, PresentIds, ServerEvent, SessionId, UserId};
use uuid::Uuid;

/// Number of sessions on one device.
const SESSIONS_OF_DEVICE: usize = 100;
/// Interval between the starts of two sessions.
const SESSION_INTERVAL_MS: i64 = 3 * 3_600_000;
/// Interval between two events of a session.
const EVENT_INTERVAL_MS: i64 = 20_000;

/// Index of the sign-in in a session.
const SIGN_IN_INDEX: usize = 3;
/// Index of the created poll in a session.
const POLL_INDEX: usize = 6;

/// The pages of the page views, in turn.
const PAGES: [&str; 5] = ["/polls", "/polls/new", "/pricing", "/timeline", "/"];

/// Returns `sessions` sessions of `each` events, oldest first, in the format of an upload. The last session starts one
/// interval before `now_ms`.
pub(super) fn sample_events(
    user: UserId,
    now_ms: i64,
    sessions: usize,
    each: usize,
) -> impl Iterator<Item = Value> {
    let count = i64::try_from(sessions).unwrap_or(i64::MAX);
    (0..count).flat_map(move |number| {
        let start_ms = now_ms - (count - number) * SESSION_INTERVAL_MS;
        (0_i64..).take(each).map(move |index| {
            event(
                user,
                number,
                start_ms,
                usize::try_from(index).unwrap_or(0),
                start_ms + index * EVENT_INTERVAL_MS,
            )
        })
    })
}

fn event(user: UserId, number: i64, start_ms: i64, index: usize, time_ms: i64) -> Value {
    let device_number = usize::try_from(number).unwrap_or(0) / SESSIONS_OF_DEVICE;
    let device = DeviceId::from_uuid(Uuid::from_u128(0xb0_0000 + device_number as u128));
    let session = SessionId::starting_at(start_ms);
    let id = Uuid::from_u128((u128::from(number.unsigned_abs()) << 32) + index as u128);
    if index == SIGN_IN_INDEX {
        let signed_in = SignInCompleted {
            login: id,
            signed_in_at: "2026-11-18T12:00:00Z".to_owned(),
            first_touch: None,
        };
        let ids = PresentIds::Live {
            device,
            session,
            source: IdSource::SdkCookie,
            context: Box::default(),
        };
        let event = ServerEvent::present(user, &signed_in, ids, time_ms);
        return serde_json::to_value(event.wire()).unwrap_or_default();
    }
    let (name, properties) = match index {
        0 => ("session_start", json!({})),
        POLL_INDEX => (
            "Poll created",
            json!({"poll_id": id, "option_count": 3, "multiple_choice": false, "has_closing_time": false}),
        ),
        _ => {
            let page = PAGES[index % PAGES.len()];
            (
                "[Amplitude] Page Viewed",
                json!({"[Amplitude] Page Path": page, "[Amplitude] Page Location": format!("http://127.0.0.1{page}")}),
            )
        }
    };
    json!({
        "event_type": name,
        "user_id": user.to_string(),
        "device_id": device.as_str(),
        "session_id": session.ms(),
        "insert_id": id.to_string(),
        "time": time_ms,
        "event_properties": properties,
        "library": "amplitude-ts/2.48.1",
        "platform": "Web",
        "os_name": "Chrome",
        "os_version": "140",
        "language": "en-US",
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_event_is_unique_and_in_order_of_time() {
        let user = UserId::new(Uuid::from_u128(1));
        let events: Vec<Value> = sample_events(user, 1_795_000_000_000, 250, 8).collect();
        assert_eq!(events.len(), 2_000);
        let distinct = |key: &str| {
            let values: HashSet<String> = events.iter().map(|event| event[key].to_string()).collect();
            values.len()
        };
        assert_eq!(
            (
                distinct("session_id"),
                distinct("device_id"),
                distinct("insert_id")
            ),
            (250, 3, 2_000)
        );
        let times: Vec<i64> = events.iter().filter_map(|event| event["time"].as_i64()).collect();
        assert!(times.is_sorted() && times.len() == events.len());
        assert!(times.iter().all(|&time_ms| time_ms < 1_795_000_000_000));
    }
}
