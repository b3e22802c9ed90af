//! The proof of an event: how it got its IDs, link by link.

use std::sync::Arc;

use leptos::prelude::*;
use tracking::proof::{Link, proof};
use tracking::received::ReceivedEvent;

use super::links;
use super::story::Shown;

/// In words, and as a chain from the click to the event.
#[component]
pub(super) fn ProofView(event: Arc<ReceivedEvent>, shown: Shown) -> impl IntoView {
    let class = event.source.as_str();
    let uuid = event.uuid.clone();
    let proof = Memo::new(move |_| {
        let facts = shown
            .judgement
            .with(|judged| judged.as_ref().map(|judged| judged.facts.clone()));
        shown
            .events
            .with(|events| proof(&event, events, &facts.unwrap_or_default()))
    });
    view! {
        <section class="proof">
            <h3>"Stitch proof"</h3>
            {move || {
                let proof = proof.get();
                let row = |name: &'static str, words: String| view! { <div><dt>{name}</dt><dd>{words}</dd></div> };
                let links = proof.chain.into_iter().map(|link| view! { <LinkView link own=uuid.clone() shown /> });
                view! {
                    <dl class="pairs">
                        {row("User", proof.user)}
                        {row("Device", proof.device)}
                        {row("Session", proof.session)}
                    </dl>
                    <ol class=format!("chain {class}")>{links.collect_view()}</ol>
                }
            }}
        </section>
    }
}

#[component]
fn LinkView(link: Link, own: String, shown: Shown) -> impl IntoView {
    let ids = link.ids.into_iter().map(|(name, id)| {
        view! { <li><span>{name}</span>" "<span class="id">{id}</span></li> }
    });
    let says = match link.event.filter(|event| event.uuid != own) {
        Some(event) => {
            let href = shown
                .asked
                .with_value(|asked| links::event(asked.find.as_deref(), &event.uuid));
            view! { <a href=href rel="external">{link.says}</a> }.into_any()
        }
        None => view! { {link.says} }.into_any(),
    };
    view! {
        <li>
            <strong>{link.place.title()}</strong>
            <span>{says}</span>
            <ul class="properties">{ids.collect_view()}</ul>
        </li>
    }
}
