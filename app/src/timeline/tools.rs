//! The tools of the timeline: filters, the count, the pause button of the live tail, and exports.

use std::sync::Arc;

use leptos::prelude::*;
use tracking::received::Source;
use tracking::timeline_page::{Filter, SessionFilter};

use super::labels::counted;
use super::links;
use super::model::{EventPage, TimelineQuery};
use crate::live::LiveTail;
use crate::page::use_page;

/// The bar above the sessions.
#[component]
pub(super) fn Tools(page: Arc<EventPage>) -> impl IntoView {
    let query = &page.query;
    let all = (!query.filter.is_empty()).then(|| {
        links::page_url(&TimelineQuery {
            filter: Filter::default(),
            ..query.first_page()
        })
    });
    let (json, csv) = (links::export_url(query, "json"), links::export_url(query, "csv"));
    // A real project has no feed, and on an earlier page no event is added.
    let live = !page.skipped && use_page().collector_page.is_some();
    let feed = live.then(|| links::feed_url(query));
    view! {
        <section class="timeline-tools" aria-label="Filters and export">
            <Filters page=Arc::clone(&page) />
            <div class="timeline-bar">
                <Count page live />
                {feed.map(|feed| view! { <LiveTail feed /> })}
                {all.map(|all| view! { <a href=all>"Show everything"</a> })}
                <span class="timeline-files">
                    <a href=json download>
                        "JSON"
                    </a>
                    <a href=csv download>
                        "CSV"
                    </a>
                </span>
            </div>
        </section>
    }
}

/// How many events are on the page.
#[component]
fn Count(page: Arc<EventPage>, live: bool) -> impl IntoView {
    let count = page.events.len();
    let text = match (count, page.older.is_some()) {
        (0, false) if live => "No events yet. They appear here as they arrive.".to_owned(),
        (0, false) => "No events.".to_owned(),
        (0, true) => "No events yet; see earlier sessions.".to_owned(),
        (1, _) => "1 event".to_owned(),
        (count, true) => format!("{count} events, more in earlier sessions"),
        (count, false) => counted(count as u64, "event"),
    };
    let class = if live { "quiet live" } else { "quiet" };
    view! {
        <p class=class id="count" role="status" aria-live="polite" data-events=count data-live>
            {text}
        </p>
    }
}

/// The filters of the URL, as a form that loads the page anew.
#[component]
fn Filters(page: Arc<EventPage>) -> impl IntoView {
    let filter = &page.query.filter;
    let (names, devices) = match &page.analysis {
        Some(analysis) => (analysis.names.as_slice(), analysis.devices.as_slice()),
        None => (&[][..], &[][..]),
    };
    let sources = Source::ALL.map(|source| (source.as_str().to_owned(), source.label().to_owned()));
    let session = filter.session.map(|session| session.to_string());
    let mut sessions = vec![(
        SessionFilter::OutOfSession.to_string(),
        "Out of session".to_owned(),
    )];
    if let Some(SessionFilter::Id(session)) = filter.session {
        sessions.push((session.to_string(), session.to_string()));
    }
    let source = filter.source.map(|source| source.as_str().to_owned());
    let hidden = page
        .query
        .find
        .clone()
        .map(|find| view! { <input type="hidden" name="find" value=find /> });
    view! {
        <form method="get" class="timeline-filters">
            {hidden}
            <Choice
                key="event"
                label="Event"
                all="All events"
                options=options(names, filter.event.as_ref())
                chosen=filter.event.clone()
            />
            <Choice key="source" label="Source" all="All sources" options=sources.to_vec() chosen=source />
            <Choice key="session" label="Session" all="All sessions" options=sessions chosen=session />
            <Choice
                key="device"
                label="Device"
                all="All devices"
                options=options(devices, filter.device.as_ref())
                chosen=filter.device.clone()
            />
            <button type="submit" class="secondary">
                "Filter"
            </button>
        </form>
    }
}

/// Each text as value and label. The chosen one is always among them.
fn options(texts: &[String], chosen: Option<&String>) -> Vec<(String, String)> {
    let missing = chosen.filter(|chosen| !texts.contains(chosen));
    let all = texts.iter().chain(missing);
    all.map(|text| (text.clone(), text.clone())).collect()
}

#[component]
fn Choice(
    /// Key in the URL.
    key: &'static str,
    /// Label of the select.
    label: &'static str,
    /// Label of the option that filters nothing.
    all: &'static str,
    /// Values and labels.
    options: Vec<(String, String)>,
    /// The chosen value.
    chosen: Option<String>,
) -> impl IntoView {
    let id = format!("filter-{key}");
    let none = chosen.is_none();
    let options = options
        .into_iter()
        .map(|(value, text)| {
            let selected = chosen.as_ref() == Some(&value);
            view! { <option value=value selected=selected>{text}</option> }
        })
        .collect_view();
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select id=id name=key>
                <option value="" selected=none>
                    {all}
                </option>
                {options}
            </select>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::options;

    #[test]
    fn the_chosen_value_is_always_an_option() {
        let known = ["a".to_owned()];
        let values = |chosen: Option<&str>| -> Vec<String> {
            let chosen = chosen.map(str::to_owned);
            let options = options(&known, chosen.as_ref());
            options.into_iter().map(|(value, _)| value).collect()
        };
        assert_eq!(values(None), ["a"]);
        assert_eq!(values(Some("a")), ["a"]);
        assert_eq!(values(Some("b")), ["a", "b"]);
    }
}
