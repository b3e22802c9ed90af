//! The timestamps that Amplitude keeps with an event, and how it writes them. Pure.
//!
//! Source: "User data lookup", the table of timestamps.

use time::{
    OffsetDateTime, UtcDateTime, format_description::well_known::Rfc3339, macros::format_description,
};

/// Amplitude corrects the client's clock only when it is off by more than this.
const TOLERATED_SKEW_MS: i64 = 60_000;

/// The last millisecond of the year 9999: later times cannot be written.
pub(crate) const LATEST_MS: i64 = 253_402_300_799_999;

/// When an event counts as having happened, in ms.
///
/// The time between upload and receipt is taken for the client's clock error, and added to the client's
/// time, only when it exceeds 60 s in either direction. Without an upload time there is nothing to correct.
pub(crate) fn event_time(
    client_event_ms: i64,
    client_upload_ms: Option<i64>,
    server_received_ms: i64,
) -> i64 {
    let skew = client_upload_ms.map_or(0, |upload| server_received_ms - upload);
    if skew.abs() > TOLERATED_SKEW_MS {
        client_event_ms.saturating_add(skew)
    } else {
        client_event_ms
    }
}

/// A time as Amplitude exports it: `2015-03-14 09:26:53.589000`, in UTC.
pub(crate) fn exported(ms: i64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]");
    moment(ms).format(&format).unwrap_or_default()
}

/// The day alone, as `userData` has it: `2015-03-14`.
pub(crate) fn day(ms: i64) -> String {
    moment(ms)
        .format(format_description!("[year]-[month]-[day]"))
        .unwrap_or_default()
}

/// The request's `client_upload_time` in ms. The SDKs send ISO 8601.
pub(crate) fn upload_time(text: &str) -> Option<i64> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(moment.unix_timestamp_nanos() / 1_000_000)
        .ok()
        .filter(|ms| (0..=LATEST_MS).contains(ms))
}

fn moment(ms: i64) -> UtcDateTime {
    UtcDateTime::from_unix_timestamp_nanos(i128::from(ms.clamp(0, LATEST_MS)) * 1_000_000)
        .unwrap_or(UtcDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_clock_is_corrected_beyond_sixty_seconds() {
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
    fn times_are_written_as_exported() {
        assert_eq!(exported(1_396_381_378_123), "2014-04-01 19:42:58.123000");
        assert_eq!(day(1_396_381_378_123), "2014-04-01");
        assert_eq!(exported(i64::MAX), "9999-12-31 23:59:59.999000");
        assert_eq!(exported(-1), "1970-01-01 00:00:00.000000");
    }

    #[test]
    fn upload_times_are_iso() {
        assert_eq!(upload_time("2014-04-01T19:42:58.123Z"), Some(1_396_381_378_123));
        assert_eq!(
            upload_time("2014-04-01T21:42:58.123+02:00"),
            Some(1_396_381_378_123)
        );
        for unusable in ["", "yesterday", "2014-04-01", "1396381378123"] {
            assert_eq!(upload_time(unusable), None, "{unusable}");
        }
    }
}
