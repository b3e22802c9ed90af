//! Amounts, dates and subscriptions as text.

use backend::billing::{MONTHLY, SubscriptionOverview, YEARLY};
use backend::dates;
use tracking::{Currency, Interval, Money};

const DAY: i64 = 86_400;

/// `$12.00`; another currency is named by its code.
pub fn amount(money: Money) -> String {
    let decimals = usize::try_from(money.currency.decimals()).unwrap_or(2);
    let number = money.decimal();
    if money.currency == Currency::USD {
        format!("${number:.decimals$}")
    } else {
        format!("{number:.decimals$} {}", money.currency.iso_code())
    }
}

/// What Pro costs each time.
pub fn price(interval: Interval) -> String {
    let minor = match interval {
        Interval::Month => MONTHLY,
        Interval::Year => YEARLY,
    };
    amount(Money::new(minor, Currency::USD))
}

/// Days until the trial is over, the running one included; `None` when no trial runs. `now` is in seconds since the epoch.
pub fn days_left(subscription: &SubscriptionOverview, now: i64) -> Option<i64> {
    let end = subscription.trial_end_secs.filter(|end| *end > now)?;
    Some((end - now + DAY - 1) / DAY)
}

/// The day on which the period or the trial ends: of the next payment, or of the end.
pub fn until(subscription: &SubscriptionOverview) -> Option<String> {
    subscription
        .cancel_at_secs
        .or(subscription.period_end_secs)
        .map(dates::long)
}

#[cfg(test)]
mod tests {
    use tracking::SubscriptionStatus;

    use super::*;

    #[test]
    fn amounts() {
        for (minor, currency, text) in [
            (1_200, "usd", "$12.00"),
            (12_000, "usd", "$120.00"),
            (5, "usd", "$0.05"),
            (1_200, "eur", "12.00 EUR"),
            (1_200, "jpy", "1200 JPY"),
            (1_234, "kwd", "1.234 KWD"),
        ] {
            let currency = Currency::parse(currency).unwrap();
            assert_eq!(amount(Money::new(minor, currency)), text);
        }
    }

    #[test]
    fn a_day_that_has_begun_counts_and_days_are_only_left_while_the_trial_runs() {
        let end = 1_795_000_000;
        let of = SubscriptionOverview {
            id: "sub_1".to_owned(),
            status: SubscriptionStatus::Trialing,
            interval: Some(Interval::Month),
            trial_end_secs: Some(end),
            period_end_secs: Some(end),
            cancel_at_secs: None,
            ended_at_secs: None,
            has_card: false,
            may_change_to_yearly: true,
        };
        for (now, left) in [
            (end - 3 * DAY, Some(3)),
            (end - 3 * DAY + 1, Some(3)),
            (end - 2 * DAY, Some(2)),
            (end - 1, Some(1)),
            (end, None),
            (end + DAY, None),
        ] {
            assert_eq!(days_left(&of, now), left, "{now}");
        }
        assert_eq!(until(&of).as_deref(), Some("18 November 2026"));
        assert_eq!(price(Interval::Month), "$12.00");
    }
}
