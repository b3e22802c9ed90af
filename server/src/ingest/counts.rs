//! What a batch says: the number of events of each name, and of each kind in each session, and first touches.

use std::collections::{BTreeMap, HashMap};

use backend::loss::ArrivedCounts;
use serde_json::Value;
use tracking::{ClientEvent, DeviceId, SessionId, Touch};

use crate::metrics::known_or_other;

/// By device and session.
pub type BySession = HashMap<(DeviceId, SessionId), ArrivedCounts>;

/// Counts the events by name. Names that are not in the tracking plan, such as the SDK's own, are counted as `other`.
pub fn by_name(events: &[Value]) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for event in events {
        let name = event.get("event_type").and_then(Value::as_str);
        let name = known_or_other(ClientEvent::NAMES, name.unwrap_or_default());
        *counts.entry(name).or_default() += 1;
    }
    counts
}

/// Counts the events, each in the session that it names.
pub fn of(events: &[Value]) -> BySession {
    let mut sessions = BySession::new();
    for event in events {
        let text = |key: &str| event.get(key).and_then(Value::as_str);
        let device = text("device_id").and_then(DeviceId::parse);
        let session = event.get("session_id").and_then(Value::as_i64);
        let Some(key) = device.zip(session.and_then(SessionId::from_ms)) else {
            continue;
        };
        let arrived = sessions.entry(key).or_default();
        match text("event_type").unwrap_or_default() {
            "[Amplitude] Page Viewed" => arrived.pages += 1,
            name if ClientEvent::NAMES.contains(&name) => arrived.events += 1,
            _ => arrived.sdk_events += 1,
        }
    }
    sessions
}

/// The first touches that the SDK's attribution sets, by device.
pub fn first_touches(events: &[Value]) -> Vec<(DeviceId, Touch)> {
    let touch = |event: &Value| {
        let device = event
            .get("device_id")
            .and_then(Value::as_str)
            .and_then(DeviceId::parse);
        let set_once = event
            .pointer("/user_properties/$setOnce")
            .and_then(Value::as_object);
        device.zip(set_once.and_then(Touch::of_user_properties))
    };
    events.iter().filter_map(touch).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_event_counts_in_its_own_session() {
        const FIRST: i64 = 1_795_000_000_000;
        let event = |name: &str, session: i64| json!({"event_type": name, "device_id": "device-0001", "session_id": session});
        let events = [
            event("session_start", FIRST),
            event("[Amplitude] Page Viewed", FIRST),
            event("Poll created", FIRST),
            event("[Amplitude] Page Viewed", FIRST + 1),
            event("[Amplitude] Page Viewed", -1),
            json!({"event_type": "session_start", "session_id": FIRST}),
        ];
        let device = DeviceId::parse("device-0001").unwrap();
        let session = |ms| SessionId::from_ms(ms).unwrap();
        let expected = BySession::from([
            (
                (device.clone(), session(FIRST)),
                ArrivedCounts {
                    events: 1,
                    pages: 1,
                    sdk_events: 1,
                },
            ),
            (
                (device, session(FIRST + 1)),
                ArrivedCounts {
                    pages: 1,
                    ..ArrivedCounts::default()
                },
            ),
        ]);
        assert_eq!(of(&events), expected);
    }

    #[test]
    fn invented_names_share_a_count() {
        let named = |name: &str| json!({"event_type": name});
        let events = [
            named("Vote cast"),
            named("[Amplitude] Page Viewed"),
            named("vote cast"),
            named("Vote cast"),
            json!({}),
        ];
        assert_eq!(by_name(&events), BTreeMap::from([("Vote cast", 2), ("other", 3)]));
    }

    #[test]
    fn the_first_touch_is_read_from_the_sdks_identify() {
        let identify = |device: &str, operation: &str| {
            let properties =
                json!({operation: {"initial_utm_source": "newsletter", "initial_gclid": "EMPTY"}});
            json!({"event_type": "$identify", "device_id": device, "user_properties": properties})
        };
        let events = [
            identify("device-0001", "$setOnce"),
            identify("device-0002", "$set"),
            identify("x", "$setOnce"),
            json!({"event_type": "session_start", "device_id": "device-0003"}),
        ];
        let device = DeviceId::parse("device-0001").unwrap();
        let touch = Touch::of_document("/", Some("utm_source=newsletter"), None).without_landing_page();
        assert_eq!(first_touches(&events), [(device, touch)]);
    }
}
