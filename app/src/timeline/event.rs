//! One event: a line, and everything known of it behind a click.

use std::sync::Arc;

use leptos::prelude::*;
use serde_json::{Map, Value};
use tracking::StitchedBy;
use tracking::received::{ReceivedEvent, Source};
use tracking::stripe_clock::days_ahead;

use super::clipboard;
use super::links;
use super::proof::ProofView;
use super::story::Shown;

/// The line. What is behind it is drawn once it is opened; without script a link leads to a page on which it is.
#[component]
pub(super) fn EventView(event: Arc<ReceivedEvent>, shown: Shown) -> impl IntoView {
    let class = class(event.source);
    let time = event
        .times
        .first()
        .map(|(_, text)| text.get(11..23).unwrap_or(text).to_owned());
    let full_time = event.times.first().map(|(_, text)| format!("{text} UTC"));
    let page = event.page().map(str::to_owned);
    let revenue = event.revenue();
    let problem = event
        .plan
        .clone()
        .filter(|plan| plan != "valid" && plan != "unchecked");
    let linked = shown
        .asked
        .with_value(|asked| asked.event.as_deref() == Some(&event.uuid));
    let open = RwSignal::new(linked);
    let address = shown
        .asked
        .with_value(|asked| links::event(asked.find.as_deref(), &event.uuid));
    let id = format!("event-{}", event.uuid);
    let stripes_day = (event.source == Source::Stripe).then(|| {
        let event = Arc::clone(&event);
        let days = Memo::new(move |_| {
            shown
                .judgement
                .with(|judged| days_ahead(&event, &judged.as_ref()?.facts))
        });
        move || {
            days.get()
                .map(|days| view! { " "<span class="where">{format!("day {days} on Stripe's clock")}</span> })
        }
    });
    let name = event.name.clone();
    let details = move || match open.get() {
        true => view! { <Details event=Arc::clone(&event) address=address.clone() shown /> }.into_any(),
        false => view! {
            <p class="details">
                <a href=address.clone() rel="external">"Everything about this event"</a>
            </p>
        }
        .into_any(),
    };
    view! {
        <li class=class id=id data-event=name data-source=class>
            <details open=linked on:toggle=move |_| open.set(true)>
                <summary class="event">
                    <span class="badge">{source_label(class)}</span>
                    <span class="what">
                        <span class="name">{name.clone()}</span>
                        {page.map(|page| view! { " "<span class="where">{page}</span> })}
                        {revenue.map(|revenue| view! { " "<span class="money">{revenue}</span> })}
                        {stripes_day}
                    </span>
                    {problem.map(|problem| view! { <span class="badge bad">{problem}</span> })}
                    <time class="at" title=full_time>
                        {time}
                    </time>
                </summary>
                {details}
            </details>
        </li>
    }
}

/// The class of a source: its colour and its lane.
pub(super) fn class(source: Source) -> &'static str {
    source.as_str()
}

fn source_label(class: &'static str) -> &'static str {
    Source::parse(class).map_or(class, Source::label)
}

#[component]
fn Details(event: Arc<ReceivedEvent>, address: String, shown: Shown) -> impl IntoView {
    let stitched = event.stitched_by.map(in_words);
    let raw = serde_json::to_string_pretty(&event.raw).unwrap_or_default();
    let to_copy = raw.clone();
    let link = address.clone();
    let buttons = move || {
        let (to_copy, link) = (to_copy.clone(), link.clone());
        shown.alive.get().then(|| {
            view! {
                <Copy label="Copy JSON" text=move || to_copy.clone() />
                <Copy label="Copy link" text=move || format!("{}{link}", clipboard::origin()) />
            }
        })
    };
    view! {
        <div class="details">
            {stitched.map(|text| view! { <p class="stitched">{text}</p> })}
            <ProofView event=Arc::clone(&event) shown />
            <IdList event=Arc::clone(&event) />
            <Properties title="Event properties" map=event.properties.clone() />
            <Properties title="User properties at the time" map=event.user_properties.clone() />
            <Context event=Arc::clone(&event) />
            <Pairs title="Timestamps (UTC)" pairs=event.times.clone() />
            <div class="takeaway">
                <a href=address rel="external">"Link to this event"</a>
                {buttons}
            </div>
            <details class="raw">
                <summary>"Raw JSON"</summary>
                <pre tabindex="0">{raw}</pre>
            </details>
        </div>
    }
}

/// Copies a text, and says so.
#[component]
fn Copy(label: &'static str, text: impl Fn() -> String + 'static) -> impl IntoView {
    let copied = RwSignal::new(false);
    let press = move |_| {
        clipboard::copy(&text());
        copied.set(true);
    };
    view! {
        <button type="button" class="plain" on:click=press>
            {move || if copied.get() { "Copied" } else { label }}
        </button>
    }
}

/// How a server event got its IDs.
fn in_words(by: StitchedBy) -> &'static str {
    match by {
        StitchedBy::SdkCookie => {
            "Device from our cookie, session from the cookie of Amplitude's SDK in the same request."
        }
        StitchedBy::ServerSession => {
            "Device and session from our own cookies: the SDK has not run here, or not lately."
        }
        StitchedBy::CheckoutHandoff => "Device and session of the click, carried through Stripe in metadata.",
        StitchedBy::PortalVisit => {
            "Device and session of the visit to Stripe's portal, noted before the redirect."
        }
        StitchedBy::StaleHandoff => {
            "The click is older than a session lasts: its device, without the session."
        }
        StitchedBy::NoneKnown => "Somebody did this, and nobody knows in which browser: user only.",
        StitchedBy::NoneByRule => "Nobody was there, so it carries no device and no session, on purpose.",
    }
}

#[component]
fn IdList(event: Arc<ReceivedEvent>) -> impl IntoView {
    let device = event.device.clone().map(|device| match event.derived_device {
        true => format!("{device} (made by Amplitude from the user ID)"),
        false => device,
    });
    let session = event
        .session
        .map_or_else(|| "none".to_owned(), |session| session.to_string());
    let pairs = vec![
        (
            "User",
            event.user.clone().unwrap_or_else(|| "none yet".to_owned()),
        ),
        ("Device", device.unwrap_or_else(|| "none".to_owned())),
        ("Session", session),
        ("Insert ID", event.insert_id.clone().unwrap_or_default()),
    ];
    view! { <Pairs title="IDs" pairs /> }
}

#[component]
fn Context(event: Arc<ReceivedEvent>) -> impl IntoView {
    match event.source {
        Source::Browser => {
            view! { <Pairs title="Context that came for free" pairs=event.context.clone() /> }.into_any()
        }
        Source::Server | Source::Stripe => view! {
            <p class="quiet">"No browser, device or place: a server event only knows what it is told."</p>
        }
        .into_any(),
    }
}

/// The SDK notes what a visit came without as `EMPTY`, in some twenty properties: they share a row.
#[component]
fn Properties(title: &'static str, map: Map<String, Value>) -> impl IntoView {
    let (empty, told): (Vec<_>, Vec<_>) = map.into_iter().partition(|(_, value)| value == "EMPTY");
    let empty: Vec<String> = empty.into_iter().map(|(key, _)| key).collect();
    let empty = (!empty.is_empty()).then(|| ("EMPTY".to_owned(), empty.join(", ")));
    let told = told.into_iter().map(|(key, value)| match value {
        Value::String(text) => (key, text),
        other => (key, other.to_string()),
    });
    let rows = told
        .chain(empty)
        .map(|(key, value)| view! { <div><dt>{key}</dt><dd dir="auto">{value}</dd></div> })
        .collect_view();
    (!rows.is_empty()).then(|| view! { <section><h3>{title}</h3><dl class="pairs">{rows}</dl></section> })
}

#[component]
fn Pairs(title: &'static str, pairs: Vec<(&'static str, String)>) -> impl IntoView {
    let row =
        |(key, value): (&'static str, String)| view! { <div><dt>{key}</dt><dd class="id">{value}</dd></div> };
    (!pairs.is_empty()).then(|| {
        view! { <section><h3>{title}</h3><dl class="pairs">{pairs.into_iter().map(row).collect_view()}</dl></section> }
    })
}
