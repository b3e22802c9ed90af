//! What is shown, and how to take it along: filters in the URL, the live tail, files.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use tracking::received::Source;
use tracking::story_page::{Filter, InSession};

use super::api::Asked;
use super::links;
use super::story::Shown;

/// The bar above the chapters. Without script the filters are a form of their own page.
#[component]
pub(super) fn Tools(shown: Shown, live: bool) -> impl IntoView {
    let asked = shown.asked.get_value();
    let filtered = !asked.filter.is_empty();
    let all = links::page(&Asked {
        filter: Filter::default(),
        ..links::beginning(&asked)
    });
    let (json, csv) = (links::export(&asked, "json"), links::export(&asked, "csv"));
    view! {
        <section class="tools" aria-label="What is shown">
            <Filters shown />
            <div class="bar">
                <Count shown live />
                {filtered.then(|| view! { <a href=all>"Show everything"</a> })}
                <span class="files">
                    <a href=json download rel="external">"JSON"</a>
                    <a href=csv download rel="external">"CSV"</a>
                </span>
            </div>
        </section>
    }
}

/// How many events there are, and whether more come by themselves.
#[component]
fn Count(shown: Shown, live: bool) -> impl IntoView {
    let count = move || shown.events.with(Vec::len);
    let text = move || {
        let more = shown.older.with(Option::is_some);
        match (count(), more) {
            (0, false) => "No events yet. They appear here as they arrive.".to_owned(),
            (0, true) => "None so far; there are earlier sessions.".to_owned(),
            (1, _) => "1 event".to_owned(),
            (n, true) => format!("{n} events, more below"),
            (n, false) => format!("{n} events"),
        }
    };
    let class = move || match live && !shown.paused.get() {
        true => "quiet count live",
        false => "quiet count",
    };
    let press = move |_| match shown.paused.get_untracked() {
        true => shown.resume(),
        false => shown.paused.set(true),
    };
    let label = move || match (shown.paused.get(), shown.waiting.with(Vec::len)) {
        (false, _) => "Pause".to_owned(),
        (true, 0) => "Resume".to_owned(),
        (true, 1) => "Show 1 new event".to_owned(),
        (true, n) => format!("Show {n} new events"),
    };
    view! {
        <p class=class role="status" aria-live="polite" data-events=count>
            {text}
        </p>
        {live
            .then(|| {
                view! {
                    <button type="button" class="plain pause" hidden=move || !shown.alive.get() on:click=press>
                        {label}
                    </button>
                }
            })}
    }
}

#[component]
fn Filters(shown: Shown) -> impl IntoView {
    let navigate = use_navigate();
    let asked = shown.asked.get_value();
    let filter = asked.filter.clone();
    let select = {
        let asked = asked.clone();
        move |key: &'static str, text: String| {
            let pairs = asked.filter.pairs();
            let kept = |name: &str| match name == key {
                true => Some(text.clone()),
                false => pairs
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, text)| text.clone()),
            };
            let view = Asked {
                filter: Filter::read(kept),
                ..links::beginning(&asked)
            };
            // In place: choosing among what is shown is no page of its own, so no page view either.
            let options = NavigateOptions {
                replace: true,
                scroll: false,
                ..NavigateOptions::default()
            };
            navigate(&links::page(&view), options);
        }
    };
    // What is chosen stays on offer, whatever has been read of the story.
    let with = |mut texts: Vec<String>, chosen: &Option<String>| {
        if let Some(chosen) = chosen.as_ref().filter(|chosen| !texts.contains(chosen)) {
            texts.push(chosen.clone());
        }
        texts
            .into_iter()
            .map(|text| (text.clone(), text))
            .collect::<Vec<_>>()
    };
    let judged = shown.judgement.get_untracked();
    let (names, devices) = judged
        .map(|judged| (judged.names, judged.devices))
        .unwrap_or_default();
    let sources = Source::ALL.map(|source| (source.as_str().to_owned(), source.label().to_owned()));
    let session = filter.session.map(|session| session.to_string());
    let mut sessions = vec![(InSession::OutOfSession.to_string(), "Out of session".to_owned())];
    if let Some(InSession::Of(session)) = filter.session {
        sessions.push((session.to_string(), session.to_string()));
    }
    let hidden = asked
        .find
        .map(|find| view! { <input type="hidden" name="find" value=find /> });
    let source = filter.source.map(|source| source.as_str().to_owned());
    view! {
        <form method="get" class="filters">
            {hidden}
            <Choice key="event" label="Event" all="All events" options=with(names, &filter.event) chosen=filter.event.clone() select=select.clone() />
            <Choice key="source" label="Source" all="All sources" options=sources.to_vec() chosen=source select=select.clone() />
            <Choice key="session" label="Session" all="All sessions" options=sessions chosen=session select=select.clone() />
            <Choice key="device" label="Device" all="All devices" options=with(devices, &filter.device) chosen=filter.device.clone() select=select />
            <button type="submit" class="button secondary" hidden=move || shown.alive.get()>
                "Filter"
            </button>
        </form>
    }
}

#[component]
fn Choice(
    key: &'static str,
    label: &'static str,
    all: &'static str,
    options: Vec<(String, String)>,
    chosen: Option<String>,
    select: impl Fn(&'static str, String) + 'static,
) -> impl IntoView {
    let option = |(value, text): (String, String)| {
        let selected = chosen.as_ref() == Some(&value);
        view! { <option value=value selected=selected>{text}</option> }
    };
    let id = format!("filter-{key}");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select id=id name=key on:change:target=move |event| select(key, event.target().value())>
                <option value="" selected=chosen.is_none()>
                    {all}
                </option>
                {options.into_iter().map(option).collect_view()}
            </select>
        </div>
    }
}
