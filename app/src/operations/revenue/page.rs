//! The page: two comparisons, in a row. A difference on the left makes one on the right mean nothing.

use leptos::prelude::*;
use leptos_meta::Title;
use tracking::Money;
use tracking::reconcile::{Customer, Line, Total};

use super::facts::{Ledger, LedgerLine, Revenue, Told};
use crate::operations::api::read_revenue;
use crate::operations::parts::{Operators, PersonLink, Unreadable};

/// Stripe, our record, and the revenue events. To anybody but an operator there is no such page.
#[component]
pub fn RevenuePage() -> impl IntoView {
    view! {
        <Operators>
            <Title text="Revenue · Seamline" />
            <Read />
        </Operators>
    }
}

#[component]
fn Read() -> impl IntoView {
    let found = Resource::new_blocking(|| (), |()| read_revenue());
    view! {
        <Suspense fallback=|| view! { <p class="quiet" aria-busy="true">"Asking Stripe and Amplitude…"</p> }>
            {move || Suspend::new(async move {
                match found.await {
                    Ok(Revenue { ledger, told }) => {
                        let ledger = match ledger {
                            Ok(ledger) => view! { <LedgerCard ledger /> }.into_any(),
                            Err(why) => view! { <Unreadable id="ledger" title="Stripe and our record" why /> }.into_any(),
                        };
                        let told = match told {
                            Ok(told) => view! { <ToldCard told /> }.into_any(),
                            Err(why) => view! { <Unreadable id="told" title="Our record and the events" why /> }.into_any(),
                        };
                        view! { <div class="stack">{ledger} {told}</div> }.into_any()
                    }
                    Err(_) => {
                        view! {
                            <p class="fault banner" role="alert">
                                "Revenue cannot be read right now. Please load the page again."
                            </p>
                        }
                        .into_any()
                    }
                }
            })}
        </Suspense>
    }
}

/// How a comparison came out, in a word.
#[component]
fn Outcome(balanced: bool, differences: usize) -> impl IntoView {
    let (class, word) = match (balanced, differences) {
        (true, 0) => ("badge server", "Equal"),
        (true, _) => ("badge note", "Explained"),
        (false, _) => ("badge bad", "Differs"),
    };
    view! { <span class=class>{word}</span> }
}

#[component]
fn LedgerCard(ledger: Ledger) -> impl IntoView {
    let counted = format!(
        "{} and {}",
        count(ledger.payments, "payment"),
        count(ledger.refunds, "refund")
    );
    let asked = match ledger.cut_off {
        true => "the newest, older ones were not asked for",
        false => "all there are",
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
    view! {
        <section class="card operations-card books" aria-labelledby="ledger" data-balanced=ledger.balanced.to_string()>
            <header>
                <h2 id="ledger">"Stripe and our record"</h2>
                <Outcome balanced=ledger.balanced differences />
            </header>
            <p class="quiet">
                "Stripe's own lists, asked for just now, against what its webhooks have told: a webhook that never came would be missing from the events as well. "
                {format!("{counted}: {asked}.")}
            </p>
            {(ledger.payments + ledger.refunds == 0).then(|| view! { <p class="quiet">"No money has moved yet."</p> })}
            {(!totals.is_empty() || differences > 0).then(|| view! {
                <table>
                    <thead>
                        <tr>
                            <td></td>
                            <th scope="col">"Stripe"</th>
                            <th scope="col">"Recorded"</th>
                        </tr>
                    </thead>
                    <tbody>{ledger.differences.into_iter().map(|line| view! { <LedgerRow line /> }).collect_view()}</tbody>
                    <tfoot>{totals}</tfoot>
                </table>
            })}
        </section>
    }
}

#[component]
fn LedgerRow(line: LedgerLine) -> impl IntoView {
    let class = if line.explained { "explained" } else { "broken" };
    let of = line
        .customer
        .map(|customer| format!("Of {customer}: "))
        .unwrap_or_default();
    view! {
        <tr class=class>
            <th scope="row">{line.what}</th>
            <td>{line.stripe}</td>
            <td>{line.recorded}</td>
        </tr>
        <tr class=class><td colspan="3" class="why">{of} {line.why}</td></tr>
    }
}

#[component]
fn ToldCard(told: Told) -> impl IntoView {
    let Told { books, payers } = told;
    let balanced = books.balanced();
    let read = books.customers.len();
    let lines = books.customers.iter().flat_map(|customer| &customer.lines);
    let differences = lines.filter(|line| line.difference.is_some()).count();
    let scope = match usize::try_from(payers) {
        Ok(payers) if payers <= read => format!("{}: all who have paid.", count(read, "customer")),
        _ => format!("The {read} who paid last, of {payers} customers."),
    };
    let totals = books
        .totals
        .into_iter()
        .map(|total| view! { <TotalRow name=None total /> });
    let totals = totals.collect_view();
    view! {
        <section class="card operations-card books" aria-labelledby="told" data-balanced=balanced.to_string()>
            <header>
                <h2 id="told">"Our record and the events"</h2>
                <Outcome balanced differences />
            </header>
            <p class="quiet">
                "What is recorded, against the revenue events as Amplitude gives them back. " {scope}
            </p>
            <table>
                <thead>
                    <tr>
                        <td></td>
                        <th scope="col">"Recorded"</th>
                        <th scope="col">"Events"</th>
                    </tr>
                </thead>
                <tbody>{books.customers.into_iter().map(|customer| view! { <CustomerRows customer /> }).collect_view()}</tbody>
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
        .map(|total| view! { <TotalRow name=Some(user.clone()) total /> });
    let totals = totals.collect_view();
    let lines = lines.into_iter().filter(|line| line.difference.is_some());
    view! {
        {totals}
        {lines.map(|line| view! { <DifferingRow line /> }).collect_view()}
    }
}

#[component]
fn TotalRow(
    /// Whose; `None`: everybody's.
    name: Option<String>,
    /// The sums.
    total: Total,
) -> impl IntoView {
    let amount = |minor: i64| Money::new(minor, total.currency).to_string();
    let name = match name {
        Some(user) => view! { <PersonLink user /> }.into_any(),
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
    let amount = |money: Option<Money>| money.map_or_else(|| "none".to_owned(), |money| money.to_string());
    let explained = line
        .difference
        .as_ref()
        .is_some_and(|difference| difference.is_explained());
    let class = if explained { "explained" } else { "broken" };
    let why = line.difference.as_ref().map(|difference| difference.in_words());
    view! {
        <tr class=class>
            <th scope="row" class="part">{line.entry.to_string()}</th>
            <td>{amount(line.ledger)}</td>
            <td>{amount(line.told)}</td>
        </tr>
        <tr class=class><td colspan="3" class="why">{why}</td></tr>
    }
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}
