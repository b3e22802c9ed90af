//! Times as users type them: `2026-12-24T18:00`, in UTC, as `<input type="datetime-local">` sends it.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::errors::FieldError;

const TO_THE_MINUTE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]");

/// Length of such a text, in bytes.
const LEN: usize = "2026-12-24T18:00".len();

/// Ms since the epoch. Some browsers send seconds, which the user did not choose: they are dropped.
pub(crate) fn moment(text: &str) -> Result<i64, FieldError> {
    read(text.trim()).ok_or(FieldError::NotAMoment)
}

/// What [`moment`] reads: to the minute, in UTC. A time outside of the years 1970 to 9999 is an empty text.
pub fn moment_text(ms: i64) -> String {
    OffsetDateTime::from_unix_timestamp(ms.div_euclid(1_000))
        .ok()
        .filter(|time| (1970..=9999).contains(&time.year()))
        .and_then(|time| time.format(TO_THE_MINUTE).ok())
        .unwrap_or_default()
}

fn read(text: &str) -> Option<i64> {
    let (minute, seconds) = text.split_at_checked(LEN)?;
    let of_seconds = |c: char| c.is_ascii_digit() || c == '.';
    if !seconds.is_empty() && !seconds.strip_prefix(':')?.chars().all(of_seconds) {
        return None;
    }
    let time = PrimitiveDateTime::parse(&minute.replacen(' ', "T", 1), TO_THE_MINUTE).ok()?;
    (time.year() >= 1970).then(|| time.assume_utc().unix_timestamp() * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_browsers_send() {
        for (text, ms) in [
            ("1970-01-01T00:00", 0),
            ("2026-11-18T11:06", 1_795_000_000_000 - 40_000),
            (" 2026-11-18T11:06:40 ", 1_795_000_000_000 - 40_000),
            ("2026-11-18 11:06", 1_795_000_000_000 - 40_000),
            ("2026-11-18T11:06:40.123", 1_795_000_000_000 - 40_000),
            ("2000-02-29T23:59", 951_868_740_000),
            ("2024-03-01T00:00", 1_709_251_200_000),
            ("9999-12-31T23:59", 253_402_300_740_000),
        ] {
            assert_eq!(moment(text), Ok(ms), "{text}");
            assert_eq!(moment_text(ms), text.trim().replace(' ', "T")[..16], "{text}");
        }
    }

    #[test]
    fn what_is_no_moment() {
        let long = "2".repeat(10_000);
        for text in [
            "",
            "tomorrow",
            "2026-11-18",
            "2026-02-30T10:00",
            "2100-02-29T10:00",
            "2026-13-01T10:00",
            "2026-00-01T10:00",
            "2026-01-00T10:00",
            "2026-01-01T24:00",
            "2026-01-01T10:60",
            "2026-01-01T10:0",
            "2026-01-01T10:00Z",
            "2026-01-01T10:00+01:00",
            "02026-01-01T10:00",
            "1969-12-31T23:59",
            "2026-١١-18T11:06",
            "2026-01-01T1🙂00",
            &long,
        ] {
            assert_eq!(moment(text), Err(FieldError::NotAMoment), "{text:.40}");
        }
    }

    #[test]
    fn moments_beyond_four_digits_are_no_text() {
        for ms in [i64::MIN, -1, 253_402_300_800_000, i64::MAX] {
            assert_eq!(moment_text(ms), "", "{ms}");
        }
    }
}
