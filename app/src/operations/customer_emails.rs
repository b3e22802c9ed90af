//! Changed addresses that Stripe's customers did not get.

use backend::billing::customer_email::ParkedCustomerEmail;
use leptos::prelude::*;

use super::labels;
use super::model::ReplayTarget;
use super::parts::{ReplayForm, Time, UserLink};

/// The parked ones, with their reasons. Nothing if there are none.
#[component]
pub(super) fn CustomerEmailsCard(
    /// The latest parked ones.
    parked: Vec<ParkedCustomerEmail>,
    now_ms: i64,
) -> impl IntoView {
    if parked.is_empty() {
        return ().into_any();
    }
    let rows: Vec<_> = parked
        .into_iter()
        .map(|email| view! { <EmailRow email now_ms /> })
        .collect();
    view! {
        <section class="card operations-card" aria-labelledby="customer-emails">
            <header>
                <h2 id="customer-emails">"Changed email addresses"</h2>
            </header>
            <p class="quiet">
                "These users changed their email address, and Stripe still sends receipts to the previous one."
            </p>
            <ul class="operations-rows">{rows}</ul>
        </section>
    }
    .into_any()
}

#[component]
fn EmailRow(email: ParkedCustomerEmail, now_ms: i64) -> impl IntoView {
    let customer = email.customer.clone();
    view! {
        <li data-customer-email=customer>
            <div class="operations-row">
                <div>
                    <h3 class="id">{email.customer.clone()}</h3>
                    <p class="quiet" dir="auto">{email.reason}</p>
                </div>
                <ReplayForm action=ReplayTarget::Email id=email.customer />
            </div>
            <p class="operations-facts">
                <span>"user " <UserLink user=email.account.to_string() /></span>
                <span>{labels::count(email.failures, "attempt")}</span>
                <span>"parked " <Time ms=email.parked_ms now_ms /></span>
            </p>
        </li>
    }
}
