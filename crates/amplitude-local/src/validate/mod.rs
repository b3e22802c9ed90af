//! One event: Amplitude's documented checks, and what is left of it when it passes them. Pure.
//!
//! Source: HTTP V2, "Event keys", "Set time values", "String character limit", "Device IDs and User IDs
//! minimum length". Beside the documentation, from reports of the service's answers: a number is taken as an
//! ID when it is long enough, forbidden IDs are compared without regard to case, and `/2/httpapi` refuses an
//! event with one short ID (`events_with_invalid_id_lengths`), while `/batch` only strips that ID.

mod reader;

use serde_json::{Map, Value};

use self::reader::Reader;
use crate::{properties, settings::Limits, times};

/// Further top-level keys that an event keeps, by the kind of value that they take.
const TEXTS: [&str; 26] = [
    "platform",
    "os_name",
    "os_version",
    "device_brand",
    "device_manufacturer",
    "device_model",
    "carrier",
    "app_version",
    "version_name",
    "language",
    "user_agent",
    "ip",
    "country",
    "region",
    "city",
    "dma",
    "idfa",
    "idfv",
    "adid",
    "android_id",
    "android_app_set_id",
    "library",
    "partner_id",
    "start_version",
    "paying",
    "device_type",
];
const NUMBERS: [&str; 2] = ["location_lat", "location_lng"];
const OBJECTS: [&str; 4] = ["groups", "group_properties", "plan", "ingestion_metadata"];

/// What is asked of an event.
pub(crate) struct Rules<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) min_id_length: usize,
    /// A short ID beside a good one is dropped, not refused.
    pub(crate) strip_short_ids: bool,
}

/// An event that may be kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct IncomingEvent {
    pub(crate) user_id: Option<String>,
    pub(crate) device_id: Option<String>,
    pub(crate) event_type: String,
    /// When it happened by the client's clock, in ms.
    pub(crate) time_ms: Option<i64>,
    /// `None`: out of session (absent or -1).
    pub(crate) session_id: Option<i64>,
    pub(crate) event_id: Option<i64>,
    pub(crate) insert_id: Option<String>,
    pub(crate) event_properties: Map<String, Value>,
    pub(crate) user_properties: Map<String, Value>,
    pub(crate) skip_user_properties_sync: bool,
    pub(crate) revenue: RevenueFields,
    /// Everything else that was sent at top level and that Amplitude knows.
    pub(crate) context: Map<String, Value>,
}

impl IncomingEvent {
    /// `$identify` and `$groupidentify` carry properties and are not counted as events.
    pub(crate) fn is_counted(&self) -> bool {
        !matches!(self.event_type.as_str(), "$identify" | "$groupidentify")
    }
}

/// The revenue keys as sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RevenueFields {
    pub(crate) price: Option<f64>,
    pub(crate) quantity: Option<i64>,
    pub(crate) revenue: Option<f64>,
    pub(crate) product_id: Option<String>,
    pub(crate) revenue_type: Option<String>,
    pub(crate) currency: Option<String>,
}

impl RevenueFields {
    /// The amount: price times quantity (1 when absent) wins over `revenue`.
    pub(crate) fn amount(&self) -> Option<f64> {
        match self.price {
            Some(price) => Some(price * self.quantity.unwrap_or(1) as f64),
            None => self.revenue,
        }
    }
}

/// What is wrong with an event, by field, with a sentence for each.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Problems {
    pub(crate) missing: Vec<String>,
    pub(crate) invalid: Vec<String>,
    pub(crate) id_lengths: Vec<String>,
    pub(crate) reasons: Vec<String>,
}

impl Problems {
    fn invalid(&mut self, field: &str, reason: impl Into<String>) {
        self.invalid.push(field.to_owned());
        self.reasons.push(format!("{field}: {}", reason.into()));
    }

    fn is_empty(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// Checks one event (a JSON object) and takes it apart.
pub(crate) fn event(raw: &Value, rules: &Rules<'_>) -> Result<IncomingEvent, Problems> {
    let mut reader = Reader {
        raw,
        rules,
        problems: Problems::default(),
    };
    let mut event = IncomingEvent::default();
    (event.user_id, event.device_id) = reader.ids();
    event.event_type = reader.event_type();
    event.time_ms = reader.integer(
        "time",
        "milliseconds since the Unix epoch are required",
        0..=times::LATEST_MS,
    );
    event.session_id = reader
        .integer(
            "session_id",
            "milliseconds since the Unix epoch or -1 are required",
            -1..=times::LATEST_MS,
        )
        .filter(|id| *id >= 0);
    event.event_id = reader.integer("event_id", "a whole number is required", i64::MIN..=i64::MAX);
    event.insert_id = reader.text("insert_id").filter(|id| !id.is_empty());
    event.event_properties = reader.object("event_properties");
    event.user_properties = reader.object("user_properties");
    if let Some(objection) = properties::objection(&event.user_properties) {
        reader.problems.invalid("user_properties", objection);
    }
    event.skip_user_properties_sync = reader.boolean("$skip_user_properties_sync");
    event.revenue = RevenueFields {
        price: reader.number("price"),
        quantity: reader.integer("quantity", "a whole number is required", i64::MIN..=i64::MAX),
        revenue: reader.number("revenue"),
        product_id: reader.text("productId"),
        revenue_type: reader.text("revenueType"),
        currency: reader.text("currency"),
    };
    for name in TEXTS {
        reader
            .text(name)
            .and_then(|text| event.context.insert(name.to_owned(), text.into()));
    }
    for name in NUMBERS {
        reader
            .number(name)
            .and_then(|number| event.context.insert(name.to_owned(), number.into()));
    }
    for name in OBJECTS {
        let object = reader.object(name);
        if !object.is_empty() {
            event.context.insert(name.to_owned(), Value::Object(object));
        }
    }
    if reader.problems.is_empty() {
        Ok(event)
    } else {
        Err(reader.problems)
    }
}

#[cfg(test)]
mod tests;
