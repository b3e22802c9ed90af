//! The context of an event: what the SDK adds to a browser event, and the server to a present event.

use serde_json::{Map, Value};

use super::{Source, labelled};
use crate::touch::Touch;

/// Exported fields, with their labels. Of a web event, `os_name` is the browser.
const FIELDS: &[(&str, &str)] = &[
    ("os_name", BROWSER),
    ("os_version", VERSION),
    ("device_type", "Device"),
    ("device_family", "System"),
    ("language", LANGUAGE),
    ("country", "Country"),
    ("city", "City"),
    ("ip_address", ADDRESS),
];

/// Exported fields that every event has, also one without a context.
const SENDER_FIELDS: &[(&str, &str)] = &[("platform", "Platform"), ("library", "Library")];

/// Event properties, with their labels.
const PROPERTIES: &[(&str, &str)] = &[
    ("operating_system", "System"),
    ("device_type", "Device type"),
    ("page_path", "Page"),
    ("page_title", "Page title"),
    ("screen", "Screen"),
];

/// Labels that the verdict compares.
pub(crate) const BROWSER: &str = "Browser";
pub(crate) const VERSION: &str = "Version";
pub(crate) const LANGUAGE: &str = "Language";
pub(crate) const ADDRESS: &str = "Address";

/// The context of an exported event, with labels; empty if it has none.
pub(super) fn context(
    raw: &Value,
    source: Source,
    properties: &Map<String, Value>,
) -> Vec<(&'static str, String)> {
    let text =
        |(key, label): &(&str, &'static str)| Some((*label, properties.get(*key)?.as_str()?.to_owned()));
    let mut context = labelled(raw, FIELDS);
    context.extend(PROPERTIES.iter().filter_map(text));
    if source == Source::Browser {
        context.extend(labelled(raw, SENDER_FIELDS));
    } else if let Some(touch) = touch(properties) {
        context.push(("Campaign", touch.label()));
    }
    context
}

/// The campaign among event properties; `None` if there is none.
pub(crate) fn touch(properties: &Map<String, Value>) -> Option<Touch> {
    let texts = properties
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    let touch = Touch::from(texts.collect::<std::collections::BTreeMap<_, _>>());
    (!touch.is_direct()).then_some(touch)
}
