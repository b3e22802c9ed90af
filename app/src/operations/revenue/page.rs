//! The revenue page: two comparisons. While the first one has a difference, the second one means nothing.

use backend::billing::ledger::{LedgerCheck, MovementDifference, MovementKind, MovementScope, SeparateTotal};
use leptos::prelude::*;
use tracking::reconcile::{CustomerReconciliation, LedgerLine, Reconciliation};
use tracking::{Currency, Money};

use super::queries;
use crate::document::document;
use crate::operations::labels::{count, unreadable};
use crate::operations::parts::{OperatorPage, UnreadableCard, UserLink};

const LEDGER_TITLE: &str = "Stripe and our record";
const EVENTS_TITLE: &str = "Our record and the events";

/// Stripe, our record, and the revenue events. It answers 404 to visitors who are not operators.
#[component]
pub fn RevenuePage() -> impl IntoView {
    view! {
        <OperatorPage title="Revenue">
            {document(|context| async move {
                let (ledger, events) = futures::join!(queries::ledger(&context), queries::events(&context));
                let ledger = match ledger {
                    Ok(ledger) => view! { <LedgerCard ledger /> }.into_any(),
                    Err(reason) => view! { <UnreadableCard id="ledger" title=LEDGER_TITLE reason /> }.into_any(),
                };
                let events = match events {
                    Ok((reconciliation, payers)) => view! { <EventsCard reconciliation payers /> }.into_any(),
                    Err(error) => {
                        let reason = unreadable(&error, "The revenue events cannot be read right now.");
                        view! { <UnreadableCard id="revenue-events" title=EVENTS_TITLE reason /> }.into_any()
                    }
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
fn LedgerCard(ledger: LedgerCheck) -> impl IntoView {
    let balanced = ledger.is_balanced();
    let counted = format!(
        "{}, {} and {}",
        count(ledger.payments, "payment"),
        count(ledger.refunds, "refund"),
        count(ledger.disputes, "lost dispute")
    );
    let separate = ledger.separate.iter().map(separate_text).collect::<Vec<_>>();
    let separate = separate
        .into_iter()
        .map(|text| view! { <p class="quiet" data-separate>{text}</p> });
    let separate = separate.collect_view();
    let scope = match ledger.cut_off {
        true => "the newest; older ones were not read",
        false => "all that Stripe has",
    };
    let totals = ledger.totals.into_iter().map(|total| {
        view! { <TotalRow currency=total.currency amounts=[total.stripe, total.recorded] /> }
    });
    let totals = totals.collect_view();
    let differences = ledger.differences.len();
    let rows = ledger
        .differences
        .into_iter()
        .map(|difference| view! { <LedgerRow difference /> });
    let rows = rows.collect_view();
    view! {
        <section class="card operations-card reconciliation" aria-labelledby="ledger" data-balanced=balanced.to_string()>
            <header>
                <h2 id="ledger">{LEDGER_TITLE}</h2>
                <ResultBadge balanced differences />
            </header>
            <p class="quiet">
                "Stripe's own lists, read just now, against the payments, refunds and lost disputes that its webhooks reported: cash with tax, for subscriptions of the plan. A webhook that never arrived would be missing from the events too. "
                {format!("{counted}: {scope}.")}
            </p>
            {(ledger.payments + ledger.refunds + ledger.disputes == 0)
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
            {separate}
        </section>
    }
}

/// What Stripe has besides the plan, as a sentence.
fn separate_text(total: &SeparateTotal) -> String {
    let what = match total.scope {
        MovementScope::OneOff => "without a subscription",
        MovementScope::OtherProduct => "of other products",
        MovementScope::Plan => "of the plan",
    };
    let movements = count(total.count, "movement");
    format!(
        "Counted separately: {movements} {what}, {}. They are not revenue of the plan.",
        total.amount
    )
}

#[component]
fn LedgerRow(difference: MovementDifference) -> impl IntoView {
    let class = class_of(difference.reason.is_explained());
    let kind = match difference.kind {
        MovementKind::Payment => "invoice",
        MovementKind::Refund => "refund",
        MovementKind::Dispute => "dispute",
    };
    let customer = difference
        .customer
        .map(|customer| format!("Customer {customer}: "))
        .unwrap_or_default();
    view! {
        <tr class=class>
            <th scope="row">{format!("{kind} {}", difference.id)}</th>
            <td>{amount(difference.stripe)}</td>
            <td>{amount(difference.recorded)}</td>
        </tr>
        <tr class=class><td colspan="3" class="reconciliation-reason">{customer} {difference.reason.in_words()}</td></tr>
    }
}

/// An amount, or `none`.
fn amount(money: Option<Money>) -> String {
    money.map_or_else(|| "none".to_owned(), |money| money.to_string())
}

const fn class_of(explained: bool) -> &'static str {
    if explained { "explained" } else { "broken" }
}

#[component]
fn EventsCard(
    reconciliation: Reconciliation,
    /// How many customers have paid. Customers whose events were not read are in no sum.
    payers: i64,
) -> impl IntoView {
    let balanced = reconciliation.is_balanced();
    let read = reconciliation.customers.len();
    let lines = reconciliation
        .customers
        .iter()
        .flat_map(|customer| &customer.lines);
    let differences = lines.filter(|line| line.difference.is_some()).count();
    let scope = match usize::try_from(payers) {
        Ok(payers) if payers <= read => format!("{}: all who have paid.", count(read, "customer")),
        _ => format!("The {read} customers with the latest payments, of {payers}."),
    };
    let totals = reconciliation
        .totals
        .into_iter()
        .map(|total| view! { <TotalRow currency=total.currency amounts=[total.ledger_minor, total.tracked_minor] /> });
    let totals = totals.collect_view();
    let rows = reconciliation
        .customers
        .into_iter()
        .map(|customer| view! { <CustomerRows customer /> });
    let rows = rows.collect_view();
    view! {
        <section
            class="card operations-card reconciliation"
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
fn CustomerRows(customer: CustomerReconciliation) -> impl IntoView {
    let CustomerReconciliation { user, lines, totals } = customer;
    let totals = totals.into_iter().map(|total| {
        let amounts = [total.ledger_minor, total.tracked_minor];
        view! { <TotalRow user=Some(user.clone()) currency=total.currency amounts /> }
    });
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
    #[prop(optional_no_strip)]
    user: Option<String>,
    currency: Currency,
    /// Both sums, in minor units.
    amounts: [i64; 2],
) -> impl IntoView {
    let [left, right] = amounts.map(|minor| Money::new(minor, currency).to_string());
    let name = match user {
        Some(user) => view! { <UserLink user /> }.into_any(),
        None => view! { {format!("All {}", currency.iso_code())} }.into_any(),
    };
    view! {
        <tr>
            <th scope="row">{name}</th>
            <td>{left}</td>
            <td>{right}</td>
        </tr>
    }
}

#[component]
fn DifferingRow(line: LedgerLine) -> impl IntoView {
    let difference = line.difference.as_ref();
    let class = class_of(difference.is_some_and(|difference| difference.is_explained()));
    let reason = difference.map(|difference| difference.explanation());
    view! {
        <tr class=class>
            <th scope="row" class="reconciliation-part">{line.entry.to_string()}</th>
            <td>{amount(line.ledger)}</td>
            <td>{amount(line.tracked)}</td>
        </tr>
        <tr class=class><td colspan="3" class="reconciliation-reason">{reason}</td></tr>
    }
}
