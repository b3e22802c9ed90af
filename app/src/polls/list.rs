//! One's own polls: found by state and text, deleted ones with a way back.

use leptos::either::EitherOf4;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::{use_navigate, use_query_map};
use tracking::Surface;
use uuid::Uuid;

use super::action::{ActionButton, Refusal};
use super::api::my_polls;
use super::bars::{StandingBadge, moment};
use super::model::{ActionForm, ListView, Mine, PollView, Standing};
use crate::forms::form_state;

/// Most polls that a list shows.
const LISTED: usize = 200;

/// The list.
#[component]
pub fn PollsPage() -> impl IntoView {
    let query = use_query_map();
    let asked =
        move |name: &'static str| Memo::new(move |_| query.with(|query| query.get(name).unwrap_or_default()));
    let (state, find, deleted) = (asked("state"), asked("find"), asked("deleted"));
    let polls = Resource::new_blocking(
        move || (state.get(), find.get(), deleted.get()),
        |(state, find, _)| my_polls(state, find),
    );
    let again = Callback::new(move |()| polls.refetch());
    let undo = move || {
        let poll = Uuid::parse_str(&deleted.get()).ok()?;
        Some(view! { <Undo poll /> })
    };
    // Of a form that was sent without script.
    let sent_back = RwSignal::new(form_state::<ActionForm>().faults);
    view! {
        <Title text="Your polls · Seamline" />
        <section class="page">
            <div class="page-head">
                <h1>"Your polls"</h1>
                <a class="button" href="/polls/new">"New poll"</a>
            </div>
            <Refusal faults=sent_back surface=Surface::PollList />
            {undo}
            <Suspense fallback=|| view! { <p class="quiet" aria-busy="true">"Loading your polls…"</p> }>
                {move || {
                    Suspend::new(async move {
                        let (state, find) = (state.get_untracked(), find.get_untracked());
                        match polls.await {
                            Ok(Mine::SignedOut | Mine::NotFound) => {
                                EitherOf4::A(view! { <Redirect path="/sign-in?next=/polls" /> })
                            }
                            Ok(Mine::Here(list)) if list.open + list.closed + list.deleted == 0 => {
                                EitherOf4::B(view! { <NoPolls /> })
                            }
                            Ok(Mine::Here(list)) => {
                                EitherOf4::C(view! { <Found list state find again /> })
                            }
                            Err(_) => {
                                EitherOf4::D(
                                    view! {
                                        <p class="fault banner" role="alert">
                                            "Your polls cannot be read right now. Please load the page again."
                                        </p>
                                    },
                                )
                            }
                        }
                    })
                }}
            </Suspense>
        </section>
    }
}

/// What was just deleted, and the way back.
#[component]
fn Undo(poll: Uuid) -> impl IntoView {
    let navigate = use_navigate();
    let restored = Callback::new(move |()| navigate("/polls", leptos_router::NavigateOptions::default()));
    view! {
        <div class="banner undo" role="status">
            <p>"The poll is deleted. For 30 days you can have it back."</p>
            <ActionButton
                poll
                action="restore"
                path="/polls".to_owned()
                label="Undo"
                surface=Surface::PollList
                done=restored
            />
        </div>
    }
}

#[component]
fn NoPolls() -> impl IntoView {
    view! {
        <div class="empty card">
            <h2>"No polls yet"</h2>
            <p>"Ask your team something: lunch, a date, the name of the next release."</p>
            <a class="button" href="/polls/new">"Make your first poll"</a>
        </div>
    }
}

#[component]
fn Found(list: ListView, state: String, find: String, again: Callback<()>) -> impl IntoView {
    let is_full = list.polls.len() >= LISTED;
    let body = if list.polls.is_empty() {
        view! {
            <div class="empty card">
                <h2>"Nothing here"</h2>
                <p>"No poll fits what you look for."</p>
                <a class="button secondary" href="/polls">"Show all polls"</a>
            </div>
        }
        .into_any()
    } else {
        let cards = list.polls.into_iter().map(move |poll| {
            view! { <Card poll again /> }
        });
        view! { <ul class="polls">{cards.collect_view()}</ul> }.into_any()
    };
    let tab = |key: &'static str, label: &'static str, count: u32| {
        let current = (state == key).then_some("page");
        let path = if key.is_empty() {
            "/polls".to_owned()
        } else {
            format!("/polls?state={key}")
        };
        view! {
            <a href=path aria-current=current>
                {label} " " <span class="number">{count}</span>
            </a>
        }
    };
    view! {
        <div class="list-bar">
            <nav class="tabs" aria-label="Polls by state">
                {tab("", "All", list.open + list.closed)}
                {tab("open", "Open", list.open)}
                {tab("closed", "Closed", list.closed)}
                {tab("deleted", "Deleted", list.deleted)}
            </nav>
            <form method="get" class="find" role="search">
                <label for="find">"Search in your questions"</label>
                {(!state.is_empty()).then(|| view! { <input type="hidden" name="state" value=state.clone() /> })}
                <input id="find" name="find" type="search" value=find dir="auto" />
                <button type="submit" class="secondary">"Search"</button>
            </form>
        </div>
        {body}
        {is_full.then(|| view! { <p class="quiet">"These are the newest 200. Search to find older ones."</p> })}
    }
}

#[component]
fn Card(poll: PollView, again: Callback<()>) -> impl IntoView {
    let id = poll.id;
    let kind = if poll.multiple_choice {
        "Several answers"
    } else {
        "One answer"
    };
    let voters = match poll.voters {
        0 => "No votes yet".to_owned(),
        1 => "1 vote".to_owned(),
        voters => format!("{voters} votes"),
    };
    let until = match (poll.standing, poll.closes_at) {
        (Standing::Open, Some(at)) => format!(" · closes {}", moment(at)),
        (Standing::ClosedByTime, Some(at)) => format!(" · closed {}", moment(at)),
        _ => String::new(),
    };
    let standing = poll.standing;
    let foot = match standing {
        Standing::Deleted => view! {
            <ActionButton
                poll=id
                action="restore"
                path="/polls".to_owned()
                label="Restore"
                surface=Surface::PollList
                done=again
            />
        }
        .into_any(),
        Standing::Open => view! {
            <p class="links">
                <a href=format!("/polls/{id}")>"Results and sharing"</a>
                <a href=format!("/p/{id}")>"Vote"</a>
            </p>
        }
        .into_any(),
        Standing::ClosedByOwner | Standing::ClosedByTime => view! {
            <p class="links"><a href=format!("/polls/{id}")>"Results"</a></p>
        }
        .into_any(),
    };
    view! {
        <li class="card poll" class:faded=standing == Standing::Deleted>
            <div class="poll-head">
                <StandingBadge standing />
                <h2 dir="auto"><a href=format!("/polls/{id}")>{poll.question}</a></h2>
            </div>
            <ul class="options">
                {poll.options.into_iter().map(|option| view! { <li dir="auto">{option.label}</li> }).collect_view()}
            </ul>
            <div class="foot">
                <p class="quiet">{voters} " · " {kind} {until}</p>
                {foot}
            </div>
        </li>
    }
}
