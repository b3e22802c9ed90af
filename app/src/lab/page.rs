//! The page: each disturbance with what it does, the expected result, and the result of its last run.
//!
//! The status, the forms and the list items are live parts: they are refreshed while a run is under way.

use leptos::prelude::*;
use leptos_meta::Title;

use super::disturbance::{Disturbance, GROUPS};
use super::model::{LabState, Outcome, RunState, StartAnswer};
use super::result::OutcomeView;
use crate::document::query_value;
use crate::live::Live;
use crate::not_found::NotFoundPage;
use crate::request;

/// The lab. A server without a lab answers 404.
#[component]
pub fn LabPage() -> impl IntoView {
    match request::with_current(|context| context.lab.clone()).flatten() {
        Some(lab) => {
            let state = lab.borrow().clone();
            view! { <Lab state /> }.into_any()
        }
        None => view! { <NotFoundPage /> }.into_any(),
    }
}

#[component]
fn Lab(state: LabState) -> impl IntoView {
    let refusal = query_value("said");
    let refusal = refusal.as_deref().and_then(StartAnswer::sentence);
    let groups = GROUPS.iter().map(|group| {
        let items = group.disturbances.iter().map(|&disturbance| {
            let (run_state, outcome) = state.of(disturbance);
            view! { <Bench disturbance run_state outcome busy=state.is_busy() /> }
        });
        view! {
            <section aria-labelledby=group.id>
                <h2 id=group.id>{group.title}</h2>
                <ul class="lab-disturbances">{items.collect_view()}</ul>
            </section>
        }
    });
    let groups = groups.collect_view();
    view! {
        <Title text="Disturbance lab · Seamline" />
        <section class="lab">
            <div class="page-head">
                <div>
                    <h1>"Disturbance lab"</h1>
                    <p class="lead">
                        "A scripted user signs up, creates a poll, starts a trial through Checkout, cancels and resumes it, pays, and cancels again, while something goes wrong. Then the lab reads the user's timeline and shows the verdict on it."
                    </p>
                </div>
            </div>
            {refusal.map(|sentence| view! { <p class="banner error" role="alert">{sentence}</p> })}
            <Live feed="/lab/live".to_owned() />
            <Status state />
            <div id="disturbances">{groups}</div>
        </section>
    }
}

/// The current state of the lab, and the button that runs all disturbances.
#[component]
fn Status(state: LabState) -> impl IntoView {
    let busy = state.is_busy();
    view! {
        <div id="lab-status" class="lab-status card">
            // The element stays when its text is refreshed, so that screen readers announce the change.
            <p id="lab-state" class="lab-state" role="status" data-busy=busy.to_string() data-live>
                <span class="spinner" aria-hidden="true" hidden=!busy></span>
                {state.in_words()}
            </p>
            <div class="actions">
                <div id="run-all" data-live>
                    <RunForm run="all" label="Run all" busy spoken="Run all disturbances" />
                </div>
                <a href="/lab/results">"As JSON"</a>
                <noscript>
                    <a href="/lab">"Look again"</a>
                </noscript>
            </div>
            <p class="quiet">
                "A run changes the run_state-ins for all users of this machine. It sets their fault switches, and restores them at the end. It moves the clock of the run_state-in for Stripe to the end of a trial, about three days, and creates new accounts each time. Running all disturbances takes one to two minutes."
            </p>
        </div>
    }
}

/// One disturbance.
#[component]
fn Bench(
    disturbance: Disturbance,
    /// Whether it runs or is queued.
    run_state: RunState,
    /// The result of its last run.
    outcome: Option<Outcome>,
    /// A run is under way, of this disturbance or another one.
    busy: bool,
) -> impl IntoView {
    let name = disturbance.name();
    let spoken = format!("Run: {}", disturbance.title());
    let badge = match run_state {
        RunState::Idle => None,
        RunState::Waiting => Some(view! { <p class="badge plain">"Queued"</p> }.into_any()),
        RunState::Running(step) => Some(
            view! {
                <p class="badge note">
                    <span class="spinner" aria-hidden="true"></span>
                    {step}
                </p>
            }
            .into_any(),
        ),
    };
    view! {
        <li id=format!("disturbance-{name}") class="lab-disturbance card" data-disturbance=name data-live>
            <div class="lab-disturbance-head">
                <h3>{disturbance.title()}</h3>
                <RunForm run=name label="Run" busy spoken />
            </div>
            <p>{disturbance.describes()}</p>
            <p class="quiet">
                <span class="lab-expected">"Expected: "</span>
                {disturbance.expect()}
            </p>
            {badge}
            {outcome.map(|outcome| view! { <OutcomeView disturbance outcome /> })}
        </li>
    }
}

/// The button that starts a run. It is disabled while a run is under way.
#[component]
fn RunForm(
    /// Name of the disturbance, or `all`.
    run: &'static str,
    /// Label of the button.
    label: &'static str,
    /// A run is under way.
    busy: bool,
    /// Label of the button for screen readers.
    #[prop(into)]
    spoken: String,
) -> impl IntoView {
    let class = (run != "all").then_some("secondary small");
    view! {
        <form method="post" action="/lab" class="button-form">
            <input type="hidden" name="run" value=run />
            <button type="submit" id=format!("start-{run}") class=class aria-label=spoken disabled=busy>
                {label}
            </button>
        </form>
    }
}
