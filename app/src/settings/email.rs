//! The page that changes the address.

use forms::ChangeEmailForm;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::document::{FormInput, form_input};
use crate::forms::{Form, Submit, TextField};
use crate::page::use_page;
use crate::redirect::Redirect;

/// Asks for the new address and the password.
#[component]
pub fn ChangeEmailPage() -> impl IntoView {
    let FormInput { input, errors } = form_input::<ChangeEmailForm>();
    let me = use_page().me.clone();
    let to_sign_in = me.is_none() && errors.is_empty();
    view! {
        <Title text="Change address · Seamline" />
        {to_sign_in.then(|| view! { <Redirect path="/sign-in?next=/settings/email" /> })}
        <section class="narrow card">
            <h1>"Change address"</h1>
            <p class="lead">
                "We send a link to the new address. Until you use it, "
                <strong class="address" dir="auto">{me.map(|me| me.email)}</strong> " stays."
            </p>
            <Form errors>
                <TextField
                    field=ChangeEmailForm::email
                    label="New email"
                    kind="email"
                    value=input.email
                    autocomplete="email"
                />
                <TextField
                    field=ChangeEmailForm::current_password
                    label="Your password"
                    kind="password"
                    autocomplete="current-password"
                />
                <Submit label="Send the link" pending="Sending…" />
            </Form>
            <p class="aside">
                <a href="/settings">"Back to the settings"</a>
            </p>
        </section>
    }
}
