//! Objects in older and newer shapes read the same.

use tracking::{Currency, Interval, IntervalUnit, Money};

use super::*;

#[test]
fn a_subscription_in_both_shapes() {
    let new = Subscription::read(&subscription()).unwrap();
    assert_eq!(
        new,
        Subscription {
            id: "sub_1".to_owned(),
            customer: "cus_1".to_owned(),
            status: StripeStatus::Active,
            metadata: [("seam_click".to_owned(), "click-0001".to_owned())].into(),
            created: 10,
            cancel_at: Some(90),
            cancel_at_period_end: true,
            canceled_at: Some(20),
            ended_at: None,
            trial_start: Some(10),
            trial_end: Some(20),
            terms: new.terms.clone(),
            current_period: Some(Period { start: 20, end: 90 }),
            latest_invoice: Some("in_1".to_owned()),
            payment_method: None,
        }
    );
    let [item] = new.terms.items.as_slice() else {
        panic!("{:?}", new.terms)
    };
    assert_eq!((item.id.as_str(), item.price.id.as_str()), ("si_1", "price_1"));
    assert_eq!(item.price.lookup_key.as_deref(), Some("pro_month"));
    assert_eq!(item.price.interval, every(1, IntervalUnit::Month));
    let mut item = subscription()["items"]["data"][0].clone();
    item = without(item, &["current_period_start", "current_period_end"]);
    let old = with(
        subscription(),
        &[
            ("/items/data/0", item),
            ("/current_period_start", json!(20)),
            ("/current_period_end", json!(90)),
            ("/customer", json!({"id": "cus_1", "object": "customer"})),
            ("/latest_invoice", json!({"id": "in_1", "object": "invoice"})),
        ],
    );
    assert_eq!(Subscription::read(&old), Ok(new));
}

fn every(count: u32, unit: IntervalUnit) -> Option<Interval> {
    Interval::every(count, unit)
}

#[test]
fn the_interval_of_a_subscription() {
    let price =
        |recurring: Value| json!([{"id": "si_1", "price": {"id": "price_1", "recurring": recurring}}]);
    let month = every(1, IntervalUnit::Month);
    let rows = [
        (price(json!({"interval": "month"})), month),
        (
            price(json!({"interval": "year", "interval_count": 1})),
            every(1, IntervalUnit::Year),
        ),
        (
            price(json!({"interval": "month", "interval_count": 3})),
            every(3, IntervalUnit::Month),
        ),
        (price(json!({"interval": "week"})), every(1, IntervalUnit::Week)),
        (
            price(json!({"interval": "day", "interval_count": 10})),
            every(10, IntervalUnit::Day),
        ),
        (price(json!({"interval": "fortnight"})), None),
        (price(json!({"interval": "month", "interval_count": 0})), None),
        (price(json!({"interval": "month", "interval_count": "3"})), None),
        (price(json!(null)), None),
        (
            json!([{"id": "si_1", "plan": {"id": "price_1", "interval": "year"}}]),
            every(1, IntervalUnit::Year),
        ),
        (json!([{"id": "si_1", "price": "price_1"}]), None),
        (json!([]), None),
    ];
    for (items, interval) in rows {
        let object = with(subscription(), &[("/items/data", items.clone())]);
        let terms = Subscription::read(&object).unwrap().terms;
        let read = terms.items.first().and_then(|item| item.price.interval);
        assert_eq!(read, interval, "{items}");
    }
}

#[test]
fn an_invoice_in_both_shapes() {
    let new = Invoice::read(&invoice()).unwrap();
    let twelve = Money::new(1200, Currency::USD);
    assert_eq!(
        new,
        Invoice {
            id: "in_1".to_owned(),
            customer: Some("cus_1".to_owned()),
            subscription: Some("sub_1".to_owned()),
            metadata: [("seam_click".to_owned(), "click-0001".to_owned())].into(),
            reason: BillingReason::SubscriptionCycle,
            paid: twelve,
            due: twelve,
            attempts: 1,
            status: Some("paid".to_owned()),
            created: 20,
            paid_at: Some(30),
            total_minor: 1200,
            tax_minor: 0,
            paid_out_of_band: false,
            lines: new.lines.clone(),
            hosted_url: None,
        }
    );
    let old = with(
        without(invoice(), &["parent"]),
        &[
            ("/subscription", json!("sub_1")),
            (
                "/subscription_details",
                json!({"metadata": {"seam_click": "click-0001"}}),
            ),
            (
                "/lines/data/0",
                json!({
                    "proration": false,
                    "type": "subscription",
                    "period": {"start": 0, "end": 30 * 86_400},
                    "price": {"id": "price_1", "product": "prod_1", "recurring": {"interval": "month"}},
                }),
            ),
        ],
    );
    let old = Invoice::read(&old).unwrap();
    let line = |invoice: &Invoice| {
        let line = &invoice.lines[0];
        (line.kind, line.price.clone(), line.product.clone(), line.period)
    };
    assert_eq!(line(&old), line(&new));
    let lines = new.lines.clone();
    assert_eq!(Invoice { lines, ..old }, new);
}

#[test]
fn the_interval_of_an_invoice() {
    const DAY: i64 = 86_400;
    // 31 January 2026, 00:00:05.
    const START: i64 = 1_769_817_605;
    let days = |days: i64| json!({"period": {"start": START, "end": START + days * DAY}});
    let month = every(1, IntervalUnit::Month);
    let year = every(1, IntervalUnit::Year);
    let priced = json!({"pricing": {"price_details": {"price": "price_known"}}, "period": days(1)["period"]});
    let rows = [
        ("to 28 February", json!([days(28)]), month),
        ("to 30 April", json!([days(89)]), every(3, IntervalUnit::Month)),
        ("a year", json!([days(365)]), year),
        ("two years", json!([days(730)]), every(2, IntervalUnit::Year)),
        ("two weeks", json!([days(14)]), every(2, IntervalUnit::Week)),
        ("three days", json!([days(3)]), every(3, IntervalUnit::Day)),
        ("a known price", json!([priced]), every(6, IntervalUnit::Month)),
        ("no lines", json!([]), None),
        ("an empty line", json!([{}]), None),
        (
            "impossible",
            json!([{"period": {"start": i64::MIN, "end": i64::MAX}}]),
            None,
        ),
        ("backwards", json!([days(-30)]), None),
        (
            "beside a proration",
            json!([{"proration": true, "price": {"recurring": {"interval": "month"}}}, days(365)]),
            year,
        ),
        (
            "beside a fee",
            json!([{"parent": {"invoice_item_details": {}}, "period": days(30)["period"]}, days(365)]),
            year,
        ),
        (
            "an expanded price",
            json!([{"pricing": {"price_details": {"price": {"id": "price_1", "recurring": {"interval": "year"}}}}}]),
            year,
        ),
    ];
    let known = |price: &str| {
        (price == "price_known")
            .then(|| every(6, IntervalUnit::Month))
            .flatten()
    };
    for (why, lines, interval) in rows {
        let object = with(invoice(), &[("/lines/data", lines)]);
        assert_eq!(Invoice::read(&object).unwrap().interval(known), interval, "{why}");
    }
}

#[test]
fn a_refund() {
    let read = Refund::read(&refund()).unwrap();
    assert_eq!(
        read,
        Refund {
            id: "re_1".to_owned(),
            amount: Money::new(700, Currency::USD),
            status: RefundStatus::Succeeded,
            created: 40,
            payment_intent: Some("pi_1".to_owned()),
            charge: Some("ch_1".to_owned()),
            never_debited: false,
        }
    );
    for (status, expected) in [
        (json!("failed"), RefundStatus::Failed),
        (json!("pending"), RefundStatus::Other),
        (json!("requires_action"), RefundStatus::Other),
        (json!("canceled"), RefundStatus::Other),
        (json!(null), RefundStatus::Other),
    ] {
        let object = with(refund(), &[("/status", status.clone())]);
        assert_eq!(Refund::read(&object).unwrap().status, expected, "{status}");
    }
    let waiting = with(refund(), &[("/balance_transaction", json!(null))]);
    assert!(Refund::read(&waiting).unwrap().never_debited);
    // An absent field does not mean that it was never debited.
    let without_transaction = without(refund(), &["balance_transaction"]);
    assert!(!Refund::read(&without_transaction).unwrap().never_debited);
}
