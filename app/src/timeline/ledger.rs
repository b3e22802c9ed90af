//! Revenue events against Stripe's ledger, payment by payment.

use leptos::prelude::*;
use tracking::Money;
use tracking::reconcile::{CurrencyTotal, LedgerLine, Reconciliation};

use super::card::{TimelineCard, card_view};
use super::links;
use super::model::EventPage;

/// A row for each payment and refund, and the totals. `None` without payments.
pub(super) fn ledger(page: &EventPage, reconciliation: &Reconciliation) -> Option<AnyView> {
    let customers = reconciliation.customers.iter();
    let lines: Vec<&LedgerLine> = customers.flat_map(|customer| &customer.lines).collect();
    (!lines.is_empty()).then(|| {
        let line = view! { <h2>"Revenue and ledger"</h2> };
        let content = || {
            let find = page.query.find.as_deref();
            let lines = lines.into_iter().map(|line| line_view(line, find)).collect_view();
            let totals = reconciliation.totals.iter().map(total_view).collect_view();
            view! {
                <p class="quiet">"Payments and refunds at Stripe, and the amounts of the revenue events."</p>
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Payment"</th>
                            <th scope="col">"Stripe"</th>
                            <th scope="col">"Events"</th>
                        </tr>
                    </thead>
                    <tbody>{lines}</tbody>
                    <tfoot>{totals}</tfoot>
                </table>
            }
        };
        card_view(page, TimelineCard::Revenue, "card reconciliation", line, content)
    })
}

fn line_view(line: &LedgerLine, find: Option<&str>) -> impl IntoView + use<> {
    let amount = |money: Option<Money>| money.map_or_else(|| "none".to_owned(), |money| money.to_string());
    let class = match &line.difference {
        None => "",
        Some(difference) if difference.is_explained() => "explained",
        Some(_) => "broken",
    };
    let difference = line.difference.as_ref().map(|difference| {
        view! { <tr class=class><td colspan="3" class="reconciliation-reason">{difference.explanation()}</td></tr> }
    });
    let entry = match &line.event {
        Some(uuid) => {
            let href = links::event_url(find, uuid);
            view! { <a href=href>{line.entry.to_string()}</a> }.into_any()
        }
        None => line.entry.to_string().into_any(),
    };
    view! {
        <tr class=class>
            <th scope="row">{entry}</th>
            <td>{amount(line.ledger)}</td>
            <td>{amount(line.tracked)}</td>
        </tr>
        {difference}
    }
}

fn total_view(total: &CurrencyTotal) -> impl IntoView + use<> {
    let amount = |minor: i64| Money::new(minor, total.currency).to_string();
    view! {
        <tr>
            <th scope="row">{format!("All {}", total.currency.iso_code())}</th>
            <td>{amount(total.ledger_minor)}</td>
            <td>{amount(total.tracked_minor)}</td>
        </tr>
    }
}
