//! The list of payments.

use leptos::prelude::*;

use super::model::InvoiceView;

/// The list, once there is a payment.
#[component]
pub fn Invoices(invoices: Vec<InvoiceView>) -> impl IntoView {
    // The stand-in has no pages of invoices.
    let receipts = invoices.iter().any(|invoice| invoice.url.is_some());
    let row = |invoice: InvoiceView| {
        let refunded = invoice
            .refunded
            .map(|amount| view! { <span class="quiet">{format!("{amount} refunded")}</span> });
        let link = invoice.url.map(|url| {
            let label = format!("Receipt of {}", invoice.day);
            view! {
                <a href=url aria-label=label>
                    "Receipt"
                </a>
            }
        });
        view! {
            <tr data-invoice=invoice.id>
                <td>{invoice.day}</td>
                <td class="amount">{invoice.amount} {refunded.map(|refunded| view! { " " {refunded} })}</td>
                {receipts.then(|| view! { <td>{link}</td> })}
            </tr>
        }
    };
    (!invoices.is_empty()).then(|| {
        view! {
            <section class="card invoices" aria-labelledby="invoices">
                <h2 id="invoices">"Payments"</h2>
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Date"</th>
                            <th scope="col" class="amount">
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
