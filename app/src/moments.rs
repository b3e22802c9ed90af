//! Moments in words, as the server writes them into pages.

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How long ago something was. A login is noted as seen every 5 minutes, so what is newer is "just now".
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
    fn how_long_ago() {
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
