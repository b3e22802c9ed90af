//! The timeline page: the search form, and below it the result.

use backend::timeline::ReadError;
use leptos::prelude::*;
use leptos_meta::Title;
use tracking::timeline_page::Filter;

use super::card::TimelineCard;
use super::labels::counted;
use super::links;
use super::model::{EventPage, PersonFound, TimelineQuery, TimelineResult};
use super::queries::{TimelineError, read_page};
use super::view::TimelineView;
use crate::document::{document, query_value, unreadable};
use crate::page::use_page;

/// A person's timeline: the visitor's own, unless `?find=` names another person.
#[component]
pub fn TimelinePage() -> impl IntoView {
    let query = query_of_page();
    let local = use_page().collector_page.is_some();
    let (label, hint) = match local {
        true => (
            "Find a person",
            "User ID, device ID, part of an ID, or property=value",
        ),
        false => ("User or device ID", "Your user ID, or this device's ID"),
    };
    view! {
        <Title text="Timeline · Seamline" />
        <section class="timeline">
            <div class="page-head">
                <h1>"Timeline"</h1>
                <form method="get" class="search" role="search">
                    <label for="find">{label}</label>
                    <input
                        id="find"
                        name="find"
                        type="search"
                        maxlength="200"
                        placeholder=hint
                        value=query.find.clone()
                    />
                    <button type="submit">"Find"</button>
                </form>
            </div>
            {document(|context| async move {
                match read_page(&context, query.clone()).await {
                    Ok(result) => view! { <Found query result /> }.into_any(),
                    Err(
                        TimelineError::Read(
                            error @ (ReadError::NoSecretKey
                            | ReadError::RateLimited
                            | ReadError::NetworkLimited { .. }),
                        ),
                    ) => {
                        view! { <Notice text=format!("{error}.") /> }.into_any()
                    }
                    Err(error) => unreadable("The timeline", &error),
                }
            })}
        </section>
    }
}

fn query_of_page() -> TimelineQuery {
    let given = |key: &str| query_value(key).filter(|text| !text.trim().is_empty());
    TimelineQuery {
        find: given("find"),
        filter: Filter::read(given),
        older: given("older"),
        event: given("at"),
        open: given("open")
            .map(|ids| TimelineCard::parse_list(&ids))
            .unwrap_or_default(),
    }
}

#[component]
fn Found(query: TimelineQuery, result: TimelineResult) -> impl IntoView {
    match result {
        TimelineResult::Events(page) => view! { <TimelineView page=*page /> }.into_any(),
        TimelineResult::NotFound { by } => {
            // The first event may still arrive.
            let page = EventPage {
                query,
                by,
                ..EventPage::default()
            };
            view! { <TimelineView page /> }.into_any()
        }
        TimelineResult::People { query, people } => view! { <People query people /> }.into_any(),
        TimelineResult::NoIdentity => {
            view! { <Notice text="Tracking is off in this browser, so there are no events to show." /> }
                .into_any()
        }
        TimelineResult::NotYours => {
            view! { <Notice text="You can read the timeline of your own account and device only." /> }
                .into_any()
        }
    }
}

#[component]
fn Notice(#[prop(into)] text: String) -> impl IntoView {
    view! { <p class="banner" role="status">{text}</p> }
}

/// Everyone who matches the search.
#[component]
fn People(query: String, people: Vec<PersonFound>) -> impl IntoView {
    let count = match people.len() {
        1 => "1 person".to_owned(),
        count => format!("{count} people"),
    };
    view! {
        <p class="quiet" role="status">
            {count} " for " <strong dir="auto">{query}</strong> ", most recently active first"
        </p>
        <ul class="timeline-people">{people.into_iter().map(person_row).collect_view()}</ul>
    }
}

fn person_row(person: PersonFound) -> impl IntoView {
    let href = links::page_url(&TimelineQuery {
        find: Some(person.find.clone()),
        ..TimelineQuery::default()
    });
    let last = person
        .last_used
        .and_then(|last| Some(format!(" · last {} UTC", last.get(..16)?)));
    let properties = person
        .properties
        .into_iter()
        .map(|(name, value)| view! { <li><span>{name}</span>" "<span dir="auto">{value}</span></li> });
    view! {
        <li class="card">
            <a class="id" href=href>
                {person.user.unwrap_or_else(|| format!("anonymous, {}", person.find))}
            </a>
            <p class="quiet">{counted(person.events, "event")} {last}</p>
            <ul class="timeline-properties">{properties.collect_view()}</ul>
        </li>
    }
}
