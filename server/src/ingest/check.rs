//! Which events a browser may send: a function of the batch and of the browser's devices. It does not change events.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use serde_json::Value;
use tracking::catalog::server_only_properties;
use tracking::server::is_server_insert_id;
use tracking::{ClientEvent, DeviceId, UserId, UserProperty};

/// Events that the SDK sends on its own, with the autocapture that our pages turn on.
const SDK_EVENTS: [&str; 4] = [
    "$identify",
    "session_start",
    "session_end",
    "[Amplitude] Page Viewed",
];

/// Only the server reports revenue. These are all names that Amplitude knows (`HTTP V2`, "Event keys"; SDK `Revenue`).
const REVENUE_FIELDS: [&str; 6] = [
    "revenue",
    "price",
    "quantity",
    "productId",
    "revenueType",
    "currency",
];
const REVENUE_PROPERTIES: [&str; 6] = [
    "$revenue",
    "$price",
    "$quantity",
    "$productId",
    "$revenueType",
    "$currency",
];

/// Group analytics are not part of the plan, and a browser could add itself to any group.
const GROUP_FIELDS: [&str; 2] = ["groups", "group_properties"];

/// How old an event may be: Amplitude drops repeats for 7 days, and the SDK keeps unsent events for its next start.
const MAX_AGE_MS: i64 = 7 * 24 * 3_600_000;
/// How far in the future an event may be. The correction of the clock is exact to less than a second; a slow upload adds to it.
const MAX_AHEAD_MS: i64 = 5 * 60_000;
/// The precision of a corrected time: the page's script corrects a clock that is off by a second or more.
const PRECISION_MS: i64 = 1_000;
/// From this difference on Amplitude corrects the clock by the time of the upload (HTTP V2, "Time").
const CORRECTED_FROM_MS: i64 = 60_000;

/// Event properties that only server events have, from the tracking plan.
static SERVER_PROPERTIES: LazyLock<BTreeSet<String>> = LazyLock::new(server_only_properties);

/// Refused events: for each bad field the indexes in the batch, as `events_with_invalid_fields` has them.
pub type RefusedEvents = BTreeMap<&'static str, Vec<usize>>;

/// A device whose events the browser may send, and the user that they may name.
#[derive(Clone, Debug)]
pub struct EventSender {
    /// The device.
    pub device: DeviceId,
    /// The user of the login on this device. Events before the sign-in name no user.
    pub user: Option<UserId>,
}

/// What the events of a batch are checked against.
#[derive(Clone, Debug)]
pub struct BatchRules {
    /// The browser's devices.
    pub senders: Vec<EventSender>,
    /// The earliest and the latest time, in ms since the epoch by the server's clock.
    allowed: RangeInclusive<i64>,
    /// How far the upload's clock is ahead, where Amplitude corrects it; else 0.
    ahead_ms: i64,
}

impl BatchRules {
    /// `uploaded_at_ms`: the time of the upload by the browser's clock, if the batch has it. `consented_since_ms`: when
    /// tracking began with the user's consent; earlier events are refused.
    pub fn new(
        senders: Vec<EventSender>,
        now_ms: i64,
        uploaded_at_ms: Option<i64>,
        consented_since_ms: Option<i64>,
    ) -> Self {
        let ahead_ms = uploaded_at_ms.map_or(0, |at_ms| at_ms.saturating_sub(now_ms));
        let earliest_ms = now_ms - MAX_AGE_MS;
        let consented_ms = consented_since_ms.map_or(earliest_ms, |at_ms| at_ms.saturating_sub(PRECISION_MS));
        Self {
            senders,
            allowed: earliest_ms.max(consented_ms)..=now_ms + MAX_AHEAD_MS,
            ahead_ms: if ahead_ms.saturating_abs() > CORRECTED_FROM_MS {
                ahead_ms
            } else {
                0
            },
        }
    }

    /// Without a time Amplitude takes the time of the upload.
    fn allows_time(&self, time: Option<&Value>) -> bool {
        match time {
            None | Some(Value::Null) => true,
            Some(time) => time
                .as_i64()
                .is_some_and(|ms| self.allowed.contains(&ms.saturating_sub(self.ahead_ms))),
        }
    }
}

/// Checks each event.
pub fn refused(events: &[Value], rules: &BatchRules) -> RefusedEvents {
    let mut refused = RefusedEvents::new();
    for (index, event) in events.iter().enumerate() {
        if let Some(field) = bad_field(event, rules) {
            refused.entry(field).or_default().push(index);
        }
    }
    refused
}

/// The first field with a value that a browser may not send.
fn bad_field(event: &Value, rules: &BatchRules) -> Option<&'static str> {
    let name = event.get("event_type").and_then(Value::as_str);
    if !name.is_some_and(|name| SDK_EVENTS.contains(&name) || ClientEvent::NAMES.contains(&name)) {
        return Some("event_type");
    }
    let present = |field: &&str| event.get(*field).is_some_and(|value| !value.is_null());
    if let Some(field) = REVENUE_FIELDS.into_iter().chain(GROUP_FIELDS).find(present) {
        return Some(field);
    }
    let insert_id = event.get("insert_id").and_then(Value::as_str);
    if insert_id.is_some_and(is_server_insert_id) {
        return Some("insert_id");
    }
    let is_refused =
        |name: &String| REVENUE_PROPERTIES.contains(&name.as_str()) || SERVER_PROPERTIES.contains(name);
    let properties = event.get("event_properties").and_then(Value::as_object);
    if properties.is_some_and(|map| map.keys().any(is_refused)) {
        return Some("event_properties");
    }
    if event
        .get("user_properties")
        .is_some_and(|properties| !only_browser_owned(properties))
    {
        return Some("user_properties");
    }
    if !rules.allows_time(event.get("time")) {
        return Some("time");
    }
    let device = event.get("device_id").and_then(Value::as_str);
    let sender = rules
        .senders
        .iter()
        .find(|sender| device == Some(sender.device.as_str()));
    let Some(sender) = sender else {
        return Some("device_id");
    };
    match event.get("user_id") {
        None | Some(Value::Null) => None,
        // In our spelling only: the receiver compares texts.
        Some(Value::String(user)) if sender.user.is_some_and(|own| own.to_string() == *user) => None,
        Some(_) => Some("user_id"),
    }
}

/// Whether no operation changes a property that the server owns. `$clearAll` changes all of them.
fn only_browser_owned(properties: &Value) -> bool {
    let owned = |name: &str| UserProperty::ALL.iter().any(|property| property.name() == name);
    let Some(map) = properties.as_object() else {
        return properties.is_null();
    };
    map.iter().all(|(key, value)| match key.as_str() {
        "$clearAll" => false,
        operation if operation.starts_with('$') => value
            .as_object()
            .is_some_and(|values| !values.keys().any(|name| owned(name))),
        name => !owned(name),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_795_000_000_000;
    const DEVICE: &str = "device-0001";

    fn rules(user: Option<UserId>) -> BatchRules {
        let sender = |device: &str, user| EventSender {
            device: DeviceId::parse(device).unwrap(),
            user,
        };
        let senders = vec![sender(DEVICE, user), sender("device-0002", None)];
        BatchRules::new(senders, NOW, Some(NOW), None)
    }

    #[test]
    fn fields_of_events() {
        let me = UserId::parse("0193b7c4-3a52-7d11-8e0e-0a6a3c2f9b01").unwrap();
        let event = |name: &str| json!({"event_type": name, "device_id": DEVICE, "user_id": me.to_string()});
        let with = |name: &str, key: &str, value: Value| {
            let mut event = event(name);
            event[key] = value;
            event
        };
        for (what, event, field) in [
            ("a feature event", event("Poll created"), None),
            ("a page view", event("[Amplitude] Page Viewed"), None),
            (
                "no user yet",
                json!({"event_type": "session_start", "device_id": DEVICE}),
                None,
            ),
            (
                "an event of the device before the sign-out",
                json!({"event_type": "session_start", "device_id": "device-0002"}),
                None,
            ),
            (
                "a user on a device that had none",
                with("Poll created", "device_id", json!("device-0002")),
                Some("user_id"),
            ),
            (
                "another device",
                with("Poll created", "device_id", json!("device-0003")),
                Some("device_id"),
            ),
            (
                "no device",
                with("Poll created", "device_id", Value::Null),
                Some("device_id"),
            ),
            (
                "an insert ID of a server event",
                with("Poll created", "insert_id", json!("trial-converted:sub_1")),
                Some("insert_id"),
            ),
            (
                "an insert ID that the server gave to a browser event",
                with("Poll created", "insert_id", json!("poll-created:1")),
                None,
            ),
            (
                "a property of server events",
                with(
                    "Poll created",
                    "event_properties",
                    json!({"stripe_event": "evt_1"}),
                ),
                Some("event_properties"),
            ),
            (
                "how a server event got its IDs",
                with(
                    "Poll created",
                    "event_properties",
                    json!({"stitched_by": "sdk cookie"}),
                ),
                Some("event_properties"),
            ),
            (
                "groups",
                with("Poll created", "groups", json!({"org": "x"})),
                Some("groups"),
            ),
            (
                "properties of groups",
                with("Poll created", "group_properties", json!({"a": 1})),
                Some("group_properties"),
            ),
            (
                "a time that is text",
                with("Poll created", "time", json!("now")),
                Some("time"),
            ),
            (
                "no user, as null",
                with("session_start", "user_id", Value::Null),
                None,
            ),
            (
                "attribution",
                with(
                    "$identify",
                    "user_properties",
                    json!({"$setOnce": {"initial_utm_source": "x"}, "$unset": {"gclid": "-"}}),
                ),
                None,
            ),
            ("a server's event", event("Sign-up completed"), Some("event_type")),
            (
                "revenue by name",
                event("[Amplitude] Revenue"),
                Some("event_type"),
            ),
            ("a made-up name", event("Poll created "), Some("event_type")),
            ("no name", json!({}), Some("event_type")),
            ("no object", json!(7), Some("event_type")),
            (
                "money",
                with("Poll created", "revenue", json!(12)),
                Some("revenue"),
            ),
            (
                "money of zero",
                with("Poll created", "price", json!(0)),
                Some("price"),
            ),
            (
                "money as a property",
                with("Poll created", "event_properties", json!({"$revenue": 12})),
                Some("event_properties"),
            ),
            (
                "a server's property",
                with("$identify", "user_properties", json!({"account_type": "pro"})),
                Some("user_properties"),
            ),
            (
                "a server's property, set",
                with(
                    "$identify",
                    "user_properties",
                    json!({"$set": {"subscription_status": "active"}}),
                ),
                Some("user_properties"),
            ),
            (
                "a server's property, unset",
                with(
                    "$identify",
                    "user_properties",
                    json!({"$unset": {"customer_id": "-"}}),
                ),
                Some("user_properties"),
            ),
            (
                "all properties",
                with("$identify", "user_properties", json!({"$clearAll": "-"})),
                Some("user_properties"),
            ),
            (
                "an operation on nothing",
                with("$identify", "user_properties", json!({"$set": "x"})),
                Some("user_properties"),
            ),
            (
                "another user",
                with(
                    "Poll created",
                    "user_id",
                    json!("0193b7c4-3a52-7d11-8e0e-0a6a3c2f9b02"),
                ),
                Some("user_id"),
            ),
            (
                "no user ID of ours",
                with("Poll created", "user_id", json!("ada@example.com")),
                Some("user_id"),
            ),
            (
                "a number",
                with("Poll created", "user_id", json!(7)),
                Some("user_id"),
            ),
        ] {
            assert_eq!(bad_field(&event, &rules(Some(me))), field, "{what}");
        }
    }

    #[test]
    fn indexes_are_those_of_the_batch() {
        let events = [
            json!({"event_type": "Nope"}),
            json!({"event_type": "session_start", "device_id": DEVICE}),
            json!({"event_type": "Nope"}),
        ];
        assert_eq!(
            refused(&events, &rules(None)),
            RefusedEvents::from([("event_type", vec![0, 2])])
        );
    }

    #[test]
    fn times() {
        const DAY: i64 = 24 * 3_600_000;
        const MINUTE: i64 = 60_000;
        let two_hours = 120 * MINUTE;
        for (what, time, uploaded, consented, expected) in [
            ("now", json!(NOW), Some(NOW), None, true),
            ("without a time", Value::Null, Some(NOW), None, true),
            (
                "kept offline for a week",
                json!(NOW - 7 * DAY),
                Some(NOW),
                None,
                true,
            ),
            ("older", json!(NOW - 7 * DAY - 1), Some(NOW), None, false),
            ("a bit ahead", json!(NOW + 5 * MINUTE), Some(NOW), None, true),
            ("far ahead", json!(NOW + 5 * MINUTE + 1), Some(NOW), None, false),
            ("a fraction", json!(1.5), Some(NOW), None, false),
            (
                "not a number of this range",
                json!(i64::MIN),
                Some(i64::MAX),
                None,
                false,
            ),
            (
                "a clock two hours ahead",
                json!(NOW + two_hours),
                Some(NOW + two_hours),
                None,
                true,
            ),
            (
                "without the time of the upload",
                json!(NOW + two_hours),
                None,
                None,
                false,
            ),
            (
                "a right clock and a wrong upload",
                json!(NOW),
                Some(NOW - 8 * DAY),
                None,
                false,
            ),
            (
                "a clock that Amplitude does not correct",
                json!(NOW + 30_000),
                Some(NOW + 30_000),
                None,
                true,
            ),
            (
                "after consent",
                json!(NOW - 100),
                Some(NOW),
                Some(NOW - 100),
                true,
            ),
            (
                "before consent",
                json!(NOW - 2_000),
                Some(NOW),
                Some(NOW - 100),
                false,
            ),
            (
                "before consent, by a clock two hours ahead",
                json!(NOW + two_hours - 2_000),
                Some(NOW + two_hours),
                Some(NOW - 100),
                false,
            ),
        ] {
            let rules = BatchRules::new(Vec::new(), NOW, uploaded, consented);
            assert_eq!(rules.allows_time(Some(&time)), expected, "{what}");
        }
    }
}
