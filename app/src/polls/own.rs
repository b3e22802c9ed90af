//! A poll of one's own: its results as they come in, and what its owner can do with it.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::components::{A, Redirect};
use leptos_router::hooks::{use_navigate, use_params_map};
use tracking::Surface;

use super::action::{ActionButton, Refusal};
use super::api;
use super::bars::{Bars, StandingBadge, Turnout};
use super::export::Export;
use super::live;
use super::model::{ActionForm, Mine, OwnPoll, Standing};
use super::share::ShareLink;
use crate::forms::{FormState, form_state};
use crate::not_found::NotFoundPage;

/// The page.
#[component]
pub fn OwnPollPage() -> impl IntoView {
    let start = form_state::<ActionForm>();
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("poll").unwrap_or_default()));
    let poll = Resource::new_blocking(move || id.get(), api::read_own_poll);
    view! {
        <Suspense fallback=|| view! { <p class="quiet" aria-busy="true">"Loading the poll…"</p> }>
            {move || {
                let start = start.clone();
                Suspend::new(async move {
                    match poll.await {
                        Ok(Mine::SignedOut) => {
                            let path = format!("/sign-in?next=/polls/{}", id.get_untracked());
                            view! { <Redirect path /> }.into_any()
                        }
                        Ok(Mine::NotFound) => view! { <NotFoundPage /> }.into_any(),
                        Ok(Mine::Here(own)) => {
                            let again = Callback::new(move |()| poll.refetch());
                            view! { <OwnPollView start own again /> }.into_any()
                        }
                        Err(_) => view! { <Unreadable /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
}

/// Ours, not theirs.
#[component]
pub fn Unreadable() -> impl IntoView {
    view! {
        <Title text="Seamline" />
        <p class="fault banner" role="alert">
            "This poll cannot be read right now. Please load the page again."
        </p>
    }
}

#[component]
fn OwnPollView(start: FormState<ActionForm>, own: OwnPoll, again: Callback<()>) -> impl IntoView {
    let OwnPoll { poll, link, plan } = own;
    let (id, question) = (poll.id, poll.question.clone());
    let path = format!("/polls/{id}");
    let title = format!("{question} · Seamline");
    let poll = RwSignal::new(poll);
    live::follow(id, poll);
    // Of a form that was sent without script.
    let sent_back = RwSignal::new(start.faults);
    let standing = Signal::derive(move || poll.with(|poll| poll.standing));
    let standing_now = Memo::new(move |_| standing.get());
    let untouched = Memo::new(move |_| poll.with(|poll| poll.voters == 0));
    let navigate = use_navigate();
    let deleted = Callback::new(move |()| {
        navigate(&format!("/polls?deleted={id}"), NavigateOptions::default());
    });
    let close = {
        let path = path.clone();
        move || {
            view! {
                <details class="confirm">
                    <summary>"Close this poll"</summary>
                    <p class="quiet">"Nobody can vote or change a vote after that, and it stays closed."</p>
                    <ActionButton
                        poll=id
                        action="close"
                        path=path.clone()
                        label="Close it now"
                        class="danger"
                        surface=Surface::PollResults
                        done=again
                    />
                </details>
            }
        }
    };
    let remove = move || match standing_now.get() {
        Standing::Deleted => view! {
            <ActionButton
                poll=id
                action="restore"
                path=path.clone()
                label="Restore this poll"
                class=""
                surface=Surface::PollResults
                done=again
            />
        }
        .into_any(),
        Standing::Open | Standing::ClosedByOwner | Standing::ClosedByTime => view! {
            <ActionButton
                poll=id
                action="delete"
                path=path.clone()
                label="Delete this poll"
                surface=Surface::PollResults
                done=deleted
            />
        }
        .into_any(),
    };
    view! {
        <Title text=title />
        <section class="page own-poll">
            <p class="crumbs"><A href="/polls">"Your polls"</A></p>
            <div class="poll-head">
                <StandingBadge standing />
                <h1 dir="auto">{move || poll.with(|poll| poll.question.clone())}</h1>
            </div>
            <Refusal faults=sent_back surface=Surface::PollResults />
            <div class="poll-columns">
                <section class="card results" aria-labelledby="results">
                    <h2 id="results">"Results"</h2>
                    <Turnout poll />
                    <Bars poll />
                </section>
                <aside class="card manage" aria-label="Manage this poll">
                    <ShareLink poll=id question link />
                    <div class="poll-actions">
                        {move || {
                            (standing_now.get() == Standing::Open && untouched.get())
                                .then(|| {
                                    view! {
                                        <A href=format!("/polls/{id}/edit") attr:class="button secondary">
                                            "Edit this poll"
                                        </A>
                                    }
                                })
                        }}
                        <Export poll=id plan />
                        {move || (standing_now.get() == Standing::Open).then(&close)}
                        {remove}
                    </div>
                </aside>
            </div>
        </section>
    }
}
