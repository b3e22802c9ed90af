//! Events as a CSV file.

use backend::spreadsheet::csv_file;
use serde_json::{Map, Value};
use tracking::received::ReceivedEvent;

const COLUMNS: [&str; 14] = [
    "event_time",
    "event",
    "source",
    "user_id",
    "device_id",
    "device_is_derived",
    "session_id",
    "insert_id",
    "stitched_by",
    "revenue",
    "currency",
    "plan",
    "event_properties",
    "user_properties",
];

/// A header line, and a line for each event.
pub(super) fn table<'a>(events: impl Iterator<Item = &'a ReceivedEvent>) -> String {
    csv_file(COLUMNS, events.map(cells))
}

fn cells(event: &ReceivedEvent) -> [String; 14] {
    let property = |key: &str| match event.properties.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let time = event.times.first().map(|(_, time)| time.clone());
    [
        time.unwrap_or_default(),
        event.name.clone(),
        event.source.as_str().to_owned(),
        event.user.clone().unwrap_or_default(),
        event.device.clone().unwrap_or_default(),
        event.derived_device.to_string(),
        event
            .session
            .map(|session| session.to_string())
            .unwrap_or_default(),
        event.insert_id.clone().unwrap_or_default(),
        property("stitched_by"),
        property("$revenue"),
        property("$currency"),
        event.plan.clone().unwrap_or_default(),
        object(&event.properties),
        object(&event.user_properties),
    ]
}

/// An object with text keys can always be written.
fn object(properties: &Map<String, Value>) -> String {
    serde_json::to_string(properties).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_a_line() {
        let event = ReceivedEvent::from_export(json!({
            "event_type": "=HYPERLINK(\"x\")",
            "event_time": "2026-11-18 11:06:40.123000",
            "user_id": "u-1",
            "device_id": "d-1",
            "session_id": 5,
            "$insert_id": "refund:re_1",
            "library": "seamline-server/0.1.0",
            "event_properties": {"stripe_event": "evt_1", "$revenue": -5.0, "$currency": "USD", "note": "a,\"b\"\nc"},
            "local": {"plan": {"status": "valid", "reasons": []}},
        }))
        .unwrap();
        let table = table(std::iter::once(&event));
        let (names, line) = table.split_once("\r\n").unwrap();
        assert_eq!(names.split(',').count(), COLUMNS.len());
        assert_eq!(
            line,
            "2026-11-18 11:06:40.123000,\"'=HYPERLINK(\"\"x\"\")\",stripe,u-1,d-1,false,5,refund:re_1,,-5.0,USD,valid,\
             \"{\"\"$currency\"\":\"\"USD\"\",\"\"$revenue\"\":-5.0,\"\"note\"\":\"\"a,\\\"\"b\\\"\"\\nc\"\",\"\"stripe_event\"\":\"\"evt_1\"\"}\",{}\r\n"
        );
    }
}
