//! Form bodies and queries with Stripe's nested brackets, parsed into a tree of text values.
//!
//! `expand[]=a` (curl, most SDKs) and `expand[0]=a` (serde_qs) are equal. `params` interprets the values.

mod params;
mod values;

pub(crate) use params::{MAX_TIMESTAMP_SECS, Metadata, Params};
pub(crate) use values::{Patch, TimestampRange};

use std::collections::BTreeMap;

/// A value of a form: text, or a map. The keys of an array are its indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FormValue {
    Text(String),
    Map(BTreeMap<String, FormValue>),
}

/// Parses `a=1&b[c]=2&d[]=3`. If a name repeats, the last value is used.
pub(crate) fn parse(form: &str) -> BTreeMap<String, FormValue> {
    let mut root = BTreeMap::new();
    for (key, value) in url::form_urlencoded::parse(form.as_bytes()) {
        insert(&mut root, &path(&key), value.into_owned());
    }
    root
}

/// `a[b][]` becomes `["a", "b", ""]`. A key with unbalanced brackets is not split.
fn path(key: &str) -> Vec<&str> {
    let Some((name, rest)) = key.split_once('[') else {
        return vec![key];
    };
    let Some(inner) = rest.strip_suffix(']') else {
        return vec![key];
    };
    let mut parts = vec![name];
    parts.extend(inner.split("]["));
    parts
}

fn insert(map: &mut BTreeMap<String, FormValue>, path: &[&str], value: String) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    let key = if first.is_empty() {
        next_index(map, rest)
    } else {
        (*first).to_owned()
    };
    if rest.is_empty() {
        map.insert(key, FormValue::Text(value));
        return;
    }
    let inner = map.entry(key).or_insert_with(|| FormValue::Map(BTreeMap::new()));
    if let FormValue::Text(_) = inner {
        *inner = FormValue::Map(BTreeMap::new());
    }
    if let FormValue::Map(inner) = inner {
        insert(inner, rest, value);
    }
}

/// The index for `[]`. Objects such as `a[][x]=1&a[][y]=2` fill one element until a name repeats.
fn next_index(map: &BTreeMap<String, FormValue>, rest: &[&str]) -> String {
    let last = map.keys().filter_map(|key| key.parse::<usize>().ok()).max();
    let open = match (last.and_then(|last| map.get(&last.to_string())), rest.first()) {
        (Some(FormValue::Map(element)), Some(name)) => !element.contains_key(*name),
        _ => false,
    };
    match last {
        None => "0".to_owned(),
        Some(last) if open => last.to_string(),
        Some(last) => (last + 1).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> FormValue {
        FormValue::Text(value.to_owned())
    }

    fn map(pairs: &[(&str, FormValue)]) -> BTreeMap<String, FormValue> {
        pairs
            .iter()
            .map(|(key, node)| ((*key).to_owned(), node.clone()))
            .collect()
    }

    #[test]
    fn forms_with_nested_brackets_are_parsed() {
        let list = |nodes: &[(&str, FormValue)]| FormValue::Map(map(nodes));
        let cases = [
            ("", map(&[])),
            ("a=1&b=x+y%20z", map(&[("a", text("1")), ("b", text("x y z"))])),
            ("a=1&a=2", map(&[("a", text("2"))])),
            (
                "a[b]=1&a[c]=",
                map(&[("a", list(&[("b", text("1")), ("c", text(""))]))]),
            ),
            (
                "e[]=x&e[]=y",
                map(&[("e", list(&[("0", text("x")), ("1", text("y"))]))]),
            ),
            (
                "e[0]=x&e[1]=y",
                map(&[("e", list(&[("0", text("x")), ("1", text("y"))]))]),
            ),
            ("e%5B0%5D=x", map(&[("e", list(&[("0", text("x"))]))])),
            (
                "i[][p]=1&i[][q]=2&i[][p]=3",
                map(&[(
                    "i",
                    list(&[
                        ("0", list(&[("p", text("1")), ("q", text("2"))])),
                        ("1", list(&[("p", text("3"))])),
                    ]),
                )]),
            ),
            ("a[b=1", map(&[("a[b", text("1"))])),
        ];
        for (form, expected) in cases {
            assert_eq!(parse(form), expected, "{form}");
        }
    }
}
