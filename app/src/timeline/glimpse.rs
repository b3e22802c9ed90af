//! The visitor's own newest events, a few of them, on a page that is about something else. They are read once the page is
//! alive, and more arrive by themselves.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use tracking::received::{ReceivedEvent, Source};

use super::api::newest;
use super::{links, live};

/// How many.
pub(super) const FEW: usize = 6;

/// What there is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glimpsed {
    /// Nobody knows yet.
    Reading,
    /// Nothing of theirs has arrived.
    Nothing,
    /// Some events.
    Events,
    /// They cannot be read.
    Unreadable,
}

/// The newest events as a seam, the newest last.
#[component]
pub fn Glimpse(
    /// Is told what there is to be seen.
    glimpsed: RwSignal<Glimpsed>,
) -> impl IntoView {
    let events = RwSignal::new(Vec::<Arc<ReceivedEvent>>::new());
    // The page may have been left meanwhile: then nobody is told.
    let arrive = move |arrived: Vec<ReceivedEvent>| {
        let Some(any) = events.try_update(|events| {
            take_in(events, arrived);
            !events.is_empty()
        }) else {
            return;
        };
        let _ = glimpsed.try_set(if any { Glimpsed::Events } else { Glimpsed::Nothing });
    };
    live::follow(None, move |raw| {
        arrive(ReceivedEvent::from_export(&raw).into_iter().collect());
    });
    Effect::new(move |_| {
        spawn_local(async move {
            match newest().await {
                Ok(read) => arrive(read.iter().filter_map(ReceivedEvent::from_export).collect()),
                Err(_) if events.try_with_untracked(Vec::is_empty) == Some(true) => {
                    let _ = glimpsed.try_set(Glimpsed::Unreadable);
                }
                Err(_) => {}
            }
        });
    });
    view! {
        <Ids events />
        <ol class="seam">
            <For each=move || events.get() key=|event| event.uuid.clone() let:event>
                <Line event />
            </For>
        </ol>
    }
}

/// The IDs that the newest event carries.
#[component]
fn Ids(events: RwSignal<Vec<Arc<ReceivedEvent>>>) -> impl IntoView {
    let id = |name: &'static str, of: fn(&ReceivedEvent) -> Option<String>| {
        let value = Memo::new(move |_| events.with(|events| events.last().and_then(|event| of(event))));
        view! {
            <div>
                <dt>{name}</dt>
                <dd class="id">{move || value.get().unwrap_or_else(|| "none".to_owned())}</dd>
            </div>
        }
    };
    view! {
        <dl class="threads">
            {id("User", |event| event.user.clone())}
            {id("Device", |event| event.device.clone().filter(|_| !event.derived_device))}
            {id("Session", |event| event.session.map(|session| session.to_string()))}
        </dl>
    }
}

#[component]
fn Line(event: Arc<ReceivedEvent>) -> impl IntoView {
    let source = event.source;
    let time = event.times.first();
    let at = time.and_then(|(_, text)| text.get(11..19)).map(str::to_owned);
    let full_time = time.map(|(_, text)| format!("{text} UTC"));
    let page = event.page().map(str::to_owned);
    let alone = event.session.is_none();
    let badge = match source {
        // There is little room.
        Source::Stripe => "Stripe",
        source => source.label(),
    };
    view! {
        <li class=source.as_str() data-event=event.name.clone() data-source=source.as_str()>
            <a class="event" href=links::event(None, &event.uuid) rel="external">
                <span class="badge">{badge}</span>
                <span class="what">
                    <span class="name">{shown_name(&event.name).to_owned()}</span>
                    {page.map(|page| view! { " "<span class="where">{page}</span> })}
                    {alone.then(|| view! { " "<span class="where">"no session"</span> })}
                </span>
                <time class="at" title=full_time>
                    {at}
                </time>
            </a>
        </li>
    }
}

/// The SDK's own names, without the prefix that they share.
fn shown_name(name: &str) -> &str {
    name.trim_start_matches("[Amplitude] ")
}

/// What Amplitude's SDK sends about itself: of few events it would be half.
pub(super) fn is_bookkeeping(event: &ReceivedEvent) -> bool {
    [
        "$identify",
        "[Amplitude] Start Session",
        "[Amplitude] End Session",
    ]
    .contains(&event.name.as_str())
}

/// Takes events in, in the order in which they happened, and lets the oldest go. A feed that reconnects tells its last
/// events again.
fn take_in(events: &mut Vec<Arc<ReceivedEvent>>, arrived: Vec<ReceivedEvent>) {
    for event in arrived {
        if is_bookkeeping(&event) || events.iter().any(|known| known.uuid == event.uuid) {
            continue;
        }
        let place = events.partition_point(|known| known.time_ms <= event.time_ms);
        events.insert(place, Arc::new(event));
    }
    let over = events.len().saturating_sub(FEW);
    events.drain(..over);
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
        ReceivedEvent::from_export(&raw).unwrap()
    }

    fn seconds(events: &[Arc<ReceivedEvent>]) -> Vec<i64> {
        events
            .iter()
            .map(|event| event.time_ms / 1_000 % 60 - 40)
            .collect()
    }

    #[test]
    fn a_few_in_the_order_in_which_they_happened() {
        let mut events = Vec::new();
        // ":06:40" is a whole minute's 40th second in the epoch as well.
        take_in(&mut events, vec![event("a", 42), event("b", 41)]);
        take_in(
            &mut events,
            vec![event("late", 40), event("a", 42), event("session_start", 43)],
        );
        assert_eq!(
            seconds(&events),
            [0, 1, 2],
            "each once, and none of the SDK's own"
        );
        take_in(&mut events, (43..50).map(|second| event("c", second)).collect());
        assert_eq!(seconds(&events), [4, 5, 6, 7, 8, 9]);
    }
}
