//! Everything about one event.

use std::sync::Arc;

use leptos::prelude::*;
use serde_json::{Map, Value};
use tracking::received::ReceivedEvent;

use super::labels::{context_source, no_context, stitching};
use super::links;
use super::model::EventPage;
use super::proof::ProofView;

/// Proof, IDs, properties, context, timestamps and the raw JSON. One element, because the script takes it from this page
/// into another.
#[component]
pub(super) fn EventDetails(event: ReceivedEvent, page: Arc<EventPage>) -> impl IntoView {
    let raw = serde_json::to_string_pretty(&event.raw).unwrap_or_default();
    let link = links::event_url(page.query.find.as_deref(), &event.uuid);
    view! {
        <div class="event-details">
            {event.stitched_by.map(|by| view! { <p class="event-stitching">{stitching(by)}</p> })}
            <ProofView event=event.clone() page />
            {ids(&event)}
            {properties("Event properties", &event.properties)}
            {properties("User properties at the time", &event.user_properties)}
            {context(&event)}
            <Pairs title="Timestamps (UTC)" pairs=event.times.clone() />
            <div class="event-links">
                <a href=link.clone()>"Link to this event"</a>
                <button type="button" class="plain scripted" data-copy=raw.clone()>
                    "Copy JSON"
                </button>
                <button type="button" class="plain scripted" data-copy=link>
                    "Copy link"
                </button>
            </div>
            <details class="raw" id=format!("raw-{}", event.uuid)>
                <summary>"Raw JSON"</summary>
                <pre tabindex="0">{raw}</pre>
            </details>
        </div>
    }
}

fn ids(event: &ReceivedEvent) -> impl IntoView + use<> {
    let device = match (event.device.clone(), event.derived_device) {
        (Some(device), true) => format!("{device} (derived by Amplitude from the user ID)"),
        (Some(device), false) => device,
        (None, _) => "none".to_owned(),
    };
    let session = event
        .session
        .map_or_else(|| "none".to_owned(), |session| session.to_string());
    let user = event.user.clone().unwrap_or_else(|| "none yet".to_owned());
    let pairs = vec![
        ("User", user),
        ("Device", device),
        ("Session", session),
        ("Insert ID", event.insert_id.clone().unwrap_or_default()),
    ];
    view! { <Pairs title="IDs" pairs /> }
}

/// The context and its source, or why there is none.
fn context(event: &ReceivedEvent) -> impl IntoView + use<> {
    let source = context_source(event.source, event.stitched_by);
    match event.context.is_empty() {
        false => view! { <Pairs title=source pairs=event.context.clone() /> }.into_any(),
        true => view! { <p class="quiet" data-context="none">{no_context(event.stitched_by)}</p> }.into_any(),
    }
}

/// The SDK sets some twenty properties to `EMPTY` if a page has no value for them: they share a row.
fn properties(title: &'static str, map: &Map<String, Value>) -> impl IntoView + use<> {
    let (empty, set): (Vec<_>, Vec<_>) = map.iter().partition(|(_, value)| *value == "EMPTY");
    let empty: Vec<&str> = empty.into_iter().map(|(key, _)| key.as_str()).collect();
    let empty = (!empty.is_empty()).then(|| ("EMPTY".to_owned(), empty.join(", ")));
    let set = set.into_iter().map(|(key, value)| match value {
        Value::String(text) => (key.clone(), text.clone()),
        other => (key.clone(), other.to_string()),
    });
    let rows = set
        .chain(empty)
        .map(|(key, value)| view! { <div><dt>{key}</dt><dd dir="auto">{value}</dd></div> })
        .collect_view();
    (!rows.is_empty())
        .then(|| view! { <section><h3>{title}</h3><dl class="event-properties">{rows}</dl></section> })
}

#[component]
fn Pairs(title: &'static str, pairs: Vec<(&'static str, String)>) -> impl IntoView {
    let rows = pairs
        .into_iter()
        .map(|(key, value)| view! { <div><dt>{key}</dt><dd class="id">{value}</dd></div> })
        .collect_view();
    (!rows.is_empty())
        .then(|| view! { <section><h3>{title}</h3><dl class="event-properties">{rows}</dl></section> })
}
