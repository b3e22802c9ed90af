//! The operator's first page: delivery and webhooks.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::api::read_operations;
use super::facts::{Asked, Operations, Outcome, WebhookState};
use super::loss::LossCard;
use super::outbox::{DeliveryCard, ParkedCard};
use super::parts::Operators;
use super::webhooks::{InboxCard, TurnedAwayCard};
use crate::forms::{FormFault, form_state};

/// How events and webhooks get through. To anybody but an operator there is no such page.
#[component]
pub fn OperationsPage() -> impl IntoView {
    view! {
        <Operators>
            <Delivery />
        </Operators>
    }
}

#[component]
fn Delivery() -> impl IntoView {
    let faults = RwSignal::new(form_state::<()>().faults);
    let query = use_query_map();
    let asked = Memo::new(move |_| Asked {
        webhooks: query.with(|query| query.get("webhooks").as_deref().and_then(WebhookState::parse)),
    });
    let done = move || query.with(|query| query.get("done").as_deref().and_then(Outcome::parse));
    let found = Resource::new_blocking(move || asked.get(), read_operations);
    view! {
        <Title text="Operations · Seamline" />
        <FormFault faults />
        {move || done().map(|outcome| view! { <Notice outcome /> })}
        <Transition fallback=|| view! { <p class="quiet" aria-busy="true">"Looking…"</p> }>
            {move || Suspend::new(async move {
                let found = found.await;
                match found {
                    Ok(found) => view! { <Cards found shown=asked.get_untracked().webhooks /> }.into_any(),
                    Err(_) => {
                        view! {
                            <p class="fault banner" role="alert">
                                "Operations cannot be read right now. Please load the page again."
                            </p>
                        }
                        .into_any()
                    }
                }
            })}
        </Transition>
    }
}

#[component]
fn Notice(outcome: Outcome) -> impl IntoView {
    let class = if outcome.is_done() {
        "banner done"
    } else {
        "banner fault"
    };
    view! {
        <p class=class role="status">
            {outcome.sentence()}
        </p>
    }
}

#[component]
fn Cards(found: Operations, shown: Option<WebhookState>) -> impl IntoView {
    let (parked, sent) = (found.delivery.parked, found.delivery.sent);
    view! {
        <div class="stack">
            <DeliveryCard delivery=found.delivery />
            <LossCard loss=found.loss saved=sent />
            <ParkedCard parked=found.parked all=parked />
            <InboxCard inbox=found.inbox webhooks=found.webhooks shown />
            <TurnedAwayCard turned_away=found.turned_away />
        </div>
    }
}
