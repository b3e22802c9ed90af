//! Billing periods: calendar arithmetic from an anchor.

use time::{Date, Duration, OffsetDateTime, util::days_in_month};

use crate::records::{BillingPeriod, PriceInterval, Recurring};

pub(crate) const DAY_SECS: i64 = 86_400;

/// The end of the period that starts at `start`: the first boundary of `anchor` after it.
///
/// Months and years keep the anchor's day of month, or use the last day of a shorter month.
pub(crate) fn end_of_period(anchor: i64, recurring: Recurring, start: i64) -> i64 {
    let length = max_length_secs(recurring);
    // One below the estimate, because `length` is the length of the longest possible period.
    let mut step = ((start - anchor) / length - 1).max(0);
    loop {
        let boundary = boundary(anchor, recurring, step);
        if boundary > start {
            return boundary;
        }
        step += 1;
    }
}

/// The period of the cycle from `anchor` that contains `at`.
pub(crate) fn containing(anchor: i64, recurring: Recurring, at: i64) -> BillingPeriod {
    let mut period = first_period(anchor, recurring);
    while period.end <= at {
        period = BillingPeriod {
            start: period.end,
            end: end_of_period(anchor, recurring, period.end),
        };
    }
    period
}

/// The first period of a billing cycle that starts at `start`.
pub(crate) fn first_period(start: i64, recurring: Recurring) -> BillingPeriod {
    BillingPeriod {
        start,
        end: end_of_period(start, recurring, start),
    }
}

/// The greatest possible length of a period, in seconds.
pub(crate) fn max_length_secs(recurring: Recurring) -> i64 {
    let days = match recurring.interval {
        PriceInterval::Day => 1,
        PriceInterval::Week => 7,
        PriceInterval::Month => 31,
        PriceInterval::Year => 366,
    };
    days * DAY_SECS * recurring.count.max(1)
}

/// The anchor plus a number of periods.
fn boundary(anchor: i64, recurring: Recurring, steps: i64) -> i64 {
    let amount = steps * recurring.count.max(1);
    match recurring.interval {
        PriceInterval::Day => anchor + amount * DAY_SECS,
        PriceInterval::Week => anchor + amount * 7 * DAY_SECS,
        PriceInterval::Month => add_months(anchor, amount),
        PriceInterval::Year => add_months(anchor, amount * 12),
    }
}

fn add_months(anchor: i64, months: i64) -> i64 {
    let shifted = || {
        let from = OffsetDateTime::from_unix_timestamp(anchor).ok()?;
        let month = i64::from(from.year()) * 12 + i64::from(u8::from(from.month())) - 1 + months;
        let year = i32::try_from(month.div_euclid(12)).ok()?;
        let month = time::Month::try_from(u8::try_from(month.rem_euclid(12)).ok()? + 1).ok()?;
        let day = from.day().min(days_in_month(month, year));
        let date = Date::from_calendar_date(year, month, day).ok()?;
        Some(from.replace_date(date).unix_timestamp())
    };
    // Fallback for dates that the calendar does not support.
    shifted()
        .unwrap_or_else(|| anchor.saturating_add(Duration::days(31).whole_seconds().saturating_mul(months)))
}

#[cfg(test)]
mod tests {
    use time::format_description::well_known::Rfc3339;

    use super::*;

    fn at(text: &str) -> i64 {
        OffsetDateTime::parse(&format!("{text}T10:20:30Z"), &Rfc3339)
            .expect("a date")
            .unix_timestamp()
    }

    #[test]
    fn periods_end_on_the_anchor_day() {
        use PriceInterval::{Day, Month, Week, Year};
        // Anchor, interval, count, start, end.
        let cases = [
            ("2026-01-15", Month, 1, "2026-01-15", "2026-02-15"),
            ("2026-01-31", Month, 1, "2026-01-31", "2026-02-28"),
            ("2026-01-31", Month, 1, "2026-02-28", "2026-03-31"),
            ("2028-01-31", Month, 1, "2028-01-31", "2028-02-29"),
            ("2026-01-31", Month, 3, "2026-01-31", "2026-04-30"),
            ("2026-12-15", Month, 1, "2026-12-15", "2027-01-15"),
            ("2028-02-29", Year, 1, "2028-02-29", "2029-02-28"),
            ("2028-02-29", Year, 1, "2031-02-28", "2032-02-29"),
            ("2026-01-01", Day, 3, "2026-01-04", "2026-01-07"),
            ("2026-01-01", Week, 2, "2026-01-01", "2026-01-15"),
            ("2026-01-31", Month, 1, "2036-02-29", "2036-03-31"),
        ];
        for (anchor, interval, count, start, end) in cases {
            let recurring = Recurring { interval, count };
            assert_eq!(
                end_of_period(at(anchor), recurring, at(start)),
                at(end),
                "{anchor} {interval:?} {count} {start}"
            );
        }
    }

    #[test]
    fn boundaries_advance_month_by_month() {
        let recurring = Recurring {
            interval: PriceInterval::Month,
            count: 1,
        };
        let mut start = at("2026-01-31");
        for _ in 0..600 {
            let end = end_of_period(at("2026-01-31"), recurring, start);
            assert!(
                (28 * DAY_SECS..=31 * DAY_SECS).contains(&(end - start)),
                "{start} {end}"
            );
            start = end;
        }
    }
}
