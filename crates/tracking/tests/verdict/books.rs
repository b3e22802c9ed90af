//! Stripe's ledger against the revenue events.

use serde_json::json;
use tracking::reconcile::{Books, Difference, Entry, Line, reconcile};
use tracking::verdict::{ConsentChange, Facts, Payment, Refund, Undelivered};
use tracking::{Consent, Currency, Money, UserId};

use crate::life::{Life, START, money, whole};

#[test]
fn a_well_made_life_balances() {
    let life = whole();
    let books = reconcile(&life.events, &life.facts);
    assert!(books.balanced());
    assert_eq!(books.customers.len(), 1);
    let lines: Vec<(String, i64, i64)> = books.customers[0]
        .lines
        .iter()
        .map(|line| {
            (
                line.entry.to_string(),
                line.ledger.unwrap().minor,
                line.told.unwrap().minor,
            )
        })
        .collect();
    let told: Vec<(&str, i64, i64)> = lines
        .iter()
        .map(|(entry, ledger, told)| (entry.as_str(), *ledger, *told))
        .collect();
    assert_eq!(told[0], ("invoice in_1", 1_200, 1_200));
    assert_eq!((told[1].1, told[2].1), (1_200, -500));
    assert_eq!((books.totals[0].ledger, books.totals[0].told), (1_900, 1_900));
}

#[test]
fn several_books_are_one() {
    let life = whole();
    let mut other = whole();
    other.without("Trial converted");
    let books = [&life, &other].map(|life| reconcile(&life.events, &life.facts));
    let all = Books::of_all(books);
    assert_eq!(all.customers.len(), 2);
    assert!(!all.balanced(), "one of the two is not");
    let total = &all.totals[0];
    assert_eq!((total.ledger, total.told, total.unexplained), (3_800, 2_600, 1));
    assert_eq!(
        Books::of_all([]),
        Books {
            customers: vec![],
            totals: vec![]
        }
    );
}

/// What is changed about a life with one payment, and what is then said of it.
#[test]
fn each_difference_is_explained_or_named() {
    type Change = fn(&mut Life);
    let rows: [(&str, Change, Option<Difference>); 12] = [
        ("nothing", |_| {}, None),
        (
            "no event",
            |life| _ = life.without("Trial converted"),
            Some(Difference::NoEvent),
        ),
        (
            "in the outbox",
            |life| {
                life.without("Trial converted");
                life.facts.undelivered.push(row("trial-converted:sub_1", None));
            },
            Some(Difference::OnItsWay),
        ),
        (
            "parked",
            |life| {
                life.without("Trial converted");
                life.facts
                    .undelivered
                    .push(row("trial-converted:sub_1", Some("refused")));
            },
            Some(Difference::Parked {
                reason: "refused".into(),
            }),
        ),
        (
            "refused before",
            |life| {
                life.without("Trial converted");
                life.facts.consent.push(denied(life.now - 1));
            },
            Some(Difference::WithoutConsent),
        ),
        (
            "refused for a while, at a moment that only a simulated clock tells",
            |life| {
                life.without("Trial converted");
                life.facts.consent.push(denied(START + 1));
                life.facts.consent.push(ConsentChange {
                    at_ms: START + 2,
                    consent: Consent::Granted,
                });
            },
            Some(Difference::WithoutConsent),
        ),
        (
            "parked because it was refused",
            |life| {
                life.without("Trial converted");
                life.facts.consent.push(denied(life.now + 1));
                life.facts
                    .undelivered
                    .push(row("trial-converted:sub_1", Some("consent withdrawn")));
            },
            Some(Difference::WithoutConsent),
        ),
        (
            "not read",
            |life| {
                life.without("Trial converted");
                life.facts.read_from_ms = Some(life.now);
            },
            Some(Difference::NotRead),
        ),
        (
            "no payment",
            |life| life.facts.payments.clear(),
            Some(Difference::NotInLedger),
        ),
        (
            "another amount",
            |life| life.facts.payments[0].amount.minor = 1_299,
            Some(Difference::OtherAmount),
        ),
        (
            "cents taken for dollars",
            |life| {
                drop(
                    life.event("Trial converted")
                        .properties
                        .insert("$revenue".into(), json!(1_200.0)),
                );
            },
            Some(Difference::OtherRevenue {
                revenue: "1200 USD".into(),
            }),
        ),
        (
            "no currency",
            |life| drop(life.event("Trial converted").properties.remove("$currency")),
            Some(Difference::OtherRevenue {
                revenue: "12 no currency".into(),
            }),
        ),
    ];
    for (name, change, difference) in rows {
        let mut life = Life::new();
        life.sign_up().start_trial(30_000).convert();
        change(&mut life);
        let books = reconcile(&life.events, &life.facts);
        let [
            Line {
                entry,
                difference: found,
                ..
            },
        ] = &books.customers[0].lines[..]
        else {
            panic!("{name}: {books:#?}");
        };
        assert_eq!(entry, &Entry::Invoice("in_1".into()), "{name}");
        assert_eq!(found, &difference, "{name}");
        let explained = difference.as_ref().is_none_or(Difference::is_explained);
        assert_eq!(books.balanced(), explained, "{name}");
        assert_eq!(books.totals[0].unexplained, usize::from(!explained), "{name}");
    }
}

#[test]
fn zero_decimal_currencies_are_whole_units() {
    let mut life = Life::new();
    life.currency = Currency::parse("jpy").unwrap();
    life.sign_up().start_trial(30_000).convert();
    assert_eq!(
        life.event("Trial converted").properties["$revenue"],
        json!(1_200.0)
    );
    let books = reconcile(&life.events, &life.facts);
    assert!(books.balanced());
    assert_eq!(books.customers[0].lines[0].told.unwrap().to_string(), "1200 JPY");
}

#[test]
fn a_refund_that_failed_later_comes_to_nothing() {
    let mut life = Life::new();
    life.sign_up().start_trial(30_000).convert().refund(500);
    life.facts.refunds[0].succeeded = false;
    assert!(!reconcile(&life.events, &life.facts).balanced());
    let mut failed = life.event("Subscription refund").clone();
    failed.uuid = "uuid-failed".into();
    failed.insert_id = Some("refund-failed:re_1".into());
    let amount = life.facts.refunds[0].amount;
    failed
        .properties
        .extend(money(amount, amount).as_object().unwrap().clone());
    life.events.push(failed);
    let books = reconcile(&life.events, &life.facts);
    assert!(books.balanced(), "{books:#?}");
    assert_eq!((books.totals[0].ledger, books.totals[0].told), (1_200, 1_200));
}

#[test]
fn many_customers_and_currencies_are_kept_apart() {
    let life = whole();
    let mut other = Life::new();
    other.user = UserId::parse("019aa5c4-0000-7000-8000-00000000000b").unwrap();
    other.currency = Currency::parse("jpy").unwrap();
    other.sign_up().subscribe();
    // One that was never paid, and one of nothing.
    other.facts.refunds.push(Refund {
        refund: "re_never".into(),
        account: other.user,
        amount: Money::new(100, other.currency),
        succeeded: false,
    });
    other.facts.payments.push(Payment {
        invoice: "in_free".into(),
        account: other.user,
        amount: Money::new(0, other.currency),
        paid_at_ms: other.now,
    });
    let events: Vec<_> = life.events.iter().chain(&other.events).cloned().collect();
    let facts = Facts {
        payments: [life.facts.payments, other.facts.payments].concat(),
        refunds: [life.facts.refunds, other.facts.refunds].concat(),
        ..Facts::default()
    };
    let books = reconcile(&events, &facts);
    assert!(books.balanced(), "{books:#?}");
    let totals: Vec<String> = books
        .totals
        .iter()
        .map(|total| Money::new(total.ledger, total.currency).to_string())
        .collect();
    assert_eq!(totals, ["1200 JPY", "19.00 USD"]);
    assert_eq!(books.customers.len(), 2);
    let json = serde_json::to_string(&books).unwrap();
    assert_eq!(
        serde_json::from_str::<tracking::reconcile::Books>(&json).unwrap(),
        books
    );
}

fn row(insert_id: &str, parked: Option<&str>) -> Undelivered {
    Undelivered {
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
