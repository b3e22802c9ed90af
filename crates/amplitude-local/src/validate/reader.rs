//! One field at a time: what it must be, cut to size, or a problem noted.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::{Problems, Rules};
use crate::settings::Limits;

/// IDs that HTTP V2 answers with 400.
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

/// An event being read, and what was found wrong so far.
pub(super) struct Reader<'a> {
    pub(super) raw: &'a Value,
    pub(super) rules: &'a Rules<'a>,
    pub(super) problems: Problems,
}

impl Reader<'_> {
    pub(super) fn ids(&mut self) -> (Option<String>, Option<String>) {
        let (mut short, mut refused) = (Vec::new(), false);
        let [user, device] = ["user_id", "device_id"].map(|field| {
            let id = match &self.raw[field] {
                Value::Null => return None,
                Value::String(id) => cut(id, self.rules.limits.string_chars),
                Value::Number(id) => id.to_string(),
                _ => {
                    refused = true;
                    self.problems.invalid(field, "text is required");
                    return None;
                }
            };
            if FORBIDDEN_IDS
                .iter()
                .any(|forbidden| forbidden.eq_ignore_ascii_case(&id))
            {
                refused = true;
                self.problems
                    .invalid(field, format!("\"{id}\" is not accepted as an ID"));
                return None;
            }
            if id.chars().count() < self.rules.min_id_length {
                short.push(field);
                return None;
            }
            Some(id)
        });
        let nobody = user.is_none() && device.is_none();
        if !short.is_empty() && (nobody || !self.rules.strip_short_ids) {
            for field in short {
                self.problems.id_lengths.push(field.to_owned());
                let least = self.rules.min_id_length;
                self.problems
                    .reasons
                    .push(format!("{field}: shorter than {least} characters"));
            }
        } else if nobody && !refused {
            self.problems
                .missing
                .extend(["user_id".to_owned(), "device_id".to_owned()]);
            self.problems
                .reasons
                .push("user_id or device_id is required".to_owned());
        }
        (user, device)
    }

    pub(super) fn event_type(&mut self) -> String {
        match &self.raw["event_type"] {
            Value::String(name) if name.trim().is_empty() => {
                self.problems.invalid("event_type", "blank");
                String::new()
            }
            Value::String(name) => cut(name, self.rules.limits.string_chars),
            Value::Null => {
                self.problems.missing.push("event_type".to_owned());
                self.problems.reasons.push("event_type: missing".to_owned());
                String::new()
            }
            _ => {
                self.problems.invalid("event_type", "text is required");
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
            self.problems.invalid(field, required);
        }
        whole
    }

    pub(super) fn number(&mut self, field: &str) -> Option<f64> {
        let value = &self.raw[field];
        if !value.is_null() && !value.is_number() {
            self.problems.invalid(field, "a number is required");
        }
        value.as_f64()
    }

    pub(super) fn text(&mut self, field: &str) -> Option<String> {
        match &self.raw[field] {
            Value::Null => None,
            Value::String(text) => Some(cut(text, self.rules.limits.string_chars)),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(yes) => Some(yes.to_string()),
            _ => {
                self.problems.invalid(field, "text is required");
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, field: &str) -> bool {
        match &self.raw[field] {
            Value::Null => false,
            Value::Bool(yes) => *yes,
            _ => {
                self.problems.invalid(field, "true or false is required");
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
                self.problems.invalid(
                    field,
                    format!("more than {property_depth} levels deep ({keys} keys)"),
                );
                Map::new()
            }
            Value::Object(object) => object
                .iter()
                .map(|(key, value)| (key.clone(), cut_strings(value, string_chars)))
                .collect(),
            _ => {
                self.problems.invalid(field, "an object is required");
                Map::new()
            }
        }
    }
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

fn cut_strings(value: &Value, chars: usize) -> Value {
    match value {
        Value::String(text) => Value::String(cut(text, chars)),
        Value::Array(list) => list.iter().map(|item| cut_strings(item, chars)).collect(),
        Value::Object(object) => Value::Object(
            object
                .iter()
                .map(|(key, item)| (key.clone(), cut_strings(item, chars)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Whether objects and lists nest deeper than `levels`. Bounded, since JSON itself was read with a limit.
fn depth_exceeds(value: &Value, levels: usize) -> bool {
    let mut nested: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Array(list) => Box::new(list.iter()),
        Value::Object(object) => Box::new(object.values()),
        _ => return false,
    };
    levels == 0 || nested.any(|item| depth_exceeds(item, levels - 1))
}
