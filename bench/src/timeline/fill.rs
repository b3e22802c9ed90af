//! A long story, made up: sessions of page views, polls and sign-ins, on several devices, and renewals in between. Pure.

use serde_json::{Value, json};
use tracking::server::SignInCompleted;
use tracking::{DeviceId, IdSource, PresentIds, ServerEvent, SessionId, UserId};
use uuid::Uuid;

/// Sessions of one device.
const SESSIONS_OF_DEVICE: usize = 100;
/// Between the beginnings of two sessions, in ms.
const APART: i64 = 3 * 3_600_000;
/// Between two events, in ms.
const STEP: i64 = 20_000;

/// Where in a session the person signs in.
const SIGN_IN: usize = 3;
/// Where they make a poll.
const POLL: usize = 6;

/// Pages that are looked at in turn.
const PAGES: [&str; 5] = ["/polls", "/polls/new", "/pricing", "/timeline", "/"];

/// The events of `sessions` sessions with `each` events, the last of which ends shortly before `now_ms`, as an upload has
/// them, oldest first.
pub(super) fn story(user: UserId, now_ms: i64, sessions: usize, each: usize) -> impl Iterator<Item = Value> {
    let count = i64::try_from(sessions).unwrap_or(i64::MAX);
    (0..count).flat_map(move |number| {
        let begins = now_ms - (count - number) * APART;
        (0_i64..).take(each).map(move |place| {
            event(
                user,
                number,
                begins,
                usize::try_from(place).unwrap_or(0),
                begins + place * STEP,
            )
        })
    })
}

fn event(user: UserId, number: i64, begins: i64, place: usize, at: i64) -> Value {
    let device_number = usize::try_from(number).unwrap_or(0) / SESSIONS_OF_DEVICE;
    let device = DeviceId::minted(Uuid::from_u128(0xb0_0000 + device_number as u128));
    let session = SessionId::starting_at(begins);
    let id = Uuid::from_u128((u128::from(number.unsigned_abs()) << 32) + place as u128);
    if place == SIGN_IN {
        let signed_in = SignInCompleted {
            login: id,
            signed_in_at: "2026-11-18T12:00:00Z".to_owned(),
        };
        let ids = PresentIds::Live {
            device,
            session,
            source: IdSource::SdkCookie,
        };
        let event = ServerEvent::present(user, &signed_in, ids, at);
        return serde_json::to_value(event.wire()).unwrap_or_default();
    }
    let (name, properties) = match place {
        0 => ("session_start", json!({})),
        POLL => (
            "Poll created",
            json!({"poll_id": id, "option_count": 3, "multiple_choice": false, "has_closing_time": false}),
        ),
        _ => {
            let page = PAGES[place % PAGES.len()];
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
        "time": at,
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
    fn so_many_events_in_so_many_sessions_each_once() {
        let user = UserId::new(Uuid::from_u128(1));
        let events: Vec<Value> = story(user, 1_795_000_000_000, 250, 8).collect();
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
        assert!(times.iter().all(|&at| at < 1_795_000_000_000));
    }
}
