//! The timestamps of an event and their formats. No I/O.
//!
//! Source: "User data lookup", the table of timestamps.

use time::{
    OffsetDateTime, UtcDateTime, format_description::well_known::Rfc3339, macros::format_description,
};

/// Amplitude corrects the client's clock only when its error is larger than this.
const TOLERATED_SKEW_MS: i64 = 60_000;

/// The last millisecond of the year 9999. Later times cannot be formatted.
pub(crate) const LATEST_MS: i64 = 253_402_300_799_999;

/// The times of an event, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventTimes {
    /// Corrected by the error of the client's clock.
    pub(crate) event_ms: i64,
    /// By the client's clock.
    pub(crate) client_event_ms: i64,
}

impl EventTimes {
    /// An event without a time of its own gets the upload time, or else the time it was received.
    pub(crate) fn new(time_ms: Option<i64>, client_upload_ms: Option<i64>, received_ms: i64) -> Self {
        let client_event_ms = time_ms.or(client_upload_ms).unwrap_or(received_ms);
        Self {
            event_ms: event_time(client_event_ms, client_upload_ms, received_ms),
            client_event_ms,
        }
    }
}

/// The corrected time of an event, in milliseconds.
///
/// The difference between upload time and receipt is the error of the client's clock. It is added to the client's time if it
/// is more than 60 s in either direction. Without an upload time the client's time is returned.
fn event_time(client_event_ms: i64, client_upload_ms: Option<i64>, server_received_ms: i64) -> i64 {
    let skew = client_upload_ms.map_or(0, |upload| server_received_ms - upload);
    if skew.abs() > TOLERATED_SKEW_MS {
        client_event_ms.saturating_add(skew)
    } else {
        client_event_ms
    }
}

/// A time in the export format, in UTC: `2015-03-14 09:26:53.589000`.
pub(crate) fn format_time(ms: i64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]");
    utc_time(ms).format(&format).unwrap_or_default()
}

/// A date in the format of `userData`, in UTC: `2015-03-14`.
pub(crate) fn format_day(ms: i64) -> String {
    utc_time(ms)
        .format(format_description!("[year]-[month]-[day]"))
        .unwrap_or_default()
}

/// Parses a request's `client_upload_time` (ISO 8601) to milliseconds. `None`: it is not valid.
pub(crate) fn parse_upload_time(text: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000)
        .ok()
        .filter(|ms| (0..=LATEST_MS).contains(ms))
}

fn utc_time(ms: i64) -> UtcDateTime {
    UtcDateTime::from_unix_timestamp_nanos(i128::from(ms.clamp(0, LATEST_MS)) * 1_000_000)
        .unwrap_or(UtcDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_error_over_sixty_seconds_is_corrected() {
        const RECEIVED: i64 = 1_700_000_000_000;
        let rows = [
            ("no upload time", 5, None, 5),
            ("right clock", RECEIVED - 10, Some(RECEIVED), RECEIVED - 10),
            (
                "a minute slow is kept",
                RECEIVED - 60_000,
                Some(RECEIVED - 60_000),
                RECEIVED - 60_000,
            ),
            (
                "over a minute slow is moved",
                RECEIVED - 60_001,
                Some(RECEIVED - 60_001),
                RECEIVED,
            ),
            (
                "a minute fast is kept",
                RECEIVED + 60_000,
                Some(RECEIVED + 60_000),
                RECEIVED + 60_000,
            ),
            (
                "two hours fast is moved",
                RECEIVED + 7_200_000 - 5,
                Some(RECEIVED + 7_200_000),
                RECEIVED - 5,
            ),
            (
                "an old event from a right clock stays old",
                1_600_000_000_000,
                Some(RECEIVED - 300),
                1_600_000_000_000,
            ),
        ];
        for (name, client, upload, expected) in rows {
            assert_eq!(event_time(client, upload, RECEIVED), expected, "{name}");
        }
    }

    #[test]
    fn missing_times_are_filled_in() {
        for (time_ms, client_upload_ms, expected) in [
            (Some(5), Some(1_000_000), (1_000_005, 5)),
            (None, Some(1_000_000), (2_000_000, 1_000_000)),
            (None, None, (2_000_000, 2_000_000)),
        ] {
            let times = EventTimes::new(time_ms, client_upload_ms, 2_000_000);
            assert_eq!((times.event_ms, times.client_event_ms), expected);
        }
    }

    #[test]
    fn times_are_formatted() {
        assert_eq!(format_time(1_396_381_378_123), "2014-04-01 19:42:58.123000");
        assert_eq!(format_day(1_396_381_378_123), "2014-04-01");
        assert_eq!(format_time(i64::MAX), "9999-12-31 23:59:59.999000");
        assert_eq!(format_time(-1), "1970-01-01 00:00:00.000000");
    }

    #[test]
    fn upload_times_are_iso_8601() {
        assert_eq!(
            parse_upload_time("2014-04-01T19:42:58.123Z"),
            Some(1_396_381_378_123)
        );
        assert_eq!(
            parse_upload_time("2014-04-01T21:42:58.123+02:00"),
            Some(1_396_381_378_123)
        );
        for invalid in ["", "yesterday", "2014-04-01", "1396381378123"] {
            assert_eq!(parse_upload_time(invalid), None, "{invalid}");
        }
    }
}
