//! The person whose timeline is shown: one line, with the details behind it.

use std::sync::Arc;

use leptos::prelude::*;
use serde_json::Value;

use super::card::{TimelineCard, card_view};
use super::labels::counted;
use super::model::EventPage;

/// User ID, counts and revenue; opened, the devices, the ID that led here, and the first and last event.
#[component]
pub(super) fn PersonView(page: Arc<EventPage>) -> impl IntoView {
    let person = &page.person;
    let text = |key: &str| person.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| person.get(key).and_then(Value::as_u64);
    let user = text("user_id").or_else(|| page.events.iter().find_map(|event| event.user.clone()));
    let user = match user {
        Some(user) => view! { <span class="id">{user}</span> }.into_any(),
        None => view! { <span>"not signed in yet"</span> }.into_any(),
    };
    let counts = number("num_events")
        .zip(number("num_sessions"))
        .map(|(events, sessions)| {
            format!("{} in {}", counted(events, "event"), counted(sessions, "session"))
        });
    let revenue = person
        .get("revenue")
        .and_then(Value::as_f64)
        .filter(|revenue| *revenue != 0.0)
        .map(|revenue| format!("revenue {revenue:.2}"));
    let seen = text("first_used")
        .zip(text("last_used"))
        .map(|(first, last)| match first == last {
            true => first,
            false => format!("{first} to {last}"),
        });
    let line = view! {
        <span>"User " {user}</span>
        {counts.map(|counts| view! { <span class="quiet">{counts}</span> })}
        {revenue.map(|revenue| view! { <span class="quiet">{revenue}</span> })}
    };
    let content = || {
        let devices = devices(&page).into_iter();
        let devices = devices
            .map(|device| view! { <span>{device}</span> })
            .collect_view();
        let row = |name: &'static str, value: AnyView| view! { <div><dt>{name}</dt>{value}</div> };
        view! {
            <dl class="timeline-person">
                {row("Devices", view! { <dd class="id">{devices}</dd> }.into_any())}
                {row("Found by", view! { <dd class="id">{page.by.clone()}</dd> }.into_any())}
                {seen.map(|seen| row("Seen", view! { <dd>{seen}</dd> }.into_any()))}
            </dl>
        }
    };
    let card = card_view(&page, TimelineCard::Person, "timeline-line card", line, content);
    view! { <div id="person-part" data-live>{card}</div> }
}

/// Devices of the events on the page, without those that Amplitude has derived from a user ID.
fn devices(page: &EventPage) -> Vec<String> {
    let own = page.events.iter().filter(|event| !event.derived_device);
    let mut devices: Vec<String> = own.filter_map(|event| event.device.clone()).collect();
    devices.sort();
    devices.dedup();
    devices
}
