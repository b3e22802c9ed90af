//! A page of a story: whose it is, what it is worth, and its chapters, growing while it is looked at.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::Value;
use tracking::received::{Chapter, ReceivedEvent, story};

use super::api::{Asked, Found, Judgement, Story, judge, read_story};
use super::chapter::ChapterView;
use super::loss::LossView;
use super::tools::Tools;
use super::verdict::VerdictView;
use super::worth::{BooksView, JoinedView, WorthView};
use super::{links, live};

/// What all parts of a story share.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    /// The view that the URL asks for.
    pub(super) asked: StoredValue<Asked>,
    /// What is on the page, newest first.
    pub(super) events: RwSignal<Vec<Arc<ReceivedEvent>>>,
    /// What arrived while the page was not to move, newest first.
    pub(super) waiting: RwSignal<Vec<Arc<ReceivedEvent>>>,
    /// Whether it is not to move.
    pub(super) paused: RwSignal<bool>,
    /// What the story is worth, so far.
    pub(super) judgement: RwSignal<Option<Judgement>>,
    /// Where the next page begins.
    pub(super) older: RwSignal<Option<String>>,
    /// The script is alive: buttons that need it may show.
    pub(super) alive: RwSignal<bool>,
}

impl Shown {
    /// Takes an event in, unless it is known: a feed that reconnects tells its last events again.
    fn arrive(self, event: ReceivedEvent) {
        let known = |events: &Vec<Arc<ReceivedEvent>>| events.iter().any(|known| known.uuid == event.uuid);
        if self.events.with_untracked(known) || self.waiting.with_untracked(known) {
            return;
        }
        self.judge_soon();
        let through = self.asked.with_value(|asked| asked.filter.lets_through(&event));
        if !through {
            return;
        }
        let into = match self.paused.get_untracked() {
            true => self.waiting,
            false => self.events,
        };
        into.update(|events| events.insert(0, Arc::new(event)));
    }

    /// Lets the page move again.
    pub(super) fn resume(self) {
        self.paused.set(false);
        let waited = self.waiting.try_update(std::mem::take).unwrap_or_default();
        self.events.update(|events| {
            events.splice(0..0, waited);
        });
    }

    /// Has the story judged anew once nothing has arrived for a moment.
    fn judge_soon(self) {
        if self.judgement.with_untracked(Option::is_none)
            && self.asked.with_value(|asked| asked.older.is_some())
        {
            return;
        }
        let at = self.events.with_untracked(Vec::len) + self.waiting.with_untracked(Vec::len);
        set_timeout(
            move || {
                let still = self.events.try_with_untracked(Vec::len).unwrap_or_default()
                    + self.waiting.try_with_untracked(Vec::len).unwrap_or_default();
                // More has come since; who brought it asks.
                if still > at + 1 {
                    return;
                }
                let Some(find) = self.asked.try_with_value(|asked| asked.find.clone()) else {
                    return;
                };
                spawn_local(async move {
                    if let Ok(Some(judgement)) = judge(find).await {
                        // The page may have been left meanwhile.
                        let _ = self.judgement.try_set(Some(judgement));
                    }
                });
            },
            Duration::from_millis(600),
        );
    }

    /// Puts the next page below this one.
    pub(super) fn read_on(self) {
        let Some(older) = self.older.get_untracked() else {
            return;
        };
        let asked = Asked {
            older: Some(older),
            event: None,
            ..self.asked.get_value()
        };
        spawn_local(async move {
            if let Ok(Found::Story(story)) = read_story(asked).await {
                let read = events_of(&story.events);
                self.events.update(|events| {
                    let fresh = read
                        .into_iter()
                        .filter(|event| events.iter().all(|known| known.uuid != event.uuid));
                    let fresh: Vec<_> = fresh.collect();
                    events.extend(fresh);
                });
                self.older.set(story.older);
            }
        });
    }
}

fn events_of(raw: &[Value]) -> Vec<Arc<ReceivedEvent>> {
    raw.iter()
        .filter_map(ReceivedEvent::from_export)
        .map(Arc::new)
        .collect()
}

/// The story.
#[component]
pub(super) fn StoryView(asked: Asked, story: Story) -> impl IntoView {
    let from_top = !story.skipped;
    let shown = Shown {
        events: RwSignal::new(events_of(&story.events)),
        waiting: RwSignal::new(Vec::new()),
        paused: RwSignal::new(false),
        judgement: RwSignal::new(story.judgement),
        older: RwSignal::new(story.older),
        alive: RwSignal::new(false),
        asked: StoredValue::new(asked.clone()),
    };
    Effect::new(move |_| shown.alive.set(true));
    if from_top {
        let find = asked.find.clone();
        live::follow(find, move |raw| {
            if let Some(event) = ReceivedEvent::from_export(&raw) {
                shown.arrive(event);
            }
        });
    }
    let newest = links::page(&links::beginning(&asked));
    view! {
        <Person by=story.by person=story.person shown />
        <VerdictView shown />
        <div class="worth">
            <WorthView shown />
            <JoinedView shown />
            <LossView shown />
            <BooksView shown />
        </div>
        <Tools shown live=from_top />
        {(!from_top)
            .then(|| {
                view! {
                    <p class="banner" role="status">
                        "These are earlier events. " <a href=newest>"Show the newest"</a>
                    </p>
                }
            })}
        <Chapters shown />
        <Older shown />
    }
}

/// What stays the same while a chapter grows.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Session(i64),
    Alone(String),
}

impl Key {
    fn of(chapter: &Chapter) -> Self {
        match (chapter.session, chapter.events.first()) {
            (Some(session), _) => Self::Session(session),
            (None, Some(event)) => Self::Alone(event.uuid.clone()),
            (None, None) => Self::Alone(String::new()),
        }
    }
}

#[component]
fn Chapters(shown: Shown) -> impl IntoView {
    let chapters = Memo::new(move |_| shown.events.with(|events| story(events)));
    let by_key = Memo::new(move |_| {
        chapters.with(|chapters| -> HashMap<Key, Chapter> {
            chapters
                .iter()
                .map(|chapter| (Key::of(chapter), chapter.clone()))
                .collect()
        })
    });
    let chapter = move |chapter: Chapter| {
        let key = Key::of(&chapter);
        let current =
            Memo::new(move |_| by_key.with(|chapters| chapters.get(&key).unwrap_or(&chapter).clone()));
        view! { <ChapterView chapter=current shown /> }
    };
    view! {
        <div class="chapters">
            <For each=move || chapters.get() key=Key::of children=chapter />
        </div>
    }
}

/// The way to earlier sessions: a link, and with script they come to this page.
#[component]
fn Older(shown: Shown) -> impl IntoView {
    let href = move || {
        shown.older.get().map(|older| {
            links::page(&Asked {
                older: Some(older),
                event: None,
                ..shown.asked.get_value()
            })
        })
    };
    let read_on = move |click: leptos::ev::MouseEvent| {
        if shown.alive.get_untracked() && !click.ctrl_key() && !click.meta_key() && !click.shift_key() {
            click.prevent_default();
            shown.read_on();
        }
    };
    view! {
        <p class="older" hidden=move || shown.older.with(Option::is_none)>
            <a class="button secondary" href=href rel="external" on:click=read_on>
                "Earlier sessions"
            </a>
        </p>
    }
}

/// Whose story it is.
#[component]
fn Person(by: String, person: Value, shown: Shown) -> impl IntoView {
    let text = |key: &str| person.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| person.get(key).and_then(Value::as_u64);
    let user = text("user_id");
    let known = move || {
        let of_events = || {
            shown
                .events
                .with(|events| events.iter().find_map(|event| event.user.clone()))
        };
        user.clone()
            .or_else(of_events)
            .unwrap_or_else(|| "not signed in yet".to_owned())
    };
    let devices = Memo::new(move |_| {
        let mut devices: Vec<String> = shown.events.with(|events| {
            let own = events.iter().filter(|event| !event.derived_device);
            own.filter_map(|event| event.device.clone()).collect()
        });
        devices.sort();
        devices.dedup();
        devices
    });
    let seen = text("first_used")
        .zip(text("last_used"))
        .map(|(first, last)| match first == last {
            true => first,
            false => format!("{first} to {last}"),
        });
    let revenue = person
        .get("revenue")
        .and_then(Value::as_f64)
        .filter(|revenue| *revenue != 0.0);
    let fact = |name: &'static str, value: Option<String>| {
        value.map(|value| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
    };
    let counted = number("num_events").zip(number("num_sessions"));
    let counted = counted.map(|(events, sessions)| {
        let of = |count: u64, one: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{} {one}s", grouped(count)),
        };
        format!("{} in {}", of(events, "event"), of(sessions, "session"))
    });
    view! {
        <dl class="person card">
            <div>
                <dt>"User"</dt>
                <dd class="id">{known}</dd>
            </div>
            <div>
                <dt>"Devices"</dt>
                <dd class="id">
                    {move || devices.get().into_iter().map(|device| view! { <span>{device}</span> }).collect_view()}
                </dd>
            </div>
            <div>
                <dt>"Found by"</dt>
                <dd class="id">{by}</dd>
            </div>
            {fact("History", counted)}
            {fact("Seen", seen)}
            {fact("Revenue", revenue.map(|revenue| format!("{revenue:.2}")))}
        </dl>
    }
}

/// `50,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_grouped() {
        let texts = [0, 7, 999, 1_000, 50_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "7", "999", "1,000", "50,000", "1,234,567"]);
    }
}
