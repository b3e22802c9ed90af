//! The events of one session, or one event out of session.

use std::sync::Arc;

use leptos::prelude::*;
use serde_json::Value;
use tracking::received::{SessionGroup, Source};

use super::event::EventView;
use super::labels::duration;
use super::links;
use super::model::EventPage;

/// A group with its events, oldest first.
#[component]
pub(super) fn SessionGroupView(group: SessionGroup, page: Arc<EventPage>) -> impl IntoView {
    let session = group.session;
    let (class, header) = match session {
        Some(session) => {
            let only = links::session_url(&page.query, session);
            let header = view! {
                <header>
                    <h2>
                        "Session " <a class="id" href=only title="Show only this session">{session}</a>
                    </h2>
                    <p class="quiet">{span(&group)}</p>
                    {entry(&group).map(|entry| view! { <p class="quiet">{entry}</p> })}
                    {tally(&group)}
                </header>
            };
            ("timeline-session card", header.into_any())
        }
        None => {
            let header = view! {
                <header>
                    <h2>"Out of session"</h2>
                    <p class="quiet">{start(&group)}</p>
                </header>
            };
            ("timeline-session card dashed", header.into_any())
        }
    };
    let events = group
        .events
        .into_iter()
        .map(|event| view! { <EventView event page=Arc::clone(&page) /> })
        .collect_view();
    view! {
        <article class=class data-session=session>
            {header}
            <ol class="event-list">{events}</ol>
        </article>
    }
}

/// Time of the first event, to the minute.
fn start(group: &SessionGroup) -> Option<String> {
    let (_, time) = group.events.first()?.times.first()?;
    Some(format!("{} UTC", time.get(..16)?))
}

/// Start and duration.
fn span(group: &SessionGroup) -> String {
    let start = start(group)
        .map(|start| format!("{start} · "))
        .unwrap_or_default();
    format!("{start}{}", duration(group.duration_ms()))
}

/// The first page of the session, with its referrer.
fn entry(group: &SessionGroup) -> Option<String> {
    let entry = group.entry()?;
    // Later pages of the session may have Stripe as their referrer.
    let first = group.events.iter().find(|event| event.page() == Some(entry));
    let text = |key: &str| {
        let text = first?.properties.get(key).and_then(Value::as_str);
        text.filter(|text| !text.is_empty() && *text != "EMPTY")
    };
    let own = text("[Amplitude] Page Domain");
    let referrer = text("referring_domain").filter(|from| from.split(':').next() != own);
    Some(match referrer {
        Some(referrer) => format!("entered at {entry} from {referrer}"),
        None => format!("entered at {entry}"),
    })
}

/// How many events of each source.
fn tally(group: &SessionGroup) -> impl IntoView + use<> {
    let counts = Source::ALL.into_iter().filter_map(|source| {
        let of_source = group.events.iter().filter(|event| event.source == source);
        let count = of_source.count();
        (count > 0).then(|| view! { <li class=source.as_str()>{format!("{count} {}", source.label())}</li> })
    });
    view! { <ul class="timeline-counts">{counts.collect_view()}</ul> }
}
