//! The fields of an accepted event: those of the SDK stay, some are written by the server, all others are dropped.

use std::net::IpAddr;

use serde_json::{Map, Value};

/// The fields that the SDK 2.48.1 sends with our options (`browser-sdk-2.48.1.js`, context plugin). A new version may send
/// more; they are dropped until they are added here.
const SDK_FIELDS: [&str; 14] = [
    "user_id",
    "device_id",
    "session_id",
    "time",
    "event_type",
    "event_properties",
    "user_properties",
    "insert_id",
    "event_id",
    "language",
    "user_agent",
    "library",
    "platform",
    "ip",
];

/// The name of the SDK. The timeline and the verdict distinguish browser events from server events by `library`.
const SDK_LIBRARY: &str = "amplitude-ts";

/// Drops the fields that are not the SDK's, and writes `ip`, `platform` and `library`. `visitor`: the address that Amplitude
/// derives the location from, instead of this server's.
pub fn rewrite(event: &mut Value, visitor: IpAddr) {
    let Some(fields) = event.as_object_mut() else {
        return;
    };
    fields.retain(|name, _| SDK_FIELDS.contains(&name.as_str()));
    let library = library(fields);
    fields.insert("library".into(), library.into());
    fields.insert("platform".into(), "Web".into());
    fields.insert("ip".into(), visitor.to_string().into());
}

/// The SDK's own text, `amplitude-ts/2.48.1`, or its name alone if the text is another one.
fn library(fields: &Map<String, Value>) -> String {
    let sent = fields.get("library").and_then(Value::as_str).unwrap_or_default();
    let is_version = |text: &str| {
        (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    match sent.split_once('/') {
        Some((SDK_LIBRARY, version)) if is_version(version) => sent.to_owned(),
        _ => SDK_LIBRARY.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn forged_fields_are_replaced_or_dropped() {
        let visitor = IpAddr::from([203, 0, 113, 7]);
        for (sent, library) in [
            (json!("amplitude-ts/2.48.1"), "amplitude-ts/2.48.1"),
            (json!("seamline-server/0.1.0"), "amplitude-ts"),
            (json!("amplitude-ts/seamline-server"), "amplitude-ts"),
            (json!("amplitude-ts/"), "amplitude-ts"),
            (json!(7), "amplitude-ts"),
            (Value::Null, "amplitude-ts"),
        ] {
            let mut event = json!({
                "event_type": "Poll created", "insert_id": "i", "event_properties": {"a": 1}, "library": sent,
                "ip": "198.51.100.1", "platform": "Server", "partner_id": "x", "city": "Paris", "location_lat": 1,
                "plan": {"source": "x"}, "app_version": "1", "adid": "x", "$skip_user_properties_sync": true,
            });
            rewrite(&mut event, visitor);
            assert_eq!(
                event,
                json!({
                    "event_type": "Poll created", "insert_id": "i", "event_properties": {"a": 1}, "library": library,
                    "ip": "203.0.113.7", "platform": "Web",
                })
            );
        }
    }
}
