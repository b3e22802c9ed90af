//! A small timeline: an example, or the visitor's own newest events.
//!
//! The page is rendered with the example, so it does not wait for Amplitude. Where the visitor can have events, the script
//! refreshes the figure once after the load, and again when an event arrives; a refresh renders the events.

use leptos::prelude::*;
use tracking::Choice;
use tracking::received::ReceivedEvent;

use crate::document::document;
use crate::live::Live;
use crate::page::{Page, use_page};
use crate::timeline::{RecentEvents, recent_events};

/// Title of the example.
const EXAMPLE_TITLE: &str = "One session, as a timeline shows it";

/// The example, or the visitor's events.
#[component]
pub(super) fn LandingTimeline() -> impl IntoView {
    match ExampleReason::of(&use_page()) {
        Some(reason) => {
            let link = reason
                .link()
                .map(|(href, text)| view! { " "<a href=href>{text}</a> });
            view! {
                <figure class="card landing-timeline" id="recent" data-live>
                    <figcaption>{EXAMPLE_TITLE}</figcaption>
                    <Example />
                    <p class="quiet landing-note">{reason.sentence()} {link}</p>
                </figure>
            }
            .into_any()
        }
        None => view! {
            {document(|context| async move {
                if context.refresh {
                    refreshed(recent_events(&context).await)
                } else {
                    view! { <BeforeRefresh /> }.into_any()
                }
            })}
            <Live feed="/timeline/live".to_owned() />
        }
        .into_any(),
    }
}

/// Why the figure is an example instead of the visitor's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExampleReason {
    /// A real project: Amplitude limits the number of queries, and a landing page has many visitors.
    Project,
    /// The browser sends Global Privacy Control.
    Signal,
    /// Consent is denied.
    Denied,
    /// Consent is needed, and the visitor has not chosen yet.
    Unasked,
}

impl ExampleReason {
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

    const fn sentence(self) -> &'static str {
        match self {
            Self::Project => {
                "An example. Your own events are at Amplitude, which limits the number of queries, so this page does not read them."
            }
            Self::Signal => {
                "An example. Your browser asks not to be tracked (Global Privacy Control), so you have no events here."
            }
            Self::Denied => "An example. You declined tracking, so you have no events here.",
            Self::Unasked => {
                "An example. Nothing is counted before you agree to it, so you have no events here yet."
            }
        }
    }

    const fn link(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Project => Some(("/timeline", "Read your timeline")),
            Self::Signal | Self::Denied => Some(("/privacy", "Change your choice")),
            // The consent banner is on the same page.
            Self::Unasked => None,
        }
    }
}

/// The example, until the first refresh.
#[component]
fn BeforeRefresh() -> impl IntoView {
    view! {
        <figure class="card landing-timeline" id="recent" data-own="false" data-live>
            <figcaption>{EXAMPLE_TITLE}</figcaption>
            <Example />
            <p class="quiet landing-note" role="status">
                "An example."
            </p>
            <noscript>
                <p class="quiet landing-note">
                    "With JavaScript, your own events appear here. Without it, they are in "
                    <a href="/timeline">"your timeline"</a> "."
                </p>
            </noscript>
        </figure>
    }
}

/// The visitor's events, or the example and why there are none.
fn refreshed<E: std::error::Error + 'static>(events: Result<Vec<ReceivedEvent>, E>) -> AnyView {
    let sentence = match events {
        Ok(events) if !events.is_empty() => return view! { <Own events /> }.into_any(),
        Ok(_) => "An example. Your first event is on its way, and will appear here.",
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot read the newest events"
            );
            "An example. Your own events cannot be read right now."
        }
    };
    view! {
        <figure class="card landing-timeline" id="recent" data-own="false" data-live>
            <figcaption>{EXAMPLE_TITLE}</figcaption>
            <Example />
            <p class="quiet landing-note" role="status">
                {sentence}
            </p>
        </figure>
    }
    .into_any()
}

#[component]
fn Own(events: Vec<ReceivedEvent>) -> impl IntoView {
    view! {
        <figure class="card landing-timeline" id="recent" data-own="true" data-live>
            <figcaption class="live">"Your timeline, live"</figcaption>
            <RecentEvents events />
            <p class="quiet landing-note" role="status">
                "These are your own events. Open a few pages in another tab, and they appear here."
            </p>
        </figure>
    }
}

/// One session and a later event, as the timeline shows them.
#[component]
fn Example() -> impl IntoView {
    let step = |class: &'static str, source: &'static str, name: &'static str, at: &'static str| {
        view! {
            <li class=class>
                <div class="event-row">
                    <span class="badge">{source}</span>
                    <span class="event-name">{name}</span>
                    <span class="event-time">{at}</span>
                </div>
            </li>
        }
    };
    view! {
        <p class="quiet landing-ids">"Every event carries the same device and the same session."</p>
        <ol class="event-list">
            {step("browser", "browser", "Page Viewed", "0:00")}
            {step("server", "server", "Sign-up completed", "0:24")}
            {step("browser", "browser", "Poll created", "1:10")}
            {step("browser", "browser", "Trial checkout clicked", "2:05")}
            {step("stripe", "Stripe", "Trial started", "2:36")}
        </ol>
        <p class="quiet landing-later">"Three days later, without the user: no session."</p>
        <ol class="event-list">{step("stripe", "Stripe", "Trial converted", "day 3")}</ol>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::Privacy;

    #[test]
    fn the_reason_for_the_example() {
        for (choice, tracked, signal, local, expected) in [
            (Choice::Unset, true, false, true, None),
            (Choice::Granted, true, true, true, None),
            (Choice::Granted, true, false, false, Some(ExampleReason::Project)),
            (Choice::Unset, false, false, false, Some(ExampleReason::Unasked)),
            (Choice::Unset, false, true, true, Some(ExampleReason::Signal)),
            (Choice::Denied, false, true, true, Some(ExampleReason::Denied)),
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
                ExampleReason::of(&page),
                expected,
                "{choice:?} {tracked} {signal} {local}"
            );
        }
    }
}
