//! Amounts, dates and subscriptions as text.

use backend::billing::{RecurringPrice, SubscriptionOverview};
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

/// An amount without decimals if they are zero: `$12`.
pub fn short_amount(money: Money) -> String {
    let text = amount(money);
    text.strip_suffix(".00").map_or(text.clone(), str::to_owned)
}

/// `a month`, `every 3 months`.
pub fn each(interval: Interval) -> String {
    match interval.count() {
        1 => format!("a {interval}"),
        _ => format!("every {interval}"),
    }
}

/// What a subscription costs each time: `$36.00 a month`. Empty if the prices are not fixed amounts.
pub fn price(prices: &[RecurringPrice]) -> String {
    let prices = prices.iter();
    let prices: Vec<String> = prices
        .map(|price| format!("{} {}", amount(price.amount), each(price.interval)))
        .collect();
    prices.join(" and ")
}

/// The next payment, if the terms say it and it is not simply the price.
pub fn next_payment(subscription: &SubscriptionOverview) -> Option<String> {
    let next = subscription.next_payment?;
    let is_price = matches!(subscription.prices.as_slice(), [price] if price.amount == next);
    (!is_price).then(|| amount(next))
}

/// Days until the trial is over, the running one included; `None` when no trial runs. `now` is in seconds since the epoch.
pub fn days_left(subscription: &SubscriptionOverview, now: i64) -> Option<i64> {
    let end = subscription.trial_end_secs.filter(|end| *end > now)?;
    Some((end - now + DAY - 1) / DAY)
}

/// When the period or the trial ends: the time of the next payment, or of the end. In seconds since the epoch.
pub fn end_secs(subscription: &SubscriptionOverview) -> Option<i64> {
    subscription.cancel_at_secs.or(subscription.period_end_secs)
}

/// The day of [`end_secs`].
pub fn until(subscription: &SubscriptionOverview) -> Option<String> {
    end_secs(subscription).map(dates::long)
}

#[cfg(test)]
mod tests {
    use tracking::{IntervalUnit, SubscriptionStatus};

    use super::*;

    fn every(count: u32, unit: IntervalUnit, minor: i64, currency: &str) -> RecurringPrice {
        RecurringPrice {
            amount: Money::new(minor, Currency::parse(currency).unwrap()),
            interval: Interval::every(count, unit).unwrap(),
        }
    }

    fn every_month(minor: i64, currency: &str) -> RecurringPrice {
        every(1, IntervalUnit::Month, minor, currency)
    }

    #[test]
    fn case_2_a_price_is_what_the_subscription_costs() {
        let rows = [
            (vec![every_month(3_600, "usd")], "$36.00 a month"),
            (vec![every_month(900, "eur")], "9.00 EUR a month"),
            (vec![every_month(1_200, "jpy")], "1200 JPY a month"),
            (
                vec![every(3, IntervalUnit::Month, 3_000, "usd")],
                "$30.00 every 3 months",
            ),
            (
                vec![
                    every_month(1_200, "usd"),
                    every(1, IntervalUnit::Year, 5_000, "usd"),
                ],
                "$12.00 a month and $50.00 a year",
            ),
            (vec![], ""),
        ];
        for (prices, text) in rows {
            assert_eq!(price(&prices), text);
        }
        assert_eq!(short_amount(Money::new(12_000, Currency::USD)), "$120");
        assert_eq!(short_amount(Money::new(1_250, Currency::USD)), "$12.50");
    }

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
            suspension: None,
            is_collection_paused: false,
            prices: vec![every_month(1_200, "usd")],
            next_payment: None,
            has_discount: false,
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
        assert_eq!(until(&of).as_deref(), Some("18 November 2026 (UTC)"));
    }
}
