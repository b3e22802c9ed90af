//! Stripe's webhooks, and the second subscriptions that they brought.

use leptos::prelude::*;

use super::facts::{Action, Inbox, TurnedAway, Webhook, WebhookState};
use super::parts::{Ask, Figure, Payload, PersonLink, Time};

/// The inbox.
#[component]
pub(super) fn InboxCard(inbox: Inbox, webhooks: Vec<Webhook>, shown: Option<WebhookState>) -> impl IntoView {
    let counts = inbox.counts;
    let oldest = inbox.oldest.map(|age| format!("the oldest for {age}"));
    let rows: Vec<_> = webhooks
        .into_iter()
        .map(|webhook| view! { <WebhookRow webhook shown /> })
        .collect();
    view! {
        <section class="card operations-card" aria-labelledby="inbox">
            <header>
                <h2 id="inbox">"Webhooks from Stripe"</h2>
            </header>
            <dl class="gauges">
                <Figure label="To be applied" value=counts.pending.to_string() note=oldest />
                <Figure label="Applied" value=counts.applied.to_string() />
                <Figure label="Set aside" value=counts.parked.to_string() alarming={counts.parked > 0} />
            </dl>
            <Filter shown />
            {match rows.is_empty() {
                true => view! { <p class="quiet">"There are none."</p> }.into_any(),
                false => view! { <ul class="rows">{rows}</ul> }.into_any(),
            }}
        </section>
    }
}

/// Which of them; as links, so that it works without script and has an address.
#[component]
fn Filter(shown: Option<WebhookState>) -> impl IntoView {
    let link = |state: Option<WebhookState>| {
        let (href, label) = match state {
            None => ("/operations#inbox".to_owned(), "newest"),
            Some(state) => (
                format!("/operations?webhooks={}#inbox", state.as_str()),
                state.label(),
            ),
        };
        view! {
            <a href=href aria-current=(state == shown).then_some("true")>
                {label}
            </a>
        }
    };
    let states = WebhookState::ALL.into_iter().map(|state| link(Some(state)));
    view! { <nav class="choices" aria-label="Which webhooks">{link(None)} {states.collect_view()}</nav> }
}

#[component]
fn WebhookRow(webhook: Webhook, shown: Option<WebhookState>) -> impl IntoView {
    let tried = match (webhook.attempts, webhook.state) {
        (0, WebhookState::Applied) => "nothing to do".to_owned(),
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
    let replay = (webhook.state == WebhookState::Parked).then(|| {
        view! { <Ask action=Action::ReplayWebhook id=webhook.id.clone() label="Apply again" shown /> }
    });
    let id = webhook.id.clone();
    view! {
        <li data-webhook=id data-state=webhook.state.as_str()>
            <div class="row">
                <div>
                    <h3>{webhook.kind} " " <span class=class>{webhook.state.label()}</span></h3>
                    {webhook.trouble.map(|trouble| view! { <p class="reason" dir="auto">{trouble}</p> })}
                </div>
                {replay}
            </div>
            <p class="facts">
                <span class="id">{webhook.id}</span>
                <span class="id">{webhook.lane}</span>
                <span>{tried}</span>
                {became.map(|became| view! { <span>{became}</span> })}
                {webhook.next.map(|next| view! { <span>{format!("next attempt {next}")}</span> })}
                <span>"came " <Time moment=webhook.received /></span>
            </p>
            <Payload text=webhook.payload />
        </li>
    }
}

/// Second subscriptions that were ended.
#[component]
pub(super) fn TurnedAwayCard(turned_away: Vec<TurnedAway>) -> impl IntoView {
    let none = turned_away.is_empty();
    let rows = turned_away.into_iter().map(|second| {
        let whose = match second.user {
            Some(user) => view! { <PersonLink user /> }.into_any(),
            None => view! { "an account that was deleted" }.into_any(),
        };
        let id = second.subscription.clone();
        view! {
            <li data-turned-away=id>
                <div class="row">
                    <h3 class="id">{second.subscription}</h3>
                    <span class="badge note">{second.status}</span>
                </div>
                <p class="facts">
                    <span class="id">{second.customer}</span>
                    <span>"of " {whose}</span>
                    <span>"seen " <Time moment=second.seen /></span>
                </p>
            </li>
        }
    });
    let rows = rows.collect_view();
    view! {
        <section class="card operations-card" aria-labelledby="turned-away">
            <header>
                <h2 id="turned-away">"Second subscriptions, turned away"</h2>
            </header>
            <p class="quiet">
                "Somebody who already had a subscription got another one at Stripe. It was ended at once. Whether it had taken "
                "money, Stripe's dashboard says."
            </p>
            {match none {
                true => view! { <p class="quiet">"There was none so far."</p> }.into_any(),
                false => view! { <ul class="rows">{rows}</ul> }.into_any(),
            }}
        </section>
    }
}
