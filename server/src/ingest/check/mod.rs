//! Which events a browser may send: a function of the batch and of the browser's devices. It does not change events.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use serde_json::Value;
use tracking::catalog::server_only_properties;
use tracking::server::is_server_insert_id;
use tracking::{ClientEvent, DeviceId, UserId, UserProperty};

/// Events that the SDK sends on its own, with the autocapture that our pages turn on.
const SDK_EVENTS: [&str; 4] = [
    "$identify",
    "session_start",
    "session_end",
    "[Amplitude] Page Viewed",
];

/// Only the server reports revenue. These are all names that Amplitude knows (`HTTP V2`, "Event keys"; SDK `Revenue`).
const REVENUE_FIELDS: [&str; 6] = [
    "revenue",
    "price",
    "quantity",
    "productId",
    "revenueType",
    "currency",
];
const REVENUE_PROPERTIES: [&str; 6] = [
    "$revenue",
    "$price",
    "$quantity",
    "$productId",
    "$revenueType",
    "$currency",
];

/// Group analytics are not part of the plan, and a browser could add itself to any group.
const GROUP_FIELDS: [&str; 2] = ["groups", "group_properties"];

/// How old an event may be: Amplitude drops repeats for 7 days, and the SDK keeps unsent events for its next start.
const MAX_AGE_MS: i64 = 7 * 24 * 3_600_000;
/// How far in the future an event may be. The correction of the clock is exact to less than a second; a slow upload adds to it.
const MAX_AHEAD_MS: i64 = 5 * 60_000;
/// The precision of a corrected time: the page's script corrects a clock that is off by a second or more.
const PRECISION_MS: i64 = 1_000;
/// From this difference on Amplitude corrects the clock by the time of the upload (HTTP V2, "Time").
const CORRECTED_FROM_MS: i64 = 60_000;

/// Event properties that only server events have, from the tracking plan.
static SERVER_PROPERTIES: LazyLock<BTreeSet<String>> = LazyLock::new(server_only_properties);

/// Refused events: for each bad field the indexes in the batch, as `events_with_invalid_fields` has them.
pub type RefusedEvents = BTreeMap<&'static str, Vec<usize>>;

/// A device whose events the browser may send, and the user that they may name.
#[derive(Clone, Debug)]
pub struct EventSender {
    /// The device.
    pub device: DeviceId,
    /// The user of the login on this device. Events before the sign-in name no user.
    pub user: Option<UserId>,
    /// When the browser stopped being this device, in ms since the epoch. Later events are not its own.
    pub until_ms: Option<i64>,
}

/// What the events of a batch are checked against.
#[derive(Clone, Debug)]
pub struct BatchRules {
    /// The browser's devices.
    pub senders: Vec<EventSender>,
    /// The earliest and the latest time, in ms since the epoch by the server's clock.
    allowed: RangeInclusive<i64>,
    /// How far the upload's clock is ahead, where Amplitude corrects it; else 0.
    ahead_ms: i64,
    /// The time of the upload by the server's clock, in ms since the epoch.
    now_ms: i64,
}

impl BatchRules {
    /// `uploaded_at_ms`: the time of the upload by the browser's clock, if the batch has it. `consented_since_ms`: when
    /// tracking began with the user's consent; earlier events are refused.
    pub fn new(
        senders: Vec<EventSender>,
        now_ms: i64,
        uploaded_at_ms: Option<i64>,
        consented_since_ms: Option<i64>,
    ) -> Self {
        let ahead_ms = uploaded_at_ms.map_or(0, |at_ms| at_ms.saturating_sub(now_ms));
        let earliest_ms = now_ms - MAX_AGE_MS;
        let consented_ms = consented_since_ms.map_or(earliest_ms, |at_ms| at_ms.saturating_sub(PRECISION_MS));
        Self {
            senders,
            allowed: earliest_ms.max(consented_ms)..=now_ms + MAX_AHEAD_MS,
            ahead_ms: if ahead_ms.saturating_abs() > CORRECTED_FROM_MS {
                ahead_ms
            } else {
                0
            },
            now_ms,
        }
    }

    /// A time by the server's clock, in ms since the epoch; `None` if it is unreadable or not allowed. Without a time Amplitude
    /// takes the time of the upload.
    fn allowed_ms(&self, time: Option<&Value>) -> Option<i64> {
        match time {
            None | Some(Value::Null) => Some(self.now_ms),
            Some(time) => {
                let ms = time.as_i64()?.saturating_sub(self.ahead_ms);
                self.allowed.contains(&ms).then_some(ms)
            }
        }
    }
}

/// Checks each event.
pub fn refused(events: &[Value], rules: &BatchRules) -> RefusedEvents {
    let mut refused = RefusedEvents::new();
    for (index, event) in events.iter().enumerate() {
        if let Some(field) = bad_field(event, rules) {
            refused.entry(field).or_default().push(index);
        }
    }
    refused
}

/// The first field with a value that a browser may not send.
fn bad_field(event: &Value, rules: &BatchRules) -> Option<&'static str> {
    let name = event.get("event_type").and_then(Value::as_str);
    if !name.is_some_and(|name| SDK_EVENTS.contains(&name) || ClientEvent::NAMES.contains(&name)) {
        return Some("event_type");
    }
    let present = |field: &&str| event.get(*field).is_some_and(|value| !value.is_null());
    if let Some(field) = REVENUE_FIELDS.into_iter().chain(GROUP_FIELDS).find(present) {
        return Some(field);
    }
    let insert_id = event.get("insert_id").and_then(Value::as_str);
    if insert_id.is_some_and(is_server_insert_id) {
        return Some("insert_id");
    }
    let is_refused =
        |name: &String| REVENUE_PROPERTIES.contains(&name.as_str()) || SERVER_PROPERTIES.contains(name);
    let properties = event.get("event_properties").and_then(Value::as_object);
    if properties.is_some_and(|map| map.keys().any(is_refused)) {
        return Some("event_properties");
    }
    if event
        .get("user_properties")
        .is_some_and(|properties| !only_browser_owned(properties))
    {
        return Some("user_properties");
    }
    let Some(time_ms) = rules.allowed_ms(event.get("time")) else {
        return Some("time");
    };
    let device = event.get("device_id").and_then(Value::as_str);
    let sender = rules
        .senders
        .iter()
        .find(|sender| device == Some(sender.device.as_str()));
    let Some(sender) = sender else {
        return Some("device_id");
    };
    if sender
        .until_ms
        .is_some_and(|until_ms| time_ms > until_ms + MAX_AHEAD_MS)
    {
        return Some("time");
    }
    match event.get("user_id") {
        None | Some(Value::Null) => None,
        // In our spelling only: the receiver compares texts.
        Some(Value::String(user)) if sender.user.is_some_and(|own| own.to_string() == *user) => None,
        Some(_) => Some("user_id"),
    }
}

/// Whether no operation changes a property that the server owns. `$clearAll` changes all of them.
fn only_browser_owned(properties: &Value) -> bool {
    let owned = |name: &str| UserProperty::ALL.iter().any(|property| property.name() == name);
    let Some(map) = properties.as_object() else {
        return properties.is_null();
    };
    map.iter().all(|(key, value)| match key.as_str() {
        "$clearAll" => false,
        operation if operation.starts_with('$') => value
            .as_object()
            .is_some_and(|values| !values.keys().any(|name| owned(name))),
        name => !owned(name),
    })
}

#[cfg(test)]
mod tests;
