//! What the browser's SDK uploads.

use serde_json::{Value, json};

pub const DEVICE: &str = "5ad2a0a4-3a2e-4f0f-9c0a-1d9f8a6f2f11";
pub const SESSION: i64 = 1_795_000_000_000;

/// An event as the SDK shapes it.
pub fn event(name: &str, insert_id: &str) -> Value {
    json!({
        "event_type": name,
        "device_id": DEVICE,
        "session_id": SESSION,
        "time": SESSION + 1_000,
        "insert_id": insert_id,
        "event_id": 1,
        "platform": "Web",
        "language": "en-GB",
        "ip": "$remote",
        "library": "amplitude-ts/2.48.1",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "event_properties": {},
        "user_properties": {},
    })
}

pub fn with(mut event: Value, key: &str, value: Value) -> Value {
    event[key] = value;
    event
}

pub fn batch(key: &str, events: &[Value]) -> Value {
    json!({
        "api_key": key,
        "events": events,
        "options": {"min_id_length": 1},
        "client_upload_time": "2026-11-18T11:06:42.000Z",
        "request_metadata": {"sdk": {"metrics": {"histogram": {}}}},
    })
}
