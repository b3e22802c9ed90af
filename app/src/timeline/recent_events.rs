//! A few of the visitor's newest events, for other pages.

use leptos::prelude::*;
use tracking::received::{ReceivedEvent, Source};

use super::links;

/// Most events that are shown.
pub(super) const MAX_RECENT: usize = 6;

/// The IDs of the newest event, and a line for each event, the newest last.
#[component]
pub(crate) fn RecentEvents(
    /// Newest first.
    events: Vec<ReceivedEvent>,
) -> impl IntoView {
    let events = oldest_first(events);
    let newest = events.last().cloned();
    let lines = events.iter().map(event_line).collect_view();
    view! {
        {newest.map(|event| view! { <Ids event /> })}
        <ol class="event-list">{lines}</ol>
    }
}

#[component]
fn Ids(event: ReceivedEvent) -> impl IntoView {
    let row = |name: &'static str, id: Option<String>| {
        view! {
            <div>
                <dt>{name}</dt>
                <dd class="id one-line">{id.unwrap_or_else(|| "none".to_owned())}</dd>
            </div>
        }
    };
    let device = event.device.clone().filter(|_| !event.derived_device);
    view! {
        <dl class="event-ids">
            {row("User", event.user.clone())} {row("Device", device)}
            {row("Session", event.session.map(|session| session.to_string()))}
        </dl>
    }
}

fn event_line(event: &ReceivedEvent) -> impl IntoView + use<> {
    let source = event.source;
    let time = event.times.first();
    let at = time.and_then(|(_, text)| text.get(11..19)).map(str::to_owned);
    let full_time = time.map(|(_, text)| format!("{text} UTC"));
    let page = event.page().map(str::to_owned);
    let out_of_session = event.session.is_none();
    let badge = match source {
        // The long label does not fit.
        Source::Stripe => "Stripe",
        source => source.label(),
    };
    // The SDK's own names share a prefix.
    let name = event.name.trim_start_matches("[Amplitude] ").to_owned();
    view! {
        <li class=source.as_str() data-event=event.name.clone()>
            <a class="event-row" href=links::event_url(None, &event.uuid)>
                <span class="badge">{badge}</span>
                <span class="event-title one-line">
                    <span class="event-name">{name}</span>
                    {page.map(|page| view! { " "<span class="event-place">{page}</span> })}
                    {out_of_session.then(|| view! { " "<span class="event-place">"no session"</span> })}
                </span>
                <time class="event-time" title=full_time>
                    {at}
                </time>
            </a>
        </li>
    }
}

/// Whether Amplitude's SDK sends it about itself. Among a few events these would be half.
pub(super) fn is_sdk_event(event: &ReceivedEvent) -> bool {
    [
        "$identify",
        "[Amplitude] Start Session",
        "[Amplitude] End Session",
    ]
    .contains(&event.name.as_str())
}

/// Ordered by time. Events of the same millisecond keep the order in which they arrived.
fn oldest_first(mut events: Vec<ReceivedEvent>) -> Vec<ReceivedEvent> {
    events.reverse();
    events.sort_by_key(|event| event.time_ms);
    events
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(name: &str, second: u32) -> ReceivedEvent {
        let raw = json!({
            "uuid": format!("{name} {second}"),
            "event_type": name,
            "event_time": format!("2026-11-18 11:06:{second:02}.000000"),
        });
        ReceivedEvent::from_export(raw).unwrap()
    }

    #[test]
    fn the_newest_is_last_and_equal_times_keep_their_order() {
        let events = vec![event("d", 43), event("c", 42), event("b", 42), event("a", 44)];
        let names: Vec<String> = oldest_first(events)
            .into_iter()
            .map(|event| event.name.clone())
            .collect();
        assert_eq!(names, ["b", "c", "d", "a"]);
    }

    #[test]
    fn events_of_the_sdk_about_itself() {
        assert!(is_sdk_event(&event("session_start", 1)));
        assert!(!is_sdk_event(&event("Poll created", 1)));
    }
}
