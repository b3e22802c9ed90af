//! A stored event in the form in which Amplitude exports it. Pure.
//!
//! Source: Export API, "Response schema". What only a stand-in can tell stands apart in `local`.

use serde_json::{Map, Value, json};

use crate::{
    device,
    plan::Verdict,
    times,
    validate::{IncomingEvent, RevenueFields},
};

/// What the request says of all its events.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    pub(crate) path: &'static str,
    pub(crate) client_upload_ms: Option<i64>,
    pub(crate) received_ms: i64,
    /// When the events were taken in; also in the answer.
    pub(crate) uploaded_ms: i64,
    /// The address that `$remote` stands for.
    pub(crate) remote_ip: String,
}

/// What was decided about one event.
pub(crate) struct Placed<'a> {
    pub(crate) sequence: i64,
    pub(crate) amplitude_id: i64,
    pub(crate) attribution: &'static str,
    pub(crate) device_id: &'a str,
    pub(crate) derived_device: bool,
    pub(crate) first_event: bool,
    /// The person's properties right after this event.
    pub(crate) user_properties: &'a Map<String, Value>,
    pub(crate) verdict: Verdict,
}

/// The times of an event, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) event: i64,
    pub(crate) client_event: i64,
}

impl Times {
    /// Without a time of its own an event happened when it was uploaded.
    pub(crate) fn of(event: &IncomingEvent, receipt: &Receipt) -> Self {
        let client_event = event
            .time_ms
            .unwrap_or(receipt.client_upload_ms.unwrap_or(receipt.received_ms));
        let corrected = times::event_time(client_event, receipt.client_upload_ms, receipt.received_ms);
        Self {
            event: corrected,
            client_event,
        }
    }
}

/// Where and on what an event happened: the exported fields of that kind, nulls left out.
pub(crate) fn context(event: &IncomingEvent, receipt: &Receipt) -> Map<String, Value> {
    let sent = |key: &str| event.context.get(key).and_then(Value::as_str);
    let browser = sent("user_agent").and_then(device::browser);
    let model = sent("device_model").or(sent("device_type"));
    let texts = [
        ("platform", sent("platform")),
        ("os_name", sent("os_name").or(browser.map(|browser| browser.name))),
        (
            "os_version",
            sent("os_version").or(browser.map(|browser| browser.version)),
        ),
        ("device_brand", sent("device_brand")),
        ("device_manufacturer", sent("device_manufacturer")),
        ("device_model", sent("device_model")),
        (
            "device_family",
            sent("device_manufacturer").or(browser.map(|browser| browser.family)),
        ),
        (
            "device_type",
            model.or(browser.map(|browser| browser.device_type)),
        ),
        ("device_carrier", sent("carrier")),
        ("version_name", sent("app_version").or(sent("version_name"))),
        ("start_version", sent("start_version")),
        ("language", sent("language").map(device::language)),
        (
            "ip_address",
            sent("ip").map(|ip| {
                if ip == "$remote" {
                    receipt.remote_ip.as_str()
                } else {
                    ip
                }
            }),
        ),
        ("country", sent("country")),
        ("region", sent("region")),
        ("city", sent("city")),
        ("dma", sent("dma")),
        ("library", sent("library")),
        ("idfa", sent("idfa")),
        ("idfv", sent("idfv")),
        ("adid", sent("adid")),
        ("user_agent", sent("user_agent")),
        ("partner_id", sent("partner_id")),
        ("paying", sent("paying")),
    ];
    let mut context: Map<String, Value> = texts
        .into_iter()
        .filter_map(|(key, text)| Some((key.to_owned(), text?.into())))
        .collect();
    for key in ["location_lat", "location_lng", "plan", "ingestion_metadata"] {
        if let Some(value) = event.context.get(key) {
            context.insert(key.to_owned(), value.clone());
        }
    }
    context
}

/// The exported fields that are there, as null, even when nothing was sent.
const ALWAYS: [&str; 17] = [
    "platform",
    "os_name",
    "os_version",
    "device_family",
    "device_type",
    "device_carrier",
    "version_name",
    "start_version",
    "language",
    "ip_address",
    "country",
    "region",
    "city",
    "dma",
    "library",
    "location_lat",
    "location_lng",
];

/// The event as it is stored and read back.
pub(crate) fn exported(event: &IncomingEvent, receipt: &Receipt, times: Times, placed: &Placed<'_>) -> Value {
    let mut export = context(event, receipt);
    for key in ALWAYS {
        export.entry(key).or_insert(Value::Null);
    }
    let group = |key: &str| event.context.get(key).cloned().unwrap_or_else(|| json!({}));
    let uuid = device::uuid_of(&[
        &placed.sequence.to_be_bytes(),
        &receipt.received_ms.to_be_bytes(),
        placed.device_id.as_bytes(),
    ]);
    let fields = json!({
        "event_type": event.event_type,
        "event_id": event.event_id,
        "event_time": times::exported(times.event),
        "client_event_time": times::exported(times.client_event),
        "client_upload_time": times::exported(receipt.client_upload_ms.unwrap_or(receipt.received_ms)),
        "server_received_time": times::exported(receipt.received_ms),
        "server_upload_time": times::exported(receipt.uploaded_ms),
        "processed_time": times::exported(receipt.uploaded_ms),
        "user_id": event.user_id,
        "device_id": placed.device_id,
        "session_id": event.session_id.unwrap_or(-1),
        "amplitude_id": placed.amplitude_id,
        "uuid": uuid,
        "$insert_id": event.insert_id,
        "event_properties": with_revenue(event.event_properties.clone(), &event.revenue),
        "user_properties": placed.user_properties,
        "groups": group("groups"),
        "group_properties": group("group_properties"),
        "data": {
            "path": receipt.path,
            "first_event": placed.first_event,
            "user_properties_updated": !event.user_properties.is_empty(),
        },
        "local": {
            "sequence": placed.sequence,
            "attribution": placed.attribution,
            "derived_device": placed.derived_device,
            "plan": placed.verdict,
        },
    });
    if let Value::Object(fields) = fields {
        export.extend(fields);
    }
    Value::Object(export)
}

/// Revenue keys appear among the event properties, with a dollar sign ("Track revenue").
fn with_revenue(mut properties: Map<String, Value>, revenue: &RevenueFields) -> Map<String, Value> {
    let keys = [
        ("$revenue", revenue.amount().map(Value::from)),
        ("$price", revenue.price.map(Value::from)),
        ("$quantity", revenue.quantity.map(Value::from)),
        ("$productId", revenue.product_id.clone().map(Value::from)),
        ("$revenueType", revenue.revenue_type.clone().map(Value::from)),
        ("$currency", revenue.currency.clone().map(Value::from)),
    ];
    for (key, value) in keys {
        if let Some(value) = value {
            properties.insert(key.to_owned(), value);
        }
    }
    properties
}

/// The money of an event: its top-level keys, or `$price` times `$quantity`, or `$revenue`, in its properties.
pub(crate) fn amount(event: &IncomingEvent) -> Option<f64> {
    let property = |key: &str| event.event_properties.get(key).and_then(Value::as_f64);
    event
        .revenue
        .amount()
        .or_else(|| match (property("$price"), property("$quantity")) {
            (Some(price), quantity) => Some(price * quantity.unwrap_or(1.0)),
            (None, _) => property("$revenue"),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt() -> Receipt {
        Receipt {
            path: "/2/httpapi",
            client_upload_ms: Some(1_000_000),
            received_ms: 2_000_000,
            uploaded_ms: 2_000_001,
            remote_ip: "203.0.113.7".to_owned(),
        }
    }

    #[test]
    fn times_of_an_event() {
        let at = |time_ms| IncomingEvent {
            time_ms,
            ..IncomingEvent::default()
        };
        assert_eq!(
            Times::of(&at(Some(5)), &receipt()),
            Times {
                event: 1_000_005,
                client_event: 5
            }
        );
        assert_eq!(
            Times::of(&at(None), &receipt()),
            Times {
                event: 2_000_000,
                client_event: 1_000_000
            }
        );
        let bare = Receipt {
            client_upload_ms: None,
            ..receipt()
        };
        assert_eq!(
            Times::of(&at(None), &bare),
            Times {
                event: 2_000_000,
                client_event: 2_000_000
            }
        );
    }

    #[test]
    fn an_exported_event() {
        let mut event = IncomingEvent {
            user_id: Some("user-1".to_owned()),
            event_type: "Subscription started".to_owned(),
            time_ms: Some(1_999_000),
            insert_id: Some("insert-1".to_owned()),
            revenue: RevenueFields {
                price: Some(12.0),
                quantity: Some(2),
                revenue: Some(1.0),
                ..Default::default()
            },
            ..IncomingEvent::default()
        };
        for (key, value) in [
            ("ip", "$remote"),
            ("language", "en-US"),
            ("library", "x/1"),
            ("app_version", "3"),
        ] {
            event.context.insert(key.to_owned(), value.into());
        }
        let receipt = Receipt {
            client_upload_ms: None,
            ..receipt()
        };
        let user_properties = Map::from_iter([("plan".to_owned(), json!("pro"))]);
        let placed = Placed {
            sequence: 9,
            amplitude_id: 100,
            attribution: "new user",
            device_id: "device-1",
            derived_device: true,
            first_event: true,
            user_properties: &user_properties,
            verdict: Verdict {
                status: "valid",
                reasons: Vec::new(),
            },
        };
        let export = exported(&event, &receipt, Times::of(&event, &receipt), &placed);
        let expected = json!({
            "event_time": "1970-01-01 00:33:19.000000",
            "client_upload_time": "1970-01-01 00:33:20.000000",
            "server_upload_time": "1970-01-01 00:33:20.001000",
            "session_id": -1,
            "$insert_id": "insert-1",
            "event_properties": {"$revenue": 24.0, "$price": 12.0, "$quantity": 2},
            "user_properties": {"plan": "pro"},
            "ip_address": "203.0.113.7",
            "language": "English",
            "version_name": "3",
            "country": null,
            "local": {"sequence": 9, "attribution": "new user", "derived_device": true, "plan": {"status": "valid"}},
        });
        for (key, value) in expected.as_object().expect("an object") {
            assert_eq!(&export[key], value, "{key}");
        }
        assert_eq!(amount(&event), Some(24.0));
    }
}
