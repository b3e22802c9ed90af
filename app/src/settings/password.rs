//! The page that changes the password.

use forms::ChangePasswordForm;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::document::form_input;
use crate::forms::{Form, Submit, TextField};
use crate::page::use_page;
use crate::redirect::Redirect;

/// Asks for the current password and a new one.
#[component]
pub fn ChangePasswordPage() -> impl IntoView {
    let errors = form_input::<ChangePasswordForm>().errors;
    let me = use_page().me.clone();
    let to_sign_in = me.is_none() && errors.is_empty();
    view! {
        <Title text="Change password · Seamline" />
        {to_sign_in.then(|| view! { <Redirect path="/sign-in?next=/settings/password" /> })}
        <section class="narrow card">
            <h1>"Change password"</h1>
            <p class="lead">"Every other browser will be signed out."</p>
            <Form errors>
                // Names the account for password managers.
                <input type="hidden" name="email" value=me.map(|me| me.email) autocomplete="username" />
                <TextField
                    field=ChangePasswordForm::current_password
                    label="Current password"
                    kind="password"
                    autocomplete="current-password"
                />
                <TextField
                    field=ChangePasswordForm::password
                    label="New password"
                    kind="password"
                    autocomplete="new-password"
                    hint="At least 10 characters. Several words are easy to remember and hard to guess."
                />
                <Submit label="Change password" pending="Changing it…" />
            </Form>
            <p class="aside split">
                <a href="/settings">"Back to the settings"</a>
                <a href="/forgot">"Forgot your password?"</a>
            </p>
        </section>
    }
}
