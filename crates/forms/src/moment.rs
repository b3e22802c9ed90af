//! Moments as people type them: `2026-12-24T18:00`, in UTC, as `<input type="datetime-local">` sends it.

use crate::errors::FieldError;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Ms since the epoch. Seconds may be there, since some browsers send them, and are dropped: nobody chose them.
pub(crate) fn moment(text: &str) -> Result<i64, FieldError> {
    read(text.trim()).ok_or(FieldError::NotAMoment)
}

/// What [`moment`] reads: to the minute, in UTC. A moment outside of the years 1970 to 9999 is no text.
pub fn moment_text(ms: i64) -> String {
    let (days, minute) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS) / MINUTE_MS);
    let (year, month, day) = date_of(days);
    if !(1970..=9999).contains(&year) {
        return String::new();
    }
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}",
        minute / 60,
        minute % 60
    )
}

fn read(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', ' '])?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute] = match time.len() {
        5 => numbers(time, ':', [2, 2])?,
        _ => {
            let (time, seconds) = time.split_at_checked(5)?;
            let seconds = seconds.strip_prefix(':')?;
            seconds
                .chars()
                .all(|c| c.is_ascii_digit() || c == '.')
                .then_some(())?;
            numbers(time, ':', [2, 2])?
        }
    };
    let days = days_to(year, month, day);
    // A day that is in no calendar comes back as another one.
    let real = date_of(days) == (year, month, day) && year >= 1970 && hour < 24 && minute < 60;
    real.then(|| days * DAY_MS + (hour * 60 + minute) * MINUTE_MS)
}

/// Numbers of exactly so many digits.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        let plain = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = plain.then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(numbers)
}

/// Days from 1970-01-01 to a date, by the rule of the Gregorian calendar. Years begin in March here, so that the leap
/// day is a year's last.
fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let since_march = (month + 9) % 12;
    let day_of_year = (153 * since_march + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

/// Year, month and day.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let since_march = (5 * day_of_year + 2) / 153;
    let month = (since_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * since_march + 2) / 5 + 1)
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
