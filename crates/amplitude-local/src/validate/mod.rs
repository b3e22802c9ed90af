//! Validating one event by Amplitude's documented checks. No I/O.
//!
//! Source: HTTP V2, "Event keys", "Set time values", "String character limit", "Device IDs and User IDs
//! minimum length". Three rules come from reports about the service's responses: a number is accepted as
//! an ID when it is long enough; forbidden IDs are compared case-insensitively; `/2/httpapi` refuses an event with one short
//! ID (`events_with_invalid_id_lengths`), while `/batch` only drops that ID.

mod field_reader;

use serde_json::{Map, Value};

use self::field_reader::FieldReader;
use crate::{properties, settings::Limits, times};

/// Further top-level fields with text values.
const TEXT_FIELDS: [&str; 26] = [
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
/// Further top-level fields with numbers.
const NUMBER_FIELDS: [&str; 2] = ["location_lat", "location_lng"];
/// Further top-level fields with objects.
const OBJECT_FIELDS: [&str; 4] = ["groups", "group_properties", "plan", "ingestion_metadata"];

/// The limits that an event is checked against.
pub(crate) struct EventRules<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) min_id_length: usize,
    /// Whether a short ID is dropped if the event has another valid ID. Otherwise a short ID makes the event invalid.
    pub(crate) drops_short_ids: bool,
}

/// A validated event.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct IncomingEvent {
    pub(crate) user_id: Option<String>,
    pub(crate) device_id: Option<String>,
    pub(crate) event_type: String,
    /// The time of the event by the client's clock, in milliseconds since the Unix epoch.
    pub(crate) time_ms: Option<i64>,
    /// `None`: out of session (absent or -1).
    pub(crate) session_id: Option<i64>,
    pub(crate) event_id: Option<i64>,
    pub(crate) insert_id: Option<String>,
    pub(crate) event_properties: Map<String, Value>,
    pub(crate) user_properties: Map<String, Value>,
    pub(crate) skip_user_properties_sync: bool,
    pub(crate) revenue: RevenueFields,
    /// The further top-level fields that Amplitude documents.
    pub(crate) context: Map<String, Value>,
}

impl IncomingEvent {
    /// Whether the event counts in totals. `$identify` and `$groupidentify` do not.
    pub(crate) fn is_counted(&self) -> bool {
        !matches!(self.event_type.as_str(), "$identify" | "$groupidentify")
    }
}

/// The revenue fields as sent.
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
    /// `price` times `quantity` (default 1), or else `revenue`. `None`: no revenue, or more than a number can hold.
    pub(crate) fn amount(&self) -> Option<f64> {
        let amount = match self.price {
            Some(price) => Some(price * self.quantity.unwrap_or(1) as f64),
            None => self.revenue,
        };
        amount.filter(|amount| amount.is_finite())
    }
}

/// The errors of an event: the fields by kind of error, and one reason for each.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct EventFieldErrors {
    pub(crate) missing: Vec<String>,
    pub(crate) invalid: Vec<String>,
    pub(crate) id_lengths: Vec<String>,
    pub(crate) reasons: Vec<String>,
}

impl EventFieldErrors {
    fn invalid(&mut self, field: &str, reason: impl Into<String>) {
        self.invalid.push(field.to_owned());
        self.reasons.push(format!("{field}: {}", reason.into()));
    }

    fn is_empty(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// Validates one event (a JSON object) and reads its fields. Fails with all errors of the event.
pub(crate) fn read_event(raw: &Value, rules: &EventRules<'_>) -> Result<IncomingEvent, EventFieldErrors> {
    let mut reader = FieldReader {
        raw,
        rules,
        errors: EventFieldErrors::default(),
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
    if let Err(error) = properties::check_operations(&event.user_properties) {
        reader.errors.invalid("user_properties", error);
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
    for name in TEXT_FIELDS {
        reader
            .text(name)
            .and_then(|text| event.context.insert(name.to_owned(), text.into()));
    }
    for name in NUMBER_FIELDS {
        reader
            .number(name)
            .and_then(|number| event.context.insert(name.to_owned(), number.into()));
    }
    for name in OBJECT_FIELDS {
        let object = reader.object(name);
        if !object.is_empty() {
            event.context.insert(name.to_owned(), Value::Object(object));
        }
    }
    if reader.errors.is_empty() {
        Ok(event)
    } else {
        Err(reader.errors)
    }
}

#[cfg(test)]
mod tests;
