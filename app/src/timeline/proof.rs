//! The proof of an event: where each of its IDs came from.

use std::sync::Arc;

use leptos::prelude::*;
use tracking::proof::{ProofStep, proof};
use tracking::received::ReceivedEvent;
use tracking::verdict::TimelineFacts;

use super::links;
use super::model::EventPage;

/// One sentence for each ID, and the chain from the click to the event.
#[component]
pub(super) fn ProofView(event: ReceivedEvent, page: Arc<EventPage>) -> impl IntoView {
    let none = TimelineFacts::default();
    let facts = page.analysis.as_ref().map_or(&none, |analysis| &analysis.facts);
    let proof = proof(&event, &page.events, facts);
    let find = page.query.find.as_deref();
    let row = |name: &'static str, sentence: String| view! { <div><dt>{name}</dt><dd>{sentence}</dd></div> };
    let chain = proof
        .chain
        .into_iter()
        .map(|step| step_view(step, &event.uuid, find))
        .collect_view();
    view! {
        <section class="event-proof">
            <h3>"Stitch proof"</h3>
            <dl class="event-properties">
                {row("User", proof.user)}
                {row("Device", proof.device)}
                {row("Session", proof.session)}
            </dl>
            <ol class=format!("event-chain {}", event.source.as_str())>{chain}</ol>
        </section>
    }
}

fn step_view(step: ProofStep, own_uuid: &str, find: Option<&str>) -> AnyView {
    let ids = step
        .ids
        .into_iter()
        .map(|(name, id)| view! { <li><span>{name}</span>" "<span class="id">{id}</span></li> })
        .collect_view();
    let sentence = match step.event.filter(|event| event.uuid != own_uuid) {
        Some(event) => {
            let href = links::event_url(find, &event.uuid);
            view! { <a href=href>{step.description}</a> }.into_any()
        }
        None => step.description.into_any(),
    };
    view! {
        <li>
            <strong>{step.place.title()}</strong>
            <span>{sentence}</span>
            <ul class="timeline-properties">{ids}</ul>
        </li>
    }
    .into_any()
}
