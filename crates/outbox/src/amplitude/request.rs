//! Builds the body of a request. Pure functions.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

const ISO_MS: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Returns the request's JSON. Payloads are inserted unchanged, so that an event has the same bytes in every attempt.
///
/// `options` is omitted: its `min_id_length` defaults to 5, and our IDs are longer.
pub(super) fn body<'a>(api_key: &str, payloads: impl Iterator<Item = &'a str>, sent_at_ms: i64) -> String {
    let events = payloads.collect::<Vec<_>>().join(",");
    let api_key = Value::from(api_key);
    match upload_time(sent_at_ms) {
        Some(uploaded) => {
            format!(r#"{{"api_key":{api_key},"events":[{events}],"client_upload_time":"{uploaded}"}}"#)
        }
        None => format!(r#"{{"api_key":{api_key},"events":[{events}]}}"#),
    }
}

/// The upload time in ISO 8601, UTC, in the SDKs' format; `None` if `ms` is out of range. Without it, Amplitude uses
/// its time of receipt (`User Lookup`, "timestamps"), which is also correct for a server.
fn upload_time(ms: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .ok()?
        .format(ISO_MS)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_inserted_unchanged_with_the_upload_time() {
        let payloads = [r#"{"b":1,"a":"é"}"#, r#"{"insert_id":"x"}"#];
        assert_eq!(
            body("key\"1", payloads.into_iter(), 1_795_435_200_007),
            r#"{"api_key":"key\"1","events":[{"b":1,"a":"é"},{"insert_id":"x"}],"client_upload_time":"2026-11-23T12:00:00.007Z"}"#
        );
    }

    #[test]
    fn a_time_out_of_range_is_omitted() {
        assert_eq!(
            body("key", ["{}"].into_iter(), i64::MAX),
            r#"{"api_key":"key","events":[{}]}"#
        );
    }
}
