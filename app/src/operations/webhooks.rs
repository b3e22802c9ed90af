//! Stripe's webhooks, and duplicate subscriptions.

use backend::billing::DuplicateSubscription;
use backend::billing::inbox::{InboxCounts, InboxRow, InboxState};
use leptos::prelude::*;

use super::labels::{self, duration};
use super::model::{ReplayTarget, STATES};
use super::parts::{Figure, Payload, ReplayForm, Time, UserLink};

/// The inbox.
#[component]
pub(super) fn InboxCard(
    /// Its counts.
    inbox: InboxCounts,
    /// The webhooks that the filter selects.
    webhooks: Vec<InboxRow>,
    /// Which webhooks are shown; `None`: the newest of all states.
    filter: Option<InboxState>,
    now_ms: i64,
) -> impl IntoView {
    let oldest = inbox
        .oldest_pending_ms
        .map(|received_ms| format!("oldest: {}", duration(now_ms - received_ms)));
    let rows: Vec<_> = webhooks
        .into_iter()
        .map(|webhook| view! { <WebhookRow webhook filter now_ms /> })
        .collect();
    view! {
        <section class="card operations-card" aria-labelledby="inbox">
            <header>
                <h2 id="inbox">"Webhooks from Stripe"</h2>
            </header>
            <dl class="operations-figures">
                <Figure label="Pending" value=labels::queue_count(inbox.pending) note=oldest />
                <Figure label="Applied" value=labels::queue_count(inbox.applied) />
                <Figure label="Parked" value=labels::queue_count(inbox.parked) alarming={inbox.parked > 0} />
            </dl>
            <Filter filter />
            {match rows.is_empty() {
                true => view! { <p class="quiet">"No webhooks."</p> }.into_any(),
                false => view! { <ul class="operations-rows">{rows}</ul> }.into_any(),
            }}
        </section>
    }
}

/// Links that select which webhooks are shown.
#[component]
fn Filter(filter: Option<InboxState>) -> impl IntoView {
    let link = |state: Option<InboxState>| {
        let (href, label) = match state {
            None => ("/operations#inbox".to_owned(), "Newest"),
            Some(state) => (
                format!("/operations?webhooks={}#inbox", state.as_str()),
                labels::state(state),
            ),
        };
        view! {
            <a href=href aria-current=(state == filter).then_some("true")>
                {label}
            </a>
        }
    };
    let states = STATES.into_iter().map(|state| link(Some(state)));
    view! { <nav class="operations-filter" aria-label="Which webhooks">{link(None)} {states.collect_view()}</nav> }
}

#[component]
fn WebhookRow(webhook: InboxRow, filter: Option<InboxState>, now_ms: i64) -> impl IntoView {
    let tried = match (webhook.attempts, webhook.state) {
        (0, InboxState::Applied) => "no action needed".to_owned(),
        (attempts, _) => labels::count(attempts, "attempt"),
    };
    let became = webhook
        .events
        .filter(|_| webhook.attempts > 0)
        .map(|events| match events {
            0 => "no event".to_owned(),
            events => format!("became {}", labels::count(events, "event")),
        });
    let next = (webhook.state == InboxState::Pending).then(|| labels::next_attempt(&webhook, now_ms));
    let error = webhook.parked_reason.or(webhook.last_error);
    let class = match webhook.state {
        InboxState::Pending => "badge note",
        InboxState::Applied => "badge server",
        InboxState::Parked => "badge bad",
    };
    let id = webhook.event_id.clone();
    let replay = (webhook.state == InboxState::Parked).then(|| {
        view! { <ReplayForm action=ReplayTarget::Webhook id=id.clone() filter /> }
    });
    view! {
        <li data-webhook=id data-state=webhook.state.as_str()>
            <div class="operations-row">
                <div>
                    <h3>{webhook.event_type} " " <span class=class>{labels::state(webhook.state)}</span></h3>
                    {error.map(|error| view! { <p class="quiet" dir="auto">{error}</p> })}
                </div>
                {replay}
            </div>
            <p class="operations-facts">
                <span class="id">{webhook.event_id}</span>
                <span class="id">{webhook.lane}</span>
                <span>{tried}</span>
                {became.map(|became| view! { <span>{became}</span> })}
                {next.map(|next| view! { <span>{next}</span> })}
                <span>"received " <Time ms=webhook.received_ms now_ms /></span>
            </p>
            <Payload text=webhook.payload />
        </li>
    }
}

/// Second subscriptions of customers: running ones, for which staff must decide, and trials that were ended.
#[component]
pub(super) fn DuplicatesCard(duplicates: Vec<DuplicateSubscription>, now_ms: i64) -> impl IntoView {
    let none = duplicates.is_empty();
    let rows = duplicates.into_iter().map(|duplicate| {
        let user = match duplicate.account {
            Some(account) => view! { "user " <UserLink user=account.to_string() /> }.into_any(),
            None => view! { "deleted account" }.into_any(),
        };
        let id = duplicate.id.clone();
        let paid = match (duplicate.paid, duplicate.is_running) {
            (Some(paid), _) => format!("paid and not refunded: {paid}"),
            (None, true) => "nothing paid so far".to_owned(),
            (None, false) => "nothing was charged".to_owned(),
        };
        let needs_decision = duplicate.is_running || duplicate.paid.is_some();
        let task = needs_decision.then_some(match duplicate.is_running {
            true => "Runs beside an older one, and both are charged. In Stripe, end one of them and refund what the customer did not want.",
            false => "It was ended, but a payment was made. Refund it in Stripe.",
        });
        view! {
            <li data-duplicate=id>
                <div class="operations-row">
                    <h3 class="id">{duplicate.id}</h3>
                    <span class="badge note" class:bad=needs_decision>{duplicate.status}</span>
                </div>
                {task.map(|task| view! { <p data-task>{task}</p> })}
                <p class="operations-facts">
                    <span class="id">{duplicate.customer}</span>
                    <span>{user}</span>
                    <span>{paid}</span>
                    <span>"last read from Stripe " <Time ms=duplicate.fetched_ms now_ms /></span>
                </p>
            </li>
        }
    });
    let rows = rows.collect_view();
    view! {
        <section class="card operations-card" aria-labelledby="duplicate-subscriptions">
            <header>
                <h2 id="duplicate-subscriptions">"Duplicate subscriptions"</h2>
            </header>
            <p class="quiet">
                "A customer who already had a subscription got a second one at Stripe. A second trial is ended at once, because nothing was paid for it. A second subscription that is paid is left running until you decide."
            </p>
            {match none {
                true => view! { <p class="quiet">"None so far."</p> }.into_any(),
                false => view! { <ul class="operations-rows">{rows}</ul> }.into_any(),
            }}
        </section>
    }
}
