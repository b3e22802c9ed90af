//! Relative times, such as `6 minutes ago`, as the server writes them into pages.

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The time between both, as text; times are in ms since the epoch. Under 6 minutes it is "just now", because the last use of a
/// login is stored every 5 minutes.
pub fn ago(then_ms: i64, now_ms: i64) -> String {
    let (amount, unit) = match now_ms.saturating_sub(then_ms) {
        passed if passed < 6 * MINUTE_MS => return "just now".to_owned(),
        passed if passed < HOUR_MS => (passed / MINUTE_MS, "minute"),
        passed if passed < DAY_MS => (passed / HOUR_MS, "hour"),
        passed => (passed / DAY_MS, "day"),
    };
    let plural = if amount == 1 { "" } else { "s" };
    format!("{amount} {unit}{plural} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_begins_at_its_length() {
        for (passed, words) in [
            (-MINUTE_MS, "just now"),
            (0, "just now"),
            (6 * MINUTE_MS - 1, "just now"),
            (6 * MINUTE_MS, "6 minutes ago"),
            (HOUR_MS - 1, "59 minutes ago"),
            (HOUR_MS, "1 hour ago"),
            (DAY_MS - 1, "23 hours ago"),
            (DAY_MS, "1 day ago"),
            (30 * DAY_MS, "30 days ago"),
        ] {
            assert_eq!(ago(0, passed), words, "{passed}");
        }
    }
}
