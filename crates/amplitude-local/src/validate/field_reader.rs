//! Reading the fields of one event. Each method returns the value, shortened to the limits, or records an error.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::{EventFieldErrors, EventRules};
use crate::settings::Limits;

/// IDs that HTTP V2 rejects with a 400.
const FORBIDDEN_IDS: [&str; 14] = [
    "anonymous",
    "nil",
    "none",
    "null",
    "n/a",
    "na",
    "undefined",
    "unknown",
    "",
    "00000000-0000-0000-0000-000000000000",
    "{}",
    "lmy47d",
    "0",
    "-1",
];

/// An event, and the errors of the fields read so far.
pub(super) struct FieldReader<'a> {
    pub(super) raw: &'a Value,
    pub(super) rules: &'a EventRules<'a>,
    pub(super) errors: EventFieldErrors,
}

impl FieldReader<'_> {
    pub(super) fn ids(&mut self) -> (Option<String>, Option<String>) {
        let (mut short, mut has_invalid_id) = (Vec::new(), false);
        let [user, device] = ["user_id", "device_id"].map(|field| {
            let id = match &self.raw[field] {
                Value::Null => return None,
                Value::String(id) => truncate(id, self.rules.limits.string_chars),
                Value::Number(id) => id.to_string(),
                _ => {
                    has_invalid_id = true;
                    self.errors.invalid(field, "text is required");
                    return None;
                }
            };
            if FORBIDDEN_IDS
                .iter()
                .any(|forbidden| forbidden.eq_ignore_ascii_case(&id))
            {
                has_invalid_id = true;
                self.errors
                    .invalid(field, format!("\"{id}\" is not accepted as an ID"));
                return None;
            }
            if id.chars().count() < self.rules.min_id_length {
                short.push(field);
                return None;
            }
            Some(id)
        });
        let has_no_id = user.is_none() && device.is_none();
        if !short.is_empty() && (has_no_id || !self.rules.drops_short_ids) {
            for field in short {
                self.errors.id_lengths.push(field.to_owned());
                let min_length = self.rules.min_id_length;
                self.errors
                    .reasons
                    .push(format!("{field}: shorter than {min_length} characters"));
            }
        } else if has_no_id && !has_invalid_id {
            self.errors
                .missing
                .extend(["user_id".to_owned(), "device_id".to_owned()]);
            self.errors
                .reasons
                .push("user_id or device_id is required".to_owned());
        }
        (user, device)
    }

    pub(super) fn event_type(&mut self) -> String {
        match &self.raw["event_type"] {
            Value::String(name) if name.trim().is_empty() => {
                self.errors.invalid("event_type", "blank");
                String::new()
            }
            Value::String(name) => truncate(name, self.rules.limits.string_chars),
            Value::Null => {
                self.errors.missing.push("event_type".to_owned());
                self.errors.reasons.push("event_type: missing".to_owned());
                String::new()
            }
            _ => {
                self.errors.invalid("event_type", "text is required");
                String::new()
            }
        }
    }

    pub(super) fn integer(&mut self, field: &str, required: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let value = &self.raw[field];
        if value.is_null() {
            return None;
        }
        let whole = value.as_i64().or_else(|| {
            // JavaScript clients may send 1396381378123.0.
            value
                .as_f64()
                .filter(|number| number.fract() == 0.0 && number.abs() < 9e15)
                .map(|number| number as i64)
        });
        let whole = whole.filter(|whole| range.contains(whole));
        if whole.is_none() {
            self.errors.invalid(field, required);
        }
        whole
    }

    pub(super) fn number(&mut self, field: &str) -> Option<f64> {
        let value = &self.raw[field];
        if !value.is_null() && !value.is_number() {
            self.errors.invalid(field, "a number is required");
        }
        value.as_f64()
    }

    pub(super) fn text(&mut self, field: &str) -> Option<String> {
        match &self.raw[field] {
            Value::Null => None,
            Value::String(text) => Some(truncate(text, self.rules.limits.string_chars)),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(yes) => Some(yes.to_string()),
            _ => {
                self.errors.invalid(field, "text is required");
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, field: &str) -> bool {
        match &self.raw[field] {
            Value::Null => false,
            Value::Bool(yes) => *yes,
            _ => {
                self.errors.invalid(field, "true or false is required");
                false
            }
        }
    }

    pub(super) fn object(&mut self, field: &str) -> Map<String, Value> {
        let Limits {
            property_depth,
            string_chars,
            ..
        } = *self.rules.limits;
        match &self.raw[field] {
            Value::Null => Map::new(),
            Value::Object(object) if depth_exceeds(&self.raw[field], property_depth) => {
                let keys = object.len();
                self.errors.invalid(
                    field,
                    format!("more than {property_depth} levels deep ({keys} keys)"),
                );
                Map::new()
            }
            Value::Object(object) => object
                .iter()
                .map(|(key, value)| (key.clone(), truncate_strings(value, string_chars)))
                .collect(),
            _ => {
                self.errors.invalid(field, "an object is required");
                Map::new()
            }
        }
    }
}

fn truncate(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

fn truncate_strings(value: &Value, chars: usize) -> Value {
    match value {
        Value::String(text) => Value::String(truncate(text, chars)),
        Value::Array(list) => list.iter().map(|item| truncate_strings(item, chars)).collect(),
        Value::Object(object) => Value::Object(
            object
                .iter()
                .map(|(key, item)| (key.clone(), truncate_strings(item, chars)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Whether objects and lists are nested deeper than `levels`. The JSON parser limits the recursion.
fn depth_exceeds(value: &Value, levels: usize) -> bool {
    let mut nested: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Array(list) => Box::new(list.iter()),
        Value::Object(object) => Box::new(object.values()),
        _ => return false,
    };
    levels == 0 || nested.any(|item| depth_exceeds(item, levels - 1))
}
