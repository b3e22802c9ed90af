//! Stripe's own ledger against our record of it, movement by movement. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use tracking::{Currency, Money};

/// Money that came in, or went back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// What it was.
    pub kind: Kind,
    /// Stripe's ID of the invoice or the refund.
    pub id: String,
    /// Stripe's customer; `None`: Stripe does not say whose it is.
    pub customer: Option<String>,
    /// How much, never negative.
    pub amount: Money,
}

/// What moves money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An invoice that was paid.
    Payment,
    /// A refund that succeeded.
    Refund,
}

/// What Stripe lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The newest first, payments before refunds.
    pub movements: Vec<Movement>,
    /// There are older ones, which were not asked for.
    pub cut_off: bool,
}

/// What can explain that our record lacks something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Customers that we know, and whether their account still lives.
    pub customers: HashMap<String, bool>,
    /// Customers with webhooks that are still to be applied.
    pub waiting: HashSet<String>,
    /// Customers with webhooks that were set aside.
    pub parked: HashSet<String>,
}

/// How the two compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerCheck {
    /// Payments that Stripe lists.
    pub payments: usize,
    /// Refunds that Stripe lists.
    pub refunds: usize,
    /// By currency.
    pub totals: Vec<LedgerTotal>,
    /// What stands on one side alone, or differently.
    pub differences: Vec<LedgerDifference>,
    /// Stripe has older ones, which were not asked for; our record of them is left out.
    pub cut_off: bool,
}

/// Payments less refunds in one currency, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerTotal {
    /// The currency.
    pub currency: Currency,
    /// Stripe's.
    pub stripe: i64,
    /// Ours.
    pub recorded: i64,
}

/// A movement on which the two differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerDifference {
    /// What it is.
    pub kind: Kind,
    /// Stripe's ID of it.
    pub id: String,
    /// Whose.
    pub customer: Option<String>,
    /// What Stripe says.
    pub stripe: Option<Money>,
    /// What we have noted.
    pub recorded: Option<Money>,
    /// Why.
    pub why: Why,
}

/// Why the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The customer's webhooks are still to be applied.
    OnItsWay,
    /// A webhook of the customer's was set aside.
    SetAside,
    /// The account was deleted, and our record with it.
    Deleted,
    /// The customer is none of ours: the Stripe account sells something else as well.
    NotOurs,
    /// No webhook has told of it.
    Unheard,
    /// Stripe does not list it.
    NotAtStripe,
    /// Stripe names another amount.
    OtherAmount,
}

impl Why {
    /// Whether this is as it should be.
    pub const fn is_explained(self) -> bool {
        matches!(self, Self::OnItsWay | Self::Deleted | Self::NotOurs)
    }

    /// In a sentence.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::OnItsWay => "its webhook is still to be applied.",
            Self::SetAside => "a webhook of this customer's was set aside.",
            Self::Deleted => "the account was deleted, and our record with it.",
            Self::NotOurs => "the customer is none of ours.",
            Self::Unheard => "no webhook has told of it.",
            Self::NotAtStripe => "Stripe does not list it.",
            Self::OtherAmount => "Stripe names another amount.",
        }
    }
}

impl LedgerCheck {
    /// Whether every difference is explained.
    pub fn balanced(&self) -> bool {
        self.differences
            .iter()
            .all(|difference| difference.why.is_explained())
    }
}

/// Holds what Stripe lists against what is recorded.
pub fn check(listed: &Listed, recorded: &[Movement], around: &Surroundings) -> LedgerCheck {
    let mut ours: BTreeMap<(Kind, &str), &Movement> = recorded
        .iter()
        .map(|movement| ((movement.kind, movement.id.as_str()), movement))
        .collect();
    let mut differences = Vec::new();
    let mut totals = Totals::default();
    for movement in &listed.movements {
        totals.of(movement).stripe += signed(movement);
        let note = ours.remove(&(movement.kind, movement.id.as_str()));
        if let Some(note) = note {
            totals.of(note).recorded += signed(note);
        }
        let why = match note {
            Some(note) if note.amount == movement.amount => continue,
            Some(_) => Why::OtherAmount,
            None => why_unrecorded(movement, around),
        };
        differences.push(LedgerDifference {
            kind: movement.kind,
            id: movement.id.clone(),
            customer: movement.customer.clone(),
            stripe: Some(movement.amount),
            recorded: note.map(|note| note.amount),
            why,
        });
    }
    // Of a list that was cut off nobody can say that something is not on it.
    for note in ours.into_values().filter(|_| !listed.cut_off) {
        totals.of(note).recorded += signed(note);
        differences.push(LedgerDifference {
            kind: note.kind,
            id: note.id.clone(),
            customer: note.customer.clone(),
            stripe: None,
            recorded: Some(note.amount),
            why: Why::NotAtStripe,
        });
    }
    let count = |kind| {
        listed
            .movements
            .iter()
            .filter(|movement| movement.kind == kind)
            .count()
    };
    LedgerCheck {
        payments: count(Kind::Payment),
        refunds: count(Kind::Refund),
        totals: totals.0.into_values().collect(),
        differences,
        cut_off: listed.cut_off,
    }
}

fn why_unrecorded(movement: &Movement, around: &Surroundings) -> Why {
    let Some(customer) = &movement.customer else {
        return Why::Unheard;
    };
    match around.customers.get(customer) {
        None => Why::NotOurs,
        Some(false) => Why::Deleted,
        Some(true) if around.parked.contains(customer) => Why::SetAside,
        Some(true) if around.waiting.contains(customer) => Why::OnItsWay,
        Some(true) => Why::Unheard,
    }
}

fn signed(movement: &Movement) -> i64 {
    match movement.kind {
        Kind::Payment => movement.amount.minor,
        Kind::Refund => -movement.amount.minor,
    }
}

/// By currency.
#[derive(Default)]
struct Totals(BTreeMap<Currency, LedgerTotal>);

impl Totals {
    fn of(&mut self, movement: &Movement) -> &mut LedgerTotal {
        let currency = movement.amount.currency;
        self.0.entry(currency).or_insert(LedgerTotal {
            currency,
            stripe: 0,
            recorded: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64) -> Money {
        Money::new(minor, Currency::parse("usd").unwrap())
    }

    fn paid(id: &str, customer: &str, minor: i64) -> Movement {
        Movement {
            kind: Kind::Payment,
            id: id.into(),
            customer: Some(customer.into()),
            amount: money(minor),
        }
    }

    fn refunded(id: &str, customer: Option<&str>, minor: i64) -> Movement {
        Movement {
            kind: Kind::Refund,
            customer: customer.map(str::to_owned),
            ..paid(id, "", minor)
        }
    }

    fn around() -> Surroundings {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Surroundings {
            customers: [
                ("ada", true),
                ("late", true),
                ("stuck", true),
                ("both", true),
                ("gone", false),
            ]
            .map(|(name, lives)| (name.to_owned(), lives))
            .into(),
            waiting: set(&["late", "both", "gone"]),
            parked: set(&["stuck", "both"]),
        }
    }

    #[test]
    fn what_both_have_is_no_difference() {
        let movements = vec![
            paid("in_1", "ada", 1_200),
            paid("in_2", "ada", 1_200),
            refunded("re_1", Some("ada"), 500),
        ];
        let listed = Listed {
            movements: movements.clone(),
            cut_off: false,
        };
        let found = check(&listed, &movements, &around());
        assert!(found.balanced() && found.differences.is_empty());
        assert_eq!((found.payments, found.refunds), (2, 1));
        assert_eq!((found.totals[0].stripe, found.totals[0].recorded), (1_900, 1_900));
    }

    #[test]
    fn each_difference_has_its_reason() {
        for (name, stripe, ours, why) in [
            ("late", Some(paid("in_1", "late", 5)), None, Why::OnItsWay),
            ("set aside", Some(paid("in_1", "stuck", 5)), None, Why::SetAside),
            (
                "set aside before late",
                Some(paid("in_1", "both", 5)),
                None,
                Why::SetAside,
            ),
            ("deleted", Some(paid("in_1", "gone", 5)), None, Why::Deleted),
            (
                "somebody else's",
                Some(paid("in_1", "shop", 5)),
                None,
                Why::NotOurs,
            ),
            ("never told", Some(paid("in_1", "ada", 5)), None, Why::Unheard),
            ("of nobody", Some(refunded("re_1", None, 5)), None, Why::Unheard),
            ("made up", None, Some(paid("in_1", "ada", 5)), Why::NotAtStripe),
            (
                "another amount",
                Some(paid("in_1", "ada", 5)),
                Some(paid("in_1", "ada", 6)),
                Why::OtherAmount,
            ),
        ] {
            let listed = Listed {
                movements: stripe.clone().into_iter().collect(),
                cut_off: false,
            };
            let record: Vec<Movement> = ours.clone().into_iter().collect();
            let found = check(&listed, &record, &around());
            let [difference] = found.differences.as_slice() else {
                panic!("{name}: {found:?}");
            };
            assert_eq!(difference.why, why, "{name}");
            assert_eq!(difference.stripe, stripe.as_ref().map(|one| one.amount), "{name}");
            assert_eq!(difference.recorded, ours.as_ref().map(|one| one.amount), "{name}");
            assert_eq!(found.balanced(), why.is_explained(), "{name}");
        }
    }

    #[test]
    fn a_payment_is_no_refund_of_the_same_name() {
        let listed = Listed {
            movements: vec![paid("x", "ada", 5)],
            cut_off: false,
        };
        let found = check(&listed, &[refunded("x", Some("ada"), 5)], &around());
        let why: Vec<Why> = found
            .differences
            .iter()
            .map(|difference| difference.why)
            .collect();
        assert_eq!(why, [Why::Unheard, Why::NotAtStripe]);
        assert_eq!((found.totals[0].stripe, found.totals[0].recorded), (5, -5));
    }

    #[test]
    fn of_a_list_that_was_cut_off_nothing_is_missing() {
        let listed = Listed {
            movements: vec![paid("in_2", "ada", 7)],
            cut_off: true,
        };
        let record = [paid("in_1", "ada", 5), paid("in_2", "ada", 7)];
        let found = check(&listed, &record, &around());
        assert!(found.balanced() && found.cut_off);
        assert_eq!((found.totals[0].stripe, found.totals[0].recorded), (7, 7));
    }
}
