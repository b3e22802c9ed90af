//! A session of the story, or an event that stands alone.

use leptos::prelude::*;
use serde_json::{Map, Value};
use tracking::StitchedBy;
use tracking::received::{Chapter, ReceivedEvent, Source};

/// A chapter with its events, oldest first. It grows while it is read: what is open stays open.
#[component]
pub fn ChapterView(#[prop(into)] chapter: Signal<Chapter>) -> impl IntoView {
    let session = chapter.with_untracked(|chapter| chapter.session);
    let title = match session {
        Some(session) => view! {
            <header>
                <h2>"Session "<span class="id">{session}</span></h2>
                <p class="quiet">{move || chapter.with(span_in_words)}</p>
                <Tally chapter />
            </header>
        }
        .into_any(),
        None => view! {
            <header>
                <h2>"Out of session"</h2>
                <p class="quiet">{move || chapter.with(begin)}</p>
            </header>
        }
        .into_any(),
    };
    let class = if session.is_some() {
        "chapter card"
    } else {
        "chapter card alone"
    };
    let events = move || chapter.with(|chapter| chapter.events.clone());
    view! {
        <article class=class data-session=session>
            {title}
            <ol class="seam">
                <For each=events key=|event| event.uuid.clone() let:event>
                    <EventView event />
                </For>
            </ol>
        </article>
    }
}

/// The minute in which it begins.
fn begin(chapter: &Chapter) -> Option<String> {
    let (_, time) = chapter.events.first()?.times.first()?;
    Some(format!("{} UTC", time.get(..16)?))
}

fn span_in_words(chapter: &Chapter) -> String {
    let (minutes, seconds) = (
        chapter.duration_ms() / 60_000,
        chapter.duration_ms() % 60_000 / 1_000,
    );
    let begin = begin(chapter)
        .map(|begin| format!("{begin} · "))
        .unwrap_or_default();
    format!("{begin}{minutes}:{seconds:02} min")
}

/// How many events of each source.
#[component]
fn Tally(chapter: Signal<Chapter>) -> impl IntoView {
    let line = move |source: Source| {
        let of_source = move |chapter: &Chapter| {
            chapter
                .events
                .iter()
                .filter(|event| event.source == source)
                .count()
        };
        let count = Memo::new(move |_| chapter.with(of_source));
        let text = move || format!("{} {}", count.get(), source.label());
        view! { <li class=class(source) hidden=move || count.get() == 0>{text}</li> }
    };
    view! { <ul class="tally">{[Source::Browser, Source::Server, Source::Stripe].map(line).collect_view()}</ul> }
}

/// One event, with everything known of it behind a click.
#[component]
fn EventView(event: ReceivedEvent) -> impl IntoView {
    let class = class(event.source);
    let time = event
        .times
        .first()
        .map(|(_, text)| text.get(11..23).unwrap_or(text).to_owned());
    let full_time = event.times.first().map(|(_, text)| format!("{text} UTC"));
    let stitched = event.stitched_by.map(in_words);
    let page = event
        .properties
        .get("[Amplitude] Page Path")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let problem = event.plan.clone().filter(|plan| plan != "valid");
    view! {
        <li class=class id=format!("event-{}", event.uuid) data-event=event.name data-source=class>
            <details>
                <summary class="event">
                    <span class="badge">{event.source.label()}</span>
                    <span class="what">
                        <span class="name">{event.name.clone()}</span>
                        {page.map(|page| view! { " "<span class="where">{page}</span> })}
                    </span>
                    {problem.map(|problem| view! { <span class="badge bad">{problem}</span> })}
                    <time class="at" title=full_time>
                        {time}
                    </time>
                </summary>
                <div class="details">
                    {stitched.map(|text| view! { <p class="stitched">{text}</p> })}
                    <IdList event=event.clone() />
                    <Properties title="Event properties" map=event.properties.clone() />
                    <Properties title="User properties at the time" map=event.user_properties.clone() />
                    <Context event=event.clone() />
                    <Pairs title="Timestamps (UTC)" pairs=event.times.clone() />
                    <details class="raw">
                        <summary>"Raw JSON"</summary>
                        <pre tabindex="0">{serde_json::to_string_pretty(&event.raw).unwrap_or_default()}</pre>
                    </details>
                </div>
            </details>
        </li>
    }
}

fn class(source: Source) -> &'static str {
    match source {
        Source::Browser => "browser",
        Source::Server => "server",
        Source::Stripe => "stripe",
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
fn IdList(event: ReceivedEvent) -> impl IntoView {
    let device = event.device.map(|device| match event.derived_device {
        true => format!("{device} (made by Amplitude from the user ID)"),
        false => device,
    });
    let session = event
        .session
        .map_or_else(|| "none".to_owned(), |session| session.to_string());
    let pairs = vec![
        ("User", event.user.unwrap_or_else(|| "none yet".to_owned())),
        ("Device", device.unwrap_or_else(|| "none".to_owned())),
        ("Session", session),
        ("Insert ID", event.insert_id.unwrap_or_default()),
    ];
    view! { <Pairs title="IDs" pairs /> }
}

#[component]
fn Context(event: ReceivedEvent) -> impl IntoView {
    match event.source {
        Source::Browser => {
            view! { <Pairs title="Context that came for free" pairs=event.context /> }.into_any()
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
