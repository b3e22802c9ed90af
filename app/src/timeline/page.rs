//! The timeline page.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;
use tracking::story_page::Filter;

use super::api::{Asked, Found, PersonFound, Story, read_story};
use super::links;
use super::story::StoryView;
use crate::page::use_page;

/// A person's story; one's own unless `?find=` names somebody.
#[component]
pub fn TimelinePage() -> impl IntoView {
    let query = use_query_map();
    let asked = Memo::new(move |_| query.with(asked_by));
    let found = Resource::new_blocking(move || asked.get(), read_story);
    let find = move || asked.with(|asked| asked.find.clone());
    let local = use_page().collector_page.is_some();
    let (label, hint) = match local {
        true => (
            "Find a person",
            "User ID, device ID, a part of one, or property=value",
        ),
        false => ("User or device ID", "Your own, or this device's"),
    };
    view! {
        <Title text="Timeline · Seamline" />
        <section class="page timeline">
            <div class="page-head">
                <h1>"Timeline"</h1>
                <form method="get" class="find" role="search">
                    <label for="find">{label}</label>
                    <input
                        id="find"
                        name="find"
                        type="search"
                        maxlength="200"
                        placeholder=hint
                        prop:value=find
                        value=find
                    />
                    <button type="submit">"Find"</button>
                </form>
            </div>
            <Transition fallback=|| view! { <p class="quiet" aria-busy="true">"Reading events…"</p> }>
                {move || Suspend::new(async move {
                    let found = found.await;
                    let asked = asked.get_untracked();
                    match found {
                        Ok(found) => view! { <Result asked found /> }.into_any(),
                        Err(_) => view! { <Notice text="The timeline cannot be read right now." /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
}

fn asked_by(query: &ParamsMap) -> Asked {
    let given = |key: &str| query.get(key).filter(|text| !text.trim().is_empty());
    Asked {
        find: given("find"),
        filter: Filter::read(given),
        older: given("older"),
        event: given("at"),
    }
}

#[component]
fn Result(asked: Asked, found: Found) -> impl IntoView {
    match found {
        Found::Story(story) => view! { <StoryView asked story=*story /> }.into_any(),
        Found::Nobody { by } => {
            let nobody = Story {
                by,
                ..Story::default()
            };
            view! { <StoryView asked story=nobody /> }.into_any()
        }
        Found::People { query, people } => view! { <People query people /> }.into_any(),
        Found::NoIdentity => {
            view! { <Notice text="Tracking is off in this browser, so there is nothing to show." /> }
                .into_any()
        }
        Found::NotYours => {
            view! { <Notice text="You can read the story of your own account and device only." /> }.into_any()
        }
        Found::Unreadable(why) => view! { <Notice text=format!("{why}.") /> }.into_any(),
    }
}

#[component]
fn Notice(#[prop(into)] text: String) -> impl IntoView {
    view! { <p class="banner" role="status">{text}</p> }
}

/// Everybody who fits what was searched for.
#[component]
fn People(query: String, people: Vec<PersonFound>) -> impl IntoView {
    let count = match people.len() {
        1 => "1 person".to_owned(),
        count => format!("{count} people"),
    };
    let row = |person: PersonFound| {
        let href = links::page(&Asked {
            find: Some(person.find.clone()),
            ..Asked::default()
        });
        let events = match person.events {
            1 => "1 event".to_owned(),
            count => format!("{count} events"),
        };
        let last = person
            .last_used
            .and_then(|last| Some(format!("last {} UTC", last.get(..16)?)));
        let properties = person
            .properties
            .into_iter()
            .map(|(name, value)| view! { <li><span>{name}</span>" "<span dir="auto">{value}</span></li> });
        view! {
            <li class="card">
                <a class="id" href=href>
                    {person.user.unwrap_or_else(|| format!("anonymous, {}", person.find))}
                </a>
                <p class="quiet">{events}{last.map(|last| format!(" · {last}"))}</p>
                <ul class="properties">{properties.collect_view()}</ul>
            </li>
        }
    };
    view! {
        <p class="quiet people-count" role="status">
            {count} " for " <strong dir="auto">{query}</strong> ", those seen last first"
        </p>
        <ul class="people">{people.into_iter().map(row).collect_view()}</ul>
    }
}
