//! Each reason of a difference.

use super::*;

fn money(minor: i64) -> Money {
    Money::new(minor, Currency::parse("usd").unwrap())
}

fn paid(id: &str, customer: &str, minor: i64) -> Movement {
    Movement {
        kind: MovementKind::Payment,
        id: id.into(),
        customer: Some(customer.into()),
        amount: money(minor),
        scope: MovementScope::Plan,
    }
}

fn refunded(id: &str, customer: Option<&str>, minor: i64) -> Movement {
    Movement {
        kind: MovementKind::Refund,
        customer: customer.map(str::to_owned),
        ..paid(id, "", minor)
    }
}

fn context() -> ReconcileContext {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    ReconcileContext {
        customers: [
            ("ada", true),
            ("late", true),
            ("stuck", true),
            ("both", true),
            ("gone", false),
        ]
        .map(|(name, exists)| (name.to_owned(), exists))
        .into(),
        pending: set(&["late", "both", "gone"]),
        parked: set(&["stuck", "both"]),
    }
}

#[test]
fn equal_records_have_no_differences() {
    let movements = vec![
        paid("in_1", "ada", 1_200),
        paid("in_2", "ada", 1_200),
        refunded("re_1", Some("ada"), 500),
    ];
    let listed = StripeLedger {
        movements: movements.clone(),
        cut_off: false,
    };
    let found = check(&listed, &movements, &context());
    assert!(found.is_balanced() && found.differences.is_empty());
    assert_eq!((found.payments, found.refunds), (2, 1));
    assert_eq!((found.totals[0].stripe, found.totals[0].recorded), (1_900, 1_900));
}

#[test]
fn each_difference_has_its_reason() {
    for (name, stripe, ours, reason) in [
        (
            "pending",
            Some(paid("in_1", "late", 5)),
            None,
            DifferenceReason::WebhookPending,
        ),
        (
            "parked",
            Some(paid("in_1", "stuck", 5)),
            None,
            DifferenceReason::WebhookParked,
        ),
        (
            "parked takes precedence over pending",
            Some(paid("in_1", "both", 5)),
            None,
            DifferenceReason::WebhookParked,
        ),
        (
            "deleted",
            Some(paid("in_1", "gone", 5)),
            None,
            DifferenceReason::AccountDeleted,
        ),
        (
            "a foreign customer",
            Some(paid("in_1", "shop", 5)),
            None,
            DifferenceReason::ForeignCustomer,
        ),
        (
            "never reported",
            Some(paid("in_1", "ada", 5)),
            None,
            DifferenceReason::MissingWebhook,
        ),
        (
            "without a customer",
            Some(refunded("re_1", None, 5)),
            None,
            DifferenceReason::MissingWebhook,
        ),
        (
            "unknown to Stripe",
            None,
            Some(paid("in_1", "ada", 5)),
            DifferenceReason::NotAtStripe,
        ),
        (
            "another amount",
            Some(paid("in_1", "ada", 5)),
            Some(paid("in_1", "ada", 6)),
            DifferenceReason::AmountMismatch,
        ),
    ] {
        let listed = StripeLedger {
            movements: stripe.clone().into_iter().collect(),
            cut_off: false,
        };
        let record: Vec<Movement> = ours.clone().into_iter().collect();
        let found = check(&listed, &record, &context());
        let [difference] = found.differences.as_slice() else {
            panic!("{name}: {found:?}");
        };
        assert_eq!(difference.reason, reason, "{name}");
        assert_eq!(difference.stripe, stripe.as_ref().map(|one| one.amount), "{name}");
        assert_eq!(difference.recorded, ours.as_ref().map(|one| one.amount), "{name}");
        assert_eq!(found.is_balanced(), reason.is_explained(), "{name}");
    }
}

/// Case 8: a one-off invoice of a known customer does not unbalance the comparison.
#[test]
fn case_8_movements_that_are_not_for_the_plan_are_counted_separately() {
    let scoped = |scope, movement: Movement| Movement { scope, ..movement };
    let listed = StripeLedger {
        movements: vec![
            paid("in_1", "ada", 1_200),
            scoped(MovementScope::OneOff, paid("in_2", "ada", 5_000)),
            scoped(MovementScope::OneOff, refunded("re_1", Some("ada"), 2_000)),
            scoped(MovementScope::OtherProduct, paid("in_3", "ada", 700)),
            // It was recorded: the subscription has been changed to another product since.
            scoped(MovementScope::OtherProduct, paid("in_4", "ada", 1_200)),
        ],
        cut_off: false,
    };
    let found = check(
        &listed,
        &[paid("in_1", "ada", 1_200), paid("in_4", "ada", 1_200)],
        &context(),
    );
    assert_eq!(found.differences, []);
    assert!(found.is_balanced());
    assert_eq!((found.payments, found.refunds), (2, 0));
    assert_eq!((found.totals[0].stripe, found.totals[0].recorded), (2_400, 2_400));
    let separate = |total: &SeparateTotal| (total.scope, total.count, total.amount.minor);
    assert_eq!(
        found.separate.iter().map(separate).collect::<Vec<_>>(),
        [
            (MovementScope::OneOff, 2, 3_000),
            (MovementScope::OtherProduct, 1, 700)
        ]
    );
}

/// Case 7: a lost dispute is money that went back.
#[test]
fn case_7_a_lost_dispute_reduces_both_sums() {
    let lost = Movement {
        kind: MovementKind::Dispute,
        ..paid("du_1", "ada", 1_200)
    };
    let movements = vec![paid("in_1", "ada", 1_200), lost];
    let listed = StripeLedger {
        movements: movements.clone(),
        cut_off: false,
    };
    let found = check(&listed, &movements, &context());
    assert!(found.differences.is_empty());
    assert_eq!(found.disputes, 1);
    assert_eq!((found.totals[0].stripe, found.totals[0].recorded), (0, 0));
    let unreported = check(&listed, &movements[..1], &context());
    assert_eq!(unreported.differences[0].reason, DifferenceReason::MissingWebhook);
}

#[test]
fn a_payment_and_a_refund_with_one_id_are_different() {
    let listed = StripeLedger {
        movements: vec![paid("x", "ada", 5)],
        cut_off: false,
    };
    let found = check(&listed, &[refunded("x", Some("ada"), 5)], &context());
    let reason: Vec<DifferenceReason> = found
        .differences
        .iter()
        .map(|difference| difference.reason)
        .collect();
    assert_eq!(
        reason,
        [DifferenceReason::MissingWebhook, DifferenceReason::NotAtStripe]
    );
    assert_eq!((found.totals[0].stripe, found.totals[0].recorded), (5, -5));
}

#[test]
fn a_cut_off_list_gives_no_missing_movements() {
    let listed = StripeLedger {
        movements: vec![paid("in_2", "ada", 7)],
        cut_off: true,
    };
    let record = [paid("in_1", "ada", 5), paid("in_2", "ada", 7)];
    let found = check(&listed, &record, &context());
    assert!(found.is_balanced() && found.cut_off);
    assert_eq!((found.totals[0].stripe, found.totals[0].recorded), (7, 7));
}
