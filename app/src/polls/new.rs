//! Making a poll.

use forms::{Field, PollForm, Problem};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_navigate;
use tracking::{AccountType, Surface, UpgradeReason};

use super::api;
use super::form::{ClosingTime, PollFields, read};
use super::model::Told;
use super::upgrade::UpgradePrompt;
use crate::forms::{FormFault, form_state, use_submit};
use crate::page::use_page;
use crate::tracking::track;
use crate::ui::{Done, use_toast};

/// The form.
#[component]
pub fn NewPollPage() -> impl IntoView {
    let start = form_state::<PollForm>();
    let id = start.form;
    // A form that was sent after signing out elsewhere is shown again with what was typed.
    let to_sign_in = use_page().me.is_none() && start.faults.is_empty();
    let (navigate, toast) = (use_navigate(), use_toast());
    let submit = use_submit(
        start.faults,
        read,
        |form: &PollForm| form.check().map(drop),
        move |form| api::create_poll(form, id),
        move |told: Told| {
            // The server has said yes: now it is an outcome, and not before.
            track(told.event, Some(&told.insert_id));
            toast.say_there(Done::Created);
            navigate("/polls", NavigateOptions::default());
            std::future::ready(())
        },
    );
    let desk = Resource::new_blocking(|| (), |()| api::read_desk());
    let refused = Memo::new(move |_| {
        submit
            .faults
            .with(|faults| matches!(faults.at(Field::Form), Some(Problem::OpenPollLimit { .. })))
    });
    let closes_at = start.typed.closes_at.clone();
    view! {
        <Title text="New poll · Seamline" />
        {to_sign_in.then(|| view! { <Redirect path="/sign-in?next=/polls/new" /> })}
        <section class="narrow card">
            <h1>"New poll"</h1>
            <Suspense>
                {move || Suspend::new(async move {
                    let full = desk.await.ok().flatten().is_some_and(|desk| !desk.room);
                    (full || refused.get())
                        .then(|| view! { <UpgradePrompt reason=UpgradeReason::OpenPollLimit surface=Surface::PollForm /> })
                })}
            </Suspense>
            <form method="post" novalidate on:submit=move |event| submit.send(event)>
                <input type="hidden" name="form" value=id.to_string() />
                <FormFault faults=submit.faults />
                <PollFields faults=submit.faults typed=start.typed />
                <Suspense>
                    {move || {
                        let closes_at = closes_at.clone();
                        Suspend::new(async move {
                            let desk = desk.await.ok().flatten();
                            let plan = desk.map_or(AccountType::Free, |desk| desk.plan);
                            view! { <ClosingTime faults=submit.faults value=closes_at plan /> }
                        })
                    }}
                </Suspense>
                <button type="submit" disabled=submit.pending>
                    "Create poll"
                </button>
            </form>
        </section>
    }
}
