//! The batch in a request's body, or Amplitude's error for a body without one.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The time of the upload, in RFC 3339.
const UPLOAD_TIME: &str = "client_upload_time";

/// The fields that the SDK sends beside the events. Others are dropped.
const SDK_FIELDS: [&str; 3] = ["options", UPLOAD_TIME, "request_metadata"];

/// One upload of the SDK.
#[derive(Debug, PartialEq)]
pub struct Batch {
    /// The events, each an object.
    pub events: Vec<Value>,
    /// The other fields: options, time of the upload.
    rest: Map<String, Value>,
}

impl Batch {
    /// Reads a body. `public_key`: the only key that a page of ours sends.
    ///
    /// # Errors
    /// The JSON of Amplitude's 400 (`HTTP V2`, "Response"): the SDK drops such a batch.
    pub fn read(body: &[u8], public_key: &str) -> Result<Self, Value> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(bad_request("Missing request body"));
        }
        let Ok(Value::Object(mut rest)) = lossy_json::from_slice(body) else {
            return Err(bad_request("Invalid JSON request body"));
        };
        let events = match rest.remove("events") {
            None | Some(Value::Null) => return Err(missing("events")),
            Some(Value::Array(events)) if events.iter().all(Value::is_object) => events,
            Some(_) => return Err(bad_request("Invalid event JSON")),
        };
        match rest.remove("api_key") {
            Some(Value::String(key)) if key == public_key => {
                rest.retain(|name, _| SDK_FIELDS.contains(&name.as_str()));
                // Amplitude corrects the times of events by it, so it must be the one that they are checked against.
                if instant_ms(&rest).is_none() {
                    rest.remove(UPLOAD_TIME);
                }
                Ok(Self { events, rest })
            }
            None | Some(Value::Null) => Err(missing("api_key")),
            Some(_) => Err(bad_request("Invalid API key")),
        }
    }

    /// The time of the upload by the browser's clock, in ms since the epoch.
    pub fn uploaded_at_ms(&self) -> Option<i64> {
        instant_ms(&self.rest)
    }

    /// The same batch under the project's own key.
    pub fn under(mut self, api_key: &str) -> Value {
        self.rest.insert("api_key".into(), api_key.into());
        self.rest.insert("events".into(), self.events.into());
        self.rest.into()
    }
}

fn instant_ms(rest: &Map<String, Value>) -> Option<i64> {
    let instant = OffsetDateTime::parse(rest.get(UPLOAD_TIME)?.as_str()?, &Rfc3339).ok()?;
    i64::try_from(instant.unix_timestamp_nanos() / 1_000_000).ok()
}

fn bad_request(error: &str) -> Value {
    json!({"code": 400, "error": error})
}

fn missing(field: &str) -> Value {
    json!({"code": 400, "error": "Request missing required field", "missing_field": field})
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn bodies_without_a_batch() {
        let with = |events: Value, key: Value| json!({"events": events, "api_key": key}).to_string();
        let event = json!([{"event_type": "session_start"}]);
        for (body, expected) in [
            (String::new(), bad_request("Missing request body")),
            (" \n".into(), bad_request("Missing request body")),
            ("{".into(), bad_request("Invalid JSON request body")),
            ("[]".into(), bad_request("Invalid JSON request body")),
            ("\"\\ud800\"".into(), bad_request("Invalid JSON request body")),
            ("[".repeat(100_000), bad_request("Invalid JSON request body")),
            ("{}".into(), missing("events")),
            (with(Value::Null, json!(KEY)), missing("events")),
            (with(json!({}), json!(KEY)), bad_request("Invalid event JSON")),
            (
                with(json!([{}, 7]), json!(KEY)),
                bad_request("Invalid event JSON"),
            ),
            (with(event.clone(), Value::Null), missing("api_key")),
            (with(event.clone(), json!("")), bad_request("Invalid API key")),
            (with(event.clone(), json!(7)), bad_request("Invalid API key")),
            (
                with(event, json!(KEY.to_uppercase())),
                bad_request("Invalid API key"),
            ),
        ] {
            assert_eq!(Batch::read(body.as_bytes(), KEY), Err(expected), "{body:.80}");
        }
    }

    #[test]
    fn case_21_a_lone_surrogate_costs_one_character_and_no_event() {
        let sent = format!(
            r#"{{"api_key": "{KEY}", "events": [{{"event_type": "cut \ud83d"}}, {{"event_type": "b"}}]}}"#
        );
        let batch = Batch::read(sent.as_bytes(), KEY).unwrap();
        assert_eq!(
            batch.events,
            [json!({"event_type": "cut \u{fffd}"}), json!({"event_type": "b"})]
        );
    }

    #[test]
    fn only_the_key_is_exchanged() {
        let sent = json!({"api_key": KEY, "events": [{"event_type": "session_start"}], "options": {"min_id_length": 1}});
        let batch = Batch::read(sent.to_string().as_bytes(), KEY).unwrap();
        let mut expected = sent;
        expected["api_key"] = json!("the real one");
        assert_eq!(batch.under("the real one"), expected);
    }

    #[test]
    fn the_time_of_the_upload() {
        for (sent, expected) in [
            (json!("2026-11-18T11:06:40.250Z"), Some(1_795_000_000_250)),
            (json!("2026-11-18T12:06:40+01:00"), Some(1_795_000_000_000)),
            (json!("yesterday"), None),
            (json!(1_795_000_000_000_i64), None),
            (Value::Null, None),
        ] {
            let body = json!({"api_key": KEY, "events": [], "client_upload_time": sent, "partner": "x"});
            let batch = Batch::read(body.to_string().as_bytes(), KEY).unwrap();
            assert_eq!(batch.uploaded_at_ms(), expected, "{sent}");
            let forwarded = batch.under("k");
            assert_eq!(
                forwarded.get("client_upload_time").is_some(),
                expected.is_some(),
                "{sent}"
            );
            assert_eq!(forwarded.get("partner"), None);
        }
    }
}
