//! Any body is refused, or what is forwarded has this browser's devices and users and nothing that belongs to the server.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Map, Value, json};
use tracking::{ClientEvent, DeviceId, UserId, UserProperty};

use super::batch::Batch;
use super::check::{BatchRules, EventSender, refused};
use super::{counts, rewrite};

const NOW_MS: i64 = 1_795_000_000_000;
const KEY: &str = "0123456789abcdef0123456789abcdef";
const API_KEY: &str = "the project's own key";
const VISITOR: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
const USER: &str = "0193b7c4-3a52-7d11-8e0e-0a6a3c2f9b01";
const OWN: &str = "device-0001";
const PREVIOUS: &str = "device-0002";
/// A server event's insert ID, device, user and properties, so that mutations put them into the browser's events.
const SERVERS: &str = r#"{"insert_id": "trial-converted:sub_1", "device_id": "device-0003", "user_id":
    "0193b7c4-3a52-7d11-8e0e-0a6a3c2f9b02", "event_type": "Trial converted", "revenue": 12, "library": "seamline-server/1",
    "event_properties": {"stripe_event": "evt_1", "$revenue": 12}, "user_properties": {"account_type": "pro"}, "ip": "192.0.2.1",
    "groups": {"org": "a"}, "partner_id": "x"}"#;
const TOKENS: [&str; 8] = [
    "\"$revenue\":1,",
    "\"$set\":",
    "\"stripe_event\":",
    "\"trial-converted:x\"",
    "\\ud800",
    "\"device-0003\"",
    "null",
    "{",
];

fn corpus() -> Vec<String> {
    let event = |name: &str, device: &str, number: i64| {
        json!({
            "event_type": name, "device_id": device, "session_id": NOW_MS, "time": NOW_MS - number, "event_id": number,
            "insert_id": format!("insert-{number}"), "language": "en-US", "user_agent": "Mozilla/5.0", "ip": "$remote",
            "platform": "Web", "library": "amplitude-ts/2.48.1", "event_properties": {"poll_id": "p", "options": 2},
        })
    };
    let mut created = event("Poll created", OWN, 1);
    created["user_id"] = json!(USER);
    let mut identify = event("$identify", OWN, 2);
    identify["user_properties"] = json!({"$setOnce": {"initial_utm_source": "x"}, "$unset": {"gclid": "-"}});
    let page = event("[Amplitude] Page Viewed", PREVIOUS, 3);
    let batches = [
        json!([created]),
        json!([identify, page, event("session_start", OWN, 4)]),
    ];
    let batch = |events: &Value| {
        let batch = json!({
            "api_key": KEY, "events": events, "options": {"min_id_length": 1}, "client_upload_time": "2026-11-18T11:06:40.000Z",
            "request_metadata": {"sdk": {"metrics": {}}},
        });
        batch.to_string()
    };
    batches.iter().map(batch).chain([SERVERS.to_owned()]).collect()
}

/// The batch as it is forwarded, if it is.
fn forwarded(body: &[u8]) -> Option<Value> {
    let mut batch = Batch::read(body, KEY).ok()?;
    let sender = |device: &str, user| EventSender {
        device: DeviceId::parse(device).expect("a device"),
        user,
        until_ms: None,
    };
    let senders = vec![sender(PREVIOUS, None), sender(OWN, UserId::parse(USER))];
    let rules = BatchRules::new(senders, NOW_MS, batch.uploaded_at_ms(), None);
    if !refused(&batch.events, &rules).is_empty() {
        return None;
    }
    for event in &mut batch.events {
        rewrite::rewrite(event, VISITOR);
    }
    counts::of(&batch.events);
    Some(batch.under(API_KEY))
}

fn check_event(event: &Value) {
    let fields: Vec<&str> = event
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    for field in [
        "revenue",
        "price",
        "quantity",
        "groups",
        "group_properties",
        "partner_id",
        "paying",
    ] {
        assert!(!fields.contains(&field), "{field}: {event}");
    }
    let text = |field: &str| event[field].as_str().unwrap_or_default();
    let name = text("event_type");
    let sdk = [
        "$identify",
        "session_start",
        "session_end",
        "[Amplitude] Page Viewed",
    ];
    assert!(
        ClientEvent::NAMES.contains(&name) || sdk.contains(&name),
        "{event}"
    );
    assert!(text("library").starts_with("amplitude-ts"), "{event}");
    assert_eq!((text("ip"), text("platform")), ("203.0.113.7", "Web"), "{event}");
    assert!(
        !text("insert_id")
            .to_ascii_lowercase()
            .starts_with("trial-converted:"),
        "{event}"
    );
    match (text("device_id"), &event["user_id"]) {
        (OWN | PREVIOUS, Value::Null) => {}
        (OWN, Value::String(user)) => assert_eq!(UserId::parse(user), UserId::parse(USER), "{event}"),
        _ => panic!("another browser's event: {event}"),
    }
    let keys = |field: &str| event[field].as_object().cloned().unwrap_or_default();
    let properties = keys("event_properties");
    assert!(
        !properties.contains_key("stripe_event") && !properties.contains_key("$revenue"),
        "{event}"
    );
    let changed = keys("user_properties");
    assert!(!changed.contains_key("$clearAll"), "{event}");
    // A plain key may have an object as its value. Only those of operations name properties.
    let operations = changed.iter().filter(|(name, _)| name.starts_with('$'));
    let mut operands = operations
        .filter_map(|(_, value)| value.as_object())
        .chain([&changed]);
    assert!(!operands.any(names_server_property), "{event}");
}

fn names_server_property(map: &Map<String, Value>) -> bool {
    UserProperty::ALL
        .iter()
        .any(|property| map.contains_key(property.name()))
}

#[test]
fn ingest_bodies() {
    fuzzing::fuzz("ingest_bodies", &TOKENS, &corpus(), |input| {
        let Some(batch) = forwarded(input) else {
            return false;
        };
        assert_eq!(batch["api_key"], json!(API_KEY));
        for field in batch.as_object().expect("an object").keys() {
            let known = [
                "api_key",
                "events",
                "options",
                "client_upload_time",
                "request_metadata",
            ];
            assert!(known.contains(&field.as_str()), "{field}");
        }
        batch["events"]
            .as_array()
            .expect("a list")
            .iter()
            .for_each(check_event);
        let printed: Value = serde_json::from_str(&batch.to_string()).expect("valid JSON is forwarded");
        assert_eq!(printed, batch);
        true
    });
}
