//! The body of a request: pure.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

const ISO_MS: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// The request's JSON. The payloads go in as the text that they are, so that an event is the same bytes every time.
///
/// `options` is left out: its `min_id_length` defaults to 5, and our IDs are longer.
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

/// ISO 8601 in UTC, as the SDKs stamp it; `None` for a clock beyond the calendar. Without it Amplitude takes its own
/// time of receipt (`User Lookup`, "timestamps"), which is right for a server as well.
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
    fn events_go_in_byte_for_byte_and_the_upload_time_is_that_of_sending() {
        let payloads = [r#"{"b":1,"a":"é"}"#, r#"{"insert_id":"x"}"#];
        assert_eq!(
            body("key\"1", payloads.into_iter(), 1_795_435_200_007),
            r#"{"api_key":"key\"1","events":[{"b":1,"a":"é"},{"insert_id":"x"}],"client_upload_time":"2026-11-23T12:00:00.007Z"}"#
        );
    }

    #[test]
    fn a_clock_beyond_the_calendar_stamps_nothing() {
        assert_eq!(
            body("key", ["{}"].into_iter(), i64::MAX),
            r#"{"api_key":"key","events":[{}]}"#
        );
    }
}
