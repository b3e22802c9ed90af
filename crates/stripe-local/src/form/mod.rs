//! Form bodies and queries with Stripe's nested brackets, parsed into a tree of text values.
//!
//! `expand[]=a` (curl, most SDKs) and `expand[0]=a` (serde_qs) are equal. `params` interprets the values.

#[cfg(test)]
mod fuzz;
mod params;
mod values;

pub(crate) use params::{MAX_TIMESTAMP_SECS, Metadata, Params};
pub(crate) use values::{Patch, TimestampRange};

use std::collections::BTreeMap;

use crate::api_error::ApiError;

/// Limits of a request. Stripe does not publish its own. No documented request has more than 7 levels.
const MAX_PARAMETERS: usize = 1_000;
const MAX_LEVELS: usize = 20;
const MAX_INDEX: u16 = 9_999;

/// A value of a form: text, or a map. The keys of an array are its indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FormValue {
    Text(String),
    Map(BTreeMap<String, FormValue>),
}

/// Parses `a=1&b[c]=2&d[]=3`. If a name repeats, the last value is used.
///
/// Fails if there are too many parameters or levels, or if a parameter with a text has parts too, as in `a=1&a[b]=2`.
pub(crate) fn parse(form: &str) -> Result<BTreeMap<String, FormValue>, ApiError> {
    let mut root = BTreeMap::new();
    for (count, (name, value)) in url::form_urlencoded::parse(form.as_bytes()).enumerate() {
        if count == MAX_PARAMETERS {
            return Err(ApiError::invalid_request(format!(
                "Invalid request: it has more than {MAX_PARAMETERS} parameters."
            )));
        }
        let path = path(&name);
        if path.len() > MAX_LEVELS {
            let message = format!("Invalid object: it has more than {MAX_LEVELS} levels");
            return Err(ApiError::invalid_parameter(path[0], message));
        }
        if !insert(&mut root, &path, value.into_owned()) {
            return Err(ApiError::invalid_parameter(path[0], "Invalid object"));
        }
    }
    Ok(root)
}

/// The fields of a page's form. Brackets have no meaning in their names.
pub(crate) fn fields(form: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(form.as_bytes())
        .into_owned()
        .collect()
}

/// `a[b][]` becomes `["a", "b", ""]`. A key with unbalanced brackets is not split. The result has one part more than
/// [`MAX_LEVELS`] at most.
fn path(key: &str) -> Vec<&str> {
    let Some((name, rest)) = key.split_once('[') else {
        return vec![key];
    };
    let Some(inner) = rest.strip_suffix(']') else {
        return vec![key];
    };
    let mut parts = vec![name];
    parts.extend(inner.split("][").take(MAX_LEVELS));
    parts
}

/// Returns false if a part of the path is a text.
fn insert(mut map: &mut BTreeMap<String, FormValue>, path: &[&str], value: String) -> bool {
    let Some((last, parents)) = path.split_last() else {
        return true;
    };
    for (level, part) in parents.iter().enumerate() {
        let key = key(map, part, path.get(level + 1));
        let inner = map.entry(key).or_insert_with(|| FormValue::Map(BTreeMap::new()));
        match inner {
            FormValue::Map(inner) => map = inner,
            FormValue::Text(_) => return false,
        }
    }
    map.insert(key(map, last, None), FormValue::Text(value));
    true
}

/// The key of a part: itself, or the index for `[]`. Objects such as `a[][x]=1&a[][y]=2` fill one element until a name
/// repeats.
fn key(map: &BTreeMap<String, FormValue>, part: &str, next: Option<&&str>) -> String {
    if !part.is_empty() {
        return part.to_owned();
    }
    let last = map.keys().filter_map(|key| array_index(key)).max();
    let is_open = match (last.and_then(|last| map.get(&last.to_string())), next) {
        (Some(FormValue::Map(element)), Some(name)) => !element.contains_key(*name),
        _ => false,
    };
    match last {
        None => "0".to_owned(),
        Some(last) if is_open => last.to_string(),
        Some(last) => (last + 1).to_string(),
    }
}

/// The index that a key of an array is: digits without leading zeros, up to [`MAX_INDEX`].
fn array_index(key: &str) -> Option<u16> {
    let index: u16 = key.parse().ok().filter(|index| *index <= MAX_INDEX)?;
    (index.to_string() == key).then_some(index)
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
            assert_eq!(parse(form), Ok(expected), "{form}");
        }
    }

    #[test]
    fn excessive_forms_are_rejected() {
        let levels = |count: usize| format!("a{}=1", "[b]".repeat(count - 1));
        let parameters = |count: usize| "a[]=1&".repeat(count);
        for accepted in [levels(MAX_LEVELS), parameters(MAX_PARAMETERS)] {
            assert!(parse(&accepted).is_ok(), "{accepted:.80}");
        }
        for (form, param) in [
            (levels(MAX_LEVELS + 1), Some("a")),
            (levels(300_000), Some("a")),
            (format!("a{}=1", "[]".repeat(300_000)), Some("a")),
            (parameters(MAX_PARAMETERS + 1), None),
            ("a=1&a[b]=2".to_owned(), Some("a")),
            ("a[][]=1&a[0]=2&a[0][]=3".to_owned(), Some("a")),
        ] {
            let error = parse(&form).expect_err(&form[..form.len().min(80)]);
            assert_eq!((error.status, error.param()), (400, param), "{form:.80}");
        }
    }

    #[test]
    fn a_key_is_an_array_index_only_in_its_range() {
        for (key, index) in [
            ("0", Some(0)),
            ("9999", Some(MAX_INDEX)),
            ("10000", None),
            ("18446744073709551615", None),
            ("01", None),
            ("+1", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(array_index(key), index, "{key}");
        }
        // The next index after the last one is not valid.
        for form in ["a[18446744073709551615]=1&a[]=2", "a[9999]=1&a[]=2&a[]=3"] {
            let mut params = Params::new(parse(form).unwrap());
            let error = params.texts("a").unwrap_err();
            assert_eq!(
                (error.message(), error.param()),
                ("Invalid array", Some("a")),
                "{form}"
            );
        }
    }
}
