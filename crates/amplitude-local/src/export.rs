//! Converting an event to Amplitude's export format. No I/O.
//!
//! Source: Export API, "Response schema". The `local` object has what Amplitude does not export.

use serde_json::{Map, Value, json};

use crate::{
    device,
    times::{self, EventTimes},
    tracking_plan::PlanCheck,
    validate::{IncomingEvent, RevenueFields},
};

/// What all events of an upload have in common.
#[derive(Clone, Debug)]
pub(crate) struct UploadMetadata {
    pub(crate) path: &'static str,
    pub(crate) client_upload_ms: Option<i64>,
    pub(crate) received_ms: i64,
    /// When the events were stored; also in the response.
    pub(crate) uploaded_ms: i64,
    /// The address that replaces `$remote`.
    pub(crate) remote_ip: String,
}

/// What the collector added to one event: its number, person, device and plan check.
pub(crate) struct EventAssignment<'a> {
    pub(crate) sequence: i64,
    pub(crate) amplitude_id: i64,
    pub(crate) attribution: &'static str,
    pub(crate) device_id: &'a str,
    pub(crate) is_device_derived: bool,
    pub(crate) is_first_event: bool,
    /// The person's properties after this event.
    pub(crate) user_properties: &'a Map<String, Value>,
    pub(crate) plan_check: PlanCheck,
}

/// The exported fields about platform, device, place and library. Fields without a value are left out.
pub(crate) fn export_context(event: &IncomingEvent, metadata: &UploadMetadata) -> Map<String, Value> {
    let sent = |key: &str| event.context.get(key).and_then(Value::as_str);
    let browser = sent("user_agent").and_then(device::parse_user_agent);
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
        ("language", sent("language").map(device::language_name)),
        (
            "ip_address",
            sent("ip").map(|ip| {
                if ip == "$remote" {
                    metadata.remote_ip.as_str()
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

/// The exported fields that are null, not absent, when they have no value.
const NULLABLE_FIELDS: [&str; 17] = [
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

/// The event in the export format, as stored and returned.
pub(crate) fn export_event(
    event: &IncomingEvent,
    metadata: &UploadMetadata,
    times: EventTimes,
    assignment: &EventAssignment<'_>,
) -> Value {
    let mut export = export_context(event, metadata);
    for key in NULLABLE_FIELDS {
        export.entry(key).or_insert(Value::Null);
    }
    let group = |key: &str| event.context.get(key).cloned().unwrap_or_else(|| json!({}));
    let uuid = device::hashed_uuid(&[
        &assignment.sequence.to_be_bytes(),
        &metadata.received_ms.to_be_bytes(),
        assignment.device_id.as_bytes(),
    ]);
    let fields = json!({
        "event_type": event.event_type,
        "event_id": event.event_id,
        "event_time": times::format_time(times.event_ms),
        "client_event_time": times::format_time(times.client_event_ms),
        "client_upload_time": times::format_time(metadata.client_upload_ms.unwrap_or(metadata.received_ms)),
        "server_received_time": times::format_time(metadata.received_ms),
        "server_upload_time": times::format_time(metadata.uploaded_ms),
        "processed_time": times::format_time(metadata.uploaded_ms),
        "user_id": event.user_id,
        "device_id": assignment.device_id,
        "session_id": event.session_id.unwrap_or(-1),
        "amplitude_id": assignment.amplitude_id,
        "uuid": uuid,
        "$insert_id": event.insert_id,
        "event_properties": with_revenue(event.event_properties.clone(), &event.revenue),
        "user_properties": assignment.user_properties,
        "groups": group("groups"),
        "group_properties": group("group_properties"),
        "data": {
            "path": metadata.path,
            "first_event": assignment.is_first_event,
            "user_properties_updated": !event.user_properties.is_empty(),
        },
        "local": {
            "sequence": assignment.sequence,
            "attribution": assignment.attribution,
            "derived_device": assignment.is_device_derived,
            "plan": assignment.plan_check,
        },
    });
    if let Value::Object(fields) = fields {
        export.extend(fields);
    }
    Value::Object(export)
}

/// Adds the revenue fields to the event properties, with a dollar sign before each name ("Track revenue").
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

/// The revenue of an event: from its top-level fields, or from the properties `$price` times `$quantity`, or `$revenue`.
pub(crate) fn revenue_amount(event: &IncomingEvent) -> Option<f64> {
    let property = |key: &str| event.event_properties.get(key).and_then(Value::as_f64);
    event
        .revenue
        .amount()
        .or_else(|| match (property("$price"), property("$quantity")) {
            (Some(price), quantity) => Some(price * quantity.unwrap_or(1.0)),
            (None, _) => property("$revenue"),
        })
        .filter(|amount| amount.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_exported() {
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
        let metadata = UploadMetadata {
            path: "/2/httpapi",
            client_upload_ms: None,
            received_ms: 2_000_000,
            uploaded_ms: 2_000_001,
            remote_ip: "203.0.113.7".to_owned(),
        };
        let times = EventTimes::new(event.time_ms, metadata.client_upload_ms, metadata.received_ms);
        let user_properties = Map::from_iter([("plan".to_owned(), json!("pro"))]);
        let assignment = EventAssignment {
            sequence: 9,
            amplitude_id: 100,
            attribution: "new user",
            device_id: "device-1",
            is_device_derived: true,
            is_first_event: true,
            user_properties: &user_properties,
            plan_check: PlanCheck {
                status: "valid",
                reasons: Vec::new(),
            },
        };
        let export = export_event(&event, &metadata, times, &assignment);
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
        assert_eq!(revenue_amount(&event), Some(24.0));
    }
}
