//! Voting without leaving the page: the button that sends a ballot, and the server function that it calls.
//!
//! The button is in a form of the document. Without the island the browser posts that form, and
//! `actions::vote` answers.

use leptos::ev::MouseEvent;
use leptos::html::Button;
use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsCast;
use uuid::Uuid;
use web_sys::{FormData, HtmlFieldSetElement, HtmlFormElement};

use super::islands::current_poll;
use super::model::{PollStatus, VoteAnswer};
use crate::tracking::{SeamClient, is_outdated, track};

/// Casts a vote, or changes it.
#[server(endpoint = "vote", input = Json, output = Json, client = SeamClient)]
pub async fn cast_vote(
    poll: Uuid,
    choice: Vec<String>,
    revision: String,
) -> Result<VoteAnswer, ServerFnError> {
    let context = crate::request::current().ok_or_else(|| ServerFnError::new("no context"))?;
    let form = forms::VoteForm {
        poll: poll.to_string(),
        choice,
        revision,
    };
    Ok(super::actions::answer_vote(&context, &form).await)
}

/// The submit button of a ballot, and the result of the vote.
#[island]
pub fn VoteButton(
    /// The visitor has voted before.
    voted: bool,
) -> impl IntoView {
    let poll = current_poll();
    let voted = RwSignal::new(voted);
    let just_now = RwSignal::new(false);
    let pending = RwSignal::new(false);
    let refused = RwSignal::new(None::<String>);
    let outdated = RwSignal::new(false);
    let button = NodeRef::<Button>::new();
    let open = Memo::new(move |_| poll.with(|poll| poll.status == PollStatus::Open));
    let form = move || button.get_untracked().and_then(|button| button.form());
    Effect::new(move |_| {
        let closed = !open.get();
        if let Some(choices) = form().and_then(|form| fieldset(&form)) {
            choices.set_disabled(closed);
        }
    });
    let send = move |click: MouseEvent| {
        // Without its form the browser posts the form.
        let Some((form, data)) =
            form().and_then(|form| Some((form.clone(), FormData::new_with_form(&form).ok()?)))
        else {
            return;
        };
        click.prevent_default();
        if pending.get_untracked() {
            return;
        }
        pending.set(true);
        refused.set(None);
        let id = poll.with_untracked(|poll| poll.id);
        let choice = data.get_all("choice");
        let choice = choice.iter().filter_map(|value| value.as_string()).collect();
        let revision = data.get("revision").as_string().unwrap_or_default();
        let answer = cast_vote(id, choice, revision);
        spawn_local(async move {
            match answer.await {
                Ok(VoteAnswer::Cast {
                    event,
                    insert_id,
                    poll: view,
                }) => {
                    // The server has confirmed the vote: now it is an outcome.
                    track(event, &insert_id);
                    remove_errors(&form);
                    poll.set(view);
                    voted.set(true);
                    just_now.set(true);
                }
                Ok(VoteAnswer::Refused(sentence)) => refused.set(Some(sentence)),
                Err(error) if is_outdated(&error) => outdated.set(true),
                Err(_) => refused.set(Some(
                    "Your vote did not reach the server. Please try again.".to_owned(),
                )),
            }
            pending.set(false);
        });
    };
    let status = move || match (voted.get(), open.get(), just_now.get()) {
        (true, true, true) => "Your vote is in. You can change it until the poll closes.",
        (true, true, false) => "You have voted. You can change your vote until the poll closes.",
        (true, false, _) => "You have voted. This poll is closed.",
        (false, true, _) => "",
        (false, false, _) => "This poll is closed.",
    };
    let label = move || match (pending.get(), voted.get()) {
        (true, _) => "Sending…",
        (false, true) => "Change my vote",
        (false, false) => "Vote",
    };
    view! {
        <div class="poll-vote" translate="no">
            <div role="alert">
                {move || refused.get().map(|sentence| view! { <p class="error">{sentence}</p> })}
                {move || {
                    outdated
                        .get()
                        .then(|| {
                            view! {
                                <p class="error">
                                    "This page is older than the server. " <a href="">"Load it again"</a>
                                    ", then vote. Your choice is still marked."
                                </p>
                            }
                        })
                }}
            </div>
            <button
                node_ref=button
                type="submit"
                hidden=move || !open.get()
                aria-disabled=move || pending.get().then_some("true")
                on:click=send
            >
                {label}
            </button>
            <p role="status" class="poll-vote-status">
                {status}
            </p>
        </div>
    }
}

fn fieldset(form: &HtmlFormElement) -> Option<HtmlFieldSetElement> {
    form.query_selector("fieldset").ok()??.dyn_into().ok()
}

/// Removes the errors of an earlier post from the document.
fn remove_errors(form: &HtmlFormElement) {
    if let Ok(errors) = form.query_selector_all(".poll-ballot-errors") {
        for place in 0..errors.length() {
            if let Some(error) = errors
                .item(place)
                .and_then(|node| node.dyn_into::<web_sys::Element>().ok())
            {
                error.remove();
            }
        }
    }
}
