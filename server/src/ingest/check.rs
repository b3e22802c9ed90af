//! Which events a browser may send: a function of the batch and of who the browser is.

use std::collections::BTreeMap;

use serde_json::Value;
use tracking::{ClientEvent, UserId, UserProperty};

/// What Amplitude's SDK sends of its own accord, with the autocapture that our pages turn on.
const SDK_EVENTS: [&str; 4] = [
    "$identify",
    "session_start",
    "session_end",
    "[Amplitude] Page Viewed",
];

/// Money is the server's, under every name that Amplitude knows (`HTTP V2`, "Event keys"; SDK `Revenue`).
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

/// Refused events: for each bad field the indexes in the batch, as `events_with_invalid_fields` has it.
pub type Refused = BTreeMap<&'static str, Vec<usize>>;

/// Checks each event. `users`: whom this browser may speak for, that is, its present and its previous login.
pub fn refused(events: &[Value], users: &[UserId]) -> Refused {
    let mut refused = Refused::new();
    for (index, event) in events.iter().enumerate() {
        if let Some(field) = bad_field(event, users) {
            refused.entry(field).or_default().push(index);
        }
    }
    refused
}

/// The first field that a browser may not send like this.
fn bad_field(event: &Value, users: &[UserId]) -> Option<&'static str> {
    let name = event.get("event_type").and_then(Value::as_str);
    if !name.is_some_and(|name| SDK_EVENTS.contains(&name) || ClientEvent::NAMES.contains(&name)) {
        return Some("event_type");
    }
    if let Some(field) = REVENUE_FIELDS
        .into_iter()
        .find(|field| event.get(field).is_some_and(|value| !value.is_null()))
    {
        return Some(field);
    }
    let properties = event.get("event_properties").and_then(Value::as_object);
    if properties.is_some_and(|map| REVENUE_PROPERTIES.iter().any(|name| map.contains_key(*name))) {
        return Some("event_properties");
    }
    if event
        .get("user_properties")
        .is_some_and(|properties| !only_browser_owned(properties))
    {
        return Some("user_properties");
    }
    match event.get("user_id") {
        None | Some(Value::Null) => None,
        Some(Value::String(user)) if UserId::parse(user).is_some_and(|user| users.contains(&user)) => None,
        Some(_) => Some("user_id"),
    }
}

/// No operation touches a property that the server owns. `$clearAll` touches all of them.
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

    #[test]
    fn what_a_browser_may_say() {
        let me = UserId::parse("0193b7c4-3a52-7d11-8e0e-0a6a3c2f9b01").unwrap();
        let event = |name: &str| json!({"event_type": name, "user_id": me.to_string()});
        let with = |name: &str, key: &str, value: Value| {
            let mut event = event(name);
            event[key] = value;
            event
        };
        for (what, event, field) in [
            ("a feature event", event("Poll created"), None),
            ("a page view", event("[Amplitude] Page Viewed"), None),
            ("nobody yet", json!({"event_type": "session_start"}), None),
            (
                "no user, said aloud",
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
                "somebody else",
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
            assert_eq!(bad_field(&event, &[me]), field, "{what}");
        }
    }

    #[test]
    fn indexes_are_those_of_the_batch() {
        let events = [
            json!({"event_type": "Nope"}),
            json!({"event_type": "session_start"}),
            json!({"event_type": "Nope"}),
        ];
        assert_eq!(refused(&events, &[]), Refused::from([("event_type", vec![0, 2])]));
    }
}
