//! A timeline in miniature: the visitor's own newest events where they can be had, and until then an example that says
//! that it is one, and why.
//!
//! The document waits for nobody: it has the example, and the browser asks for events once it is alive.

use leptos::prelude::*;
use tracking::Choice;

use crate::page::{Page, use_page};
use crate::timeline::{Glimpse, Glimpsed};

/// The example's title.
const ONE_SESSION: &str = "One session, as it should read";

/// As text, since a browser with script reads no elements in it; by name, since Leptos writes a literal there as it writes
/// any other attribute.
const WITHOUT_SCRIPT: &str = r#"<p class="why">With JavaScript your own events grow here. Without, <a href="/timeline">your timeline</a> has them.</p>"#;

/// One's own events, or the example.
#[component]
pub(super) fn Miniature() -> impl IntoView {
    let page = use_page();
    match Instead::of(&page) {
        Some(why) => view! {
            <figure class="card miniature">
                <figcaption>{ONE_SESSION}</figcaption>
                <Example />
                <p class="why">{why.in_words()} {why.leads().map(|(href, text)| view! { " "<a href=href>{text}</a> })}</p>
            </figure>
        }
        .into_any(),
        None => view! { <Own /> }.into_any(),
    }
}

/// Why the example stands there instead of one's own events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instead {
    /// A real project's queries are counted, and a landing page has many visitors.
    Project,
    /// Their browser says Global Privacy Control.
    Signal,
    /// They said no.
    Denied,
    /// They have said nothing yet, and a yes is needed.
    Unasked,
}

impl Instead {
    fn of(page: &Page) -> Option<Self> {
        let privacy = page.privacy;
        Some(match () {
            () if !privacy.tracked && privacy.choice == Choice::Denied => Self::Denied,
            () if !privacy.tracked && privacy.signal => Self::Signal,
            () if !privacy.tracked => Self::Unasked,
            () if page.collector_page.is_none() => Self::Project,
            () => return None,
        })
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::Project => {
                "An example. Your own events go to Amplitude, which counts how often it is asked: they are read for you, once you want them."
            }
            Self::Signal => {
                "An example. Your browser asks not to be tracked (Global Privacy Control), so you have no events here."
            }
            Self::Denied => "An example. You said no to tracking, so you have no events here.",
            Self::Unasked => {
                "An example. Nothing of you is counted before you agree, so you have no events here yet."
            }
        }
    }

    const fn leads(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Project => Some(("/timeline", "Read your timeline")),
            Self::Signal | Self::Denied => Some(("/privacy", "Your choice")),
            // The question stands below.
            Self::Unasked => None,
        }
    }
}

/// The visitor's own, as they arrive.
#[component]
fn Own() -> impl IntoView {
    let glimpsed = RwSignal::new(Glimpsed::Reading);
    let empty = Memo::new(move |_| glimpsed.with(|glimpsed| *glimpsed != Glimpsed::Events));
    let sentence = move || match glimpsed.get() {
        // All that can be said without script.
        Glimpsed::Reading => "An example.",
        Glimpsed::Nothing => {
            "An example, for a moment yet: your first event is on its way, and will appear here."
        }
        Glimpsed::Unreadable => "An example. Your own events cannot be read right now.",
        Glimpsed::Events => "These are yours. Look at a few pages in another tab, and watch them arrive.",
    };
    view! {
        <figure class="card miniature" data-own=move || (!empty.get()).to_string()>
            <figcaption class:live=move || !empty.get()>
                {move || if empty.get() { ONE_SESSION } else { "Your timeline, live" }}
            </figcaption>
            <div hidden=move || !empty.get()>
                <Example />
            </div>
            <div hidden=move || empty.get()>
                <Glimpse glimpsed />
            </div>
            <p class="why" role="status">
                {sentence}
            </p>
            <noscript inner_html=WITHOUT_SCRIPT></noscript>
        </figure>
    }
}

/// One session and what came after it, as the timeline shows them.
#[component]
fn Example() -> impl IntoView {
    let step = |class: &'static str, source: &'static str, name: &'static str, at: &'static str| {
        view! {
            <li class=class>
                <div class="event">
                    <span class="badge">{source}</span>
                    <span class="name">{name}</span>
                    <span class="at">{at}</span>
                </div>
            </li>
        }
    };
    view! {
        <p class="quiet carried">"Every event carries the same device and the same session."</p>
        <ol class="seam">
            {step("browser", "browser", "Page Viewed", "0:00")}
            {step("server", "server", "Sign-up completed", "0:24")}
            {step("browser", "browser", "Poll created", "1:10")}
            {step("browser", "browser", "Trial checkout clicked", "2:05")}
            {step("stripe", "Stripe", "Trial started", "2:36")}
        </ol>
        <p class="quiet later">"Three days later, with nobody there: no session."</p>
        <ol class="seam">{step("stripe", "Stripe", "Trial converted", "day 3")}</ol>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::Privacy;

    #[test]
    fn why_there_is_an_example() {
        for (choice, tracked, signal, local, expected) in [
            (Choice::Unset, true, false, true, None),
            (Choice::Granted, true, true, true, None),
            (Choice::Granted, true, false, false, Some(Instead::Project)),
            (Choice::Unset, false, false, false, Some(Instead::Unasked)),
            (Choice::Unset, false, true, true, Some(Instead::Signal)),
            (Choice::Denied, false, true, true, Some(Instead::Denied)),
        ] {
            let page = Page {
                privacy: Privacy {
                    choice,
                    tracked,
                    signal,
                },
                collector_page: local.then(|| "http://localhost".to_owned()),
                ..Page::default()
            };
            assert_eq!(
                Instead::of(&page),
                expected,
                "{choice:?} {tracked} {signal} {local}"
            );
        }
    }
}
