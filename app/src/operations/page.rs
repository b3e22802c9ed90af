//! The delivery page: the outbox, the loss of browser events, and the inbox.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::loss::LossCard;
use super::model::{ActionOutcome, OperationsOverview, WebhookState};
use super::outbox::{OutboxCard, ParkedCard};
use super::parts::OperatorPage;
use super::queries;
use super::webhooks::{DuplicatesCard, InboxCard};
use crate::document::{document, form_errors, unreadable};
use crate::forms::FormErrors;

/// Delivery of events and webhooks. It answers 404 to visitors who are not operators.
#[component]
pub fn OperationsPage() -> impl IntoView {
    let errors = form_errors();
    let (filter, outcome) = use_query_map().with_untracked(|query| {
        (
            query.get("webhooks").as_deref().and_then(WebhookState::parse),
            query.get("done").as_deref().and_then(ActionOutcome::parse),
        )
    });
    view! {
        <OperatorPage title="Operations">
            <FormErrors errors />
            {outcome.map(|outcome| view! { <Notice outcome /> })}
            {document(move |visit| async move {
                match queries::overview(&visit, filter).await {
                    Ok(overview) => view! { <Cards overview filter /> }.into_any(),
                    Err(error) => unreadable("Operations", error.as_ref()),
                }
            })}
        </OperatorPage>
    }
}

#[component]
fn Notice(outcome: ActionOutcome) -> impl IntoView {
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
fn Cards(overview: OperationsOverview, filter: Option<WebhookState>) -> impl IntoView {
    let (parked, sent) = (overview.outbox.parked, overview.outbox.sent);
    view! {
        <div class="stack">
            <OutboxCard outbox=overview.outbox />
            <LossCard loss=overview.loss arrived=sent />
            <ParkedCard events=overview.parked total=parked />
            <InboxCard inbox=overview.inbox webhooks=overview.webhooks filter />
            <DuplicatesCard duplicates=overview.duplicates />
        </div>
    }
}
