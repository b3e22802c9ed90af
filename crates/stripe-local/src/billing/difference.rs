//! `previous_attributes`: what an object looked like before, where it changed.

use serde_json::{Map, Value};

/// The old values of everything that changed; `None` when nothing did.
///
/// Hashes are compared key by key, with null for a key that was not there. Lists, among them Stripe's own list
/// objects, appear whole with their old value (stripe-node, Events.ts, "previous_attributes").
pub(crate) fn previous_attributes(before: &Value, after: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (before != after).then(|| before.clone());
    };
    let mut changed = Map::new();
    for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
        let was = old.get(key).unwrap_or(&Value::Null);
        let is = new.get(key).unwrap_or(&Value::Null);
        if was == is {
            continue;
        }
        let inner = match (was, is) {
            (Value::Object(_), Value::Object(_)) if was["object"] != "list" => previous_attributes(was, is),
            _ => Some(was.clone()),
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
    fn differences() {
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
