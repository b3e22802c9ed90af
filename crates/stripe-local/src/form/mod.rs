//! Form bodies and queries with Stripe's nested brackets, as a tree of texts.
//!
//! Both `expand[]=a` (curl, most SDKs) and `expand[0]=a` (serde_qs) are read. Meaning is given in `params`.

mod params;
mod values;

pub(crate) use params::{LATEST, Metadata, Params};
pub(crate) use values::{Patch, Range};

use std::collections::BTreeMap;

/// A value of a form: a text, or names (also numbers, in a list) with values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Text(String),
    Map(BTreeMap<String, Node>),
}

/// Reads `a=1&b[c]=2&d[]=3`; a later pair of the same name wins.
pub(crate) fn parse(form: &str) -> BTreeMap<String, Node> {
    let mut root = BTreeMap::new();
    for (key, value) in url::form_urlencoded::parse(form.as_bytes()) {
        insert(&mut root, &path(&key), value.into_owned());
    }
    root
}

/// `a[b][]` is `["a", "b", ""]`. A key with unbalanced brackets is taken as it stands.
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

fn insert(map: &mut BTreeMap<String, Node>, path: &[&str], value: String) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    let key = if first.is_empty() {
        next_index(map, rest)
    } else {
        (*first).to_owned()
    };
    if rest.is_empty() {
        map.insert(key, Node::Text(value));
        return;
    }
    let inner = map.entry(key).or_insert_with(|| Node::Map(BTreeMap::new()));
    if let Node::Text(_) = inner {
        *inner = Node::Map(BTreeMap::new());
    }
    if let Node::Map(inner) = inner {
        insert(inner, rest, value);
    }
}

/// `a[][x]=1&a[][y]=2` fills one element until a name repeats.
fn next_index(map: &BTreeMap<String, Node>, rest: &[&str]) -> String {
    let last = map.keys().filter_map(|key| key.parse::<usize>().ok()).max();
    let open = match (last.and_then(|last| map.get(&last.to_string())), rest.first()) {
        (Some(Node::Map(element)), Some(name)) => !element.contains_key(*name),
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

    fn text(value: &str) -> Node {
        Node::Text(value.to_owned())
    }

    fn map(pairs: &[(&str, Node)]) -> BTreeMap<String, Node> {
        pairs
            .iter()
            .map(|(key, node)| ((*key).to_owned(), node.clone()))
            .collect()
    }

    #[test]
    fn nested_brackets() {
        let list = |nodes: &[(&str, Node)]| Node::Map(map(nodes));
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
