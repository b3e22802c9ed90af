//! The page on which people vote, by a link, with an account or without. Results stand beside the choices and change while
//! the page is open.

use forms::{Faults, Field, VoteForm};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::api;
use super::bars::{Bars, StandingBadge, Turnout};
use super::live;
use super::model::{Ballot, Standing, Voted};
use super::own::Unreadable;
use crate::forms::{FormFault, FormState, Typed, form_state, use_submit_and_stay};
use crate::not_found::NotFoundPage;
use crate::page::use_page;
use crate::tracking::track;

/// The page.
#[component]
pub fn VotePage() -> impl IntoView {
    let start = form_state::<VoteForm>();
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("poll").unwrap_or_default()));
    let ballot = Resource::new_blocking(move || id.get(), api::read_ballot);
    view! {
        <Suspense fallback=|| view! { <p class="quiet" aria-busy="true">"Loading the poll…"</p> }>
            {move || {
                let start = start.clone();
                Suspend::new(async move {
                    match ballot.await {
                        Ok(Some(ballot)) => view! { <BallotView start ballot /> }.into_any(),
                        Ok(None) => view! { <NotFoundPage /> }.into_any(),
                        Err(_) => view! { <Unreadable /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
}

#[component]
fn BallotView(start: FormState<VoteForm>, ballot: Ballot) -> impl IntoView {
    let Ballot { poll, mine, is_owner } = ballot;
    let id = poll.id;
    let title = format!("{} · Seamline", poll.question);
    let poll = RwSignal::new(poll);
    let mine = RwSignal::new(mine);
    live::follow(id, poll);
    let standing = Signal::derive(move || poll.with(|poll| poll.standing));
    let revision = Memo::new(move |_| poll.with(|poll| poll.revision));
    let open = Memo::new(move |_| standing.get() == Standing::Open);
    let several = Memo::new(move |_| poll.with(|poll| poll.multiple_choice));
    // Ticks as they were sent; a ballot that was refused for another version of the poll has none.
    let ticked = match start.faults.is_empty() {
        true => mine.get_untracked(),
        false => Some(
            start
                .typed
                .choices
                .iter()
                .filter_map(|choice| choice.parse().ok())
                .collect(),
        ),
    };
    let ticked = RwSignal::new(ticked);
    let just_now = RwSignal::new(false);
    let submit = use_submit_and_stay(
        start.faults,
        |typed: &Typed| VoteForm {
            choices: typed.all("choice"),
            revision: typed.text("revision"),
        },
        |form: &VoteForm| form.check().map(drop),
        move |form| api::cast_vote(id.to_string(), form),
        move |voted: Voted| {
            // The server has said yes: now it is an outcome, and not before.
            track(voted.told.event, Some(&voted.told.insert_id));
            mine.set(voted.ballot.mine);
            poll.set(voted.ballot.poll);
            just_now.set(true);
            std::future::ready(())
        },
    );
    let said = move || match (mine.with(Option::is_some), open.get(), just_now.get()) {
        (true, true, true) => "Your vote is in. You can change it until the poll closes.",
        (true, true, false) => "You have voted. You can change your vote until the poll closes.",
        (true, false, _) => "You have voted. This poll is closed.",
        (false, true, _) => "",
        (false, false, _) => "This poll is closed.",
    };
    view! {
        <Title text=title />
        <section class="ballot">
            <div class="poll-head">
                <StandingBadge standing />
                <h1 dir="auto">{move || poll.with(|poll| poll.question.clone())}</h1>
            </div>
            <form class="card" method="post" novalidate on:submit=move |event| submit.send(event)>
                <input type="hidden" name="revision" value=move || revision.get().to_string() />
                <FormFault faults=submit.faults />
                <fieldset aria-describedby="turnout">
                    <legend>
                        {move || if several.get() { "Choose one or more" } else { "Choose one" }}
                    </legend>
                    <ChoiceFault faults=submit.faults />
                    <Bars poll ballot=ticked />
                </fieldset>
                <div id="turnout"><Turnout poll /></div>
                <div class="cast">
                    <button type="submit" hidden=move || !open.get() disabled=submit.pending>
                        {move || if mine.with(Option::is_some) { "Change my vote" } else { "Vote" }}
                    </button>
                    <p role="status" class="said">{said}</p>
                </div>
            </form>
            {is_owner
                .then(|| {
                    view! {
                        <p class="aside">
                            "This is your poll. " <a href=format!("/polls/{id}")>"Share and manage it"</a>
                        </p>
                    }
                })}
            <Invitation />
        </section>
    }
}

/// What is wrong with what is ticked.
#[component]
fn ChoiceFault(faults: RwSignal<Faults>) -> impl IntoView {
    view! {
        <div role="alert" class="choice-fault">
            {move || {
                let text = faults.with(|faults| faults.at(Field::Choice).map(ToString::to_string));
                text.map(|text| view! { <p class="fault" id="choice-fault">{text}</p> })
            }}
        </div>
    }
}

/// What voters without an account may be told.
#[component]
fn Invitation() -> impl IntoView {
    let stranger = use_page().me.is_none();
    stranger.then(|| {
        view! {
            <p class="aside">
                "Made with Seamline. " <a href="/sign-up">"Ask your own team something"</a>
                ": your votes come along."
            </p>
        }
    })
}
