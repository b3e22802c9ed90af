//! The page: each disturbance with what it does, what to expect, and what came of it.

use leptos::either::EitherOf3;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::api::read_lab;
use super::board::{Board, Stand};
use super::disturbance::{Disturbance, Group};
use super::live;
use super::result::OutcomeView;
use crate::document;
use crate::not_found::NotFoundPage;
use crate::page::use_page;

/// What the lab answers to somebody who starts a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It runs.
    Started,
    /// Something else does.
    Busy,
    /// There is no such disturbance.
    Unknown,
}

impl Answered {
    /// Its name in the page's URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Busy => "busy",
            Self::Unknown => "unknown",
        }
    }

    /// What the page says of it; what runs says so itself.
    fn sentence(name: &str) -> Option<&'static str> {
        match name {
            "busy" => Some(
                "Nothing was started: a run is under way, and the stand-ins can only be disturbed by one.",
            ),
            "unknown" => Some("Nothing was started: there is no such disturbance."),
            _ => None,
        }
    }
}

/// For browsers without script. As text, since others read no elements in it; by name, since Leptos writes a literal there
/// as it writes any other attribute.
const LOOK_AGAIN: &str = r#"<a href="/lab">Look again</a>"#;

/// The lab, where there is one.
#[component]
pub fn LabPage() -> impl IntoView {
    if use_page().lab {
        view! { <Lab /> }.into_any()
    } else {
        document::answer_not_found();
        view! { <NotFoundPage /> }.into_any()
    }
}

#[component]
fn Lab() -> impl IntoView {
    let board = Resource::new_blocking(|| (), |()| read_lab());
    let answered = use_query_map().with_untracked(|query| query.get("said"));
    let answered = answered.as_deref().and_then(Answered::sentence);
    view! {
        <Title text="Disturbance lab · Seamline" />
        <section class="page lab">
            <div class="page-head">
                <div>
                    <h1>"Disturbance lab"</h1>
                    <p class="lead">
                        "A scripted person signs up, makes a poll, starts a trial through Checkout, changes their mind twice, pays, and cancels, while something goes wrong. Then the verdict is read on their story."
                    </p>
                </div>
            </div>
            {answered.map(|sentence| view! { <p class="banner fault" role="alert">{sentence}</p> })}
            <Suspense fallback=|| view! { <p class="quiet" aria-busy="true">"Looking…"</p> }>
                {move || Suspend::new(async move {
                    match board.await {
                        Ok(Some(board)) => EitherOf3::A(view! { <Benches start=board /> }),
                        Ok(None) => EitherOf3::B(view! { <NotFoundPage /> }),
                        Err(_) => EitherOf3::C(view! {
                            <p class="fault banner" role="alert">
                                "The lab cannot be read right now. Please load the page again."
                            </p>
                        }),
                    }
                })}
            </Suspense>
        </section>
    }
}

#[component]
fn Benches(start: Board) -> impl IntoView {
    let board = RwSignal::new(start);
    live::follow(move |newer| {
        // The page may have been left meanwhile.
        let _ = board.try_set(newer);
    });
    let busy = Memo::new(move |_| board.with(Board::is_busy));
    let words = Memo::new(move |_| board.with(Board::in_words));
    let groups = Group::ALL.into_iter().map(|group| {
        let cards = group
            .disturbances()
            .map(|disturbance| view! { <Bench disturbance board busy /> });
        let id = group.id();
        view! {
            <section aria-labelledby=id>
                <h2 id=id>{group.title()}</h2>
                <ul class="benches">{cards.collect_view()}</ul>
            </section>
        }
    });
    view! {
        <div class="lab-board card" data-busy=move || busy.get().to_string()>
            <p class="lab-state" role="status">
                <span class="spinner" aria-hidden="true" hidden=move || !busy.get()></span>
                {move || words.get()}
            </p>
            <div class="actions">
                <RunForm name="all" label="Run all" busy spoken="Run all disturbances" />
                <a href="/lab/results" rel="external">
                    "As JSON"
                </a>
                <noscript inner_html=LOOK_AGAIN></noscript>
            </div>
            <p class="quiet">
                "A run takes the stand-ins for itself: their switches are everybody’s, and are put back as they were at its end. It moves the stand-in Stripe’s clock to the end of a trial, about three days, for everybody on this machine, and makes new accounts each time. All of them take a minute or two, one after another."
            </p>
        </div>
        {groups.collect_view()}
    }
}

/// One disturbance.
#[component]
fn Bench(disturbance: Disturbance, board: RwSignal<Board>, busy: Memo<bool>) -> impl IntoView {
    let stand = Memo::new(move |_| board.with(|board| board.of(disturbance).0));
    let outcome = Memo::new(move |_| board.with(|board| board.of(disturbance).1));
    let spoken = format!("Run: {}", disturbance.title());
    let standing = move || match stand.get() {
        Stand::Idle => None,
        Stand::Waiting => Some(view! { <p class="badge plain">"waits for its turn"</p> }.into_any()),
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
        <li class="bench card" data-disturbance=disturbance.name()>
            <div class="bench-head">
                <h3>{disturbance.title()}</h3>
                <RunForm name=disturbance.name() label="Run" busy spoken />
            </div>
            <p>{disturbance.describes()}</p>
            <p class="quiet">
                <span class="expect">"To expect: "</span>
                {disturbance.expect()}
            </p>
            {standing}
            {move || outcome.get().map(|outcome| view! { <OutcomeView outcome /> })}
        </li>
    }
}

#[component]
fn RunForm(
    /// What is to be run.
    name: &'static str,
    /// What the button says.
    label: &'static str,
    /// Something runs already.
    busy: Memo<bool>,
    /// What the button says to those who hear it among many.
    #[prop(into)]
    spoken: String,
) -> impl IntoView {
    let small = (name != "all").then_some("secondary small");
    view! {
        <form method="post" action="/lab" class="action">
            <input type="hidden" name="run" value=name />
            <button type="submit" class=small aria-label=spoken disabled=move || busy.get()>
                {label}
            </button>
        </form>
    }
}
