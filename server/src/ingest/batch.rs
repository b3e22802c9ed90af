//! The batch in a request's body, or what Amplitude says of a body without one.

use serde_json::{Map, Value, json};

/// What the SDK uploads at once.
#[derive(Debug, PartialEq)]
pub struct Batch {
    /// The events, each an object.
    pub events: Vec<Value>,
    /// What stands beside them: options, time of the upload.
    rest: Map<String, Value>,
}

impl Batch {
    /// Reads a body. `public_key`: the only key that a page of ours sends.
    ///
    /// # Errors
    /// The JSON of a 400, as Amplitude words it (`HTTP V2`, "Response"): the SDK drops such a batch.
    pub fn read(body: &[u8], public_key: &str) -> Result<Self, Value> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(fault("Missing request body"));
        }
        let Ok(Value::Object(mut rest)) = serde_json::from_slice(body) else {
            return Err(fault("Invalid JSON request body"));
        };
        let events = match rest.remove("events") {
            None | Some(Value::Null) => return Err(missing("events")),
            Some(Value::Array(events)) if events.iter().all(Value::is_object) => events,
            Some(_) => return Err(fault("Invalid event JSON")),
        };
        match rest.remove("api_key") {
            Some(Value::String(key)) if key == public_key => Ok(Self { events, rest }),
            None | Some(Value::Null) => Err(missing("api_key")),
            Some(_) => Err(fault("Invalid API key")),
        }
    }

    /// The same batch under the project's own key.
    pub fn under(mut self, api_key: &str) -> Value {
        self.rest.insert("api_key".into(), api_key.into());
        self.rest.insert("events".into(), self.events.into());
        self.rest.into()
    }
}

fn fault(error: &str) -> Value {
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
            (String::new(), fault("Missing request body")),
            (" \n".into(), fault("Missing request body")),
            ("{".into(), fault("Invalid JSON request body")),
            ("[]".into(), fault("Invalid JSON request body")),
            ("\"\\ud800\"".into(), fault("Invalid JSON request body")),
            ("[".repeat(100_000), fault("Invalid JSON request body")),
            ("{}".into(), missing("events")),
            (with(Value::Null, json!(KEY)), missing("events")),
            (with(json!({}), json!(KEY)), fault("Invalid event JSON")),
            (with(json!([{}, 7]), json!(KEY)), fault("Invalid event JSON")),
            (with(event.clone(), Value::Null), missing("api_key")),
            (with(event.clone(), json!("")), fault("Invalid API key")),
            (with(event.clone(), json!(7)), fault("Invalid API key")),
            (with(event, json!(KEY.to_uppercase())), fault("Invalid API key")),
        ] {
            assert_eq!(Batch::read(body.as_bytes(), KEY), Err(expected), "{body:.80}");
        }
    }

    #[test]
    fn only_the_key_is_exchanged() {
        let sent = json!({"api_key": KEY, "events": [{"event_type": "session_start"}], "options": {"min_id_length": 1}});
        let batch = Batch::read(sent.to_string().as_bytes(), KEY).unwrap();
        let mut expected = sent;
        expected["api_key"] = json!("the real one");
        assert_eq!(batch.under("the real one"), expected);
    }
}
