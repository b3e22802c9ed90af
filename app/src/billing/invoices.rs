//! The list of payments.

use backend::billing::PaidInvoice;
use backend::dates;
use leptos::prelude::*;

use super::labels::amount;
use crate::local_time::{LocalTime, UtcTime};

/// The list, once there is a payment.
#[component]
pub fn Invoices(invoices: Vec<PaidInvoice>) -> impl IntoView {
    // The stand-in has no pages of invoices.
    let receipts = invoices.iter().any(|invoice| invoice.hosted_url.is_some());
    let row = |invoice: PaidInvoice| {
        let day = dates::long(invoice.paid_at_secs);
        let refunded = (invoice.refunded.minor > 0).then(|| {
            view! { <span class="quiet">{format!("{} refunded", amount(invoice.refunded))}</span> }
        });
        let link = invoice.hosted_url.map(|url| {
            let label = format!("Receipt of {day}");
            view! {
                <a href=url aria-label=label>
                    "Receipt"
                </a>
            }
        });
        view! {
            <tr data-invoice=invoice.id>
                <td><LocalTime time=UtcTime::day(invoice.paid_at_secs) /></td>
                <td>{amount(invoice.amount)} {refunded.map(|refunded| view! { " " {refunded} })}</td>
                {receipts.then(|| view! { <td>{link}</td> })}
            </tr>
        }
    };
    (!invoices.is_empty()).then(|| {
        view! {
            <section class="card billing-invoices" aria-labelledby="invoices">
                <h2 id="invoices">"Payments"</h2>
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Date"</th>
                            <th scope="col">
                                "Amount"
                            </th>
                            {receipts.then(|| view! { <th scope="col">"Receipt"</th> })}
                        </tr>
                    </thead>
                    <tbody>{invoices.into_iter().map(row).collect_view()}</tbody>
                </table>
            </section>
        }
    })
}
