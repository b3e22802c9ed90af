//! Formats times as text, in UTC.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// Formats a date like `2026-11-23`, from ms since the epoch.
pub(crate) fn day(ms: i64) -> String {
    moment(ms)
        .date()
        .format(format_description!("[year]-[month]-[day]"))
        .unwrap_or_default()
}

/// Formats a time like `2026-11-23T14:49:25.123Z`, from ms since the epoch.
pub fn instant(ms: i64) -> String {
    moment(ms).format(&Rfc3339).unwrap_or_default()
}

/// Formats a date like `18 November 2026 (UTC)`, from seconds since the epoch, as Stripe gives them.
pub fn long(seconds: i64) -> String {
    moment(seconds.saturating_mul(1000))
        .date()
        .format(format_description!(
            "[day padding:none] [month repr:long] [year] (UTC)"
        ))
        .unwrap_or_default()
}

/// Formats a time like `2026-11-18, 11:06 UTC`, from ms since the epoch.
pub fn minute(ms: i64) -> String {
    moment(ms)
        .format(format_description!("[year]-[month]-[day], [hour]:[minute] UTC"))
        .unwrap_or_default()
}

/// Times outside the calendar's range become the epoch.
fn moment(ms: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_text() {
        assert_eq!(day(1_795_000_000_123), "2026-11-18");
        assert_eq!(instant(1_795_000_000_123), "2026-11-18T11:06:40.123Z");
        assert_eq!(long(1_795_000_000), "18 November 2026 (UTC)");
        assert_eq!(minute(1_795_000_000_123), "2026-11-18, 11:06 UTC");
        assert_eq!(instant(i64::MAX), "1970-01-01T00:00:00Z");
    }
}
