//! User property operations. No I/O.
//!
//! Source: Identify API, "user_properties supported operations"; the SDKs also send `$clearAll`. An object contains either
//! operations or plain keys, which are set.

use serde_json::{Map, Number, Value};

/// Longest list that `$append` and the other list operations can build (HTTP V2, `user_properties`).
const MAX_LIST_LENGTH: usize = 10_000;

/// All operations, in the order in which they are applied. The keys of a JSON object have no order.
const OPERATIONS: [&str; 10] = [
    "$clearAll",
    "$unset",
    "$set",
    "$setOnce",
    "$add",
    "$append",
    "$prepend",
    "$preInsert",
    "$postInsert",
    "$remove",
];

/// Checks an object of user properties. Fails when it mixes operations and plain keys, or when an operand is not an object.
pub(crate) fn check_operations(change: &Map<String, Value>) -> Result<(), String> {
    let operations = change
        .keys()
        .filter(|key| OPERATIONS.contains(&key.as_str()))
        .count();
    if operations > 0 && operations < change.len() {
        return Err("user property operations cannot be mixed with plain properties".to_owned());
    }
    let malformed = change
        .iter()
        .find(|(key, value)| {
            OPERATIONS.contains(&key.as_str()) && key.as_str() != "$clearAll" && !value.is_object()
        })
        .map(|(key, _)| format!("{key} must be an object of properties"));
    malformed.map_or(Ok(()), Err)
}

/// Applies the operations (or plain keys) of `change` to `properties`.
pub(crate) fn apply(properties: &mut Map<String, Value>, change: &Map<String, Value>) {
    if !change.keys().any(|key| OPERATIONS.contains(&key.as_str())) {
        change.iter().for_each(|(key, value)| set(properties, key, value));
        return;
    }
    for operation in OPERATIONS {
        match change.get(operation) {
            None => {}
            Some(_) if operation == "$clearAll" => properties.clear(),
            Some(Value::Object(operands)) => {
                for (key, operand) in operands {
                    apply_one(properties, operation, key, operand);
                }
            }
            Some(_) => {}
        }
    }
}

fn apply_one(properties: &mut Map<String, Value>, operation: &str, key: &str, operand: &Value) {
    match operation {
        "$unset" => {
            properties.remove(key);
        }
        "$set" => set(properties, key, operand),
        "$setOnce" if !properties.contains_key(key) => set(properties, key, operand),
        "$add" => add(properties, key, operand),
        "$append" => change_list(properties, key, operand, |list, values| list.extend(values)),
        "$prepend" => change_list(properties, key, operand, |list, values| {
            list.splice(0..0, values);
        }),
        "$postInsert" => change_list(properties, key, operand, |list, values| {
            for value in values {
                if !list.contains(&value) {
                    list.push(value);
                }
            }
        }),
        "$preInsert" => change_list(properties, key, operand, |list, values| {
            let mut new_values = Vec::new();
            for value in values {
                if !list.contains(&value) && !new_values.contains(&value) {
                    new_values.push(value);
                }
            }
            list.splice(0..0, new_values);
        }),
        "$remove" if properties.contains_key(key) => {
            change_list(properties, key, operand, |list, values| {
                list.retain(|item| !values.contains(item));
            });
        }
        _ => {}
    }
}

/// Sets a property. A null value changes nothing.
fn set(properties: &mut Map<String, Value>, key: &str, value: &Value) {
    if !value.is_null() {
        properties.insert(key.to_owned(), value.clone());
    }
}

fn add(properties: &mut Map<String, Value>, key: &str, operand: &Value) {
    let Value::Number(amount) = operand else { return };
    let sum = match properties.get(key) {
        None => Some(amount.clone()),
        Some(Value::Number(current)) => sum(current, amount),
        Some(_) => None,
    };
    if let Some(sum) = sum {
        properties.insert(key.to_owned(), Value::Number(sum));
    }
}

fn sum(current: &Number, amount: &Number) -> Option<Number> {
    match (current.as_i64(), amount.as_i64()) {
        (Some(current), Some(amount)) if current.checked_add(amount).is_some() => {
            Some((current + amount).into())
        }
        _ => Number::from_f64(current.as_f64()? + amount.as_f64()?),
    }
}

/// Changes a property that is a list. A single value counts as a list of one; a missing property as an empty list.
fn change_list(
    properties: &mut Map<String, Value>,
    key: &str,
    operand: &Value,
    change: impl FnOnce(&mut Vec<Value>, Vec<Value>),
) {
    let mut list = properties.remove(key).map_or_else(Vec::new, as_list);
    change(&mut list, as_list(operand.clone()));
    list.truncate(MAX_LIST_LENGTH);
    properties.insert(key.to_owned(), Value::Array(list));
}

fn as_list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list,
        Value::Null => Vec::new(),
        single => vec![single],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn operations_change_properties() {
        let rows = [
            (
                "plain keys are set",
                json!({"a": 1}),
                json!({"a": 2, "b": "x"}),
                json!({"a": 2, "b": "x"}),
            ),
            (
                "plain null changes nothing",
                json!({"a": 1}),
                json!({"a": null}),
                json!({"a": 1}),
            ),
            (
                "set",
                json!({"a": 1}),
                json!({"$set": {"a": [1]}}),
                json!({"a": [1]}),
            ),
            (
                "setOnce keeps",
                json!({"a": 1}),
                json!({"$setOnce": {"a": 2, "b": 3}}),
                json!({"a": 1, "b": 3}),
            ),
            (
                "add to nothing",
                json!({}),
                json!({"$add": {"a": 2}}),
                json!({"a": 2}),
            ),
            (
                "add whole",
                json!({"a": 1}),
                json!({"$add": {"a": -3}}),
                json!({"a": -2}),
            ),
            (
                "add fraction",
                json!({"a": 1}),
                json!({"$add": {"a": 0.5}}),
                json!({"a": 1.5}),
            ),
            (
                "add to text",
                json!({"a": "x"}),
                json!({"$add": {"a": 1}}),
                json!({"a": "x"}),
            ),
            (
                "add of text",
                json!({"a": 1}),
                json!({"$add": {"a": "1"}}),
                json!({"a": 1}),
            ),
            (
                "append",
                json!({"a": ["x"]}),
                json!({"$append": {"a": "y"}}),
                json!({"a": ["x", "y"]}),
            ),
            (
                "append to one",
                json!({"a": "x"}),
                json!({"$append": {"a": ["y", "x"]}}),
                json!({"a": ["x", "y", "x"]}),
            ),
            (
                "prepend",
                json!({"a": ["x"]}),
                json!({"$prepend": {"a": ["v", "w"]}}),
                json!({"a": ["v", "w", "x"]}),
            ),
            (
                "postInsert",
                json!({"a": ["x"]}),
                json!({"$postInsert": {"a": ["x", "y", "y"]}}),
                json!({"a": ["x", "y"]}),
            ),
            (
                "preInsert",
                json!({"a": ["x"]}),
                json!({"$preInsert": {"a": ["v", "x", "w", "v"]}}),
                json!({"a": ["v", "w", "x"]}),
            ),
            (
                "remove all",
                json!({"a": ["x", "y", "x"]}),
                json!({"$remove": {"a": "x"}}),
                json!({"a": ["y"]}),
            ),
            (
                "remove from nothing",
                json!({}),
                json!({"$remove": {"a": "x"}}),
                json!({}),
            ),
            (
                "unset",
                json!({"a": 1, "b": 2}),
                json!({"$unset": {"a": "-"}}),
                json!({"b": 2}),
            ),
            ("clearAll", json!({"a": 1}), json!({"$clearAll": "-"}), json!({})),
            (
                "clearAll comes first",
                json!({"a": 1}),
                json!({"$clearAll": "-", "$set": {"b": 2}}),
                json!({"b": 2}),
            ),
            (
                "unset comes before set",
                json!({"a": 1}),
                json!({"$set": {"a": 2}, "$unset": {"a": "-"}}),
                json!({"a": 2}),
            ),
        ];
        for (name, before, change, after) in rows {
            let mut properties = object(before);
            apply(&mut properties, &object(change));
            assert_eq!(Value::Object(properties), after, "{name}");
        }
    }

    #[test]
    fn lists_have_a_maximum_length() {
        let mut properties = Map::new();
        let long: Vec<Value> = (0..MAX_LIST_LENGTH + 5).map(Value::from).collect();
        apply(&mut properties, &object(json!({"$append": {"a": long}})));
        assert_eq!(properties["a"].as_array().map(Vec::len), Some(MAX_LIST_LENGTH));
    }

    #[test]
    fn malformed_operations_are_rejected() {
        assert_eq!(check_operations(&object(json!({"a": 1}))), Ok(()));
        assert_eq!(
            check_operations(&object(json!({"$set": {"a": 1}, "$clearAll": "-"}))),
            Ok(())
        );
        assert_eq!(check_operations(&object(json!({"$unknown": 1}))), Ok(()));
        assert!(
            check_operations(&object(json!({"$set": {"a": 1}, "b": 2})))
                .is_err_and(|error| error.contains("mixed"))
        );
        assert!(check_operations(&object(json!({"$set": 1}))).is_err_and(|error| error.contains("$set")));
    }
}
