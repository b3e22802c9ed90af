//! `previous_attributes` of an event: the old values of the changed attributes.

use serde_json::{Map, Value};

/// The old values of all attributes that changed, or `None` if nothing changed.
///
/// Objects are compared by key; a key that did not exist has the value null. Arrays and Stripe's list objects appear
/// whole, with their old value (stripe-node, Events.ts, "previous_attributes").
pub(crate) fn previous_attributes(before: &Value, after: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (before != after).then(|| before.clone());
    };
    let mut changed = Map::new();
    for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
        let old_value = old.get(key).unwrap_or(&Value::Null);
        let new_value = new.get(key).unwrap_or(&Value::Null);
        if old_value == new_value {
            continue;
        }
        let inner = match (old_value, new_value) {
            (Value::Object(_), Value::Object(_)) if old_value["object"] != "list" => {
                previous_attributes(old_value, new_value)
            }
            _ => Some(old_value.clone()),
        };
        if let Some(inner) = inner {
            changed.insert(key.clone(), inner);
        }
    }
    (!changed.is_empty()).then_some(Value::Object(changed))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_changed_attributes_are_listed() {
        let cases = [
            (json!({"a": 1}), json!({"a": 1}), None),
            (
                json!({"a": 1, "b": 2}),
                json!({"a": 3, "b": 2}),
                Some(json!({"a": 1})),
            ),
            (
                json!({"metadata": {"x": "1"}}),
                json!({"metadata": {"x": "1", "y": "2"}}),
                Some(json!({"metadata": {"y": null}})),
            ),
            (
                json!({"a": null}),
                json!({"a": {"b": 1}}),
                Some(json!({"a": null})),
            ),
            (
                json!({"a": [1, 2]}),
                json!({"a": [1, 3]}),
                Some(json!({"a": [1, 2]})),
            ),
            (
                json!({"items": {"object": "list", "data": [{"id": 1, "end": 1}]}}),
                json!({"items": {"object": "list", "data": [{"id": 1, "end": 2}]}}),
                Some(json!({"items": {"object": "list", "data": [{"id": 1, "end": 1}]}})),
            ),
        ];
        for (before, after, expected) in cases {
            assert_eq!(previous_attributes(&before, &after), expected, "{before} {after}");
        }
    }
}
