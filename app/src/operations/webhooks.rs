//! Stripe's webhooks, and duplicate subscriptions.

use leptos::prelude::*;

use super::model::{DuplicateSubscription, InboxSummary, OperatorAction, WebhookState, WebhookSummary};
use super::parts::{Figure, Payload, ReplayForm, Time, UserLink};

/// The inbox.
#[component]
pub(super) fn InboxCard(
    /// Its counts.
    inbox: InboxSummary,
    /// The webhooks that the filter selects.
    webhooks: Vec<WebhookSummary>,
    /// Which webhooks are shown; `None`: the newest of all states.
    filter: Option<WebhookState>,
) -> impl IntoView {
    let oldest = inbox.oldest.map(|age| format!("oldest: {age}"));
    let rows: Vec<_> = webhooks
        .into_iter()
        .map(|webhook| view! { <WebhookRow webhook filter /> })
        .collect();
    view! {
        <section class="card operations-card" aria-labelledby="inbox">
            <header>
                <h2 id="inbox">"Webhooks from Stripe"</h2>
            </header>
            <dl class="gauges">
                <Figure label="Pending" value=inbox.pending.to_string() note=oldest />
                <Figure label="Applied" value=inbox.applied.to_string() />
                <Figure label="Parked" value=inbox.parked.to_string() alarming={inbox.parked > 0} />
            </dl>
            <Filter filter />
            {match rows.is_empty() {
                true => view! { <p class="quiet">"No webhooks."</p> }.into_any(),
                false => view! { <ul class="rows">{rows}</ul> }.into_any(),
            }}
        </section>
    }
}

/// Links that select which webhooks are shown.
#[component]
fn Filter(filter: Option<WebhookState>) -> impl IntoView {
    let link = |state: Option<WebhookState>| {
        let (href, label) = match state {
            None => ("/operations#inbox".to_owned(), "Newest"),
            Some(state) => (
                format!("/operations?webhooks={}#inbox", state.as_str()),
                state.label(),
            ),
        };
        view! {
            <a href=href aria-current=(state == filter).then_some("true")>
                {label}
            </a>
        }
    };
    let states = WebhookState::ALL.into_iter().map(|state| link(Some(state)));
    view! { <nav class="choices" aria-label="Which webhooks">{link(None)} {states.collect_view()}</nav> }
}

#[component]
fn WebhookRow(webhook: WebhookSummary, filter: Option<WebhookState>) -> impl IntoView {
    let tried = match (webhook.attempts, webhook.state) {
        (0, WebhookState::Applied) => "no action needed".to_owned(),
        (1, _) => "1 attempt".to_owned(),
        (attempts, _) => format!("{attempts} attempts"),
    };
    let became = webhook
        .events
        .filter(|_| webhook.attempts > 0)
        .map(|events| match events {
            0 => "no event".to_owned(),
            1 => "became 1 event".to_owned(),
            events => format!("became {events} events"),
        });
    let class = match webhook.state {
        WebhookState::Pending => "badge note",
        WebhookState::Applied => "badge server",
        WebhookState::Parked => "badge bad",
    };
    let id = webhook.id.clone();
    let replay = (webhook.state == WebhookState::Parked).then(|| {
        view! { <ReplayForm action=OperatorAction::ReplayWebhook id=id.clone() filter /> }
    });
    view! {
        <li data-webhook=id data-state=webhook.state.as_str()>
            <div class="row">
                <div>
                    <h3>{webhook.kind} " " <span class=class>{webhook.state.label()}</span></h3>
                    {webhook.error.map(|error| view! { <p class="reason" dir="auto">{error}</p> })}
                </div>
                {replay}
            </div>
            <p class="facts">
                <span class="id">{webhook.id}</span>
                <span class="id">{webhook.lane}</span>
                <span>{tried}</span>
                {became.map(|became| view! { <span>{became}</span> })}
                {webhook.next.map(|next| view! { <span>{format!("next attempt {next}")}</span> })}
                <span>"received " <Time time=webhook.received /></span>
            </p>
            <Payload text=webhook.payload />
        </li>
    }
}

/// Duplicate subscriptions that were ended.
#[component]
pub(super) fn DuplicatesCard(duplicates: Vec<DuplicateSubscription>) -> impl IntoView {
    let none = duplicates.is_empty();
    let rows = duplicates.into_iter().map(|duplicate| {
        let user = match duplicate.user {
            Some(user) => view! { "user " <UserLink user /> }.into_any(),
            None => view! { "deleted account" }.into_any(),
        };
        let id = duplicate.subscription.clone();
        view! {
            <li data-duplicate=id>
                <div class="row">
                    <h3 class="id">{duplicate.subscription}</h3>
                    <span class="badge note">{duplicate.status}</span>
                </div>
                <p class="facts">
                    <span class="id">{duplicate.customer}</span>
                    <span>{user}</span>
                    <span>"last read from Stripe " <Time time=duplicate.seen /></span>
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
                "A customer who already had a subscription got a second one at Stripe. Seamline ended the second one at once. Check Stripe's dashboard for a payment to refund."
            </p>
            {match none {
                true => view! { <p class="quiet">"None so far."</p> }.into_any(),
                false => view! { <ul class="rows">{rows}</ul> }.into_any(),
            }}
        </section>
    }
}
