//! Objects in older and newer shapes read the same.

use tracking::{Currency, Interval, Money};

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
            item: Some("si_1".to_owned()),
            interval: Some(Interval::Month),
            lookup_key: Some("pro_month".to_owned()),
            current_period: Some(Period { start: 20, end: 90 }),
            latest_invoice: Some("in_1".to_owned()),
            payment_method: None,
        }
    );
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

#[test]
fn the_interval_of_a_subscription() {
    let price = |recurring: Value| json!([{"price": {"recurring": recurring}}]);
    let rows = [
        (price(json!({"interval": "month"})), Some(Interval::Month)),
        (
            price(json!({"interval": "year", "interval_count": 1})),
            Some(Interval::Year),
        ),
        (price(json!({"interval": "month", "interval_count": 3})), None),
        (price(json!({"interval": "week"})), None),
        (price(json!(null)), None),
        (json!([{"plan": {"interval": "year"}}]), Some(Interval::Year)),
        (json!([{"price": "price_1"}]), None),
        (json!([]), None),
    ];
    for (items, interval) in rows {
        let object = with(subscription(), &[("/items/data", items.clone())]);
        assert_eq!(Subscription::read(&object).unwrap().interval, interval, "{items}");
    }
    let ancient = with(
        without(subscription(), &["items"]),
        &[("/plan", json!({"interval": "month"}))],
    );
    assert_eq!(
        Subscription::read(&ancient).unwrap().interval,
        Some(Interval::Month)
    );
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
            interval: Some(Interval::Month),
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
                json!({"proration": false, "price": {"recurring": {"interval": "month"}}}),
            ),
        ],
    );
    assert_eq!(Invoice::read(&old), Ok(new));
}

#[test]
fn the_interval_of_an_invoice() {
    let days = |days: i64| json!({"period": {"start": 5, "end": 5 + days * 86_400}});
    let rows = [
        (json!([days(28)]), Some(Interval::Month)),
        (json!([days(31)]), Some(Interval::Month)),
        (json!([days(365)]), Some(Interval::Year)),
        (json!([days(366)]), Some(Interval::Year)),
        (json!([days(3)]), None),
        (json!([days(90)]), None),
        (json!([]), None),
        (json!([{}]), None),
        (json!([{"period": {"start": i64::MIN, "end": i64::MAX}}]), None),
        (
            json!([{"proration": true, "price": {"recurring": {"interval": "month"}}}, days(365)]),
            Some(Interval::Year),
        ),
        (
            json!([{
                "parent": {"subscription_item_details": {"proration": true}},
                "period": {"start": 0, "end": 30 * 86_400},
            }, days(365)]),
            Some(Interval::Year),
        ),
        (
            json!([{"pricing": {"price_details": {"price": {"recurring": {"interval": "year"}}}}}]),
            Some(Interval::Year),
        ),
    ];
    for (lines, interval) in rows {
        let object = with(invoice(), &[("/lines/data", lines.clone())]);
        assert_eq!(Invoice::read(&object).unwrap().interval, interval, "{lines}");
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
