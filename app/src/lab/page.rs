//! The page: each disturbance with what it does, the expected result, and the result of its last run.
//!
//! The status, the forms and the list items are live parts: they are refreshed while a run is under way.

use leptos::prelude::*;
use leptos_meta::Title;

use super::disturbance::{Disturbance, GROUPS};
use super::model::{Answered, Board, Outcome, Stand};
use super::result::OutcomeView;
use crate::document::query_value;
use crate::live::Live;
use crate::not_found::NotFoundPage;
use crate::request;

/// The lab. Where there is none the page answers 404.
#[component]
pub fn LabPage() -> impl IntoView {
    match request::current().and_then(|context| context.lab) {
        Some(lab) => {
            let board = lab.borrow().clone();
            view! { <Lab board /> }.into_any()
        }
        None => view! { <NotFoundPage /> }.into_any(),
    }
}

#[component]
fn Lab(board: Board) -> impl IntoView {
    let refusal = query_value("said");
    let refusal = refusal.as_deref().and_then(Answered::sentence);
    let groups = GROUPS.iter().map(|group| {
        let items = group.disturbances.iter().map(|&disturbance| {
            let (stand, outcome) = board.of(disturbance);
            view! { <Bench disturbance stand outcome busy=board.is_busy() /> }
        });
        view! {
            <section aria-labelledby=group.id>
                <h2 id=group.id>{group.title}</h2>
                <ul class="benches">{items.collect_view()}</ul>
            </section>
        }
    });
    let groups = groups.collect_view();
    view! {
        <Title text="Disturbance lab · Seamline" />
        <section class="page lab">
            <div class="page-head">
                <div>
                    <h1>"Disturbance lab"</h1>
                    <p class="lead">
                        "A scripted user signs up, creates a poll, starts a trial through Checkout, cancels and resumes it, pays, and cancels again, while something goes wrong. Then the lab reads the user's timeline and shows the verdict on it."
                    </p>
                </div>
            </div>
            {refusal.map(|sentence| view! { <p class="banner fault" role="alert">{sentence}</p> })}
            <Live feed="/lab/live".to_owned() />
            <Status board />
            <div id="benches">{groups}</div>
        </section>
    }
}

/// What the lab does at the moment, and the button that runs everything.
#[component]
fn Status(board: Board) -> impl IntoView {
    let busy = board.is_busy();
    view! {
        <div id="lab-board" class="lab-board card">
            // The element stays when its text is refreshed, so that screen readers announce the change.
            <p id="lab-state" class="lab-state" role="status" data-busy=busy.to_string() data-live>
                <span class="spinner" aria-hidden="true" hidden=!busy></span>
                {board.in_words()}
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
                "A run changes the stand-ins for all users of this machine. It sets their fault switches, and restores them at the end. It moves the clock of the stand-in for Stripe to the end of a trial, about three days, and creates new accounts each time. Running all disturbances takes one to two minutes."
            </p>
        </div>
    }
}

/// One disturbance.
#[component]
fn Bench(
    disturbance: Disturbance,
    /// Whether it runs or is queued.
    stand: Stand,
    /// The result of its last run.
    outcome: Option<Outcome>,
    /// A run is under way, of this disturbance or another one.
    busy: bool,
) -> impl IntoView {
    let name = disturbance.name();
    let spoken = format!("Run: {}", disturbance.title());
    let badge = match stand {
        Stand::Idle => None,
        Stand::Waiting => Some(view! { <p class="badge plain">"Queued"</p> }.into_any()),
        Stand::Running(step) => Some(
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
        <li id=format!("bench-{name}") class="bench card" data-disturbance=name data-live>
            <div class="bench-head">
                <h3>{disturbance.title()}</h3>
                <RunForm run=name label="Run" busy spoken />
            </div>
            <p>{disturbance.describes()}</p>
            <p class="quiet">
                <span class="expect">"Expected: "</span>
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
        <form method="post" action="/lab" class="action">
            <input type="hidden" name="run" value=run />
            <button type="submit" id=format!("start-{run}") class=class aria-label=spoken disabled=busy>
                {label}
            </button>
        </form>
    }
}
