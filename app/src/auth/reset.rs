//! The page that a link for a new password leads to.

use forms::ResetForm;
use leptos::prelude::*;
use leptos_meta::Title;

use super::link_expired::LinkExpired;
use super::links::{LinkPage, OpenedLink, opened_link};
use crate::document::{document, form_input, unreadable};
use crate::forms::{Form, Submit, TextField};

/// Sets a new password.
#[component]
pub fn ResetPage() -> impl IntoView {
    let errors = form_input::<ResetForm>().errors;
    view! {
        <Title text="Set a new password · Seamline" />
        {document(|context| async move {
            match opened_link(&context, LinkPage::Reset).await {
                Ok(Some(link)) => view! { <NewPassword link errors /> }.into_any(),
                Ok(None) => view! { <LinkExpired again="/forgot" ask="Ask for a new link" /> }.into_any(),
                Err(error) => unreadable("Your link", &error),
            }
        })}
    }
}

#[component]
fn NewPassword(link: OpenedLink, errors: forms::FieldErrors) -> impl IntoView {
    view! {
        <section class="narrow card">
            <h1>"Set a new password"</h1>
            <p class="lead">"For " <strong class="address" dir="auto">{link.email.clone()}</strong></p>
            <Form errors>
                // Names the account for password managers.
                <input type="hidden" name="email" value=link.email autocomplete="username" />
                <TextField
                    field=ResetForm::password
                    label="New password"
                    kind="password"
                    autocomplete="new-password"
                    hint="At least 10 characters. Every browser that is signed in now will be signed out."
                />
                <Submit label="Set password" pending="Setting it…" />
            </Form>
        </section>
    }
}
