//! The list of a user's polls, with a filter by state, a search, and a way to restore deleted polls.

use backend::polls::PollCounts;
use forms::FieldErrors;
use leptos::prelude::*;
use leptos_meta::Title;
use tracking::Surface;
use uuid::Uuid;

use super::actions::PollActionForm;
use super::buttons::{PollActionButton, Refusal};
use super::model::{PollStatus, PollView};
use super::queries::{self, ListView};
use super::results::StatusBadge;
use crate::document::{FormInput, document, form_input, query_value, unreadable};
use crate::local_time::LocalTime;
use crate::redirect::Redirect;

/// Most polls that a list shows.
const LISTED: usize = 200;

/// The list.
#[component]
pub fn PollsPage() -> impl IntoView {
    let FormInput { input, errors } = form_input::<PollActionForm>();
    let given = |name: &str| query_value(name).unwrap_or_default();
    let (state, find) = (given("state"), given("find"));
    // What was just deleted, or could not be restored.
    let deleted = Uuid::parse_str(&given("deleted"))
        .or_else(|_| Uuid::parse_str(&input.poll))
        .ok();
    view! {
        <Title text="Your polls · Seamline" />
        {document(|context| async move {
            match queries::list(&context, &state, &find).await {
                Ok(None) if errors.is_empty() => view! { <Redirect path="/sign-in?next=/polls" /> }.into_any(),
                Ok(list) => view! { <Polls list errors deleted state find /> }.into_any(),
                Err(error) => unreadable("Your polls", &error),
            }
        })}
    }
}

#[component]
fn Polls(
    list: Option<ListView>,
    errors: FieldErrors,
    deleted: Option<Uuid>,
    state: String,
    find: String,
) -> impl IntoView {
    view! {
        <section>
            <div class="page-head">
                <h1>"Your polls"</h1>
                <a class="button" href="/polls/new">"New poll"</a>
            </div>
            <Refusal errors surface=Surface::PollList />
            {deleted.map(|poll| view! { <Undo poll /> })}
            {match list {
                None => ().into_any(),
                Some(ListView { counts: PollCounts { open: 0, closed: 0, deleted: 0 }, .. }) => {
                    view! { <NoPolls /> }.into_any()
                }
                Some(list) => view! { <Found list state find /> }.into_any(),
            }}
        </section>
    }
}

/// The poll that was just deleted, with the button that restores it.
#[component]
fn Undo(poll: Uuid) -> impl IntoView {
    view! {
        <div class="banner poll-undo" role="status">
            <p>"The poll is deleted. You can restore it for 30 days."</p>
            <PollActionButton in_list=poll action="restore" label="Undo" pending="Restoring…" />
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
fn Found(list: ListView, state: String, find: String) -> impl IntoView {
    let counts = list.counts;
    let is_full = list.polls.len() >= LISTED;
    let body = if list.polls.is_empty() {
        view! {
            <div class="empty card">
                <h2>"No polls found"</h2>
                <p>"No poll matches your search."</p>
                <a class="button secondary" href="/polls">"Show all polls"</a>
            </div>
        }
        .into_any()
    } else {
        let cards = list.polls.into_iter().map(|poll| view! { <Card poll /> });
        view! { <ul class="poll-list">{cards.collect_view()}</ul> }.into_any()
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
                {label} " " <span class="tab-count">{count}</span>
            </a>
        }
    };
    view! {
        <div class="page-head">
            <nav class="tabs" aria-label="Polls by state">
                {tab("", "All", counts.open + counts.closed)}
                {tab("open", "Open", counts.open)}
                {tab("closed", "Closed", counts.closed)}
                {tab("deleted", "Deleted", counts.deleted)}
            </nav>
            <form method="get" class="search" role="search">
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
fn Card(poll: PollView) -> impl IntoView {
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
    let until = match (poll.status, poll.closes) {
        (PollStatus::Open, Some(time)) => Some((" · closes ", time)),
        (PollStatus::ClosedByTime, Some(time)) => Some((" · closed ", time)),
        _ => None,
    };
    let until = until.map(|(word, time)| view! { {word}<LocalTime time /> });
    let status = poll.status;
    let foot = match status {
        PollStatus::Deleted => view! {
            <PollActionButton in_list=id action="restore" label="Restore" pending="Restoring…" class="secondary low" />
        }
        .into_any(),
        PollStatus::Open => view! {
            <p class="poll-links">
                <a href=format!("/polls/{id}")>"Results and sharing"</a>
                <a href=format!("/p/{id}")>"Vote"</a>
            </p>
        }
        .into_any(),
        PollStatus::ClosedByOwner | PollStatus::ClosedByTime => view! {
            <p class="poll-links"><a href=format!("/polls/{id}")>"Results"</a></p>
        }
        .into_any(),
    };
    view! {
        <li class="card poll-card" class:deleted=status == PollStatus::Deleted>
            <div class="poll-head">
                <StatusBadge status />
                <h2 dir="auto"><a href=format!("/polls/{id}")>{poll.question}</a></h2>
            </div>
            <ul class="poll-options">
                {poll.options.into_iter().map(|option| view! { <li dir="auto">{option.label}</li> }).collect_view()}
            </ul>
            <div class="poll-foot">
                <p class="quiet">{voters} " · " {kind} {until}</p>
                {foot}
            </div>
        </li>
    }
}
