//! Tests of plans, statuses and second subscriptions.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

/// The terms of one item.
fn terms(product: &str, lookup_key: Option<&str>) -> SubscriptionTerms {
    let object = json!({
        "id": "sub_1", "customer": "cus_1", "status": "active", "created": 1, "cancel_at_period_end": false,
        "items": {"data": [{"id": "si_1", "quantity": 1, "price": {
            "id": "price_1", "product": product, "lookup_key": lookup_key,
            "recurring": {"interval": "month", "interval_count": 1},
        }}]},
    });
    Subscription::read(&object).unwrap().terms
}

fn product() -> PlanProduct {
    PlanProduct {
        id: Some("prod_1".to_owned()),
        lookup_keys: vec!["pro_month".to_owned()],
    }
}

#[test]
fn the_plan_follows_from_the_product_or_the_lookup_key() {
    let unknown = PlanProduct {
        id: None,
        ..product()
    };
    for (why, terms, known, without_id) in [
        (
            "our product, a price of staff",
            terms("prod_1", None),
            true,
            false,
        ),
        ("our lookup key", terms("prod_old", Some("pro_month")), true, true),
        ("another product", terms("prod_2", None), false, false),
        ("another key", terms("prod_2", Some("basic")), false, false),
        ("no items", SubscriptionTerms::default(), false, false),
    ] {
        assert_eq!(product().is_of(&terms), known, "{why}");
        assert_eq!(unknown.is_of(&terms), without_id, "{why}");
    }
    let mut both = terms("prod_2", None);
    both.items.extend(terms("prod_1", None).items);
    assert!(product().is_of(&both), "one of two items");
    assert_eq!(
        product().item(&both).unwrap().price.product.as_deref(),
        Some("prod_1")
    );
}

fn subscription(status: &str) -> Subscription {
    Subscription {
        id: "sub_1".to_owned(),
        customer: "cus_1".to_owned(),
        status: StripeStatus::read(status),
        metadata: BTreeMap::new(),
        created: 1,
        cancel_at: None,
        cancel_at_period_end: false,
        canceled_at: None,
        ended_at: None,
        trial_start: None,
        trial_end: None,
        terms: terms("prod_1", None),
        current_period: None,
        latest_invoice: None,
        payment_method: None,
    }
}

#[test]
fn every_stripe_status_has_a_plan_and_a_status() {
    use SubscriptionStatus::{Active, Canceled, Expired, PastDue, TrialCanceled, Trialing};
    let rows = [
        ("incomplete", Plan::Free, Expired, Expired),
        ("incomplete_expired", Plan::Free, Expired, Expired),
        ("trialing", Plan::Pro, Trialing, TrialCanceled),
        ("active", Plan::Pro, Active, Canceled),
        ("past_due", Plan::Pro, PastDue, Canceled),
        ("canceled", Plan::Free, Expired, Expired),
        ("unpaid", Plan::Free, Expired, Expired),
        ("paused", Plan::Free, Expired, Expired),
        ("a future status", Plan::Free, Expired, Expired),
        ("", Plan::Free, Expired, Expired),
    ];
    for (word, gives, running, scheduled) in rows {
        let open = subscription(word);
        let classic = Subscription {
            cancel_at_period_end: true,
            ..open.clone()
        };
        let flexible = Subscription {
            cancel_at: Some(2),
            ..open.clone()
        };
        let both = Subscription {
            cancel_at: Some(2),
            ..classic.clone()
        };
        assert_eq!(plan(&open.status), gives, "{word}");
        assert_eq!(subscription_status(&open), running, "{word}");
        for ending in [&classic, &flexible, &both] {
            assert_eq!(subscription_status(ending), scheduled, "{word}");
        }
        for any in [&open, &classic, &flexible, &both] {
            assert_eq!(
                subscription_status(any).account_type(),
                plan(&any.status).account_type(),
                "{word}"
            );
        }
    }
}

#[test]
fn case_12_a_suspended_subscription_neither_grants_pro_nor_has_ended() {
    use SuspensionReason::{Incomplete, Paused, Unpaid};
    for (word, expected) in [
        ("paused", Some(Paused)),
        ("unpaid", Some(Unpaid)),
        ("incomplete", Some(Incomplete)),
        ("incomplete_expired", None),
        ("trialing", None),
        ("active", None),
        ("past_due", None),
        ("canceled", None),
        ("a future status", None),
    ] {
        let status = StripeStatus::read(word);
        assert_eq!(suspension(&status), expected, "{word}");
        assert!(expected.is_none() || plan(&status) == Plan::Free, "{word}");
    }
}

#[test]
fn case_11_only_a_trial_for_which_nothing_was_paid_may_be_canceled() {
    let invoice = |total: i64| {
        let object = json!({
            "id": "in_1", "currency": "usd", "amount_paid": 0, "amount_due": 0, "total": total,
            "attempt_count": 1, "created": 1,
        });
        Invoice::read(&object).unwrap()
    };
    for (status, totals, expected) in [
        ("trialing", &[][..], true),
        ("trialing", &[0], true),
        // A set-up fee, paid by card or with the customer's balance.
        ("trialing", &[0, 500], false),
        ("active", &[1_200], false),
        // Staff send an invoice, or gave a coupon of 100 %.
        ("active", &[], false),
        ("past_due", &[], false),
    ] {
        let paid: Vec<Invoice> = totals.iter().map(|total| invoice(*total)).collect();
        assert_eq!(
            may_cancel_second(&subscription(status), &paid),
            expected,
            "{status} {totals:?}"
        );
    }
}

#[test]
fn case_11_second_subscriptions_run_beside_an_older_one_of_the_plan() {
    let at = |created, status| Subscription {
        id: format!("sub_{created}"),
        created,
        ..subscription(status)
    };
    let foreign = Subscription {
        terms: terms("prod_2", None),
        ..at(1, "active")
    };
    let rows: [(&[Subscription], &[&str]); 4] = [
        (&[at(1, "active")], &[]),
        (&[foreign, at(2, "active"), at(3, "canceled")], &[]),
        (&[at(2, "trialing"), at(1, "past_due")], &["sub_2"]),
        (
            &[
                at(1, "paused"),
                at(2, "active"),
                at(4, "active"),
                at(3, "trialing"),
            ],
            &["sub_3", "sub_4"],
        ),
    ];
    for (subscriptions, expected) in rows {
        let found = second_subscriptions(subscriptions, &product());
        let found: Vec<&str> = found.iter().map(|second| second.id.as_str()).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn an_account_has_the_status_of_its_newest_running_subscription() {
    let at = |created, status| Subscription {
        created,
        ..subscription(status)
    };
    let foreign = Subscription {
        terms: terms("prod_2", None),
        ..at(9, "active")
    };
    let rows: [(&str, &[Subscription], SubscriptionStatus); 7] = [
        ("of another product", &[foreign], SubscriptionStatus::Expired),
        ("none", &[], SubscriptionStatus::Expired),
        ("one", &[at(1, "trialing")], SubscriptionStatus::Trialing),
        ("ended", &[at(1, "canceled")], SubscriptionStatus::Expired),
        (
            "a new one after the end",
            &[at(1, "canceled"), at(2, "active")],
            SubscriptionStatus::Active,
        ),
        (
            "a duplicate was canceled",
            &[at(1, "trialing"), at(2, "canceled")],
            SubscriptionStatus::Trialing,
        ),
        (
            "two run",
            &[at(2, "past_due"), at(1, "active")],
            SubscriptionStatus::PastDue,
        ),
    ];
    for (why, subscriptions, expected) in rows {
        assert_eq!(account_status(subscriptions, &product()), expected, "{why}");
        assert_eq!(
            account_status(subscriptions.iter().rev(), &product()),
            expected,
            "{why}, in reverse order"
        );
    }
}
