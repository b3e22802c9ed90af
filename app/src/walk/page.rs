//! The page: each step with what to do, its status, which IDs move, and the event that completes it.

use leptos::prelude::*;
use leptos_meta::Title;

use super::model::{Walk, Walker};
use super::queries;
use super::status::{Evidence, Missing, StepStatus};
use super::steps::WalkStep;
use crate::document::{document, unreadable};
use crate::not_found::NotFoundPage;
use crate::page::use_page;
use crate::timeline::event_url;

/// The walk; outside of local mode the page does not exist.
#[component]
pub fn WalkPage() -> impl IntoView {
    document(|context| async move {
        match queries::walk(&context).await {
            Ok(Some(walk)) => view! { <WalkSteps walk /> }.into_any(),
            Ok(None) => view! { <NotFoundPage /> }.into_any(),
            Err(error) => unreadable("The guided walk", &error),
        }
    })
}

#[component]
fn WalkSteps(walk: Walk) -> impl IntoView {
    let page = use_page();
    let (done, total) = (walk.done(), walk.steps.len());
    let next = walk.next().map(|(_, step, _)| step);
    let sentence = match (next, &walk.walker) {
        (None, _) => "All steps are done. The timeline shows them together.",
        (_, Walker::Unknown) => "Tracking is off in this browser, so no event can complete a step.",
        (_, Walker::SignedOut(_)) => {
            "You are signed out. This is still the walk of the account that was signed in here last."
        }
        (_, Walker::Account(_) | Walker::Device(_)) => {
            "A step is done when its event has arrived, usually within two seconds."
        }
    };
    // After the sign-out this browser is a new device.
    let device_now = page.device.clone().filter(|_| page.me.is_none());
    let find = walk.walker.id();
    let steps = walk
        .steps
        .iter()
        .map(|(step, status)| {
            let device_now = device_now.clone().filter(|_| *step == WalkStep::SignOut);
            view! {
                <StepView
                    step=*step
                    status=status.clone()
                    next=next == Some(*step)
                    find=find.map(str::to_owned)
                    device_now
                />
            }
        })
        .collect_view();
    view! {
        <Title text="Guided walk · Seamline" />
        <section class="walk">
            <div class="page-head">
                <div>
                    <h1>"Guided walk"</h1>
                    <p class="lead">
                        "Six steps from a first visit to a shared laptop. Your own events complete them, and each links to its event."
                    </p>
                </div>
                <a class="button secondary" href="/walk">
                    "Check again"
                </a>
            </div>
            <p class="walk-progress">
                <progress class="inline" max=total value=done aria-hidden="true"></progress>
                <strong>{format!("{done} of {total} done.")}</strong>
                " "
                <span class="quiet">{sentence}</span>
            </p>
            <ol class="walk-steps">{steps}</ol>
            <NextStep walk />
        </section>
    }
}

/// The content of the panel on other pages. It is hidden on this page, which has the steps as cards.
#[component]
fn NextStep(walk: Walk) -> impl IntoView {
    let total = walk.steps.len();
    let step = match walk.next() {
        None => view! { <p>"All six steps are done."</p> }.into_any(),
        Some((number, step, status)) => {
            let (href, label) = place(step, status);
            view! {
                <p class="quiet">{format!("Step {number} of {total}")}</p>
                <p class="walk-panel-title">{step.title()}</p>
                <p>{step.instruction()}</p>
                <p>
                    <a class="button small" href=href>
                        {label}
                    </a>
                </p>
            }
            .into_any()
        }
    };
    view! {
        <div id="walk-next" hidden>
            {step}
            <p>
                <a href="/walk">"All six steps"</a>
            </p>
        </div>
    }
}

#[component]
fn StepView(
    /// Which.
    step: WalkStep,
    /// Its status.
    status: StepStatus,
    /// It is the first that is not done.
    next: bool,
    /// The ID that leads to the walker's timeline.
    find: Option<String>,
    /// For the sign-out: this browser's device ID after it.
    device_now: Option<String>,
) -> impl IntoView {
    let (class, state, label) = match (&status, next) {
        (StepStatus::Done(_), _) => ("card done", "done", "Done"),
        (StepStatus::Begun(_), true) => ("card next", "begun", "In progress"),
        (StepStatus::Begun(_), false) => ("card", "begun", "In progress"),
        (StepStatus::Open, true) => ("card next", "next", "Next"),
        (StepStatus::Open, false) => ("card dashed", "open", "To do"),
    };
    let body = match status {
        StepStatus::Done(evidence) => {
            view! { <EvidenceView evidence=*evidence find device_now /> }.into_any()
        }
        status => {
            let (href, label) = place(step, &status);
            let missing = match &status {
                StepStatus::Begun(missing) => Some(missing.sentence()),
                _ => None,
            };
            let button = if next {
                "button small"
            } else {
                "button secondary small"
            };
            view! {
                {missing.map(|sentence| view! { <p class="walk-missing">{sentence}</p> })}
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
        <li class=class data-step=step.name() data-status=state>
            <header>
                <h2>{step.title()}</h2>
                <span class="badge plain">{label}</span>
            </header>
            <p>{step.instruction()}</p>
            <p class="quiet">
                <strong>"Which IDs move. "</strong>
                {step.explanation()}
            </p>
            {body}
        </li>
    }
}

/// The link of a step that is not done. A poll that waits for a friend's vote has its own link.
fn place(step: WalkStep, status: &StepStatus) -> (String, &'static str) {
    match status {
        StepStatus::Begun(Missing::FriendVote(poll)) => {
            (format!("/polls/{poll}"), "To your poll and its link")
        }
        _ => {
            let (href, label) = step.place();
            (href.to_owned(), label)
        }
    }
}

/// The event that completes a step: a link to it, and its IDs.
#[component]
fn EvidenceView(evidence: Evidence, find: Option<String>, device_now: Option<String>) -> impl IntoView {
    let device = evidence.device().map(str::to_owned);
    let (event, of_another_person) = (evidence.event, evidence.of_another_person);
    let find = match of_another_person {
        true => event.user.clone().or_else(|| device.clone()),
        false => find,
    };
    let at = event.times.first().and_then(|(_, text)| text.get(..19));
    let href = event_url(find.as_deref(), &event.uuid);
    let none = || "none".to_owned();
    let stitched = event.stitched_by.and_then(|by| serde_json::to_value(by).ok());
    let stitched = stitched.and_then(|by| by.as_str().map(str::to_owned));
    let row = |name: &'static str, value: String| view! { <div><dt>{name}</dt><dd class="id one-line">{value}</dd></div> };
    let device_label = if of_another_person {
        "Their device"
    } else {
        "Device"
    };
    view! {
        <div class=format!("walk-evidence {}", event.source.as_str())>
            <p class="walk-event">
                <a href=href>{event.name.clone()}</a>
                {at.map(|at| view! { " "<span class="event-time">{format!("{at} UTC")}</span> })}
            </p>
            <dl class="event-ids">
                {row("User", event.user.clone().unwrap_or_else(none))}
                {row(device_label, device.unwrap_or_else(none))}
                {row("Session", event.session.map_or_else(none, |session| session.to_string()))}
                {stitched.map(|by| row("Stitched by", by))}
                {device_now.map(|device| row("Device now", device))}
            </dl>
        </div>
    }
}
