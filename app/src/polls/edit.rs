//! Editing a poll, while nobody has voted on it.

use forms::{PollForm, moment_text};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::components::Redirect;
use leptos_router::hooks::{use_navigate, use_params_map};

use super::api;
use super::form::{ClosingTime, PollFields, read};
use super::model::{Mine, OwnPoll, PollView, Standing, Told};
use super::own::Unreadable;
use crate::forms::{FormFault, FormState, form_state, use_submit};
use crate::not_found::NotFoundPage;
use crate::tracking::track;
use crate::ui::{Done, use_toast};

/// The form, with the poll in it.
#[component]
pub fn EditPollPage() -> impl IntoView {
    let start = form_state::<PollForm>();
    let id = use_params_map().with_untracked(|params| params.get("poll").unwrap_or_default());
    let poll = Resource::new_blocking(move || id.clone(), api::read_own_poll);
    view! {
        <Suspense fallback=|| view! { <p class="quiet" aria-busy="true">"Loading the poll…"</p> }>
            {move || {
                let start = start.clone();
                Suspend::new(async move {
                    match poll.await {
                        // What was typed is shown again, whoever is here now.
                        Ok(Mine::SignedOut) if start.faults.is_empty() => {
                            view! { <Redirect path="/sign-in?next=/polls" /> }.into_any()
                        }
                        Ok(Mine::Here(own)) => view! { <Editor start own=Some(own) /> }.into_any(),
                        Ok(Mine::SignedOut) => view! { <Editor start own=None /> }.into_any(),
                        Ok(Mine::NotFound) => view! { <NotFoundPage /> }.into_any(),
                        Err(_) => view! { <Unreadable /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
}

#[component]
fn Editor(start: FormState<PollForm>, own: Option<OwnPoll>) -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("poll").unwrap_or_default());
    let plan = own.as_ref().map_or(tracking::AccountType::Free, |own| own.plan);
    let poll = own.map(|own| own.poll);
    let fixed = poll
        .as_ref()
        .is_some_and(|poll| poll.voters > 0 || poll.standing != Standing::Open);
    let typed = match poll {
        Some(poll) if start.faults.is_empty() => as_form(poll),
        _ => start.typed,
    };
    let back = format!("/polls/{id}");
    let (navigate, toast) = (use_navigate(), use_toast());
    let submit = {
        let back = back.clone();
        use_submit(
            start.faults,
            read,
            |form: &PollForm| form.check().map(drop),
            move |form| api::edit_poll(id.clone(), form),
            move |told: Option<Told>| {
                if let Some(told) = told {
                    track(told.event, Some(&told.insert_id));
                }
                toast.say_there(Done::Edited);
                navigate(&back, NavigateOptions::default());
                std::future::ready(())
            },
        )
    };
    let closes_at = typed.closes_at.clone();
    view! {
        <Title text="Edit poll · Seamline" />
        <section class="narrow card">
            <h1>"Edit poll"</h1>
            {fixed
                .then(|| {
                    view! {
                        <p class="banner">
                            "Somebody has voted, or the poll is closed: it can no longer be changed."
                        </p>
                    }
                })}
            <form method="post" novalidate on:submit=move |event| submit.send(event)>
                <FormFault faults=submit.faults />
                <PollFields faults=submit.faults typed />
                <ClosingTime faults=submit.faults value=closes_at plan />
                <div class="actions">
                    <button type="submit" disabled=submit.pending>
                        "Save changes"
                    </button>
                    <a class="button secondary" href=back>"Cancel"</a>
                </div>
            </form>
        </section>
    }
}

fn as_form(poll: PollView) -> PollForm {
    PollForm {
        question: poll.question,
        options: poll.options.into_iter().map(|option| option.label).collect(),
        multiple_choice: poll.multiple_choice,
        closes_at: poll.closes_at.map(moment_text).unwrap_or_default(),
    }
}
