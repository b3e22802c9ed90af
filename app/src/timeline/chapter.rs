//! A session of the story, or an event that stands alone.

use leptos::prelude::*;
use serde_json::Value;
use tracking::received::{Chapter, Source};

use super::event::{EventView, class};
use super::links;
use super::story::Shown;

/// A chapter with its events, oldest first. It grows while it is read: what is open stays open.
#[component]
pub(super) fn ChapterView(#[prop(into)] chapter: Signal<Chapter>, shown: Shown) -> impl IntoView {
    let session = chapter.with_untracked(|chapter| chapter.session);
    let title = match session {
        Some(session) => {
            let alone = links::session(&shown.asked.get_value(), session);
            view! {
                <header>
                    <h2>
                        "Session " <a class="id" href=alone title="Only this session">{session}</a>
                    </h2>
                    <p class="quiet">{move || chapter.with(span_in_words)}</p>
                    <p class="quiet entry">{move || chapter.with(entry_in_words)}</p>
                    <Tally chapter />
                </header>
            }
            .into_any()
        }
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
                    <EventView event shown />
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
    let begin = begin(chapter)
        .map(|begin| format!("{begin} · "))
        .unwrap_or_default();
    format!("{begin}{}", duration(chapter.duration_ms()))
}

/// `1:04 min`, `2:10 h`, `3 days`.
pub(super) fn duration(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..3_600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        3_600..172_800 => format!("{}:{:02} h", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Where the visit began, and where it came from.
fn entry_in_words(chapter: &Chapter) -> Option<String> {
    let entry = chapter.entry()?;
    // Later pages may come from Stripe; the visit did not.
    let first = chapter.events.iter().find(|event| event.page() == Some(entry));
    let text = |key: &str| {
        let text = first?.properties.get(key).and_then(Value::as_str);
        text.filter(|text| !text.is_empty() && *text != "EMPTY")
    };
    let own = text("[Amplitude] Page Domain");
    let referrer = text("referring_domain").filter(|from| from.split(':').next() != own);
    Some(match referrer {
        Some(referrer) => format!("entered at {entry} from {referrer}"),
        None => format!("entered at {entry}"),
    })
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
    view! { <ul class="tally">{Source::ALL.map(line).collect_view()}</ul> }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_read_like_durations() {
        for (ms, text) in [
            (0, "0:00 min"),
            (64_999, "1:04 min"),
            (7_800_000, "2:10 h"),
            (300_000_000, "3 days"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }
}
