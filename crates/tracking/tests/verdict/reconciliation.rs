//! Reconciliation of Stripe's ledger with the revenue events.

use serde_json::json;
use tracking::reconcile::{LedgerDifference, LedgerEntry, LedgerLine, Reconciliation, reconcile};
use tracking::verdict::{ConsentChange, PaymentRecord, RefundRecord, TimelineFacts, UndeliveredEvent};
use tracking::{Consent, Currency, Money, UserId};

use crate::scenario::{START, Scenario, full_scenario, money, properties};

#[test]
fn a_correct_timeline_is_balanced() {
    let scenario = full_scenario();
    let reconciliation = reconcile(&scenario.events, &scenario.facts);
    assert!(reconciliation.is_balanced());
    assert_eq!(reconciliation.customers.len(), 1);
    let lines: Vec<(String, i64, i64)> = reconciliation.customers[0]
        .lines
        .iter()
        .map(|line| {
            (
                line.entry.to_string(),
                line.ledger.unwrap().minor,
                line.tracked.unwrap().minor,
            )
        })
        .collect();
    let amounts: Vec<(&str, i64, i64)> = lines
        .iter()
        .map(|(entry, ledger, tracked)| (entry.as_str(), *ledger, *tracked))
        .collect();
    assert_eq!(amounts[0], ("invoice in_1", 1_200, 1_200));
    assert_eq!((amounts[1].1, amounts[2].1), (1_200, -500));
    assert_eq!(
        (
            reconciliation.totals[0].ledger_minor,
            reconciliation.totals[0].tracked_minor
        ),
        (1_900, 1_900)
    );
}

#[test]
fn several_reconciliations_are_combined() {
    let scenario = full_scenario();
    let mut other = full_scenario();
    other.without("Trial converted");
    let parts = [&scenario, &other].map(|scenario| reconcile(&scenario.events, &scenario.facts));
    let all = Reconciliation::of_all(parts);
    assert_eq!(all.customers.len(), 2);
    assert!(!all.is_balanced(), "the other timeline lacks an event");
    let total = &all.totals[0];
    assert_eq!(
        (total.ledger_minor, total.tracked_minor, total.unexplained),
        (3_800, 2_600, 1)
    );
    assert_eq!(
        Reconciliation::of_all([]),
        Reconciliation {
            customers: vec![],
            totals: vec![]
        }
    );
}

/// A change of a scenario with one payment, and the resulting difference.
#[test]
fn each_difference_has_a_cause() {
    type Change = fn(&mut Scenario);
    let rows: [(&str, Change, Option<LedgerDifference>); 12] = [
        ("nothing", |_| {}, None),
        (
            "no event",
            |scenario| _ = scenario.without("Trial converted"),
            Some(LedgerDifference::NoEvent),
        ),
        (
            "in the outbox",
            |scenario| {
                scenario.without("Trial converted");
                scenario
                    .facts
                    .undelivered
                    .push(row("trial-converted:sub_1", None));
            },
            Some(LedgerDifference::OnItsWay),
        ),
        (
            "parked",
            |scenario| {
                scenario.without("Trial converted");
                scenario
                    .facts
                    .undelivered
                    .push(row("trial-converted:sub_1", Some("refused")));
            },
            Some(LedgerDifference::Parked {
                reason: "refused".into(),
            }),
        ),
        (
            "denied before",
            |scenario| {
                scenario.without("Trial converted");
                scenario.facts.consent.push(denied(scenario.now - 1));
            },
            Some(LedgerDifference::WithoutConsent),
        ),
        (
            "denied for some time, with a payment time of a simulated clock",
            |scenario| {
                scenario.without("Trial converted");
                scenario.facts.consent.push(denied(START + 1));
                scenario.facts.consent.push(ConsentChange {
                    at_ms: START + 2,
                    consent: Consent::Granted,
                });
            },
            Some(LedgerDifference::WithoutConsent),
        ),
        (
            "parked because tracking was denied",
            |scenario| {
                scenario.without("Trial converted");
                scenario.facts.consent.push(denied(scenario.now + 1));
                scenario
                    .facts
                    .undelivered
                    .push(row("trial-converted:sub_1", Some("consent withdrawn")));
            },
            Some(LedgerDifference::WithoutConsent),
        ),
        (
            "older than the events that were read",
            |scenario| {
                scenario.without("Trial converted");
                scenario.facts.read_from_ms = Some(scenario.now);
            },
            Some(LedgerDifference::NotRead),
        ),
        (
            "no payment",
            |scenario| scenario.facts.payments.clear(),
            Some(LedgerDifference::NotInLedger),
        ),
        (
            "another amount",
            |scenario| scenario.facts.payments[0].amount.minor = 1_299,
            Some(LedgerDifference::OtherAmount),
        ),
        (
            "cents sent as dollars",
            |scenario| {
                drop(properties(scenario.event("Trial converted")).insert("$revenue".into(), json!(1_200.0)));
            },
            Some(LedgerDifference::OtherRevenue {
                revenue: "1200 USD".into(),
            }),
        ),
        (
            "no currency",
            |scenario| drop(properties(scenario.event("Trial converted")).remove("$currency")),
            Some(LedgerDifference::OtherRevenue {
                revenue: "12 no currency".into(),
            }),
        ),
    ];
    for (name, change, difference) in rows {
        let mut scenario = Scenario::new();
        scenario.sign_up().start_trial(30_000).convert();
        change(&mut scenario);
        let reconciliation = reconcile(&scenario.events, &scenario.facts);
        let [
            LedgerLine {
                entry,
                difference: found,
                ..
            },
        ] = &reconciliation.customers[0].lines[..]
        else {
            panic!("{name}: {reconciliation:#?}");
        };
        assert_eq!(entry, &LedgerEntry::Invoice("in_1".into()), "{name}");
        assert_eq!(found, &difference, "{name}");
        let explained = difference.as_ref().is_none_or(LedgerDifference::is_explained);
        assert_eq!(reconciliation.is_balanced(), explained, "{name}");
        assert_eq!(
            reconciliation.totals[0].unexplained,
            usize::from(!explained),
            "{name}"
        );
    }
}

#[test]
fn zero_decimal_currencies_are_whole_units() {
    let mut scenario = Scenario::new();
    scenario.currency = Currency::parse("jpy").unwrap();
    scenario.sign_up().start_trial(30_000).convert();
    assert_eq!(
        scenario.event("Trial converted").properties["$revenue"],
        json!(1_200.0)
    );
    let reconciliation = reconcile(&scenario.events, &scenario.facts);
    assert!(reconciliation.is_balanced());
    assert_eq!(
        reconciliation.customers[0].lines[0].tracked.unwrap().to_string(),
        "1200 JPY"
    );
}

#[test]
fn a_refund_that_failed_later_sums_to_zero() {
    let mut scenario = Scenario::new();
    scenario.sign_up().start_trial(30_000).convert().refund(500);
    scenario.facts.refunds[0].succeeded = false;
    assert!(!reconcile(&scenario.events, &scenario.facts).is_balanced());
    let mut failed = scenario.event("Subscription refund").clone();
    failed.uuid = "uuid-failed".into();
    failed.insert_id = Some("refund-failed:re_1".into());
    let amount = scenario.facts.refunds[0].amount;
    properties(&mut failed).extend(money(amount, amount).as_object().unwrap().clone());
    scenario.events.push(failed);
    let reconciliation = reconcile(&scenario.events, &scenario.facts);
    assert!(reconciliation.is_balanced(), "{reconciliation:#?}");
    assert_eq!(
        (
            reconciliation.totals[0].ledger_minor,
            reconciliation.totals[0].tracked_minor
        ),
        (1_200, 1_200)
    );
}

#[test]
fn customers_and_currencies_are_separate() {
    let scenario = full_scenario();
    let mut other = Scenario::new();
    other.user = UserId::parse("019aa5c4-0000-7000-8000-00000000000b").unwrap();
    other.currency = Currency::parse("jpy").unwrap();
    other.sign_up().subscribe();
    // A refund that never succeeded, and a payment of zero.
    other.facts.refunds.push(RefundRecord {
        refund: "re_never".into(),
        account: other.user,
        amount: Money::new(100, other.currency),
        succeeded: false,
    });
    other.facts.payments.push(PaymentRecord {
        invoice: "in_free".into(),
        account: other.user,
        amount: Money::new(0, other.currency),
        paid_at_ms: other.now,
    });
    let events: Vec<_> = scenario.events.iter().chain(&other.events).cloned().collect();
    let facts = TimelineFacts {
        payments: [scenario.facts.payments, other.facts.payments].concat(),
        refunds: [scenario.facts.refunds, other.facts.refunds].concat(),
        ..TimelineFacts::default()
    };
    let reconciliation = reconcile(&events, &facts);
    assert!(reconciliation.is_balanced(), "{reconciliation:#?}");
    let totals: Vec<String> = reconciliation
        .totals
        .iter()
        .map(|total| Money::new(total.ledger_minor, total.currency).to_string())
        .collect();
    assert_eq!(totals, ["1200 JPY", "19.00 USD"]);
    assert_eq!(reconciliation.customers.len(), 2);
    let json = serde_json::to_string(&reconciliation).unwrap();
    assert_eq!(
        serde_json::from_str::<Reconciliation>(&json).unwrap(),
        reconciliation
    );
}

fn row(insert_id: &str, parked: Option<&str>) -> UndeliveredEvent {
    UndeliveredEvent {
        insert_id: insert_id.into(),
        entry: Some("in_1".into()),
        parked: parked.map(str::to_owned),
    }
}

fn denied(at_ms: i64) -> ConsentChange {
    ConsentChange {
        at_ms,
        consent: Consent::Denied,
    }
}
