//! The delivery page: the background tasks, the outbox, the loss of browser events, the inbox, and account deletions.

use backend::billing::inbox::InboxState;
use leptos::prelude::*;

use super::customer_emails::CustomerEmailsCard;
use super::deletions::DeletionsCard;
use super::loss::LossCard;
use super::model::{ActionOutcome, state_named};
use super::not_ours::{ClockNotice, NotOursCard};
use super::outbox::{OutboxCard, ParkedCard};
use super::parts::OperatorPage;
use super::queries::{self, Overview};
use super::tasks::TasksCard;
use super::webhooks::{DuplicatesCard, InboxCard};
use crate::document::{document, form_errors, query_value, unreadable};
use crate::forms::FormErrors;

/// Delivery of events and webhooks. It answers 404 to visitors who are not operators.
#[component]
pub fn OperationsPage() -> impl IntoView {
    let errors = form_errors();
    let filter = query_value("webhooks").as_deref().and_then(state_named);
    let outcome = query_value("done").as_deref().and_then(ActionOutcome::parse);
    view! {
        <OperatorPage title="Operations">
            <FormErrors errors />
            {outcome.map(|outcome| view! { <Notice outcome /> })}
            {document(move |context| async move {
                match queries::overview(&context, filter).await {
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
        "banner error"
    };
    view! {
        <p class=class role="status">
            {outcome.sentence()}
        </p>
    }
}

#[component]
fn Cards(overview: Overview, filter: Option<InboxState>) -> impl IntoView {
    let Overview {
        deliveries,
        loss,
        inbox,
        webhooks,
        not_ours,
        clock_skew,
        parked_emails,
        duplicates,
        deletions,
        parked_deletions,
        now_ms,
    } = overview;
    let counts = deliveries.counts;
    view! {
        <div class="stack">
            <TasksCard tasks=deliveries.tasks now_ms />
            <OutboxCard counts health=deliveries.health hour=deliveries.hour now_ms />
            <LossCard loss arrived=counts.sent />
            <ParkedCard events=deliveries.parked total=counts.parked now_ms />
            <ClockNotice clock_skew now_ms />
            <InboxCard inbox webhooks filter now_ms />
            <NotOursCard counts=not_ours now_ms />
            <DuplicatesCard duplicates now_ms />
            <CustomerEmailsCard parked=parked_emails now_ms />
            <DeletionsCard counts=deletions parked=parked_deletions now_ms />
        </div>
    }
}
