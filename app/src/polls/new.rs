//! Making a poll.

use forms::{Field, MAX_OPTIONS, PollForm};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_navigate;
use tracking::PollCreated;

use super::api;
use crate::forms::{FormFault, TextField, Typed, form_state, use_submit};
use crate::page::use_page;
use crate::tracking::track;

/// Lines for options that a new form shows; "Add an option" shows more. Without script all of them are there.
const FIRST_LINES: usize = 4;

/// The form.
#[component]
pub fn NewPollPage() -> impl IntoView {
    let start = form_state::<PollForm>();
    let id = start.form;
    // A form that was sent after signing out elsewhere is shown again with what was typed.
    let to_sign_in = use_page().me.is_none() && start.faults.is_empty();
    let navigate = use_navigate();
    let submit = use_submit(
        start.faults,
        |typed: &Typed| PollForm {
            question: typed.text("question"),
            options: typed.all("option"),
            multiple_choice: typed.ticked("multiple_choice"),
        },
        |form: &PollForm| form.check().map(drop),
        move |form| api::create_poll(form, id),
        move |created: PollCreated| {
            // The server has said yes: now it is an outcome, and not before.
            let insert_id = api::told_as(created.poll_id);
            track(created, Some(&insert_id));
            navigate("/polls", NavigateOptions::default());
            std::future::ready(())
        },
    );
    let typed = start.typed;
    let used = typed
        .options
        .iter()
        .rposition(|option| !option.is_empty())
        .map_or(0, |last| last + 1);
    let shown = RwSignal::new(MAX_OPTIONS);
    // Only script can show a hidden line again, so only script hides any.
    Effect::new(move |_| shown.set(used.max(FIRST_LINES)));
    let line = move |position: usize| {
        let value = typed.options.get(position).cloned().unwrap_or_default();
        let field = u8::try_from(position).map_or(Field::Form, Field::Option);
        view! {
            <div hidden=move || shown.get() <= position>
                <TextField
                    field
                    faults=submit.faults
                    name="option"
                    id=format!("option-{position}")
                    label=format!("Option {}", position + 1)
                    value
                />
            </div>
        }
    };
    view! {
        <Title text="New poll · Seamline" />
        {to_sign_in.then(|| view! { <Redirect path="/sign-in?next=/polls/new" /> })}
        <section class="narrow card">
            <h1>"New poll"</h1>
            <form method="post" novalidate on:submit=move |event| submit.send(event)>
                <input type="hidden" name="form" value=id.to_string() />
                <FormFault faults=submit.faults />
                <TextField
                    field=Field::Question
                    faults=submit.faults
                    name="question"
                    label="Question"
                    value=typed.question
                />
                <fieldset>
                    <legend>"Options"</legend>
                    {(0..MAX_OPTIONS).map(line).collect_view()}
                    <button
                        type="button"
                        class="plain"
                        hidden={move || shown.get() >= MAX_OPTIONS}
                        on:click=move |_| shown.update(|shown| *shown += 1)
                    >
                        "Add an option"
                    </button>
                </fieldset>
                <label class="check">
                    <input type="checkbox" name="multiple_choice" checked=typed.multiple_choice />
                    " Voters may choose several"
                </label>
                <button type="submit" disabled=submit.pending>
                    "Create poll"
                </button>
            </form>
        </section>
    }
}
