//! The wire format of server events. Only this module contains the field names of Amplitude's HTTP V2 API.
//!
//! The sender adds `client_upload_time` and the API key.

use core::net::IpAddr;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::context::EventContext;
use crate::ids::{InsertId, SessionId, UserId};
use crate::money::Revenue;
use crate::presence::StitchedBy;
use crate::properties::{UserProperties, fields_of};
use crate::server::ServerEvent;

/// The value of the field `library`.
pub const LIBRARY: &str = concat!("seamline-server/", env!("CARGO_PKG_VERSION"));

/// One element of `events` (HTTP V2, "Keys for the event argument"). The fields are serialized in this order, and event
/// properties are sorted by name, so equal events have equal JSON.
#[derive(Clone, Debug, Serialize)]
pub struct WireEvent<'a> {
    user_id: UserId,
    /// Absent for system events and unknown browsers. Amplitude then derives a device ID from the user ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<&'a str>,
    /// Absent means out of session, like `-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<SessionId>,
    insert_id: &'a InsertId,
    /// Ms since the epoch. Amplitude rejects text.
    time: i64,
    event_type: &'static str,
    event_properties: EventProperties<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_properties: Option<Operations<'a>>,
    #[serde(flatten)]
    revenue: Option<WireRevenue>,
    #[serde(flatten)]
    context: Option<WireContext<'a>>,
    library: &'static str,
    platform: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct EventProperties<'a> {
    #[serde(flatten)]
    own: &'a Map<String, Value>,
    #[serde(flatten)]
    context: Map<String, Value>,
    stitched_by: StitchedBy,
}

/// The parts of the context that Amplitude has fields for (HTTP V2, "Keys for the event argument").
#[derive(Clone, Debug, Serialize)]
struct WireContext<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    /// Of a web event this is the browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    os_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
}

impl<'a> WireContext<'a> {
    fn of(context: &'a EventContext) -> Self {
        Self {
            ip: context.address,
            os_name: context.browser.name.as_deref(),
            os_version: context.browser.version.as_deref(),
            device_model: context.browser.device_model.as_deref(),
            language: context.language.as_deref(),
        }
    }
}

/// User properties by operator. Operators and plain keys must not be mixed (Identify API, "user_properties").
#[derive(Clone, Debug, Serialize)]
struct Operations<'a> {
    #[serde(rename = "$set", skip_serializing_if = "BTreeMap::is_empty")]
    set: &'a BTreeMap<&'static str, Value>,
    #[serde(rename = "$setOnce", skip_serializing_if = "BTreeMap::is_empty")]
    set_once: &'a BTreeMap<&'static str, Value>,
}

/// Amplitude uses price × quantity before `revenue` (HTTP V2), so both have the same value: the quantity is 1.
/// A refund has a negative price.
#[derive(Clone, Debug, Serialize)]
struct WireRevenue {
    price: f64,
    quantity: u8,
    revenue: f64,
    currency: String,
    #[serde(rename = "productId")]
    product_id: &'static str,
    #[serde(rename = "revenueType")]
    revenue_type: &'static str,
}

impl WireRevenue {
    fn of(revenue: &Revenue) -> Self {
        let amount = revenue.amount.decimal();
        Self {
            price: amount,
            quantity: 1,
            revenue: amount,
            currency: revenue.amount.currency.iso_code(),
            product_id: revenue.product_id,
            revenue_type: revenue.kind.as_str(),
        }
    }
}

impl<'a> Operations<'a> {
    fn of(properties: &'a UserProperties) -> Option<Self> {
        (!properties.is_empty()).then_some(Self {
            set: &properties.set,
            set_once: &properties.set_once,
        })
    }
}

impl ServerEvent {
    /// The event as it is sent to Amplitude.
    pub fn wire(&self) -> WireEvent<'_> {
        WireEvent {
            user_id: self.user,
            device_id: self.device().map(|device| device.as_str()),
            session_id: self.session(),
            insert_id: &self.insert_id,
            time: self.time_ms,
            event_type: self.name,
            event_properties: EventProperties {
                own: &self.properties,
                context: self
                    .context()
                    .map(EventContext::event_properties)
                    .unwrap_or_default(),
                stitched_by: self.stitched_by(),
            },
            user_properties: Operations::of(&self.user_properties),
            revenue: self.revenue.as_ref().map(WireRevenue::of),
            context: self.context().map(WireContext::of),
            library: LIBRARY,
            platform: "Server",
        }
    }

    /// [`Self::wire`] as a JSON object.
    pub fn to_wire(&self) -> Value {
        Value::Object(fields_of(&self.wire()))
    }
}
