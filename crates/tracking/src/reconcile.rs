//! Stripe's ledger against the revenue events, payment by payment. Pure.
//!
//! A payment and its event name the same invoice, a refund and its event the same refund; so every line can be held
//! against its other half, and a difference has a cause rather than a size. What has no cause is wrong.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::money::{Currency, Money};
use crate::received::{ReceivedEvent, Source};
use crate::server::{Fact, SubscriptionRefund};
use crate::verdict::Facts;

/// The books of everybody whose events and payments were given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Books {
    /// By customer.
    pub customers: Vec<Customer>,
    /// Over all customers, by currency.
    pub totals: Vec<Total>,
}

/// One customer's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    /// Our user ID.
    pub user: String,
    /// Payments and refunds, the oldest first; refunds after payments.
    pub lines: Vec<Line>,
    /// By currency.
    pub totals: Vec<Total>,
}

/// One payment or refund.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// What it is.
    pub entry: Entry,
    /// What Stripe says that it comes to; negative where it went back.
    pub ledger: Option<Money>,
    /// What the revenue events say.
    pub told: Option<Money>,
    /// Amplitude's ID of the event that says so; of a refund that came back, of the last.
    pub event: Option<String>,
    /// Why the two are not the same.
    pub difference: Option<Difference>,
}

/// What money moved for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// Stripe's invoice.
    Invoice(String),
    /// Stripe's refund.
    Refund(String),
    /// A revenue event that names neither: its insert ID.
    Unnamed(String),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invoice(id) => write!(f, "invoice {id}"),
            Self::Refund(id) => write!(f, "refund {id}"),
            Self::Unnamed(id) => write!(f, "event {id}"),
        }
    }
}

/// Why ledger and events differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// The event is in the outbox.
    OnItsWay,
    /// The event was not sent, and will not be.
    Parked {
        /// Why.
        reason: String,
    },
    /// Tracking was refused for a while, and what happens then has no event.
    WithoutConsent,
    /// The event lies before the ones that were read.
    NotRead,
    /// There is no event, and no reason for that.
    NoEvent,
    /// There is an event, and Stripe knows nothing of it.
    NotInLedger,
    /// The two name different amounts.
    OtherAmount,
    /// Amplitude's revenue is not the amount that the event states: wrong decimals, or another currency.
    OtherRevenue {
        /// What Amplitude sums up.
        revenue: String,
    },
}

impl Difference {
    /// Whether this is as it should be.
    pub const fn is_explained(&self) -> bool {
        matches!(self, Self::OnItsWay | Self::WithoutConsent | Self::NotRead)
    }

    /// In a sentence.
    pub fn in_words(&self) -> String {
        match self {
            Self::OnItsWay => "its event is on its way.".into(),
            Self::Parked { reason } => format!("its event was not sent ({reason})."),
            Self::WithoutConsent => {
                "tracking was refused for a while, and there is no event of that time.".into()
            }
            Self::NotRead => "it lies before the events that were read.".into(),
            Self::NoEvent => "Stripe has the money, and no event says so.".into(),
            Self::NotInLedger => "the event says so, and Stripe has no such money.".into(),
            Self::OtherAmount => "event and Stripe name different amounts.".into(),
            Self::OtherRevenue { revenue } => {
                format!("the amount reached Amplitude as {revenue}, which is another one.")
            }
        }
    }
}

/// A sum in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// The currency.
    pub currency: Currency,
    /// What Stripe has kept, in minor units.
    pub ledger: i64,
    /// What the revenue events come to, in minor units.
    pub told: i64,
    /// How many lines differ without being explained.
    pub unexplained: usize,
}

impl Books {
    /// Several books as one, the customers in their order.
    pub fn of_all(books: impl IntoIterator<Item = Self>) -> Self {
        Self::of(books.into_iter().flat_map(|books| books.customers).collect())
    }

    fn of(customers: Vec<Customer>) -> Self {
        let totals = totals(customers.iter().flat_map(|customer| &customer.lines));
        Self { customers, totals }
    }

    /// Whether every difference is explained.
    pub fn balanced(&self) -> bool {
        let mut lines = self.customers.iter().flat_map(|customer| &customer.lines);
        lines.all(|line| line.difference.as_ref().is_none_or(Difference::is_explained))
    }
}

/// Holds the revenue events of any number of people against the payments and refunds in the facts.
pub fn reconcile(events: &[ReceivedEvent], facts: &Facts) -> Books {
    let mut ordered: Vec<&ReceivedEvent> = events.iter().collect();
    ordered.sort_by(|one, other| (one.time_ms, &one.uuid).cmp(&(other.time_ms, &other.uuid)));
    reconcile_in_order(&ordered, facts)
}

/// The same for events that are in order already.
pub(crate) fn reconcile_in_order(events: &[&ReceivedEvent], facts: &Facts) -> Books {
    let mut told: BTreeMap<(String, Entry), Vec<&ReceivedEvent>> = BTreeMap::new();
    for event in events {
        if let Some(entry) = entry_of(event) {
            let user = event.user.clone().unwrap_or_default();
            told.entry((user, entry)).or_default().push(event);
        }
    }
    let mut customers: BTreeMap<String, Vec<(i64, Line)>> = BTreeMap::new();
    let mut put =
        |user: String, at_ms: i64, line: Line| customers.entry(user).or_default().push((at_ms, line));
    for payment in facts.payments.iter().filter(|payment| payment.amount.minor != 0) {
        let user = payment.account.to_string();
        let entry = Entry::Invoice(payment.invoice.clone());
        let events = told.remove(&(user.clone(), entry.clone())).unwrap_or_default();
        let line = line(entry, Some(payment.amount), &events, facts);
        put(user, payment.paid_at_ms, line);
    }
    for refund in &facts.refunds {
        let user = refund.account.to_string();
        let entry = Entry::Refund(refund.refund.clone());
        let events = told.remove(&(user.clone(), entry.clone())).unwrap_or_default();
        let kept = match refund.succeeded {
            true => refund.amount.reversed(),
            false => Money::new(0, refund.amount.currency),
        };
        // One that never succeeded has no event, and needs none.
        if kept.minor == 0 && events.is_empty() {
            continue;
        }
        put(user, i64::MAX, line(entry, Some(kept), &events, facts));
    }
    for ((user, entry), events) in told {
        let at_ms = events[0].time_ms;
        put(user, at_ms, line(entry, None, &events, facts));
    }
    let customers: Vec<Customer> = customers
        .into_iter()
        .map(|(user, mut lines)| {
            lines.sort_by(|(at, one), (other_at, other)| (at, &one.entry).cmp(&(other_at, &other.entry)));
            let lines: Vec<Line> = lines.into_iter().map(|(_, line)| line).collect();
            let totals = totals(lines.iter());
            Customer { user, lines, totals }
        })
        .collect();
    Books::of(customers)
}

/// What a revenue event is about; `None` for all others.
fn entry_of(event: &ReceivedEvent) -> Option<Entry> {
    let text = |key: &str| {
        event
            .properties
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let moved = event.properties.contains_key("$revenue");
    if event.source == Source::Browser || !moved {
        return None;
    }
    let named = match event.name.as_str() {
        SubscriptionRefund::NAME => text("refund").map(Entry::Refund),
        _ => text("invoice").map(Entry::Invoice),
    };
    named.or_else(|| {
        Some(Entry::Unnamed(
            event.insert_id.clone().unwrap_or_else(|| event.uuid.clone()),
        ))
    })
}

fn line(entry: Entry, ledger: Option<Money>, events: &[&ReceivedEvent], facts: &Facts) -> Line {
    let amounts: Vec<Money> = events.iter().filter_map(|event| amount_of(event)).collect();
    let told = amounts.first().map(|first| {
        let same = amounts.iter().filter(|amount| amount.currency == first.currency);
        Money::new(same.map(|amount| amount.minor).sum(), first.currency)
    });
    let odd = events.iter().find_map(|event| odd_revenue(event));
    let difference = match (ledger, told) {
        _ if odd.is_some() => odd.map(|revenue| Difference::OtherRevenue { revenue }),
        (Some(ledger), Some(told)) if ledger == told => None,
        (Some(_), Some(_)) => Some(Difference::OtherAmount),
        (None, _) => Some(Difference::NotInLedger),
        (Some(_), None) => Some(why_silent(&entry, facts)),
    };
    Line {
        entry,
        ledger,
        told,
        event: events.last().map(|event| event.uuid.clone()),
        difference,
    }
}

/// Why a payment has no event.
fn why_silent(entry: &Entry, facts: &Facts) -> Difference {
    let id = match entry {
        Entry::Invoice(id) | Entry::Refund(id) | Entry::Unnamed(id) => id,
    };
    // `renewal:<invoice>` and `refund:<refund>` name it; a first payment is named by its subscription.
    let named = facts.undelivered.iter().find(|row| {
        row.insert_id
            .split_once(':')
            .is_some_and(|(_, subject)| subject == id)
            || row.entry.as_deref() == Some(id)
    });
    match named.map(|row| row.parked.clone()) {
        Some(None) => return Difference::OnItsWay,
        Some(Some(_)) if refused(facts) => return Difference::WithoutConsent,
        Some(Some(reason)) => return Difference::Parked { reason },
        None => {}
    }
    match facts.read_from_ms {
        _ if refused(facts) => Difference::WithoutConsent,
        // The moment of a payment may be of a simulated clock, so it cannot tell on which side of the cut it lies.
        Some(_) => Difference::NotRead,
        None => Difference::NoEvent,
    }
}

/// Whether tracking was ever refused. The moment of a payment is of the clock that moves the subscription, which may be a
/// simulated one, so it cannot tell whether that was just then.
fn refused(facts: &Facts) -> bool {
    facts.consent.iter().any(|change| !change.consent.is_granted())
}

/// What a revenue event states: its own properties, with the sign of Amplitude's revenue.
fn amount_of(event: &ReceivedEvent) -> Option<Money> {
    let minor = event.properties.get("amount_minor")?.as_i64()?;
    let currency = Currency::parse(event.properties.get("currency")?.as_str()?)?;
    let amount = Money::new(minor, currency);
    let back = event
        .properties
        .get("$revenue")
        .and_then(Value::as_f64)
        .is_some_and(f64::is_sign_negative);
    Some(if back { amount.reversed() } else { amount })
}

/// Amplitude's revenue, if it is not what the event's own properties come to in whole units.
fn odd_revenue(event: &ReceivedEvent) -> Option<String> {
    let revenue = event.properties.get("$revenue").and_then(Value::as_f64)?;
    let currency = event
        .properties
        .get("$currency")
        .and_then(Value::as_str)
        .unwrap_or("no currency");
    let same = amount_of(event).is_some_and(|amount| {
        let stated = amount.decimal();
        (stated - revenue).abs() <= f64::EPSILON * stated.abs().max(1.0)
            && amount.currency.iso_code() == currency
    });
    (!same).then(|| format!("{revenue} {currency}"))
}

fn totals<'a>(lines: impl Iterator<Item = &'a Line>) -> Vec<Total> {
    let mut totals: BTreeMap<Currency, Total> = BTreeMap::new();
    for line in lines {
        let unexplained = line
            .difference
            .as_ref()
            .is_some_and(|difference| !difference.is_explained());
        for (money, of_ledger) in [(line.ledger, true), (line.told, false)] {
            let Some(money) = money else { continue };
            let total = totals.entry(money.currency).or_insert(Total {
                currency: money.currency,
                ledger: 0,
                told: 0,
                unexplained: 0,
            });
            match of_ledger {
                true => total.ledger += money.minor,
                false => total.told += money.minor,
            }
        }
        if let Some(money) = line.ledger.or(line.told) {
            let total = totals.get_mut(&money.currency);
            total
                .into_iter()
                .for_each(|total| total.unexplained += usize::from(unexplained));
        }
    }
    totals.into_values().collect()
}
