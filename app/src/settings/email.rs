//! Changing the address.

use forms::{ChangeEmailForm, Field, Secret};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::{A, Redirect};

use super::api;
use crate::forms::{FormFault, TextField, Typed, form_state, use_submit};
use crate::page::use_page;
use crate::tracking::leave_for;

/// The form.
#[component]
pub fn ChangeEmailPage() -> impl IntoView {
    let start = form_state::<ChangeEmailForm>();
    let me = use_page().me;
    let to_sign_in = me.is_none() && start.faults.is_empty();
    let submit = use_submit(
        start.faults,
        |typed: &Typed| ChangeEmailForm {
            email: typed.text("email"),
            present: Secret::new(typed.text("present")),
        },
        |form: &ChangeEmailForm| form.check().map(drop),
        api::change_email,
        leave_for,
    );
    view! {
        <Title text="Change address · Seamline" />
        {to_sign_in.then(|| view! { <Redirect path="/sign-in?next=/settings/email" /> })}
        <section class="narrow card">
            <h1>"Change address"</h1>
            <p class="lead">
                "We send a link to the new address. Until you use it, "
                <strong class="address" dir="auto">{me.map(|me| me.email)}</strong> " stays."
            </p>
            <form method="post" novalidate on:submit=move |event| submit.send(event)>
                <FormFault faults=submit.faults />
                <TextField
                    field=Field::Email
                    faults=submit.faults
                    name="email"
                    label="New e-mail"
                    kind="email"
                    value=start.typed.email
                    autocomplete="email"
                />
                <TextField
                    field=Field::PresentPassword
                    faults=submit.faults
                    name="present"
                    label="Your password"
                    kind="password"
                    value=""
                    autocomplete="current-password"
                />
                <button type="submit" disabled=submit.pending>
                    "Send the link"
                </button>
            </form>
            <p class="aside">
                <A href="/settings">"Back to the settings"</A>
            </p>
        </section>
    }
}
