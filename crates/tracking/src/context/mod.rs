//! The context of a present event: what the SDK adds to a browser event, taken from the request that caused the event.
//!
//! A context is part of [`PresentIds::Live`](crate::PresentIds), so an event has a context only with a session, and a system
//! event cannot have one:
//! ```compile_fail,E0308
//! # use tracking::{EventContext, ServerEvent, UserId, server::PollExpiration};
//! # fn t(user: UserId, event: PollExpiration, context: EventContext) {
//! ServerEvent::system(user, &event, context);
//! # }
//! ```
//!
//! This module does not read requests. Values from browsers are limited in length and have no control characters.

#[cfg(feature = "user-agent")]
mod request;
#[cfg(feature = "user-agent")]
mod user_agent;

use core::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::touch::Touch;

#[cfg(feature = "user-agent")]
pub use request::RequestFacts;

/// The kind of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceType {
    /// A computer.
    Desktop,
    /// A phone.
    Mobile,
    /// A tablet.
    Tablet,
    /// A console or a TV.
    Appliance,
}

impl DeviceType {
    /// The value of the event property.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Mobile => "mobile",
            Self::Tablet => "tablet",
            Self::Appliance => "appliance",
        }
    }
}

/// The browser and its device, by the header `User-Agent`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowserSoftware {
    /// The browser's name. Amplitude's field is `os_name`, also for browsers.
    pub name: Option<String>,
    /// Its major version. Amplitude's field is `os_version`.
    pub version: Option<String>,
    /// The operating system.
    pub os: Option<String>,
    /// The device in Amplitude's words, for example `Mac` or `Apple iPhone`.
    pub device_model: Option<String>,
    /// The kind of the device.
    pub device_type: Option<DeviceType>,
}

/// The context of a present event. A field without a value was not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventContext {
    /// The browser's network address. It is not serialized: a record of the context keeps it apart, and for a shorter time.
    #[serde(skip)]
    pub address: Option<IpAddr>,
    /// When the click was recorded, in ms since the epoch; `None` if this is the context of the request itself. With the account it
    /// identifies the record of the click.
    #[serde(skip)]
    pub clicked_ms: Option<i64>,
    /// The browser.
    pub browser: BrowserSoftware,
    /// The browser's first language, as a language tag.
    pub language: Option<String>,
    /// Path of the page on which the user acted.
    pub page_path: Option<String>,
    /// Its title, for pages whose title has no content of users.
    pub page_title: Option<String>,
    /// Where the session came from.
    pub touch: Option<Touch>,
}

/// The event properties of a context, with their descriptions. The touch adds the SDK's campaign properties.
pub(crate) const EVENT_PROPERTIES: [(&str, &str); 4] = [
    ("device_type", "Kind of the device."),
    ("operating_system", "Operating system of the device."),
    ("page_path", "Path of the page on which the user acted."),
    ("page_title", "Title of that page."),
];

impl EventContext {
    /// The parts that Amplitude has no field for. Sorted by name.
    pub(crate) fn event_properties(&self) -> Map<String, Value> {
        let device_type = self.browser.device_type.map(DeviceType::as_str);
        let values = [
            device_type,
            self.browser.os.as_deref(),
            self.page_path.as_deref(),
            self.page_title.as_deref(),
        ];
        let own = EVENT_PROPERTIES.iter().zip(values);
        let own = own.filter_map(|((key, _), value)| Some((*key, value?)));
        let touch = self.touch.iter().flat_map(Touch::event_properties);
        own.chain(touch)
            .map(|(key, value)| (key.to_owned(), value.into()))
            .collect()
    }
}
