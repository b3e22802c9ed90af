//! The sign-up page.

use forms::{Secret, SignUpForm};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;

use super::api;
use super::credentials::Credentials;
use crate::forms::{Typed, form_state, use_submit};
use crate::page::use_page;
use crate::tracking::leave_for;

/// Makes an account.
#[component]
pub fn SignUpPage() -> impl IntoView {
    let start = form_state::<SignUpForm>();
    let signed_in = use_page().me.is_some() && start.faults.is_empty();
    let next = use_query_map().with_untracked(|query| query.get("next"));
    let submit = use_submit(
        start.faults,
        |typed: &Typed| SignUpForm {
            email: typed.text("email"),
            password: Secret::new(typed.text("password")),
        },
        |form: &SignUpForm| form.check().map(drop),
        move |form| api::sign_up(form, next.clone()),
        leave_for,
    );
    view! {
        <Title text="Sign up · Seamline" />
        {signed_in.then(|| view! { <Redirect path="/polls" /> })}
        <section class="narrow card">
            <h1>"Create your account"</h1>
            <p class="lead">"Three open polls, free, for as long as you like."</p>
            <form method="post" novalidate on:submit=move |event| submit.send(event)>
                <Credentials
                    faults=submit.faults
                    email=start.typed.email
                    password="new-password"
                    hint="At least 10 characters. Several words are easy to remember and hard to guess."
                />
                <button type="submit" disabled=submit.pending>
                    "Sign up"
                </button>
            </form>
            <p class="aside">"Have an account? " <a href="/sign-in">"Sign in"</a></p>
        </section>
    }
}
