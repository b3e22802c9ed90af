//! What subscriptions cost, by their items.

use serde_json::json;

use super::*;

/// An item with a price and a quantity.
fn item(unit: i64, currency: &str, interval: (&str, u64), quantity: u64) -> Value {
    json!({
        "id": format!("si_{unit}"),
        "quantity": quantity,
        "price": {
            "id": format!("price_{unit}"),
            "product": "prod_1",
            "currency": currency,
            "unit_amount": unit,
            "recurring": {"interval": interval.0, "interval_count": interval.1, "usage_type": "licensed"},
        },
    })
}

fn terms(items: &[Value], discounts: Value) -> SubscriptionTerms {
    SubscriptionTerms::read(&json!({"items": {"data": items}, "discounts": discounts}))
}

fn text(terms: &SubscriptionTerms) -> Vec<String> {
    let prices = terms.recurring_prices().unwrap_or_default();
    let prices = prices.iter();
    prices
        .map(|price| format!("{} / {}", price.amount, price.interval))
        .collect()
}

#[test]
fn case_2_prices_follow_from_items_quantities_and_currencies() {
    const MONTH: (&str, u64) = ("month", 1);
    /// Name, items, prices, and the sum of one payment.
    type Row<'a> = (&'a str, Vec<Value>, &'a [&'a str], Option<&'a str>);
    let rows: [Row<'_>; 7] = [
        (
            "three seats",
            vec![item(1_200, "usd", MONTH, 3)],
            &["36.00 USD / month"],
            Some("36.00 USD"),
        ),
        (
            "euro",
            vec![item(900, "eur", MONTH, 1)],
            &["9.00 EUR / month"],
            Some("9.00 EUR"),
        ),
        (
            "yen",
            vec![item(1_200, "jpy", MONTH, 1)],
            &["1200 JPY / month"],
            Some("1200 JPY"),
        ),
        (
            "dinar",
            vec![item(5_120, "kwd", MONTH, 2)],
            &["10.240 KWD / month"],
            Some("10.240 KWD"),
        ),
        (
            "quarterly",
            vec![item(3_000, "usd", ("month", 3), 1)],
            &["30.00 USD / 3 months"],
            Some("30.00 USD"),
        ),
        (
            "two items",
            vec![item(1_200, "usd", MONTH, 2), item(500, "usd", MONTH, 1)],
            &["29.00 USD / month"],
            Some("29.00 USD"),
        ),
        (
            "two intervals",
            vec![item(1_200, "usd", MONTH, 1), item(5_000, "usd", ("year", 1), 1)],
            &["12.00 USD / month", "50.00 USD / year"],
            None,
        ),
    ];
    for (why, items, prices, next) in rows {
        let terms = terms(&items, json!([]));
        assert_eq!(text(&terms), prices, "{why}");
        let payment = terms.next_payment(0).map(|money| money.to_string());
        assert_eq!(payment.as_deref(), next, "{why}");
    }
}

#[test]
fn discounts_reduce_the_next_payment() {
    let coupon = |coupon: Value, end: Value| json!({"id": "di_1", "coupon": coupon, "end": end});
    let usd = |minor| json!({"amount_off": minor, "currency": "usd"});
    let moved =
        json!({"id": "di_1", "source": {"coupon": {"percent_off": 25}, "type": "coupon"}, "end": null});
    let rows = [
        (
            "half",
            json!([coupon(json!({"percent_off": 50}), json!(null))]),
            Some(1_200),
        ),
        (
            "whole",
            json!([coupon(json!({"percent_off": 100}), json!(null))]),
            Some(0),
        ),
        (
            "a third",
            json!([coupon(json!({"percent_off": 33.33}), json!(null))]),
            Some(1_600),
        ),
        (
            "ended",
            json!([coupon(json!({"percent_off": 50}), json!(1_000))]),
            Some(2_400),
        ),
        ("amount", json!([coupon(usd(500), json!(1_001))]), Some(1_900)),
        (
            "more than the price",
            json!([coupon(usd(9_999), json!(null))]),
            Some(0),
        ),
        (
            "two",
            json!([
                coupon(usd(400), json!(null)),
                coupon(json!({"percent_off": 50}), json!(null))
            ]),
            Some(1_000),
        ),
        (
            "another currency",
            json!([coupon(json!({"amount_off": 1, "currency": "eur"}), json!(null))]),
            None,
        ),
        ("since clover", json!([moved]), Some(1_800)),
        ("only named", json!(["di_1"]), None),
    ];
    for (why, discounts, next) in rows {
        let terms = terms(&[item(1_200, "usd", ("month", 1), 2)], discounts);
        assert_eq!(terms.next_payment(1_000).map(|money| money.minor), next, "{why}");
        assert_eq!(
            text(&terms),
            ["24.00 USD / month"],
            "{why}: the price is without discounts"
        );
    }
}

#[test]
fn amounts_that_the_terms_do_not_have_are_none() {
    let with = |key: &str, value: Value| {
        let mut item = item(1_200, "usd", ("month", 1), 10);
        item["price"][key] = value;
        terms(&[item], json!([]))
    };
    let cents = |terms: &SubscriptionTerms| terms.items[0].amount().map(|money| money.minor);
    assert_eq!(cents(&with("unit_amount_decimal", json!("0.55"))), Some(6));
    assert_eq!(cents(&with("unit_amount_decimal", json!("1200"))), Some(12_000));
    assert_eq!(
        cents(&with(
            "transform_quantity",
            json!({"divide_by": 4, "round": "up"})
        )),
        Some(3_600)
    );
    assert_eq!(
        cents(&with(
            "transform_quantity",
            json!({"divide_by": 4, "round": "down"})
        )),
        Some(2_400)
    );
    assert_eq!(cents(&with("billing_scheme", json!("tiered"))), None);
    assert_eq!(
        cents(&with(
            "recurring",
            json!({"interval": "month", "usage_type": "metered"})
        )),
        None
    );
    assert_eq!(cents(&with("currency", json!(null))), None);
    assert_eq!(terms(&[], json!([])).recurring_prices(), None);
}

#[test]
fn items_are_compared_by_price_and_quantity() {
    let one = item(1_200, "usd", ("month", 1), 1);
    let two = item(500, "usd", ("month", 1), 2);
    let read = |items: &[Value]| terms(items, json!([]));
    let mut renewed = one.clone();
    renewed["current_period_end"] = json!(9);
    assert!(read(&[one.clone(), two.clone()]).has_same_items(&read(&[two.clone(), renewed])));
    assert!(!read(std::slice::from_ref(&one)).has_same_items(&read(&[one.clone(), two.clone()])));
    assert_eq!(read(&[one, two]).item_names(), ["price_1200:1", "price_500:2"]);
}
