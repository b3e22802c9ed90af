//! The timeline page.

use leptos::either::Either;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use serde_json::Value;
use tracking::received::{Chapter, ReceivedEvent, story};

use super::api::{Found, read_story};
use super::chapter::ChapterView;
use super::live;

/// A person's story; one's own unless `?find=` names somebody.
#[component]
pub fn TimelinePage() -> impl IntoView {
    let query = use_query_map();
    let find = Signal::derive(move || {
        query
            .with(|query| query.get("find"))
            .filter(|find| !find.is_empty())
    });
    let found = Resource::new_blocking(move || find.get(), read_story);
    view! {
        <Title text="Timeline · Seamline" />
        <section class="page timeline">
            <div class="page-head">
                <h1>"Timeline"</h1>
                <form method="get" class="find" role="search">
                    <label for="find">"User or device ID"</label>
                    <input id="find" name="find" type="search" prop:value=move || find.get() value=move || find.get() />
                    <button type="submit">"Find"</button>
                </form>
            </div>
            <Suspense fallback=|| view! { <p class="quiet" aria-busy="true">"Reading events…"</p> }>
                {move || Suspend::new(async move {
                    match found.await {
                        Ok(found) => Either::Left(view! { <Result find found /> }),
                        Err(_) => Either::Right(view! { <Notice text="The timeline cannot be read right now." /> }),
                    }
                })}
            </Suspense>
        </section>
    }
}

#[component]
fn Result(find: Signal<Option<String>>, found: Found) -> impl IntoView {
    match found {
        Found::Story { by, person, events } => view! { <Story find by person events /> }.into_any(),
        Found::Nobody { by } => view! { <Story find by person=Value::Null events=Vec::new() /> }.into_any(),
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

/// The story, growing while it is looked at.
#[component]
fn Story(find: Signal<Option<String>>, by: String, person: Value, events: Vec<Value>) -> impl IntoView {
    let events = RwSignal::new(
        events
            .iter()
            .filter_map(ReceivedEvent::from_export)
            .collect::<Vec<_>>(),
    );
    live::follow(find, move |raw| {
        let Some(event) = ReceivedEvent::from_export(&raw) else {
            return;
        };
        events.update(|events| {
            // A feed that reconnects tells its last events again.
            if events.iter().all(|known| known.uuid != event.uuid) {
                events.insert(0, event);
            }
        });
    });
    let chapters = Memo::new(move |_| events.with(|events| story(events)));
    let chapter = move |chapter: Chapter| {
        let key = chapter_key(&chapter);
        let same =
            move |chapters: &Vec<Chapter>| chapters.iter().find(|other| chapter_key(other) == key).cloned();
        let current = Memo::new(move |_| chapters.with(&same).unwrap_or_else(|| chapter.clone()));
        view! { <ChapterView chapter=current /> }
    };
    let count = move || events.with(Vec::len);
    view! {
        <Person by person events />
        <p class="quiet count" role="status" aria-live="polite" data-events=count>
            {move || match count() {
                0 => "No events yet. They appear here as they arrive.".to_owned(),
                1 => "1 event".to_owned(),
                n => format!("{n} events"),
            }}
        </p>
        <div class="chapters">
            <For each=move || chapters.get() key=chapter_key children=chapter />
        </div>
    }
}

/// What stays the same while a chapter grows.
fn chapter_key(chapter: &Chapter) -> String {
    match chapter.session {
        Some(session) => session.to_string(),
        None => chapter
            .events
            .first()
            .map(|event| event.uuid.clone())
            .unwrap_or_default(),
    }
}

/// Whose story it is.
#[component]
fn Person(by: String, person: Value, events: RwSignal<Vec<ReceivedEvent>>) -> impl IntoView {
    let user = person.get("user_id").and_then(Value::as_str).map(str::to_owned);
    let devices = Memo::new(move |_| {
        let mut devices: Vec<String> = events.with(|events| {
            let own = events.iter().filter(|event| !event.derived_device);
            own.filter_map(|event| event.device.clone()).collect()
        });
        devices.sort();
        devices.dedup();
        devices
    });
    let known = move || {
        user.clone()
            .or_else(|| events.with(|events| events.iter().find_map(|event| event.user.clone())))
    };
    view! {
        <dl class="person card">
            <div>
                <dt>"User"</dt>
                <dd class="id">{move || known().unwrap_or_else(|| "not signed in yet".to_owned())}</dd>
            </div>
            <div>
                <dt>"Found by"</dt>
                <dd class="id">{by}</dd>
            </div>
            <div>
                <dt>"Devices"</dt>
                <dd class="id">
                    {move || devices.get().into_iter().map(|device| view! { <span>{device}</span> }).collect_view()}
                </dd>
            </div>
        </dl>
    }
}
