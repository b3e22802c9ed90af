//! The end of an account.

use forms::{DeleteAccountForm, Field, Secret};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::{A, Redirect};

use super::api;
use crate::forms::{FormFault, TextField, Typed, form_state, use_submit};
use crate::page::use_page;
use crate::tracking::leave_for;

/// The form, and what it will do.
#[component]
pub fn DeleteAccountPage() -> impl IntoView {
    let start = form_state::<DeleteAccountForm>();
    let me = use_page().me;
    let to_sign_in = me.is_none() && start.faults.is_empty();
    let submit = use_submit(
        start.faults,
        |typed: &Typed| DeleteAccountForm {
            present: Secret::new(typed.text("present")),
        },
        |form: &DeleteAccountForm| form.check().map(drop),
        api::delete_account,
        leave_for,
    );
    view! {
        <Title text="Delete account · Seamline" />
        {to_sign_in.then(|| view! { <Redirect path="/sign-in?next=/settings/delete" /> })}
        <section class="narrow card danger">
            <h1>"Delete your account?"</h1>
            <ol class="steps">
                <li>"Every browser is signed out, and events that are still on their way are dropped."</li>
                <li>"A subscription is canceled, and Stripe forgets you."</li>
                <li>"Your polls, logins and address are erased here."</li>
                <li>"Amplitude is asked to delete what it knows. It does so within 30 days."</li>
            </ol>
            <p class="quiet">
                "There is no way back. You may want to "
                <a href="/settings/data" rel="external" download>"download your data"</a> " first."
            </p>
            <form method="post" novalidate on:submit=move |event| submit.send(event)>
                <input type="hidden" name="email" value=me.map(|me| me.email) autocomplete="username" />
                <FormFault faults=submit.faults />
                <TextField
                    field=Field::PresentPassword
                    faults=submit.faults
                    name="present"
                    label="Your password"
                    kind="password"
                    value=""
                    autocomplete="current-password"
                />
                <button type="submit" class="danger" disabled=submit.pending>
                    "Delete my account for good"
                </button>
            </form>
            <p class="aside">
                <A href="/settings">"Keep my account"</A>
            </p>
        </section>
    }
}

/// The page after it.
#[component]
pub fn GoodbyePage() -> impl IntoView {
    view! {
        <Title text="Account deleted · Seamline" />
        <section class="narrow empty">
            <h1>"Your account is closed"</h1>
            <p>
                "Your data is being erased, and this browser is a new device already: nothing leads from it to who you were."
            </p>
            <p>
                <a class="button" href="/">
                    "Go to the start page"
                </a>
            </p>
        </section>
    }
}
