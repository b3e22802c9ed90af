//! The page that deletes the account, and the page after it.

use forms::DeleteAccountForm;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::document::form_input;
use crate::forms::{Form, Submit, TextField};
use crate::page::use_page;
use crate::redirect::Redirect;

/// Lists what will be deleted, and asks for the password.
#[component]
pub fn DeleteAccountPage() -> impl IntoView {
    let errors = form_input::<DeleteAccountForm>().errors;
    let me = use_page().me.clone();
    let to_sign_in = me.is_none() && errors.is_empty();
    view! {
        <Title text="Delete account · Seamline" />
        {to_sign_in.then(|| view! { <Redirect path="/sign-in?next=/settings/delete" /> })}
        <section class="narrow card danger">
            <h1>"Delete your account?"</h1>
            <ol class="settings-steps">
                <li>"Every browser is signed out, and events that were not sent yet are dropped."</li>
                <li>"A subscription is canceled, and your customer record at Stripe is deleted."</li>
                <li>"Your polls, logins and address are erased here."</li>
                <li>"Amplitude is asked to delete your data, which it does within 30 days. If this site cannot ask, the request stays open until its operator has fixed that."</li>
            </ol>
            <p class="quiet">
                "This cannot be undone. You may want to "
                <a href="/settings/data" download>"download your data"</a> " first."
            </p>
            <Form errors>
                // Names the account for password managers.
                <input type="hidden" name="email" value=me.map(|me| me.email) autocomplete="username" />
                <TextField
                    field=DeleteAccountForm::current_password
                    label="Your password"
                    kind="password"
                    autocomplete="current-password"
                />
                <Submit label="Delete my account for good" pending="Deleting it…" class="danger" />
            </Form>
            <p class="aside">
                <a href="/settings">"Keep my account"</a>
            </p>
        </section>
    }
}

/// Says that the account is deleted.
#[component]
pub fn GoodbyePage() -> impl IntoView {
    view! {
        <Title text="Account deleted · Seamline" />
        <section class="narrow empty">
            <h1>"Your account is closed"</h1>
            <p>"Your data is being erased. This browser is now a new device, and nothing links it to your account."</p>
            <p>
                <a class="button" href="/">
                    "Go to the start page"
                </a>
            </p>
        </section>
    }
}
