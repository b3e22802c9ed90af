//! What the document passes to the browser's script: a data block, which runs nothing and needs no nonce.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracking::{ClientEvent, DeviceId, InsertId, SessionId};

/// The SDK among the build's files. The build fetches it from the registry.
pub const SDK_FILE: &str = "vendor/browser-sdk-2.48.1.js";
/// Where the SDK sends its events.
pub const INGEST_PATH: &str = "/ingest";

/// The boot data. Device and session are there exactly when tracking is on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Boot {
    /// Consent is granted: the SDK may load.
    pub tracking: bool,
    /// URL of the SDK's script.
    pub sdk: String,
    /// Where it sends events.
    pub endpoint: &'static str,
    /// The public key.
    pub key: String,
    /// This browser.
    pub device: Option<String>,
    /// The session that the server resolved, in ms.
    pub session: Option<i64>,
    /// Who is signed in.
    pub user: Option<String>,
    /// The server's clock when it answered, in ms.
    pub now: i64,
    /// Hosts, with port, that are no campaigns: ours and those we redirect through.
    pub exclude_referrers: Vec<String>,
    /// Client events that the server has confirmed and that have not arrived yet.
    pub confirmed: Vec<Confirmed>,
}

/// A client event that the server has confirmed. The page that asked fires it; where none was there to hear the answer (no
/// script yet, or a closed tab), the next document's script does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfirmedEvent {
    /// The same for the same fact, so that firing it twice counts once.
    pub insert_id: InsertId,
    /// When it was confirmed, in ms since the epoch by our clock.
    pub time_ms: i64,
    /// The browser's device then. After a sign-out the browser has another one, whose user has not done this.
    pub device: DeviceId,
    /// The session in which it happened; the next document may be of a later one.
    pub session: Option<SessionId>,
    /// What.
    pub event: ClientEvent,
    /// The browser's script has counted it among what it has fired.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counted: bool,
}

/// A confirmed client event, ready for the SDK.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Confirmed {
    name: &'static str,
    properties: Map<String, Value>,
    insert_id: InsertId,
    time: i64,
    session: Option<SessionId>,
}

impl From<ConfirmedEvent> for Confirmed {
    fn from(confirmed: ConfirmedEvent) -> Self {
        Self {
            name: confirmed.event.name(),
            properties: confirmed.event.properties(),
            insert_id: confirmed.insert_id,
            time: confirmed.time_ms,
            session: confirmed.session,
        }
    }
}

impl Boot {
    /// JSON that may stand inside a `<script>` element: no `<` of a property can end it.
    pub fn to_json_block(&self) -> String {
        // A struct of texts and numbers always serialises.
        serde_json::to_string(self)
            .unwrap_or_default()
            .replace('<', "\\u003c")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_it_can_end_the_script_element() {
        let boot = Boot {
            user: Some("</script><script>alert(1)".into()),
            ..Boot::default()
        };
        let json = boot.to_json_block();
        assert!(!json.contains('<'), "{json}");
        let read: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["user"], "</script><script>alert(1)");
        assert_eq!(read["excludeReferrers"], Value::Array(vec![]));
    }
}
