//! The page: each step with what to do, whether it is done, which ID moved, and the event that shows it.

use leptos::either::EitherOf3;
use leptos::prelude::*;
use leptos_meta::Title;

use super::api::{Walk, Whose, read_walk};
use super::steps::{Begun, Evidence, Stand, Step};
use crate::document;
use crate::not_found::NotFoundPage;
use crate::page::use_page;
use crate::timeline::event_address;

/// The walk, where there is one.
#[component]
pub fn WalkPage() -> impl IntoView {
    if use_page().walk {
        view! { <WalkThrough /> }.into_any()
    } else {
        document::answer_not_found();
        view! { <NotFoundPage /> }.into_any()
    }
}

#[component]
fn WalkThrough() -> impl IntoView {
    let walk = Resource::new_blocking(|| (), |()| read_walk());
    view! {
        <Title text="Guided walk · Seamline" />
        <section class="page walk">
            <div class="page-head">
                <div>
                    <h1>"Guided walk"</h1>
                    <p class="lead">
                        "Six steps from a first visit to a shared laptop. Your own events tick them, so each can be looked at."
                    </p>
                </div>
                <a class="button secondary" href="/walk" rel="external">
                    "Look again"
                </a>
            </div>
            <Suspense fallback=|| view! { <p class="quiet" aria-busy="true">"Looking at your events…"</p> }>
                {move || Suspend::new(async move {
                    match walk.await {
                        Ok(Some(walk)) => EitherOf3::A(view! { <Steps walk /> }),
                        Ok(None) => EitherOf3::B(view! { <NotFoundPage /> }),
                        Err(_) => EitherOf3::C(view! {
                            <p class="fault banner" role="alert">
                                "The walk cannot be read right now. Please load the page again."
                            </p>
                        }),
                    }
                })}
            </Suspense>
        </section>
    }
}

#[component]
fn Steps(walk: Walk) -> impl IntoView {
    let page = use_page();
    let (done, of) = (walk.done(), walk.steps.len());
    let next = walk.next().map(|(_, step, _)| step);
    let said = match (next, &walk.whose) {
        (None, _) => "All done. The timeline tells it as one story.",
        (_, Whose::Nobody) => "Tracking is off in this browser, so nothing that you do can tick a step.",
        (_, Whose::Left(_)) => {
            "You are signed out. This is still the walk of the account that was signed in here last."
        }
        (_, Whose::Account(_) | Whose::Device(_)) => {
            "A step is ticked as soon as its event has arrived: mostly within a second or two."
        }
    };
    let present = page.device.filter(|_| page.me.is_none());
    let whose = walk.whose.id().map(str::to_owned);
    let step = |(step, stand): (Step, Stand)| {
        let device_now = present.clone().filter(|_| step == Step::SignOut);
        view! { <StepView step stand next=next == Some(step) whose=whose.clone() device_now /> }
    };
    view! {
        <p class="walk-progress">
            <progress max=of value=done aria-hidden="true"></progress>
            <strong>{format!("{done} of {of} done.")}</strong>
            " "
            <span class="quiet">{said}</span>
        </p>
        <ol class="walk-steps">{walk.steps.into_iter().map(step).collect_view()}</ol>
    }
}

#[component]
fn StepView(
    /// Which.
    step: Step,
    /// How it stands.
    stand: Stand,
    /// It is the first that is not done.
    next: bool,
    /// The ID by which the walker's story is found.
    whose: Option<String>,
    /// Of the step after which this browser is another device: that device, if it already is.
    device_now: Option<String>,
) -> impl IntoView {
    let (class, word) = match (&stand, next) {
        (Stand::Done(_), _) => ("card done", "done"),
        (Stand::Begun(_), _) => ("card begun", "begun"),
        (Stand::Open, true) => ("card next", "next"),
        (Stand::Open, false) => ("card alone", "open"),
    };
    let class = if next && class != "card next" {
        format!("{class} next")
    } else {
        class.to_owned()
    };
    let body = match stand {
        Stand::Done(event) => view! { <Seen event=*event whose device_now /> }.into_any(),
        stand => {
            let (href, label) = place(step, &stand);
            let begun = match &stand {
                Stand::Begun(begun) => Some(begun.in_words()),
                _ => None,
            };
            let button = if next {
                "button small"
            } else {
                "button secondary small"
            };
            view! {
                {begun.map(|sentence| view! { <p class="begun-so-far">{sentence}</p> })}
                <p>
                    <a class=button href=href>
                        {label}
                    </a>
                </p>
            }
            .into_any()
        }
    };
    view! {
        <li class=class data-step=step.name() data-stand=word>
            <header>
                <h2>{step.title()}</h2>
                <span class="badge plain">{word}</span>
            </header>
            <p>{step.asks()}</p>
            <p class="quiet">
                <strong>"What moves. "</strong>
                {step.moves()}
            </p>
            {body}
        </li>
    }
}

/// Where to go for a step that is not done: its place, unless what has been seen of it leads further.
pub(super) fn place(step: Step, stand: &Stand) -> (String, &'static str) {
    match stand {
        Stand::Begun(Begun::NoVote(poll)) => (format!("/polls/{poll}"), "To your poll and its link"),
        _ => {
            let (href, label) = step.place();
            (href.to_owned(), label)
        }
    }
}

/// The event that ticked a step: its IDs, and the way to it.
#[component]
fn Seen(event: Evidence, whose: Option<String>, device_now: Option<String>) -> impl IntoView {
    let find = match event.elsewhere {
        true => event.user.clone().or_else(|| event.device.clone()),
        false => whose,
    };
    let href = event_address(find.as_deref(), &event.uuid);
    let none = || "none".to_owned();
    let stitched = event.stitched_by.and_then(|by| serde_json::to_value(by).ok());
    let stitched = stitched.and_then(|by| by.as_str().map(str::to_owned));
    let fact =
        |name: &'static str, value: String| view! { <div><dt>{name}</dt><dd class="id">{value}</dd></div> };
    let whose_device = if event.elsewhere { "Their device" } else { "Device" };
    view! {
        <div class=format!("seen {}", event.source)>
            <p class="seen-event">
                <a href=href rel="external">
                    {event.name}
                </a>
                {event.at.map(|at| view! { " "<span class="at">{format!("{at} UTC")}</span> })}
            </p>
            <dl class="threads">
                {fact("User", event.user.unwrap_or_else(none))}
                {fact(whose_device, event.device.unwrap_or_else(none))}
                {fact("Session", event.session.map_or_else(none, |session| session.to_string()))}
                {stitched.map(|by| fact("Stitched by", by))}
                {device_now.map(|device| fact("Device now", device))}
            </dl>
        </div>
    }
}
