//! Changing the password.

use forms::{ChangePasswordForm, Field, Secret};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::{A, Redirect};

use super::api;
use crate::forms::{FormFault, TextField, Typed, form_state, use_submit};
use crate::page::use_page;
use crate::tracking::leave_for;

/// The form.
#[component]
pub fn ChangePasswordPage() -> impl IntoView {
    let start = form_state::<ChangePasswordForm>();
    let me = use_page().me;
    let to_sign_in = me.is_none() && start.faults.is_empty();
    let submit = use_submit(
        start.faults,
        |typed: &Typed| ChangePasswordForm {
            present: Secret::new(typed.text("present")),
            password: Secret::new(typed.text("password")),
        },
        |form: &ChangePasswordForm| form.check().map(drop),
        api::change_password,
        leave_for,
    );
    view! {
        <Title text="Change password · Seamline" />
        {to_sign_in.then(|| view! { <Redirect path="/sign-in?next=/settings/password" /> })}
        <section class="narrow card">
            <h1>"Change password"</h1>
            <p class="lead">"Every other browser will be signed out."</p>
            <form method="post" novalidate on:submit=move |event| submit.send(event)>
                <input type="hidden" name="email" value=me.map(|me| me.email) autocomplete="username" />
                <FormFault faults=submit.faults />
                <TextField
                    field=Field::PresentPassword
                    faults=submit.faults
                    name="present"
                    label="Present password"
                    kind="password"
                    value=""
                    autocomplete="current-password"
                />
                <TextField
                    field=Field::Password
                    faults=submit.faults
                    name="password"
                    label="New password"
                    kind="password"
                    value=""
                    autocomplete="new-password"
                    hint=Some("At least 10 characters. Several words are easy to remember and hard to guess.")
                />
                <button type="submit" disabled=submit.pending>
                    "Change password"
                </button>
            </form>
            <p class="aside split">
                <A href="/settings">"Back to the settings"</A>
                <a href="/forgot">"Forgot your password?"</a>
            </p>
        </section>
    }
}
