//! The revenue page: two comparisons. While the first one has a difference, the second one means nothing.

use leptos::prelude::*;
use tracking::Money;
use tracking::reconcile::{Customer, Line, Total};

use super::labels::{amount, count};
use super::model::{LedgerLine, LedgerReport, RevenueEvents, RevenueReport};
use super::queries;
use crate::document::document;
use crate::operations::parts::{OperatorPage, UnreadableCard, UserLink};

const LEDGER_TITLE: &str = "Stripe and our record";
const EVENTS_TITLE: &str = "Our record and the events";

/// Stripe, our record, and the revenue events. It answers 404 to visitors who are not operators.
#[component]
pub fn RevenuePage() -> impl IntoView {
    view! {
        <OperatorPage title="Revenue">
            {document(|visit| async move {
                let RevenueReport { ledger, events } = queries::revenue(&visit).await;
                let ledger = match ledger {
                    Ok(ledger) => view! { <LedgerCard ledger /> }.into_any(),
                    Err(reason) => view! { <UnreadableCard id="ledger" title=LEDGER_TITLE reason /> }.into_any(),
                };
                let events = match events {
                    Ok(events) => view! { <EventsCard events /> }.into_any(),
                    Err(reason) => view! { <UnreadableCard id="revenue-events" title=EVENTS_TITLE reason /> }.into_any(),
                };
                view! { <div class="stack">{ledger} {events}</div> }.into_any()
            })}
        </OperatorPage>
    }
}

/// The result of a comparison, in one word.
#[component]
fn ResultBadge(balanced: bool, differences: usize) -> impl IntoView {
    let (class, label) = match (balanced, differences) {
        (true, 0) => ("badge server", "Equal"),
        (true, _) => ("badge note", "Explained"),
        (false, _) => ("badge bad", "Differs"),
    };
    view! { <span class=class>{label}</span> }
}

#[component]
fn LedgerCard(ledger: LedgerReport) -> impl IntoView {
    let counted = format!(
        "{} and {}",
        count(ledger.payments, "payment"),
        count(ledger.refunds, "refund")
    );
    let scope = match ledger.cut_off {
        true => "the newest; older ones were not read",
        false => "all that Stripe has",
    };
    let totals = ledger.totals.into_iter().map(|total| {
        view! {
            <tr>
                <th scope="row">{format!("All {}", total.currency)}</th>
                <td>{total.stripe}</td>
                <td>{total.recorded}</td>
            </tr>
        }
    });
    let totals = totals.collect_view();
    let differences = ledger.differences.len();
    let rows = ledger
        .differences
        .into_iter()
        .map(|line| view! { <LedgerRow line /> });
    let rows = rows.collect_view();
    view! {
        <section class="card operations-card books" aria-labelledby="ledger" data-balanced=ledger.balanced.to_string()>
            <header>
                <h2 id="ledger">{LEDGER_TITLE}</h2>
                <ResultBadge balanced=ledger.balanced differences />
            </header>
            <p class="quiet">
                "Stripe's own lists, read just now, against the payments and refunds that its webhooks reported. A webhook that never arrived would be missing from the events too. "
                {format!("{counted}: {scope}.")}
            </p>
            {(ledger.payments + ledger.refunds == 0)
                .then(|| view! { <p class="quiet">"There are no payments yet."</p> })}
            {(!totals.is_empty() || differences > 0)
                .then(|| {
                    view! {
                        <table>
                            <thead>
                                <tr>
                                    <td></td>
                                    <th scope="col">"Stripe"</th>
                                    <th scope="col">"Recorded"</th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                            <tfoot>{totals}</tfoot>
                        </table>
                    }
                })}
        </section>
    }
}

#[component]
fn LedgerRow(line: LedgerLine) -> impl IntoView {
    let class = if line.explained { "explained" } else { "broken" };
    let customer = line
        .customer
        .map(|customer| format!("Customer {customer}: "))
        .unwrap_or_default();
    view! {
        <tr class=class>
            <th scope="row">{line.entry}</th>
            <td>{line.stripe}</td>
            <td>{line.recorded}</td>
        </tr>
        <tr class=class><td colspan="3" class="why">{customer} {line.reason}</td></tr>
    }
}

#[component]
fn EventsCard(events: RevenueEvents) -> impl IntoView {
    let RevenueEvents { books, payers } = events;
    let balanced = books.balanced();
    let read = books.customers.len();
    let lines = books.customers.iter().flat_map(|customer| &customer.lines);
    let differences = lines.filter(|line| line.difference.is_some()).count();
    let scope = match usize::try_from(payers) {
        Ok(payers) if payers <= read => format!("{}: all who have paid.", count(read, "customer")),
        _ => format!("The {read} customers with the latest payments, of {payers}."),
    };
    let totals = books
        .totals
        .into_iter()
        .map(|total| view! { <TotalRow user=None total /> });
    let totals = totals.collect_view();
    let rows = books
        .customers
        .into_iter()
        .map(|customer| view! { <CustomerRows customer /> });
    let rows = rows.collect_view();
    view! {
        <section
            class="card operations-card books"
            aria-labelledby="revenue-events"
            data-balanced=balanced.to_string()
        >
            <header>
                <h2 id="revenue-events">{EVENTS_TITLE}</h2>
                <ResultBadge balanced differences />
            </header>
            <p class="quiet">"Our record, against the revenue events that Amplitude returns. " {scope}</p>
            <table>
                <thead>
                    <tr>
                        <td></td>
                        <th scope="col">"Recorded"</th>
                        <th scope="col">"Events"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
                <tfoot>{totals}</tfoot>
            </table>
        </section>
    }
}

/// A customer's sums, and below them each line that differs.
#[component]
fn CustomerRows(customer: Customer) -> impl IntoView {
    let Customer { user, lines, totals } = customer;
    let totals = totals
        .into_iter()
        .map(|total| view! { <TotalRow user=Some(user.clone()) total /> });
    let totals = totals.collect_view();
    let lines = lines.into_iter().filter(|line| line.difference.is_some());
    view! {
        {totals}
        {lines.map(|line| view! { <DifferingRow line /> }).collect_view()}
    }
}

#[component]
fn TotalRow(
    /// The customer's user ID; `None`: the sum of all customers.
    user: Option<String>,
    /// The sums.
    total: Total,
) -> impl IntoView {
    let amount = |minor: i64| Money::new(minor, total.currency).to_string();
    let name = match user {
        Some(user) => view! { <UserLink user /> }.into_any(),
        None => view! { {format!("All {}", total.currency.iso_code())} }.into_any(),
    };
    view! {
        <tr>
            <th scope="row">{name}</th>
            <td>{amount(total.ledger)}</td>
            <td>{amount(total.told)}</td>
        </tr>
    }
}

#[component]
fn DifferingRow(line: Line) -> impl IntoView {
    let explained = line
        .difference
        .as_ref()
        .is_some_and(|difference| difference.is_explained());
    let class = if explained { "explained" } else { "broken" };
    let reason = line.difference.as_ref().map(|difference| difference.in_words());
    view! {
        <tr class=class>
            <th scope="row" class="part">{line.entry.to_string()}</th>
            <td>{amount(line.ledger)}</td>
            <td>{amount(line.told)}</td>
        </tr>
        <tr class=class><td colspan="3" class="why">{reason}</td></tr>
    }
}
