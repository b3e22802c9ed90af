//! The state of Amplitude's SDK in a browser: events that have not arrived, and its cookie. Pure; the browser sends.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use url::form_urlencoded::byte_serialize;

use super::boot::BootData;

/// Name of the SDK's page view. The tracking plan has only our own events.
pub(super) const PAGE_VIEWED: &str = "[Amplitude] Page Viewed";

/// `User-Agent` of the lab's browsers, and in their events.
pub(super) const LAB_USER_AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 (Seamline disturbance lab)";

/// An event that the page hands to the SDK.
pub(super) struct SdkEvent<'a> {
    pub(super) name: &'a str,
    pub(super) properties: Map<String, Value>,
    pub(super) insert_id: &'a str,
    /// By the browser's clock.
    pub(super) time_ms: i64,
    /// `None`: the document's session.
    pub(super) session: Option<i64>,
}

/// The state of the SDK.
#[derive(Default)]
pub(super) struct SdkState {
    /// Events that have not arrived yet, the oldest first.
    unsent: Vec<Value>,
    /// Device and session of the last `session_start`.
    started: Option<(String, i64)>,
    event_count: u64,
}

impl SdkState {
    /// Whether a document begins another session than the one before.
    pub(super) fn begins_session(&mut self, device: &str, session: i64) -> bool {
        let ids = (device.to_owned(), session);
        let begins = self.started.as_ref() != Some(&ids);
        self.started = Some(ids);
        begins
    }

    /// Queues an event of a document. An event whose insert ID is queued already is dropped: each document repeats the
    /// confirmed events until they have arrived.
    pub(super) fn queue(&mut self, boot: &BootData, event: SdkEvent<'_>) {
        let queued = |known: &Value| known["insert_id"] == event.insert_id;
        let Some((device, session)) = boot.tracked_ids() else {
            return;
        };
        if self.unsent.iter().any(queued) {
            return;
        }
        self.event_count += 1;
        let mut upload = json!({
            "event_type": event.name,
            "device_id": device,
            "session_id": event.session.unwrap_or(session),
            "time": event.time_ms - boot.correction_ms(),
            "insert_id": event.insert_id,
            "event_id": self.event_count,
            "platform": "Web",
            "language": "en-GB",
            "ip": "$remote",
            "library": "amplitude-ts/2.48.1",
            "user_agent": LAB_USER_AGENT,
            "event_properties": event.properties,
        });
        if let Some(user) = boot.user() {
            upload["user_id"] = user.into();
        }
        self.unsent.push(upload);
    }

    /// Events that have not arrived yet.
    pub(super) fn unsent(&self) -> &[Value] {
        &self.unsent
    }

    /// Removes and returns the first `count` events, which have arrived.
    pub(super) fn arrived(&mut self, count: usize) -> Vec<Value> {
        self.unsent.drain(..count).collect()
    }
}

/// The value of the SDK's cookie after an event at this time by the browser's clock.
pub(super) fn cookie_value(boot: &BootData, now_ms: i64) -> Option<String> {
    let (device, session) = boot.tracked_ids()?;
    let stored = json!({
        "deviceId": device,
        "userId": boot.user(),
        "sessionId": session,
        "lastEventTime": now_ms,
        "optOut": false,
    });
    let escaped: String = byte_serialize(stored.to_string().as_bytes()).collect();
    Some(STANDARD.encode(escaped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queued_insert_id_is_queued_once_and_arrives_once() {
        let boot = json!({"now": 0, "device": "d", "session": 7, "tracking": true, "user": "u"});
        let boot = BootData::new(boot, 0).unwrap();
        let event = |insert_id| SdkEvent {
            name: "Poll created",
            properties: Map::new(),
            insert_id,
            time_ms: 3,
            session: None,
        };
        let mut sdk = SdkState::default();
        assert!(sdk.begins_session("d", 7) && !sdk.begins_session("d", 7) && sdk.begins_session("d", 8));
        for insert_id in ["one", "two", "one"] {
            sdk.queue(&boot, event(insert_id));
        }
        let ids: Vec<&Value> = sdk.unsent().iter().map(|event| &event["insert_id"]).collect();
        assert_eq!(ids, ["one", "two"]);
        assert_eq!(sdk.unsent()[0]["session_id"], 7);
        for insert_id in ["one", "two"] {
            assert_eq!(sdk.arrived(1)[0]["insert_id"], insert_id);
        }
        assert_eq!(sdk.unsent(), [Value::Null; 0]);
    }
}
