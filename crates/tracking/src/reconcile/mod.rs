//! Compares Stripe's payments, refunds and lost disputes with the revenue events, one by one. Pure.
//!
//! A payment and its event contain the same invoice ID, a refund and its event the same refund ID. So each difference
//! belongs to one ledger line and has a cause. A difference without an explanation is an error.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::facts::TimelineFacts;
use crate::money::{Currency, Money};
use crate::received::{ReceivedEvent, Source};
use crate::server::{EventPayload, SubscriptionDispute, SubscriptionRefund};

mod model;

use model::totals;
pub use model::{
    CurrencyTotal, CustomerReconciliation, LedgerDifference, LedgerEntry, LedgerLine, Reconciliation,
};

/// Compares the revenue events of any number of users with the ledger in `facts`. The order of `events` does
/// not matter.
pub fn reconcile(events: &[ReceivedEvent], facts: &TimelineFacts) -> Reconciliation {
    let mut ordered: Vec<&ReceivedEvent> = events.iter().collect();
    ordered.sort_by(|one, other| (one.time_ms, &one.uuid).cmp(&(other.time_ms, &other.uuid)));
    reconcile_in_order(&ordered, facts)
}

/// Like [`reconcile`], for events that are sorted, the oldest first.
pub(crate) fn reconcile_in_order(events: &[&ReceivedEvent], facts: &TimelineFacts) -> Reconciliation {
    let mut tracked: BTreeMap<(String, LedgerEntry), Vec<&ReceivedEvent>> = BTreeMap::new();
    for event in events {
        if let Some(entry) = entry_of(event) {
            let user = event.user.clone().unwrap_or_default();
            tracked.entry((user, entry)).or_default().push(event);
        }
    }
    let mut customers: BTreeMap<String, Vec<(i64, LedgerLine)>> = BTreeMap::new();
    let mut add_line =
        |user: String, at_ms: i64, line: LedgerLine| customers.entry(user).or_default().push((at_ms, line));
    for payment in facts.payments.iter().filter(|payment| payment.amount.minor != 0) {
        let user = payment.account.to_string();
        let entry = LedgerEntry::Invoice(payment.invoice.clone());
        let events = tracked.remove(&(user.clone(), entry.clone())).unwrap_or_default();
        let line = line(entry, Some(payment.amount), &events, facts);
        add_line(user, payment.paid_at_ms, line);
    }
    for refund in &facts.refunds {
        let user = refund.account.to_string();
        let entry = LedgerEntry::Refund(refund.refund.clone());
        let events = tracked.remove(&(user.clone(), entry.clone())).unwrap_or_default();
        let ledger = match refund.succeeded {
            true => refund.amount.reversed(),
            false => Money::new(0, refund.amount.currency),
        };
        // A refund that never succeeded needs no event.
        if ledger.minor == 0 && events.is_empty() {
            continue;
        }
        add_line(user, i64::MAX, line(entry, Some(ledger), &events, facts));
    }
    for dispute in &facts.disputes {
        let user = dispute.account.to_string();
        let entry = LedgerEntry::Dispute(dispute.dispute.clone());
        let events = tracked.remove(&(user.clone(), entry.clone())).unwrap_or_default();
        let line = line(entry, Some(dispute.amount.reversed()), &events, facts);
        add_line(user, i64::MAX, line);
    }
    for ((user, entry), events) in tracked {
        let at_ms = events[0].time_ms;
        add_line(user, at_ms, line(entry, None, &events, facts));
    }
    let customers: Vec<CustomerReconciliation> = customers
        .into_iter()
        .map(|(user, mut lines)| {
            lines.sort_by(|(at, one), (other_at, other)| (at, &one.entry).cmp(&(other_at, &other.entry)));
            let lines: Vec<LedgerLine> = lines.into_iter().map(|(_, line)| line).collect();
            let totals = totals(lines.iter());
            CustomerReconciliation { user, lines, totals }
        })
        .collect();
    Reconciliation::of(customers)
}

/// The entry of a revenue event; `None` for other events.
fn entry_of(event: &ReceivedEvent) -> Option<LedgerEntry> {
    let text = |key: &str| {
        event
            .properties
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let has_revenue = event.properties.contains_key("$revenue");
    if event.source == Source::Browser || !has_revenue {
        return None;
    }
    let by_id = match event.name.as_str() {
        SubscriptionRefund::NAME => text("refund").map(LedgerEntry::Refund),
        SubscriptionDispute::NAME => text("dispute").map(LedgerEntry::Dispute),
        _ => text("invoice").map(LedgerEntry::Invoice),
    };
    by_id.or_else(|| {
        Some(LedgerEntry::Unnamed(
            event.insert_id.clone().unwrap_or_else(|| event.uuid.clone()),
        ))
    })
}

/// A ledger line with its difference.
fn line(
    entry: LedgerEntry,
    ledger: Option<Money>,
    events: &[&ReceivedEvent],
    facts: &TimelineFacts,
) -> LedgerLine {
    let amounts: Vec<Money> = events.iter().filter_map(|event| amount_of(event)).collect();
    let tracked = amounts.first().map(|first| {
        let same = amounts.iter().filter(|amount| amount.currency == first.currency);
        Money::new(same.map(|amount| amount.minor).sum(), first.currency)
    });
    let wrong = events.iter().find_map(|event| wrong_revenue(event));
    let difference = match (ledger, tracked) {
        _ if wrong.is_some() => wrong.map(|revenue| LedgerDifference::OtherRevenue { revenue }),
        (Some(ledger), Some(tracked)) if ledger == tracked => None,
        (Some(_), Some(_)) => Some(LedgerDifference::OtherAmount),
        (None, _) => Some(LedgerDifference::NotInLedger),
        (Some(_), None) => Some(why_missing(&entry, facts)),
    };
    LedgerLine {
        entry,
        ledger,
        tracked,
        event: events.last().map(|event| event.uuid.clone()),
        difference,
    }
}

/// Why a payment or refund has no event.
fn why_missing(entry: &LedgerEntry, facts: &TimelineFacts) -> LedgerDifference {
    let id = match entry {
        LedgerEntry::Invoice(id)
        | LedgerEntry::Refund(id)
        | LedgerEntry::Dispute(id)
        | LedgerEntry::Unnamed(id) => id,
    };
    // The insert IDs `renewal:<invoice>` and `refund:<refund>` contain the entry's ID. The insert ID of a first payment
    // contains the subscription, so the row has the entry's ID too.
    let row = facts.undelivered.iter().find(|row| {
        row.insert_id
            .split_once(':')
            .is_some_and(|(_, subject)| subject == id)
            || row.entry.as_deref() == Some(id)
    });
    match row.map(|row| row.parked.clone()) {
        Some(None) => return LedgerDifference::OnItsWay,
        Some(Some(_)) if was_consent_denied(facts) => return LedgerDifference::WithoutConsent,
        Some(Some(reason)) => return LedgerDifference::Parked { reason },
        None => {}
    }
    match facts.read_from_ms {
        _ if was_consent_denied(facts) => LedgerDifference::WithoutConsent,
        // The time of a payment can be of a simulated clock, so it cannot be compared with the oldest event that was read.
        Some(_) => LedgerDifference::NotRead,
        None => LedgerDifference::NoEvent,
    }
}

/// Whether tracking was ever denied. The time of a payment can be of a simulated clock, so it cannot be compared with the
/// times of consent changes.
fn was_consent_denied(facts: &TimelineFacts) -> bool {
    facts.consent.iter().any(|change| !change.consent.is_granted())
}

/// The amount in a revenue event's own properties, with the sign of Amplitude's revenue.
fn amount_of(event: &ReceivedEvent) -> Option<Money> {
    let minor = event.properties.get("amount_minor")?.as_i64()?;
    let currency = Currency::parse(event.properties.get("currency")?.as_str()?)?;
    let amount = Money::new(minor, currency);
    let is_reversal = event
        .properties
        .get("$revenue")
        .and_then(Value::as_f64)
        .is_some_and(f64::is_sign_negative);
    Some(if is_reversal { amount.reversed() } else { amount })
}

/// Amplitude's revenue of an event, if it differs from the amount in the event's own properties.
fn wrong_revenue(event: &ReceivedEvent) -> Option<String> {
    let revenue = event.properties.get("$revenue").and_then(Value::as_f64)?;
    let currency = event
        .properties
        .get("$currency")
        .and_then(Value::as_str)
        .unwrap_or("no currency");
    let is_equal = amount_of(event).is_some_and(|amount| {
        let stated = amount.decimal();
        (stated - revenue).abs() <= f64::EPSILON * stated.abs().max(1.0)
            && amount.currency.iso_code() == currency
    });
    (!is_equal).then(|| format!("{revenue} {currency}"))
}
