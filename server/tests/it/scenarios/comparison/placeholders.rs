//! Replaces IDs by placeholders, and times by one placeholder each for seconds and milliseconds. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Placeholders of the IDs so far: the kind of the ID and its number, in the order of appearance.
#[derive(Default)]
pub(super) struct Placeholders {
    known: BTreeMap<String, String>,
    count_by_kind: BTreeMap<String, usize>,
}

/// Prefixes of Stripe’s IDs.
const STRIPE_PREFIXES: [&str; 8] = ["sub", "in", "evt", "cus", "cs", "pi", "re", "price"];

impl Placeholders {
    /// The placeholder of an ID. A new ID gets the next number of its kind.
    pub(super) fn of(&mut self, kind: &str, id: &str) -> String {
        if let Some(name) = self.known.get(id) {
            return name.clone();
        }
        let count = self.count_by_kind.entry(kind.to_owned()).or_default();
        *count += 1;
        let name = format!("<{kind} {count}>");
        self.known.insert(id.to_owned(), name.clone());
        name
    }

    /// The text with its IDs and times replaced.
    pub(super) fn replace_in(&mut self, text: &str) -> String {
        let mut replaced = String::new();
        let mut rest = text;
        while !rest.is_empty() {
            let is_word = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
            let word = rest.len() - rest.trim_start_matches(is_word).len();
            if word == 0 {
                let other = rest.find(is_word).unwrap_or(rest.len());
                replaced.push_str(&rest[..other]);
                rest = &rest[other..];
            } else {
                let placeholder = self.replace_word(&rest[..word]);
                replaced.push_str(&placeholder);
                rest = &rest[word..];
            }
        }
        replaced
    }

    fn replace_word(&mut self, word: &str) -> String {
        if let Some(name) = self.known.get(word) {
            return name.clone();
        }
        if is_uuid(word) {
            return self.of("id", word);
        }
        if let Some(kind) = stripe_kind(word) {
            return self.of(kind, word);
        }
        match word.parse().ok().and_then(time_unit) {
            Some(unit) => unit.to_owned(),
            None => word.to_owned(),
        }
    }

    /// The value with the IDs and times in its texts and numbers replaced.
    pub(super) fn replace_in_value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) if is_date(text) => json!("<date>"),
            Value::String(text) => json!(self.replace_in(text)),
            Value::Number(number) => match number.as_i64().and_then(time_unit) {
                Some(unit) => json!(unit),
                None => value.clone(),
            },
            Value::Array(values) => values.iter().map(|value| self.replace_in_value(value)).collect(),
            Value::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(key, value)| (key.clone(), self.replace_in_value(value)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }
}

/// The prefix of one of Stripe’s IDs. Our own words, like `in_trial`, have only lower-case letters.
fn stripe_kind(word: &str) -> Option<&str> {
    let (kind, rest) = word.split_once('_')?;
    let is_random = rest.contains(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase());
    (STRIPE_PREFIXES.contains(&kind) && is_random).then_some(kind)
}

/// The placeholder of seconds or milliseconds since the epoch between 2020 and 2060. No count or amount is as large.
fn time_unit(number: i64) -> Option<&'static str> {
    const SECONDS: std::ops::Range<i64> = 1_577_836_800..2_840_140_800;
    match number {
        _ if SECONDS.contains(&number) => Some("<second>"),
        _ if SECONDS.contains(&(number / 1_000)) => Some("<ms>"),
        _ => None,
    }
}

fn is_uuid(word: &str) -> bool {
    let lengths: Vec<usize> = word.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && word.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

/// `2026-11-24`, with or without a time of day.
fn is_date(text: &str) -> bool {
    let shape: Option<String> = text.get(..10).map(|date| {
        let digit = |c: char| if c.is_ascii_digit() { '0' } else { c };
        date.chars().map(digit).collect()
    });
    shape.as_deref() == Some("0000-00-00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_and_times_are_replaced() {
        let mut placeholders = Placeholders::default();
        #[rustfmt::skip]
        let table = [
            ("in_trial was 12 of 1200",        "in_trial was 12 of 1200"),
            ("in_1A is of sub_b7, in_1A too",  "<in 1> is of <sub 1>, <in 1> too"),
            ("subscription_status",            "subscription_status"),
            ("example.com, en-GB; 2.48.1",     "example.com, en-GB; 2.48.1"),
            ("évt_1 at 1795000000",            "évt_1 at <second>"),
            ("1795000000123",                  "<ms>"),
            ("0a000000-0000-4000-8000-00000000000g", "0a000000-0000-4000-8000-00000000000g"),
        ];
        for (text, expected) in table {
            assert_eq!(placeholders.replace_in(text), expected);
        }
        assert_eq!(
            placeholders.replace_in_value(&json!("2026-11-24")),
            json!("<date>")
        );
    }
}
