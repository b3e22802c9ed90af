//! The sign-up page.

use forms::SignUpForm;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::document::{FormInput, form_input};
use crate::forms::{Form, Submit, TextField};
use crate::page::use_page;
use crate::redirect::{Redirect, next_of_page, safe_next, with_next};

/// Makes an account.
#[component]
pub fn SignUpPage() -> impl IntoView {
    let FormInput { input, errors } = form_input::<SignUpForm>();
    let next = next_of_page();
    let signed_in = use_page().me.is_some() && errors.is_empty();
    view! {
        <Title text="Sign up · Seamline" />
        {signed_in.then(|| view! { <Redirect path=safe_next(next.as_deref()).to_owned() /> })}
        <section class="narrow card">
            <h1>"Create your account"</h1>
            <p class="lead">"Three open polls, free, for as long as you like."</p>
            <Form errors>
                <TextField field=SignUpForm::email label="Email" kind="email" value=input.email autocomplete="email" />
                <TextField
                    field=SignUpForm::password
                    label="Password"
                    kind="password"
                    autocomplete="new-password"
                    hint="At least 10 characters. Several words are easy to remember and hard to guess."
                />
                <Submit label="Sign up" pending="Creating your account…" />
            </Form>
            <p class="aside">"Have an account? " <a href=with_next("/sign-in", next.as_deref())>"Sign in"</a></p>
        </section>
    }
}
